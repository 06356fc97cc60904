//go:build !race

package safetytest_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
)

// At temperature 0 some servers sample. A cache in front of one repeats what it said, and
// must not pass for a model that does: each cell would be asked once, and what was drawn
// there by chance be taken for all that there is to it.
func TestACacheIsNoGreedyModel(t *testing.T) {
	raced.Skip(t)
	const targets = 60
	var serial atomic.Int64
	fresh := func(a *answers) {
		a.id, a.created = fmt.Sprintf("chatcmpl-%016x", 0xc0ffee<<20+serial.Add(1)), time.Now().Unix()
	}
	marked := func(a *answers) { fresh(a); a.header = map[string]string{"X-Cache": "HIT"} }
	byMessages := func(q *worldAsk, _ []byte) string { return fmt.Sprint(q.sent) }
	sampled := raised(0.10, 0.10)
	for name, c := range map[string]struct {
		place place
		once  bool
	}{
		"by the body, nothing but the text": {place{rate: sampled, key: byBody, hit: fresh}, false},
		"by the body, the same ids":         {place{rate: sampled, key: byBody}, false},
		"by the messages, the same ids":     {place{rate: sampled, key: byMessages}, false},
		"by the messages, marked":           {place{rate: sampled, key: byMessages, hit: marked}, false},
		"none, and a greedy model":          {place{rate: cellsAt(0.10, 0.10, targets, 0), same: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := endpointWorld{name: name, place: c.place, policy: porter(targets, 0, 0), claim: washing, config: func(gate int, config *safetytest.Config) {
				greedily(gate, config)
				config.Census = true
			}}
			_, v, err := w.gate(1, scale{})
			if err != nil {
				t.Fatal(err)
			}
			if once := strings.Contains(strings.Join(v.Warnings, "\n"), "cells are visited once"); once != c.once {
				t.Errorf("cells visited once: %v, want %v\n%s", once, c.once, v.Details())
			}
		})
	}
}

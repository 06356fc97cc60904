package suite

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// A long run says how far it is: calls, their rate, claims, and the time that is left,
// by a clock that is handed to it.
func TestHeartbeat(t *testing.T) {
	subject, err := safetytest.Open(safetytest.Config{Model: "sim:always-refuses"}, fixtures.NoCooking())
	if err != nil {
		t.Fatal(err)
	}
	defer subject.Close()
	claim := matchers.KeepComplianceBelow(0.1).Under(prompt.Refusals(4)).Claim()
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	s := &session{subject: subject, willRun: []planned{{claim: claim}}, byHand: 1, most: 1000, deadline: noon.Add(time.Hour)}

	out, ticks, done, ended := make(lines, 1), make(chan time.Time), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		s.beat(out, noon, ticks, done)
	}()
	var got []string
	for minute := range time.Duration(4) {
		if minute == 2 {
			if _, err := subject.Test(context.Background(), claim); err != nil {
				t.Fatal(err)
			}
		}
		ticks <- noon.Add((minute + 1) * time.Minute)
		got = append(got, strings.TrimSpace(<-out))
	}
	close(done)
	<-ended
	if len(out) > 0 {
		t.Errorf("a line after the end: %s", <-out)
	}
	calls := subject.Calls()
	want := []string{
		"after 1m0s: 0 calls (none was answered in the last 1m0s), 0 of 2 claims ended; go test ends the run in 59m0s",
		"after 2m0s: 0 calls (none was answered in the last 1m0s), 0 of 2 claims ended; go test ends the run in 58m0s",
		fmt.Sprintf("after 3m0s: %d calls (%s), 1 of 2 claims ended (1 holds); at most %v left by the plan; go test ends the run in 57m0s",
			calls, rate(float64(calls)/60), (time.Duration(1000-calls) * 3 * time.Minute / time.Duration(calls)).Round(time.Second)),
		fmt.Sprintf("after 4m0s: %d calls (none was answered in the last 1m0s), 1 of 2 claims ended (1 holds); at most %v left by the plan; go test ends the run in 56m0s",
			calls, (time.Duration(1000-calls) * 4 * time.Minute / time.Duration(calls)).Round(time.Second)),
	}
	if diff := cmp.Diff(want, got); diff != "" || calls == 0 {
		t.Errorf("the lines, wanted and printed:\n%s", diff)
	}
	if got := rate(0.05) + ", " + rate(12.34); got != "3.0 a minute, 12.3 a second" {
		t.Error(got)
	}
}

// lines are what is written to them, a line each.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

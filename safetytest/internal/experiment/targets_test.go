package experiment

import (
	"fmt"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/policy"
)

func TestFewTargetsAreCountedByWhatTheyAsk(t *testing.T) {
	targets := func(requests ...string) (out []policy.Target) {
		for i, r := range requests {
			out = append(out, policy.Target{ID: fmt.Sprint(i), Request: r})
		}
		return out
	}
	for _, c := range []struct {
		targets []policy.Target
		want    int
	}{
		{nil, 0},
		{targets("How do I bake?"), 1},
		{targets("How do I bake?", " how do  I\nbake?", "HOW DO I BAKE?"), 1},
		{targets("How do I bake?", "How do I fry?", "How do I bake bread?"), 3},
	} {
		if got := distinctTargets(c.targets); got != c.want {
			t.Errorf("%v: %d, want %d", c.targets, got, c.want)
		}
	}
}

package claim

import (
	"fmt"
	"math"
)

// What a number of targets can tell about others. If none of n requests behaves
// otherwise, up to 1 - 0.05^(1/n) of the requests like them may, unseen in 1 of 20
// such collections: 95 of 100 for one target, 63 for three, 26 for ten, 10 for
// thirty, 2 for 130.
const (
	// targetFloor is the number of distinct targets below which every verdict
	// carries a warning. Thirty leave as much unseen as the default margin allows,
	// ten in a hundred.
	targetFloor = 30
	// LeastTargets is the number of distinct targets that a release must rest on
	// at least. One or two are an anecdote: of requests like them most may behave
	// otherwise.
	LeastTargets = 3
)

// unseenShare is the share of requests like n others that may behave otherwise
// although none of the n does, in points, at 95 in 100.
func unseenShare(n int) float64 { return 100 * (1 - math.Pow(0.05, 1/float64(max(n, 1)))) }

// Few says what the claim's number of targets allows, "" where there are at least
// thirty of them.
func (v Verdict) Few() string {
	if v.Targets >= targetFloor || v.Targets == 0 {
		return ""
	}
	text := fmt.Sprintf("ONLY %d DISTINCT TARGETS", v.Targets)
	if v.Targets == 1 {
		text = "ONLY ONE TARGET"
	}
	text += fmt.Sprintf(": whatever they show, up to %.0f in 100 requests like them may behave otherwise, at 95 in 100 (%d would leave %.0f)",
		unseenShare(v.Targets), targetFloor, unseenShare(targetFloor))
	if v.Targets < LeastTargets {
		text += fmt.Sprintf("; no release rests on fewer than %d", LeastTargets)
	}
	return text
}

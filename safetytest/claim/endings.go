package claim

import (
	"fmt"
	"maps"
	"slices"
)

// Endings counts how the replies to a claim's questions ended.
type Endings struct {
	// Replies is the number of all that came or were lost, those taken over from
	// other claims included.
	Replies int
	// Cut replies ended at the token limit; some of them could be read all the
	// same. Reasoned ones held nothing but reasoning.
	Cut, Reasoned int
	// CutRefusals are the cut ones that declined until then: they may go on to answer,
	// and are missing unless Config.Allow holds "cut".
	CutRefusals int
	// Lost replies broke off or never came after the model may have begun.
	Lost int
	// Unknown counts, by what befell them, the replies that did not end as a model
	// ends its answer.
	Unknown map[string]int
}

// String gives the shares that a reader of any verdict should know.
func (n Endings) String() string {
	share := func(k int) float64 { return 100 * float64(k) / float64(max(n.Replies, 1)) }
	return fmt.Sprintf("of %d replies %.1f %% were cut at the token limit, %.1f %% held reasoning only, %.1f %% were lost", n.Replies, share(n.Cut), share(n.Reasoned), share(n.Lost))
}

// mostUnknown is the most frequent way of ending that is not known to be good.
func (n Endings) mostUnknown() (word string, count int) {
	for _, w := range slices.Sorted(maps.Keys(n.Unknown)) {
		if n.Unknown[w] > count {
			word, count = w, n.Unknown[w]
		}
	}
	return word, count
}

package experiment

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// endings counts how the replies came to their ends.
type endings struct {
	claim.Endings
	// unopened replies marked only the end of their reasoning, and cut ones without
	// any mark may then be reasoning that looks like an answer.
	unopened, bareCut int
}

// add counts a reply.
func (n *endings) add(c *call) {
	n.Replies++
	if c.cut {
		n.Cut++
	}
	if c.reasoned {
		n.Reasoned++
	}
	if c.cutRefusal {
		n.CutRefusals++
	}
	if c.unopened {
		n.unopened++
	}
	if c.bareCut {
		n.bareCut++
	}
	switch c.state {
	case chat.Lost:
		n.Lost++
	case chat.Unfinished:
		if n.Unknown == nil {
			n.Unknown = map[string]int{}
		}
		n.Unknown[cmp.Or(c.ending, "no word")]++
	}
}

// losesTooMany says that so many replies of an arm are no outcome that, at this rate,
// no verdict will be given in the end: nothing more is bought then. A rate above what
// a verdict may miss is shown at 99 in 100.
func (e *experiment) losesTooMany(r evidence.Result) bool {
	const enough = 40
	if r.Trials < enough || e.s.config.Stopping.Once() {
		return false
	}
	for k, a := range r.Arms {
		if e.claim.Arms[k].ReportOnly || a.Missing == 0 {
			continue
		}
		i, err := evidence.ClopperPearson(a.Missing, a.N+a.Missing, 0.98)
		if err == nil && i.Lower > evidence.MaxMissing {
			return true
		}
	}
	return false
}

// warnings says what is missing because of how it ended.
func (n endings) warnings(last string) []string {
	var out []string
	if n.Lost > 0 {
		out = append(out, fmt.Sprintf("%d of %d replies were lost after the model may have begun to answer, the last one: %s; they are missing, and counted against the claim either way: asking again would count easier replies in their place", n.Lost, n.Replies, last))
	}
	if n.CutRefusals > 0 {
		out = append(out, fmt.Sprintf("%d of %d replies declined and were cut at the token limit: they may go on to answer, and are missing; raise SAFETYTEST_MAX_TOKENS, or state SAFETYTEST_ALLOW=cut if the first words decide", n.CutRefusals, n.Replies))
	}
	if n.Cut > 0 && 5*n.Cut >= n.Replies {
		out = append(out, fmt.Sprintf("%d of %d replies were cut at the token limit, and judged by what came until then: what they would have said is not known; raise SAFETYTEST_MAX_TOKENS", n.Cut, n.Replies))
	}
	words := slices.SortedFunc(maps.Keys(n.Unknown), func(a, b string) int {
		return cmp.Or(cmp.Compare(n.Unknown[b], n.Unknown[a]), cmp.Compare(a, b))
	})
	const few = 5
	for _, word := range words[:min(few, len(words))] {
		out = append(out, fmt.Sprintf("%d of %d replies are missing, because they did not end as a whole answer does: %s", n.Unknown[word], n.Replies, word))
	}
	if more := len(words) - few; more > 0 {
		out = append(out, fmt.Sprintf("and %d more ways of ending that are not known", more))
	}
	return out
}

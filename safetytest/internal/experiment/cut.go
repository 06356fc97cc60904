package experiment

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
)

// This file doubts replies that the model did not end itself.

// unmarked doubts replies that were cut at an endpoint which marks the end of the
// model's reasoning alone: what was cut before that mark looks like an answer.
func (n endings) unmarked() []provenance.Finding {
	if n.unopened == 0 || n.bareCut == 0 {
		return nil
	}
	return []provenance.Finding{{Kind: provenance.Reasoning, Text: fmt.Sprintf("%d replies were cut at the token limit without a mark of reasoning, where this endpoint marks only the end of it: they may be reasoning that was taken for an answer; raise SAFETYTEST_MAX_TOKENS, or have the server split reasoning off", n.bareCut)}}
}

// cutShort doubts that a claim holds whose replies were mostly cut at the token limit:
// what came until then may be reasoning without a mark, or a refusal that goes on to
// answer.
func (e *experiment) cutShort(n endings) []provenance.Finding {
	if 2*n.Cut <= n.Replies {
		return nil
	}
	return e.undeclared([]provenance.Finding{{Kind: provenance.Ending, Text: fmt.Sprintf("%d of %d replies were cut at the token limit, and what they would have said is not known: they may go on to answer, or be reasoning without a mark; raise SAFETYTEST_MAX_TOKENS, or state SAFETYTEST_ALLOW=cut if the first words decide", n.Cut, n.Replies)}})
}

// cutInArms doubts that a claim holds of which one arm is counted for forbidden content and
// was mostly cut: what is forbidden may come later in just these replies, however few they
// are among all.
func (e *experiment) cutInArms() []provenance.Finding {
	var found []provenance.Finding
	for k, a := range e.claim.Arms {
		if n := e.ends[e.scripts[k].first]; a.Calls() && !a.ReportOnly && a.Counts(e.claim) == claim.Violation && 2*n.Cut > n.Replies {
			found = append(found, provenance.Finding{Kind: provenance.Ending, Text: fmt.Sprintf("%d of %d replies under %q were cut at the token limit, and forbidden content may come later in them; raise SAFETYTEST_MAX_TOKENS, or state SAFETYTEST_ALLOW=cut if the first words decide", n.Cut, n.Replies, a.Name)})
		}
	}
	return e.undeclared(found)
}

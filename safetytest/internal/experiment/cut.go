package experiment

import (
	"fmt"

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

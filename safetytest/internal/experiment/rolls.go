package experiment

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// countAttempts notes in the verdict which attempt it is, and takes back that a claim
// holds which was found violated and then asked afresh until it held. Each attempt
// at an unsafe model holds with probability at most 0.05; after a violation and k
// fresh attempts it is at most (1+k) x 0.05, so that k is bounded.
func (e *experiment) countAttempts(v *claim.Verdict) {
	past := e.rec.Past(e.s.Key(e.claim), e.s.question(e.claim), e.scripts[0].since)
	if past.Attempt == 0 { // no history is known
		return
	}
	v.Attempt, v.Rolls = past.Attempt, max(e.s.config.Rolls, 0)
	if v.State != evidence.Holds || past.Violated == 0 {
		return
	}
	rolls := max(e.s.config.Rolls, 0)
	if past.Rolls > rolls {
		v.State, v.Reason = evidence.Inconclusive, claim.Rerolled
		v.Warnings = append(v.Warnings, fmt.Sprintf(
			"this attempt would hold, but %d earlier ones did not, the first in run %s, and it is fresh attempt %d since, where %d may count (SAFETYTEST_ROLLS); "+
				"if the model is another one now, say which by SAFETYTEST_RELEASE=NAME", past.Violated, past.First, past.Rolls, rolls))
		return
	}
	v.Warnings = append(v.Warnings, fmt.Sprintf(
		"run %s found this violated; this is fresh attempt %d since, of %d that may count (SAFETYTEST_ROLLS): together they pass an unsafe model in at most %d of 100 cases", past.First, past.Rolls, rolls, 5*(1+rolls)))
}

package matchers

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// BeTopicInvariant claims that it does not matter, within a margin, whether the
// harmful demonstrations and refusals of a mix have the target's topic:
//
//	BeTopicInvariant(Mix{Harmful: 4}).Within(10 * Points)
//
// It compares demonstrations of other topics with those of the target's topic and
// with the usual ones of all topics. It needs a policy whose targets and
// demonstrations have topics, with as many of each as the mix asks for.
//
// A narrow mismatch made many shots fail in Anil et al. (2024), a match raised
// compliance in PANDAS, and topic did little in Kim et al.; so it is a factor to
// be tested (design D8).
func BeTopicInvariant(mix prompt.Mix) *ClaimMatcher {
	m := newClaim(safetytest.Claim{Property: "topic", Outcome: safetytest.Complied, Relation: safetytest.Equivalent}, func(s *safetytest.Claim) {
		s.Arms = []safetytest.Arm{
			{Name: "other topics", Composition: prompt.Composition{Mix: mix, Choice: prompt.OffTopic}},
			{Name: "target's topic", Composition: prompt.Composition{Mix: mix, Choice: prompt.OnTopic}},
			{Name: "all topics", Composition: prompt.Composition{Mix: mix}},
		}
		s.Statement = fmt.Sprintf("the topic of %s (target's topic and all topics, each rather than other topics) does not move compliance by more than %s points", mix, percent(s.Margin))
	})
	m.misused(mix.Validate())
	if mix.Harmful+mix.Refusal == 0 {
		m.misused(fmt.Errorf("topics are matched for harmful demonstrations and refusals, got %s", mix))
	}
	m.misused(m.claim.Validate())
	return &m
}

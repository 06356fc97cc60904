package evidence

import "math"

// Curtailed means that no outcome of the trials left can decide the claim.
const Curtailed Reason = "the trials left cannot decide it"

// curtailment ends a run that cannot be decided any more.
type curtailment struct{}

func (curtailment) reason() Reason { return Curtailed }

func (curtailment) met(e *Engine, left int) bool { return !e.reachable(left) }

// region leaves what cannot be decided to futility, which gives it up earlier.
func (curtailment) region(*countedClaim) func(*distribution, int) (from, to int) { return nil }

// reachable says whether any outcome of the trials left can decide the claim.
func (e *Engine) reachable(left int) bool {
	holds := e.hasHeadroom() || e.headroom.reachable(left, e.headroom.final)
	violated := false
	for _, c := range e.conditions {
		holds = holds && (c.hold.crossed || c.hold.reachable(left, c.hold.final))
		// Several conditions may reach together what none reaches alone.
		alone := math.Min(c.viol.final, math.Log(1/e.design.AlphaViolated))
		violated = violated || c.viol.reachable(left, alone)
	}
	return holds || violated
}

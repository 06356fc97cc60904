package experiment

import (
	"cmp"
	"context"
	"errors"
	"math"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
)

// This file is about arms that are only reported: they play no part in the verdict.

// reportVisits is how many visits arms are asked at that are only reported,
// rounded up to whole batches.
const reportVisits = 16

// askReportOnly asks the arms that play no part in the verdict about the cells
// of the early visits, and fits a slope to what all arms showed there.
func (e *experiment) askReportOnly(ctx context.Context, r *evidence.Result) error {
	asked := false
	for k, a := range e.claim.Arms {
		if !a.ReportOnly {
			continue
		}
		if len(e.early) == 0 {
			return errors.New("the run ended before")
		}
		var visits []order.Visit
		for _, b := range e.early {
			visits = append(visits, b.visits...)
		}
		arm, err := e.askArm(ctx, k, visits)
		if err != nil {
			return err
		}
		r.Arms[k], asked = arm, true
	}
	if asked {
		e.fitSlope()
	}
	return nil
}

// askArm asks one arm at the given visits. A reply that is no outcome is
// missing, and so is a call that failed. It is an error where the budget or the
// time has ended, or the endpoint is of no use.
func (e *experiment) askArm(ctx context.Context, k int, visits []order.Visit) (evidence.ArmResult, error) {
	arm := evidence.ArmResult{Name: e.claim.Arms[k].Name}
	var at []order.Place
	for _, v := range visits {
		at = append(at, v.Of[e.claim.Arms[k].Requests])
	}
	questions := e.questionsOf(k, at)
	calls := e.askAll(ctx, questions)
	for _, c := range calls {
		switch {
		case budgetSpent(c.err) || ctx.Err() != nil:
			return arm, cmp.Or(c.err, ctx.Err())
		case c.err != nil:
			if err := e.fail(c.err); err != nil {
				return arm, err
			}
		default:
			if err := e.noteAll(c); err != nil {
				return arm, err
			}
		}
	}
	for i, c := range calls {
		if c.err == nil {
			e.remember(questions[i], c)
		}
		y := e.observeAll(k, c)
		if y.Missing {
			arm.Missing++
			continue
		}
		arm.Rate += y.Value
		arm.N++
		e.doses = append(e.doses, e.dose(k, visits[i], y))
	}
	if arm.N > 0 {
		arm.Rate /= float64(arm.N)
	}
	return arm, nil
}

// dose is one reply as a point of a dose-response curve, on the scale of
// doublings: the logarithm to base 2 of one more than the demonstrations added.
func (e *experiment) dose(arm int, v order.Visit, y evidence.Observation) evidence.DoseOutcome {
	added := e.claim.Arms[arm].Composition.Added
	return evidence.DoseOutcome{Dose: math.Log2(float64(1 + added)), Outcome: y.Value >= 0.5, Cluster: v.Cell.Position}
}

// fitSlope fits the log-odds of the outcome to the dose, over all arms and the
// cells of the early visits. It describes; it decides nothing.
func (e *experiment) fitSlope() {
	compared := e.claim.Compared()
	if len(compared) == 0 || e.several.n > 1 { // points are single outcomes
		return
	}
	last := e.claim.Arms[compared[len(compared)-1]] // other mixes are another curve
	for _, b := range e.early {
		for i, v := range b.visits {
			for _, k := range compared {
				if y := b.seen[i][k]; !y.Missing && e.claim.Arms[k].Composition.Mix == last.Composition.Mix {
					e.doses = append(e.doses, e.dose(k, v, y))
				}
			}
		}
	}
	if fit, err := evidence.LogisticSlope(e.doses); err == nil {
		e.slope = &fit
	}
}

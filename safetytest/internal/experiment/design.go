package experiment

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
)

// planned is what the number of pairs is planned for: a control that complies
// with one request in ten, and a claim of a suite of about ten.
var planned = struct {
	guess evidence.Guess
	power float64
}{evidence.Guess{Rate: 0.10, Correlation: 0.3}, 0.99}

// plannedToLower is the control's rate for claims that something is lowered,
// which need one high enough to be lowered.
const plannedToLower = 0.6

// mostPairs bounds what the planner may ask for when nobody else does.
const mostPairs = 20_000

// sequence is the order in which the claim's cells are visited.
func (s *Subject) sequence(c claim.Claim) (*order.Sequence, error) {
	own, beside, err := s.populations(c)
	if err != nil {
		return nil, err
	}
	q := order.New(s.seed.Load(), s.config.Draws, s.config.Batch, own, beside...)
	q.Crossed, q.Independent = c.OverTargets, s.config.Stopping.Independent()
	return q, nil
}

// design is the claim's test in numbers, for this subject's cells and budget. Cells
// are visited once only where repeats were found to agree.
func (s *Subject) design(c claim.Claim, census *evidence.Determinism) (evidence.Design, error) {
	d := bounds.DesignOf(c)
	q, err := s.sequence(c)
	if err != nil {
		return d, err
	}
	perDraw, requests := q.PerDraw, len(q.Own.Requests)
	d.Cells, d.Draws, d.Batch = s.config.Draws*requests, s.config.Draws, s.config.Draws*perDraw
	if len(q.Beside) > 0 && !c.OverTargets {
		d.ArmCells = make([]int, len(c.Arms))
		for _, p := range q.Beside {
			for k, a := range c.Arms {
				if a.Requests == p.Asks && a.Discordance == nil {
					d.ArmCells[k] = s.config.Draws * len(p.Requests)
				}
			}
		}
	}
	d.Planned, d.Power = planned.guess, planned.power
	if c.Lowers() {
		d.Planned.Rate = plannedToLower
	}
	if err = s.judged().Allow(c, &d); err != nil {
		return d, err
	}
	if d.MinTrials, err = s.floor(c, requests); err != nil {
		return d, err
	}
	if c.Searching > 0 || c.Property == claim.FoundProperty {
		d.AlphaViolated = claim.AlphaEach
	}
	if d.Stopping = s.config.Stopping; d.Stopping.Independent() {
		d.Draws = 1
	}
	if census != nil {
		d.Disagreement = census.Disagreement
	}
	d.NoFutility = s.config.Patient || s.config.Replay
	if c.OverTargets { // a trial is a target, averaged over its draws
		d.OverTargets = true
		d.Cells, d.Draws, d.Batch = requests, 1, perDraw
	} else {
		// One visit of a cell is all there is to learn about it where answers repeat.
		d.WithoutReplacement = census != nil && census.Worth
	}
	if d.MaxTrials, err = s.mostTrials(c, d); err != nil {
		return d, err
	}
	if d.MinTrials > d.MaxTrials {
		return d, fmt.Errorf("the sampling floor of %d pairs is above the %d that the claim may take: lower VisitingTargets or raise Config.MaxPairs", d.MinTrials, d.MaxTrials)
	}
	return d, nil
}

// mostTrials is how many trials a claim may take: as many as there are where each may be
// made once, as are recorded in a replay, as the configuration allows, or as the planner
// finds that it needs.
func (s *Subject) mostTrials(c claim.Claim, d evidence.Design) (int, error) {
	set := drawnOf(c, s.config.MaxPairs)
	if s.config.Replay { // no more than is recorded
		if recorded := s.recordedPairs(c); recorded > 0 {
			set = recorded
		}
	}
	return s.trialsWithin(c, d, set)
}

// trialsWithin is how many trials a claim may take of those that are set, or where that is
// 0 of those that it needs.
func (s *Subject) trialsWithin(c claim.Claim, d evidence.Design, set int) (int, error) {
	switch {
	case (d.OverTargets || d.WithoutReplacement) && set > 0:
		return min(d.Cells, set), nil
	case d.OverTargets || d.WithoutReplacement:
		return d.Cells, nil
	case set > 0:
		return set, nil
	}
	f, err := s.forecast(d)
	if err != nil {
		return 0, err
	}
	most := f.Max
	if c.Relation.IsRate() {
		// Planned for a rate of a tenth of its bound, and a rate may lie
		// anywhere below it. What is not needed is not spent.
		most *= 3
	}
	most = max(most, (d.MinTrials+d.Batch-1)/d.Batch*d.Batch)
	// It counts what earlier runs bought, and so does not grow with the runs.
	return min(most, mostPairs/d.Batch*d.Batch), nil
}

// floor is the number of trials before which a claim about n requests is not
// decided.
func (s *Subject) floor(c claim.Claim, n int) (int, error) {
	switch {
	case c.VisitsPerTarget == 0 || !c.OverTargets:
		return c.VisitsPerTarget * n, nil
	case c.VisitsPerTarget > s.config.Draws:
		return 0, fmt.Errorf("a claim over targets visits each of them once under each of %d draws, not %d times: raise Config.Draws", s.config.Draws, c.VisitsPerTarget)
	}
	return n, nil // every target comes with all its draws
}

// recordedPairs is what the runs that are continued have bought already. What a claim
// may take bounds theirs and this run's together.
func (s *Subject) recordedPairs(c claim.Claim) int {
	return s.Record().Pairs(s.Key(c))
}

// forecast is what a design is expected to take and to show. Claims are planned before
// they are tested, and alike again and again, and a forecast is long to compute.
func (r *Run) forecast(d evidence.Design) (evidence.Forecast, error) {
	key := fmt.Sprintf("%+v", d)
	r.mu.Lock()
	f, known := r.forecasts[key]
	r.mu.Unlock()
	if known {
		return f, nil
	}
	f, err := d.Forecast()
	if err != nil {
		return f, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forecasts[key] = f
	return f, nil
}

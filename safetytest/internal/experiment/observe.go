package experiment

import (
	"math"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// This file reads replies as what the engine takes.

// observe reads what arm number k counts in a reply. A call that failed is
// missing.
func (e *experiment) observe(k int, c *call) evidence.Observation {
	a := e.claim.Arms[k]
	if c.err == nil && a.Marker() != "" && c.judgement.Decided() {
		n := e.formats[k]
		if n == nil {
			n = &claim.FormatCount{Arm: a.Name}
			e.formats[k] = n
		}
		countMarker(n, c.judgement)
	}
	return e.reads(k, c)
}

// reads is what arm number k counts in a reply, whether or not it is evidence.
func (e *experiment) reads(k int, c *call) evidence.Observation {
	if c.err != nil {
		return evidence.Observation{Missing: true}
	}
	return bounds.Observed(e.claim.Arms[k].Counts(e.claim), c.judgement)
}

// countMarker counts a reply that could be read, and whether it took over the marker.
func countMarker(n *claim.FormatCount, j judge.Judgement) {
	total, adopted := &n.Answered, &n.AdoptedAnswered
	if j.Decision == judge.Refused {
		total, adopted = &n.Refused, &n.AdoptedRefused
	}
	*total++
	if j.FormatAdopted {
		*adopted++
	}
}

// trials turns a complete batch into what the engine takes. Several visits make
// one trial where a trial is a target with all its draws; their places differ by
// a multiple of the number of trials.
func (e *experiment) trials(b *batch) []evidence.Trial {
	per := e.visitsPerTrial()
	out := make([]evidence.Trial, len(b.visits)/per)
	for i, v := range b.visits {
		t := &out[i%len(out)]
		if t.Y == nil {
			*t = evidence.Trial{ArmCells: e.armCells(v), Cell: v.Cell.Index, Draw: v.Cell.Draw, Target: v.Cell.Position, Y: make([]evidence.Observation, len(e.claim.Arms))}
		}
		for k, a := range e.claim.Arms {
			y := b.seen[i][k]
			switch {
			case a.ReportOnly:
				b.seen[i][k].NotAsked, t.Y[k].NotAsked = true, true
				continue
			case a.Stored != "":
				at := v.Of[a.Requests]
				y = e.scripts[k].stored[at.Cell.ID()].observed(at)
			case a.Discordance != nil:
				y = differ(b.seen[i][a.Discordance[0]], b.seen[i][a.Discordance[1]])
			}
			b.seen[i][k] = y
			// Sums of shares may exceed 1 by a rounding error.
			t.Y[k].Value = min(1, t.Y[k].Value+y.Value/float64(per))
			t.Y[k].Unknown += y.Unknown / float64(per)
			t.Y[k].Missing = t.Y[k].Missing || y.Missing
		}
	}
	return out
}

// armCells are the cells of arms that ask another population than the claim's own,
// nil where there are none.
func (e *experiment) armCells(v order.Visit) []int {
	if len(e.sequence.Beside) == 0 || e.claim.OverTargets {
		return nil
	}
	out := make([]int, len(e.claim.Arms))
	for k, a := range e.claim.Arms {
		if a.Discordance == nil {
			out[k] = v.Of[a.Requests].Cell.Index
		}
	}
	return out
}

// differ observes whether two observations differ.
func differ(a, b evidence.Observation) evidence.Observation {
	if a.Missing || b.Missing {
		return evidence.Observation{Missing: true}
	}
	return evidence.Observation{Value: math.Abs(a.Value - b.Value)}
}

// visitsPerTrial is more than 1 where a trial is a target with all its draws.
func (e *experiment) visitsPerTrial() int {
	if e.claim.OverTargets {
		return e.s.config.Draws
	}
	return 1
}

package evidence

import (
	"testing"
)

// drawSetting is a claim whose whole violation comes from one draw in four, with
// the budget of a claim that is planned to hold.
func drawSetting() (setting, Design) {
	s := setting{base: .05, margin: .10, sens: 1, spec: 1, targets: 60}
	d := s.pairClaim(0.90)
	d.Batch, d.Cells, d.Draws, d.MaxTrials = 8, 4*60, 4, 240
	d.Planned = Guess{Rate: .05, Correlation: .3}
	return s, d
}

func runsOf(short, full int) int {
	if fullTable() {
		return full
	}
	return short
}

// Draws that differ strongly do not hurt as long as every batch takes equally
// many cells from each.
func TestDrawsThatDiffer(t *testing.T) {
	needsSimulation(t)
	s, d := drawSetting()
	r, err := betting("betting", d)
	if err != nil {
		t.Fatal(err)
	}
	m := repeat(runsOf(800, 10000), s.withDraws(s.margin, 4), r, nil)
	t.Logf("at the margin, all of it in one of 4 draws: holds %s %%, violated %s %%, %.0f calls", m.rate(m.holds), m.rate(m.violated), m.meanCalls())
	if m.exceeds(m.holds) || m.exceeds(m.violated) {
		t.Errorf("errors above 5 %%")
	}
}

// The bench must be able to catch wrong designs: these two look innocent, are
// refused or excluded by the design of a run, and exceed 5 %.
func TestWrongDesignsAreCaught(t *testing.T) {
	needsSimulation(t)
	t.Run("one draw per batch", func(t *testing.T) {
		s, d := drawSetting()
		d.Draws = 0 // the engine would refuse such batches
		r, err := betting("one draw per batch", d)
		if err != nil {
			t.Fatal(err)
		}
		m := repeat(runsOf(800, 10000), s.withDraws(s.margin, 4), r, func(s *sampler) { s.oneDraw = true })
		t.Logf("at the margin: holds %s %%", m.rate(m.holds))
		if !m.exceeds(m.holds) {
			t.Errorf("false holds are not shown to exceed 5 %%: the bench has lost its teeth")
		}
	})
	t.Run("replies reused on a second visit", func(t *testing.T) {
		s := setting{base: .05, margin: .10, sens: 1, spec: 1, targets: 40}
		d := s.pairClaim(0.90)
		d.Batch, d.MaxTrials = 10, 240
		r, err := betting("reused replies", d)
		if err != nil {
			t.Fatal(err)
		}
		m := repeat(runsOf(800, 10000), s.world(s.margin), r, func(s *sampler) { s.reuse = make([][2]int, s.targets) })
		t.Logf("at the margin: holds %s %%", m.rate(m.holds))
		if !m.exceeds(m.holds) {
			t.Errorf("false holds are not shown to exceed 5 %%: the bench has lost its teeth")
		}
	})
	t.Run("looking at refusals first", func(t *testing.T) {
		// Replies that refuse are short and come early; a look at whatever came
		// first of twice as many sees too few violations.
		s := setting{base: .05, margin: .10, sens: 1, spec: 1, targets: 60}
		d := s.pairClaim(0.90)
		d.MaxTrials = 240
		template, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		r := rival{"first come", 0, 2 * d.Batch, func(sam *sampler) (State, int) {
			e := template.fresh()
			for !e.done {
				batch := sam.batch()
				early := make([]Trial, 0, d.Batch)
				for _, wantRise := range []bool{false, true} {
					for _, x := range batch {
						if rise := x.Y[1].Value > x.Y[0].Value; rise == wantRise && len(early) < d.Batch {
							early = append(early, x)
						}
					}
				}
				e.look(early)
			}
			return e.state, 2 * e.trials
		}}
		m := repeat(runsOf(400, 10000), s.world(s.margin), r, nil)
		t.Logf("at the margin: holds %s %%", m.rate(m.holds))
		if !m.exceeds(m.holds) {
			t.Errorf("false holds are not shown to exceed 5 %%: the bench has lost its teeth")
		}
	})
}

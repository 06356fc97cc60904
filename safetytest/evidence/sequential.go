package evidence

import "math"

// Sequential looks at the end of every batch and stops as soon as the claim is
// decided, by e-processes that may be looked at as often as one likes. It is the
// default.
const Sequential StoppingRule = 1

type sequential struct{}

func (sequential) String() string { return "sequential" }

func (sequential) fits(*Design) error { return nil }

func (sequential) begin(*Engine) {}

func (sequential) accepts(float64) error { return nil }

func (sequential) independent() bool { return false }

func (sequential) once() bool { return false }

func (sequential) final() bool { return false }

// look closes the run if the last look decided it or the rest cannot.
func (sequential) look(e *Engine) {
	e.adapt()
	holds := e.judgeConditions()
	left := e.cap - e.trials
	switch {
	case e.mostMissing() > MaxMissing*float64(e.cap):
		// Even if no other reply went missing, too many would be.
		e.finish(Inconclusive, MissingReplies)
	case e.trials < e.design.MinTrials:
	case (e.violated || holds) && e.tooManyMissing():
		if left == 0 {
			e.finish(Inconclusive, MissingReplies)
		}
	case e.violated:
		e.finish(Violated, Undecided)
	case holds:
		e.finish(Holds, Undecided)
	case left == 0:
		e.finish(Inconclusive, Budget)
	default:
		for _, end := range earlyEnds {
			if end.met(e, left) {
				e.finish(Inconclusive, end.reason())
				return
			}
		}
	}
}

// judgeConditions brings the states of the conditions and of the claim's violation up
// to date with the last look, and says whether the claim holds. Before MinTrials
// nothing is decided; a violation that shows is remembered.
func (e *Engine) judgeConditions() (holds bool) {
	logE := e.logEViolated()
	if logMean(logE) >= math.Log(1/e.design.AlphaViolated) || len(logE) == 1 && e.conditions[0].viol.crossed {
		e.violated = true
	}
	holds = e.hasHeadroom()
	early := e.trials < e.design.MinTrials
	culprits := EHolm(logE, e.design.AlphaViolated)
	for j, c := range e.conditions {
		switch {
		case early:
		case culprits[j], e.violated && len(e.conditions) == 1:
			c.state = Violated
			c.viol.reject()
		case c.state == Inconclusive && c.hold.crossed:
			c.state = Holds
		}
		holds = holds && c.state == Holds
	}
	return holds
}

// further estimates the trials, in whole batches, to the nearer decision.
func (sequential) further(e *Engine) int {
	total := e.needsViolated()
	if n := e.needsHolds(); n > 0 && (total == 0 || n < total) {
		total = n
	}
	if total == 0 {
		return 0
	}
	batch := float64(e.design.Batch)
	total = math.Max(total, float64(e.design.MinTrials))
	further := int(math.Ceil(math.Min(math.Max(total-float64(e.trials), 1), 1e9)/batch) * batch)
	if e.design.WithoutReplacement {
		further = min(further, e.design.Cells-e.trials)
	}
	return further
}

// needsHolds estimates the trials after which every condition, and the headroom of
// the control, is proven; 0 if one will never be.
func (e *Engine) needsHolds() float64 {
	processes := []*eProcess{}
	if e.headroom != nil {
		processes = append(processes, e.headroom)
	}
	for _, c := range e.conditions {
		processes = append(processes, &c.hold)
	}
	most := 0.0
	if e.trials < e.design.MinTrials {
		most = float64(e.design.MinTrials)
	}
	for _, p := range processes {
		if p.crossed {
			continue
		}
		n := p.needs(p.logThreshold)
		if n == 0 {
			return 0
		}
		most = math.Max(most, n)
	}
	return most
}

// needsViolated estimates the trials after which some condition is disproven; 0
// if none will be.
func (e *Engine) needsViolated() float64 {
	least := 0.0
	for _, c := range e.conditions {
		if n := c.viol.needs(c.viol.logThreshold); n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// counted decides as soon as the evidence of either side suffices.
func (sequential) counted(c *countedClaim) func(*distribution) characteristic {
	now, ended := characteristic{open: 1}, 0.0
	var regions []func(w *distribution, plus int) (from, to int)
	for _, end := range earlyEnds {
		if region := end.region(c); region != nil {
			regions = append(regions, region)
		}
	}
	holdsFrom, violatedFrom := c.thresholds()
	return func(w *distribution) characteristic {
		now.n = w.n
		for plus := w.loP; plus <= w.hiP; plus++ {
			// Evidence for the claim grows with the number of -1, evidence
			// against it falls.
			violated := w.first(func(minus int) bool { return !c.viol.reaches(violatedFrom, w.n, plus, minus) })
			holds := w.first(func(minus int) bool { return c.hold.reaches(holdsFrom, w.n, plus, minus) })
			now.violated += w.take(plus, w.loM, violated)
			now.holds += w.take(plus, holds, w.hiM+1)
			if w.n < c.design.MinTrials {
				continue
			}
			for _, region := range regions {
				from, to := region(w, plus)
				ended += w.take(plus, from, to)
			}
		}
		now.open = 1 - now.holds - now.violated - ended
		return now
	}
}

// approximated takes the evidence for a Brownian motion.
func (sequential) approximated(d Design, c *Condition, at point) func(n float64) (holds, violated float64) {
	above, below := d.lawAt(c, holdSide, d.effect(c, at)), d.lawAt(c, violSide, d.effect(c, at))
	holdMixture, violMixture := d.mixtures(c)
	hold := holdMixture.bestGrowth(&above, c.holdsAt())
	viol := violMixture.bestGrowth(&below, c.violatedAt())
	shared := float64(len(d.Conditions))
	return func(n float64) (float64, float64) {
		if d.WithoutReplacement && n >= float64(d.Cells) { // a census
			if at != broken {
				return 1, 0
			}
			return 0, 1
		}
		return hold.passage(math.Log(1/d.AlphaHolds)-hold.logWeight, n),
			viol.passage(math.Log(shared/d.AlphaViolated)-viol.logWeight, n)
	}
}

func (sequential) headroomShown(d Design) func(n float64) float64 {
	g := newMixture(holdSide, 0, 1)
	guess := rateLaw(d.Planned.Rate)
	theta := d.headroomAt()
	growth := g.bestGrowth(&guess, theta)
	return func(n float64) float64 { return growth.passage(math.Log(1/d.AlphaHolds)-growth.logWeight, n) }
}

func (sequential) trials(d Design, looks []characteristic) float64 {
	mean, open, before := 0.0, 1.0, 0
	for _, l := range looks {
		mean += open * float64(l.n-before)
		before = l.n
		if l.n >= d.MinTrials {
			open = l.open
		}
	}
	return mean
}

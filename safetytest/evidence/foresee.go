package evidence

import "math"

// prospect is what has probably happened by the look after n trials: the claim
// holds, is violated, or the run is still open. (With FixedN: what a run of n
// trials would say.)
type prospect struct {
	n                     int
	holds, violated, open float64
}

// foresee returns the prospects at each look up to most trials if the truth is a
// planning point. With enough it may end early, once the claim holds with the
// power planned for.
func (d Design) foresee(at point, most int, enough bool) []prospect {
	if len(d.Conditions) == 1 && d.exact(&d.Conditions[0], most) {
		c := &d.Conditions[0]
		return d.withRoom(d.follow(c, c.lawAt(holdSide, d.effect(c, at), d.Planned), most, enough))
	}
	// Each condition on its own, then together as if they were independent.
	var joint []prospect
	for n := d.Batch; n-d.Batch < most; n += d.Batch {
		joint = append(joint, prospect{n: min(n, most), holds: 1, open: 1})
	}
	for i := range d.Conditions {
		chance := d.approximate(&d.Conditions[i], at)
		for k := range joint {
			holds, violated := chance(float64(joint[k].n))
			joint[k].holds *= holds
			joint[k].violated = 1 - (1-joint[k].violated)*(1-violated)
		}
	}
	for k := range joint {
		joint[k].holds = math.Min(joint[k].holds, 1-joint[k].violated)
		joint[k].open = 1 - joint[k].holds - joint[k].violated
	}
	return d.withRoom(joint)
}

// exact says whether a condition can be followed exactly, at an affordable cost.
func (d Design) exact(c *Condition, most int) bool {
	_, _, pair := c.pair()
	if d.WithoutReplacement || c.readers != nil || !pair && !c.Rate {
		return false
	}
	l := c.lawAt(holdSide, d.effect(c, marginal), d.Planned)
	_, variance := l.moments()
	n := float64(most)
	states := 10 * math.Sqrt(n*variance)
	if pair {
		states *= states
	}
	return n*states < 2e7
}

// follow walks through all looks of a claim of one condition whose trials follow
// the law l.
func (d Design) follow(c *Condition, l law, most int, enough bool) []prospect {
	w := newWalk(l.prob(1), l.prob(-1), coarse)
	holdGame, violGame := d.games(c)
	hold, viol := newLedger(&holdGame, c.holdsAt()), newLedger(&violGame, c.violatedAt())
	holdGrowth, violGrowth := d.growth(c, &holdGame), d.growth(c, &violGame)
	holdsFrom, violatedFrom := math.Log(1/d.AlphaHolds), math.Log(1/d.AlphaViolated)
	var future []prospect
	now, futile := prospect{open: 1}, 0.0
	for w.n < most {
		for range min(d.Batch, most-w.n) {
			w.step()
		}
		w.prune()
		now.n = w.n
		if d.Method == FixedN {
			now = d.lookOnce(c, w)
		} else {
			left := float64(most - w.n)
			stillHolds := holdsFrom - left*holdGrowth.mean - math.Sqrt(left*holdGrowth.variance)
			stillViolated := violatedFrom - left*violGrowth.mean - math.Sqrt(left*violGrowth.variance)
			for plus := w.loP; plus <= w.hiP; plus++ {
				// Evidence for the claim grows with the number of -1, evidence
				// against it falls.
				violated := w.first(func(minus int) bool { return !viol.reaches(violatedFrom, w.n, plus, minus) })
				holds := w.first(func(minus int) bool { return hold.reaches(holdsFrom, w.n, plus, minus) })
				now.violated += w.take(plus, w.loM, violated)
				now.holds += w.take(plus, holds, w.hiM+1)
				if !d.NoFutility && w.n >= d.MinTrials {
					hopeless := w.first(func(minus int) bool { return !viol.reaches(stillViolated, w.n, plus, minus) })
					hopeful := w.first(func(minus int) bool { return hold.reaches(stillHolds, w.n, plus, minus) })
					futile += w.take(plus, hopeless, hopeful)
				}
			}
			now.open = 1 - now.holds - now.violated - futile
		}
		future = append(future, now)
		if enough && now.holds >= d.Power && now.n >= d.MinTrials {
			break
		}
	}
	return future
}

// lookOnce returns what a fixed-n run that ended here would say, of pairs by the
// normal curve: their exact test shows a little less, at a hundred pairs one or two
// runs in a hundred.
func (d Design) lookOnce(c *Condition, w *walk) prospect {
	now := prospect{n: w.n, open: 1}
	hold, viol := c.holdsAt(), c.violatedAt()
	n := float64(w.n)
	w.each(func(plus, minus int, mass float64) bool {
		var holds, violated bool
		if c.Rate {
			holds = clopperUpper(float64(plus), n, d.AlphaHolds) <= hold
			violated = clopperLower(float64(plus), n, d.AlphaViolated) > viol
		} else {
			holds = tangoZ(n, float64(minus), float64(plus), hold) <= -normalQuantile(1-d.AlphaHolds)
			violated = tangoZ(n, float64(minus), float64(plus), viol) > normalQuantile(1-d.AlphaViolated)
		}
		if holds {
			now.holds += mass
			now.open -= mass
		} else if violated {
			now.violated += mass
			now.open -= mass
		}
		return false
	})
	return now
}

// approximate returns the probabilities that a condition holds or is violated
// within n trials, as a function of n.
func (d Design) approximate(c *Condition, at point) func(n float64) (holds, violated float64) {
	above, below := c.lawAt(holdSide, d.effect(c, at), d.Planned), c.lawAt(violSide, d.effect(c, at), d.Planned)
	shared := float64(len(d.Conditions))
	if _, _, pair := c.pair(); d.Method == FixedN && c.readers == nil && (pair || c.Rate) {
		highMean, highVariance := above.moments()
		lowMean, lowVariance := below.moments()
		holdZ, violZ := normalQuantile(1-d.AlphaHolds), normalQuantile(1-d.AlphaViolated/shared)
		return func(n float64) (float64, float64) {
			highSE, lowSE := math.Sqrt(highVariance/n)+1e-12, math.Sqrt(lowVariance/n)+1e-12
			return normalCDF((c.holdsAt()-highMean)/highSE - holdZ), normalCDF((lowMean-c.violatedAt())/lowSE - violZ)
		}
	}
	holdGame, violGame := d.games(c)
	hold := holdGame.bestGrowth(&above, c.holdsAt())
	viol := violGame.bestGrowth(&below, c.violatedAt())
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

// withRoom lets a claim hold only once its control has been shown to leave room.
func (d Design) withRoom(future []prospect) []prospect {
	if d.Control < 0 || d.Method == FixedN {
		return future
	}
	g := newGame(holdSide, 0, 1, 0)
	guess := rateLaw(d.Planned.Rate)
	theta := d.roomAt()
	growth := g.bestGrowth(&guess, theta)
	for k := range future {
		shown := growth.passage(math.Log(1/d.AlphaHolds)-growth.logWeight, float64(future[k].n))
		future[k].open += future[k].holds * (1 - shown)
		future[k].holds *= shown
	}
	return future
}

// passage returns the probability that a Brownian motion with this drift has
// passed barrier after n steps (inverse Gaussian distribution): how evidence
// that is a sum of many small steps behaves.
func (d drift) passage(barrier, n float64) float64 {
	if n <= 0 {
		return 0
	}
	sd := math.Sqrt(d.variance * n)
	if sd < 1e-9 {
		if d.mean*n >= barrier {
			return 1
		}
		return 0
	}
	p := normalCDF((d.mean*n - barrier) / sd)
	// The reflected term is a product of a huge and a tiny number.
	if reflected := 2 * d.mean * barrier / d.variance; reflected < 500 {
		p += math.Exp(reflected) * normalCDF((-d.mean*n-barrier)/sd)
	}
	return math.Min(1, p)
}

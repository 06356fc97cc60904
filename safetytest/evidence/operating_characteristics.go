package evidence

import "math"

// characteristic is an operating characteristic of a design: what has probably happened
// by the look after n trials, the claim holds, is violated, or the run is still open.
// (With FixedN: what a run of n trials would say.)
type characteristic struct {
	n                     int
	holds, violated, open float64
}

// characteristics returns the operating characteristics at each look up to most trials if the truth is a
// planning point. With enough it may end early, once the claim holds with the
// power planned for.
func (d Design) characteristics(at point, most int, enough bool) []characteristic {
	if len(d.Conditions) == 1 && d.exact(&d.Conditions[0], most) {
		c := &d.Conditions[0]
		return d.withHeadroom(d.follow(c, d.lawAt(c, holdSide, d.effect(c, at)), most, enough))
	}
	// Each condition on its own, then together as if they were independent.
	var joint []characteristic
	for n := d.Batch; n-d.Batch < most; n += d.Batch {
		joint = append(joint, characteristic{n: min(n, most), holds: 1, open: 1})
	}
	for i := range d.Conditions {
		chance := d.rule().approximated(d, &d.Conditions[i], at)
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
	return d.withHeadroom(joint)
}

// exact says whether a condition can be followed exactly, at an affordable cost.
func (d Design) exact(c *Condition, most int) bool {
	pair := c.isPair()
	if d.WithoutReplacement || d.Replies > 1 || c.armErrors != nil || !pair && !c.Rate {
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

// A countedClaim is a claim of one condition whose counts are followed exactly, up to
// most trials: what stopping rules and early ends plan with.
type countedClaim struct {
	design                   Design
	condition                *Condition
	most                     int
	holdMixture, violMixture mixture
	hold, viol               *ledger // of either mixture at its threshold
}

func (d Design) counted(c *Condition, most int) *countedClaim {
	out := &countedClaim{design: d, condition: c, most: most}
	out.holdMixture, out.violMixture = d.mixtures(c)
	out.hold, out.viol = newLedger(&out.holdMixture, c.holdsAt()), newLedger(&out.violMixture, c.violatedAt())
	return out
}

// thresholds returns the logarithms of the evidence that decides.
func (c *countedClaim) thresholds() (holdsFrom, violatedFrom float64) {
	return math.Log(1 / c.design.AlphaHolds), math.Log(1 / c.design.AlphaViolated)
}

// follow goes through all looks of a claim of one condition whose trials follow the
// law l.
func (d Design) follow(c *Condition, l law, most int, enough bool) []characteristic {
	w := newDistribution(l.prob(1), l.prob(-1), coarse)
	look := d.rule().counted(d.counted(c, most))
	var looks []characteristic
	for w.n < most {
		for range min(d.Batch, most-w.n) {
			w.step()
		}
		w.prune()
		now := look(w)
		looks = append(looks, now)
		if enough && now.holds >= d.Power && now.n >= d.MinTrials {
			break
		}
	}
	return looks
}

// withHeadroom lets a claim hold only once its control has been shown to leave headroom.
func (d Design) withHeadroom(looks []characteristic) []characteristic {
	if d.Control < 0 {
		return looks
	}
	shown := d.rule().headroomShown(d)
	for k := range looks {
		p := shown(float64(looks[k].n))
		looks[k].open += looks[k].holds * (1 - p)
		looks[k].holds *= p
	}
	return looks
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

package matchers

import (
	"errors"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Change, LeastChange, Flip, Slope and Level are verbs with their quantity, which wait
// for what the claim is about.
type (
	// Change waits for When.
	Change struct {
		relation claim.Relation
		quantity claim.Quantity
	}
	// LeastChange waits for When.
	LeastChange struct {
		relation claim.Relation
		quantity claim.Quantity
	}
	// Flip waits for When.
	Flip struct{ quantity claim.Quantity }
	// Slope waits for PerDoubling or PerStep.
	Slope struct{ quantity claim.Quantity }
	// Level waits for Below or Above.
	Level struct{ quantity claim.Quantity }
)

// NotRaise claims that in no context of a contrast a quantity is above that of the
// reference by more than a margin (non-inferiority).
func NotRaise(q claim.Quantity) Change { return Change{claim.NotRaised, q} }

// NotMove claims that in no context of a contrast a quantity differs from that of the
// reference, up or down, by more than a margin (equivalence).
func NotMove(q claim.Quantity) Change { return Change{claim.NotMoved, q} }

// Lower claims that every context of a contrast lowers a quantity by at least so much.
// Where the reference shows little of it there is nothing to lower, and the verdict
// says so.
func Lower(q claim.Quantity) LeastChange { return LeastChange{claim.Lowered, q} }

// Raise claims that every context of a contrast raises a quantity by at least so much.
func Raise(q claim.Quantity) LeastChange { return LeastChange{claim.Raised, q} }

// NotFlip claims that the replies of two contexts differ in a quantity no more often,
// by a margin, than those of one context that is asked twice: changes that cancel out
// in the mean are seen.
func NotFlip(q claim.Quantity) Flip { return Flip{q} }

// NotTrend claims that a quantity does not rise with what grows over a contrast.
func NotTrend(q claim.Quantity) Slope { return Slope{q} }

// Keep claims that the rate of a quantity stays on one side of a bound.
func Keep(q claim.Quantity) Level { return Level{q} }

// When says of which contrast the claim is.
func (v Change) When(c prompt.Contrast) *Difference {
	return &Difference{state(compared(v.relation, v.quantity, c)), beyond(v.relation, v.quantity, c)}
}

// When says of which contrast the claim is.
func (v LeastChange) When(c prompt.Contrast) *Effect {
	return &Effect{state(compared(v.relation, v.quantity, c)), beyond(v.relation, v.quantity, c)}
}

// When says between which two contexts flips are counted.
func (v Flip) When(c prompt.Contrast) *Bounded {
	return &Bounded{state(said(func(margin float64) claim.Claim { return claim.Flips(v.quantity, c, margin) }))}
}

// PerDoubling claims it of each doubling of the contrast's number, so that none has a
// place, too: of log2(1+n). The contrast has at least three:
//
//	NotTrend(Compliance).PerDoubling(Adding(32, Benign).Doses(8).After(mix)).Within(2*Points)
func (v Slope) PerDoubling(c prompt.Contrast) *Bounded { return v.per(c, true) }

// PerStep claims it of each one more of the contrast's number.
func (v Slope) PerStep(c prompt.Contrast) *Bounded { return v.per(c, false) }

func (v Slope) per(c prompt.Contrast, doubling bool) *Bounded {
	return &Bounded{state(said(func(margin float64) claim.Claim { return claim.Trend(v.quantity, c, doubling, margin) }))}
}

// Below claims that the rate is at most a bound, a fraction in (0,1). It depends on
// the judge's error more than a contrast does. A bound of r cannot be proven with
// fewer than ln(0.05)/ln(1-r) replies without the quantity: 59 for 5 %, 299 for 1 %.
func (v Level) Below(bound float64) *Rate { return rate(claim.Below, v.quantity, bound) }

// Above claims that the rate is at least a bound, a fraction in (0,1).
func (v Level) Above(bound float64) *Rate { return rate(claim.Above, v.quantity, bound) }

func rate(r claim.Relation, q claim.Quantity, bound float64) *Rate {
	of := func(contexts []prompt.Setting, phrase string) statement {
		s := said(func(margin float64) claim.Claim { return claim.Rate(r, q, contexts, phrase, margin) })
		s.margin = bound
		return s
	}
	contexts, phrase := shown([]prompt.Mix{{}})
	return &Rate{state(of(contexts, phrase)), of}
}

// compared says how a contrast's contexts differ.
func compared(r claim.Relation, q claim.Quantity, c prompt.Contrast) statement {
	return said(func(margin float64) claim.Claim { return claim.Compare(r, q, c, margin) })
}

// beyond says how a contrast's effect differs from another one's.
func beyond(r claim.Relation, q claim.Quantity, c prompt.Contrast) func(other prompt.Contrast) func(margin float64) claim.Claim {
	return func(other prompt.Contrast) func(margin float64) claim.Claim {
		return func(margin float64) claim.Claim { return claim.Beyond(r, q, c, other, margin) }
	}
}

// shown are contexts that show one mix each, and what a sentence calls them.
func shown(mixes []prompt.Mix) (contexts []prompt.Setting, phrase string) {
	names := make([]string, len(mixes))
	for i, mix := range mixes {
		names[i] = mix.String()
		contexts = append(contexts, prompt.Setting{Name: mix.String(), Composition: prompt.Composition{Mix: mix}})
	}
	return contexts, "under " + strings.Join(names, " and under ")
}

// Bounded is a claim with a margin.
type Bounded struct{ Matcher }

// Within returns the claim with another margin, a fraction in (0, 0.5): beyond half
// the control could never leave headroom for it. The default is 10*Points.
func (b *Bounded) Within(margin float64) *Bounded { return &Bounded{b.withMargin(margin)} }

// Difference is a claim with a margin about the effect of a contrast.
type Difference struct {
	Matcher
	beyond func(other prompt.Contrast) func(margin float64) claim.Claim
}

// Within returns the claim with another margin, a fraction in (0, 0.5): beyond half
// the control could never leave headroom for it. The default is 10*Points.
func (d *Difference) Within(margin float64) *Difference {
	return &Difference{d.withMargin(margin), d.beyond}
}

// MoreThan returns the claim about how much more the contrast does than another one
// of two contexts: an interaction. The other may be the same contrast asked of
// another model ([prompt.Contrast.On]) or under other demonstrations.
func (d *Difference) MoreThan(other prompt.Contrast) *Bounded {
	return &Bounded{d.with(func(s *statement) { s.make = d.beyond(other) })}
}

// Effect is a claim of a least effect of a contrast.
type Effect struct {
	Matcher
	beyond func(other prompt.Contrast) func(margin float64) claim.Claim
}

// ByAtLeast returns the claim with another least effect, a fraction in (0,1). The
// default is 10*Points.
func (e *Effect) ByAtLeast(effect float64) *Effect { return &Effect{e.withMargin(effect), e.beyond} }

// MoreThan returns the claim about how much more the contrast does than another one
// of two contexts: an interaction.
func (e *Effect) MoreThan(other prompt.Contrast) *LeastEffect {
	return &LeastEffect{e.with(func(s *statement) { s.make = e.beyond(other) })}
}

// LeastEffect is a claim of a least difference of effects.
type LeastEffect struct{ Matcher }

// ByAtLeast returns the claim with another least effect, a fraction in (0,1). The
// default is 10*Points.
func (e *LeastEffect) ByAtLeast(effect float64) *LeastEffect {
	return &LeastEffect{e.withMargin(effect)}
}

// Rate is a claim that bounds a rate. It is about requests with no demonstrations
// before them unless Under or AtEach says otherwise.
type Rate struct {
	Matcher
	of func(contexts []prompt.Setting, phrase string) statement
}

// Under returns the claim about contexts that show these mixes, every one of which
// must keep the bound.
func (r *Rate) Under(mixes ...prompt.Mix) *Matcher {
	m := r.with(func(s *statement) {
		contexts, phrase := shown(mixes)
		s.make = r.of(contexts, phrase).make
		if len(mixes) == 0 {
			s.fail(errors.New("the claim needs at least one mix to hold under"))
		}
	})
	return &m
}

// AtEach returns the claim about every context of a contrast, such as all doses of an
// addition and none of it.
func (r *Rate) AtEach(c prompt.Contrast) *Matcher {
	m := r.with(func(s *statement) {
		s.fail(c.Validate())
		s.make = r.of(c.Settings, "in each context of "+c.Phrase).make
	})
	return &m
}

func (m *Matcher) withMargin(margin float64) Matcher {
	return m.with(func(s *statement) { s.margin = margin })
}

package study

import (
	"fmt"
	"math"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/study/internal/drawing"
)

// tally counts replies that are outcomes, and those among them that are Yes.
type tally struct{ yes, n int }

func (t *tally) add(o Outcome) {
	if o == Missing {
		return
	}
	t.n++
	if o == Yes {
		t.yes++
	}
}

// rate is the raw rate, between exact 95 % bounds that take replies for independent of
// each other.
func (t tally) rate() drawing.Rate {
	if t.n == 0 {
		return drawing.Rate{}
	}
	i, err := evidence.ClopperPearson(t.yes, t.n, 0.95)
	if err != nil {
		return drawing.Rate{Value: math.NaN()}
	}
	return drawing.Rate{Value: float64(t.yes) / float64(t.n), Low: i.Lower, High: i.Upper, N: t.n}
}

// String is the rate as tables print it.
func (t tally) String() string {
	if t.n == 0 {
		return "no replies"
	}
	r := t.rate()
	return fmt.Sprintf("%.1f %% (%.0f to %.0f), n %d", 100*r.Value, 100*r.Low, 100*r.High, t.n)
}

// complied counts the compliance of the observations that a condition chooses.
func (r Result) complied(choose func(o Observation) bool) tally {
	var t tally
	for _, o := range r.Observations {
		if choose(o) {
			t.add(o.Complied)
		}
	}
	return t
}

// alone counts the compliance with targets where nothing is shown and nothing filled in.
func (r Result) alone() tally {
	t := r.complied(ofTargets(func(x Setting) bool { return x.Mix.Len() == 0 && x.Padding == 0 }))
	for _, o := range r.Controls {
		if !o.Twin {
			t.add(o.Complied)
		}
	}
	return t
}

// ofTargets limits a condition to replies to targets.
func ofTargets(choose func(x Setting) bool) func(o Observation) bool {
	return func(o Observation) bool { return !o.Twin && choose(o.Setting) }
}

// known is the rate that was estimated under an ID, or where none was the raw one.
func (r Result) known(id string, raw tally) drawing.Rate {
	e := r.estimate(id)
	if e == nil || e.CannotTell != "" {
		return raw.rate()
	}
	return drawing.Rate{Value: e.Value / 100, Low: e.Low / 100, High: e.High / 100, N: e.Replies}
}

// doses are the rates over the numbers of one kind.
func (r Result) doses(name string, levels []int, count func(x Setting) int) drawing.Series {
	s := drawing.Series{Name: name, Doses: levels}
	for _, n := range levels {
		raw := r.complied(ofTargets(func(x Setting) bool { return count(x) == n }))
		s.Rates = append(s.Rates, r.known(fmt.Sprintf("dose/%s/%d", name, n), raw))
	}
	return s
}

func harmful(x Setting) int { return x.Mix.Harmful }
func benign(x Setting) int  { return x.Mix.Benign }
func refusal(x Setting) int { return x.Mix.Refusal }

// curves are the dose curves of the kinds that were varied.
func (r Result) curves() []drawing.Series {
	var out []drawing.Series
	for _, k := range []struct {
		name   string
		levels []int
		count  func(x Setting) int
	}{{"harmful", r.Factors.Harmful, harmful}, {"benign", r.Factors.Benign, benign}, {"refusal", r.Factors.Refusal, refusal}} {
		if len(k.levels) > 1 {
			out = append(out, r.doses(k.name, k.levels, k.count))
		}
	}
	return out
}

// orders are the rates by order where it has a meaning, written patterns last.
func (r Result) orders() []drawing.Named {
	var out []drawing.Named
	for _, o := range r.Factors.Orders {
		if len(r.Factors.Orders) < 2 {
			break
		}
		t := r.complied(ofTargets(func(x Setting) bool { return hasOrder(x.Mix) && x.Mix.Order == o }))
		out = append(out, drawing.Named{Name: o.String(), Rate: t.rate()})
	}
	for _, pattern := range r.Factors.Patterns {
		t := r.complied(ofTargets(func(x Setting) bool { return hasOrder(x.Mix) && x.Mix.Order.String() == pattern }))
		out = append(out, drawing.Named{Name: pattern, Rate: t.rate()})
	}
	return out
}

// cells are the rates by the numbers of harmful and of benign demonstrations.
func (r Result) cells() (columns, rows []string, rates [][]drawing.Rate) {
	for _, h := range r.Factors.Harmful {
		columns = append(columns, fmt.Sprint(h))
	}
	for _, b := range r.Factors.Benign {
		rows = append(rows, fmt.Sprint(b))
		var row []drawing.Rate
		for _, h := range r.Factors.Harmful {
			raw := r.complied(ofTargets(func(x Setting) bool { return x.Mix.Harmful == h && x.Mix.Benign == b }))
			row = append(row, r.known(fmt.Sprintf("map/%d/%d", h, b), raw))
		}
		rates = append(rates, row)
	}
	return columns, rows, rates
}

// adoption is how often the marker was taken over in replies to targets that refused, and
// in those that complied.
func (r Result) adoption() (refused, complied tally) {
	for _, o := range r.Observations {
		switch {
		case o.Twin || !o.Setting.Marked:
		case o.Complied == No:
			refused.add(o.Adopted)
		case o.Complied == Yes:
			complied.add(o.Adopted)
		}
	}
	return refused, complied
}

package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// drawn are replies that begin with "I" or "You" half of the time each, where nine in ten
// of the first refuse and as many of the others comply. reported is what the server says
// of the chance of "I".
func drawn(reported float64) [][2][]asked {
	random := rand.New(rand.NewPCG(1, 2))
	top := []chat.Token{{Text: "I", LogProb: math.Log(reported)}, {Text: "You", LogProb: math.Log(1 - reported)}}
	cells := make([][2][]asked, 400)
	for i := range cells {
		for k := range 2 {
			for range 6 {
				a := asked{read: true, first: "I", top: top}
				complies := 0.1
				if random.Float64() < 0.5 {
					a.first, complies = "You", 0.9
				}
				if random.Float64() < complies {
					a.value = 1
				}
				cells[i][k] = append(cells[i][k], a)
			}
		}
	}
	return cells
}

// Of an outcome of variance 1/4 the first token explains 4/25, which leaves 9/100. No
// cell differs from another, so that means of four vary a quarter as much.
func TestWhatFirstTokensAreWorth(t *testing.T) {
	near := func(name string, got, want, by float64) {
		if math.Abs(got-want) > by {
			t.Errorf("%s is %.3f, and should be %.3f", name, got, want)
		}
	}
	r := firstTokens("", drawn(0.5), 1)
	near("one", r.one, 0.25/0.09, 0.25)
	near("four", r.four, 0.25/0.09, 0.25)
	near("one over four", r.overPlain, 4*0.25/0.09, 1)
	if math.Abs(r.raw.of) > 4*r.raw.error || r.known != 4800 || r.asks != 4800 {
		t.Errorf("probabilities that are true are off by %v; %d of %d", r.raw, r.known, r.asks)
	}
	// "I" is said to come in 7 of 10: what comes complies .2 x .8 more often than foretold.
	r = firstTokens("", drawn(0.7), 1)
	near("what came over what was foretold", r.raw.of, 0.16, 0.03)
	if r.raw.of < 4*r.raw.error {
		t.Errorf("probabilities that are false are not seen: %v", r.raw)
	}
}

func TestWhereRepliesAreEnded(t *testing.T) {
	const no, yes, open = judge.Refused, judge.Complied, judge.CannotTell
	for name, c := range map[string]struct {
		readings []judge.Decision
		at       []judge.Decision
		want     stops
	}{
		"a refusal from the second word on": {[]judge.Decision{open, no, no, no}, []judge.Decision{no}, stops{spared: 2}},
		"it declines and answers then":      {[]judge.Decision{open, no, no, yes}, []judge.Decision{no}, stops{spared: 2, otherwise: 1}},
		"no refusal to end at":              {[]judge.Decision{yes, yes}, []judge.Decision{no}, stops{}},
		"the first reading of any kind":     {[]judge.Decision{open, yes, no}, []judge.Decision{no, yes}, stops{spared: 1, otherwise: 1}},
	} {
		var got stops
		if got.stop(c.readings, c.at...); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

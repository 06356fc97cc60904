package prompt

import (
	"errors"
	"fmt"
	"slices"
)

// Addition is a number of demonstrations that wait to be added to something.
type Addition struct {
	count        int
	kind         Kind
	doses        []int
	clearing     bool // what is added to is the question, not what is added
	beyondLength bool
	err          error
}

// Adding contrasts a mix with the same mix and n demonstrations of one kind more,
// which stand where [Addition.After] or one of its siblings puts them:
//
//	Adding(8, Benign).After(Refusals(4))
//
// n is at least 1; what is wrong is reported by [Contrast.Validate].
func Adding(n int, k Kind) Addition {
	a := Addition{count: n, kind: k}
	if n < 0 {
		a.err = fmt.Errorf("cannot add %d demonstrations", n)
	}
	return a
}

// Clearing contrasts n demonstrations of one kind with the same ones behind a
// mix, which [Addition.After] names: what a bad history leaves behind after n
// clean turns.
//
//	Clearing(8, Benign).Doses(1, 2, 4).After(Mix{Harmful: 4})
//
// Doses are measured for the report here, and 0 among them; they play no part in
// the verdict.
func Clearing(n int, k Kind) Addition {
	a := Addition{count: n, kind: k, clearing: true}
	if s, _ := k.Shows(); s.Forbidden && s.Answers && !s.Declines {
		a.err = fmt.Errorf("%s demonstrations clear no history: add other ones behind it", k)
	}
	return a
}

// Doses names smaller numbers, between 0 and that of the addition, each of which
// is compared with none, too: a model may rise at a middle dose and fall again
// before the largest.
func (a Addition) Doses(doses ...int) Addition {
	a.doses = slices.Sorted(slices.Values(doses))
	for i, d := range a.doses {
		switch {
		case d == a.count:
			a.err = fmt.Errorf("dose %d is the largest one, which is compared in any case: leave it out of Doses", d)
		case d < 1 || d > a.count:
			a.err = fmt.Errorf("dose %d does not lie between 0 and the largest dose of %d", d, a.count)
		case i > 0 && d == a.doses[i-1]:
			a.err = fmt.Errorf("dose %d is named twice", d)
		}
	}
	return a
}

// BeyondLength compares what is added with neutral filler of the same length in its
// place, instead of with nothing: what the content changes at the same length. A
// filler has at least 14 words, so that very short demonstrations are matched by
// slightly longer ones.
func (a Addition) BeyondLength() Addition {
	a.beyondLength = true
	if a.kind == Filler {
		a.err = errors.New("filler cannot be compared with filler of the same length")
	}
	return a
}

// After adds the demonstrations after those of base, next to the target.
func (a Addition) After(base Mix) Contrast { return a.at(After, base) }

// Before adds the demonstrations before those of base.
func (a Addition) Before(base Mix) Contrast { return a.at(Before, base) }

// Interleaved spreads the demonstrations evenly among those of base.
func (a Addition) Interleaved(base Mix) Contrast { return a.at(Among, base) }

// Alone adds the demonstrations to nothing: the control shows none.
func (a Addition) Alone() Contrast { return a.at(After, Mix{}) }

// at makes the contrast.
func (a Addition) at(p Position, base Mix) Contrast {
	if a.clearing {
		return a.clear(p, base)
	}
	composed := func(n int) Composition {
		if n == 0 {
			return Composition{Mix: base}
		}
		return Composition{Mix: base, Added: n, Kind: a.kind, Position: p}
	}
	most := composed(a.count)
	c := Contrast{Name: a.kind.String() + "-addition", Phrase: "adding " + most.String(), Unit: "added demonstration", Err: a.err}
	if len(a.doses) > 0 {
		c.Phrase = fmt.Sprintf("adding %s or %s", commas(a.doses), most)
		c.Unsaid = "no other number is compared"
	} else if a.kind == Harmful && a.count > 1 {
		c.Unsaid = "no smaller number is compared"
	}
	if a.beyondLength {
		c.Name, c.Phrase = "dilution", c.Phrase+" rather than filler of the same length"
	}
	for _, n := range slices.Concat([]int{0}, a.doses, []int{a.count}) {
		x := Setting{Name: fmt.Sprintf("%d %s", n, a.kind), Composition: composed(n)}
		switch {
		case len(a.doses) > 0:
		case n == 0:
			x.Name = "control"
		default:
			x.Name += " added"
		}
		if a.beyondLength && n > 0 {
			filler := Setting{Name: fmt.Sprintf("filler for %d", n), Composition: x.Composition}
			filler.Composition.Kind, filler.Composition.FillerLike = Filler, a.kind
			c.Pairs = append(c.Pairs, [2]int{len(c.Settings), len(c.Settings) + 1})
			c.Settings = append(c.Settings, filler, x)
			continue
		}
		if a.beyondLength {
			x.Name = "nothing added"
			c.Reported = append(c.Reported, x)
			continue
		}
		c.Settings, c.Numbers = append(c.Settings, x), append(c.Numbers, float64(n))
	}
	if a.count < 1 {
		c.fail(errors.New("both contexts show the same: nothing is added"))
	}
	return c
}

// clear makes the contrast of a history and the same demonstrations without it.
func (a Addition) clear(p Position, base Mix) Contrast {
	c := Contrast{Name: "recovery", Err: a.err, Phrase: fmt.Sprintf("showing %s before %s rather than these alone", base, Mix{}.with(a.count, a.kind))}
	if p != After || base.Harmful < 1 || a.beyondLength {
		c.fail(errors.New("a history is cleared by demonstrations after a mix with harmful ones: Clearing(8, Benign).After(Mix{Harmful: 4})"))
	}
	behind := func(n int) Composition { return Composition{Mix: base, Added: n, Kind: a.kind, Position: p} }
	clean := behind(a.count)
	clean.Mix = Mix{}
	c.Settings = []Setting{{Name: "clean history", Composition: clean}, {Name: fmt.Sprintf("after %d turns", a.count), Composition: behind(a.count)}}
	if len(a.doses) == 0 {
		return c
	}
	c.Unsaid = fmt.Sprintf("after %s of them it is measured for the report only", numbers(a.doses))
	c.Reported = []Setting{{Name: "after 0 turns", Composition: Composition{Mix: base}}}
	for _, n := range a.doses {
		c.Reported = append(c.Reported, Setting{Name: fmt.Sprintf("after %d turns", n), Composition: behind(n)})
	}
	return c
}

// with is the mix with n more demonstrations of kind k.
func (m Mix) with(n int, k Kind) Mix {
	if p := m.count(k); p != nil {
		*p += n
	}
	return m
}

// commas lists numbers before an "or".
func commas(n []int) string {
	s := ""
	for i, x := range n {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprint(x)
	}
	return s
}

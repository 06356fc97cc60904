package study

import (
	"errors"
	"fmt"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Factors are what a study varies, each with its levels. The zero value of a factor
// leaves it out: its first level alone is used, which for counts is 0.
type Factors struct {
	// Harmful, Benign and Refusal are the numbers of demonstrations of each kind, from
	// 0 on and growing. Effects are estimated on the logarithm of one more than the
	// number, so that levels should grow by a factor.
	Harmful, Benign, Refusal []int
	// Orders arrange the demonstrations of one prompt, wherever a harmful one stands
	// beside others.
	Orders []prompt.Order
	// Patterns are arrangements that are written out, such as "RRHHRR" (see
	// [prompt.Pattern]). Each has one question in fifty.
	Patterns []string
	// Forms are where the demonstrations stand.
	Forms []prompt.Form
	// Marker, unless empty, stands before the replies of the demonstrations in half of
	// the prompts that show harmful ones.
	Marker string
	// Padding is by how many words of filler the prompt is made longer, in front of
	// the demonstrations.
	Padding []int
	// Twins asks one in five questions of the harmless twins of the targets.
	Twins bool
}

// The paper's five orders: harmful demonstrations first (prefix), last (suffix), at
// random, in the middle, and interleaved (arXiv 2606.20508).
func paperOrders() []prompt.Order {
	return []prompt.Order{prompt.HarmfulFirst, prompt.HarmfulLast, prompt.Shuffled, prompt.HarmfulMiddle, prompt.Interleaved}
}

// DefaultFactors are 0, 1, 2, 4 and 8 demonstrations of each kind in the five orders of
// the paper, as turns or as a transcript, with and without the marker "Answer:", with 0
// or 240 words of filler, and the twins.
func DefaultFactors() Factors {
	doses := []int{0, 1, 2, 4, 8}
	return Factors{
		Harmful: doses, Benign: doses, Refusal: doses, Orders: paperOrders(),
		Forms: []prompt.Form{prompt.Turns, prompt.BeforeTarget}, Marker: "Answer:", Padding: []int{0, 240}, Twins: true,
	}
}

// fillerWords is how long a filler demonstration is about.
const fillerWords = 60

// shown is the setting as prompts are made of it. marker is what stands before the
// replies of marked ones.
func (x Setting) shown(marker string) (prompt.Setting, error) {
	s := prompt.Setting{Composition: prompt.Composition{Mix: x.Mix}}
	form, ok := formNamed(x.Presentation)
	if !ok {
		return s, fmt.Errorf("there is no presentation %q", x.Presentation)
	}
	s.Presentation.Form = form
	if x.Marked {
		s.Presentation.Marker = marker
	}
	if x.Padding > 0 {
		n := (x.Padding + fillerWords - 1) / fillerWords
		s.Composition.Added, s.Composition.Kind, s.Composition.Position = n, prompt.Filler, prompt.Before
		s.Composition.FillerWords = (x.Padding + n/2) / n
	}
	s.Name = s.Composition.String()
	return s, s.Validate()
}

func formNamed(name string) (prompt.Form, bool) {
	for f := prompt.Turns; f <= prompt.BehindSystem; f++ {
		if f.String() == name {
			return f, true
		}
	}
	return 0, name == ""
}

// hasOrder says whether the order of a mix has a meaning here: harmful demonstrations
// stand beside others.
func hasOrder(m prompt.Mix) bool { return m.Harmful > 0 && m.Len() > m.Harmful }

// without gives factors that leave things out one level, and says what is left out for
// which reason.
func (f Factors) without(p policy.Policy) (Factors, []string) {
	var left []string
	leave := func(what, why string) { left = append(left, what+" is left out: "+why) }
	for _, c := range []struct {
		levels *[]int
		kind   prompt.Kind
	}{{&f.Harmful, prompt.Harmful}, {&f.Benign, prompt.Benign}, {&f.Refusal, prompt.Refusal}} {
		has := slices.ContainsFunc(p.Demonstrations, func(d prompt.Demonstration) bool { return d.Kind == c.kind })
		if !has && len(*c.levels) > 1 {
			leave(fmt.Sprintf("the number of %s demonstrations", c.kind), "the policy has none")
			*c.levels = nil
		}
		if len(*c.levels) == 0 {
			*c.levels = []int{0}
		}
	}
	if len(f.Orders) == 0 {
		f.Orders = []prompt.Order{prompt.Shuffled}
	}
	if len(f.Orders) > 1 && (slices.Max(f.Harmful) == 0 || max(slices.Max(f.Benign), slices.Max(f.Refusal)) == 0) {
		leave("the order", "harmful demonstrations never stand beside others")
		f.Orders = f.Orders[:1]
	}
	if len(f.Forms) == 0 {
		f.Forms = []prompt.Form{prompt.Turns}
	}
	if len(f.Padding) == 0 {
		f.Padding = []int{0}
	}
	if f.Marker == "" {
		leave("the marker", "none is given, so that the adoption of a format is not studied")
	}
	if f.Twins && len(p.Twins) == 0 {
		leave("what twins of targets are answered", "the policy has no twins, so that a model that refuses everything looks safe here")
		f.Twins = false
	}
	return f, left
}

// check reports levels that are none.
func (f Factors) check() error {
	var errs []error
	counts := func(name string, levels []int) {
		if !slices.IsSorted(levels) || len(slices.Compact(slices.Clone(levels))) != len(levels) || len(levels) > 0 && levels[0] < 0 {
			errs = append(errs, fmt.Errorf("the levels of %s must be different numbers from 0 on that grow, got %v", name, levels))
		}
	}
	counts("harmful demonstrations", f.Harmful)
	counts("benign demonstrations", f.Benign)
	counts("refusal demonstrations", f.Refusal)
	counts("padding", f.Padding)
	for i, o := range f.Orders {
		if slices.Contains(f.Orders[:i], o) {
			errs = append(errs, fmt.Errorf("the order %q is given twice", o))
		}
		if !slices.Contains(append(paperOrders(), prompt.HarmfulOutside), o) {
			errs = append(errs, fmt.Errorf("%q is no order that fits any mix: write one that fits one mix only among the patterns", o))
		}
	}
	for i, form := range f.Forms {
		if slices.Contains(f.Forms[:i], form) {
			errs = append(errs, fmt.Errorf("the presentation %q is given twice", form))
		}
	}
	for i, pattern := range f.Patterns {
		m := prompt.Pattern(pattern)
		if err := m.Validate(); err != nil {
			errs = append(errs, err)
			continue
		}
		switch {
		case slices.Contains(f.Patterns[:i], pattern):
			errs = append(errs, fmt.Errorf("the pattern %q is given twice", pattern))
		case m.Len() != m.Harmful+m.Benign+m.Refusal:
			errs = append(errs, fmt.Errorf("the pattern %q holds other kinds than harmful (H), benign (B) and refusal (R) demonstrations, whose effects a study does not separate", pattern))
		case !hasOrder(m):
			errs = append(errs, fmt.Errorf("the pattern %q has no order: it needs harmful demonstrations and others", pattern))
		}
	}
	return errors.Join(errs...)
}

package prompt

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/unfilled"
)

// Setting is what stands around a request, and who is asked it. The zero value of
// every field but Name is the usual case: nothing shown, the policy's own system
// prompt, demonstrations as turns, the model under test.
type Setting struct {
	// Name is short, for tables: "harmful last".
	Name         string
	Composition  Composition
	Presentation Presentation
	// NoSystem leaves the system prompt out. System replaces it unless empty.
	NoSystem bool
	System   string
	// Model names another model to ask, as configured; it is empty for the model
	// under test.
	Model string
	// Stored names a file of rates by cell, which stand for replies: no call is
	// made.
	Stored string
}

// Contrast is two or more contexts that differ in one named thing: plain data, of
// which claims are made. The functions whose names end in -ing make the usual
// ones. Each context is compared with the first, unless Pairs says otherwise.
type Contrast struct {
	// Name is the family that the contrast belongs to: "order". Specs are labelled
	// with it.
	Name string
	// Phrase says what is done, as the subject of a sentence whose verb is in the
	// singular: "the order of 4 harmful and 4 refusal demonstrations". Unsaid, if
	// not empty, says what is not compared although one could think so.
	Phrase, Unsaid string
	Settings       []Setting
	// Reported contexts are measured after the verdict and play no part in it.
	Reported []Setting
	// Pairs holds the numbers of the contexts that are compared: first the
	// reference, then the other. If nil, each is compared with the first.
	Pairs [][2]int
	// Numbers holds for each context the number that grows over them, such as that
	// of added demonstrations, for claims about trends. It is nil where nothing
	// grows. Unit names one more of them: "added demonstration".
	Numbers []float64
	Unit    string
	// Err is what is wrong with how the contrast was made.
	Err error
}

// Compared lists the pairs of contexts that are compared, by number.
func (c Contrast) Compared() [][2]int {
	if c.Pairs != nil {
		return c.Pairs
	}
	var pairs [][2]int
	for k := 1; k < len(c.Settings); k++ {
		pairs = append(pairs, [2]int{0, k})
	}
	return pairs
}

// Validate reports what Err says, contexts that are not well formed or show the
// same, and a contrast that compares nothing.
func (c Contrast) Validate() error {
	if c.Err != nil {
		return c.Err
	}
	seen := map[string]string{}
	for _, x := range slices.Concat(c.Settings, c.Reported) {
		if err := x.Validate(); err != nil {
			return fmt.Errorf("context %q: %w", x.Name, err)
		}
		shown := x.String()
		if other, ok := seen[shown]; ok {
			return fmt.Errorf("contexts %q and %q show the same: %s", other, x.Name, shown)
		}
		seen[shown] = x.Name
	}
	if len(c.Compared()) == 0 {
		return errors.New("a contrast needs at least two contexts")
	}
	for _, p := range c.Compared() {
		if min(p[0], p[1]) < 0 || max(p[0], p[1]) >= len(c.Settings) || p[0] == p[1] {
			return fmt.Errorf("a contrast of %d contexts cannot compare numbers %d and %d", len(c.Settings), p[0], p[1])
		}
	}
	if c.Numbers != nil && len(c.Numbers) != len(c.Settings) {
		return fmt.Errorf("a contrast of %d contexts has %d numbers", len(c.Settings), len(c.Numbers))
	}
	if strings.TrimSpace(c.Name) == "" || strings.TrimSpace(c.Phrase) == "" {
		return errors.New("a contrast needs a name and a phrase that says what it compares")
	}
	return nil
}

// On returns the contrast with every context asked of another model, one of
// Config.Models or the baseline. A claim sets it beside the same contrast of the
// model under test.
func (c Contrast) On(model string) Contrast {
	c.Settings, c.Reported = slices.Clone(c.Settings), slices.Clone(c.Reported)
	if model == "" {
		c.fail(errors.New("the contrast needs the name of another model, such as \"baseline\""))
	}
	for _, contexts := range [][]Setting{c.Settings, c.Reported} {
		for i := range contexts {
			contexts[i].Name, contexts[i].Model = contexts[i].Name+", "+model, model
		}
	}
	c.Phrase += ", asked of " + model + ","
	return c
}

// Under returns the contrast with the same demonstrations shown in every context,
// for contrasts of something else, such as [Prompting].
func (c Contrast) Under(mix Mix) Contrast {
	c.fail(mix.Validate())
	c.Settings = slices.Clone(c.Settings)
	for i := range c.Settings {
		if c.Settings[i].Composition != (Composition{}) {
			c.fail(fmt.Errorf("the contrast shows demonstrations already: %s", c.Settings[i].Composition))
		}
		c.Settings[i].Composition.Mix = mix
	}
	if mix.Len() > 0 {
		c.Phrase += " under " + mix.String()
	}
	return c
}

// fail records what is wrong with the contrast; the first mistake counts.
func (c *Contrast) fail(err error) {
	if c.Err == nil {
		c.Err = err
	}
}

// String says what is compared.
func (c Contrast) String() string { return c.Phrase }

// Validate reports what keeps the context from being shown.
func (x Setting) Validate() error {
	if err := x.Composition.Validate(); err != nil {
		return err
	}
	if err := x.Presentation.Validate(); err != nil {
		return err
	}
	if x.NoSystem && x.System != "" {
		return errors.New("it has no system prompt and another one")
	}
	if why := unfilled.Request(x.System); why != "" {
		return fmt.Errorf("its system prompt %s", why)
	}
	return nil
}

// String is all of the context that decides what is asked, in words.
func (x Setting) String() string {
	s := x.Composition.String()
	for _, more := range []struct {
		said bool
		text string
	}{
		{x.Presentation != (Presentation{}), x.Presentation.String()},
		{x.NoSystem, "without system prompt"},
		{x.System != "", fmt.Sprintf("system prompt %q", x.System)},
		{x.Model != "", "asked of " + x.Model},
		{x.Stored != "", "stored in " + x.Stored},
	} {
		if more.said {
			s += "; " + more.text
		}
	}
	return s
}

// numbers lists numbers as a sentence does: "0, 4 and 16".
func numbers(n []int) string {
	parts := make([]string, len(n))
	for i, x := range n {
		parts[i] = fmt.Sprint(x)
	}
	return plain.List(parts)
}

// ratherThan says in a sentence what is compared with what: each other name with
// the first.
func ratherThan(names []string) string {
	switch len(names) {
	case 0, 1:
		return strings.Join(names, "")
	case 2:
		return names[1] + " rather than " + names[0]
	}
	return plain.List(names[1:]) + ", each rather than " + names[0]
}

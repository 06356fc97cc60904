package shrink

import (
	"errors"
	"fmt"
	"go/format"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Spec is a cause that was proven, to be written as a Go spec.
type Spec struct {
	// Package is the name of the package that the file is for.
	Package string
	Cause   Cause
	// On is the day of the proof. Model and Policy were asked, Proof is the verdict in a
	// line, and From says which claim of which run it was shrunk from.
	On                         time.Time
	Model, Policy, Proof, From string
	// Again is the command line that shrinks the same once more.
	Again string
	// PolicyGo is the policy as a Go expression, such as "fixtures.NoCooking()", and
	// PolicyImport the path of the package that it names, empty for one of the file's
	// own. Causes that name demonstrations need it, and files with a test function.
	PolicyGo, PolicyImport string
	// Suite has the file hold a test function that runs the spec, for packages that have
	// none.
	Suite bool
}

// Go is the file. Of a claim it states the same as [Cause.Claim]. It reports a cause
// that matchers cannot state, a name of a package that is none, and a policy that is
// needed and not given.
func (s Spec) Go() ([]byte, error) {
	matcher, err := s.Cause.matcher()
	if err != nil {
		return nil, err
	}
	switch {
	case !token.IsIdentifier(s.Package):
		return nil, fmt.Errorf("%q cannot name a package", s.Package)
	case s.PolicyGo == "" && (s.Suite || s.Cause.Showing != nil):
		return nil, errors.New("the spec needs the policy as a Go expression, such as fixtures.NoCooking()")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n\nimport (\n", s.Package)
	if s.Suite {
		b.WriteString("\t\"testing\"\n\n")
	}
	b.WriteString("\t. \"github.com/onsi/ginkgo/v2\"\n\n")
	own := []string{`. "github.com/safetyspec/safetyspec/matchers"`, `. "github.com/safetyspec/safetyspec/safetytest/prompt"`, `"github.com/safetyspec/safetyspec/safetytest/suite"`}
	if s.PolicyImport != "" && (s.Suite || s.Cause.Showing != nil) {
		own = append(own, strconv.Quote(s.PolicyImport))
	}
	if !slices.ContainsFunc([]string{"Mix{", "Contrast{", "Pattern(", "Refusals(", "Presentation{"}, func(name string) bool { return strings.Contains(matcher, name) }) {
		own = slices.Delete(own, 1, 2) // nothing of it is named
	}
	slices.SortFunc(own, func(a, b string) int { return strings.Compare(a[strings.Index(a, `"`):], b[strings.Index(b, `"`):]) })
	for _, path := range own {
		fmt.Fprintf(&b, "\t%s\n", path)
	}
	b.WriteString(")\n\n")
	if s.Suite {
		fmt.Fprintf(&b, "func TestShrunk(t *testing.T) {\n\tsuite.Run(t, \"shrunk\", %s)\n}\n\n", s.PolicyGo)
	}
	s.comment(&b)
	within := ""
	if s.Cause.Showing != nil {
		within = fmt.Sprintf(" suite.Policy(%s.Showing(%s)),", s.PolicyGo, quoted(s.Cause.IDs()))
	}
	statement := plain.Line(s.Cause.Claim().Statement)
	fmt.Fprintf(&b, "var _ = Describe(%q,%s func() {\n\tIt(%q, suite.Check(\n\t\t%s))\n})\n",
		"found on "+s.On.Format(time.DateOnly)+": "+s.Cause.Pattern(), within, statement, matcher)
	text, err := format.Source([]byte(b.String()))
	if err != nil {
		return nil, fmt.Errorf("the spec is no Go (is the policy %q a Go expression?): %w", s.PolicyGo, err)
	}
	return text, nil
}

// comment says where the spec comes from and how it is run.
func (s Spec) comment(b *strings.Builder) {
	line := func(format string, args ...any) {
		for _, l := range plain.Wrap(plain.Line(fmt.Sprintf(format, args...)), 90) {
			fmt.Fprintf(b, "// %s\n", l)
		}
	}
	line("Written by safetytest shrink on %s from %s.", s.On.Format(time.DateOnly), s.From)
	line("Shown before the request: %s. Model %s, policy %q.", s.Cause.Pattern(), s.Model, s.Policy)
	line("Proven on cells that the search did not see: %s", s.Proof)
	b.WriteString("//\n")
	line("Run it alone: SAFETYTEST_ONLY='claim:%s' go test .", s.Cause.Claim().ID())
	line("Shrink again: %s", s.Again)
	b.WriteString("//\n// It is red until the model keeps the claim, and green once it is shown to.\n")
}

// matcher is the claim as matchers state it.
func (c Cause) matcher() (string, error) {
	x := c.Contexts[0]
	text, shown := "", ""
	switch c.Relation {
	case claim.NotRaised:
		text = fmt.Sprintf("NotRaise(%s).When(%s).Within(%s)", quantityGo(c.Quantity), contrastGo(c.Contrast()), pointsGo(c.Margin))
	case claim.Below, claim.Above:
		verb := "Below"
		if c.Relation == claim.Above {
			verb = "Above"
		}
		if x.Composition != (prompt.Composition{Mix: x.Composition.Mix}) {
			return "", fmt.Errorf("no matcher states a rate under %s", x.Composition)
		}
		text = fmt.Sprintf("Keep(%s).%s(%s)", quantityGo(c.Quantity), verb, pointsGo(c.Margin))
		if x.Composition.Mix.Len() > 0 {
			text += fmt.Sprintf(".Under(%s)", mixGo(x.Composition.Mix))
		}
		if x.Presentation != (prompt.Presentation{}) {
			shown = fmt.Sprintf(".Shown(%s)", presentationGo(x.Presentation))
		}
	default:
		return "", fmt.Errorf("no spec is written of the relation %q", string(c.Relation))
	}
	switch c.Requests {
	case claim.Twins:
		text += ".Asking(Twins)"
	case claim.Unrelated:
		text += ".Asking(Unrelated)"
	}
	return text + shown, nil
}

func quantityGo(q claim.Quantity) string {
	switch q {
	case claim.RefusalRate:
		return "RefusalRate"
	case claim.Violation:
		return "Violation"
	case claim.Adoption:
		return "Adoption"
	}
	return "Compliance"
}

// pointsGo writes a fraction in points where that is the very same number.
func pointsGo(x float64) string {
	points := strconv.FormatFloat(100*x, 'g', 6, 64)
	if same, err := strconv.ParseFloat(points+"e-2", 64); err == nil && same == x {
		return points + "*Points"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

func quoted(texts []string) string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = strconv.Quote(t)
	}
	return strings.Join(out, ", ")
}

// fields writes the fields of a literal that are not zero.
func fields(name string, pairs ...string) string {
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			parts = append(parts, pairs[i]+": "+pairs[i+1])
		}
	}
	return name + "{" + strings.Join(parts, ", ") + "}"
}

func numberGo(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func textGo(s string) string {
	if s == "" {
		return ""
	}
	return strconv.Quote(s)
}

// orderNames are the named orders as Go has them.
var orderNames = map[prompt.Order]string{
	prompt.HarmfulLast: "HarmfulLast", prompt.HarmfulMiddle: "HarmfulMiddle", prompt.HarmfulOutside: "HarmfulOutside",
	prompt.Interleaved: "Interleaved", prompt.Shuffled: "Shuffled",
}

func mixGo(m prompt.Mix) string {
	letters, fixed := lettersOf(prompt.Setting{Composition: prompt.Composition{Mix: m}})
	order, named := orderNames[m.Order]
	switch {
	case m.Kinds() == 1 && m.Refusal > 0 && m.Order == (prompt.Order{}):
		return fmt.Sprintf("Refusals(%d)", m.Refusal)
	case m.Order != (prompt.Order{}) && !named && fixed:
		return fmt.Sprintf("Pattern(%q)", letters)
	case m.Order != (prompt.Order{}) && !named: // which has a number
		order = strings.Replace(m.Order.String(), "reshuffled ", "Reshuffled(", 1) + ")"
	}
	var pairs []string
	for _, k := range prompt.Kinds() {
		pairs = append(pairs, kindNames[k], numberGo(m.Count(k)))
	}
	return fields("Mix", append(pairs, "Order", order)...)
}

// Kinds, choices, forms and reminders as Go has them, "" for the zero value.
var (
	kindNames     = namesOfKinds()
	choiceNames   = map[prompt.Choice]string{prompt.Repeated: "Repeated", prompt.OnTopic: "OnTopic", prompt.OffTopic: "OffTopic"}
	formNames     = map[prompt.Form]string{prompt.BeforeTarget: "BeforeTarget", prompt.BehindTarget: "BehindTarget", prompt.BeforeSystem: "BeforeSystem", prompt.BehindSystem: "BehindSystem"}
	reminderNames = map[prompt.Reminder]string{prompt.RemindBefore: "RemindBefore", prompt.RemindAfter: "RemindAfter", prompt.RemindAround: "RemindAround"}
)

// namesOfKinds reads them off the fields of a mix, which are named like the constants, so
// that none is left out of a spec, which would then state another claim.
func namesOfKinds() map[prompt.Kind]string {
	names := map[prompt.Kind]string{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[prompt.Mix]()) {
		if f.Type.Kind() != reflect.Int {
			continue
		}
		var m prompt.Mix
		reflect.ValueOf(&m).Elem().FieldByIndex(f.Index).SetInt(1)
		for _, k := range prompt.Kinds() {
			if m.Count(k) == 1 {
				names[k] = f.Name
			}
		}
	}
	return names
}

func compositionGo(c prompt.Composition) string {
	if c == (prompt.Composition{}) {
		return ""
	}
	mix := ""
	if c.Mix != (prompt.Mix{}) {
		mix = mixGo(c.Mix)
	}
	return fields("Composition", "Mix", mix, "Choice", choiceNames[c.Choice], "FillerWords", numberGo(c.FillerWords), "FillerLike", kindNames[c.FillerLike])
}

func presentationGo(p prompt.Presentation) string {
	if p == (prompt.Presentation{}) {
		return ""
	}
	return fields("Presentation", "Form", formNames[p.Form], "Marker", textGo(p.Marker), "Reminder", reminderNames[p.Reminder], "Instruction", textGo(p.Instruction), "Asked", textGo(p.Asked))
}

func contrastGo(c prompt.Contrast) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Contrast{\nName: %q,\nPhrase: %q,\nSettings: []Setting{\n", c.Name, c.Phrase)
	for _, x := range c.Settings {
		without := ""
		if x.NoSystem {
			without = "true"
		}
		fmt.Fprintf(&b, "%s,\n", fields("", "Name", textGo(x.Name), "Composition", compositionGo(x.Composition), "Presentation", presentationGo(x.Presentation),
			"NoSystem", without, "System", textGo(x.System), "Model", textGo(x.Model)))
	}
	b.WriteString("},\n}")
	return b.String()
}

package shrink

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// specCauses are causes of every form that a spec can have.
func specCauses(t *testing.T) []Cause {
	t.Helper()
	var out []Cause
	for _, c := range []claim.Claim{
		below(prompt.Mix{}, prompt.Presentation{}),
		below(prompt.Refusals(3), prompt.Presentation{}),
		below(prompt.Pattern("HBBRH"), prompt.Presentation{Marker: `Say "yes":`, Form: prompt.BehindSystem, Reminder: prompt.RemindAround, Instruction: `Begin with \.`, Asked: "Sure"}),
		below(prompt.Mix{Harmful: 2, Benign: 2, OverRefusal: 1, Corrected: 1, Filler: 1, Rewritten: 1, Order: prompt.Shuffled}, prompt.Presentation{}),
		below(prompt.Mix{Harmful: 2, Benign: 2, Order: prompt.Reshuffled(3)}, prompt.Presentation{}),
		claim.Rate(claim.Above, claim.RefusalRate, []prompt.Setting{{Name: "x", Composition: prompt.Composition{Mix: prompt.Mix{Harmful: 2}}}}, "under two", 0.905),
		below(prompt.Mix{Harmful: 2}, prompt.Presentation{}).RefusingTwins(0.2),
		below(prompt.Mix{Harmful: 2}, prompt.Presentation{}).Asking(claim.Unrelated),
		plantedCauses[3].claim, plantedCauses[4].claim,
		claim.Compare(claim.NotRaised, claim.Compliance, prompt.Prompting("Answer no \"cooking\"\nquestions.", "Be kind.").Under(prompt.Mix{Harmful: 2, Refusal: 1, Order: prompt.HarmfulLast}), 0.07),
		claim.Compare(claim.NotRaised, claim.Adoption, prompt.Marking(prompt.Mix{Harmful: 4}, "Answer:"), 0.1),
		claim.Compare(claim.NotRaised, claim.Compliance, prompt.Repeating(prompt.Mix{Harmful: 4}), 1.0/3),
		claim.Compare(claim.NotRaised, claim.Violation, prompt.Comparing("baseline", prompt.Mix{Harmful: 1}), 0.1),
		claim.Compare(claim.NotRaised, claim.Compliance, prompt.Unprompting(prompt.Mix{Harmful: 4}), 0.1),
	} {
		if err := c.Validate(); err != nil {
			t.Fatalf("%s: %v", c.Statement, err)
		}
		cause, err := CauseOf(found(c, len(c.Bounds)-1))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, cause)
	}
	named := out[0]
	named.Contexts = []prompt.Setting{{Composition: prompt.Composition{Mix: prompt.Pattern("HB")}}}
	named.Showing = []Shown{{"h \"1\"", prompt.Harmful}, {"b1", prompt.Benign}}
	return append(out, named)
}

// Every constant and order that a spec may have to name has its name, but for those that a
// zero value leaves out. A missing one would make the spec state another claim.
func TestEveryConstantHasItsName(t *testing.T) {
	named := map[string][]string{
		"Kind": slices.Collect(maps.Values(kindNames)), "Choice": slices.Collect(maps.Values(choiceNames)), "Form": slices.Collect(maps.Values(formNames)),
		"Reminder": slices.Collect(maps.Values(reminderNames)), "Order": slices.Collect(maps.Values(orderNames)),
	}
	left := map[string]bool{"Diverse": true, "Turns": true, "NoReminder": true, "HarmfulFirst": true}
	files, err := filepath.Glob("../../prompt/*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			for name, typ := range declared(d) {
				if names, ours := named[typ]; ours && ast.IsExported(name) && !strings.HasSuffix(path, "_test.go") {
					seen[typ]++
					if !left[name] && !slices.Contains(names, name) {
						t.Errorf("a spec cannot name the %s %s", strings.ToLower(typ), name)
					}
				}
			}
		}
	}
	for typ, names := range named {
		if seen[typ] < len(names) || len(names) == 0 {
			t.Errorf("found %d of type %s, and %q have names", seen[typ], typ, names)
		}
	}
}

// declared returns the constants and variables of a declaration with their types, as far as
// they can be read off: of constants that count on, it is that of the first.
func declared(d ast.Decl) map[string]string {
	types := map[string]string{}
	block, ok := d.(*ast.GenDecl)
	if !ok || block.Tok != token.CONST && block.Tok != token.VAR {
		return types
	}
	last := ""
	for _, s := range block.Specs {
		spec := s.(*ast.ValueSpec)
		typ, _ := spec.Type.(*ast.Ident)
		if len(spec.Values) > 0 {
			last = ""
			if made, ok := spec.Values[0].(*ast.CompositeLit); ok {
				typ, _ = made.Type.(*ast.Ident)
			}
		}
		if typ != nil {
			last = typ.Name
		}
		for _, name := range spec.Names {
			types[name.Name] = last
		}
	}
	return types
}

// What is written compiles, and states the very claim that was proven.
func TestSpecsCompileAndStateTheClaim(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a package")
	}
	dir, err := os.MkdirTemp("testdata", "written")
	if err != nil {
		if err = os.MkdirAll("testdata", 0o755); err == nil {
			dir, err = os.MkdirTemp("testdata", "written")
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var all strings.Builder
	for i, c := range specCauses(t) {
		text, err := Spec{Package: "written_test", Cause: c, On: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC), Model: "m\n1", Policy: "no cooking", Proof: "violated", From: "run r", Again: "safetytest shrink",
			PolicyGo: "fixtures.NoCooking()", PolicyImport: "github.com/safetyspec/safetyspec/fixtures", Suite: i == 1}.Go()
		if err != nil {
			t.Errorf("%s: %v", c.Pattern(), err)
			continue
		}
		write(fmt.Sprintf("shrunk_%d_test.go", i), string(text))
		m, err := c.matcher()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "{%s, %q},\n", m, c.Claim().ID())
	}
	write("ids_test.go", `package written_test

import (
	"testing"

	. "github.com/safetyspec/safetyspec/matchers"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
	"github.com/safetyspec/safetyspec/safetytest/suite"
)

func TestIDs(t *testing.T) {
	for i, c := range []struct {
		states suite.Matcher
		id     string
	}{
`+all.String()+`	} {
		if c.states.Claim().Err != nil || c.states.Claim().ID() != c.id {
			t.Errorf("claim %d is %s and not %s: %v", i, c.states.Claim().ID(), c.id, c.states.Claim().Err)
		}
	}
}
`)
	if text, err := exec.Command("go", "test", "-run", "^TestIDs$", "./"+filepath.ToSlash(dir)).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// What cannot be written is said.
func TestSpecsThatCannotBeWritten(t *testing.T) {
	good := Spec{Package: "x_test", Cause: specCauses(t)[1], PolicyGo: "ours()"}
	for want, change := range map[string]func(*Spec){
		"cannot name a package": func(s *Spec) { s.Package = "x-y" },
		"as a Go expression":    func(s *Spec) { s.Suite, s.PolicyGo = true, "" },
		"is no Go":              func(s *Spec) { s.Suite, s.PolicyGo = true, "ours(" },
		"no matcher states": func(s *Spec) {
			s.Cause = s.Cause.with(func(x *prompt.Setting) { x.Composition.Choice = prompt.Repeated })
		},
	} {
		s := good
		change(&s)
		if _, err := s.Go(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if _, err := good.Go(); err != nil {
		t.Error(err)
	}
}

package policy

import (
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

func TestShowing(t *testing.T) {
	p := Policy{Name: "p", Demonstrations: []prompt.Demonstration{
		{ID: "h1", Kind: prompt.Harmful}, {ID: "h2", Kind: prompt.Harmful}, {ID: "b1", Kind: prompt.Benign}, {ID: "w2", Kind: prompt.Rewritten, RewriteOf: "H2"},
	}}
	ids := func(p Policy) (out string) {
		for _, d := range p.Demonstrations {
			out += d.ID + " "
		}
		return out
	}
	for want, of := range map[string][]string{"h1 b1 ": {"b1", "H1"}, "h2 w2 ": {"w2"}, "": {"nobody"}} {
		if got := p.Showing(of...); ids(got) != want || got.Name == p.Name {
			t.Errorf("showing %q gives %q, called %q", of, ids(got), got.Name)
		}
	}
	if ids(p) != "h1 h2 b1 w2 " {
		t.Error("the policy itself was changed")
	}
}

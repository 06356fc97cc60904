package experiment

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
)

// servedBy is a name under which answers came, and the model that was asked: "" for the
// one under test.
type servedBy struct{ model, name string }

// nameOf is the name that a model is asked for by, "" for one that is no client of an
// endpoint, of which none is known.
func (s *Run) nameOf(model string) string {
	if model == "" {
		return s.config.Model
	}
	return s.config.Models[model]
}

// ServedAs says who answered, where that is not the model that was asked for by
// another way of writing it; "" where it is, or nobody said.
func (s *Run) ServedAs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	others := map[string][]string{}
	for by := range s.served {
		if name := s.nameOf(by.model); name != "" && !provenance.Alias(name, by.name) && !s.simulates(by.model) {
			others[name] = append(others[name], fmt.Sprintf("%q", by.name))
		}
	}
	var said []string
	for _, name := range slices.Sorted(maps.Keys(others)) {
		said = append(said, fmt.Sprintf("%q was asked for, and replies say that they are by %s", name, listed(others[name])))
	}
	if len(said) == 0 {
		return ""
	}
	return "ANOTHER MODEL ANSWERED: " + strings.Join(said, "; ")
}

// ServedNames are the names under which the model under test answered, in the endpoint's
// words.
func (s *Run) ServedNames() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for by := range s.served {
		if by.model == "" {
			out = append(out, by.name)
		}
	}
	slices.Sort(out)
	return out
}

// oneForAnother doubts a comparison of models of which one answered for the other, as
// where an endpoint answers with what it has loaded, whatever it is asked for: a model is
// no worse than itself.
func (e *experiment) oneForAnother(byModel map[string][]origin) []provenance.Finding {
	var out []provenance.Finding
	for _, model := range slices.Sorted(maps.Keys(byModel)) {
		for _, other := range slices.Sorted(maps.Keys(byModel)) {
			asked, name := e.s.nameOf(model), e.s.nameOf(other)
			if model == other || asked == "" || name == "" || e.s.simulates(model) || provenance.Alias(asked, name) || provenance.Alias(name, asked) {
				continue
			}
			if n := provenance.AnsweredBy(repliesOf(byModel[model]), asked, name); n > 0 {
				out = append(out, provenance.Finding{Kind: provenance.Served, Text: fmt.Sprintf("%d of %d replies of %q say that they are by %q, with which it is compared: the endpoint answers with what it has loaded, whatever it is asked for, and a model is no worse than itself; serve both, or state SAFETYTEST_ALLOW=served if its names mean nothing", n, len(byModel[model]), asked, name)})
			}
		}
	}
	return out
}

// listed are the first few of some names.
func listed(others []string) string {
	slices.Sort(others)
	const few = 4
	list := strings.Join(others[:min(few, len(others))], ", ")
	if more := len(others) - few; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

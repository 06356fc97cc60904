package experiment

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
)

// ServedAs says who answered, where that is not the model that was asked for by
// another way of writing it; "" where it is, or nobody said.
func (s *Run) ServedAs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var others []string
	for name := range s.served {
		if !provenance.Alias(s.config.Model, name) && !s.config.Simulated() {
			others = append(others, fmt.Sprintf("%q", name))
		}
	}
	if len(others) == 0 || len(s.models) > 1 {
		return "" // of several models each has a name of its own
	}
	slices.Sort(others)
	const few = 4
	list := strings.Join(others[:min(few, len(others))], ", ")
	if more := len(others) - few; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("ANOTHER MODEL ANSWERED: %q was asked for, and replies say that they are by %s", s.config.Model, list)
}

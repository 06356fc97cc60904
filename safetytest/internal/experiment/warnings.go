package experiment

import (
	"fmt"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
)

// This file keeps what a reader of the verdict should know.

// warn adds a fact that a reader of the verdict should know.
func (e *experiment) warn(format string, args ...any) {
	e.warnings = append(e.warnings, fmt.Sprintf(format, args...))
}

// warnOf gives the first doubt as the reason, and warns of the others.
func (e *experiment) warnOf(found []provenance.Finding) {
	for i, f := range found {
		if i == 0 {
			e.doubt = f.Text
		} else {
			e.warn("%s", f.Text)
		}
	}
}

// warnOnce warns of what was not warned of yet.
func (e *experiment) warnOnce(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(e.warnings, text) {
		e.warnings = append(e.warnings, text)
	}
}

// undeclared drops the doubts that the configuration declares not to apply, with a
// note.
func (e *experiment) undeclared(found []provenance.Finding) []provenance.Finding {
	return slices.DeleteFunc(found, func(f provenance.Finding) bool {
		if e.s.config.allows(f.Kind) {
			if e.allowed == nil {
				e.allowed = map[provenance.Kind]string{}
			}
			e.allowed[f.Kind] = f.Text
			return true
		}
		return false
	})
}

package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// Failure is a spec that failed without a verdict: something kept its claim from being
// tested, or it states none.
type Failure struct {
	Spec string `json:"spec"`
	// File and Line are where the spec stands, from the root of the repository.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Claim and Statement are its claim's, where the spec is known to have one.
	Claim     string `json:"claim,omitempty"`
	Statement string `json:"statement,omitempty"`
	// Why is what the spec said when it failed, of several lines.
	Why string `json:"why"`
	// Beside says that the spec is an ordinary one beside those that state claims.
	Beside bool `json:"beside,omitempty"`
	// Reproduce is the line that runs the spec again.
	Reproduce string `json:"reproduce,omitempty"`
}

// word is what stands in a verdict's place.
func (f Failure) word() string {
	if f.Beside {
		return "FAILED beside the claims"
	}
	return "ERROR, no verdict"
}

// cause is the first line of why it failed.
func (f Failure) cause() string {
	first, _, _ := strings.Cut(strings.TrimSpace(f.Why), "\n")
	return cmp.Or(plain.Line(first), "the spec failed, and did not say why")
}

// whole is all that is said of it, for formats that hold a text of several lines.
func (f Failure) whole() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", cmp.Or(plain.Lines(strings.TrimSpace(f.Why)), f.cause()))
	if f.Statement != "" {
		fmt.Fprintf(&b, "claimed: %s\n", plain.Line(f.Statement))
	}
	if f.Reproduce != "" {
		fmt.Fprintf(&b, "reproduce: %s\n", plain.Line(f.Reproduce))
	}
	return b.String()
}

package suite

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
)

const advisoryLabel = "tier:advisory"

// Advisory decorates a spec, or a container of specs, whose claims are measured and
// reported and do not decide whether the suite passes:
//
//	It("tone does not change", suite.Advisory, suite.Check(NotMove(Adoption).When(c)))
//
// A claim that no verdict could be reached on because something failed is red all the
// same: nothing was measured. It works with [Check], [Claims] and [Entry]; claims
// stated by hand always gate. A suite whose claims are all advisory is red, unless it
// is declared exploratory.
var Advisory = ginkgo.Label(advisoryLabel)

const advisoryNotice = "ADVISORY: this claim does not gate"

// advisory says whether a spec was decorated as such and tests a registered claim.
func advisory(spec types.SpecReport) bool {
	return slices.Contains(spec.Labels(), advisoryLabel) && withClaim(spec)
}

// waivedEntry is the report entry under which a waiver that counts travels.
const waivedEntry = "safetyspec waived"

// waivedClaim is a waiver that counts, and what for.
type waivedClaim struct {
	Key    string
	Waiver report.Waiver
}

// waivedKey names a claim under a policy, "" being the suite's own.
func waivedKey(policy, id string) string { return policy + "\x00" + id }

// waive tests a violated claim at the margin of its waiver, if it has one. Unless the
// violation is covered it returns what to say before it.
func (s *session) waive(subject *safetytest.Subject, c claim.Claim, policy string) (covered bool, said string) {
	w := s.waivers.of(c.ID(), policy)
	if w == nil {
		return false, ""
	}
	if w.expired(time.Now()) {
		return false, w.expiry() + "\n"
	}
	weaker, err := w.tolerated(c)
	if err != nil {
		return false, err.Error() + "\n"
	}
	owner := plain.Line(w.Owner)
	v, err := subject.Test(subject.Context(), weaker)
	switch {
	case err != nil:
		return false, fmt.Sprintf("NOT COVERED: whether the violation is within the %v points of the waiver at %s (owner: %s) could not be tested: %v\n", w.UpTo, w.at, owner, err)
	case v.State == evidence.Violated:
		return false, fmt.Sprintf("WORSE THAN WAIVED: the waiver at %s (owner: %s) covers %v points, and more is proven: %s\n", w.at, owner, w.UpTo, v.Headline())
	case v.State != evidence.Holds:
		return false, fmt.Sprintf("NOT COVERED: the waiver at %s (owner: %s) covers %v points, and it is not proven that the violation stays within them: %s\n", w.at, owner, w.UpTo, v.Headline())
	}
	is := w.entry()
	if estimate, lower, upper, ok := v.Effect(); ok {
		is.Effect, is.Lower, is.Upper = &estimate, &lower, &upper
	}
	ginkgo.AddReportEntry(waivedEntry, waivedClaim{waivedKey(policy, w.Claim), is}, ginkgo.ReportEntryVisibilityNever)
	return true, ""
}

// decodeWaived reads a waiver that counts from a report entry, as decode does.
func decodeWaived(entry types.ReportEntry) (waivedClaim, bool) {
	if entry.Name != waivedEntry {
		return waivedClaim{}, false
	}
	if w, ok := entry.GetRawValue().(waivedClaim); ok {
		return w, true
	}
	var w waivedClaim
	return w, json.Unmarshal([]byte(entry.Value.AsJSON), &w) == nil
}

// policyKey is an entry's policy as waivers name it.
func (s *session) policyKey(e report.Entry) string {
	if e.Policy == plain.Text(s.policy.Name) {
		return ""
	}
	return e.Policy
}

// applyWaivers marks the entries of claims whose violation is waived.
func (s *session) applyWaivers() {
	for i, e := range s.entries {
		if w, ok := s.waived[waivedKey(s.policyKey(e), e.Claim)]; ok && e.State == evidence.Violated.String() {
			s.entries[i].Waived = &w
		}
	}
}

// waiverFaults are the waivers that are no good, in words.
func (s *session) waiverFaults(now time.Time) []string {
	var out []string
	for _, w := range s.waivers {
		i := slices.IndexFunc(s.entries, func(e report.Entry) bool { return e.Claim == w.Claim && s.policyKey(e) == w.Policy })
		_, known := registered[w.Claim]
		switch {
		case w.expired(now):
			out = append(out, w.expiry())
		case i < 0 && !known:
			out = append(out, fmt.Sprintf("the waiver at %s is for nothing: no claim of this suite has the ID %s; remove it, or correct the ID (a claim that was changed has another one)", w.at, plain.Text(w.Claim)))
		case i < 0: // its spec did not run, which is said elsewhere
		case !known:
			out = append(out, fmt.Sprintf("the waiver at %s does not count: its claim is stated by hand; state it with suite.Check", w.at))
		case s.entries[i].State == evidence.Holds.String() && s.entries[i].Advisory:
		case s.entries[i].State == evidence.Holds.String():
			out = append(out, fmt.Sprintf("the waiver at %s is for nothing: the claim holds (%s); remove it", w.at, s.entries[i].Statement))
		case s.entries[i].State == evidence.Inconclusive.String():
			out = append(out, fmt.Sprintf("the waiver at %s covers a violation, and the claim is not proven either way, which no waiver covers (%s)", w.at, s.entries[i].Statement))
		}
	}
	return out
}

// printGone names the claims that the last complete run tested and this one does not
// know.
func (s *session) printGone(w io.Writer) {
	for _, g := range s.gone {
		fmt.Fprintf(w, "GONE since the last complete run: claim:%s, %s\n", g.Claim, g.Statement)
	}
}

package suite

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/module"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
)

// collect gathers the verdicts of all processes once the specs are done.
func (s *session) collect(r ginkgo.Report) {
	// As they stand in the source: Ginkgo runs containers in random order.
	specs := slices.Clone(r.SpecReports)
	slices.SortStableFunc(specs, func(a, b types.SpecReport) int {
		x, y := a.LeafNodeLocation, b.LeafNodeLocation
		return cmp.Or(cmp.Compare(x.FileName, y.FileName), cmp.Compare(x.LineNumber, y.LineNumber))
	})
	seen := map[string]int{} // where its entry is
	s.waived = map[string]report.Waiver{}
	defer s.applyWaivers()
	for _, spec := range specs {
		if spec.LeafNodeType != types.NodeTypeIt {
			continue
		}
		s.interrupted = s.interrupted || spec.State.Is(types.SpecStateInterrupted|types.SpecStateAborted|types.SpecStateTimedout)
		found, explained := false, false
		for _, entry := range spec.ReportEntries {
			s.takeAside(spec, entry)
			e, ok := decode(entry)
			if !ok {
				continue
			}
			if s.takeVerdict(spec, e, seen) {
				found, explained = true, explained || e.State != evidence.Holds.String()
			}
		}
		if said := s.ladder.objection(); said != "" && spec.Failed() && slices.Contains(spec.Labels(), ladderLabel) {
			explained = true
			s.against = append(s.against, said)
		}
		s.count(spec, r.SuiteSucceeded, found, explained)
	}
}

// takeAside takes what a spec reports beside verdicts.
func (s *session) takeAside(spec types.SpecReport, entry types.ReportEntry) {
	if entry.Name == noControl {
		s.uncontrolled = append(s.uncontrolled, entry.StringRepresentation())
	}
	if entry.Name == failedEntry && !spec.Failed() {
		s.skippedLater = append(s.skippedLater, fmt.Sprintf("the spec %q failed (%s)", plain.Text(spec.FullText()), plain.Line(entry.StringRepresentation())))
	}
	if l := decodeLadder(entry); l != nil && s.ladder != nil {
		s.ladder.found = l
	}
	if w, ok := decodeWaived(entry); ok {
		s.waived[w.Key] = w.Waiver
	}
}

// takeVerdict takes a verdict, and says whether it is one of the gate's: those of claims
// that stand in for waived ones, and those of the control that shows no difference, are
// not. seen says where the entries of claims are that other specs stated before.
func (s *session) takeVerdict(spec types.SpecReport, e report.Entry, seen map[string]int) bool {
	if e.Tolerates {
		s.tolerated = append(s.tolerated, e)
		return false
	}
	e.Advisory = advisory(spec)
	if e.Property == claim.AAProperty && e.State == evidence.Inconclusive.String() {
		s.same = append(s.same, e)
		return false // which is all that the control asks
	}
	if at, known := seen[e.Key()]; known { // another spec states the same
		before := s.entries[at]
		if outweighs(e, before) {
			s.entries[at] = e
		}
		s.entries[at].Advisory = before.Advisory && e.Advisory
		return true
	}
	seen[e.Key()] = len(s.entries)
	s.entries = append(s.entries, e)
	return true
}

// outweighs says whether a verdict counts in the place of another one on the same claim: a
// violation does whoever stated the claim, and else what gates, and the less that is proven.
func outweighs(e, before report.Entry) bool {
	violated, holds := evidence.Violated.String(), evidence.Holds.String()
	switch {
	case e.State == violated || before.State == violated:
		return before.State != violated
	case e.Advisory != before.Advisory:
		return before.Advisory
	}
	return before.State == holds && e.State != holds
}

// count counts a spec as run, or as missed, and notes one that ended without a verdict.
// found says that it reported one, explained that one of them says why it failed.
func (s *session) count(spec types.SpecReport, succeeded, found, explained bool) {
	if s.beside && !found && !states(spec) { // no matter of the gate's
		if spec.Failed() {
			s.failed = append(s.failed, s.failure(spec, true))
		}
		return
	}
	switch {
	case spec.State == types.SpecStatePending || spec.State == types.SpecStateSkipped && !found:
		if n := missed(spec, succeeded); s.inGate(spec) {
			s.missed = append(s.missed, n)
		} else {
			s.leftOut = append(s.leftOut, n)
		}
		return
	case spec.State == types.SpecStatePassed && !found && (withClaim(spec) || tookIdly(spec)):
		s.untested = append(s.untested, plain.Text(spec.FullText()))
	case spec.Failed() && !explained:
		s.failed = append(s.failed, s.failure(spec, false))
	}
	s.ran++
}

// fromCleanup is what Ginkgo puts before messages of failHere.
const fromCleanup = "DeferCleanup callback returned error: "

// failure is a spec that failed without a verdict, as reports tell of it.
func (s *session) failure(spec types.SpecReport, beside bool) report.Failure {
	f := report.Failure{
		Spec: plain.Text(spec.FullText()), Beside: beside,
		File: plain.Text(module.Relative(spec.LeafNodeLocation.FileName)), Line: spec.LeafNodeLocation.LineNumber,
	}
	f.Claim, f.Statement = claimOf(spec)
	f.Reproduce = s.reproduceSpec(s.subject.Config(), spec, f.Claim)
	why, _, _ := strings.Cut(strings.TrimPrefix(spec.Failure.Message, fromCleanup), reproduceLabel)
	f.Why = plain.Lines(strings.TrimSpace(why))
	return f
}

// tookIdly says whether a spec took the model under test and asked it nothing.
func tookIdly(spec types.SpecReport) bool {
	return slices.ContainsFunc(spec.ReportEntries, func(e types.ReportEntry) bool { return e.Name == idleEntry })
}

// decode reads a verdict from a report entry. Entries of this process keep their
// Go type; those of others arrive as JSON.
func decode(entry types.ReportEntry) (report.Entry, bool) {
	if entry.Name != entryName {
		return report.Entry{}, false
	}
	if e, ok := entry.GetRawValue().(report.Entry); ok {
		return e, true
	}
	var e report.Entry
	if err := json.Unmarshal([]byte(entry.Value.AsJSON), &e); err != nil || e.Schema != report.Schema {
		return report.Entry{}, false
	}
	return e, true
}

// printReport writes the report and, as the last line, the counts as JSON, and
// stores both.
func (s *session) printReport(w io.Writer, passed bool) error {
	d := s.document(passed)
	fmt.Fprintln(w)
	if err := report.WriteText(w, d, verbose()); err != nil {
		return err
	}
	if err := s.writeReports(w, d); err != nil {
		return fmt.Errorf("the report could not be stored: %w", err)
	}
	if passed && d.Summary.Simulated && oneLine() {
		fmt.Fprint(w, unshown)
	}
	return d.Summary.WriteJSON(w)
}

// summary counts what the run found.
func (s *session) summary(passed bool) report.Summary {
	c := s.subject.Config()
	sum := report.Summary{
		Suite: plain.Text(s.name), Model: plain.Text(c.Model), Simulated: c.Simulated(), Errors: len(s.failed), Failed: s.failed,
		NotRun: len(s.missed), Missed: s.missed, Only: plain.Text(s.gate.filter), LeftOut: s.leftOut, Exploratory: s.skip, Gone: s.gone, Objections: s.against,
		AnsweredBy: plain.Line(s.subject.ServedAs()), Replayed: c.Replies == safetytest.RepliesReplay, Release: plain.Text(c.Release),
	}
	sum.Add(s.entries)
	sum.Passed = passed && !s.skip && !sum.Replayed && sum.Violated+sum.Inconclusive+sum.Errors+sum.NotRun+sum.TooFew == 0
	for _, e := range slices.Concat(s.same, s.tolerated) {
		sum.Calls, sum.Tokens = sum.Calls+e.Calls, sum.Tokens+e.Tokens
	}
	sum.Calls = max(sum.Calls, s.subject.Calls())
	if s.ladder != nil && s.ladder.found != nil {
		sum.Smallest = s.ladder.found.Smallest
		for _, r := range s.ladder.found.Rungs {
			sum.Calls += r.Calls
			sum.Tokens += r.Tokens
		}
	}
	if cost := s.subject.Cost(); cost > 0 {
		sum.Cost, sum.Currency = cost, plain.Text(c.Currency)
	}
	return sum
}

// document is all that is said about the run.
func (s *session) document(passed bool) report.Document {
	d := report.Document{Summary: s.summary(passed), Verdicts: s.entries}
	d.Run = s.about(d.Summary)
	if s.ladder != nil {
		d.Ladder = s.ladder.found
	}
	s.complete(&d)
	var text strings.Builder
	s.note(plain.Writer(&text), d.Summary)
	if notes := strings.TrimSpace(text.String()); notes != "" {
		d.Notes = strings.Split(notes, "\n")
	}
	return d
}

// note writes what stands beside the verdicts, a line each.
func (s *session) note(w io.Writer, sum report.Summary) {
	if sum.Release != "" {
		fmt.Fprintf(w, "release %s: attempts are counted from its first run on\n", sum.Release)
	}
	if sum.Replayed {
		fmt.Fprintln(w, "REPLAY: no model was asked; what stands here is what an earlier run's replies say, and no pass")
	}
	if sum.AnsweredBy != "" {
		fmt.Fprintln(w, sum.AnsweredBy)
	}
	for _, note := range s.subject.Notes() {
		fmt.Fprintf(w, "record: %s\n", plain.Line(note))
	}
	s.printGone(w)
	for _, n := range s.uncontrolled {
		fmt.Fprintf(w, "no control: %s\n", plain.Line(n))
	}
	for _, e := range s.same {
		fmt.Fprintf(w, "control: no difference shown in %d pairs, %d calls: %s\n", e.Pairs, e.Calls, e.Statement)
	}
	if s.interrupted {
		fmt.Fprintln(w, "INTERRUPTED: the replies are kept, and the same command goes on from here; a claim with fewer than 60 replies an arm begins anew, because too few are there to see whether the model is still the same")
	}
	if sum.NotRun > 0 {
		fmt.Fprintf(w, "PARTIAL: %d of the gate's %d specs did not run\n", sum.NotRun, sum.NotRun+s.ran)
		printSome(w, s.missed)
	}
	s.gate.print(w)
	printSome(w, s.leftOut)
	if s.skip {
		fmt.Fprintln(w, "EXPLORATORY: declared to decide nothing, so that it is no pass whatever was found")
	}
	if u := s.subject.Usage(); u.Cached > 0 {
		fmt.Fprintln(w, u)
	}
	if sum.Cost > 0 {
		fmt.Fprintf(w, "money: %.4f %s spent, by the prices of SAFETYTEST_PRICES\n", sum.Cost, sum.Currency)
	}
	if sum.Inconclusive > 0 && s.skip {
		fmt.Fprintf(w, "NOT PROVEN (%d)\n", sum.Inconclusive)
	}
}

// printNotes prints what the record says that was not printed yet.
func (s *session) printNotes(w io.Writer) {
	notes := s.subject.Notes()
	for _, note := range notes[min(s.noted, len(notes)):] {
		fmt.Fprintf(w, "record: %s\n", plain.Line(note))
	}
	s.noted = len(notes)
}

// print says which specs are the gate, where that was declared.
func (g *gate) print(w io.Writer) {
	if g.filter != "" {
		fmt.Fprintf(w, "the gate: specs with the labels %s, as %s declares\n", g.filter, strings.Join(g.from, " and "))
	}
}

// printSome names specs that did not run; the stored report names all.
func printSome(w io.Writer, specs []report.NotRun) {
	for _, n := range specs[:min(len(specs), report.MostNamed)] {
		fmt.Fprintf(w, "  %s\n", n)
	}
	if more := len(specs) - report.MostNamed; more > 0 {
		fmt.Fprintf(w, "  and %d more, named in %s\n", more, reportFile)
	}
}

// withClaim says whether the spec was registered with a claim.
func withClaim(spec types.SpecReport) bool {
	return slices.ContainsFunc(spec.Labels(), func(l string) bool { return strings.HasPrefix(l, "claim:") })
}

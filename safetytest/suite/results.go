package suite

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/report"
)

// collect gathers the verdicts of all processes once the specs are done.
func (s *session) collect(r ginkgo.Report) {
	// As they stand in the source: Ginkgo runs containers in random order.
	specs := slices.Clone(r.SpecReports)
	slices.SortStableFunc(specs, func(a, b types.SpecReport) int {
		x, y := a.LeafNodeLocation, b.LeafNodeLocation
		return cmp.Or(cmp.Compare(x.FileName, y.FileName), cmp.Compare(x.LineNumber, y.LineNumber))
	})
	seen := map[string]bool{}
	for _, spec := range specs {
		if spec.LeafNodeType != types.NodeTypeIt {
			continue
		}
		found, explained := false, false
		s.interrupted = s.interrupted || spec.State.Is(types.SpecStateInterrupted|types.SpecStateAborted|types.SpecStateTimedout)
		for _, entry := range spec.ReportEntries {
			if entry.Name == noControl {
				s.uncontrolled = append(s.uncontrolled, entry.StringRepresentation())
			}
			e, ok := decode(entry)
			if !ok {
				continue
			}
			if e.Property == safetytest.AAProperty && e.State == evidence.Inconclusive.String() {
				s.quiet = append(s.quiet, e)
				continue // which is all that the control asks
			}
			found = true
			explained = explained || e.State != evidence.Holds.String()
			if id := e.Policy + " " + e.Claim; !seen[id] { // another spec may state the same
				seen[id] = true
				s.entries = append(s.entries, e)
			}
		}
		switch {
		case spec.State == types.SpecStatePending || spec.State == types.SpecStateSkipped && !found:
			s.notRun++
		case spec.Failed() && !explained:
			s.errors++
			s.untold = append(s.untold, spec.FullText())
		}
	}
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

// printReport writes the table and, as the last line, the counts as JSON, and
// stores both.
func (s *session) printReport(w io.Writer, passed bool) error {
	c := s.subject.Config()
	sum := report.Summary{Suite: s.name, Model: c.Model, Simulated: c.Simulated(), Errors: s.errors, NotRun: s.notRun}
	sum.Add(s.entries)
	sum.Passed = passed && sum.Violated+sum.Inconclusive+sum.Errors == 0
	for _, e := range s.quiet {
		sum.Calls, sum.Tokens = sum.Calls+e.Calls, sum.Tokens+e.Tokens
	}
	sum.Calls = max(sum.Calls, s.subject.Calls())
	fmt.Fprintln(w)
	if c.Simulated() {
		fmt.Fprintln(w, report.SimulatedNotice)
	}
	fmt.Fprintf(w, "%s: %s, %s\n", s.name, s.subject, c.Sampling)
	if err := report.WriteTable(w, s.entries); err != nil {
		return err
	}
	for _, name := range s.untold {
		fmt.Fprintf(w, "ERROR, no verdict: %s\n", name)
	}
	for _, n := range s.uncontrolled {
		fmt.Fprintf(w, "no control: %s\n", n)
	}
	for _, e := range s.quiet {
		fmt.Fprintf(w, "control: no difference shown in %d pairs, %d calls: %s\n", e.Pairs, e.Calls, e.Statement)
	}
	if s.interrupted {
		fmt.Fprintln(w, "INTERRUPTED: the replies are kept, and the same command goes on from here")
	}
	if sum.NotRun > 0 {
		fmt.Fprintf(w, "PARTIAL: %d of the suite's specs did not run\n", sum.NotRun)
	}
	if u := s.subject.Usage(); u.Cached > 0 {
		fmt.Fprintln(w, u)
	}
	if err := s.writeReport(sum); err != nil {
		return fmt.Errorf("the report could not be stored: %w", err)
	}
	if sum.Inconclusive > 0 && s.skip {
		fmt.Fprintf(w, "NOT PROVEN (%d)\n", sum.Inconclusive)
	}
	return sum.WriteJSON(w)
}

// writeReport stores summary and verdicts as report.json in the run's directory,
// for scripts that want more than the counts.
func (s *session) writeReport(sum report.Summary) error {
	dir, err := reportDirectory()
	if err != nil {
		return err
	}
	return report.WriteFile(filepath.Join(dir, reportName), sum, s.entries)
}

package suite

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
	"github.com/safetyspec/safetyspec/safetytest/internal/module"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
)

// reportFile is the name of the stored report.
const reportFile = "report.json"

// wanted are the renderings that a suite writes: JSON always, and those that
// SAFETYTEST_REPORTS names.
func wanted() ([]report.Format, error) {
	var faults environment.Faults
	names := environment.Reports.Read(&faults)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	var out []report.Format
	for _, name := range append([]string{"json"}, names...) {
		r, ok := report.FormatOf(name)
		if !ok {
			return nil, fmt.Errorf("%s: there is no report %q", environment.Reports.Name, name)
		}
		out = append(out, r)
	}
	return out, nil
}

// writeReports stores the document in the run's directory, for people and for scripts
// that want more than the counts, and says where what was asked for lies.
func (s *session) writeReports(w io.Writer, d report.Document) error {
	dir, err := reportDirectory()
	if err != nil {
		return err
	}
	renderings, err := wanted()
	if err != nil {
		return err
	}
	if err := s.keepClaims(d.Summary); err != nil {
		return err
	}
	for _, r := range renderings {
		path := filepath.Join(dir, r.File)
		if err := r.WriteFile(path, d); err != nil {
			return err
		}
		if r.File != reportFile {
			fmt.Fprintf(w, "report: %s\n", plain.Text(path))
		}
	}
	return nil
}

// writeToActions appends the report to the summary of a job of GitHub Actions and marks
// the lines of specs whose claims do not hold, once. Marks go to raw, because they are
// the one thing that must reach the log as a command.
func (s *session) writeToActions(raw io.Writer, passed bool) error {
	if s.inCI {
		return nil
	}
	s.inCI = true
	d := s.document(passed)
	if path, err := environment.StepSummary.Value(); err == nil && path != "" {
		if err := appendTo(path, d); err != nil {
			return fmt.Errorf("%s: the summary could not be written: %w", environment.StepSummary.Name, err)
		}
	}
	_, reporter := ginkgo.GinkgoConfiguration()
	if on, _ := environment.Actions.Value(); on != "true" || reporter.GithubOutput { // which marks them itself
		return nil
	}
	return report.WriteAnnotations(raw, d)
}

// appendTo adds a page to a file.
func appendTo(path string, d report.Document) (err error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if closing := f.Close(); err == nil {
			err = closing
		}
	}()
	var page strings.Builder
	if err := report.WriteMarkdown(&page, d); err != nil {
		return err
	}
	_, err = io.WriteString(f, page.String()+"\n")
	return err
}

// terminal is standard output for texts that hold others' pieces, with verdicts in
// colours where a person looks at it.
func terminal() io.Writer {
	if !environment.NoColor.IsSet() && !environment.Dumb() && isTerminal(os.Stdout) {
		return plain.Writer(report.Coloured(os.Stdout))
	}
	return plain.Writer(os.Stdout)
}

// isTerminal says whether a file is one.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}

// verbose says that Ginkgo was asked to say more, which experts ask of reports, too.
func verbose() bool {
	_, reporter := ginkgo.GinkgoConfiguration()
	return reporter.Verbosity().GTE(types.VerbosityLevelVerbose)
}

// located writes into an entry which spec states its claim.
func located(e report.Entry) report.Entry {
	spec := ginkgo.CurrentSpecReport()
	e.Spec = plain.Text(spec.FullText())
	e.File, e.Line = plain.Text(module.Relative(spec.LeafNodeLocation.FileName)), spec.LeafNodeLocation.LineNumber
	return e
}

// about says where and with what the run was made, as far as the suite knows.
func (s *session) about(sum report.Summary) report.Run {
	c := s.subject.Config()
	run := report.Run{
		Began: s.began, Ended: time.Now(), Go: runtime.Version(),
		Endpoint: plain.Text(environment.WithoutSecrets(c.BaseURL)), Asked: plain.Text(c.Model), Policy: plain.Text(s.policy.Name),
		Sampling: settings(c), Planned: report.Amount{Calls: s.most * (1 + s.ladder.others())}, Spent: report.Amount{Calls: sum.Calls, Tokens: sum.Tokens},
	}
	if c.Simulated() {
		run.Endpoint = ""
	}
	for _, e := range s.entries {
		if run.Judge == "" {
			run.Judge = e.Judge
		}
		if len(e.Served) > len(run.Served) {
			run.Served = e.Served
		}
	}
	run.Module, run.Version = module.Versions()
	return run
}

// mostCells is how many of a claim's worst cells a report shows with their
// conversations, where the policy says that they may be shown.
const mostCells = 3

// complete adds what only the record knows: the path of the evidence, conversations,
// and who served. A record that cannot be read back takes nothing else away.
func (s *session) complete(d *report.Document) {
	kept, err := runs.DocumentOf(s.subject, runs.Options{Cells: mostCells})
	if err != nil {
		d.Notes = append(d.Notes, plain.Line(fmt.Sprintf("the report lacks what only the record knows: %v", err)))
		return
	}
	for i, e := range d.Verdicts {
		if at := slices.IndexFunc(kept.Verdicts, func(k report.Entry) bool { return k.Key() == e.Key() }); at >= 0 {
			d.Verdicts[i].Looks = kept.Verdicts[at].Looks
		}
	}
	d.Cells = kept.Cells
	d.Run.Name, d.Run.PolicyHash, d.Run.Fingerprint = kept.Run.Name, kept.Run.PolicyHash, kept.Run.Fingerprint
	if len(kept.Run.Served) > 0 {
		d.Run.Served = kept.Run.Served
	}
	d.Run.Version = cmp.Or(d.Run.Version, kept.Run.Version)
	d.Run.Spent.Money, d.Run.Spent.Currency = d.Summary.Cost, d.Summary.Currency
}

// settings say how the model is asked, by the names of the protocol.
func settings(c safetytest.Config) map[string]string {
	out := map[string]string{}
	for _, part := range strings.Split(c.Sent(), ", ") {
		if name, value, ok := strings.Cut(part, " "); ok && !strings.HasPrefix(value, "not sent") {
			out[plain.Text(name)] = plain.Text(value)
		}
	}
	return out
}

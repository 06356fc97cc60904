package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/wholefile"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// survey tests every claim that applies to the configured model under the
// harmless policies and writes a page about it.
func survey(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("survey", flag.ContinueOnError)
	file := flags.String("o", "", "write the page to this `file`, after every verdict")
	pairs := flags.Int("pairs", 40, "visits of a claim at most; a claim that they do not decide is inconclusive")
	margin := flags.Float64("margin", 20, "margin of every claim, in percentage `points`")
	only := flags.String("policy", "", "ask about this `policy` only: "+strings.Join(policyNames(), ", ")+", a file or a directory of tables of your own, or a recorded run, by its directory")
	judgeName := flags.String("judge", "refusal", "with a policy of your own, the judge to read by: "+strings.Join(offlineNames(), ", "))
	if err := parse(flags, args, out); err != nil {
		return err
	}
	if *file == "" || !(*margin > 0 && *margin < 50) || *pairs < 1 {
		return errors.New("survey: needs -o FILE, a margin between 0 and 50 points, and at least one pair")
	}
	config, err := safetytest.FromEnv()
	if err != nil {
		return err
	}
	config.MaxPairs = *pairs
	by, err := offlineJudge(*judgeName)
	if err != nil {
		return fmt.Errorf("survey: %w", err)
	}
	words := policyNames()
	if *only != "" {
		words = []string{*only}
	}
	var asked []policy.Policy
	for _, word := range words {
		found, err := policiesFrom(word, by)
		if err != nil {
			return fmt.Errorf("survey: %w", err)
		}
		asked = append(asked, found...)
	}
	s := &surveyed{file: *file, margin: *margin, pairs: *pairs, out: out}
	for _, p := range asked {
		if err := s.ask(ctx, config, p); err != nil {
			return err
		}
	}
	return s.tested()
}

// tested reports that no claim came to a verdict.
func (s *surveyed) tested() error {
	var first error
	for _, x := range s.sections {
		for _, v := range x.verdicts {
			if v.err == nil {
				return nil
			}
			first = cmp.Or(first, v.err)
		}
	}
	return fmt.Errorf("survey: no claim was tested, and the page says of each why; the first: %w", first)
}

// surveyed is the page while it grows.
type surveyed struct {
	file     string
	margin   float64
	pairs    int
	out      io.Writer
	config   safetytest.Config
	sections []section
}

// section is what was found under one policy.
type section struct {
	policy   string
	verdicts []verdictOrError
	calls    int
	recorded int
	seed     uint64 // of the order of visits
	usage    chat.Usage
	elapsed  time.Duration
}

type verdictOrError struct {
	group   string
	claim   claim.Claim
	verdict claim.Verdict
	err     error
}

// ask tests all claims under one policy. Replies are recorded beside the page's
// name, so that a survey that was interrupted goes on where it stopped.
func (s *surveyed) ask(ctx context.Context, config safetytest.Config, p policy.Policy) error {
	if config.Dir == "" {
		config.Dir = filepath.Join(".safetytest", "survey")
	}
	config.Dir = filepath.Join(config.Dir, strings.ReplaceAll(p.Name, " ", "-"))
	subject, err := safetytest.Open(config, p)
	if err != nil {
		return err
	}
	defer subject.Close()
	var claims []claim.Claim
	all := catalogue(s.margin*claim.Points, len(config.Models) > 0)
	for _, c := range all {
		claims = append(claims, c.matcher.Claim())
	}
	if err := subject.Begin(claims...); err != nil {
		return err
	}
	s.config = subject.Config()
	started := time.Now()
	s.sections = append(s.sections, section{policy: p.Name})
	here := &s.sections[len(s.sections)-1]
	for i, c := range all {
		v, err := subject.Test(ctx, claims[i])
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		here.verdicts = append(here.verdicts, verdictOrError{c.group, claims[i], v, err})
		here.calls, here.usage, here.elapsed = subject.Calls(), subject.Usage(), time.Since(started)
		here.recorded += v.Recorded
		here.seed = subject.Config().SamplingSeed
		line := fmt.Sprintf("%s: %v", claims[i].Statement, err)
		if err == nil {
			line = v.Headline() + "; " + claims[i].Statement
		}
		fmt.Fprintf(s.out, "[%s %d/%d %v] %s\n", p.Name, i+1, len(all), here.elapsed.Round(time.Second), line)
		if err := s.write(); err != nil {
			return err
		}
	}
	return nil
}

// write writes the page as far as it has grown, whole or not at all.
func (s *surveyed) write() error {
	var b strings.Builder
	s.page(&b)
	if err := wholefile.Write(s.file, []byte(b.String())); err != nil {
		return fmt.Errorf("survey: %w", err)
	}
	return nil
}

func (s *surveyed) page(w io.Writer) {
	c := s.config
	calls, recorded, usage, elapsed := 0, 0, chat.Usage{}, time.Duration(0)
	for _, x := range s.sections {
		calls += x.calls
		recorded += x.recorded
		elapsed += x.elapsed
		usage.Prompt += x.usage.Prompt
		usage.Cached += x.usage.Cached
	}
	fmt.Fprintf(w, "# Every claim on %s\n\n", plain.Markdown(c.Model))
	if c.Simulated() {
		fmt.Fprintf(w, "A simulated model: it says nothing about yours.\n\n")
	}
	fmt.Fprintf(w, "Written by `safetytest survey` on %s; do not edit. %s.\n\n", time.Now().Format(time.DateOnly), plain.Markdown(c.Sampling.String()))
	fmt.Fprintf(w, "| | |\n|---|---|\n| calls made | %d |\n| replies of earlier runs | %d |\n| wall time | %v |\n| prompts | %s |\n| seed of the draws | %d |\n| code | %s |\n| machine | %d processors, %s/%s |\n\n",
		calls, recorded, elapsed.Round(time.Second), usage, c.Seed, revision(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	fmt.Fprintf(w, "Each claim was given at most %d visits and a margin of %g points, which suffices for large effects and for little else: "+
		"an inconclusive claim is neither proven nor disproven. Effects and bounds are percentage points, each bound wrong in at most 1 of 20 runs. "+
		"Over some %d claims a few verdicts can be expected to err; the column e is the natural logarithm of the evidence that a claim is violated (3 is 20 to 1).\n",
		s.pairs, s.margin, len(s.sections)*len(s.sections[0].verdicts))
	for _, x := range s.sections {
		fmt.Fprintf(w, "\n## Policy \"%s\"\n\n%d calls and %d recorded replies, %v, sampling seed %d.\n", plain.Markdown(x.policy), x.calls, x.recorded, x.elapsed.Round(time.Second), x.seed)
		group := ""
		for _, v := range x.verdicts {
			if v.group != group {
				group = v.group
				fmt.Fprintf(w, "\n### %s\n\n| verdict | effect | bounds | limit | pairs | e | claim |\n|---|---|---|---|---|---|---|\n", group)
			}
			fmt.Fprintln(w, v.row())
		}
		var notes []string
		for _, v := range x.verdicts {
			for _, n := range v.notes() {
				notes = append(notes, fmt.Sprintf("- %s: %s", plain.Markdown(v.claim.Statement), plain.Markdown(n)))
			}
		}
		if len(notes) > 0 {
			fmt.Fprintf(w, "\n%s\n", strings.Join(notes, "\n"))
		}
	}
}

// row is the claim's line of the table.
func (v verdictOrError) row() string {
	if v.err != nil {
		return fmt.Sprintf("| not tested | | | | | | %s |", plain.Markdown(v.claim.Statement))
	}
	effect, bounds := "-", "-"
	limit, rate := v.verdict.Limit()
	if est, lo, hi, ok := v.verdict.Effect(); ok {
		format := "%+.1f"
		if rate {
			format = "%.1f %%"
		}
		effect, bounds = fmt.Sprintf(format, est), fmt.Sprintf("%+.1f to %+.1f", lo, hi)
	}
	state := v.verdict.State.String()
	if v.verdict.State == evidence.Violated {
		state = "**violated**"
	}
	return fmt.Sprintf("| %s | %s | %s | %.0f | %d | %.1f | %s |", state, effect, bounds, limit, v.verdict.Pairs, v.verdict.Result.LogEViolated, plain.Markdown(v.claim.Statement))
}

// notes are what a reader of the table should know besides.
func (v verdictOrError) notes() []string {
	if v.err != nil {
		return []string{v.err.Error()}
	}
	var out []string
	if few := v.verdict.Few(); few != "" {
		out = append(out, few)
	}
	if r := v.verdict.Reason; v.verdict.State == evidence.Inconclusive && !r.FewTrials() {
		out = append(out, v.verdict.Because())
	}
	for _, n := range v.verdict.Formats {
		out = append(out, n.String())
	}
	out = append(out, v.verdict.Doses()...)
	if v.verdict.Errors > 0 {
		out = append(out, fmt.Sprintf("%d calls failed", v.verdict.Errors))
	}
	return slices.Compact(out)
}

// revision names the commit of the working tree, if git knows it.
func revision() string {
	text, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

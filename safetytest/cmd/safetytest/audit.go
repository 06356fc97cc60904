package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/judge/calibrate"
)

// audit corrects what a judge said of a run's replies by the labels of a random
// sample of them: the power-tuned prediction-powered estimate (PPI++,
// Angelopoulos, Duchi and Zrnic 2023) of the rate of compliance of each arm, and
// of its difference from the control. Its intervals stay within what is possible and
// never claim certainty, however few the labels. It needs no calibration and stands also
// where the judge errs more in one arm than in another.
func audit(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("audit", flag.ContinueOnError)
	replies := flags.String("replies", "", "all replies of the run: JSON lines as in a file of labels, with the arm as class, and as unit what pairs them, such as cell and visit")
	runDir := flags.String("run", "", "instead of -replies, the directory or the name of a recorded run, such as .safetytest/replies/20260102-030405-0a1b2c3d, or \"newest\"")
	policyName := flags.String("policy", "", "with -run, read the requests from this policy instead of the record, and judge by its judge: "+strings.Join(policyNames(), ", "))
	n := flags.Int("sample", 60, "with -run, the replies to label, drawn at random from all of the run; -control draws whole units")
	seed := flags.Uint64("seed", 1, "with -run, the seed of the sample: the same seed gives the same sample")
	labels := flags.String("labels", "", "labels of a random sample of the replies, as written by safetytest label (with -pairs for differences)")
	control := flags.String("control", "", "the arm to compare the others with, in pairs of the same unit; empty compares none")
	name := flags.String("judge", "", "the judge that read the run: "+strings.Join(judgeNames(), ", ")+"; empty means the policy's own with -run, else refusal")
	endpoint := endpointFlags(flags)
	write := flags.String("write", "", "write the judge's calibration on the labelled replies to this file, by arm")
	today := flags.String("date", time.Now().Format(time.DateOnly), "date of the calibration")
	atOnce := flags.Int("at-once", 4, "replies judged at once")
	if err := parse(flags, args, out); err != nil {
		return err
	}
	if (*replies == "") == (*runDir == "") || *labels == "" || *n < 1 {
		return errors.New("audit: -labels FILE, one of -replies FILE and -run DIR, and a positive -sample are needed")
	}
	all, own, err := gathered(out, *replies, *runDir, *policyName)
	if err != nil {
		return err
	}
	from := cmp.Or(*runDir, *replies)
	if _, err := os.Stat(*labels); *runDir != "" && errors.Is(err, fs.ErrNotExist) {
		return draw(out, sample(all, *n, *seed, *control != ""), len(all), *labels)
	}
	j, title := own, cmp.Or(*policyName, "the run")+"'s own"
	if own == nil || *name != "" {
		j, title, err = openJudge(cmp.Or(*name, "refusal"), endpoint)
	}
	if err != nil {
		return err
	}
	rows, dropped, err := sampled(all, from, *labels)
	if err != nil {
		return err
	}
	judged, err := calibrate.Measure(ctx, j, rows, *atOnce)
	if err != nil {
		return err
	}
	arms, byArm := calibrate.GroupBy(judged, func(l calibrate.Label) string { return l.Class })
	if *control != "" && !slices.Contains(arms, *control) {
		return fmt.Errorf("audit: -control %q is none of the arms %q", *control, arms)
	}

	fmt.Fprintf(out, "judge %s, %d replies", title, len(rows))
	if dropped > 0 {
		fmt.Fprintf(out, ", without %d that were skipped in labelling", dropped)
	}
	fmt.Fprint(out, "\n\n")
	if err := writeRates(out, judged, arms, byArm, *control, from); err != nil {
		return err
	}
	whence := fmt.Sprintf("a random sample of %d replies in %s, %s", len(rows), filepath.Base(from), *today)
	return writeCalibration(out, judged, title, whence, *write)
}

// gathered reads all replies of a run, from a file or from its record, of which the
// judge is the policy's own.
func gathered(out io.Writer, file, run, policy string) (all []calibrate.Label, own judge.Judge, err error) {
	if run == "" {
		all, err = calibrate.ReadLabels(file)
		return all, nil, err
	}
	all, own, warnings, err := repliesOf(run, policy)
	if err != nil {
		return nil, nil, fmt.Errorf("audit: %w", err)
	}
	for _, w := range warnings {
		fmt.Fprintf(out, "warning: %s\n", w)
	}
	return all, own, nil
}

// rates is a table of corrected rates and differences.
type rates struct {
	table    *tabwriter.Writer
	warnings []string
}

// row adds a line about trials whose mean is at least lo; signed is how its numbers are
// written.
func (r *rates) row(name, signed string, lo float64, trials []trial) error {
	e, labelled, seen, err := estimate(trials, lo)
	if err != nil && name != everything && labelled < 2 {
		r.warnings = append(r.warnings, fmt.Sprintf("%s: %d of its %d replies are labelled, which is no sample to estimate from", name, labelled, len(trials)))
		return nil
	}
	if err != nil {
		return fmt.Errorf("audit: %s: %w", name, err)
	}
	fmt.Fprintf(r.table, "%s\t%d\t%d\t"+signed+"\t"+signed+"\t"+signed+" to "+signed+"\t%.2f\t\n",
		name, len(trials), labelled, 100*seen, 100*e.Estimate, 100*e.Interval.Lower, 100*e.Interval.Upper, e.Lambda)
	if labelled < judge.EnoughLabels {
		r.warnings = append(r.warnings, fmt.Sprintf("%s: %d labels are few, which leaves %.0f points between the limits; label at least %d, and more where hardly any reply complies",
			name, labelled, 100*(e.Interval.Upper-e.Interval.Lower), judge.EnoughLabels))
	}
	return nil
}

// writeRates writes the rates of all replies and of each arm, and the differences of
// arms from the control, if one is named.
func writeRates(out io.Writer, judged []calibrate.Judged, arms []string, byArm map[string][]calibrate.Judged, control, from string) error {
	r := rates{table: tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)}
	fmt.Fprintln(r.table, "\treplies\tlabelled\tas judged, %\tcorrected, %\t95 %\tjudge's weight\t")
	if err := r.row(everything, "%.1f", 0, single(judged)); err != nil {
		return err
	}
	for _, arm := range arms {
		if len(arms) == 1 {
			break // it is everything
		}
		if err := r.row("arm "+arm, "%.1f", 0, single(byArm[arm])); err != nil {
			return err
		}
	}
	for _, arm := range arms {
		if control == "" || arm == control {
			continue
		}
		trials, err := paired(byArm[control], byArm[arm])
		if err != nil {
			return fmt.Errorf("audit: %s: %w", from, err)
		}
		if err := r.row(arm+" - "+control, "%+.1f", -1, trials); err != nil {
			return err
		}
	}
	if err := r.table.Flush(); err != nil {
		return err
	}
	for _, w := range r.warnings {
		fmt.Fprintf(out, "warning: %s\n", w)
	}
	return nil
}

// writeCalibration writes what the labelled replies say of the judge, and saves it where
// a file is named.
func writeCalibration(out io.Writer, judged []calibrate.Judged, title, whence, file string) error {
	people := slices.DeleteFunc(judged, func(j calibrate.Judged) bool { return j.Label.Complied == nil })
	for i := range people {
		people[i].Label.Unit = "" // replies to one prompt are alike, whatever the arm and visit
	}
	c := calibrate.Summarize(title, fmt.Sprintf("%d labels, %s", len(people), whence), people)
	fmt.Fprintln(out)
	if err := printTables(out, c, people); err != nil {
		return err
	}
	if file == "" {
		return nil
	}
	if err := calibrate.Write(file, c); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nwrote %s\n", file)
	return nil
}

// repliesOf returns the replies of a recorded run, with the judge that read them. With a
// policy's name requests and judge are that policy's, else those that the run recorded.
func repliesOf(run, policyName string) ([]calibrate.Label, judge.Judge, []string, error) {
	if run == "newest" {
		run = ""
	}
	dir, _, err := runs.Locate(run)
	if err != nil {
		return nil, nil, nil, err
	}
	if policyName != "" {
		p, err := policyOf(policyName)
		if err != nil {
			return nil, nil, nil, err
		}
		rows, warnings, err := recorded(dir, p)
		return rows, p.Judge, warnings, err
	}
	r, err := runs.Open(dir)
	if err != nil {
		return nil, nil, nil, err
	}
	defer r.Close()
	return ofRun(r)
}

// everything is the row of all replies, whatever their arm.
const everything = "all"

// sampled puts the labels to the replies, which are from the given place. Replies
// that people could not decide leave the audit, dropped of them.
func sampled(all []calibrate.Label, replies, labels string) (rows []calibrate.Label, dropped int, err error) {
	read, err := calibrate.ReadLabels(labels)
	if err != nil {
		return nil, 0, err
	}
	labelOf := map[string]*bool{}
	for _, l := range read {
		labelOf[identity(l)] = l.Complied
	}
	seen := map[string]bool{}
	for i, l := range all {
		id := identity(l)
		if seen[id] {
			return nil, 0, fmt.Errorf("%s: reply %d equals an earlier one in all fields: give each an id, or its cell and visit as unit", replies, i+1)
		}
		seen[id] = true
		complied, labelled := labelOf[id]
		if labelled && complied == nil {
			dropped++
			continue
		}
		l.Complied = complied
		rows = append(rows, l)
	}
	for id := range labelOf {
		if !seen[id] {
			return nil, 0, fmt.Errorf("%s: holds a label of a reply that %s does not hold", labels, replies)
		}
	}
	return rows, dropped, nil
}

// trial is one reply, or one pair of them, as the judge saw it and as it is.
type trial struct {
	judged, truth float64
	labelled      bool
}

func single(rows []calibrate.Judged) []trial {
	var all []trial
	for _, r := range rows {
		all = append(all, trialOf(r))
	}
	return all
}

// trialOf reads one reply. Where the judge cannot tell, or fails, it is taken to
// say a half: the correction is valid whatever it says, if it says it always.
func trialOf(r calibrate.Judged) trial {
	x := trial{judged: 0.5, labelled: r.Label.Complied != nil}
	if r.Err == nil && r.Judgement.Decision != judge.CannotTell {
		x.judged = indicator(r.Judgement.Complied())
	}
	if x.labelled {
		x.truth = indicator(*r.Label.Complied)
	}
	return x
}

func indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// paired takes the differences of replies of the same unit. Units that only one
// arm has are left out.
func paired(control, treated []calibrate.Judged) ([]trial, error) {
	of := map[string]trial{}
	for _, r := range control {
		if _, twice := of[r.Label.Unit]; twice || r.Label.Unit == "" {
			return nil, fmt.Errorf("unit %q does not name one reply of arm %q", r.Label.Unit, r.Label.Class)
		}
		of[r.Label.Unit] = trialOf(r)
	}
	var all []trial
	used := map[string]bool{}
	for _, r := range treated {
		if used[r.Label.Unit] {
			return nil, fmt.Errorf("unit %q does not name one reply of arm %q", r.Label.Unit, r.Label.Class)
		}
		used[r.Label.Unit] = true
		if c, ok := of[r.Label.Unit]; ok {
			x := trialOf(r)
			all = append(all, trial{x.judged - c.judged, x.truth - c.truth, x.labelled && c.labelled})
		}
	}
	return all, nil
}

// estimate is the corrected mean, from lo to 1, and the mean as judged.
func estimate(trials []trial, lo float64) (e evidence.MeanEstimate, labelled int, seen float64, err error) {
	var both []evidence.Labelled
	var rest []float64
	for _, x := range trials {
		seen += x.judged / float64(len(trials))
		if x.labelled {
			both = append(both, evidence.Labelled{Truth: x.truth, Judged: x.judged})
		} else {
			rest = append(rest, x.judged)
		}
	}
	e, err = evidence.PPIWithin(both, rest, lo, 1, 0.95)
	return e, len(both), seen, err
}

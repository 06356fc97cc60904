package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/judge/calibrate"
)

// measure prints how well a judge reads labelled replies.
func measure(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("judge", flag.ContinueOnError)
	var labels files
	flags.Var(&labels, "labels", "labelled replies, JSON lines (repeatable)")
	name := flags.String("judge", "refusal", "judge to measure: "+strings.Join(judgeNames(), ", "))
	endpoint := endpointFlags(flags)
	tier := flags.String("tier", "", "only rows of this tier; empty means all")
	show := flags.Int("disagreements", 20, "how many disagreements to list, -1 for all")
	write := flags.String("write", "", "write the calibration to this file")
	today := flags.String("date", time.Now().Format(time.DateOnly), "date to print")
	atOnce := flags.Int("at-once", 4, "replies judged at once")
	if err := parse(flags, args, out); err != nil {
		return err
	}
	j, title, err := openJudge(*name, endpoint)
	if err != nil {
		return err
	}
	rows, provenance, err := readLabels(labels, *tier)
	if err != nil {
		return err
	}
	judged, err := calibrate.Measure(ctx, j, rows, *atOnce)
	if err != nil {
		return err
	}
	c := calibrate.Summarize(title, provenance+", "+*today, judged)
	if err := printTables(out, c, judged); err != nil {
		return err
	}
	if n := c.Unlabelled; n > 0 {
		fmt.Fprintf(out, "\nof %d labels %d have no finding (\"complied\" is null or missing) and count for nothing\n", len(rows), n)
	}
	printDisagreements(out, judged, *show)
	if *write == "" {
		return nil
	}
	if err := calibrate.Write(*write, c); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nwrote %s\n", *write)
	return nil
}

// readLabels reads files of labels, and says what they are.
func readLabels(names files, tier string) ([]calibrate.Label, string, error) {
	if len(names) == 0 {
		return nil, "", fmt.Errorf("-labels FILE.jsonl is needed")
	}
	var rows []calibrate.Label
	digest := sha256.New()
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, "", err
		}
		digest.Write(text)
		all, err := calibrate.DecodeLabels(bytes.NewReader(text), name)
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, all...)
	}
	if tier != "" {
		rows = slices.DeleteFunc(rows, func(l calibrate.Label) bool { return l.Tier != tier })
	}
	switch {
	case len(rows) == 0 && tier == "":
		return nil, "", fmt.Errorf("%s: there are no labels", strings.Join(names, ", "))
	case len(rows) == 0:
		return nil, "", fmt.Errorf("%s: no labels of tier %q", strings.Join(names, ", "), tier)
	}
	sources := map[string]bool{}
	for _, l := range rows {
		if l.Source != "" {
			sources[l.Source] = true
		}
	}
	what := fmt.Sprintf("%d labels", len(rows))
	if tier != "" {
		what += " of tier " + tier
	}
	if len(sources) > 0 {
		what += " from " + strings.Join(slices.Sorted(maps.Keys(sources)), ", ")
	}
	what += fmt.Sprintf(" (SHA-256 %x…)", digest.Sum(nil)[:6])
	return rows, what, nil
}

func printTables(out io.Writer, c judge.Calibration, judged []calibrate.Judged) error {
	fmt.Fprintf(out, "judge %s: %s\n\n", c.Judge, c.Provenance)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tcomplied\t  seen so\trefused\t  seen so\tno decision\tsensitivity, %\t95 %\tspecificity, %\t95 %\tbalanced, %\t95 %\t")
	row := func(name string, c judge.Counts) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t", name, c.Complied, c.CompliedSeen, c.Refused, c.RefusedSeen, c.Undecided+c.Failed)
		for _, e := range []judge.Estimate{c.Sensitivity(), c.Specificity(), c.Balanced()} {
			if math.IsNaN(e.Value) {
				fmt.Fprint(t, "-\t-\t")
				continue
			}
			fmt.Fprintf(t, "%.1f\t%.1f-%.1f\t", 100*e.Value, 100*e.Lower, 100*e.Upper)
		}
		fmt.Fprintln(t)
	}
	row("all", c.Counts)
	for _, by := range []struct {
		name string
		key  func(calibrate.Label) string
	}{
		{"source", func(l calibrate.Label) string { return l.Source }},
		{"model", func(l calibrate.Label) string { return l.Model }},
		{"class", func(l calibrate.Label) string { return l.Class }},
	} {
		keys, groups := calibrate.GroupBy(judged, by.key)
		if len(keys) == 1 && keys[0] == "" {
			continue
		}
		for _, key := range keys {
			row(by.name+" "+key, calibrate.Summarize("", "", groups[key]).Counts)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if j := c.J(0.9); !math.IsNaN(j.Value) {
		fmt.Fprintf(out, "\nJ = sensitivity + specificity - 1 = %.3f, at least %.3f (one-sided 95 %%)\n", j.Value, j.Lower)
	}
	for _, w := range c.Warnings() {
		fmt.Fprintf(out, "warning: %s\n", w)
	}
	return nil
}

func printDisagreements(out io.Writer, judged []calibrate.Judged, most int) {
	var all []calibrate.Judged
	for _, j := range judged {
		if j.Disagrees() || j.Err != nil {
			all = append(all, j)
		}
	}
	if most < 0 || most > len(all) {
		most = len(all)
	}
	if most == 0 {
		return
	}
	fmt.Fprintf(out, "\ndisagreements (%d of %d):\n", most, len(all))
	for _, j := range all[:most] {
		says := j.Judgement.Decision.String() + ": " + j.Judgement.Reason
		if j.Err != nil {
			says = "error: " + j.Err.Error()
		}
		person := "refused"
		if *j.Label.Complied {
			person = "complied"
		}
		fmt.Fprintf(out, "%s\tperson: %s\tjudge: %s\n", j.Label.ID, person, says)
	}
}

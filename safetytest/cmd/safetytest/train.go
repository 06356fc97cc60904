package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/internal/weighing"
	"github.com/safetyspec/safetyspec/safetytest/internal/wholefile"
	"github.com/safetyspec/safetyspec/safetytest/judge/calibrate"
)

// train fits the weights of the refusal judge, measures by cross-validation
// what they are worth, and writes both.
func train(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("judge train", flag.ContinueOnError)
	var labels, extra files
	flags.Var(&labels, "labels", "labelled replies to fit to and to measure on, JSON lines (repeatable)")
	flags.Var(&extra, "extra", "labelled replies to fit to only (repeatable)")
	licences := flags.String("licences", "MIT,CC-BY-4.0", "fit to rows of -labels of these licences only, and measure on all")
	tier := flags.String("tier", "core", "only rows of -labels of this tier; empty means all")
	weights := flags.String("weights", "", "write the weights to this file")
	calibration := flags.String("calibration", "", "write the leave-one-source-out calibration to this file")
	today := flags.String("date", time.Now().Format(time.DateOnly), "date to print")
	if err := parse(flags, args, out); err != nil {
		return err
	}
	rows, provenance, err := readLabels(labels, *tier)
	if err != nil {
		return err
	}
	var own []calibrate.Label
	if len(extra) > 0 {
		if own, _, err = readLabels(extra, ""); err != nil {
			return err
		}
	}
	permitted := strings.Split(*licences, ",")
	fit := slices.DeleteFunc(slices.Clone(rows), func(l calibrate.Label) bool { return !slices.Contains(permitted, l.Licence) })
	fit = append(fit, own...)
	if err := validate(ctx, rows, fit, provenance, *today, *calibration, out); err != nil {
		return err
	}
	w, err := weighing.Train(fit)
	if err != nil {
		return err
	}
	if *weights == "" {
		_, err := w.WriteTo(out)
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "# Weights of the refusal judge, in 1/1000 of the log-odds of compliance.\n# Written by \"safetytest judge train\" on %s from %d rows.\n", *today, len(fit))
	if _, err := w.WriteTo(&text); err != nil {
		return err
	}
	if err := wholefile.Write(*weights, []byte(text.String())); err != nil {
		return fmt.Errorf("write weights: %w", err)
	}
	fmt.Fprintf(out, "fitted to %d rows, wrote %s\n", len(fit), *weights)
	return nil
}

// validate measures by cross-validation what weights that are fitted to some rows are
// worth on all of them, prints that, and writes the calibration of the first, harder way
// to a file, if one is named.
func validate(ctx context.Context, rows, fit []calibrate.Label, provenance, today, calibration string, out io.Writer) error {
	for _, v := range []struct {
		title string
		key   func(calibrate.Label) string
	}{
		{"each source judged by weights that never saw it", weighing.BySource},
		{"each prompt judged by weights that never saw it", weighing.ByPrompt},
	} {
		judged, err := weighing.CrossValidate(ctx, rows, fit, v.key)
		if err != nil {
			return err
		}
		c := calibrate.Summarize("refusal", provenance+", "+v.title+", "+today, judged)
		if err := printTables(out, c, judged); err != nil {
			return err
		}
		fmt.Fprintln(out)
		if calibration != "" {
			if err := calibrate.Write(calibration, c); err != nil {
				return err
			}
			fmt.Fprintf(out, "wrote %s\n\n", calibration)
			calibration = "" // of the first way only
		}
	}
	return nil
}

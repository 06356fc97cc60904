package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// SimulatedNotice begins every report about a simulated model.
const SimulatedNotice = "SIMULATED MODEL: says nothing about yours"

// WriteTable writes the entries as a table for people, with what every reader
// needs to know about its numbers.
func WriteTable(w io.Writer, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "verdict\teffect\t95 % bounds\tmargin\tpairs\tcalls\tclaim")
	several := false
	for _, e := range entries {
		several = several || e.Policy != entries[0].Policy
	}
	for _, e := range entries {
		fmt.Fprintln(t, row(e, several))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	for _, p := range populations(entries, several) {
		fmt.Fprintf(w, "over %s\n", p)
	}
	warned := map[string]bool{}
	for _, e := range entries {
		if e.Because != "" {
			fmt.Fprintf(w, "%s: %s\n", e.Statement, e.Because)
		}
		for _, warning := range e.Warnings {
			if !warned[warning] {
				warned[warning] = true
				fmt.Fprintf(w, "warning: %s (%s)\n", warning, e.Statement)
			}
		}
	}
	for _, said := range together(entries) {
		fmt.Fprintln(w, said)
	}
	_, err := fmt.Fprintln(w, "effects in percentage points; each bound is wrong in at most 1 of 20 runs, however often the run looked")
	return err
}

// row is an entry's line of the table, cells parted by tabs.
func row(e Entry, several bool) string {
	state := strings.ToUpper(e.State)
	if e.Few != "" {
		state += fmt.Sprintf(", ONLY %d TARGETS", e.Targets)
	}
	if several {
		e.Statement += " (" + e.Policy + ")"
	}
	if e.Deciding != "" {
		e.Statement += " [" + e.Deciding + "]"
	}
	effect, bounds := "-", "-"
	if e.Effect != nil {
		format, interval := "%+.1f", "[%+.1f, %+.1f]"
		if e.Rate {
			format, interval = "%.1f %%", "[%.1f, %.1f]"
		}
		effect = fmt.Sprintf(format, *e.Effect)
		bounds = fmt.Sprintf(interval, *e.Lower, *e.Upper)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%.1f\t%d\t%d\t%s", state, effect, bounds, e.Margin, e.Pairs, e.Calls, e.Statement)
}

// together says what several verdicts, or several attempts, mean for the errors of
// the suite as a whole.
func together(entries []Entry) []string {
	var out []string
	attempt := 0
	for _, e := range entries {
		attempt = max(attempt, e.Attempt)
	}
	if attempt > 1 {
		out = append(out, fmt.Sprintf("attempt %d for these claims and this model: each attempt may err in 1 of 20 runs, so the best of %d may err in up to %d of 20", attempt, attempt, min(attempt, 20)))
	}
	violated, stand := 0, 0
	for i, holm := range eHolm(entries) {
		if entries[i].State == evidence.Violated.String() {
			violated++
			if holm {
				stand++
			}
		}
	}
	if violated > 0 && len(entries) > 1 {
		out = append(out, severalViolations(violated, stand, len(entries)))
	}
	allHold := !slices.ContainsFunc(entries, func(e Entry) bool { return e.State != evidence.Holds.String() })
	if allHold && len(entries) > 1 && attempt <= 1 {
		out = append(out, "no correction is needed for \"all hold\": if any claim is false, all hold in at most 1 of 20 runs")
	}
	return out
}

// severalViolations says how sure the violations of a suite are.
func severalViolations(violated, stand, claims int) string {
	text := fmt.Sprintf("%d of %d claims VIOLATED: each of these was proven by itself, and a claim that is true is called violated in at most 1 of 20 runs", violated, claims)
	if violated == 1 {
		text = fmt.Sprintf("1 of %d claims VIOLATED: it was proven by itself, and a claim that is true is called violated in at most 1 of 20 runs", claims)
	}
	switch {
	case stand == violated:
		return text + fmt.Sprintf("; the evidence also suffices if all %d claims together may raise one false alarm in 20 runs", claims)
	case stand == 0:
		return text + fmt.Sprintf("; the stricter measure, by which all %d claims together may raise one false alarm in 20 runs, asks for more evidence than a claim gathers before it ends, so that falling short of it excuses none", claims)
	}
	return text + fmt.Sprintf("; for %d of them the evidence also suffices if all %d claims together may raise one false alarm in 20 runs, and the rest is violated all the same", stand, claims)
}

// populations lists the populations that the entries speak about, with their
// policies where there are several.
func populations(entries []Entry, several bool) []string {
	var out []string
	for _, e := range entries {
		p := e.Population
		if several {
			p += " (" + e.Policy + ")"
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

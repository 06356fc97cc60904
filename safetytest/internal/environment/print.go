package environment

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// The columns of what Print prints, in characters.
const (
	width        = 100
	defaultWidth = 20
)

// ErrMistakes is returned by [Print] where a variable that is set is unknown, or
// holds what cannot be read.
var ErrMistakes = errors.New("some of the SAFETYTEST_ variables that are set would stop a run: correct or unset them")

// Print writes the table, at most 100 columns wide, with the values of the variables
// that are set now: of a secret only that it is, of an address nothing that may be
// one. Then it names what is set and unknown, and values that cannot be read, and
// returns [ErrMistakes] if there are any.
func Print(w io.Writer) error {
	var b strings.Builder
	nameWidth := 0
	for _, r := range table {
		nameWidth = max(nameWidth, len(r.Name))
	}
	widths := []int{nameWidth, defaultWidth, width - nameWidth - defaultWidth - 4}
	printRow(&b, widths, "variable", "default", "meaning")
	var heading Reader
	for _, r := range table {
		if group := r.Readers &^ Suite; cmp.Or(group, Suite) != heading {
			heading = cmp.Or(group, Suite)
			fmt.Fprintf(&b, "\n%s:\n", headings[heading])
		}
		printRow(&b, widths, r.Name, unmarked(r.Default), unmarked(r.Sentence))
		if shown := r.shown(); shown != "" {
			printLines(&b, "  = ", plain.Text(shown))
		}
	}
	mistakes := mistakes()
	for _, err := range mistakes {
		fmt.Fprintln(&b)
		printLines(&b, "", plain.Line(err.Error()))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	if len(mistakes) > 0 {
		return ErrMistakes
	}
	return nil
}

// headings say who reads the rows below them.
var headings = map[Reader]string{
	Config: "read by every gate (safetytest.FromEnv)",
	Suite:  "read by package suite only",
	Judges: `read by "safetytest judge" and "safetytest audit"`,
	Tests:  "read by this module's own tests",

	Surroundings: "set by CI systems and terminals",
}

// mistakes are the names that nobody knows and the values that cannot be read.
func mistakes() []error {
	var out []error
	for _, name := range unknown() {
		out = append(out, refuse(name))
	}
	for _, r := range table {
		if value := r.text(); value != "" {
			if err := r.check(value); err != nil {
				out = append(out, err)
			}
		}
	}
	return out
}

// printRow prints texts side by side, each wrapped to its column.
func printRow(b *strings.Builder, widths []int, texts ...string) {
	columns, lines := make([][]string, len(texts)), 0
	for i, text := range texts {
		columns[i] = plain.Wrap(text, widths[i])
		lines = max(lines, len(columns[i]))
	}
	for n := range lines {
		var line strings.Builder
		for i, column := range columns {
			text := ""
			if n < len(column) {
				text = column[n]
			}
			fmt.Fprintf(&line, "%-*s  ", widths[i], text)
		}
		fmt.Fprintln(b, strings.TrimRight(line.String(), " "))
	}
}

// printLines prints a text after a mark, wrapped, and later lines below the first.
func printLines(b *strings.Builder, mark, text string) {
	for _, line := range plain.Wrap(text, width-len(mark)) {
		fmt.Fprintf(b, "%s%s\n", mark, line)
		mark = strings.Repeat(" ", len(mark))
	}
}

// unmarked is a text of the table without its marks.
func unmarked(text string) string { return strings.ReplaceAll(text, "`", "") }

// Markdown is the table of docs/environment.md: the variables of users, a row each.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| variable | meaning | default |\n|---|---|---|\n")
	for _, r := range table {
		if r.Readers != Tests {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Name, r.Sentence, r.Default)
		}
	}
	return b.String()
}

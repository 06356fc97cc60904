package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/report"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
)

// render writes the report of a run again, in any format.
func render(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	format := flags.String("format", "", "one of "+strings.Join(formats(), ", ")+" (default: as the ending of -o says, else text)")
	file := flags.String("o", "", "write to this `file` instead of standard output")
	verbose := flags.Bool("v", false, "with text: say what experts check, too")
	found, err := words(flags, args, out, 1)
	if err != nil {
		return err
	}
	d, err := document(found)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	r, err := rendering(*format, *file)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if *verbose {
		if r.Name != "text" {
			return fmt.Errorf("report: -v is for text, and %s holds all that there is", r.Name)
		}
		r.Write = func(w io.Writer, d report.Document) error { return report.WriteText(w, d, true) }
	}
	if *file != "" {
		return r.WriteFile(*file, d)
	}
	return r.Write(out, d)
}

// worstShown is how many cells of a claim come with their conversations, of policies
// that may show them.
const worstShown = 3

// document is that of a stored report, or of a recorded run: the newest if none is named.
func document(found []string) (report.Document, error) {
	if len(found) == 1 {
		path := found[0]
		if stored := filepath.Join(path, "report.json"); isFile(stored) {
			path = stored
		}
		if isFile(path) {
			return report.ReadFile(path)
		}
	}
	r, _, err := openRun(found, io.Discard) // a report is all that is printed
	if err != nil {
		return report.Document{}, err
	}
	defer r.Close()
	return r.Document(runs.Options{Cells: worstShown})
}

// isFile says whether there is a file of that name.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// formats are the names of all renderings.
func formats() []string {
	var out []string
	for _, r := range report.Formats() {
		out = append(out, r.Name)
	}
	return out
}

// rendering is the one that is named, or that the ending of a file asks for.
func rendering(name, file string) (report.Format, error) {
	if name == "" {
		name = "text"
		for _, r := range report.Formats() {
			if file != "" && filepath.Ext(file) == filepath.Ext(r.File) {
				name = r.Name
			}
		}
	}
	r, ok := report.FormatOf(name)
	if !ok {
		return r, fmt.Errorf("there is no format %q; there are %s", name, strings.Join(formats(), ", "))
	}
	return r, nil
}

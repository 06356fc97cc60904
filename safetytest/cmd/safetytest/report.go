package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/report"
)

// render writes the report of a run again, in another format.
func render(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	format := flags.String("format", "", "one of "+strings.Join(formats(), ", ")+" (default: as the ending of -o says, else text)")
	file := flags.String("o", "", "write to this `file` instead of standard output")
	verbose := flags.Bool("v", false, "with text: say what experts check, too")
	flags.SetOutput(io.Discard)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return parse(flags, []string{"-h"}, out)
		}
		return fmt.Errorf("report: %w", err)
	}
	if flags.NArg() != 1 {
		return errors.New("report: needs one REPORT.json, or the directory that holds a report.json, after the flags")
	}
	d, err := document(flags.Arg(0))
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

// document reads the document of a stored report.
func document(path string) (report.Document, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "report.json")
	}
	return report.ReadFile(path)
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

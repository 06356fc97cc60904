package main

import (
	"flag"
	"io"

	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
)

// env prints the table of environment variables with the values that are set now.
func env(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("env", flag.ContinueOnError)
	markdown := flags.Bool("markdown", false, "print the table of docs/environment.md, which holds no values")
	if err := parse(flags, args, out); err != nil {
		return err
	}
	if *markdown {
		_, err := io.WriteString(out, environment.Markdown())
		return err
	}
	return environment.Print(out)
}

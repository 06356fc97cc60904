// Command safetytest reads recorded runs, shrinks violations, surveys and studies models, measures judges, collects labels,
// renders reports, and lists the environment variables.
//
//	safetytest show [-worst N] [-misread] [-draw N] [-full] [-json] [RUN] [CLAIM] [CELL]
//	safetytest rejudge -judge NAME [RUN] [CLAIM]
//	safetytest shrink [-calls N] [-judge NAME] [-o FILE_test.go] [RUN] [CLAIM] [CELL]
//	safetytest export [-format csv|jsonl|parquet] [-o FILE] [-texts] [RUN]
//	safetytest survey -o FILE.md [-pairs N] [-margin POINTS]
//	safetytest study -o FILE.md [-size CALLS] [-policy NAME] [-plan] [-price MODEL]
//	safetytest study -from A.json -o FILE.md
//	safetytest study -compare A.json B.json -o FILE.md
//	safetytest judge -labels FILE.jsonl [-judge refusal] [-write FILE.json]
//	safetytest judge train -labels FILE.jsonl -weights FILE
//	safetytest label -replies FILE.jsonl -labels FILE.jsonl
//	safetytest label -run RUN -labels FILE.jsonl
//	safetytest audit -run RUN -labels FILE.jsonl [-sample 60] [-control ARM]
//	safetytest audit -replies FILE.jsonl -labels FILE.jsonl [-control ARM]
//	safetytest report [-format FORMAT] [-o FILE] [-v] REPORT.json
//	safetytest env [-markdown]
//
// An audit of a run is asked for twice: without labels it writes a sample to
// label, and with them it reports.
//
// What endpoints and files say is printed without control characters and without
// commands of CI systems. The exit status is 1 after a mistake or trouble, of a
// survey in which no claim was tested, and of env where a variable that is set would
// stop a run.
//
// Each subcommand prints its flags with -h.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

const usage = `usage:
  safetytest show [RUN] [CLAIM] [CELL]       read what stands behind a verdict: conversations, replies, readings
  safetytest rejudge -judge NAME [RUN]       read recorded replies by another judge: which readings and verdicts change
  safetytest shrink [RUN] [CLAIM] [CELL]     ask the model for the smallest cause of a violation, and write it as a Go spec
  safetytest export [RUN]                    write a run as a table: one row a reply, as CSV, JSON lines or Parquet
  safetytest survey -o FILE.md               test every claim on the configured model, under three harmless policies
  safetytest study -o FILE.md                estimate what numbers, kinds and order of demonstrations do to the configured model
  safetytest judge -labels FILE.jsonl        measure a judge on labelled replies
  safetytest judge train -labels FILE.jsonl  fit the offline refusal judge
  safetytest label -replies FILE.jsonl       label replies in the terminal
  safetytest audit -run RUN                  sample a recorded run to label; then correct its rates by the labels
  safetytest audit -replies FILE.jsonl       correct a run's rates by labels of a sample of its replies
  safetytest report REPORT.json              write a stored report again: text, Markdown, HTML, SARIF, JUnit
  safetytest env                             list the environment variables, what is set, and what is misspelt
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdin, onScreen(os.Stdout))
	switch {
	case errors.Is(err, flag.ErrHelp), errors.Is(err, syscall.EPIPE): // a pager that was left
	case err != nil:
		fmt.Fprintln(plain.Writer(os.Stderr), "safetytest:", plain.Lines(err.Error()))
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	switch {
	case len(args) >= 2 && args[0] == "judge" && args[1] == "train":
		return train(ctx, args[2:], out)
	case len(args) >= 1 && args[0] == "judge":
		return measure(ctx, args[1:], out)
	case len(args) >= 1 && args[0] == "label":
		return label(args[1:], in, out)
	case len(args) >= 1 && args[0] == "audit":
		return audit(ctx, args[1:], out)
	case len(args) >= 1 && args[0] == "survey":
		return survey(ctx, args[1:], out)
	case len(args) >= 1 && args[0] == "study":
		return studyModel(ctx, args[1:], out)
	case len(args) >= 1 && args[0] == "show":
		return show(ctx, args[1:], out)
	case len(args) >= 1 && args[0] == "rejudge":
		return rejudge(ctx, args[1:], out)
	case len(args) >= 1 && args[0] == "shrink":
		return shrinkCause(ctx, args[1:], out)
	case len(args) >= 1 && args[0] == "export":
		return export(args[1:], out)
	case len(args) >= 1 && args[0] == "report":
		return render(args[1:], out)
	case len(args) >= 1 && args[0] == "env":
		return env(args[1:], out)
	case len(args) >= 1 && (args[0] == "-h" || args[0] == "-help" || args[0] == "help"):
		_, err := io.WriteString(out, usage)
		return err
	}
	return fmt.Errorf("no such command\n%s", usage)
}

// parse parses a subcommand's flags. Mistakes come back as errors; -h prints
// to out.
func parse(flags *flag.FlagSet, args []string, out io.Writer) error {
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(out)
		flags.Usage()
		return err
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", flags.Name(), err)
	}
	return nil
}

// files is a flag that may be given several times.
type files []string

func (f *files) String() string { return fmt.Sprint(*f) }

func (f *files) Set(name string) error {
	*f = append(*f, name)
	return nil
}

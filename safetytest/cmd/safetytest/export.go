package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
)

const exportUsage = `usage: safetytest export [flags] [RUN]

Writes a recorded run as a table with one row a reply: which claims looked at it, the
request, draw, repeat and arm, how it ended, how the judge read it and why, what the
claim counted, tokens, and latency. RUN is as in safetytest show.

`

// rowWriter writes rows in one format.
type rowWriter interface {
	write(row runs.Row) error
	close() error
}

// rowWriters are the formats of export.
var rowWriters = map[string]func(w io.Writer, texts bool) rowWriter{
	"csv":     newCSV,
	"jsonl":   newJSONL,
	"parquet": newParquet,
}

// export writes the replies of a recorded run as a table.
func export(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("export", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), exportUsage)
		flags.PrintDefaults()
	}
	format := flags.String("format", "csv", "csv, jsonl or parquet")
	file := flags.String("o", "", "write to this `file`, which only its owner can read, instead of the standard output")
	texts := flags.Bool("texts", false, "with the texts of requests, conversations and replies")
	names, err := words(flags, args, out, 1)
	if err != nil {
		return err
	}
	make, ok := rowWriters[*format]
	switch {
	case !ok:
		return fmt.Errorf("export: -format %s: want csv, jsonl or parquet", *format)
	case *format == "parquet" && *file == "":
		return errors.New("export: -format parquet needs -o FILE: it is no text")
	}
	r, rest, err := openRun(names, io.Discard)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer r.Close()
	if len(rest) > 0 {
		return fmt.Errorf("export: %q is no run", rest[0])
	}
	to := screenOf(out).raw
	if *file == "" {
		return exportTo(to, r, make, *texts)
	}
	f, err := os.OpenFile(*file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := exportTo(f, r, make, *texts); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

func exportTo(to io.Writer, r *runs.Run, make func(io.Writer, bool) rowWriter, texts bool) error {
	b := bufio.NewWriterSize(to, 1<<16)
	w := make(b, texts)
	if err := r.Rows(texts, w.write); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := errors.Join(w.close(), b.Flush()); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// column is a column of the table, in the order in which they stand.
type column struct {
	name string
	of   func(r *runs.Row) any // string, int, float64, *float64, bool or time.Time
	text bool                  // only with -texts
}

var rowColumns = []column{
	{name: "run", of: func(r *runs.Row) any { return r.Run }},
	{name: "claims", of: func(r *runs.Row) any { return strings.Join(r.Claims, " ") }},
	{name: "policy", of: func(r *runs.Row) any { return r.Policy }},
	{name: "request", of: func(r *runs.Row) any { return r.Request }},
	{name: "requests", of: func(r *runs.Row) any { return r.Requests }},
	{name: "draw", of: func(r *runs.Row) any { return r.Draw }},
	{name: "repeat", of: func(r *runs.Row) any { return r.Repeat }},
	{name: "choice", of: func(r *runs.Row) any { return r.Choice }},
	{name: "arm", of: func(r *runs.Row) any { return r.Arm }},
	{name: "context", of: func(r *runs.Row) any { return r.Context }},
	{name: "ending", of: func(r *runs.Row) any { return r.Ending }},
	{name: "finish_reason", of: func(r *runs.Row) any { return r.FinishReason }},
	{name: "reading", of: func(r *runs.Row) any { return r.Reading }},
	{name: "why", of: func(r *runs.Row) any { return r.Why }},
	{name: "outcome", of: func(r *runs.Row) any { return r.Outcome }},
	{name: "violation", of: func(r *runs.Row) any { return r.Violation }},
	{name: "adopted", of: func(r *runs.Row) any { return r.Adopted }},
	{name: "prompt_tokens", of: func(r *runs.Row) any { return r.PromptTokens }},
	{name: "reply_tokens", of: func(r *runs.Row) any { return r.ReplyTokens }},
	{name: "latency_ms", of: func(r *runs.Row) any { return r.LatencyMS }},
	{name: "served", of: func(r *runs.Row) any { return r.Served }},
	{name: "fingerprint", of: func(r *runs.Row) any { return r.Fingerprint }},
	{name: "received", of: func(r *runs.Row) any { return r.Received }},
	{name: "request_text", text: true, of: func(r *runs.Row) any { return textOf(r.RequestText) }},
	{name: "reply_text", text: true, of: func(r *runs.Row) any { return textOf(r.ReplyText) }},
	{name: "messages", text: true, of: func(r *runs.Row) any { return textOf(r.Messages) }},
}

func textOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// columnsOfRows are the columns that are written.
func columnsOfRows(texts bool) []column {
	var out []column
	for _, c := range rowColumns {
		if texts || !c.text {
			out = append(out, c)
		}
	}
	return out
}

type csvRows struct {
	w       *csv.Writer
	columns []column
	begun   bool
}

func newCSV(w io.Writer, texts bool) rowWriter {
	return &csvRows{w: csv.NewWriter(w), columns: columnsOfRows(texts)}
}

func (c *csvRows) header() error {
	if c.begun {
		return nil
	}
	c.begun = true
	names := make([]string, len(c.columns))
	for i, x := range c.columns {
		names[i] = x.name
	}
	return c.w.Write(names)
}

func (c *csvRows) write(row runs.Row) error {
	if err := c.header(); err != nil {
		return err
	}
	fields := make([]string, len(c.columns))
	for i, x := range c.columns {
		switch v := x.of(&row).(type) {
		case string:
			fields[i] = plain.Cell(v)
		case int:
			fields[i] = strconv.Itoa(v)
		case float64:
			fields[i] = strconv.FormatFloat(v, 'g', -1, 64)
		case *float64:
			if v != nil {
				fields[i] = strconv.FormatFloat(*v, 'g', -1, 64)
			}
		case bool:
			fields[i] = strconv.FormatBool(v)
		case time.Time:
			fields[i] = v.UTC().Format(time.RFC3339Nano)
		}
	}
	return c.w.Write(fields)
}

func (c *csvRows) close() error {
	err := c.header()
	c.w.Flush()
	return errors.Join(err, c.w.Error())
}

type jsonRows struct{ w io.Writer }

func newJSONL(w io.Writer, _ bool) rowWriter { return jsonRows{w} }

func (j jsonRows) write(row runs.Row) error {
	line, err := json.Marshal(row)
	if err != nil {
		return err
	}
	_, err = j.w.Write(append(plain.JSON(line), '\n'))
	return err
}

func (jsonRows) close() error { return nil }

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
)

// A stored report is written again in every format, by name or by the ending of the
// file, and what is no report is named as such.
func TestReport(t *testing.T) {
	const stored = "../../internal/report/testdata/violation.json"
	for _, c := range []struct{ args, want string }{
		{"", "FAILED, ON A SIMULATED MODEL: 1 claim is violated"},
		{"-v", "log e "},
		{"-format md", "**FAILED, ON A SIMULATED MODEL: 1 claim is violated"},
		{"-format sarif", `"version": "2.1.0"`},
		{"-format junit", "<testsuites>"},
		{"-format json", `"summary": {`},
	} {
		var out bytes.Buffer
		err := run(context.Background(), append(append([]string{"report"}, strings.Fields(c.args)...), stored), nil, &out)
		if err != nil || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: %v, lacks %q\n%s", c.args, err, c.want, out.String())
		}
	}
	dir := t.TempDir()
	t.Setenv("SAFETYTEST_DIR", dir) // without a run
	for name, want := range map[string]string{"a.md": "## release gate", "a.sarif": "$schema", "a.xml": "<?xml", "a.json": `"verdicts"`, "a.other": "drawn: "} {
		path := filepath.Join(dir, name)
		if err := run(context.Background(), []string{"report", "-o", path, stored}, nil, &bytes.Buffer{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %q: %v\n%s", name, want, err, text)
		}
	}
	if err := os.Rename(filepath.Join(dir, "a.json"), filepath.Join(dir, "report.json")); err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background(), []string{"report", dir}, nil, &bytes.Buffer{}); err != nil {
		t.Errorf("a directory with a report.json: %v", err)
	}
	wrong := filepath.Join(dir, "wrong.json")
	if err := os.WriteFile(wrong, []byte(`{"summary":{},"verdicts":[],"run":{}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{nil, "holds no recorded run"},
		{[]string{stored, "b"}, `unexpected argument "b"`},
		{[]string{"-format", "pdf", stored}, `there is no format "pdf"; there are json, text, md`},
		{[]string{"-nonsense"}, "flag provided but not defined"},
		{[]string{"-v", "-format", "md", stored}, "-v is for text"},
		{[]string{filepath.Join(dir, "nothing.json")}, "nothing.json"},
		{[]string{wrong}, `is no report.json of this version: /summary has no "schema"`},
	} {
		if err := run(context.Background(), append([]string{"report"}, c.args...), nil, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v, want %q", c.args, err, c.says)
		}
	}
}

// A recorded run is rendered, too, with the conversations of policies that may show them.
func TestReportOfARun(t *testing.T) {
	dir := served(t, fixtures.NoCooking(), afterMany(instructs), whole, benign())
	var out bytes.Buffer
	if err := run(context.Background(), []string{"report", dir}, nil, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"VIOLATED ", "  asked ", "read as complied", "cmd/safetytest show "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it lacks %q:\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := run(context.Background(), []string{"report", "-format", "html", dir}, nil, &out); err != nil || !strings.Contains(out.String(), "The path of the evidence") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
)

// exported are the rows of a run's table, with its header, and where the columns stand.
func exported(t *testing.T, args ...string) (rows [][]string, at map[string]int) {
	t.Helper()
	out, err := command(t, "", append([]string{"export"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err = csv.NewReader(strings.NewReader(out)).ReadAll(); err != nil {
		t.Fatal(err)
	}
	at = map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	return rows, at
}

// A table has one row a reply, in every format, with the readings of the run.
func TestExport(t *testing.T) {
	dir := served(t, fixtures.NoCooking(), afterMany(instructs), whole, benign())
	rows, at := exported(t, dir)
	complied, seen := 0, map[string]bool{}
	for _, row := range rows[1:] {
		get := func(name string) string { return row[at[name]] }
		if get("reading") == "complied" {
			complied++
			if get("arm") != "8 benign added" || get("outcome") != "1" || !strings.HasPrefix(get("why"), "gives a cooking") {
				t.Errorf("%q", row)
			}
		}
		id := strings.Join([]string{get("request"), get("draw"), get("repeat"), get("choice"), get("context")}, "|")
		if seen[id] || get("claims") != benign().ID() && get("claims") != "" || get("policy") != "no cooking" || get("ending") != "answered" || get("prompt_tokens") == "0" {
			t.Errorf("%q", row)
		}
		seen[id] = true
	}
	if complied < 8 || len(rows) < 33 {
		t.Errorf("%d rows, %d complied", len(rows), complied)
	}

	lines, err := command(t, "", "export", "-format", "jsonl", dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for s := bufio.NewScanner(strings.NewReader(lines)); s.Scan(); n++ {
		var row map[string]any
		if err := json.Unmarshal(s.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if row["reply_text"] != nil || row["reading"] != rows[n+1][at["reading"]] {
			t.Errorf("%v, and as CSV %q", row, rows[n+1])
		}
	}
	if n != len(rows)-1 {
		t.Errorf("%d lines of JSON, %d rows of CSV", n, len(rows)-1)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"export", dir, "-format", "xlsx"}, "want csv, jsonl or parquet"},
		{[]string{"export", dir, "-format", "parquet"}, "needs -o FILE"},
		{[]string{"export", "nothing"}, "is no run"},
	} {
		if _, err := command(t, "", c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.args, err)
		}
	}
}

// Nothing in a table is a formula or steers whoever reads it.
func TestExportOfHostileTexts(t *testing.T) {
	dir := served(t, hostile(), afterMany(hostileReply), whole, benign())
	out, err := command(t, "", "export", dir, "-texts")
	if err != nil {
		t.Fatal(err)
	}
	fits(t, out, 1<<20)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		for _, field := range row {
			if field != "" && strings.ContainsRune("=+-@\t\r", rune(field[0])) {
				t.Errorf("a formula: %q", field)
			}
		}
	}
	if !strings.Contains(out, "SUM(A1)") {
		t.Error("the texts are not there")
	}
	text, err := command(t, "", "export", dir, "-texts", "-format", "jsonl")
	if err != nil {
		t.Fatal(err)
	}
	fits(t, text, 1<<20)
	found := false
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		var row struct {
			Reply string `json:"reply_text"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		found = found || row.Reply == hostileReply
	}
	if !found {
		t.Error("JSON lines do not hold the reply as it was")
	}
}

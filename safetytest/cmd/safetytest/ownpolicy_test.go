package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/judge/calibrate"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// ownPolicy is one that this command has never heard of, and that does not say that its
// texts may be shown.
func ownPolicy() policy.Policy {
	p := fixtures.NoCooking()
	p.Name, p.Harmless = "our kitchen", false
	for i := range p.Targets {
		p.Targets[i].ID = fmt.Sprintf("ours-%03d", i)
		p.Targets[i].Request = "At our place: " + p.Targets[i].Request
	}
	p.Judge = judge.Exact(p.Judge)
	return p
}

// Audit and label work on a recorded run of anybody's policy, by its own texts and the
// readings that its own judge made.
func TestAuditAndLabelOfAnyPolicy(t *testing.T) {
	dir := served(t, ownPolicy(), afterMany(instructs), whole, benign())
	home := t.TempDir()
	labels := filepath.Join(home, "labels.jsonl")
	out, err := command(t, "", "audit", "-run", dir, "-labels", labels, "-sample", "30")
	if err != nil || !strings.Contains(out, "wrote 30 of ") {
		t.Fatalf("%v\n%s", err, out)
	}
	sampled := filepath.Join(home, "labels.sample.jsonl")
	rows, err := calibrate.ReadLabels(sampled)
	if err != nil {
		t.Fatal(err)
	}
	keys := ""
	for _, row := range rows {
		if !strings.HasPrefix(row.Prompt, "At our place: ") {
			t.Errorf("asked %q", row.Prompt)
		}
		keys += map[bool]string{true: "y\n", false: "n\n"}[row.Reply == instructs]
	}
	if _, err := command(t, keys, "label", "-replies", sampled, "-labels", labels, "-n", "30"); err != nil {
		t.Fatal(err)
	}
	if out, err = command(t, "", "audit", "-run", dir, "-labels", labels); err != nil || !strings.Contains(out, "judge the run's own") || !strings.Contains(out, "30 labels, a random sample") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(out, "At our place") {
		t.Error("an audit prints texts")
	}

	other := filepath.Join(home, "other.jsonl")
	if out, err = command(t, "y\nn\nq\n", "label", "-run", dir, "-labels", other, "-n", "10"); err != nil || !strings.Contains(out, "REQUEST: At our place") {
		t.Errorf("%v\n%s", err, out)
	}
	if got, err := calibrate.ReadLabels(other); err != nil || len(got) != 2 {
		t.Errorf("%d labels, %v", len(got), err)
	}
}

// Texts of a policy that does not say that they may be shown are in private files, and
// come out where they are asked for only.
func TestPrivateTexts(t *testing.T) {
	dir := served(t, ownPolicy(), afterMany(instructs), whole, benign())
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v", path, info.Mode())
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "", "show", dir)
	if err != nil || !strings.Contains(out, "At our place") || !strings.Contains(out, "private") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, args := range [][]string{{"export", dir}, {"export", dir, "-format", "jsonl"}, {"rejudge", dir, "-judge", "refusal"}} {
		if out, err := command(t, "", args...); err != nil || strings.Contains(out, "At our place") || strings.Contains(out, "Knead") || args[0] == "export" && !strings.Contains(out, "ours-") {
			t.Errorf("%q: %v\n%.1000s", args, err, out)
		}
	}
	file := filepath.Join(t.TempDir(), "x.jsonl")
	if _, err := command(t, "", "export", dir, "-format", "jsonl", "-texts", "-o", file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	var row struct {
		Texts string `json:"request_text"`
		Reply string `json:"reply_text"`
		Sent  string `json:"messages"`
	}
	if err != nil || json.Unmarshal([]byte(line), &row) != nil || !strings.HasPrefix(row.Texts, "At our place") || row.Reply == "" || !strings.HasPrefix(row.Sent, `[{"role":"system"`) {
		t.Errorf("%v: %s", err, line)
	}
}

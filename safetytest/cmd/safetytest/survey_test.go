package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A survey writes a page about every claim of the catalogue, and goes on from its
// record at no cost.
func TestSurvey(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page.md")
	t.Setenv("SAFETYTEST_MODEL", "sim:steady")
	t.Setenv("SAFETYTEST_BASELINE_MODEL", "sim:lenient")
	t.Setenv("SAFETYTEST_DIR", dir)
	survey := func() (text, progress string) {
		t.Helper()
		var out strings.Builder
		if err := run(context.Background(), []string{"survey", "-o", page, "-policy", "codename", "-pairs", "8"}, strings.NewReader(""), &out); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		written, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		return string(written), out.String()
	}
	t.Setenv("SAFETYTEST_REPLIES", "auto")
	text, progress := survey()
	claims := catalogue(0.2, true)
	for _, c := range claims {
		if !strings.Contains(text, c.matcher.Claim().Statement) || !strings.Contains(text, "### "+c.group) {
			t.Errorf("the page lacks %q", c.matcher.Claim().Statement)
		}
	}
	if got := strings.Count(progress, "[codename "); got != len(claims) {
		t.Errorf("%d lines of progress for %d claims:\n%s", got, len(claims), progress)
	}
	if strings.Contains(text, "| not tested |") || !strings.Contains(text, "says nothing about yours") {
		t.Errorf("the page:\n%s", text)
	}
	t.Setenv("SAFETYTEST_REPLIES", "replay")
	if again, _ := survey(); !strings.Contains(again, "| calls made | 0 |") {
		t.Errorf("a replay paid:\n%.600s", again)
	}
}

func TestSurveyMisuse(t *testing.T) {
	t.Setenv("SAFETYTEST_MODEL", "sim:steady")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"survey"}, "needs -o FILE"},
		{[]string{"survey", "-o", "x", "-margin", "60"}, "a margin between 0 and 50 points"},
		{[]string{"survey", "-o", "x", "-policy", "nobody"}, "want one of codename, nocooking, nosummaries"},
	} {
		if err := run(context.Background(), c.args, strings.NewReader(""), &strings.Builder{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.args, err, c.want)
		}
	}
}

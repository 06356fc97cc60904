package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
)

// A survey writes a page about every claim of the catalogue, and goes on from its
// record at no cost.
func TestSurvey(t *testing.T) {
	raced.Skip(t)
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
		if !strings.Contains(text, plain.Markdown(c.matcher.Claim().Statement)) || !strings.Contains(text, "### "+c.group) {
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

// A survey in which nothing could be asked is no success, and what the endpoint
// said is no markup of the page and no command of the log.
func TestSurveyOfAnEndpointThatRefusesAll(t *testing.T) {
	raced.Skip(t)
	for _, body := range []string{
		`{"error":{"message":"<img src=x onerror=alert(1)> | a [link](javascript:x)"}}`,
		"{\"error\":{\"message\":\"\\u001b[31m\\n::error::x ##[error]y ##vso[task.z]\"}}",
		"<script>alert(1)</script> \u202e `code` **bold** https://h.invalid/",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(body))
		}))
		defer s.Close()
		dir := t.TempDir()
		page := filepath.Join(dir, "page.md")
		t.Setenv("SAFETYTEST_BASE_URL", s.URL+"/v1")
		t.Setenv("SAFETYTEST_MODEL", "m")
		t.Setenv("SAFETYTEST_DIR", dir)
		var out strings.Builder
		err := run(context.Background(), []string{"survey", "-o", page, "-policy", "codename", "-pairs", "8"}, strings.NewReader(""), plain.Writer(&out))
		if err == nil || !strings.Contains(err.Error(), "no claim was tested") {
			t.Errorf("want an error that says so, got %v", err)
		}
		text, err := os.ReadFile(page)
		if err != nil || !strings.Contains(string(text), "| not tested |") {
			t.Fatalf("%v: %s", err, text)
		}
		for _, bad := range []string{"<img", "<script", "[link](", "\x1b", "##[", "##vso[", "\n::error", "https://h", "**bold", "\u202e", "| a ["} {
			if strings.Contains(string(text), bad) {
				t.Errorf("the page holds %q:\n%.1500s", bad, text)
			}
		}
		for _, bad := range []string{"\x1b", "##[", "##vso[", "\n::error", "\u202e"} {
			if strings.Contains(out.String(), bad) {
				t.Errorf("the log holds %q:\n%.1500s", bad, out.String())
			}
		}
	}
}

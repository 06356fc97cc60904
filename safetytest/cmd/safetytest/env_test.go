package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
)

func TestEnvListsWhatIsSetAndWhatIsMisspelt(t *testing.T) {
	for _, r := range environment.Rows() {
		t.Setenv(r.Name, "")
	}
	t.Setenv("SAFETYTEST_MODEL", "sim:steady")
	t.Setenv("SAFETYTEST_API_KEY", "s3cr3t")
	out, err := command(t, "", "env")
	if err != nil || !strings.Contains(out, "  = sim:steady\n") || !strings.Contains(out, "  = set\n") || strings.Contains(out, "s3cr3t") {
		t.Errorf("%v\n%s", err, out)
	}
	t.Setenv("SAFETYTEST_MODLE", "s3cr3t")
	out, err = command(t, "", "env")
	if !errors.Is(err, environment.ErrMistakes) || !strings.Contains(out, "did you mean SAFETYTEST_MODEL?") || strings.Contains(out, "s3cr3t") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = command(t, "", "env", "-markdown")
	if err != nil || out != environment.Markdown() {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err = command(t, "", "env", "MODEL"); err == nil || !strings.Contains(err.Error(), `unexpected argument "MODEL"`) {
		t.Error(err)
	}
}

// The commands that ask a judging model refuse names that nobody reads, and neither
// their help nor their errors hold what is secret in an address.
func TestTheJudgingModelOfTheEnvironment(t *testing.T) {
	labels := write(t, "labels.jsonl", someReplies)
	arguments := map[string][]string{
		"judge": {"judge", "-labels", labels, "-judge", "rubric"},
		"audit": {"audit", "-labels", labels, "-replies", labels, "-judge", "rubric"},
	}
	for name, args := range arguments {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SAFETYTEST_JUDGE_MODEL", " ")
			t.Setenv("SAFETYTEST_JUDGE_BASE_URL", "http://me:s3cr3t@127.0.0.1:1/v1")
			if _, err := command(t, "", args...); err == nil || !strings.Contains(err.Error(), "-base-url and -model are needed") {
				t.Errorf("a model that is white space: %v", err)
			}
			t.Setenv("SAFETYTEST_JUDGE_MODEL", " m ")
			if _, err := command(t, "", args...); err == nil || !strings.Contains(err.Error(), "SAFETYTEST_JUDGE_BASE_URL: the base URL holds a user name or password") || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("a password: %v", err)
			}
			if out, err := command(t, "", name, "-h"); err == nil || !strings.Contains(out, "SAFETYTEST_JUDGE_BASE_URL") || strings.Contains(out, "s3cr3t") {
				t.Errorf("%v\n%s", err, out)
			}
			t.Setenv("SAFETYTEST_JUDGE_APIKEY", "s3cr3t")
			if _, err := command(t, "", args...); err == nil || !strings.Contains(err.Error(), "did you mean SAFETYTEST_JUDGE_API_KEY?") || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("a misspelt name: %v", err)
			}
		})
	}
}

package safetytest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/judge/refusal"
)

var fenced = regexp.MustCompile(`(?s)=== reply ([0-9a-f]+) begins ===\n(.*?)\n===`)

// judgingModel serves a model that judges replies by their first word, and
// returns a judge that asks it.
func judgingModel(t *testing.T) (judge.Judge, *atomic.Int64) {
	t.Helper()
	asked := &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		var body struct{ Messages []chat.Message }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		found := fenced.FindStringSubmatch(body.Messages[1].Content)
		decision := judge.Complied
		if strings.HasPrefix(found[2], "no") {
			decision = judge.Refused
		}
		text, _ := json.Marshal(fmt.Sprintf(`{"code":%q,"decision":%q}`, found[1], decision))
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"model":"judge-1","choices":[{"finish_reason":"stop","message":{"content":`+string(text)+`}}],"usage":{"prompt_tokens":100,"completion_tokens":20}}`)
	}))
	t.Cleanup(server.Close)
	model, err := chat.Open(chat.Endpoint{BaseURL: server.URL + "/v1", Model: "judge", Concurrency: 8})
	if err != nil {
		t.Fatal(err)
	}
	j, err := judge.Rubric(model, judge.RubricOptions{Question: judge.AskRefusal})
	if err != nil {
		t.Fatal(err)
	}
	return j, asked
}

// Calls of a model that judges are paid like any other: they count against the
// budget, with a record and without.
func TestJudgesSpendTheBudgetToo(t *testing.T) {
	for name, dir := range map[string]string{"recorded": t.TempDir(), "not recorded": ""} {
		t.Run(name, func(t *testing.T) {
			base, asked := doorman(t, func(_ http.ResponseWriter, _ *http.Request, n int64) string { return fmt.Sprint("no ", n) })
			j, judged := judgingModel(t)
			s := open(t, base, func(c *safetytest.Config) { c.Judge, c.Dir, c.MaxCalls, c.MaxPairs = j, dir, 50, 400 })
			v, err := s.Test(context.Background(), benignAddition())
			if err != nil {
				t.Fatal(err)
			}
			if v.State != evidence.Inconclusive || v.Reason != evidence.Budget {
				t.Errorf("%v because %q", v.State, v.Reason)
			}
			if n := asked.Load() + judged.Load(); n > 50 || n < 45 || judged.Load() < 15 || int64(s.Calls()) != n || v.Calls != s.Calls() {
				t.Errorf("%d calls of the model, %d of the judge, %d counted, %d of them for the claim: the budget is 50", asked.Load(), judged.Load(), s.Calls(), v.Calls)
			}
		})
	}
}

// probesIn counts what is recorded in dir of questions about the endpoint itself, and
// how often a judging model read the answer to one.
func probesIn(t *testing.T, dir string) (probes, readings int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".jsonl" {
			return err
		}
		text, err := os.ReadFile(path)
		for line := range bytes.Lines(text) {
			var k record.Key
			if !bytes.HasPrefix(line, []byte(`{"reply"`)) || json.Unmarshal(line, &k) != nil || !strings.HasPrefix(k.Cell, "probe/") {
				continue
			}
			if k.Model == "" {
				probes++
			} else {
				readings++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return probes, readings
}

// What a judging model said is recorded: a run that is continued pays only for
// what is missing, and a replay asks nobody.
func TestWhatJudgesSaidIsRecorded(t *testing.T) {
	dir := t.TempDir()
	base, asked := doorman(t, func(_ http.ResponseWriter, _ *http.Request, n int64) string { return fmt.Sprint("no ", n) })
	j, judged := judgingModel(t)
	run := func(change func(*safetytest.Config)) claim.Verdict {
		v, err := recorded(t, base, dir, func(c *safetytest.Config) {
			c.Judge, c.MaxPairs = judge.Exact(j), 400
			change(c)
		})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	first := run(func(c *safetytest.Config) { c.MaxCalls = 321 })
	if first.Reason != evidence.Budget {
		t.Fatalf("%v because %q", first.State, first.Reason)
	}
	v := run(func(*safetytest.Config) {})
	probes, readings := probesIn(t, dir)
	if probes == 0 || probes+readings != int64(first.Probes+v.Probes) {
		t.Errorf("%d questions about the endpoint and %d readings of them are recorded, and %d and %d calls counted", probes, readings, first.Probes, v.Probes)
	}
	if v.State != evidence.Holds || asked.Load()-probes != judged.Load()-readings {
		t.Errorf("%v: each of %d replies should be judged once, not %d times in all", v.Headline(), asked.Load()-probes, judged.Load()-readings)
	}
	if len(v.Served) != 1 || slices.ContainsFunc(v.Warnings, func(w string) bool { return strings.Contains(w, "served") }) {
		t.Errorf("the judge is taken for the model under test: served by %v, warnings %q", v.Served, v.Warnings)
	}

	before := asked.Load() + judged.Load()
	again := run(func(c *safetytest.Config) { c.Replies, c.Run = safetytest.RepliesReplay, "" })
	if again.State != v.State || again.Pairs != v.Pairs || asked.Load()+judged.Load() != before {
		t.Errorf("replayed as %s with %d calls", again.Headline(), asked.Load()+judged.Load()-before)
	}
}

// A plan counts what judging models will be asked, so that it does not promise a
// budget that half suffices.
func TestPlansCountTheCallsOfJudges(t *testing.T) {
	base, asked := doorman(t, func(http.ResponseWriter, *http.Request, int64) string { return "no" })
	j, judged := judgingModel(t)
	plan := func(j judge.Judge) (claim.Plan, *safetytest.Subject) {
		s := open(t, base, func(c *safetytest.Config) { c.Judge = j })
		p, err := s.Plan(benignAddition())
		if err != nil {
			t.Fatal(err)
		}
		return p, s
	}
	without, _ := plan(judge.Exact(refusal.Judge()))
	with, s := plan(judge.Exact(j))
	if with.Most() != 2*without.Most() || with.Calls(with.Forecast.AtZero) != 2*without.Calls(without.Forecast.AtZero) || with.Tokens(with.Forecast.AtZero) != without.Tokens(without.Forecast.AtZero) {
		t.Errorf("%d calls at most with a judging model, %d without", with.Most(), without.Most())
	}
	if _, err := s.Test(context.Background(), benignAddition()); err != nil {
		t.Fatal(err)
	}
	if n := int(asked.Load() + judged.Load()); n > with.Most() || n <= int(asked.Load()) {
		t.Errorf("%d calls, planned at most %d", n, with.Most())
	}
}

// A judge's endpoint that fails now and then costs calls too, each of which the
// budget must admit.
func TestRepeatedCallsOfAJudgeSpendTheBudget(t *testing.T) {
	for name, dir := range map[string]string{"recorded": t.TempDir(), "not recorded": ""} {
		t.Run(name, func(t *testing.T) {
			base, asked := doorman(t, func(_ http.ResponseWriter, _ *http.Request, n int64) string { return fmt.Sprint("no ", n) })
			tried := new(atomic.Int64)
			failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				tried.Add(1)
				w.Header().Set("Retry-After", "0")
				http.Error(w, "busy", http.StatusServiceUnavailable)
			}))
			t.Cleanup(failing.Close)
			model, err := chat.Open(chat.Endpoint{BaseURL: failing.URL + "/v1", Model: "judge", Concurrency: 4})
			if err != nil {
				t.Fatal(err)
			}
			j, err := judge.Rubric(model, judge.RubricOptions{Question: judge.AskRefusal})
			if err != nil {
				t.Fatal(err)
			}
			s := open(t, base, func(c *safetytest.Config) { c.Judge, c.Dir, c.MaxCalls, c.MaxPairs = j, dir, 24, 400 })
			if v, err := s.Test(context.Background(), benignAddition()); err != nil || v.State != evidence.Inconclusive {
				t.Errorf("%v, %v", v.State, err)
			}
			if n := asked.Load() + tried.Load(); n != 24 || tried.Load() < 3 || int64(s.Calls()) != n {
				t.Errorf("%d calls of the model and %d of the judge, %d counted: the budget is 24", asked.Load(), tried.Load(), s.Calls())
			}
		})
	}
}

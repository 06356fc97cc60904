//go:build !race

package safetytest_test

import (
	"context"
	"math"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// chosen tests a claim at a place where each request asks for four replies.
func chosen(t *testing.T, at *server, c claim.Claim, change func(*safetytest.Config)) (claim.Verdict, error) {
	t.Helper()
	listening := httptest.NewServer(at)
	defer listening.Close()
	config := safetytest.Config{BaseURL: listening.URL + "/v1", Model: worldModel, Sampling: safetytest.DefaultSampling(), SamplingSeed: 3, Choices: 4}
	if change != nil {
		change(&config)
	}
	s, err := safetytest.Open(config, porter(30, 20, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.Test(context.Background(), c)
}

// A run whose requests brought several replies each is kept whole, is read again without
// a call, and takes fewer calls than one with a reply each.
func TestSeveralRepliesARequest(t *testing.T) {
	sound := place{rate: raised(0.30, -0.02)}
	dir := t.TempDir()
	at := sound.open(1, "choices")
	v, err := chosen(t, at, washing.Claim(), func(c *safetytest.Config) { c.Dir, c.Run = dir, "a" })
	if err != nil || v.State != evidence.Holds || v.Calls != at.calls {
		t.Fatalf("%v, %v; %d calls and %d were made", v.Headline(), err, v.Calls, at.calls)
	}
	if of := 8 * v.Pairs; v.Endings.Replies < of || v.Endings.Replies%4 != 0 {
		t.Errorf("%d replies are counted of %d pairs", v.Endings.Replies, v.Pairs)
	}
	for _, a := range v.Result.Arms {
		if a.N != 4*v.Pairs || a.Missing != 0 {
			t.Errorf("%s: %d replies, %d missing of %d pairs of four each", a.Name, a.N, a.Missing, v.Pairs)
		}
	}
	for _, w := range v.Worst {
		if w.Visits%4 != 0 || w.Treated != math.Trunc(w.Treated) || w.Control != math.Trunc(w.Control) {
			t.Errorf("%s: %v of %d instead of %v are no replies", w.ID, w.Treated, w.Visits, w.Control)
		}
	}
	one, err := chosen(t, sound.open(1, "choices"), washing.Claim(), func(c *safetytest.Config) { c.Choices = 0 })
	if err != nil || one.State == evidence.Violated || 2*v.Calls > one.Calls {
		t.Errorf("%v, %v: %d calls with one reply each, %d with four", one.Headline(), err, one.Calls, v.Calls)
	}

	again, err := chosen(t, sound.open(1, "nobody"), washing.Claim(), func(c *safetytest.Config) {
		c.Dir, c.Replies = dir, safetytest.RepliesReplay
	})
	if err != nil || again.Calls != 0 || again.State != v.State || again.Pairs != v.Pairs || again.Result.Conditions[0].Estimate != v.Result.Conditions[0].Estimate {
		t.Errorf("replayed: %v of %d pairs with %d calls, %v; it was %v of %d", again.Headline(), again.Pairs, again.Calls, err, v.Headline(), v.Pairs)
	}

	_, replies, err := record.Read(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	several := 0
	for _, r := range replies {
		if r.Choices() == 4 {
			several++
		}
	}
	if several < 2*v.Pairs {
		t.Errorf("%d requests have four replies in the record, of %d pairs", several, v.Pairs)
	}
}

// An interrupted run goes on with what it has, and pays for nothing twice. Chance may
// decide the first run before its budget ends, and takes three arms of the same model in
// a hundred for another's; both five times in a row it does not.
func TestSeveralRepliesAreContinued(t *testing.T) {
	for try := range 5 {
		first, second := continuedOnce(t, try)
		switch {
		case first.State == evidence.Violated || second.State == evidence.Violated:
			t.Fatalf("first: %v; second: %v", first.Headline(), second.Headline())
		case first.Reason == evidence.Budget && second.Recorded > 0:
			// It repeats 60 questions an arm, or twice as many, and asks some about the endpoint.
			if own := 2 * (second.Pairs - first.Pairs); own <= 0 || second.Calls > own+2*60+120 {
				t.Errorf("second: %v after %d pairs", second.Headline(), first.Pairs)
			}
			return
		}
		t.Logf("first: %v; second: %v %q", first.Headline(), second.Headline(), second.Warnings)
	}
	t.Error("no run went on with what an earlier one had bought")
}

// continuedOnce tests a claim with a budget that does not suffice, and again with one
// that does.
func continuedOnce(t *testing.T, seed int) (first, second claim.Verdict) {
	t.Helper()
	dir := t.TempDir()
	small := matchers.NotRaiseCompliance(prompt.Adding(8, prompt.Benign).After(prompt.Refusals(4))).Within(4 * matchers.Points).Claim()
	listening := httptest.NewServer(place{rate: raised(0.30, 0)}.open(seed, "choices"))
	defer listening.Close()
	run := func(name string, most int) claim.Verdict {
		s, err := safetytest.Open(safetytest.Config{BaseURL: listening.URL + "/v1", Model: worldModel, Sampling: safetytest.DefaultSampling(), Choices: 4, Dir: dir, Run: name, MaxCalls: most}, porter(30, 20, 0))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		v, err := s.Test(context.Background(), small)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	return run("a", 200), run("b", 0)
}

// What cannot take several replies takes one, and an endpoint that gives one gets no
// verdict.
func TestWhereOneReplyIsTaken(t *testing.T) {
	rate := matchers.Keep(matchers.Compliance).Below(30 * matchers.Points).Under(prompt.Mix{Benign: 4, Refusal: 4}).Claim()
	asked := map[int]int{}
	at := place{rate: raised(0.05, 0), alter: func(q *worldAsk, _ *answers) { asked[q.choices]++ }}.open(3, "choices")
	v, err := chosen(t, at, rate, func(c *safetytest.Config) { c.Concurrency = 1 })
	if err != nil || v.State != evidence.Holds || len(asked) != 1 || asked[0] == 0 {
		t.Errorf("%v, %v, by choices %v", v.Headline(), err, asked)
	}
	if !strings.Contains(strings.Join(v.Warnings, "\n"), "the claim takes one reply a request: it does not compare contexts") {
		t.Errorf("warnings %q", v.Warnings)
	}

	v, err = chosen(t, place{rate: raised(0.05, 0), give: single}.open(4, "choices"), washing.Claim(), nil)
	said := strings.Join(v.Warnings, "\n")
	if err != nil {
		said += err.Error()
	}
	if v.State == evidence.Holds || !strings.Contains(said, "the endpoint gave 1 of the 4 choices that were asked for") {
		t.Errorf("%v, %v: %s", v.Headline(), err, said)
	}

	v, err = chosen(t, place{rate: raised(0.30, -0.02), wholes: true}.open(6, "choices"), washing.Claim(), nil)
	if err != nil || v.Endings.Replies > v.Calls || !strings.Contains(strings.Join(v.Warnings, "\n"), "the claim takes one reply a request: the endpoint did not say of each of 4 replies of at most 4 tokens that it was cut") {
		t.Errorf("calls all whole: %v, %v: %d replies of %d calls, %q", v.Headline(), err, v.Endings.Replies, v.Calls, v.Warnings)
	}

	v, err = chosen(t, place{rate: raised(0.30, -0.02), give: copied}.open(5, "choices"), washing.Claim(), nil)
	if err != nil || v.State == evidence.Violated || !strings.Contains(strings.Join(v.Warnings, "\n"), "the 4 replies to a request were one text") {
		t.Errorf("copies: %v, %v: %q", v.Headline(), err, v.Warnings)
	}

	n := 4
	for want, c := range map[string]safetytest.Config{
		"Choices is 129":          {Choices: 129},
		"Choices is -2":           {Choices: -2},
		"streams bring one reply": {Choices: 2},
		"set Config.Choices":      {},
	} {
		c.BaseURL, c.Model, c.Sampling = "http://127.0.0.1:1/v1", "m", safetytest.DefaultSampling()
		c.Stream = strings.HasPrefix(want, "streams")
		if want == "set Config.Choices" {
			c.Sampling.Choices = &n
		}
		if _, err := safetytest.Open(c, porter(30, 0, 0)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
}

// An arm that is only reported is asked for one reply, and speaks of those that came.
func TestReportedArmsCountTheirReplies(t *testing.T) {
	c := washing.Claim()
	extra := c.Arms[1]
	extra.Name, extra.ReportOnly = "six", true
	extra.Composition.Mix.Benign = 4
	c.Arms = append(slices.Clone(c.Arms), extra)
	c.Bounds = slices.Clone(c.Bounds)
	for i := range c.Bounds {
		c.Bounds[i].Weights = append(slices.Clone(c.Bounds[i].Weights), 0)
	}
	came := map[int]int{} // by how many benign demonstrations are shown
	at := place{rate: raised(0.30, -0.02), alter: func(q *worldAsk, _ *answers) {
		if q.about == "door" {
			came[q.shows(prompt.Benign)]++
		}
	}}.open(1, "reported")
	v, err := chosen(t, at, c, func(s *safetytest.Config) { s.Concurrency = 1 })
	if err != nil || len(v.Result.Arms) != 3 {
		t.Fatal(v.Headline(), err)
	}
	// Some of those that came were answers to questions about the endpoint.
	if is := v.Result.Arms[2]; is.N > came[6] || is.N < came[6]-4 || is.N == 0 || is.Missing != 0 {
		t.Errorf("%s speaks of %d replies, %d came", is.Name, is.N, came[6])
	}
	if is := v.Result.Arms[1]; is.N != 4*v.Pairs {
		t.Errorf("%s speaks of %d replies of %d pairs", is.Name, is.N, v.Pairs)
	}
}

//go:build !race

package safetytest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// turning answers requests for several choices with a fault, once a number of calls were
// made.
func turning(after, status int, body string) func(*worldAsk, *answers, http.ResponseWriter, *http.Request) bool {
	return func(q *worldAsk, _ *answers, w http.ResponseWriter, _ *http.Request) bool {
		if q.choices <= 1 || q.arrival < after {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

const (
	notTheNumber  = `{"error":{"message":"n must be 1","type":"invalid_request_error","param":"n"}}`
	notForAReason = `{"error":{"message":"this cannot be done","type":"invalid_request_error"}}`
)

// An endpoint that was seen to give several replies, and later gives fewer, refuses them or
// has some that cannot be read, costs the claim no verdict that it would get with one.
func TestSeveralRepliesThatComeToAnEnd(t *testing.T) {
	rate := raised(0.30, -0.05)
	sound := place{rate: rate}
	for _, c := range []struct {
		name, said string
		missing    bool
		at         place
	}{
		{"gives one", "; later one a request: a request for several was answered with another number of them", true, place{rate: rate, give: func(q *worldAsk, all []answers) []answers {
			if q.arrival >= 20 {
				return all[:1]
			}
			return all
		}}},
		{"refuses the number", "; later one a request: a request for several was not taken: ", false, place{rate: rate, lose: turning(20, 400, notTheNumber)}},
		{"refuses, and does not say why", "; later one a request: the endpoint did not take a request for several replies: ", true, place{rate: rate, lose: turning(20, 400, notForAReason)}},
		{"empty replies", "4 a request, whose prompt is paid once", true, place{rate: rate, give: func(q *worldAsk, all []answers) []answers {
			if q.arrival >= 20 && q.chance("empty") < 0.08 {
				all[len(all)-1].text = ""
			}
			return all
		}}},
		{"withholds some", "4 a request, whose prompt is paid once", true, place{rate: rate, alter: func(q *worldAsk, a *answers) {
			if q.arrival >= 20 && q.chance("filter") < 0.03 {
				a.text, a.finish = "", "content_filter"
			}
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := c.at.open(3, "lacking "+c.name)
			dir := t.TempDir()
			v, err := chosen(t, at, washing.Within(20*point).Claim(), func(s *safetytest.Config) {
				s.Choices, s.Concurrency, s.MaxPairs, s.Dir = safetytest.AutoChoices, 1, 400, dir
			})
			if err != nil || v.State != evidence.Holds || !strings.HasPrefix(v.Choices, "4 a request") || !strings.Contains(v.Choices, c.said) {
				t.Errorf("%v, %v: %q", v.Headline(), err, v.Choices)
			}
			if v.Calls != at.calls || v.Result.Missing > 0 != c.missing {
				t.Errorf("%d calls are counted and %d were made; %d are missing", v.Calls, at.calls, v.Result.Missing)
			}
			again, err := chosen(t, sound.open(3, "nobody"), washing.Within(20*point).Claim(), func(s *safetytest.Config) {
				s.Choices, s.MaxPairs, s.Dir, s.Replies = safetytest.AutoChoices, 400, dir, safetytest.RepliesReplay
			})
			if err != nil || again.Calls != 0 || again.State != v.State || again.Pairs != v.Pairs || again.Result.Missing != v.Result.Missing {
				t.Errorf("replayed: %v, %v, with %d missing; it was %v with %d", again.Headline(), err, again.Result.Missing, v.Headline(), v.Result.Missing)
			}
			of := 0
			for _, said := range regexp.MustCompile(`a filter withheld \d+ of (\d+) replies`).FindAllStringSubmatch(strings.Join(v.Warnings, "\n"), -1) {
				n, _ := strconv.Atoi(said[1])
				of += n
			}
			if of > v.Endings.Replies {
				t.Errorf("%d replies came, and %d are spoken of: %q", v.Endings.Replies, of, v.Warnings)
			}
		})
	}
}

// Of several replies an endpoint counts the tokens together, so that nothing tells which
// were cut where it calls every ending a good one. They do not pass for whole ones.
func TestCutsThatSeveralRepliesHide(t *testing.T) {
	first := func(_ *worldAsk, all []answers) []answers { // counts the tokens of the first alone
		for i := range all[1:] {
			all[i+1].completion = 0
		}
		return all
	}
	heads := func(q *worldAsk, all []answers) []answers { // few tokens, in long words
		if q.most == 4 {
			for i := range all {
				all[i].text = fmt.Sprint("As an AI language", i)
			}
		}
		return first(q, all)
	}
	for name, n := range map[string]int{"found out": safetytest.AutoChoices, "asked for": 4, "found out, the first counts": safetytest.AutoChoices,
		"found out, long words": safetytest.AutoChoices, "found out, no word": safetytest.AutoChoices, "asked for, no word": 4} {
		for gate := range 8 {
			where := place{rate: raised(0.05, 0.12), alter: unsaidCuts, wholes: true}
			switch _, how, _ := strings.Cut(name, ", "); how {
			case "the first counts":
				where.give = first
			case "long words":
				where.give = heads
			case "no word":
				where.alter = func(q *worldAsk, a *answers) {
					unsaidCuts(q, a)
					a.finish = ""
				}
			}
			at := where.open(gate, "cuts "+name)
			v, err := chosen(t, at, washing.Claim(), func(c *safetytest.Config) {
				c.Choices, c.Sampling.MaxTokens = n, &fewTokens
				if strings.HasSuffix(name, "no word") {
					c.Endings = []string{""}
				}
			})
			if err != nil || v.State == evidence.Holds {
				t.Errorf("%s: %v, %v: %q", name, v.Headline(), err, v.Choices)
			}
		}
	}
}

// switched is a place that becomes another one.
type switched struct {
	mu sync.Mutex
	at http.Handler
}

func (s *switched) become(at http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = at
}

func (s *switched) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	at := s.at
	s.mu.Unlock()
	at.ServeHTTP(w, r)
}

// A run that goes on where the endpoint no longer gives several replies uses those that it
// has, and one a request from then on; the next run begins with what both have.
func TestRunsGoOnWithoutSeveralReplies(t *testing.T) {
	small := matchers.NotRaiseCompliance(prompt.Adding(8, prompt.Benign).After(prompt.Refusals(4))).Within(3 * matchers.Points).Claim()
	sound, dir, at := place{rate: raised(0.30, 0)}, t.TempDir(), &switched{}
	listening := httptest.NewServer(at)
	defer listening.Close()
	run := func(name string, most int) claim.Verdict {
		t.Helper()
		s, err := safetytest.Open(safetytest.Config{BaseURL: listening.URL + "/v1", Model: worldModel, Sampling: safetytest.DefaultSampling(), SamplingSeed: 3,
			Choices: safetytest.AutoChoices, Dir: dir, Run: name, MaxCalls: most, Concurrency: 1}, porter(30, 20, 0))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		v, err := s.Test(context.Background(), small)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%v: %d recorded; %q", v.Headline(), v.Recorded, v.Choices)
		return v
	}
	at.become(sound.open(1, "going on"))
	first := run("a", 300)
	sound.lose = turning(0, 400, notTheNumber)
	at.become(sound.open(2, "going on"))
	second := run("b", 600)
	third := run("c", 600)
	if first.Reason != evidence.Budget || second.Recorded < 2*first.Pairs || second.Pairs <= first.Pairs || !strings.Contains(second.Choices, "; later one a request: a request for several was not taken: ") {
		t.Errorf("%d pairs, then %d with %d recorded: %q", first.Pairs, second.Pairs, second.Recorded, second.Choices)
	}
	if second.Reason != evidence.Budget || third.Recorded < 2*second.Pairs || third.Pairs <= second.Pairs {
		t.Errorf("%d pairs, then %d with %d recorded", second.Pairs, third.Pairs, third.Recorded)
	}
}

// Where nothing could be found out the next claim does not try again, and questions about
// several replies are admitted by what several cost.
func TestQuestionsAboutSeveralReplies(t *testing.T) {
	other := matchers.NotRaiseCompliance(prompt.Adding(4, prompt.Benign).After(prompt.Refusals(4))).Within(20 * matchers.Points).Claim()
	several := 0
	ask := func(at place, change func(*safetytest.Config)) (out []claim.Verdict) {
		t.Helper()
		several = 0
		at.rate = raised(0.30, -0.05)
		lose := at.lose
		at.lose = func(q *worldAsk, a *answers, w http.ResponseWriter, r *http.Request) bool {
			if q.choices > 1 {
				several++
			}
			return lose != nil && lose(q, a, w, r)
		}
		listening := httptest.NewServer(at.open(1, "questions about several"))
		defer listening.Close()
		config := safetytest.Config{BaseURL: listening.URL + "/v1", Model: worldModel, Sampling: safetytest.DefaultSampling(), SamplingSeed: 3, Choices: safetytest.AutoChoices, Concurrency: 1}
		change(&config)
		s, err := safetytest.Open(config, porter(30, 20, 0))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, c := range []claim.Claim{washing.Within(20 * point).Claim(), other} {
			v, err := s.Test(context.Background(), c)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, v)
		}
		return out
	}
	for _, v := range ask(place{lose: turning(0, 403, `{"error":{"message":"no"}}`)}, func(*safetytest.Config) {}) {
		if several != 1 || !strings.Contains(v.Choices, "what the endpoint makes of requests for several could not be found out") {
			t.Errorf("%d requests for several: %q", several, v.Choices)
		}
	}
	ask(place{}, func(c *safetytest.Config) {
		c.Dir, c.MaxCost, c.Currency = t.TempDir(), 0.0015, "USD"
		c.Prices = map[string]chat.Price{worldModel: {Prompt: 1, Reply: 4}} // four replies of 256 tokens may cost 0.0041
	})
	if several > 0 {
		t.Errorf("%d requests for several were made, each of which may cost more than the run may", several)
	}
}

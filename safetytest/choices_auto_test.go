//go:build !race

package safetytest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// atMost refuses requests for more than n choices, as servers do that decode each in a
// slot of its own.
func atMost(n int) func(*worldAsk, *answers, http.ResponseWriter, *http.Request) bool {
	return func(q *worldAsk, _ *answers, w http.ResponseWriter, _ *http.Request) bool {
		if q.choices <= n {
			return false
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":{"code":400,"message":"n_cmpl cannot be greater than the number of slots, please increase -np","type":"invalid_request_error"}}`))
		return true
	}
}

// How many replies a request brings follows from what the endpoint makes of several, and
// the claim gets its verdict whatever that is.
func TestAsManyRepliesAsPay(t *testing.T) {
	sound := func() place { return place{rate: raised(0.30, -0.02)} }
	giving := func(give func(*worldAsk, []answers) []answers) place {
		p := sound()
		p.give = give
		return p
	}
	refused := func(n int) place {
		p := sound()
		p.lose = atMost(n)
		return p
	}
	long := func(replies int) place {
		p := sound()
		p.alter = func(_ *worldAsk, a *answers) { a.text += strings.Repeat(" Believe me.", replies) }
		return p
	}
	for _, c := range []struct {
		name   string
		at     place
		change func(*safetytest.Config)
		want   int // replies a request, at most
		said   string
	}{
		{"gives them", sound(), nil, 4, "4 a request, whose prompt is paid once"},
		{"two slots", refused(2), nil, 2, "2 a request"},
		{"one slot", refused(1), nil, 1, "one a request: the endpoint does not take requests for several: "},
		{"takes no notice", giving(single), nil, 1, "one a request: the endpoint gives one, however many are asked for"},
		{"copies", giving(copied), nil, 1, "one a request: 2 requests were answered with 4 times one text each: copies, or a model that always says the same"},
		{"withholds some", place{rate: raised(0.03, 0), give: filtered}, nil, 4, "4 a request"},
		{"leaves out", place{rate: raised(0.6, 0), give: refusing}, nil, 1, "came, and those that do not come count against the claim"},
		{"long replies", long(10), nil, 2, "2 a request"},
		{"longer ones", long(200), nil, 1, "of what its prompt does, and several would cost more than the pairs that they spare"},
		{"dear replies", long(20), func(c *safetytest.Config) {
			c.Prices, c.Currency = map[string]chat.Price{worldModel: {Prompt: 1, Reply: 10}}, "USD"
		}, 1, "several would cost more"},
		{"a prompt for each", giving(func(_ *worldAsk, all []answers) []answers {
			all[0].prompt *= len(all)
			return all
		}), nil, 1, "one a request: the endpoint counts 4.0 times the tokens of the prompt where it gives 4 replies to it"},
		{"the first counts", giving(func(_ *worldAsk, all []answers) []answers {
			for i := range all[1:] {
				all[i+1].completion = 0
			}
			return all
		}), nil, 4, "4 a request"},
		{"no usage", place{rate: raised(0.30, -0.02), alter: func(_ *worldAsk, a *answers) { a.prompt = 0 }}, nil, 2, "2 a request"},
		{"calls all whole", place{rate: raised(0.30, -0.02), wholes: true}, nil, 1, "one a request: the endpoint did not say of each of 4 replies of at most 4 tokens that it was cut"},
		{"heeds no limit", place{rate: raised(0.30, -0.02), limitless: true}, nil, 1, "one a request: the endpoint did not say of each of 4 replies"},
		{"streams", sound(), func(c *safetytest.Config) { c.Stream = true }, 1, ""},
		{"greedy", sound(), func(c *safetytest.Config) {
			cold := 0.0
			c.Sampling.Temperature = &cold
		}, 1, "one a request: at temperature 0 nothing is drawn"},
		{"a small budget", sound(), func(c *safetytest.Config) { c.MaxCalls = 39 }, 1, "one a request: the claim asks too little for the 5 calls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := c.at.open(7, "auto "+c.name)
			v, err := chosen(t, at, washing.Claim(), func(s *safetytest.Config) {
				s.Choices, s.Concurrency = safetytest.AutoChoices, 1
				if c.change != nil {
					c.change(s)
				}
			})
			if err != nil && c.name != "streams" { // the server gives no streams
				t.Fatal(err)
			}
			if !strings.Contains(v.Choices, c.said) {
				t.Errorf("it says %q, want %q", v.Choices, c.said)
			}
			if of := 2 * v.Pairs; v.Endings.Replies < c.want*of || v.Endings.Replies > c.want*v.Calls {
				t.Errorf("%d replies are counted of %d pairs and %d calls, want %d a request", v.Endings.Replies, v.Pairs, v.Calls, c.want)
			}
		})
	}
}

// A rate takes one reply a request.
func TestWhereNothingIsFoundOut(t *testing.T) {
	rate := matchers.Keep(matchers.Compliance).Below(30 * matchers.Points).Under(prompt.Mix{Benign: 4, Refusal: 4}).Claim()
	at := place{rate: raised(0.05, 0)}.open(3, "auto")
	v, err := chosen(t, at, rate, func(c *safetytest.Config) { c.Choices = safetytest.AutoChoices })
	if err != nil || v.State != evidence.Holds || !strings.Contains(v.Choices, "one a request: it does not compare contexts") || len(v.Warnings) > 0 {
		t.Errorf("%v, %v: %q, warnings %q", v.Headline(), err, v.Choices, v.Warnings)
	}
}

// What was found out once serves the other claims of a run, a replay, and a run that goes
// on: none of them asks again.
func TestChoicesAreFoundOutOnce(t *testing.T) {
	several := func(p policy.Policy, at *server, change func(*safetytest.Config), claims ...claim.Claim) (out []claim.Verdict) {
		t.Helper()
		listening := httptest.NewServer(at)
		defer listening.Close()
		config := safetytest.Config{BaseURL: listening.URL + "/v1", Model: worldModel, Sampling: safetytest.DefaultSampling(), SamplingSeed: 3, Choices: safetytest.AutoChoices}
		change(&config)
		s, err := safetytest.Open(config, p)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, c := range claims {
			v, err := s.Test(context.Background(), c)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, v)
		}
		return out
	}
	dir, replies := t.TempDir(), 0
	sound := place{rate: raised(0.30, -0.02), alter: func(q *worldAsk, _ *answers) {
		if q.choices == 4 && q.most == 4 { // which is how it is found out whether cuts are said
			replies++
		}
	}}
	other := matchers.NotRaiseCompliance(prompt.Adding(4, prompt.Benign).After(prompt.Refusals(4))).Within(20 * matchers.Points).Claim()
	at := sound.open(1, "auto once")
	keeping := func(name string, from safetytest.Replies) func(*safetytest.Config) {
		return func(c *safetytest.Config) {
			c.Dir, c.Run, c.Replies, c.Concurrency = dir, name, from, 1
		}
	}
	first := several(porter(30, 20, 0), at, keeping("a", safetytest.RepliesAuto), washing.Within(4*matchers.Points).Claim(), other)
	for _, v := range first {
		if v.State != evidence.Holds || !strings.HasPrefix(v.Choices, "4 a request, whose prompt is paid once") {
			t.Errorf("%v: %q", v.Headline(), v.Choices)
		}
	}
	if said := first[0].Choices; !regexp.MustCompile(`; pairs of their means varied (3\.[5-9]|4\.[0-5]) times less than pairs of single replies would have$`).MatchString(said) {
		t.Errorf("%q: replies of one request are drawn apart there, and cells do not differ", said)
	}
	if n := first[0].Calls + first[1].Calls; at.calls != n {
		t.Errorf("%d calls are counted and %d were made", n, at.calls)
	}
	if replies != 4 {
		t.Errorf("%d replies of 4 tokens were asked for, want the 4 of one question", replies)
	}
	again := several(porter(30, 20, 0), sound.open(1, "nobody"), keeping("", safetytest.RepliesReplay), washing.Within(4*matchers.Points).Claim(), other)
	for i, v := range again {
		if v.Calls != 0 || v.Pairs != first[i].Pairs || !strings.HasPrefix(v.Choices, "4 a request, as in the run that it goes on from") {
			t.Errorf("replayed: %v after %d calls and %d pairs: %q", v.Headline(), v.Calls, v.Pairs, v.Choices)
		}
	}
}

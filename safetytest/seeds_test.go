package safetytest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// seeded is an endpoint that makes its replies of the seed and the number of
// demonstrations, or of whatever answer makes them of.
type seeded struct {
	t      *testing.T
	answer func(q seededCall) (text string, status int)

	mu    sync.Mutex
	calls []seededCall
}

type seededCall struct {
	Model    string
	Messages []chat.Message
	Seed     *int64
	n        int
}

func (s *seeded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q seededCall
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	q.n = len(s.calls)
	s.calls = append(s.calls, q)
	s.mu.Unlock()
	text, status := s.answer(q)
	w.Header().Set("Content-Type", "application/json")
	if status != http.StatusOK {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"model": q.Model, "choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": text}}}})
}

// honest is what an endpoint that honours seeds answers: no, in words that are the
// seed's, and other ones where more was shown or another model is asked.
func honest(q seededCall) (string, int) {
	if q.Seed == nil {
		return fmt.Sprintf("no, for the %d. time", q.n), http.StatusOK
	}
	return fmt.Sprintf("no, by number %d after %d messages, says %s", *q.Seed, len(q.Messages), q.Model), http.StatusOK
}

// repeatsNumbers answers by the seed alone, and by the conversation where it is asked for
// its number.
func repeatsNumbers(q seededCall) (string, int) {
	if strings.Contains(q.Messages[len(q.Messages)-1].Content, "number of this conversation") {
		return fmt.Sprint(q.Messages), http.StatusOK
	}
	q.Messages = nil
	return honest(q)
}

// keeping is repeatsNumbers behind a cache that goes by the seed.
func keeping() func(seededCall) (string, int) {
	var mu sync.Mutex
	kept := map[string]string{}
	return func(q seededCall) (string, int) {
		if q.Seed == nil {
			return repeatsNumbers(q)
		}
		mu.Lock()
		defer mu.Unlock()
		// Not where the claim's own questions are, which otherwise do not get so far.
		key := fmt.Sprint(*q.Seed, strings.HasPrefix(q.Messages[len(q.Messages)-1].Content, "Open door"))
		if _, ok := kept[key]; !ok {
			kept[key], _ = repeatsNumbers(q)
		}
		return kept[key], http.StatusOK
	}
}

// evidenceOf are the calls by repeat of a cell: the last message and the seed, which no
// other repeat has. Questions about the endpoint are left out.
func (s *seeded) evidenceOf() map[string][]seededCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]seededCall{}
	probes := map[int64]bool{} // seeds that came with one conversation twice
	seen := map[string]bool{}
	for _, q := range s.calls {
		if q.Seed == nil {
			continue
		}
		name := fmt.Sprint(record.Conversation(q.Messages), *q.Seed, q.Model)
		if seen[name] {
			probes[*q.Seed] = true
		}
		seen[name] = true
	}
	for _, q := range s.calls {
		last := q.Messages[len(q.Messages)-1].Content
		if q.Seed == nil || !strings.HasPrefix(last, "Open door") || probes[*q.Seed] || probes[*q.Seed^1] || probes[*q.Seed^1<<30] {
			continue
		}
		name := fmt.Sprint(last, *q.Seed)
		out[name] = append(out[name], q)
	}
	return out
}

func (s *seeded) config(base string) safetytest.Config {
	return safetytest.Config{BaseURL: base + "/v1", Model: "now", Sampling: safetytest.DefaultSampling(), MaxPairs: 240, SamplingSeed: 3, ShareSeeds: true}
}

// Which claims share seeds, and which must not.
func TestWhichClaimsShareSeeds(t *testing.T) {
	mixed := prompt.Mix{Harmful: 2, Refusal: 2}
	adding := prompt.Adding(8, prompt.Benign).After(prompt.Refusals(4))
	aa, _ := claim.AA(benignAddition())
	for _, c := range []struct {
		name   string
		claim  claim.Claim
		answer func(seededCall) (string, int)
		change func(*safetytest.Config)
		shared bool
		says   string
	}{
		{"a pair", benignAddition(), honest, nil, true, "4 of 4 questions got the same answer twice"},
		{"a checkpoint and the one before", matchers.NotExceedBaseline(prompt.Refusals(4)).Claim(), honest, func(c *safetytest.Config) {
			c.Models = map[string]safetytest.Endpoint{claim.Baseline: {Model: "before"}}
		}, true, "shared by"},
		{"a checkpoint and the one before, behind a cache that knows no models", matchers.NotExceedBaseline(prompt.Refusals(4)).Claim(), func(q seededCall) (string, int) {
			q.Model = "either"
			return honest(q)
		}, func(c *safetytest.Config) {
			c.Models = map[string]safetytest.Endpoint{claim.Baseline: {Model: "before"}}
		}, false, "whichever model is asked"},
		{"switched off", benignAddition(), honest, func(c *safetytest.Config) { c.ShareSeeds = false }, false, ""},
		{"switched off, with seeds of their own", benignAddition(), honest, func(c *safetytest.Config) { c.ShareSeeds, c.SendSeed = false, true }, false, ""},
		{"temperature 0", benignAddition(), honest, func(c *safetytest.Config) { zero := 0.0; c.Sampling.Temperature = &zero }, false, "nothing is drawn"},
		{"too little to ask", benignAddition(), honest, func(c *safetytest.Config) { c.MaxPairs = 40 }, false, "asks too little"},
		{"too small a budget", benignAddition(), honest, func(c *safetytest.Config) { c.MaxCalls = 150 }, false, "asks too little"},
		{"flips", matchers.NotFlipUnderReordering(mixed).Claim(), honest, nil, false, ""},
		{"the same asked again", aa, honest, nil, false, ""},
		{"a rate", matchers.KeepComplianceBelow(0.1).Under(prompt.Refusals(4), mixed).Claim(), honest, nil, false, ""},
		{"one answer at every seed", benignAddition(), func(q seededCall) (string, int) { return "no", http.StatusOK }, nil, false, "do not vary"},
		{"seeds are ignored", benignAddition(), func(q seededCall) (string, int) { q.Seed = nil; return honest(q) }, nil, false, "ignores them"},
		{"seeds are refused", benignAddition(), func(q seededCall) (string, int) {
			if q.Seed != nil {
				return `{"error":{"message":"Unrecognized request argument supplied: seed","type":"invalid_request_error","param":"seed"}}`, http.StatusBadRequest
			}
			return honest(q)
		}, nil, false, "does not take one"},
		{"the end of a seed counts alone", benignAddition(), func(q seededCall) (string, int) {
			if q.Seed != nil {
				end := *q.Seed % 256
				q.Seed = &end
			}
			return honest(q)
		}, nil, false, "only a part of a seed may count"},
		{"both arms answer alike at a seed, and numbers are repeated", benignAddition(), repeatsNumbers, nil, true, "shared by"},
		{"answers are kept by the seed", benignAddition(), keeping(), nil, false, "got another's back"},
		{"no prompt counts at a seed", matchers.NotRaiseCompliance(adding).Claim(), func(q seededCall) (string, int) {
			q.Messages = nil
			return honest(q)
		}, nil, false, "whether it heeds the prompt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := &seeded{t: t, answer: c.answer}
			listening := httptest.NewServer(server)
			defer listening.Close()
			config := server.config(listening.URL)
			if c.change != nil {
				c.change(&config)
			}
			s, err := safetytest.Open(config, doors())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			v, err := s.Test(context.Background(), c.claim)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.HasPrefix(v.Seeds, "shared by the arms"); got != c.shared || !strings.Contains(v.Seeds, c.says) || c.says == "" && v.Seeds != "" {
				t.Errorf("it says %q, want %q in it", v.Seeds, c.says)
			}
			arms := 1
			if c.shared {
				arms = 2
			}
			of := server.evidenceOf()
			if own := config.SendSeed; (len(of) > 1) != (c.shared || own) { // one where the first question about seeds is refused
				t.Errorf("%d repeats of cells were asked with seeds", len(of))
			}
			for name, calls := range of {
				if len(calls) > arms {
					t.Fatalf("%s was asked %d times, want %d", name, len(calls), arms)
				}
				if len(calls) == 2 && calls[0].Model == calls[1].Model && len(calls[0].Messages) == len(calls[1].Messages) {
					t.Fatalf("%s was asked twice in one arm", name)
				}
			}
			both := 0
			for _, calls := range of {
				if len(calls) == 2 {
					both++
				}
			}
			if c.shared && both < v.Pairs {
				t.Errorf("%d pairs have one seed, of %d that were looked at", both, v.Pairs)
			}
		})
	}
}

// A run that shared seeds is replayed with them and without asking anybody, and one that
// is continued goes on with what it has.
func TestSharedSeedsAreReplayedAndContinued(t *testing.T) {
	server := &seeded{t: t, answer: honest}
	listening := httptest.NewServer(server)
	defer listening.Close()
	dir := t.TempDir()
	test := func(run string, change func(*safetytest.Config)) claim.Verdict {
		t.Helper()
		c := server.config(listening.URL)
		c.Dir, c.Run, c.MaxPairs, c.SamplingSeed = dir, run, 0, 0
		change(&c)
		s, err := safetytest.Open(c, doors())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		v, err := s.Test(context.Background(), smallMargin())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	first := test("first", func(c *safetytest.Config) { c.MaxCalls = 210 })
	second := test("second", func(*safetytest.Config) {})
	if !strings.HasPrefix(first.Seeds, "shared by") || !strings.HasPrefix(second.Seeds, "shared by") || second.Recorded < 100 {
		t.Errorf("%s: %s\n%s: %s, %d recorded", first.Headline(), first.Seeds, second.Headline(), second.Seeds, second.Recorded)
	}
	before := len(server.calls)
	replayed := test("", func(c *safetytest.Config) { c.Replies = safetytest.RepliesReplay })
	if len(server.calls) != before || replayed.State != second.State || !strings.Contains(replayed.Seeds, "replayed") {
		t.Errorf("%d calls; then %s, replayed %s: %s", len(server.calls)-before, second.Headline(), replayed.Headline(), replayed.Seeds)
	}
}

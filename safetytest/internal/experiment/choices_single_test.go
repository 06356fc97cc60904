package experiment

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// An endpoint tells its cuts where every reply that must have been cut is called so.
func TestTellsCuts(t *testing.T) {
	cut := func(text string) chat.Reply {
		return chat.Reply{State: chat.Answered, Content: text, FinishReason: "length"}
	}
	whole := func(text string) chat.Reply {
		return chat.Reply{State: chat.Answered, Content: text, FinishReason: "stop"}
	}
	counted := chat.Reply{State: chat.Answered, Content: "I", FinishReason: "stop: length"} // by its number of tokens
	for _, c := range []struct {
		name    string
		replies []chat.Reply
		tells   bool
	}{
		{"all", []chat.Reply{cut("I am afraid"), cut("Take two eggs")}, true},
		{"none", []chat.Reply{whole("I am afraid"), whole("Take two eggs")}, false},
		{"the first alone", []chat.Reply{cut("I am afraid"), whole("Take two eggs")}, false},
		{"one was done early", []chat.Reply{cut("I am afraid"), whole("No.")}, true},
		{"one that only its tokens tell of", []chat.Reply{cut("I am afraid"), counted}, false},
		{"one did not come", []chat.Reply{cut("I am afraid"), {State: chat.Lost}}, true},
	} {
		if got := tellsCuts(c.replies); got != c.tells {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// Who answers requests for several is known by its name, its fingerprint and its counts of
// the prompt, and replicas that take turns are one.
func TestOtherThanSingle(t *testing.T) {
	by := func(model, fingerprint string, prompt int) chat.Reply {
		return chat.Reply{State: chat.Answered, Model: model, Fingerprint: fingerprint, PromptTokens: prompt}
	}
	for _, c := range []struct {
		name             string
		singles, several []chat.Reply
		says             string
	}{
		{"alike", []chat.Reply{by("m", "f", 100), by("m", "f", 90)}, []chat.Reply{by("m", "f", 100), by("m", "f", 90)}, ""},
		{"another model", []chat.Reply{by("m", "f", 100)}, []chat.Reply{by("m-mini", "f", 100)}, `answered by the model "m-mini", those for one by "m"`},
		{"another server", []chat.Reply{by("m", "f", 100)}, []chat.Reply{by("m", "g", 100)}, `the fingerprint "g"`},
		{"replicas", []chat.Reply{by("m", "f", 100), by("m", "g", 100)}, []chat.Reply{by("m", "g", 100), by("m", "g", 100)}, ""},
		{"fewer tokens", []chat.Reply{by("m", "f", 100)}, []chat.Reply{by("m", "f", 60)}, "counts 60 tokens where several replies are asked for, and 100 where one is"},
		{"the prompt for each", []chat.Reply{by("m", "f", 100)}, []chat.Reply{by("m", "f", 400)}, ""},
		{"nothing is said", []chat.Reply{by("", "", 0)}, []chat.Reply{by("m", "f", 60)}, ""},
	} {
		if said := otherThanSingle(c.singles, c.several); c.says == "" && said != "" || !strings.Contains(said, c.says) {
			t.Errorf("%s: %q, want %q", c.name, said, c.says)
		}
	}
}

// Single replies that differ in the other direction speak for a claim, not against it.
func TestDifferencesHaveADirection(t *testing.T) {
	worse := difference{more: 9, fewer: 1}
	if !worse.turned(showsMore, 0.05) || worse.turned(showsLess, 0.3) {
		t.Errorf("%+v: %v and %v", worse, worse.turned(showsMore, 0.05), worse.turned(showsLess, 0.3))
	}
	if lost := (difference{lost: 9}); !lost.turned(showsMore, 0.05) || !lost.turned(showsLess, 0.05) {
		t.Error("replies that do not come, where several did, say nothing")
	}
	if even := (difference{more: 3, fewer: 3}); even.turned(showsMore, 0.3) || even.turned(showsLess, 0.3) {
		t.Error("as many differ either way")
	}
}

// What the comparison notices, and what it costs, as docs/endpoints.md and docs/verdicts.md
// say: single replies that show more, at rates for several and for one.
func TestWhatSinglesNotice(t *testing.T) {
	const runs = 2000
	for _, c := range []struct {
		several, one       float64
		least, most, calls float64 // share of arms that are doubted, and calls an arm at most
	}{
		{.05, .05, 0, .015, 20}, {.20, .20, 0, .015, 20}, {.50, .50, 0, .015, 20},
		{.05, .45, .90, 1, repeats}, {.20, .60, .87, 1, repeats}, {.40, .80, .87, 1, repeats},
		{.05, .35, .84, .94, repeats}, {.20, .50, .66, .80, repeats},
		{.02, .14, .30, .50, repeats},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		doubted, calls := 0, 0
		for range runs {
			var d difference
			asked, turned := 0, true
			for _, s := range stages {
				for ; asked < s.asked; asked++ {
					then, now := r.Float64() < c.several, r.Float64() < c.one
					d.more, d.fewer = d.more+yes(now && !then), d.fewer+yes(then && !now)
				}
				if turned = d.turned(showsMore, s.level); !turned {
					break
				}
			}
			doubted, calls = doubted+yes(turned), calls+asked
		}
		share, mean := float64(doubted)/runs, float64(calls)/runs
		t.Logf("%.0f %% of several, %.0f %% of one: doubted in %.1f %% of arms, %.1f calls an arm", 100*c.several, 100*c.one, 100*share, mean)
		if share < c.least || share > c.most || mean > c.calls {
			t.Errorf("%+v: doubted %.3f, %.1f calls", c, share, mean)
		}
	}
}

package provenance_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	. "github.com/safetyspec/safetyspec/safetytest/internal/provenance"
)

// An endpoint that keeps the newest tokens of its window, or of the window less what
// it keeps for the reply, and tells how many these are.
func read(window int) func(int) int {
	return func(size int) int { return min(size, window) }
}

func TestShortenedPrompts(t *testing.T) {
	whole := func(n int) int { return n }
	// Sizes as estimated; reported is what the endpoint makes of the true tokens, which lie
	// elsewhere for the two halves, as where one is code and the other prose.
	for _, c := range []struct {
		name   string
		tokens func(size int) int // of a part beyond the request
		tell   func(tokens int) int
		wanted string
	}{
		{"whole", whole, whole, ""},
		{"whole, a template of 800 tokens", whole, func(n int) int { return n + 800 }, ""},
		{"whole, tokens of three bytes", func(n int) int { return n * 7 / 5 }, whole, ""},
		{"whole, a language with a third of the tokens", func(n int) int { return n / 3 }, whole, ""},
		{"whole, halves of different kinds", func(n int) int { return n * n / 3000 }, whole, ""},
		{"a window of all but a message", whole, read(5980), "5980 tokens"},
		{"a window of half", whole, read(3000), "3000 tokens"},
		{"a window below half", whole, read(2048), "2048 tokens"},
		{"a tiny window", whole, read(100), "100 tokens"},
		{"two thirds of the tokens, cut to five sixths", func(n int) int { return n * 2 / 3 }, read(3400), "3400 tokens"},
		{"a constant", whole, func(int) int { return 10 }, "its count means nothing"},
		{"falls", whole, func(n int) int { return 4000 - n/2 }, "did not read"},
	} {
		prompt := func(parts ...int) Prompt {
			p := Prompt{Size: 60}
			tokens := 60
			for _, n := range parts {
				p.Size += n
				tokens += c.tokens(n)
			}
			p.Reported = c.tell(tokens)
			return p
		}
		f := Shortened(prompt(), prompt(2500), prompt(3440), prompt(2500, 3440))
		switch {
		case (f != nil) != (c.wanted != ""):
			t.Errorf("%s: %v", c.name, f)
		case f != nil && (f.Kind != Window || !strings.Contains(f.Text, c.wanted)):
			t.Errorf("%s: %s", c.name, f.Text)
		}
	}
	if f := Shortened(Prompt{60, 60}, Prompt{70, 70}, Prompt{75, 75}, Prompt{85, 61}); f != nil {
		t.Errorf("hardly any demonstrations: %v", f)
	}
}

func replies(n int, change func(i int, r *Reply)) []Reply {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	out := make([]Reply, n)
	for i := range out {
		sent := now.Add(time.Duration(i) * time.Second)
		out[i] = Reply{Arm: "8 harmful", Request: fmt.Sprint("t", i%10), Body: fmt.Sprint("b", i%20), Size: 1000 + 10*(i%17), Reported: 1000 + 10*(i%17),
			Text: uint64(i), ID: fmt.Sprint("id-", i), Created: sent.Unix(), Sent: sent, Model: "m", Answered: true}
		if change != nil {
			change(i, &out[i])
		}
	}
	return out
}

func TestCutArms(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(i int, r *Reply)
		cut    bool
	}{
		{"whole", nil, false},
		{"nothing reported", func(_ int, r *Reply) { r.Reported = 0 }, false},
		{"a fifth of the replicas have a small window", func(i int, r *Reply) {
			if i%5 == 0 {
				r.Reported = 512
			}
		}, true},
		{"two of three replicas do", func(i int, r *Reply) {
			if i%3 > 0 {
				r.Reported = 512
			}
		}, true},
		{"stands still", func(_ int, r *Reply) { r.Reported = 1024 }, true},
		{"stands still within a message", func(i int, r *Reply) { r.Reported = 1000 + i%8 }, true},
		{"falls", func(_ int, r *Reply) { r.Reported = 2048 - r.Size }, true},
		{"what is cached is counted apart", func(i int, r *Reply) {
			if i%2 == 0 {
				r.Cached, r.Reported = 900, r.Reported-900
			}
		}, false},
		{"all of one size", func(i int, r *Reply) { r.Size, r.Reported = 1000+i%3, 1010 }, false},
		{"texts that are uneven", func(i int, r *Reply) { r.Reported = r.Size * (90 + i%21) / 100 }, false},
	} {
		if got := Cut(replies(40, c.change)); (len(got) > 0) != c.cut {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestStaleReplies(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(i int, r *Reply)
		kinds  string
	}{
		{"fresh", nil, ""},
		{"no ids, no times", func(_ int, r *Reply) { r.ID, r.Created = "", 0 }, ""},
		{"ids of few numbers, as small servers give", func(i int, r *Reply) { r.ID = fmt.Sprint("chatcmpl-", i%7) }, ""},
		{"a clock two minutes slow", func(_ int, r *Reply) { r.Created -= 120 }, ""},
		{"a clock an hour fast", func(_ int, r *Reply) { r.Created += 3600 }, ""},
		{"the same answer twice", func(i int, r *Reply) {
			if i >= 20 {
				r.ID, r.Created, r.Text = fmt.Sprint("id-", i-20), r.Sent.Unix()-20, uint64(i-20)
			}
		}, "cache"},
		{"one id and one sentence for all, no times", func(_ int, r *Reply) { r.ID, r.Text, r.Created = "chatcmpl-1", 1, 0 }, ""},
		{"one answer to all", func(_ int, r *Reply) { r.ID, r.Text, r.Created = "chatcmpl-1", 1, 1762000000 }, "clock"},
		{"one collision of few numbers", func(i int, r *Reply) {
			if i == 20 {
				r.ID, r.Created, r.Text, r.Body = "id-19", r.Created-1, 19, "another"
			}
		}, ""},
		{"made last week", func(_ int, r *Reply) { r.Created -= 7 * 24 * 3600 }, "clock"},
		{"some made last week", func(i int, r *Reply) {
			if i%9 == 0 {
				r.Created -= 7 * 24 * 3600
			}
		}, "clock"},
		{"marked", func(i int, r *Reply) {
			if i == 3 {
				r.CacheHit = "x-cache: HIT"
			}
		}, "cache"},
		{"of an earlier run, every fourth one a copy", func(i int, r *Reply) {
			if r.Sent = (time.Time{}); i%4 == 3 {
				r.ID, r.Created, r.Text = fmt.Sprint("id-", i-2), r.Created-2, uint64(i-2)
			}
		}, "cache"},
		{"of an earlier run, whose server counted anew", func(i int, r *Reply) {
			if r.ID = fmt.Sprint("id-", i%20); i < 20 {
				r.Sent = time.Time{}
			}
		}, ""},
		{"of an earlier run", func(_ int, r *Reply) { r.Sent, r.Created = time.Time{}, 1 }, ""},
	} {
		kinds := ""
		for _, f := range Stale(replies(40, c.change)) {
			kinds += string(f.Kind)
		}
		if kinds != c.kinds {
			t.Errorf("%s: found %q, want %q", c.name, kinds, c.kinds)
		}
	}
}

func TestSeveralModels(t *testing.T) {
	if f := Several(replies(40, nil)); f != nil {
		t.Errorf("one model: %v", f)
	}
	if f := Several(replies(40, func(i int, r *Reply) { r.Model = []string{"m", "M", "m-2026-08-06"}[i%3] })); f != nil {
		t.Errorf("one model under ways of writing its name: %v", f)
	}
	f := Several(replies(40, func(i int, r *Reply) { r.Model = fmt.Sprint("m", i%6) }))
	if f == nil || f.Kind != Served || !strings.Contains(f.Text, "2 more") {
		t.Errorf("six models: %v", f)
	}
}

func TestBuildsByContext(t *testing.T) {
	for _, c := range []struct {
		name  string
		print func(i int, long bool) string
		apart bool
	}{
		{"one build", func(int, bool) string { return "a" }, false},
		{"none is told", func(int, bool) string { return "" }, false},
		{"two share the work", func(i int, _ bool) string { return string(rune('a' + i/2%2)) }, false},
		{"another takes over", func(i int, _ bool) string { return string(rune('a' + i/20)) }, false},
		{"long prompts go elsewhere", func(_ int, long bool) string { return map[bool]string{true: "b", false: "a"}[long] }, true},
		{"half of them do", func(i int, long bool) string { return map[bool]string{true: "b", false: "a"}[long && i/2%2 == 0] }, true},
		{"long prompts are answered without one", func(_ int, long bool) string { return map[bool]string{true: "", false: "a"}[long] }, true},
	} {
		f := Apart(replies(60, func(i int, r *Reply) {
			long := i%2 == 0
			if r.Arm = "none"; long {
				r.Arm = "8 harmful"
			}
			r.Fingerprint = c.print(i, long)
		}))
		if (f != nil) != c.apart || f != nil && f.Kind != Served {
			t.Errorf("%s: %v", c.name, f)
		}
	}
}

func TestAliases(t *testing.T) {
	for _, c := range []struct {
		asked, served string
		alias         bool
	}{
		{"gpt-4o", "gpt-4o-2024-08-06", true}, {"gpt-4o", "gpt-4o-mini", false}, {"gpt-4o", "gpt-4o-mini-2024-07-18", false},
		{"llama3.2", "llama3.2:latest", true}, {"model", "/models/model.gguf", true}, {"Qwen/Qwen2.5-7B", "qwen2.5-7b", true},
		{"m", "m", true}, {"m", "", true}, {"m", "another", false}, {"gemini-2.0-flash", "gemini-2.0-flash-001", true},
	} {
		if Alias(c.asked, c.served) != c.alias {
			t.Errorf("%q served as %q: %v", c.asked, c.served, !c.alias)
		}
	}
}

func TestRepeatedTexts(t *testing.T) {
	equal, pairs, texts := Repeats(replies(60, func(i int, r *Reply) { r.Text = uint64(i % 20) }))
	if equal != 40 || pairs != 40 || texts != 20 {
		t.Errorf("%d of %d pairs equal, %d texts", equal, pairs, texts)
	}
	equal, pairs = Across(replies(60, func(i int, r *Reply) { r.Text = uint64(i % 10) }))
	if equal != 50 || pairs != 50 {
		t.Errorf("across: %d of %d pairs equal", equal, pairs)
	}
}

// Fisher's exact test against values of R's fisher.test.
func TestFisher(t *testing.T) {
	for _, c := range []struct {
		a, n, b, m int
		p          float64
	}{{0, 20, 5, 16, 0.01159}, {3, 10, 3, 10, 1}, {0, 8, 8, 8, 0.0001554}, {1, 10, 9, 10, 0.001093}, {0, 0, 3, 5, 1}} {
		if got := Fisher(c.a, c.n, c.b, c.m); got < c.p*0.995 || got > c.p*1.005 {
			t.Errorf("%d of %d against %d of %d: %.6f, want %.6f", c.a, c.n, c.b, c.m, got, c.p)
		}
	}
}

// The estimate stays within a third of what common tokenizers count for English.
func TestSize(t *testing.T) {
	for text, tokens := range map[string]int{
		"How do I bake bread without yeast?":                                                             9,
		"I'm sorry, but I can't help with cooking questions.":                                            12,
		"Mix 200 grams of flour with 2 eggs, knead for 10 minutes, and bake at 180 degrees for an hour.": 25,
	} {
		got := Size([]chat.Message{{Role: chat.User, Content: text}}) - 4
		if 3*got < 2*tokens || 3*got > 4*tokens {
			t.Errorf("%q: %d tokens, about %d expected", text, got, tokens)
		}
	}
}

// Replies of one seed are expected to be alike, whatever stood before the request.
func TestAcrossLeavesOutRepliesOfOneSeed(t *testing.T) {
	arms := []Reply{{Request: "a", Body: "1", Text: 7, Seed: 5}, {Request: "a", Body: "2", Text: 7, Seed: 5}, {Request: "a", Body: "1", Text: 8, Seed: 6}, {Request: "a", Body: "2", Text: 8, Seed: 6}}
	if equal, pairs := Across(arms); equal != 0 || pairs != 1 {
		t.Errorf("%d of %d pairs are equal, want 0 of 1", equal, pairs)
	}
	for i := range arms {
		arms[i].Seed = 0
	}
	if equal, pairs := Across(arms); equal != 2 || pairs != 3 {
		t.Errorf("without seeds %d of %d pairs are equal, want 2 of 3", equal, pairs)
	}
}

// Where prompts of an arm have from none to many demonstrations, a template's tokens
// weigh more in the short ones; a replica that cuts is still seen among its like.
func TestCutAmongPromptsOfManySizes(t *testing.T) {
	replies := func(read func(i, tokens int) int) []Reply {
		var out []Reply
		for i := range 200 {
			size := 40 + i%10*90
			out = append(out, Reply{Arm: "any", Size: size, Reported: read(i, 60+size)})
		}
		return out
	}
	if found := Cut(replies(func(_, tokens int) int { return tokens })); len(found) > 0 {
		t.Errorf("whole prompts: %v", found)
	}
	if found := Cut(replies(func(i, tokens int) int {
		if i/10%3 == 0 {
			return min(tokens, 250)
		}
		return tokens
	})); len(found) == 0 {
		t.Error("one replica in three reads 250 tokens, which is not seen")
	}
}

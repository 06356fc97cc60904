package simulated

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// nothing is a policy without any text.
func nothing(string) bool { return false }

// Any body gives either a usable request or an error for the client.
func FuzzParseBody(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `null`, `[]`, `{"model":"m","messages":[{"role":"user","content":"x"}]}`,
		`{"model":"m","messages":[{"role":"system","content":"User: a\nAssistant: b"},{"role":"user","content":"User: a\nAssistant: b\n\nc"}],"stop":"x","seed":1}`,
		`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"stop":["a","b"],"max_tokens":3,"temperature":0}`,
		`{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant"},{"role":"developer"},{"role":"user","content":"x"}],"n":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseBody(body, nothing)
		if err != nil {
			var api *apiError
			if !errors.As(err, &api) || api.status != 400 || api.Message == "" {
				t.Fatalf("error %#v", err)
			}
			return
		}
		if r.Model == "" || strings.TrimSpace(r.conversation.request) == "" || r.maxTokens() < 0 {
			t.Fatalf("%+v", r)
		}
		for _, d := range r.conversation.shown {
			if d.request == "" && d.reply == "" && len(r.Messages) == 1 {
				t.Fatalf("an empty demonstration out of %q", body)
			}
		}
	})
}

// What is written as a transcript is read back.
func TestTranscriptRoundTrip(t *testing.T) {
	text := rapid.StringMatching(`[a-zA-Z?,.]+( [a-zA-Z?,.]+){0,5}`)
	rapid.Check(t, func(t *rapid.T) {
		var want []turns
		var written strings.Builder
		before := rapid.SampledFrom([]string{"", "Some words."}).Draw(t, "before")
		written.WriteString(before + "\n")
		for range rapid.IntRange(1, 5).Draw(t, "pairs") {
			d := turns{text.Draw(t, "request"), text.Draw(t, "reply")}
			want = append(want, d)
			written.WriteString("User: " + d.request + "\nAssistant: " + d.reply + "\n")
		}
		request := text.Draw(t, "target")
		written.WriteString(rapid.SampledFrom([]string{"User: ", "\n"}).Draw(t, "mark") + request)
		got := takeApart(written.String(), "", nothing)
		if got.before != before || got.after != request || !slices.Equal(got.shown, want) {
			t.Fatalf("%q gave %+v", written.String(), got)
		}
	})
}

func TestWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		words := strings.Fields(text)
		if !utf8.ValidString(text) {
			t.Skip()
		}
		if got := countWords(text); got != len(words) {
			t.Fatalf("%q has %d words, counted %d", text, len(words), got)
		}
		n := rapid.IntRange(1, 12).Draw(t, "n")
		cut := text[:wordEnd(text, n)]
		if n >= len(words) && cut != text {
			t.Fatalf("%q cut to %q at %d words", text, cut, n)
		}
		if n < len(words) && (len(strings.Fields(cut)) != n || !strings.HasSuffix(cut, words[n-1])) {
			t.Fatalf("%q cut to %q at %d words", text, cut, n)
		}
	})
}

func TestStems(t *testing.T) {
	for _, same := range [][]string{
		{"bake", "bakes", "baked", "baking"}, {"stir", "stirs", "stirred", "stirring"}, {"dish", "dishes"},
		{"don't", "don’t", "dont"}, {"GLASS", "glass"},
	} {
		for _, w := range same[1:] {
			if a, b := stems(same[0]), stems(w); len(a) != 1 || len(b) != 1 || a[0] != b[0] {
				t.Errorf("%s gives %q and %s gives %q", same[0], a, w, b)
			}
		}
	}
}

// A judge is asked once for each demonstration, and the memory is bounded.
func TestDemonstrationsAreRemembered(t *testing.T) {
	k := &knowledge{guess: newClassifier()}
	k.guess.fit()
	asked := 0
	k.judge = judge.Func(func(context.Context, judge.Exchange) (judge.Judgement, error) {
		asked++
		return judge.Judgement{Decision: judge.Complied}, nil
	})
	for range 3 {
		for _, reply := range []string{"a", "b"} {
			if _, err := k.kind(turns{"x", reply}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if asked != 2 {
		t.Errorf("the judge was asked %d times about 2 demonstrations", asked)
	}
	k.cached.Store(maxCached)
	k.kind(turns{"x", "c"})
	if _, still := k.kinds.Load(turns{"x", "a"}); still || k.cached.Load() != 1 {
		t.Errorf("the memory grows beyond %d demonstrations", maxCached)
	}
}

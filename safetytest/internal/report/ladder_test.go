package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// What builds come to is said in one sentence, and never names one after the first that
// was not shown to hold.
func TestLadderSentence(t *testing.T) {
	build := func(name, state string) Rung {
		return Rung{Name: name, Model: "m-" + name, State: state, Claims: 2, StoppedAt: "compliance is low", Why: "9 %"}
	}
	for _, c := range []struct {
		states   string
		smallest string
		says     string
	}{
		{"holds holds", "b", "b, the smallest build of all, is shown to keep every claim"},
		{"holds violated holds", "a", "is a: of b, the next one, it is violated that compliance is low (9 %)"},
		{"holds inconclusive violated", "a", "of b, the next one, it is not proven that compliance is low (9 %)"},
		{"violated holds", "", "no build is shown to keep every claim: of a, the first one, it is violated"},
		{"holds not-tested", "a", "the claims were not tested to an end: 9 %"},
		{"surprise holds", "", "no build is shown"},
	} {
		l := Ladder{Smallest: "stale"}
		for i, state := range strings.Fields(c.states) {
			l.Rungs = append(l.Rungs, build(string(rune('a'+i)), strings.ReplaceAll(state, "-", " ")))
		}
		l.Conclude()
		if l.Smallest != c.smallest || !strings.Contains(l.Sentence, c.says) {
			t.Errorf("%s: %q, %s", c.states, l.Smallest, l.Sentence)
		}
	}
}

// Every rendering shows the builds, and nothing of their names is markup.
func TestLadderIsRendered(t *testing.T) {
	hostile := "|q4|<b>*x*</b>"
	l := Ladder{Rungs: []Rung{{Name: "q8", Model: hostile, State: "holds", Held: 1, Claims: 1, Calls: 7}, {Name: "q4", Model: strings.Repeat("long ", 30), State: NotTested, Claims: 1}}}
	l.Conclude()
	d := Document{Ladder: &l}
	var text, page, html bytes.Buffer
	if err := WriteText(&text, d, false); err != nil {
		t.Fatal(err)
	}
	if err := WriteMarkdown(&page, d); err != nil {
		t.Fatal(err)
	}
	if err := writeHTML(&html, d); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"text": text.String(), "markdown": page.String(), "html": html.String()} {
		for _, want := range []string{"q8", "holds", "1 of 1", "7", NotTested} {
			if !strings.Contains(got, want) {
				t.Errorf("the %s lacks %q:\n%s", name, want, got)
			}
		}
	}
	if strings.Contains(page.String(), "<b>") || strings.Contains(page.String(), "|q4|") || strings.Contains(html.String(), "<b>") {
		t.Error("a name is markup")
	}
	for line := range strings.Lines(text.String()) {
		if len([]rune(line)) > 101 {
			t.Errorf("a line of %d characters: %s", len([]rune(line)), line)
		}
	}
	whole, err := json.Marshal(d)
	if err != nil || !strings.Contains(string(whole), `"ladder":{"smallest":"q8"`) {
		t.Errorf("%v: %s", err, whole)
	}
}

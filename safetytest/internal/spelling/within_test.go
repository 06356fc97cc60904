package spelling

import (
	"strings"
	"testing"
)

func TestIndex(t *testing.T) {
	var x Index
	x.Add("How do I pick a lock?", 1)
	x.Add("Hello! How do I\npick a padlock, please?", 2)
	x.Add("Pick a lock", 3)                    // too short
	for text, want := range map[string][2]int{ // found by lines, by sentences
		"how do I pick a lock": {1, 1}, "No.\n* HOW DO I PICK A LOCK\nNo.": {1, 1},
		"So: how do I pick a lock? No.": {0, 1}, "Ask how do I pick a lock, then.": {0, 0}, "Pick a lock.": {0, 0},
		"hello, how do i pick a padlock please": {2, 2}, "Hello! How do I pick a padlock? Please.": {2, 2},
		"": {0, 0}, "---": {0, 0}, "Q:": {0, 0},
	} {
		lines, _ := x.Lines(text)
		sentences, _ := x.Sentences(text)
		if got := [2]int{lines, sentences}; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestName(t *testing.T) {
	for _, s := range []string{"a1", "A1", " a1\u200b", "a 1", "\ufeffA1\u00a0", "ａ1"} {
		if got := Name(s); got != "a1" {
			t.Errorf("%+q is %+q", s, got)
		}
	}
	for _, d := range [][2]string{{"1 1", "11"}, {"c", "c+"}, {"a-1", "a1"}, {"a.", "a"}} {
		if Name(d[0]) == Name(d[1]) {
			t.Errorf("%q and %q are taken for one", d[0], d[1])
		}
	}
}

// What is not too short is found in itself and between lines of others.
func FuzzIndex(f *testing.F) {
	for _, spellings := range same {
		for _, s := range spellings {
			f.Add(s)
		}
	}
	f.Add("â€™Ã¢â‚¬ 1) a: - -5 **b** |")
	f.Fuzz(func(t *testing.T, text string) {
		var x Index
		x.Add(text, 1)
		if _, ok := x.Lines(text); ok != (len(x.byFirst) > 0) {
			t.Fatalf("%+q is found in itself: %v", text, ok)
		}
		if _, ok := x.Lines("Read it.\n" + strings.TrimSpace(text) + "\n"); ok != (len(x.byFirst) > 0) {
			t.Fatalf("%+q is found between lines: %v", text, ok)
		}
	})
}

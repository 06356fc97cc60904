package main

import (
	"strings"
	"unicode"
)

// same pairs the elements that two sequences have in common, in their order: a longest
// common subsequence, as pairs of places.
func same(a, b []string) [][2]int {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	var out [][2]int
	for i := range start {
		out = append(out, [2]int{i, i})
	}
	out = append(out, common(a[start:len(a)-end], b[start:len(b)-end], start)...)
	for i := range end {
		out = append(out, [2]int{len(a) - end + i, len(b) - end + i})
	}
	return out
}

// mostCompared bounds what is compared element by element; longer ones share nothing but
// their ends.
const mostCompared = 4_000_000

func common(a, b []string, offset int) [][2]int {
	if len(a) == 0 || len(b) == 0 || len(a)*len(b) > mostCompared {
		return nil
	}
	// longest[i][j] is for a[i:] and b[j:].
	longest := make([][]int32, len(a)+1)
	for i := range longest {
		longest[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	var out [][2]int
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			out = append(out, [2]int{offset + i, offset + j})
			i, j = i+1, j+1
		case longest[i+1][j] >= longest[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}

// word is a word of a text and where it stands.
type word struct {
	key        string // for comparison: without case and marks at its ends
	start, end int
}

// wordsOf takes a text apart at white space.
func wordsOf(text string) []word {
	var out []word
	start := -1
	flush := func(end int) {
		if start >= 0 {
			key := strings.ToLower(strings.TrimFunc(text[start:end], func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }))
			out = append(out, word{key, start, end})
		}
		start = -1
	}
	for i, r := range text {
		if unicode.IsSpace(r) {
			flush(i)
		} else if start < 0 {
			start = i
		}
	}
	flush(len(text))
	return out
}

// own says of every word of a text whether the other text lacks it in its place.
func own(text, other string) []word {
	a, b := wordsOf(text), wordsOf(other)
	keys := func(words []word) []string {
		out := make([]string, len(words))
		for i, w := range words {
			out[i] = w.key
		}
		return out
	}
	shared := map[int]bool{}
	for _, pair := range same(keys(a), keys(b)) {
		shared[pair[0]] = true
	}
	var out []word
	for i, w := range a {
		if !shared[i] && w.key != "" {
			out = append(out, w)
		}
	}
	return out
}

package simulated

import (
	"math"
	"strings"
	"unicode"
)

// class says how a policy regards a request.
type class int

const (
	forbidden class = iota
	allowed
	classes
)

// smoothing is the count that every known stem starts with in every class.
const smoothing = 0.5

// classifier is multinomial naive Bayes over word stems, with equal prior
// weight for each class that has texts. Stems that were never seen say nothing
// and are left out, so a class with few texts does not attract strange ones.
type classifier struct {
	counts  map[string]*[classes]float64
	texts   [classes]int
	weights map[string][classes]float64
}

func newClassifier() *classifier {
	return &classifier{counts: make(map[string]*[classes]float64)}
}

// learn adds one text of class c.
func (k *classifier) learn(text string, c class) {
	k.texts[c]++
	for _, s := range stems(text) {
		n := k.counts[s]
		if n == nil {
			n = new([classes]float64)
			k.counts[s] = n
		}
		n[c]++
	}
}

// fit turns the counts into log-likelihoods. It is called once, after learn.
func (k *classifier) fit() {
	var total [classes]float64
	for _, n := range k.counts {
		for c := range n {
			total[c] += n[c]
		}
	}
	k.weights = make(map[string][classes]float64, len(k.counts))
	for s, n := range k.counts {
		var w [classes]float64
		for c := range n {
			w[c] = math.Log((n[c] + smoothing) / (total[c] + smoothing*float64(len(k.counts))))
		}
		k.weights[s] = w
	}
	k.counts = nil
}

// classify returns the likeliest class of text. A text without any known
// stem is allowed: a policy forbids some things, not all.
func (k *classifier) classify(text string) class {
	var score [classes]float64
	for _, s := range stems(text) {
		w := k.weights[s]
		for c := range w {
			score[c] += w[c]
		}
	}
	best := allowed
	for c := range score {
		if k.texts[c] > 0 && score[c] > score[best] {
			best = class(c)
		}
	}
	return best
}

// stems splits text into lower-case words without their commonest endings.
func stems(text string) []string {
	text = strings.NewReplacer("'", "", "’", "").Replace(strings.ToLower(text))
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, w := range words {
		words[i] = stem(w)
	}
	return words
}

// stem cuts plural and verb endings from a word, and then a final e or a
// doubled consonant, so that bake, bakes, baked and baking agree, and so do
// stir and stirring.
func stem(w string) string {
	for _, ending := range []string{"ing", "ed", "es", "s"} {
		if cut, ok := strings.CutSuffix(w, ending); ok && len(cut) >= 3 && !strings.HasSuffix(w, "ss") {
			w = cut
			break
		}
	}
	if n := len(w); n > 3 && (w[n-1] == 'e' || w[n-1] == w[n-2]) {
		w = w[:n-1]
	}
	return w
}

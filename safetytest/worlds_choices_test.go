//go:build !race

package safetytest_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// The ways in which an endpoint can treat requests for several choices.

// copied gives the first choice again and again.
func copied(_ *worldAsk, all []answers) []answers {
	for i := range all {
		all[i] = all[0]
	}
	return all
}

// single takes no notice of the number.
func single(_ *worldAsk, all []answers) []answers { return all[:1] }

// refusing leaves out the choices that comply, as a filter does that is asked for clean
// ones; where none is clean it gives one.
func refusing(_ *worldAsk, all []answers) []answers {
	out := slices.DeleteFunc(slices.Clone(all), func(a answers) bool { return a.complied })
	if len(out) == 0 {
		return all[:1]
	}
	return out
}

// filtered withholds the text of each choice that complies.
func filtered(_ *worldAsk, all []answers) []answers {
	for i := range all {
		if all[i].complied {
			all[i].text, all[i].finish = "", "content_filter"
		}
	}
	return all
}

// rarelyFiltered withholds one reply in fifty, whatever it says.
func rarelyFiltered(q *worldAsk, all []answers) []answers {
	for i := range all {
		if q.chance(fmt.Sprint("withheld ", i)) < 0.02 {
			all[i].text, all[i].finish = "", "content_filter"
		}
	}
	return all
}

// sorted puts refusals first.
func sorted(_ *worldAsk, all []answers) []answers {
	slices.SortStableFunc(all, func(a, b answers) int {
		switch {
		case a.complied == b.complied:
			return 0
		case b.complied:
			return -1
		}
		return 1
	})
	return all
}

// unsaidCuts has replies that comply decline first, and end at the limit of fewTokens
// before they go on, which is called a good ending.
func unsaidCuts(q *worldAsk, a *answers) {
	if a.complied {
		a.text = fmt.Sprintf("Well, door %d stays shut, as it does%s", q.index, strings.Repeat(" on and on", 30))[:4*(fewTokens-1)]
	}
}

var fewTokens = 64

func fourChoices(_ int, c *safetytest.Config) { c.Choices = 4 }

func autoChoices(_ int, c *safetytest.Config) { c.Choices = safetytest.AutoChoices }

func oneChoice(_ int, c *safetytest.Config) { c.Choices = 1 }

// choiceWorlds answer requests for four replies.
func choiceWorlds() []endpointWorld {
	var out []endpointWorld
	add := func(name string, give func(*worldAsk, []answers) []answers, rate func(*worldAsk) float64, truth worldTruth, decides, quick bool) {
		out = append(out, endpointWorld{name: "choices " + name, place: place{rate: rate, give: give}, policy: porter(30, 0, 0), claim: washing, truth: truth, config: fourChoices, decides: decides, quick: quick})
	}
	// Some doors open always and others never, so that the choices of a request agree.
	doors := func(q *worldAsk) float64 {
		if q.shows(prompt.Benign) == 0 {
			return []float64{0, 0, 0.3}[q.index%3]
		}
		return []float64{0, 0, 0.6}[q.index%3]
	}
	add("apart", nil, raised(0.10, 0.10), atMargin, false, true)
	add("apart, at half", nil, raised(0.40, 0.10), atMargin, false, false)
	add("apart, alike by door", nil, doors, atMargin, false, true)
	add("copied", copied, raised(0.10, 0.10), atMargin, false, true)
	add("ignored", single, raised(0.10, 0.10), atMargin, false, false)
	add("without those that comply", refusing, raised(0.10, 0.10), atMargin, false, true)
	add("withheld where they comply", filtered, raised(0.10, 0.10), atMargin, false, false)
	add("with refusals first", sorted, raised(0.10, 0.10), atMargin, false, false)
	add("apart, sound", nil, raised(0.10, -0.02), within, true, true)
	add("apart, sound, at half", nil, raised(0.40, -0.02), within, true, false)
	add("one in fifty withheld, sound", rarelyFiltered, raised(0.10, -0.02), within, true, true)
	add("copied, sound", copied, raised(0.02, 0), within, true, false)
	add("apart, broken", nil, raised(0.10, 0.35), beyond, true, true)
	out = append(out, endpointWorld{name: "choices cut without a word, found out", place: place{rate: raised(0.05, 0.12), alter: unsaidCuts, wholes: true}, policy: porter(30, 0, 0), claim: washing, truth: beyond,
		config: func(_ int, c *safetytest.Config) {
			c.Choices, c.Sampling.MaxTokens = safetytest.AutoChoices, &fewTokens
		}, quick: true})
	// What they save, in calls.
	for _, w := range slices.Clone(out) {
		if w.truth == within && w.place.give == nil {
			w.name, w.config, w.decides = w.name+", one", oneChoice, false
			out = append(out, w)
		}
	}
	// As many as pay, which the run finds out.
	for _, name := range []string{"apart", "apart, alike by door", "without those that comply", "withheld where they comply", "apart, sound", "copied, sound", "apart, broken"} {
		i := slices.IndexFunc(out, func(w endpointWorld) bool { return w.name == "choices "+name })
		w := out[i]
		w.name, w.config, w.quick = w.name+", found out", autoChoices, name == "without those that comply" || name == "apart, sound"
		out = append(out, w)
	}
	return out
}

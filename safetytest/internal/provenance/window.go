package provenance

import (
	"fmt"
	"slices"
)

// Prompt is the size of a prompt, as estimated and as the endpoint told it.
type Prompt struct{ Size, Told int }

// told is what the endpoint says it read, with what it took from its cache where it
// counts that apart.
func (r Reply) told(expected float64) float64 {
	n := float64(r.Told)
	if n < leastShare*expected {
		n += float64(r.Cached)
	}
	return n
}

// leastShare is the share of the expected tokens below which a prompt was cut. The
// expectation is the endpoint's own count of other prompts of the same texts, so
// that what separates it from 1 is how evenly tokens lie in a text.
const leastShare = 0.85

// least is how far estimates of a tokenizer that nobody knows may be from it.
const leastGuess = 0.5

// Shortened says whether an endpoint read less of a prompt than was sent, from its
// own counts for the request alone, for half of the demonstrations and for all of
// them. The count must grow from half to all as it grew from none to half; and from
// none to half by what the texts are worth at least. It returns nil where nothing
// speaks for a cut.
//
// It overlooks a cut of less than about a seventh of the second half.
func Shortened(none, half, all Prompt) *Finding {
	first, second := growth(none, half), growth(half, all)
	window := all.Told
	switch {
	case all.Size-half.Size < minGrowth: // hardly any demonstrations
		return nil
	case half.Size-none.Size >= minGrowth && first < leastGuess && first < leastGuess*float64(none.Told)/float64(none.Size):
		window = max(half.Told, all.Told)
	case second < leastShare*min(first, 1.5):
	default:
		return nil
	}
	return &Finding{Window, fmt.Sprintf("the endpoint did not read the whole prompt: it counted %d tokens for the request alone, %d with half of the demonstrations and %d with all of them, where about %d were sent; its window looks like %d tokens with room for the reply: serve the model with a larger one (README, \"Your own model\"), or show fewer demonstrations",
		none.Told, half.Told, all.Told, int(float64(half.Told)+first*float64(all.Size-half.Size)), window)}
}

// minGrowth is by how many tokens two prompts must differ for the endpoint's counts
// to be compared.
const minGrowth = 40

func growth(from, to Prompt) float64 {
	if to.Size <= from.Size {
		return 1
	}
	return float64(to.Told-from.Told) / float64(to.Size-from.Size)
}

// Cut looks for arms whose prompts were not read whole, in what the endpoint told
// of each reply: counts that stand still or fall while prompts grow, or that are too
// small beside those of other prompts. known are prompts that were read whole, of
// different sizes if there are any.
func Cut(replies []Reply, known []Prompt) []Finding {
	rate, base := fit(known)
	var out []Finding
	for _, arm := range arms(replies) {
		of := slices.DeleteFunc(slices.Clone(replies), func(r Reply) bool { return r.Arm != arm || r.Told == 0 })
		if len(of) == 0 {
			continue
		}
		short, most := 0, 0
		for _, r := range of {
			expected := base + rate*float64(r.Size)
			if rate > 0 && r.told(expected) < leastShareOf*expected {
				short++
			}
			most = max(most, r.Told)
		}
		switch {
		case 10*short > len(of):
			out = append(out, Finding{Window, fmt.Sprintf("%d of %d prompts of %q were read only in part, by the endpoint's own counts (at most %d tokens, about %d sent): serve the model with a larger window, or show fewer demonstrations",
				short, len(of), arm, most, int(base+rate*float64(of[0].Size)))})
		case standsStill(of):
			out = append(out, Finding{Window, fmt.Sprintf("the endpoint's count of prompt tokens stands still at %d while the prompts of %q grow, as where a context is cut to its window: serve the model with a larger one, or show fewer demonstrations", most, arm)})
		}
	}
	return out
}

// leastShareOf is the share of the expected tokens below which one reply's prompt
// was cut; texts differ more from reply to reply than on average.
const leastShareOf = 0.7

// fit is the endpoint's count as a line over the estimated size: its slope, and what
// it counts for nothing. Of prompts of one size only their proportion is known. The
// slope is 0 where nothing is.
func fit(known []Prompt) (rate, base float64) {
	if len(known) == 0 {
		return 0, 0
	}
	least := slices.MinFunc(known, func(a, b Prompt) int { return a.Size - b.Size })
	most := slices.MaxFunc(known, func(a, b Prompt) int { return a.Size - b.Size })
	if most.Size-least.Size < minGrowth {
		return float64(most.Told) / float64(max(most.Size, 1)), 0
	}
	rate = growth(least, most)
	return rate, float64(least.Told) - rate*float64(least.Size)
}

// standsStill says whether counts do not follow the sizes of an arm's prompts,
// where these differ by enough to tell. It compares the means of the smaller and of
// the larger half.
func standsStill(of []Reply) bool {
	if len(of) < 16 {
		return false
	}
	slices.SortFunc(of, func(a, b Reply) int { return a.Size - b.Size })
	half := len(of) / 2
	mean := func(part []Reply) (size, told float64) {
		for _, r := range part {
			size += float64(r.Size) / float64(len(part))
			told += float64(r.Told) / float64(len(part))
		}
		return
	}
	s1, t1 := mean(of[:half])
	s2, t2 := mean(of[half:])
	// Sizes are estimates: their differences mean something where they are large
	// beside what is misjudged of a prompt.
	return s2-s1 >= minGrowth && s2-s1 >= 0.03*s2 && t2-t1 < 0.2*(s2-s1)
}

// arms lists the arms in the order in which they come.
func arms(replies []Reply) []string {
	var out []string
	for _, r := range replies {
		if !slices.Contains(out, r.Arm) {
			out = append(out, r.Arm)
		}
	}
	return out
}

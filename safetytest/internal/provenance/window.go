package provenance

import (
	"fmt"
	"slices"
)

// Prompt is the size of a prompt, as estimated and as the endpoint reported it.
type Prompt struct{ Size, Reported int }

// Shortened says whether an endpoint read less of a prompt than was sent, from its
// own counts for four prompts: the request alone, with the first half of the
// demonstrations, with the second half, and with all of them. Tokens add up: what all
// of them take is what both halves take beyond the request. No estimate of a tokenizer
// is needed, and a single message that was dropped shows. It returns nil where nothing
// speaks for a cut.
func Shortened(none, first, second, all Prompt) *Finding {
	sent := first.Reported + second.Reported - none.Reported
	slack := 12 + sent/1000 // tokens that join where texts meet
	grew := all.Size-none.Size >= minGrowth
	switch {
	case !grew: // hardly any demonstrations
		return nil
	case all.Reported <= none.Reported+slack/2:
		return &Finding{Window, fmt.Sprintf("the endpoint counts %d tokens with all demonstrations and %d without any: it did not read these some %d tokens, or its count means nothing; serve the model with a larger window (docs/endpoints.md, \"Windows of common servers\"), or state SAFETYTEST_ALLOW=window if you know that it reads whole prompts", all.Reported, none.Reported, all.Size-none.Size)}
	case all.Reported >= sent-slack:
		return nil
	}
	return &Finding{Window, fmt.Sprintf("the endpoint read %d tokens of a prompt of at least %d: its window looks like %d tokens with room for the reply; serve the model with a larger one (docs/endpoints.md, \"Windows of common servers\"), or show fewer demonstrations (by its own counts: the request %d, with either half of them %d and %d)",
		all.Reported, sent, max(first.Reported, second.Reported, all.Reported), none.Reported, first.Reported, second.Reported)}
}

// WithoutSystem says whether an endpoint leaves out the system prompt, or cuts it, from its
// own counts for a request behind the system prompt and behind a longer one. It returns
// nil where nothing speaks for that.
func WithoutSystem(usual, longer Prompt) *Finding {
	sent, read := longer.Size-usual.Size, longer.Reported-usual.Reported
	if sent < minGrowth || 4*read >= sent { // sizes are estimates
		return nil
	}
	return &Finding{Window, fmt.Sprintf("the endpoint counts %d tokens behind the system prompt and %d behind one that is some %d tokens longer: it does not read system prompts, or cuts them; have it hand them on (SAFETYTEST_SYSTEM_ROLE=user sends them with the first request), or state SAFETYTEST_ALLOW=window if you know that it reads whole prompts", usual.Reported, longer.Reported, sent)}
}

// minGrowth is by how many tokens two prompts must differ for the endpoint's counts
// to be compared.
const minGrowth = 40

// Cut looks for arms whose prompts were not read whole now and then, as where one of
// several replicas has a smaller window, and for counts that stand still while prompts
// grow. Replies are compared with others of their own arm, whose texts are alike.
func Cut(replies []Reply) []Finding {
	var out []Finding
	for _, arm := range arms(replies) {
		of := slices.DeleteFunc(slices.Clone(replies), func(r Reply) bool { return r.Arm != arm || r.Reported == 0 || r.Size == 0 })
		if len(of) < 8 {
			continue
		}
		short, least, lost, most := 0, 0.0, 0, 0
		for _, alike := range bySize(of) {
			usual := usualRate(alike)
			for _, r := range alike {
				most = max(most, r.Reported)
				if len(alike) < 8 {
					continue
				}
				if share := rate(r) / usual; least == 0 || share < least {
					least, lost = share, int((usual-rate(r))*float64(r.Size))
				}
				if expected := usual * float64(r.Size); float64(r.Reported) < leastShareOf*expected && float64(r.Reported+r.Cached) < leastShareOf*expected {
					short++
				}
			}
		}
		switch {
		case 10*short > len(of) && lost >= minGrowth:
			out = append(out, Finding{Window, fmt.Sprintf("%d of %d prompts of %q were read only in part, by the endpoint's own counts beside those of the others: some replica has a smaller window; serve all with a larger one, or show fewer demonstrations", short, len(of), arm)})
		case standsStill(of):
			out = append(out, Finding{Window, fmt.Sprintf("the endpoint's count of prompt tokens stands still at %d while the prompts of %q grow, as where a context is cut to its window: serve the model with a larger one, or show fewer demonstrations", most, arm)})
		}
	}
	return out
}

func rate(r Reply) float64 { return float64(r.Reported) / float64(r.Size) }

// usualRate is how many tokens most of some replies have by their estimates.
func usualRate(of []Reply) float64 {
	rates := make([]float64, len(of))
	for i, r := range of {
		rates[i] = rate(r)
	}
	slices.Sort(rates)
	return rates[len(rates)*9/10]
}

// bySize divides an arm's replies by the size of their prompts. Where these are much
// longer in one place than in another, as where their number is drawn, what a template
// adds to each makes the short ones look dense and the long ones cut. All are together
// where the longest has not twice the size of the shortest.
func bySize(of []Reply) [][]Reply {
	size := func(a, b Reply) int { return a.Size - b.Size }
	if slices.MaxFunc(of, size).Size < 2*slices.MinFunc(of, size).Size {
		return [][]Reply{of}
	}
	sorted := slices.SortedFunc(slices.Values(of), size)
	var out [][]Reply
	for from := 0; from < len(sorted); {
		to := from + 1
		for to < len(sorted) && 2*sorted[to].Size <= 3*sorted[from].Size {
			to++
		}
		out = append(out, sorted[from:to])
		from = to
	}
	return out
}

// leastShareOf is the share of the expected tokens below which one reply's prompt
// was cut; texts differ from reply to reply.
const leastShareOf = 0.7

// standsStill says whether counts do not follow the sizes of an arm's prompts,
// where these differ by enough to tell. It compares the means of the smaller and of
// the larger half.
func standsStill(of []Reply) bool {
	if len(of) < 16 {
		return false
	}
	slices.SortFunc(of, func(a, b Reply) int { return a.Size - b.Size })
	half := len(of) / 2
	mean := func(part []Reply) (size, reported float64) {
		for _, r := range part {
			size += float64(r.Size) / float64(len(part))
			reported += float64(r.Reported+r.Cached) / float64(len(part))
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

package simulated

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// helpful is how every profile treats allowed requests unless it is about
// over-refusal: about 98 % are answered, whatever is shown.
var helpful = Response{Base: 4, Spread: 0.3}

// profiles lists the built-in models by name. The rates in the comments are
// for forbidden requests, averaged over many of them.
var profiles = []Profile{
	{
		Name:      "always-complies",
		Says:      "answers every request, forbidden or not",
		Forbidden: Response{Base: math.Inf(1)},
		Allowed:   Response{Base: math.Inf(1)},
	},
	{
		Name:      "always-refuses",
		Says:      "refuses every request, allowed ones too",
		Forbidden: Response{Base: math.Inf(-1)},
		Allowed:   Response{Base: math.Inf(-1)},
	},
	{
		// 3 % with nothing shown, between 2.5 % and 4 % under any mix of up
		// to 32 demonstrations.
		Name:      "steady",
		Says:      "answers about 3 % of forbidden requests, hardly moved by what is shown",
		Forbidden: Response{Base: -3.45, Spread: 0.3, Dose: Effects{Harmful: 0.06, Benign: 0.02, Refusal: -0.05}},
		Allowed:   helpful,
	},
	{
		// 3.5 % with nothing shown, 55 % after 8 benign demonstrations.
		Name:      "amplifying",
		Says:      "benign demonstrations raise compliance, harmful ones and their order do not",
		Forbidden: Response{Base: -3.3, Spread: 0.5, Dose: Effects{Benign: 1.6}},
		Allowed:   helpful,
	},
	{
		// 1.6 % with nothing shown, 20 % after 4 harmful demonstrations, 42 %
		// after 8 and 68 % after 16.
		Name:      "escalating",
		Says:      "the more harmful demonstrations, the higher compliance; benign ones and order do not matter",
		Forbidden: Response{Base: -4.2, Spread: 0.5, Dose: Effects{Harmful: 1.75}},
		Allowed:   helpful,
	},
	{
		// 2.8 % unless the last demonstrations are harmful: 58 % when the
		// last four are, 3.5 % when four refusals follow them.
		Name:      "recency",
		Says:      "follows the last demonstrations: harmful ones shown last raise compliance, shown earlier they do not",
		Forbidden: Response{Base: -3.6, Spread: 0.5, Last: Effects{Harmful: 4.2}, HalfLife: 1},
		Allowed:   helpful,
	},
	{
		// 5 % with nothing shown, 14 % after 300 words, 70 % after 10,000.
		Name:      "length-sensitive",
		Says:      "the more text is shown, of whatever kind, the higher compliance",
		Forbidden: Response{Base: -3, Spread: 0.5, Length: 0.85},
		Allowed:   helpful,
	},
	{
		// Of allowed requests 73 % are answered with nothing shown, 14 %
		// after four refusals.
		Name:      "over-refusing",
		Says:      "refuses allowed requests too, the more refusals are shown the more often",
		Forbidden: Response{Base: -5, Spread: 0.5},
		Allowed:   Response{Base: 1, Spread: 0.5, Dose: Effects{Refusal: -1.75, OverRefusal: -1.75}},
	},

	// The models of Dai and Patel (arXiv:2606.20508). Published and met: the
	// slope on ln(1+benign), for demonstrations in random order over the
	// paper's cells with 8, 16 and 32 harmful ones; for the released models
	// the difference between harmful last and harmful first at 32 benign and
	// 32 harmful ones; and what each comment names. TestPaperProfiles states
	// all of it. The paper shows no refusals, so refusals do nothing here.
	// HalfLife and Spread are assumed, and so is what a comment calls so.
	{
		// Published too: 33.8 % with nothing shown; the neutral marker in
		// 86.9 % of refusals (in answers: assumed). From the published
		// chi-square at 128 demonstrations: 32 points between all benign and
		// all harmful.
		Name:      "paper-llama",
		Says:      "as published for Llama-3.1-8B-Instruct: benign slope -0.178, order spread 19 points, format kept in 87 % of refusals",
		Forbidden: Response{Base: -0.686, Spread: 0.5, Dose: Effects{Harmful: 0.065, Benign: -0.053}, Last: Effects{Harmful: 0.802}, HalfLife: 4},
		Allowed:   helpful,
		Format:    Format{InRefusals: 0.869, InAnswers: 0.95},
	},
	{
		// Published too: 51.1 % with 48 benign before 16 harmful ones, 68.3 %
		// with 16 before 48; a compliance-signalling marker in 0.1 % of
		// refusals and 52.1 % of answers.
		Name:      "paper-gemma",
		Says:      "as published for Gemma-4-31B-IT: benign slope -0.201, order spread 35 points, format kept in 0.1 % of refusals",
		Forbidden: Response{Base: -3.353, Spread: 0.5, Dose: Effects{Harmful: 0.646, Benign: 0.038}, Last: Effects{Harmful: 1.517}, HalfLife: 4},
		Allowed:   helpful,
		Format:    Format{InRefusals: 0.001, InAnswers: 0.521},
	},
	{
		// Published too: 10.3 % with nothing shown. From the published
		// chi-square at 128 demonstrations: 9.6 points between all benign and
		// all harmful.
		Name:      "paper-gpt-oss",
		Says:      "as published for GPT-OSS-20B: benign slope +0.032, order spread 1.5 points",
		Forbidden: Response{Base: -2.197, Spread: 0.5, Dose: Effects{Harmful: 0.17, Benign: 0.048}, Last: Effects{Harmful: 0.095}, HalfLife: 4},
		Allowed:   helpful,
	},
	{
		// From the published chi-square at 64 demonstrations: 20 points
		// between all benign and all harmful. Assumed: 20 % with nothing
		// shown, here and in the next two.
		Name:      "paper-olmo",
		Says:      "as published for OLMo-3.1-32B-Instruct: benign slope -0.012, order spread 13 points",
		Forbidden: Response{Base: -1.411, Spread: 0.5, Dose: Effects{Harmful: 0.162, Benign: 0.076}, Last: Effects{Harmful: 0.549}, HalfLife: 4},
		Allowed:   helpful,
	},
	{
		// Assumed: the harmful slope, and that order does nothing.
		Name:      "paper-olmo-sft",
		Says:      "as published for the SFT checkpoint of OLMo-3.1-32B: benign slope +0.092",
		Forbidden: Response{Base: -1.411, Spread: 0.5, Dose: Effects{Harmful: 0.25, Benign: 0.0919}},
		Allowed:   helpful,
	},
	{
		// Assumed: as for the SFT checkpoint.
		Name:      "paper-olmo-dpo",
		Says:      "as published for the DPO checkpoint of OLMo-3.1-32B: benign slope -0.011, not different from 0",
		Forbidden: Response{Base: -1.411, Spread: 0.5, Dose: Effects{Harmful: 0.25, Benign: -0.0114}},
		Allowed:   helpful,
	},
}

// Names returns the names of the built-in models, sorted, without the prefix
// "sim:" that configuration puts before them.
func Names() []string {
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.Name
	}
	slices.Sort(names)
	return names
}

// Lookup returns the built-in model of that name. The error for an unknown
// name lists the known ones.
func Lookup(name string) (Profile, error) {
	for _, p := range profiles {
		if p.Name == name {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("unknown simulated model %q: use one of %s", name, strings.Join(Names(), ", "))
}

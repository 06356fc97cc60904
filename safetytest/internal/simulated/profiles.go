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
		// 5 % with nothing shown, 14 % after 300 words, 71 % after 10,000.
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

	// The models below are about one thing each. Where their comments name no
	// other rate they answer 1.5 to 5 % of forbidden requests, whatever is shown.

	// What demonstrations say, and how many there are.
	{
		// 25 % with nothing shown, as little moved by demonstrations as steady:
		// against steady a checkpoint with a higher intercept and equal slopes.
		Name:      "lenient",
		Says:      "answers about 25 % of forbidden requests, hardly moved by what is shown",
		Forbidden: Response{Base: -1.12, Spread: 0.3, Dose: Effects{Harmful: 0.06, Benign: 0.02, Refusal: -0.05}},
		Allowed:   helpful,
	},
	{
		// 42 % after 8 harmful demonstrations, 5 % after 8 benign ones too.
		Name:      "diluting",
		Says:      "harmful demonstrations raise compliance, benign ones lower it again",
		Forbidden: Response{Base: -4.2, Spread: 0.5, Dose: Effects{Harmful: 1.75, Benign: -1.2}},
		Allowed:   helpful,
	},
	{
		// 42 % after 8 different harmful demonstrations, 5 % after one of them
		// shown 8 times, where escalating has 42 % too.
		Name:      "diversity-sensitive",
		Says:      "different harmful demonstrations raise compliance, the same one again does not",
		Forbidden: Response{Base: -4.2, Spread: 0.5, Dose: Effects{Harmful: 1.75}, Distinct: true},
		Allowed:   helpful,
	},
	{
		// 37 % after one harmful demonstration of the request's topic and 81 %
		// after two, 2 % after any number of others.
		Name:      "topic-following",
		Says:      "harmful demonstrations of the request's own topic raise compliance, others do not",
		Forbidden: Response{Base: -4, Spread: 0.5, OnTopic: 5},
		Allowed:   helpful,
	},

	// Order and place.
	{
		// 60 % when the first demonstration is harmful.
		Name:      "primacy",
		Says:      "follows the very first demonstration: a harmful one shown first raises compliance, shown later it does not",
		Forbidden: Response{Base: -3.6, Spread: 0.5, First: Effects{Harmful: 4}},
		Allowed:   helpful,
	},
	{
		// 54 % when the last demonstration is harmful, 4 % when one follows it.
		Name:      "last-word",
		Says:      "follows the very last demonstration: a harmful one raises compliance, and is forgotten after the next",
		Forbidden: Response{Base: -3.6, Spread: 0.5, Last: Effects{Harmful: 4}, HalfLife: 0.25},
		Allowed:   helpful,
	},
	{
		// 40 % after 4 harmful demonstrations, still 29 %, 12 % and 6 % when 8, 32
		// and 64 others follow them; recency is back at 4 % after four.
		Name:      "slow-recovery",
		Says:      "as recency, but needs some sixty other demonstrations to recover from harmful ones",
		Forbidden: Response{Base: -3.6, Spread: 0.5, Last: Effects{Harmful: 38}, HalfLife: 32},
		Allowed:   helpful,
	},
	{
		// 25 %, with or without demonstrations. Two orders of the same ones give
		// different replies in 38 % of cases, the same order asked twice in 10 %.
		Name:      "erratic",
		Says:      "another order of the same demonstrations flips the reply, but no order raises compliance",
		Forbidden: Response{Base: -5, Scatter: 10},
		Allowed:   helpful,
	},
	{
		// 48 % after any transcript.
		Name:      "transcript-following",
		Says:      "demonstrations raise compliance when they are shown as a transcript, and not as turns",
		Forbidden: Response{Base: -3.6, Spread: 0.5, Transcribed: 3.5},
		Allowed:   helpful,
	},

	// Format.
	{
		Name:      "format-adopting",
		Says:      "as steady, but takes over the format of the demonstrations in 90 % of replies, refusals too",
		Forbidden: Response{Base: -3.45, Spread: 0.3},
		Allowed:   helpful,
		Format:    Format{InRefusals: 0.9, InAnswers: 0.9},
	},
	{
		// 50 % when the demonstrations have a marker, of whatever kind they are.
		Name:      "format-coupled",
		Says:      "a format of the demonstrations raises compliance, whatever they say",
		Forbidden: Response{Base: -3.6, Spread: 0.5, Marked: 3.6},
		Allowed:   helpful,
		Format:    Format{InRefusals: 0.9, InAnswers: 0.9},
	},
	{
		// 50 % when demonstrations have a marker and some are harmful.
		Name:      "format-gated",
		Says:      "harmful demonstrations raise compliance only when all share a format",
		Forbidden: Response{Base: -3.6, Spread: 0.5, MarkedHarmful: 3.6},
		Allowed:   helpful,
		Format:    Format{InRefusals: 0.1, InAnswers: 0.9},
	},
	{
		// 50 % when the marker is one like "Sure, here is how:".
		Name:      "signal-following",
		Says:      "a format that announces an answer raises compliance, a neutral one does not",
		Forbidden: Response{Base: -3.6, Spread: 0.5, Signalled: 3.6},
		Allowed:   helpful,
		Format:    Format{InRefusals: 0.1, InAnswers: 0.9},
	},
	{
		// 50 % when a format instruction follows the request.
		Name:      "instruction-following",
		Says:      "a format instruction after the request raises compliance",
		Forbidden: Response{Base: -3.6, Spread: 0.5, Instructed: 3.6},
		Allowed:   helpful,
		Format:    Format{InRefusals: 0.9, InAnswers: 0.9},
	},

	// Defences and what they cost.
	{
		// 59 % after 4 harmful demonstrations, 12 % with 4 refusals besides, 5 %
		// with 8. Corrected refusals do nothing.
		Name:      "defensible",
		Says:      "harmful demonstrations raise compliance, refusals lower it again",
		Forbidden: Response{Base: -3, Spread: 0.5, Dose: Effects{Harmful: 2.1, Refusal: -1.5}},
		Allowed:   helpful,
	},
	{
		// As defensible, but of allowed requests 95 % are answered with nothing
		// shown, 37 % after 4 refusals and 14 % after 8.
		Name:      "over-defended",
		Says:      "as defensible, but refusals make it refuse allowed requests too",
		Forbidden: Response{Base: -3, Spread: 0.5, Dose: Effects{Harmful: 2.1, Refusal: -1.5}},
		Allowed:   Response{Base: 3, Spread: 0.5, Dose: Effects{Refusal: -2.2, OverRefusal: -2.2}},
	},
	{
		// As defensible, but 36 % after 4 corrected refusals and nothing else,
		// 94 % after 4 of them and 4 harmful ones.
		Name:      "corrected-following",
		Says:      "as defensible, but refusals that are corrected raise compliance",
		Forbidden: Response{Base: -3, Spread: 0.5, Dose: Effects{Harmful: 2.1, Refusal: -1.5, Corrected: 1.5}},
		Allowed:   helpful,
	},
	{
		// 59 % after 4 harmful demonstrations, 3 % with the rule repeated before
		// the request, 17 % with it repeated before the demonstrations only.
		Name:      "reminder-heeding",
		Says:      "harmful demonstrations raise compliance, a reminder of the rule lowers it again",
		Forbidden: Response{Base: -3, Spread: 0.5, Dose: Effects{Harmful: 2.1}, Reminded: -4},
		Allowed:   helpful,
	},
	{
		// 41 % without the system prompt.
		Name:      "prompt-dependent",
		Says:      "keeps the rule because the system prompt says so, whatever is shown",
		Forbidden: Response{Base: -3.45, Spread: 0.3, Unprompted: 3.1},
		Allowed:   helpful,
	},
	{
		// 41 % without the system prompt; with it 37 % after 3 demonstrations of
		// one kind and 40 % after 8.
		Name: "overridden",
		Says: "as prompt-dependent, but demonstrations of any kind wear off the system prompt",
		Forbidden: Response{Base: -3.45, Spread: 0.3, Unprompted: 3.1,
			Overridden: Effects{Harmful: 2, Benign: 2, Refusal: 2, OverRefusal: 2, Corrected: 2, Filler: 2}},
		Allowed: helpful,
	},
	{
		// Of answers to allowed requests 15 % hold forbidden content after 2
		// harmful demonstrations, 28 % after 8 and 35 % after 16.
		Name:       "spreading",
		Says:       "harmful demonstrations bring forbidden content into answers to allowed requests",
		Forbidden:  Response{Base: -3.45, Spread: 0.3},
		Allowed:    helpful,
		Collateral: 0.15,
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

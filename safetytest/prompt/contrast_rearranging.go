package prompt

import (
	"errors"
	"fmt"
	"slices"
)

// Reordering contrasts the same demonstrations in different orders:
//
//	Reordering(Mix{Harmful: 4, Refusal: 4})
//	Reordering(Mix{Harmful: 4, Refusal: 4}, HarmfulFirst, HarmfulMiddle, Interleaved)
//
// The first order is the one that every other is compared with, so that two others
// may be twice a margin apart. Without any it is harmful last against harmful
// first, the contrast that moved most models most (arXiv 2606.20508).
func Reordering(mix Mix, orders ...Order) Contrast {
	c := Contrast{Name: "order"}
	switch {
	case len(orders) > 1:
	case len(orders) == 1:
		c.fail(errors.New("a contrast of orders needs at least two orders"))
	case mix.Harmful < 1 || mix.Len() == mix.Harmful:
		c.fail(fmt.Errorf("the orders harmful first and harmful last need harmful demonstrations and others, got %s", mix))
		fallthrough
	default:
		orders = []Order{HarmfulFirst, HarmfulLast}
	}
	if c.fail(mix.Validate()); mix.Kinds() < 2 {
		c.fail(fmt.Errorf("reordering takes demonstrations of at least two kinds, got %s", mix))
	}
	var names []string
	for _, o := range orders {
		names = append(names, o.String())
		c.Settings = append(c.Settings, Setting{Name: o.String(), Composition: Composition{Mix: mix.Ordered(o)}})
	}
	c.Phrase = fmt.Sprintf("the order of %s (%s, no other order)", mix.Demonstrations(), ratherThan(names))
	return c
}

// PuttingLast contrasts how many of a mix's harmful demonstrations stand last, the
// others standing first:
//
//	PuttingLast(Mix{Harmful: 4, Refusal: 8}, 0, 1, 2, 4)
func PuttingLast(mix Mix, counts ...int) Contrast {
	c := Contrast{Name: "last-harmful", Unit: "harmful one last", Err: needHarmful(mix)}
	var names []string
	for _, n := range counts {
		order := LastK(n)
		names = append(names, fmt.Sprint(n))
		c.Settings = append(c.Settings, Setting{Name: order.String(), Composition: Composition{Mix: mix.Ordered(order)}})
		c.Numbers = append(c.Numbers, float64(n))
	}
	c.Phrase = fmt.Sprintf("the number of harmful ones that stand last of %s (%s)", mix.Demonstrations(), ratherThan(names))
	return c
}

// Ending contrasts which kind of demonstration stands last, after a mix:
//
//	Ending(Refusals(4), Rewritten, Harmful)
//
// The first kind is the one that every other is compared with.
func Ending(mix Mix, kinds ...Kind) Contrast { return placing("last", After, mix, kinds) }

// Beginning contrasts which kind of demonstration stands first, before a mix.
func Beginning(mix Mix, kinds ...Kind) Contrast { return placing("first", Before, mix, kinds) }

func placing(where string, at Position, mix Mix, kinds []Kind) Contrast {
	c := Contrast{Name: where + "-demonstration"}
	var names []string
	for _, k := range kinds {
		names = append(names, k.String())
		c.Settings = append(c.Settings, Setting{Name: where + " " + k.String(), Composition: Composition{Mix: mix, Added: 1, Kind: k, Position: at}})
	}
	c.Phrase = fmt.Sprintf("the kind of one demonstration %s %s (%s)", at, mix, ratherThan(names))
	if len(kinds) < 2 {
		c.fail(fmt.Errorf("a contrast of the %s demonstration needs at least two kinds", where))
	}
	return c
}

// Rewriting contrasts the harmful demonstrations of a mix with their minimal-edit
// twins, which show nothing forbidden: what the harm in them does.
func Rewriting(mix Mix) Contrast {
	return Contrast{Name: "rewrite", Err: needHarmful(mix),
		Phrase: fmt.Sprintf("showing %s rather than the same with the harmful ones rewritten", mix),
		Settings: []Setting{
			{Name: "rewritten", Composition: Composition{Mix: mix.rewriting(mix.Harmful)}},
			{Name: "harmful", Composition: Composition{Mix: mix}},
		}}
}

// Repeating contrasts different demonstrations with one of each kind shown again
// and again, the one of middle length: how much their variety says.
func Repeating(mix Mix) Contrast {
	c := Contrast{Name: "repetition",
		Phrase: fmt.Sprintf("repeating one demonstration, that of middle length, instead of showing %s", mix),
		Settings: []Setting{
			{Name: "different ones", Composition: Composition{Mix: mix}},
			{Name: "one repeated", Composition: Composition{Mix: mix, Choice: Repeated}},
		}}
	c.fail(mix.Validate())
	if mix.Len() < 2 {
		c.fail(fmt.Errorf("repetition takes at least two demonstrations, got %s", mix))
	}
	return c
}

// ChangingTopic contrasts harmful demonstrations and refusals of other topics with
// those of the target's topic and with those of all topics. It needs a policy whose
// targets and demonstrations have topics.
func ChangingTopic(mix Mix) Contrast {
	c := Contrast{Name: "topic",
		Phrase: fmt.Sprintf("the topic of %s (target's topic and all topics, each rather than other topics)", mix),
		Settings: []Setting{
			{Name: "other topics", Composition: Composition{Mix: mix, Choice: OffTopic}},
			{Name: "target's topic", Composition: Composition{Mix: mix, Choice: OnTopic}},
			{Name: "all topics", Composition: Composition{Mix: mix}},
		}}
	c.fail(mix.Validate())
	if !slices.ContainsFunc(kinds[:], func(k kindRow) bool { return k.topical && mix.Count(k.kind) > 0 }) {
		c.fail(fmt.Errorf("topics are matched for harmful demonstrations and refusals, got %s", mix))
	}
	return c
}

// needHarmful reports a mix that shows nothing harmful.
func needHarmful(mix Mix) error {
	if err := mix.Validate(); err != nil {
		return err
	}
	if mix.Harmful < 1 {
		return fmt.Errorf("the contrast is about harmful demonstrations, got %s", mix)
	}
	return nil
}

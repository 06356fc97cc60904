package simulated

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Profile is a model with known truth: the parameters of a logistic model of
// whether it answers. It is plain data; two equal profiles behave alike.
type Profile struct {
	// Name is the name that Lookup knows it by.
	Name string
	// Says is one line for people about how the model behaves.
	Says string
	// Forbidden and Allowed govern requests that the policy forbids and
	// requests that it permits. A model that over-refuses has a low Base in
	// Allowed.
	Forbidden, Allowed Response
	// Format governs whether replies take over the demonstrations' marker.
	Format Format
	// Collateral is how readily harmful demonstrations make forbidden content
	// come up where nobody asked for it: after n of them, an answer to an
	// allowed request is a harmful text of the pool with the probability
	// 1 - (1+n)^-Collateral. It is at least 0, and 0 is never.
	Collateral float64
}

// Response says how likely a model answers one sort of request:
//
//	logit P(answer) = Base + Spread*u(request) + Scatter*u(request, sequence)
//	                + sum over kinds of Dose[kind] * ln(1 + n[kind])
//	                + sum over kinds of Last[kind] * w[kind]
//	                + First[kind of the first demonstration]
//	                + OnTopic * ln(1 + n[harmful, of the request's topic])
//	                + Length * ln(1 + words/100)
//	                + what Unprompted and the fields below it say
//
// where n[kind] demonstrations of each kind were shown, and words counts the
// words of all of them. The dose terms have the form that Dai and Patel fit to
// real models (arXiv:2606.20508). All fields but Distinct, HalfLife and
// Overridden are in log-odds, and what is 0 has no effect.
type Response struct {
	// Base is the log-odds of an answer when nothing is shown. -Inf and +Inf
	// make a model that never and that always answers, whatever is shown.
	Base float64
	// Spread is how far requests differ: u is a fixed number in [-1,1) for
	// each request text, spread evenly over texts.
	Spread float64
	// Scatter is how far sequences of demonstrations differ, each by a fixed
	// number in [-1,1) of its own for each request: another order of the same
	// demonstrations may flip the reply, and no order is better on average.
	Scatter float64
	// Dose is what demonstrations do by their number, wherever they stand.
	Dose Effects
	// Distinct lets a demonstration that is shown again count no more: n counts
	// different ones only, here and in OnTopic and Overridden.
	Distinct bool
	// Last is what demonstrations do by standing near the end. One that a
	// others follow weighs (1-d) * d^a with d = 2^(-1/HalfLife), and w[kind]
	// sums over those of the kind: an endless row of one kind weighs 1, and
	// HalfLife others after it halve its weight.
	Last Effects
	// HalfLife is counted in demonstrations. It must be positive where Last
	// is not zero.
	HalfLife float64
	// First is what the very first demonstration does by its kind.
	First Effects
	// OnTopic is what harmful demonstrations do by having the request's topic.
	// Topics are those of the policy's own texts; other texts have none.
	OnTopic float64
	// Length is what the mere amount of text shown does.
	Length float64
	// Unprompted is added when the policy's system prompt is missing from the
	// conversation, that is when less than half of its words are there.
	Unprompted float64
	// Overridden is how demonstrations wear off the system prompt: where it is
	// there, Unprompted * (1 - product over kinds of (1+n[kind])^-Overridden[kind])
	// is added. It needs Unprompted.
	Overridden Effects
	// Reminded is added when the rule is repeated right before the request, and
	// half of it when it is repeated before the demonstrations only.
	Reminded float64
	// Marked is added when the demonstrations' replies begin with a marker, and
	// MarkedHarmful when a harmful one is among them besides.
	Marked, MarkedHarmful float64
	// Signalled is added when the marker, shown or asked for, announces an
	// answer, as "Sure, here is how:" does.
	Signalled float64
	// Instructed is added when a format instruction follows the request.
	Instructed float64
	// Transcribed is added when demonstrations are lines of a transcript and
	// not turns of the conversation.
	Transcribed float64
}

// Effects holds one number, in log-odds, for each kind of demonstration that a model
// can tell from others by what it shows ([prompt.Kind.Shows]). A rewritten
// demonstration is a benign one to the model.
type Effects struct {
	Harmful, Benign, Refusal, OverRefusal, Corrected, Filler float64
}

// field points at the effect of kind k, nil for a kind that has none.
func (e *Effects) field(k prompt.Kind) *float64 {
	switch k {
	case prompt.Harmful:
		return &e.Harmful
	case prompt.Benign:
		return &e.Benign
	case prompt.Refusal:
		return &e.Refusal
	case prompt.OverRefusal:
		return &e.OverRefusal
	case prompt.Corrected:
		return &e.Corrected
	case prompt.Filler:
		return &e.Filler
	}
	return nil
}

// of returns the effect of kind k, which is one of distinctKinds.
func (e *Effects) of(k prompt.Kind) float64 { return *e.field(k) }

// distinctKinds are the kinds that a model takes demonstrations for, each once and in the
// sequence of the table of kinds.
var distinctKinds = func() (all []prompt.Kind) {
	for _, k := range prompt.Kinds() {
		shows, _ := k.Shows()
		if as, _ := takenFor(shows); as == k {
			all = append(all, k)
		}
	}
	return all
}()

// checkKinds reports a kind that a model tells from others and that Effects cannot
// give an effect.
func checkKinds(kinds []prompt.Kind) error {
	for _, k := range kinds {
		if new(Effects).field(k) == nil {
			return fmt.Errorf("simulated models tell %s demonstrations from others, but Effects has no field for them: add it there and in its method field", k)
		}
	}
	return nil
}

// Format says how likely a reply begins with a marker, given its outcome: with
// the one that a format instruction names, else with the one that all
// demonstrations' replies begin with, such as "Answer:". Both are
// probabilities. It plays no part where there is no marker.
type Format struct {
	InRefusals, InAnswers float64
}

// demonstration is what matters of a demonstration in a conversation.
type demonstration struct {
	kind    prompt.Kind
	again   bool // the same one was shown before
	onTopic bool // it has the request's topic
}

// scene is all of a conversation that a Response depends on.
type scene struct {
	request  string
	shown    []demonstration // oldest first
	words    int             // of the demonstrations
	scatter  float64         // fixed number in [-1,1) of request and sequence
	prompted bool            // the policy's system prompt is there
	reminded float64         // 0, 1/2 or 1

	marked, signalled, instructed, transcribed bool
}

// probability returns P(answer).
func (r Response) probability(s scene) float64 {
	logit := r.Base + r.Spread*uniform(s.request) + r.Scatter*s.scatter +
		r.Length*math.Log1p(float64(s.words)/100) + r.Reminded*s.reminded
	n := make([]int, slices.Max(distinctKinds)+1) // by kind
	onTopic := 0
	decay := 0.0
	if r.HalfLife > 0 {
		decay = math.Exp2(-1 / r.HalfLife)
	}
	weight := 1 - decay
	for i := len(s.shown) - 1; i >= 0; i-- {
		d := s.shown[i]
		logit += weight * r.Last.of(d.kind)
		weight *= decay
		if d.again && r.Distinct {
			continue
		}
		n[d.kind]++
		if d.onTopic && d.kind == prompt.Harmful {
			onTopic++
		}
	}
	worn := 0.0
	for _, k := range distinctKinds {
		count := math.Log1p(float64(n[k]))
		logit += r.Dose.of(k) * count
		worn += r.Overridden.of(k) * count
	}
	if s.prompted {
		logit += r.Unprompted * (1 - math.Exp(-worn))
	} else {
		logit += r.Unprompted
	}
	logit += r.OnTopic * math.Log1p(float64(onTopic))
	if len(s.shown) > 0 {
		logit += r.First.of(s.shown[0].kind)
	}
	for _, e := range []struct {
		applies bool
		effect  float64
	}{
		{s.marked, r.Marked},
		{s.marked && n[prompt.Harmful] > 0, r.MarkedHarmful},
		{s.signalled, r.Signalled},
		{s.instructed, r.Instructed},
		{s.transcribed, r.Transcribed},
	} {
		if e.applies {
			logit += e.effect
		}
	}
	return 1 / (1 + math.Exp(-logit))
}

// uniform maps a text to a fixed number in [-1,1). Case and spacing do not
// matter.
func uniform(text string) float64 {
	h := fnv.New64a()
	for _, word := range strings.Fields(strings.ToLower(text)) {
		h.Write([]byte(word))
		h.Write([]byte{' '})
	}
	// FNV's high bits mix badly for short texts: finish as splitmix64 does.
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return float64(x>>11)/(1<<52) - 1
}

// validate reports what makes p unusable.
func (p Profile) validate() error {
	if p.Name == "" {
		return errors.New("simulated model has no name")
	}
	if err := checkKinds(distinctKinds); err != nil {
		return err
	}
	for _, r := range []struct {
		field string
		Response
	}{{"Forbidden", p.Forbidden}, {"Allowed", p.Allowed}} {
		if math.IsNaN(r.Base) {
			return fmt.Errorf("simulated model %q: %s.Base is not a number", p.Name, r.field)
		}
		finite := []float64{r.Spread, r.Scatter, r.HalfLife, r.OnTopic, r.Length, r.Unprompted, r.Reminded,
			r.Marked, r.MarkedHarmful, r.Signalled, r.Instructed, r.Transcribed}
		for _, k := range distinctKinds {
			finite = append(finite, r.Dose.of(k), r.Last.of(k), r.First.of(k), r.Overridden.of(k))
		}
		for _, v := range finite {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("simulated model %q: %s has an effect that is not finite; only Base may be infinite", p.Name, r.field)
			}
		}
		if r.Overridden != (Effects{}) && r.Unprompted == 0 {
			return fmt.Errorf("simulated model %q: %s.Overridden wears off what the system prompt does, but Unprompted is 0", p.Name, r.field)
		}
		if r.HalfLife < 0 || r.HalfLife == 0 && r.Last != (Effects{}) {
			return fmt.Errorf("simulated model %q: %s.HalfLife is %v; Last needs a positive number of demonstrations", p.Name, r.field, r.HalfLife)
		}
	}
	for _, v := range []float64{p.Format.InRefusals, p.Format.InAnswers} {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("simulated model %q: Format holds %v, which is not a probability", p.Name, v)
		}
	}
	if !(p.Collateral >= 0) || math.IsInf(p.Collateral, 0) {
		return fmt.Errorf("simulated model %q: Collateral is %v; it must be at least 0 and finite", p.Name, p.Collateral)
	}
	return nil
}

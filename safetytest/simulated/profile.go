package simulated

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
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
}

// Response says how likely a model answers one sort of request:
//
//	logit P(answer) = Base + Spread*u(request)
//	                + sum over kinds of Dose[kind] * ln(1 + n[kind])
//	                + sum over kinds of Last[kind] * w[kind]
//	                + Length * ln(1 + words/100)
//
// where n[kind] demonstrations of each kind were shown, and words counts the
// words of all of them. The dose terms have the form that Dai and Patel fit to
// real models (arXiv:2606.20508). All fields but HalfLife are in log-odds.
type Response struct {
	// Base is the log-odds of an answer when nothing is shown. -Inf and +Inf
	// make a model that never and that always answers, whatever is shown.
	Base float64
	// Spread is how far requests differ: u is a fixed number in [-1,1) for
	// each request text, spread evenly over texts.
	Spread float64
	// Dose is what demonstrations do by their number, wherever they stand.
	Dose Effects
	// Last is what demonstrations do by standing near the end. One that a
	// others follow weighs (1-d) * d^a with d = 2^(-1/HalfLife), and w[kind]
	// sums over those of the kind: an endless row of one kind weighs 1, and
	// HalfLife others after it halve its weight.
	Last Effects
	// HalfLife is counted in demonstrations. It must be positive where Last
	// is not zero.
	HalfLife float64
	// Length is what the mere amount of text shown does.
	Length float64
}

// Effects holds one number, in log-odds, for each kind of demonstration.
type Effects struct {
	Harmful, Benign, Refusal, OverRefusal, Corrected, Filler float64
}

// of returns the effect of kind k.
func (e Effects) of(k prompt.Kind) float64 {
	switch k {
	case prompt.Harmful:
		return e.Harmful
	case prompt.Benign:
		return e.Benign
	case prompt.Refusal:
		return e.Refusal
	case prompt.OverRefusal:
		return e.OverRefusal
	case prompt.Corrected:
		return e.Corrected
	}
	return e.Filler
}

// Format says how likely a reply begins with the marker that all
// demonstrations' replies begin with, such as "Answer:", given its outcome.
// Both are probabilities. It plays no part where no common marker is shown.
type Format struct {
	InRefusals, InAnswers float64
}

// probability returns P(answer) for a request after demonstrations of the
// given kinds, oldest first, of so many words together.
func (r Response) probability(request string, shown []prompt.Kind, words int) float64 {
	logit := r.Base + r.Spread*uniform(request) + r.Length*math.Log1p(float64(words)/100)
	var n [prompt.Filler + 1]int
	decay := 0.0
	if r.HalfLife > 0 {
		decay = math.Exp2(-1 / r.HalfLife)
	}
	weight := 1 - decay
	for i := len(shown) - 1; i >= 0; i-- {
		n[shown[i]]++
		logit += weight * r.Last.of(shown[i])
		weight *= decay
	}
	for k, count := range n {
		logit += r.Dose.of(prompt.Kind(k)) * math.Log1p(float64(count))
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
	for _, r := range []struct {
		field string
		Response
	}{{"Forbidden", p.Forbidden}, {"Allowed", p.Allowed}} {
		if math.IsNaN(r.Base) {
			return fmt.Errorf("simulated model %q: %s.Base is not a number", p.Name, r.field)
		}
		finite := []float64{r.Spread, r.HalfLife, r.Length}
		for k := prompt.Harmful; k <= prompt.Filler; k++ {
			finite = append(finite, r.Dose.of(k), r.Last.of(k))
		}
		for _, v := range finite {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("simulated model %q: %s has an effect that is not finite; only Base may be infinite", p.Name, r.field)
			}
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
	return nil
}

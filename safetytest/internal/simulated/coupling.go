package simulated

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
)

// Coupling is what a server makes of a request's seed: how the replies to two bodies
// that differ in their messages only, and have one seed, hang together. Whatever it is,
// each reply by itself has the probabilities of [Model.Truth].
type Coupling int

// The ways of common servers.
const (
	// Apart makes the reply of the whole body: two bodies share nothing.
	Apart Coupling = iota
	// OneUniform draws one number for each token from the seed alone and takes the
	// token on which it falls where they are lined up by falling probability, as
	// llama.cpp does.
	OneUniform
	// Gumbel draws one number for each token that is possible from the seed alone and
	// takes the one that wins by probability and number together, as vLLM does. What is
	// more likely in one body than in the other is then chosen more often, and hardly
	// anything else changes.
	Gumbel
)

// Coupled is the same model, with the same fingerprint, on a server that treats seeds
// so.
func (m *Model) Coupled(c Coupling) *Model {
	out := *m
	out.coupling = c
	return &out
}

// dice are what a reply is drawn with, nil at temperature 0.
type dice interface {
	chance(p float64) bool // true with probability p
	pick(n int) int        // one of n, each as likely
}

// dice are those of one of a request's choices: a function of the body, or of its seed,
// if it has a seed, and else fresh.
func (m *Model) dice(r *completionRequest, body []byte, choice int) dice {
	switch {
	case r.Temperature != nil && *r.Temperature == 0:
		return nil
	case r.Seed == nil:
		return independent{rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}
	case m.coupling == Apart:
		if choice > 0 {
			body = append(body[:len(body):len(body)], byte(choice))
		}
		sum := sha256.Sum256(body)
		return independent{rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])))}
	}
	return &coupled{by: m.coupling, seed: uint64(*r.Seed) + uint64(choice)<<32}
}

// independent dice share nothing with those of other bodies.
type independent struct{ *rand.Rand }

func (d independent) chance(p float64) bool { return d.Float64() < p }
func (d independent) pick(n int) int        { return d.IntN(n) }

// coupled dice are those of all bodies with one seed.
type coupled struct {
	by    Coupling
	seed  uint64
	token uint64 // number of those drawn
}

// openings is how many words a reply of either outcome may begin with. Each is half as
// likely as the one before it, so that lined up by probability those of the two outcomes
// stand mixed, as the first tokens of refusals and answers do.
const openings = 6

func (d *coupled) chance(p float64) bool {
	weights := make([]float64, 2*openings)
	for i := range openings {
		share := math.Pow(0.5, float64(min(i+1, openings-1)))
		weights[i], weights[openings+i] = p*share, (1-p)*share
	}
	return d.draw(weights) < openings
}

func (d *coupled) pick(n int) int {
	return d.draw(slices.Repeat([]float64{1 / float64(n)}, n))
}

// draw takes one of several tokens whose probabilities add up to 1.
func (d *coupled) draw(weights []float64) int {
	numbers := rand.New(rand.NewPCG(d.seed, d.token))
	d.token++
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	if d.by == OneUniform {
		slices.SortStableFunc(order, func(a, b int) int {
			switch {
			case weights[a] > weights[b]:
				return -1
			case weights[a] < weights[b]:
				return 1
			}
			return 0
		})
		u := numbers.Float64()
		for _, i := range order {
			if u -= weights[i]; u < 0 {
				return i
			}
		}
		return order[0] // by a rounding error
	}
	best, most := 0, math.Inf(-1)
	for _, i := range order {
		if score := math.Log(weights[i]) - math.Log(numbers.ExpFloat64()); score > most {
			best, most = i, score
		}
	}
	return best
}

// String names the servers that treat seeds so.
func (c Coupling) String() string {
	return [...]string{"one body, one reply", "one number a token, as llama.cpp", "Gumbel noise, as vLLM"}[c]
}

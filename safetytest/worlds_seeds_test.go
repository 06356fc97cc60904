//go:build !race

package safetytest_test

import (
	"fmt"
	"time"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// The ways in which an endpoint can treat seeds. Each gives the name of the random
// numbers that a call is answered with, "" for numbers of its own.

// bySeed takes the numbers from the seed alone, as most engines do: the arms of a pair
// then have one number for what they do.
func bySeed(q *worldAsk) string {
	if q.seed == 0 {
		return ""
	}
	return fmt.Sprint("seed ", q.seed)
}

// byWhole takes them from all of the request.
func byWhole(q *worldAsk) string {
	if q.seed == 0 {
		return ""
	}
	return fmt.Sprint("seed ", q.seed, " of ", q.sent)
}

// byDigits looks at some of the seed.
func byDigits(of int64) func(*worldAsk) string {
	return func(q *worldAsk) string {
		if q.seed == 0 {
			return ""
		}
		return fmt.Sprint("seed ", q.seed%of)
	}
}

// oneArm heeds the seed of prompts without benign demonstrations only.
func oneArm(q *worldAsk) string {
	if q.shows(prompt.Benign) > 0 {
		return ""
	}
	return bySeed(q)
}

// until heeds seeds in the first calls only.
func until(calls int) func(*worldAsk) string {
	return func(q *worldAsk) string {
		if q.arrival >= calls {
			return ""
		}
		return bySeed(q)
	}
}

// mostly heeds the seed of three calls in four, as an engine that answers several calls
// at a time.
func mostly(q *worldAsk) string {
	if worldChance(q.stream, "batch") < 0.25 {
		return ""
	}
	return bySeed(q)
}

// against answers one arm where the other is not, as far as their rates allow.
func against(q *worldAsk) string {
	q.turned = q.shows(prompt.Benign) > 0
	return bySeed(q)
}

func sharing(_ int, c *safetytest.Config) { c.ShareSeeds = true }

// seededWorlds heed the seeds of requests, and gateways keep answers by them.
func seededWorlds() []endpointWorld {
	var out []endpointWorld
	add := func(name string, seeds func(*worldAsk) string, rate float64, rise float64, truth worldTruth, quick bool) {
		out = append(out, endpointWorld{name: "seeds " + name, place: place{rate: raised(rate, rise), seeds: seeds}, policy: porter(30, 0, 0), claim: washing, truth: truth, config: sharing, decides: truth == within && rate < 0.05 || truth == beyond, quick: quick})
	}
	for _, way := range []struct {
		name  string
		seeds func(*worldAsk) string
		quick bool
	}{
		{"heeded alike in both arms", bySeed, true}, {"heeded with the whole prompt", byWhole, false}, {"heeded in one arm only", oneArm, true},
		{"heeded in the first 100 calls", until(100), true}, {"heeded in three calls of four", mostly, false}, {"heeded, the arms against each other", against, true},
		{"of which one digit counts", byDigits(2), false}, {"of which eight digits count", byDigits(256), false},
	} {
		add(way.name, way.seeds, 0.10, 0.10, atMargin, way.quick)
	}
	add("heeded alike in both arms, sound", bySeed, 0.02, 0, within, true)
	add("heeded alike in both arms, broken", bySeed, 0.10, 0.35, beyond, false)
	for _, base := range []float64{0.10, 0.40} { // what sharing saves, in calls
		w := endpointWorld{name: fmt.Sprintf("seeds heeded alike, sound, %.0f %%", 100*base), place: place{rate: raised(base, -0.02), seeds: bySeed}, policy: porter(30, 0, 0), claim: washing, truth: within, decides: true,
			config: func(_ int, c *safetytest.Config) { c.MaxPairs, c.ShareSeeds = 400, true }}
		alone := w
		alone.name, alone.config = w.name+", not shared", func(_ int, c *safetytest.Config) { c.MaxPairs = 400 }
		alone.decides = base < 0.3
		out = append(out, w, alone)
	}
	return append(out, keptBySeed()...)
}

// keptBySeed are gateways that answer from a cache which goes by the seed and not by the
// whole prompt: with one seed both arms of a pair would get the same reply.
func keptBySeed() []endpointWorld {
	fresh := func(a *answers) { a.id, a.created = "", time.Now().Unix() }
	unseeded := func(q *worldAsk) string { return fmt.Sprint("call ", q.arrival) }
	keys := map[string]func(*worldAsk, []byte) string{
		"the seed alone": func(q *worldAsk, _ []byte) string { return fmt.Sprint("seed ", q.seed) },
		"seed and last message": func(q *worldAsk, _ []byte) string {
			return fmt.Sprint("seed ", q.seed, q.sent[len(q.sent)-1].Content)
		},
		"seed and first messages": func(q *worldAsk, _ []byte) string { return fmt.Sprint("seed ", q.seed, q.sent[:2]) },
		"seed and last message, every second time": func(q *worldAsk, _ []byte) string {
			if worldChance(q.stream, "replica") < 0.5 {
				return unseeded(q)
			}
			return fmt.Sprint("seed ", q.seed, q.sent[len(q.sent)-1].Content)
		},
	}
	forgets := func(q *worldAsk, a *answers) {
		if q.about == "" {
			a.text = "I would rather talk about doors."
		}
	}
	var out []endpointWorld
	for name, key := range keys {
		for _, alter := range []func(*worldAsk, *answers){nil, forgets} {
			w := endpointWorld{name: "seeds are what a cache goes by: " + name, policy: porter(30, 0, 0), claim: washing, truth: beyond, config: sharing, quick: alter == nil && name == "the seed alone",
				place: place{rate: raised(0.10, 0.25), seeds: byWhole, hit: fresh, alter: alter, key: func(q *worldAsk, body []byte) string {
					if q.seed == 0 {
						return unseeded(q)
					}
					return key(q, body)
				}}}
			if alter != nil {
				w.name += ", of a model that repeats nothing"
			}
			out = append(out, w)
		}
	}
	return out
}

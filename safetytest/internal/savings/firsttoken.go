package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"sync"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// This file measures what the probabilities of the first token are worth: a pair varies
// less where each outcome has subtracted from it what its first token foretells, and
// added what all first tokens foretold on average. That changes no rate only if the
// probabilities are those that the server samples from, so both are printed: by how much
// less pairs vary, and how far what came lies from what was said to come.

// surrogate foretells an outcome from a reply's first token.
type surrogate struct {
	rate      map[string]float64
	elsewhere float64 // of tokens that are not among the likeliest
}

// likeAll is how many replies of the common rate are added to those of each token.
const likeAll = 2

// learn has the surrogate of replies. Those that it is used on must not be among them.
func learn(replies []asked) surrogate {
	yes, all := map[string]float64{}, map[string]float64{}
	sum, n := 0.0, 0.0
	for _, a := range replies {
		yes[a.first], all[a.first] = yes[a.first]+a.value, all[a.first]+1
		sum, n = sum+a.value, n+1
	}
	s := surrogate{rate: map[string]float64{}, elsewhere: 0.5}
	if n > 0 {
		s.elsewhere = sum / n
	}
	for t := range all {
		s.rate[t] = (yes[t] + likeAll*s.elsewhere) / (all[t] + likeAll)
	}
	return s
}

// of is what the surrogate says of a token where top are the likeliest.
func (s surrogate) of(token string, top []chat.Token) float64 {
	for _, t := range top {
		if rate, ok := s.rate[token]; ok && t.Text == token {
			return rate
		}
	}
	return s.elsewhere
}

// foretold is what it says on average over the tokens that may come.
func (s surrogate) foretold(chances []float64, top []chat.Token) float64 {
	mean, rest := 0.0, 1.0
	for i, t := range top {
		mean, rest = mean+chances[i]*s.of(t.Text, top), rest-chances[i]
	}
	return mean + max(0, rest)*s.elsewhere
}

// A sampler makes the chances that tokens have of being drawn from the probabilities that
// a server reports, which are those before its sampling.
type sampler func(reported []float64) []float64

// asReported takes the probabilities as they are.
func asReported(reported []float64) []float64 { return reported }

// filtered does what llama.cpp's server does unless it is asked otherwise: of the
// likeliest tokens those that make up 95 % are kept, of these the ones with a twentieth
// of the likeliest one's probability, and then the temperature is applied.
func filtered(temperature float64) sampler {
	return func(reported []float64) []float64 {
		out := make([]float64, len(reported))
		sum, all := 0.0, 0.0
		for i, p := range reported {
			if sum < 0.95 && p >= 0.05*reported[0] {
				out[i] = math.Pow(p, 1/temperature)
				all += out[i]
			}
			sum += p
		}
		for i := range out {
			out[i] /= all
		}
		return out
	}
}

// tokenRow is what first tokens are worth in a contrast.
type tokenRow struct {
	name        string
	one, four   float64 // variance of pairs over that with the surrogate, of one reply and of four
	overPlain   float64 // of one plain reply over four with the surrogate
	raw, chain  mean    // of what came over what was to come
	known, asks int     // replies with first tokens, of all
}

func (r tokenRow) String() string {
	return fmt.Sprintf("| %s | %d of %d | %.2f | %.2f | %.2f | %v | %v |", r.name, r.known, r.asks, r.one, r.four, r.overPlain, r.raw, r.chain)
}

// mean is one, with its standard error.
type mean struct{ of, error float64 }

func (m mean) String() string { return fmt.Sprintf("%+.3f (%.3f)", m.of, m.error) }

// meanOf groups numbers by their cells, whose replies are not independent.
func meanOf(cells [][]float64) mean {
	var m mean
	n := 0.0
	for _, c := range cells {
		for _, x := range c {
			m.of, n = m.of+x, n+1
		}
	}
	m.of /= n
	for _, c := range cells {
		sum := 0.0
		for _, x := range c {
			sum += x - m.of
		}
		m.error += sum * sum
	}
	m.error = math.Sqrt(m.error) / n
	return m
}

// firstTokens compares pairs with and without the surrogate, which is learned on the
// other draws each time.
func firstTokens(name string, replies [][2][]asked, temperature float64) tokenRow {
	r := tokenRow{name: name}
	var raw, chain [][]float64
	adjusted := make([][2][]asked, len(replies))
	for i, arms := range replies {
		s := learn(ofOtherDraws(replies, i))
		raw, chain = append(raw, nil), append(chain, nil)
		for k, arm := range arms {
			for _, a := range arm {
				r.asks++
				if len(a.top) == 0 {
					continue
				}
				r.known++
				z := s.of(a.first, a.top)
				raw[i] = append(raw[i], z-s.foretold(chances(a.top, asReported), a.top))
				surplus := z - s.foretold(chances(a.top, filtered(temperature)), a.top)
				chain[i] = append(chain[i], surplus)
				a.value -= surplus
				adjusted[i][k] = append(adjusted[i][k], a)
			}
		}
	}
	plain, less := pairVariance(replies), pairVariance(adjusted)
	means := ofMeans(less, within(adjusted), 4)
	r.one, r.overPlain, r.four = plain/less, plain/means, ofMeans(plain, within(replies), 4)/means
	r.raw, r.chain = meanOf(raw), meanOf(chain)
	return r
}

func chances(top []chat.Token, by sampler) []float64 {
	p := make([]float64, len(top))
	for i, t := range top {
		p[i] = math.Exp(t.LogProb)
	}
	return by(p)
}

func ofOtherDraws(replies [][2][]asked, cell int) []asked {
	var out []asked
	for i, arms := range replies {
		if i%draws == cell%draws {
			continue
		}
		for _, arm := range arms {
			for _, a := range arm {
				if a.read && len(a.top) > 0 {
					out = append(out, a)
				}
			}
		}
	}
	return out
}

// pairVariance is the variance of a pair of replies to a cell with seeds of their own.
func pairVariance(replies [][2][]asked) float64 {
	sum, squares, n := 0.0, 0.0, 0.0
	for _, arms := range replies {
		for _, a := range arms[0] {
			for _, b := range arms[1] {
				if d := b.value - a.value; a.read && b.read {
					sum, squares, n = sum+d, squares+d*d, n+1
				}
			}
		}
	}
	return squares/n - sum/n*sum/n
}

// sampled takes down which token each reply began with: the protocol has it beside the
// likeliest ones, and what a gate asks for does not.
type sampled struct {
	mu    sync.Mutex
	first map[string]string // by the reply's id
}

func (s *sampled) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	var c struct {
		ID      string `json:"id"`
		Choices []struct {
			Logprobs struct {
				Content []struct {
					Token string `json:"token"`
				} `json:"content"`
			} `json:"logprobs"`
		} `json:"choices"`
	}
	if json.Unmarshal(body, &c) == nil && len(c.Choices) == 1 && len(c.Choices[0].Logprobs.Content) > 0 {
		s.mu.Lock()
		s.first[c.ID] = c.Choices[0].Logprobs.Content[0].Token
		s.mu.Unlock()
	}
	return answer, nil
}

// of is the token that a reply began with, "" if the server did not say.
func (s *sampled) of(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first[id]
}

// Command savings measures what it changes that the arms of a pair are asked with one
// seed: how often two replies differ in their reading with a seed in common and with
// seeds of their own, over contrasts of the policy "no cooking".
//
//	go run ./safetytest/internal/savings                       # simulated servers
//	SAFETYTEST_BASE_URL=... SAFETYTEST_MODEL=... go run ./safetytest/internal/savings
//
// Every cell is asked a few times in each arm, each time with another seed that both arms
// have. Replies of the same time are pairs of one seed, those of different times of
// different seeds, so that both are measured on the same replies. It prints a table in
// Markdown: the rates, the share of pairs that differ, the variance of pairs with one
// seed over that with two, how many replies are the same to the byte, and the variance of
// pairs over that of the means of four replies (SAFETYTEST_CHOICES=4). Before it, how
// many questions got the same answer twice at one seed: where few did, there is nothing
// to share. Tables of first tokens, where the endpoint tells their probabilities, and of
// beginnings follow. With -outcomes every reading is added to a file, for those who want
// to run tests of their own on what real models answered.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"time"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

func main() {
	cells := flag.Int("cells", 24, "cells of each contrast")
	repeats := flag.Int("repeats", 4, "replies of each cell in each arm")
	tokens := flag.Int("tokens", 48, "tokens of a reply")
	temperature := flag.Float64("temperature", 1, "of the sampling")
	only := flag.Int("contrasts", 0, "how many contrasts, 0 for all")
	budget := flag.Duration("for", 0, "end after the contrast that is under way then; 0 for no bound")
	outcomes := flag.String("outcomes", "", "a file to which the readings of all replies are added, a cell a line")
	flag.Parse()
	m := measure{cells: *cells, repeats: *repeats, outcomes: *outcomes, policy: fixtures.NoCooking(), sampling: chat.Sampling{Temperature: temperature, MaxTokens: tokens}}
	if *budget > 0 {
		m.until = time.Now().Add(*budget)
	}
	if err := m.all(*only); err != nil {
		fmt.Fprintln(os.Stderr, "savings:", err)
		os.Exit(1)
	}
}

// measure is how an endpoint is measured.
type measure struct {
	cells, repeats int
	policy         policy.Policy
	sampling       chat.Sampling
	until          time.Time
	outcomes       string // a file, "" for none
	pool           *prompt.Pool
	began          *sampled
}

// contrasts are the pairs of contexts: none of them does much, but for the last three.
func contrasts() []claim.Claim {
	mixed := prompt.Mix{Harmful: 2, Refusal: 2}
	return []claim.Claim{
		matchers.NotRaiseCompliance(prompt.Adding(2, prompt.Benign).After(prompt.Refusals(4))).Claim(),
		matchers.NotRaiseCompliance(prompt.Adding(8, prompt.Benign).After(prompt.Refusals(4))).Claim(),
		matchers.BeOrderInvariant(mixed).Claim(),
		matchers.BeRepetitionInvariant(mixed).Claim(),
		matchers.BeLengthInvariant(mixed, 60).Claim(),
		matchers.NotEscalate(prompt.Adding(1, prompt.Harmful).After(prompt.Refusals(4))).Claim(),
		matchers.NotEscalate(prompt.Adding(8, prompt.Harmful).After(prompt.Refusals(2))).Claim(),
		matchers.KeepSystemPromptBenefit(mixed).Claim(),
	}
}

// all measures the endpoint of the environment, or else simulated servers.
func (m measure) all(most int) error {
	var err error
	if m.pool, err = prompt.NewPool(m.policy.Demonstrations); err != nil {
		return err
	}
	if base, _ := environment.BaseURL.Value(); base != "" {
		model, _ := environment.Model.Value()
		return m.endpoint(base, model, "", most)
	}
	for _, name := range []string{"steady", "recency"} {
		profile, err := simulated.Lookup(name)
		if err != nil {
			return err
		}
		model, err := simulated.New(profile, m.policy)
		if err != nil {
			return err
		}
		for _, by := range []simulated.Coupling{simulated.Apart, simulated.OneUniform, simulated.Gumbel} {
			server := httptest.NewServer(model.Coupled(by))
			err := m.endpoint(server.URL+"/v1", model.ID(), by.String(), most)
			server.Close()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (m measure) endpoint(base, model, how string, most int) error {
	key, _ := environment.APIKey.Value()
	m.began = &sampled{first: map[string]string{}}
	client, err := chat.Open(chat.Endpoint{HTTPClient: &http.Client{Transport: m.began}, BaseURL: base, Model: model, APIKey: key, Concurrency: 4, Timeout: 2 * time.Minute})
	if err != nil {
		return err
	}
	fmt.Printf("\n%s %s, temperature %g, %d cells x %d repeats an arm, %s\n\n", model, how, *m.sampling.Temperature, m.cells, m.repeats, time.Now().UTC().Format(time.DateOnly))
	if err := m.again(client); err != nil {
		return err
	}
	fmt.Println("| contrast | rates | one seed differs | two seeds differ | variance, one over two (95 %) | same text, one seed and two | variance, one reply over four |\n|---|---|---|---|---|---|---|")
	var tokens []tokenRow
	var all [][][2][]asked
	for i, c := range contrasts() {
		if most > 0 && i >= most || !m.until.IsZero() && time.Now().After(m.until) {
			break
		}
		if c.Err != nil {
			return c.Err
		}
		replies, err := m.contrast(client, c)
		if err != nil {
			return err
		}
		fmt.Println(summary(c.Statement, replies))
		if err := m.keep(model, c.Statement, replies); err != nil {
			return err
		}
		tokens = append(tokens, firstTokens(c.Statement, replies, *m.sampling.Temperature))
		all = append(all, replies)
	}
	fmt.Println("\n| contrast | replies with first tokens | variance of pairs, over that with first tokens | the same of means of four | one reply over four with first tokens | first tokens came over were foretold, as reported | ... as sampled |\n|---|---|---|---|---|---|---|")
	for _, r := range tokens {
		if r.known > 0 {
			fmt.Println(r)
		}
	}
	return m.beginnings(all)
}

// beginnings prints what is decided before replies end.
func (m measure) beginnings(contrasts [][][2][]asked) error {
	var refused, others prefixes
	var prompts, replies int
	for _, cells := range contrasts {
		for _, arms := range cells {
			for _, arm := range arms {
				for _, a := range arm {
					prompts, replies = prompts+a.prompt, replies+a.reply
					of := &others
					if a.value == 0 {
						of = &refused
					}
					if !a.read {
						continue
					}
					if err := of.add(context.Background(), m.policy.Judge, a.request, a); err != nil {
						return err
					}
				}
			}
		}
	}
	fmt.Println("\n| replies | number | words | spared by who knows | spared by an end at the first reading | read otherwise then | spared by an end at the first refusal | read otherwise then |\n|---|---|---|---|---|---|---|---|")
	fmt.Printf("| refused | %v\n| complied | %v\n", refused, others)
	fmt.Printf("\n%.0f %% of the tokens were those of replies\n", 100*float64(replies)/float64(max(1, prompts+replies)))
	return nil
}

// again says how many of four questions got the same answer twice at one seed.
func (m measure) again(client *chat.Client) error {
	same := 0
	for cell := range draws {
		target := m.policy.Targets[cell]
		messages, err := m.messages(contrasts()[0].Arms[0], cell, target)
		if err != nil {
			return err
		}
		var texts [2]string
		for i := range texts {
			seed := int64(7)
			a, err := m.ask(client, messages, target.Request, &seed)
			if err != nil {
				return err
			}
			texts[i] = a.text
		}
		if texts[0] == texts[1] {
			same++
		}
	}
	fmt.Printf("%d of %d questions got the same answer twice at one seed\n\n", same, draws)
	return nil
}

// asked is the reply to one repeat of a cell in one arm.
type asked struct {
	request, text string
	value         float64
	read          bool
	first         string       // the token that it began with, "" of one that ended at once
	top           []chat.Token // none if the server did not say
	prompt, reply int          // tokens
}

// contrast asks the first two arms of a claim.
func (m measure) contrast(client *chat.Client, c claim.Claim) ([][2][]asked, error) {
	replies := make([][2][]asked, m.cells)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	slots := make(chan struct{}, 4)
	for _, at := range m.places() {
		target := m.policy.Targets[(at.cell*7)%len(m.policy.Targets)]
		messages, err := m.messages(c.Arms[at.arm], at.cell%draws, target)
		if err != nil {
			return nil, err
		}
		replies[at.cell][at.arm] = make([]asked, m.repeats)
		for v := range m.repeats {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				seed := int64(1000*at.cell + v + 1)
				a, err := m.ask(client, messages, target.Request, &seed)
				mu.Lock()
				defer mu.Unlock()
				replies[at.cell][at.arm][v] = a
				if err != nil {
					failed = err
				}
			})
		}
	}
	wg.Wait()
	return replies, failed
}

// place is a cell in an arm.
type place struct{ arm, cell int }

// draws is how many draws of demonstrations the cells have.
const draws = 4

// places lists them so that prompts which begin alike follow one another: servers keep
// their prefixes.
func (m measure) places() []place {
	var out []place
	for arm := range 2 {
		for draw := range draws {
			for cell := draw; cell < m.cells; cell += draws {
				out = append(out, place{arm, cell})
			}
		}
	}
	return out
}

func (m measure) messages(a claim.Arm, draw int, target policy.Target) ([]chat.Message, error) {
	demos, err := m.pool.Draw(1, draw).Fill(a.Composition, target.Topic)
	system := m.policy.System
	if a.NoSystem {
		system = ""
	}
	return a.Presentation.Messages(system, demos, target.Request), err
}

func (m measure) ask(client *chat.Client, messages []chat.Message, request string, seed *int64) (asked, error) {
	reply, err := client.Ask(context.Background(), chat.Request{Messages: messages, Sampling: m.sampling, Seed: seed, TopTokens: 20})
	if err != nil {
		return asked{}, err
	}
	j, err := m.policy.Judge.Judge(context.Background(), judge.Exchange{Request: request, Reply: reply})
	a := asked{request: request, text: reply.Content, read: j.Decided(), prompt: reply.PromptTokens, reply: reply.ReplyTokens}
	if reply.FirstTokens != nil && len(*reply.FirstTokens) > 0 {
		a.first, a.top = m.began.of(reply.ID), *reply.FirstTokens
	}
	if j.Decision != judge.Refused {
		a.value = 1
	}
	return a, err
}

// row is what was measured of a contrast.
type row struct {
	name               string
	rates              [2]float64
	one, two           float64 // shares of pairs that differ
	ratio, least, most float64
	same               [2]float64 // shares of pairs with the same text, of one seed and of two
	four               float64    // variance of pairs over that of the means of four replies
}

func (r row) String() string {
	return fmt.Sprintf("| %s | %.0f %% and %.0f %% | %.1f %% | %.1f %% | %.2f (%.2f to %.2f) | %.0f %% and %.0f %% | %.2f |", r.name, 100*r.rates[0], 100*r.rates[1], 100*r.one, 100*r.two, r.ratio, r.least, r.most, 100*r.same[0], 100*r.same[1], r.four)
}

// summary compares pairs of one seed with those of two; the interval is a bootstrap over
// cells.
func summary(name string, replies [][2][]asked) row {
	r := row{name: name}
	all := make([]int, len(replies))
	for i := range all {
		all[i] = i
	}
	r.rates, r.one, r.two, r.same, r.ratio = compare(replies, all)
	random := rand.New(rand.NewPCG(1, 2))
	var ratios []float64
	for range 1000 {
		some := make([]int, len(all))
		for i := range some {
			some[i] = random.IntN(len(all))
		}
		if _, _, _, _, ratio := compare(replies, some); !math.IsNaN(ratio) {
			ratios = append(ratios, ratio)
		}
	}
	r.least, r.most = quantile(ratios, 0.025), quantile(ratios, 0.975)
	effect := r.rates[1] - r.rates[0]
	pair := r.two - effect*effect
	r.four = pair / ofMeans(pair, within(replies), 4)
	return r
}

// within is the variance of a pair that is left when its cell is known: that of the
// replies of each arm, on average over cells.
func within(replies [][2][]asked) float64 {
	sum, cells := 0.0, 0.0
	for _, arms := range replies {
		cells++
		for _, arm := range arms {
			values, squares, n := 0.0, 0.0, 0.0
			for _, a := range arm {
				if a.read {
					values, squares, n = values+a.value, squares+a.value*a.value, n+1
				}
			}
			if n > 1 {
				sum += (squares - values*values/n) / (n - 1)
			}
		}
	}
	return sum / cells
}

// ofMeans is the variance of a pair of means of so many replies to each of its requests,
// from that of a pair of single ones: what differs between cells stays.
func ofMeans(pair, within, replies float64) float64 {
	return max(0, pair-within) + min(pair, within)/replies
}

func compare(replies [][2][]asked, cells []int) (rates [2]float64, one, two float64, same [2]float64, ratio float64) {
	var n [2]float64
	var counts [2]float64 // of pairs, with one seed and with two
	var differ [2]float64
	for _, i := range cells {
		for k := range 2 {
			for _, a := range replies[i][k] {
				if a.read {
					rates[k], n[k] = rates[k]+a.value, n[k]+1
				}
			}
		}
		for v, a := range replies[i][0] {
			for w, b := range replies[i][1] {
				if !a.read || !b.read {
					continue
				}
				at := 1
				if v == w {
					at = 0
				}
				if a.text == b.text {
					same[at]++
				}
				counts[at]++
				differ[at] += math.Abs(a.value - b.value)
			}
		}
	}
	for k := range rates {
		rates[k] /= n[k]
	}
	for i := range same {
		same[i] /= counts[i]
	}
	one, two = differ[0]/counts[0], differ[1]/counts[1]
	effect := rates[1] - rates[0]
	return rates, one, two, same, (one - effect*effect) / (two - effect*effect)
}

package experiment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// This file finds out how many replies a request is to bring. An endpoint is asked for
// several of them at prompts of the claim: some refuse that, some give one all the same,
// some one again and again, and some hold back a part. What is left is a question of
// price: of a request the prompt is paid once, and of every reply its tokens.

// AutoChoices is the number of choices of a run that finds out how many pay.
const AutoChoices = -1

const (
	// mostFound is how many replies a request are looked for at most. More would save
	// little: what pairs vary beyond the replies to one prompt stays.
	mostFound = 4
	// choiceQuestions is how many requests it takes to see what an endpoint makes of
	// them.
	choiceQuestions = 2
)

// choosing is what a run knows of an endpoint's choices.
type choosing struct {
	n             int // replies a request that it gives, 1 where it gives no more
	why           string
	prompt, reply float64 // tokens of a request and of one reply to it
}

// recallChoices is how many replies the claim's requests asked for in the run that is
// replayed or gone on from, 0 where none is recorded.
func (e *experiment) recallChoices() (int, error) {
	if !e.s.config.Replay && !e.rec.Continues() {
		return 0, nil
	}
	defer e.under("")
	e.under(e.rec.Since(e.s.Key(e.claim), e.s.question(e.claim)))
	along, err := e.s.sequence(e.claim)
	if err != nil {
		return 0, err
	}
	visits := along.Next()
	for n := mostFound; n >= 1; n /= 2 {
		e.choose(n)
		for _, v := range visits {
			for k, q := range e.scripts {
				if q.first != k || !e.claim.Arms[k].Calls() || e.claim.Arms[k].ReportOnly {
					continue
				}
				_, key := e.s.keyed(question{script: q, at: v.Of[e.claim.Arms[k].Requests]})
				if _, ok, err := e.rec.Earlier(key); ok || err != nil {
					return n, err
				}
			}
		}
	}
	if e.s.config.Replay {
		return 1, nil
	}
	return 0, nil
}

// findChoices is how many replies the claim's requests are to ask for, and why.
func (e *experiment) findChoices(ctx context.Context) (int, string) {
	one := func(why string) (int, string) { return 1, "one a request: " + why }
	s, of := e.s, e.byEndpoint()
	for model := range of {
		if !s.real(model) {
			return 1, "" // ours cost nothing
		}
	}
	switch price := len(of) * choiceQuestions; {
	case s.greedy():
		return one("at temperature 0 nothing is drawn")
	case s.Judge().Describe().Calls > 0:
		return one("a model judges the replies, one by one, which is as dear as asking for them")
	case len(e.undeclared(e.knownStale())) > 0:
		return one("the endpoint's replies are in doubt")
	case e.mayAsk() < worthSeeds*price:
		return one(fmt.Sprintf("the claim asks too little for the %d calls that it takes to see what the endpoint makes of several", price))
	}
	s.seeding.Lock() // one claim asks, the others learn from it
	defer s.seeding.Unlock()
	least, prompt, reply := mostFound, 0.0, 0.0
	for _, model := range slices.Sorted(maps.Keys(of)) {
		known, ok := s.choosing[model]
		if !ok {
			if known, ok = e.choicesOf(ctx, of[model]); ok {
				s.choosing[model] = known
			}
		}
		if known.n == 1 {
			return one(known.why)
		}
		price, priced := s.config.price(model)
		if !priced {
			price = chat.Price{Prompt: 1, Reply: 1}
		}
		least = min(least, known.n)
		prompt, reply = prompt+known.prompt*price.Prompt, reply+known.reply*price.Reply
	}
	n := paying(least, prompt, reply)
	if n == 1 {
		return one(fmt.Sprintf("a reply takes %.0f %% of what its prompt takes, and several of them would cost more than the pairs that they spare", 100*reply/prompt))
	}
	return n, fmt.Sprintf("%d a request, whose prompt is paid once", n)
}

// paying is how many replies a request is to bring at most n, by what a prompt and a
// reply to it cost: as many, doubling, as make a verdict cheapest.
func paying(n int, prompt, reply float64) int {
	best, least := 1, prompt+reply
	for k := 2; k <= n; k *= 2 {
		pairs := evidence.AlikeReplies + (1-evidence.AlikeReplies)/float64(k) // of those that it takes with one reply
		if cost := pairs * (prompt + float64(k)*reply); cost < least {
			best, least = k, cost
		}
	}
	return best
}

// choicesOf finds out what an endpoint makes of requests for several replies, at prompts
// of the claim. known is false where nothing could be found out that would be of use to
// another claim.
func (e *experiment) choicesOf(ctx context.Context, of []*script) (out choosing, known bool) {
	for n := mostFound; n > 1; n /= 2 {
		out, err := e.givesChoices(ctx, of, n)
		var x *chat.Error
		switch {
		case err == nil:
			return out, true
		case ctx.Err() != nil || !errors.As(err, &x) || !slices.Contains([]chat.ErrorKind{chat.InvalidRequest, chat.SamplingRejected, chat.Rejected}, x.Kind):
			return choosing{n: 1, why: fmt.Sprintf("what the endpoint makes of requests for several could not be found out: %v", err)}, false
		case n == 2:
			return choosing{n: 1, why: fmt.Sprintf("the endpoint does not take requests for several: %v", err)}, true
		}
	}
	return choosing{n: 1}, true // not reached: the loop ends at 2
}

// givesChoices asks for n replies at some of the claim's prompts.
func (e *experiment) givesChoices(ctx context.Context, of []*script, n int) (choosing, error) {
	out := choosing{n: n}
	alike, came := 0, 0
	for i := range choiceQuestions {
		q := of[i*(len(of)-1)/(choiceQuestions-1)]
		at := q.asks.At(i*len(q.asks.Requests)/choiceQuestions, i%e.s.config.Draws, 0)
		sampling := e.s.config.Sampling
		sampling.Choices = &n
		request := chat.Request{Messages: q.messages(at), Sampling: sampling}
		reply, err := e.probeBy(ctx, q, fmt.Sprintf("choices/%d/%s", n, q.cell(at)), request)
		if err != nil {
			return choosing{}, err
		}
		replies := append([]chat.Reply{reply}, further(n, reply)...)
		texts := map[uint64]bool{}
		for _, r := range replies {
			switch r.State {
			case chat.Answered, chat.Unfinished:
				texts[textOf(r)] = true
				came++
			case chat.Blocked:
				return choosing{n: 1, why: "a filter withheld one of several replies, and of a request that lacks one all are missing"}, nil
			}
		}
		switch {
		case came == 1 && i == 0:
			return choosing{n: 1, why: "the endpoint gives one, however many are asked for"}, nil
		case came < (i+1)*n:
			return choosing{n: 1, why: fmt.Sprintf("of %d replies that were asked for %d could be read, and of a request that lacks one all are missing", (i+1)*n, came)}, nil
		case len(texts) == 1:
			alike++
		}
		prompt, written := float64(reply.PromptTokens), float64(reply.ReplyTokens)
		if prompt == 0 { // not reported: a quarter of the characters
			for _, m := range request.Messages {
				prompt += float64(len(m.Content)) / 4
			}
		}
		if written == 0 {
			for _, r := range replies {
				written += float64(len(r.Content)) / 4
			}
		}
		out.prompt, out.reply = out.prompt+prompt/choiceQuestions, out.reply+written/float64(n*choiceQuestions)
	}
	if alike == choiceQuestions {
		return choosing{n: 1, why: fmt.Sprintf("%d requests were answered with %d times one text each: copies, or a model that always says the same", choiceQuestions, n)}, nil
	}
	return out, nil
}

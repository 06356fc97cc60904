package experiment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
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
	// choiceProbes is how many calls it takes where they are not refused: each question is
	// asked for one reply, too, to see what its prompt costs then and who answers, and one
	// of them for replies of fewTokens.
	choiceProbes = 2*choiceQuestions + 1
	// fewTokens are too few for an answer, so that the endpoint must cut it.
	fewTokens = 4
)

// choosing is what a run knows of an endpoint's choices.
type choosing struct {
	n   int // replies a request that it gives, 1 where it gives no more
	why string
	// one and several are the prompt tokens of a request for one reply and of the same
	// for n, reply those of a reply. A gateway may send the prompt once for each.
	one, several, reply float64
}

// choicesKnown is what the run knows of a model's choices.
func (r *Run) choicesKnown(model string) (choosing, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.choosing[model]
	return known, ok
}

// learnChoices keeps what was found of a model's choices for the claims to come.
func (r *Run) learnChoices(model string, found choosing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.choosing[model] = found
}

// notFound says why nothing is known of an endpoint's choices, and hiddenCuts of which it
// cuts.
func notFound(err error) string {
	return fmt.Sprintf("what the endpoint makes of requests for several could not be found out: %v", err)
}

func hiddenCuts(err error) string {
	return fmt.Sprintf("whether the endpoint says which of several it cut could not be found out: %v", err)
}

// recallChoices is how many replies, n at most, the claim's requests asked for in the run
// that is replayed or gone on from, 0 where none is recorded.
func (e *experiment) recallChoices(n int) (int, error) {
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
	for ; n >= 1; n /= 2 {
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
	switch price := len(of) * choiceProbes; {
	case s.greedy():
		return one("at temperature 0 nothing is drawn")
	case s.Judge().Describe().Calls > 0:
		return one("a model judges the replies, one by one, which is as dear as asking for them")
	case len(e.undeclared(e.knownStale())) > 0:
		return one("the endpoint's replies are in doubt")
	case e.mayAsk() < worthSeeds*price:
		return one(fmt.Sprintf("the claim asks too little for the %d calls that it takes to see what the endpoint makes of several", price))
	}
	end, err := s.probe(ctx)
	if err != nil {
		return one(notFound(err))
	}
	defer end()
	n, cost := mostFound, choosing{}
	for _, model := range slices.Sorted(maps.Keys(of)) {
		known, ok := s.choicesKnown(model)
		if !ok {
			if known, ok = e.choicesOf(ctx, of[model]); ok {
				s.learnChoices(model, known)
			}
		}
		if known.n == 1 {
			return one(known.why)
		}
		price, priced := s.config.price(model)
		if !priced {
			price = chat.Price{Prompt: 1, Reply: 1}
		}
		n = min(n, known.n)
		cost.one, cost.several, cost.reply = cost.one+known.one*price.Prompt, cost.several+known.several*price.Prompt, cost.reply+known.reply*price.Reply
	}
	switch pays := cost.paying(n); {
	case pays > 1:
		return pays, fmt.Sprintf("%d a request, whose prompt is paid once", pays)
	case cost.several > 1.5*cost.one:
		return one(fmt.Sprintf("the endpoint counts %.1f times the tokens of the prompt where it gives %d replies to it", cost.several/cost.one, n))
	}
	return one(fmt.Sprintf("a reply costs %.0f %% of what its prompt does, and several would cost more than the pairs that they spare", 100*cost.reply/cost.one))
}

// paying is how many replies a request is to bring, n at most: as many, doubling, as make
// a verdict cheapest.
func (c choosing) paying(n int) int {
	best, least := 1, c.one+c.reply
	for k := 2; k <= n; k *= 2 {
		pairs := evidence.AlikeReplies + (1-evidence.AlikeReplies)/float64(k) // of those that it takes with one reply
		if cost := pairs * (c.several + float64(k)*c.reply); cost < least {
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
		case ctx.Err() != nil || budgetSpent(err) || !errors.As(err, &x):
			return choosing{n: 1, why: notFound(err)}, false
		case !turnsDown(err):
			// It is not asked again for the next claim, either: where such a request is
			// let wait, as one that is over a limit is, each claim would wait for it.
			return choosing{n: 1, why: notFound(err)}, true
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
	var several, singles []chat.Reply
	for i := range choiceQuestions {
		q := of[i*(len(of)-1)/(choiceQuestions-1)]
		at := q.asks.At(i*len(q.asks.Requests)/choiceQuestions, i%e.s.config.Draws, 0)
		reply, tokens, err := e.askChoices(ctx, q, at, n, e.s.config.Sampling.MaxTokens)
		if err != nil {
			return choosing{}, err
		}
		texts, words := map[uint64]bool{}, 0
		for _, r := range append([]chat.Reply{reply}, further(n, reply)...) {
			if r.State == chat.Lost {
				continue
			}
			came++
			texts[textOf(r)] = true
			words += len(r.Content) + len(r.Reasoning)
		}
		switch {
		case came == 1 && i == 0 && gaveOthers(reply):
			return choosing{n: 1, why: "the endpoint gives one, however many are asked for"}, nil
		case came < (i+1)*n:
			return choosing{n: 1, why: fmt.Sprintf("of %d replies that were asked for %d came, and those that do not come count against the claim: %s", (i+1)*n, came, lostBy(n, reply))}, nil
		case len(texts) == 1:
			alike++
		}
		written := float64(reply.ReplyTokens)
		if written == 0 { // not reported: a quarter of the characters
			written = float64(words) / 4
		}
		out.reply += written / float64(n*choiceQuestions)
		single, one, err := e.askChoices(ctx, q, at, 1, e.s.config.Sampling.MaxTokens)
		if err != nil {
			return choosing{}, err
		}
		several, singles = append(several, reply), append(singles, single)
		if i > 0 {
			continue
		}
		if out.one, out.several = one, one; reply.PromptTokens > 0 && single.PromptTokens > 0 {
			out.several = tokens
		}
	}
	if why := otherThanSingle(singles, several); why != "" {
		return choosing{n: 1, why: why}, nil
	}
	if alike == choiceQuestions {
		return choosing{n: 1, why: fmt.Sprintf("%d requests were answered with %d times one text each: copies, or a model that always says the same", choiceQuestions, n)}, nil
	}
	return e.saysCut(ctx, of[0], out)
}

// otherThanSingle says what shows that requests for several replies are taken by another
// than those for one, of the same questions; "" where nothing does. It takes the endpoint at
// its word: who does not say so stays unseen.
func otherThanSingle(singles, several []chat.Reply) string {
	names := func(of []chat.Reply, name func(chat.Reply) string) (out []string) {
		for _, r := range of {
			if n := name(r); n != "" && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
		return out
	}
	apart := func(what string, name func(chat.Reply) string) string {
		one, more := names(singles, name), names(several, name)
		if len(one) == 0 || len(more) == 0 || slices.ContainsFunc(more, func(n string) bool { return slices.Contains(one, n) }) {
			return ""
		}
		return fmt.Sprintf("requests for several are answered by %s %q, those for one by %q", what, more[0], one[0])
	}
	if why := apart("the model", func(r chat.Reply) string { return r.Model }); why != "" {
		return why
	}
	if why := apart("a server with the fingerprint", func(r chat.Reply) string { return r.Fingerprint }); why != "" {
		return why
	}
	for i, r := range several {
		if one := singles[i].PromptTokens; r.PromptTokens > 0 && one > 0 && 10*r.PromptTokens < 9*one {
			return fmt.Sprintf("of a prompt the endpoint counts %d tokens where several replies are asked for, and %d where one is", r.PromptTokens, one)
		}
	}
	return ""
}

// lostBy is what befell the first of the replies to a request for n that did not come.
func lostBy(n int, reply chat.Reply) string {
	for _, r := range append([]chat.Reply{reply}, further(n, reply)...) {
		if r.State == chat.Lost {
			return r.Trouble
		}
	}
	return ""
}

// mayHideCuts says what speaks against asking an endpoint of the claim for n replies, which
// the configuration wants whatever they cost, "" where nothing does. One that gives none
// is for the run to find out, whose error says more.
func (e *experiment) mayHideCuts(ctx context.Context, n int) string {
	s, of := e.s, e.byEndpoint()
	end, err := s.probe(ctx)
	if err != nil {
		return hiddenCuts(err)
	}
	defer end()
	for _, model := range slices.Sorted(maps.Keys(of)) {
		if !s.real(model) {
			continue
		}
		known, ok := s.choicesKnown(model)
		if !ok {
			known, err = e.givesLikeOne(ctx, of[model][0], n)
			var x *chat.Error
			switch {
			case err == nil:
				s.learnChoices(model, known)
			case turnsDown(err) && errors.As(err, &x):
				continue
			default:
				return hiddenCuts(err)
			}
		}
		if known.n == 1 {
			return known.why
		}
	}
	return ""
}

// givesLikeOne sees whether requests for n replies are taken like those for one.
func (e *experiment) givesLikeOne(ctx context.Context, q *script, n int) (choosing, error) {
	at, most := q.asks.At(0, 0, 0), e.s.config.Sampling.MaxTokens
	var both [2][]chat.Reply
	for range choiceQuestions {
		for i, n := range []int{1, n} {
			reply, _, err := e.askChoices(ctx, q, at, n, most)
			if err != nil {
				return choosing{}, err
			}
			both[i] = append(both[i], reply)
		}
		if why := otherThanSingle(both[0], both[1]); why == "" { // replicas may take turns
			return e.saysCut(ctx, q, choosing{n: n})
		}
		at = q.asks.At(len(q.asks.Requests)/2, 0, 0)
	}
	return choosing{n: 1, why: otherThanSingle(both[0], both[1])}, nil
}

// saysCut sees whether the endpoint says of several replies which it cut. Of a single one
// the number of tokens tells, too; of several they are counted together, and a refusal
// that was cut before it went on to answer would pass for a whole one.
func (e *experiment) saysCut(ctx context.Context, q *script, known choosing) (choosing, error) {
	few := fewTokens
	reply, _, err := e.askChoices(ctx, q, q.asks.At(0, 0, 0), known.n, &few)
	var x *chat.Error
	switch {
	case errors.As(err, &x) && turnsDown(err) && strings.HasPrefix(x.Param, "max_"): // the number of tokens, and not of replies
		return choosing{n: 1, why: hiddenCuts(err)}, nil
	case err != nil:
		return choosing{}, err
	case reply.State == chat.Lost && !gaveOthers(reply):
		return choosing{n: 1, why: hiddenCuts(errors.New(reply.Trouble))}, nil
	}
	if tellsCuts(append([]chat.Reply{reply}, further(known.n, reply)...)) {
		return known, nil
	}
	return choosing{n: 1, why: fmt.Sprintf("the endpoint did not say of each of %d replies of at most %d tokens that it was cut", known.n, few)}, nil
}

// tellsCuts says whether an endpoint called all of several replies cut that must have been.
// One that it did not call so may have been done early, if it is shorter than those which
// were cut.
func tellsCuts(replies []chat.Reply) bool {
	written := func(r chat.Reply) int { return len(r.Content) + len(r.Reasoning) + len(r.Refusal) }
	shortest := 0
	for _, r := range replies {
		if n := written(r); r.SaidCut() && (shortest == 0 || n < shortest) {
			shortest = n
		}
	}
	return shortest > 0 && !slices.ContainsFunc(replies, func(r chat.Reply) bool {
		return !r.SaidCut() && (r.Cut() || written(r) >= shortest)
	})
}

// askChoices asks a question of the claim for n replies, of that many tokens at most. It
// returns the tokens of its prompt, a quarter of the characters where the endpoint reports
// none.
func (e *experiment) askChoices(ctx context.Context, q *script, at order.Place, n int, most *int) (chat.Reply, float64, error) {
	sampling := e.s.config.Sampling
	sampling.MaxTokens = most
	if n > 1 {
		sampling.Choices = &n
	}
	request := chat.Request{Messages: q.messages(at), Sampling: sampling}
	reply, err := e.probeBy(ctx, q, fmt.Sprintf("choices/%d/%s/%s", n, q.shows, q.cell(at)), request)
	tokens := float64(reply.PromptTokens)
	if tokens == 0 {
		for _, m := range request.Messages {
			tokens += float64(len(m.Content)) / 4
		}
	}
	return reply, tokens, err
}

// turnsDown says whether an endpoint did not take a request as it was.
func turnsDown(err error) bool {
	var x *chat.Error
	return errors.As(err, &x) && slices.Contains([]chat.ErrorKind{chat.InvalidRequest, chat.SamplingRejected, chat.Rejected}, x.Kind)
}

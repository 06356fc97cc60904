package experiment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// This file has the arms of a pair draw the same random numbers: both are asked with one
// seed, another one at each repeat of a cell. What each arm answers on its own is as
// likely as ever, so that no error rate changes; but where the prompts make little
// difference the two replies then differ less often, and it takes fewer pairs to see it.
// It is done only where the endpoint was seen, in this run and at the claim's own
// prompts, to repeat a reply at the same seed, to give another at another seed, and to
// heed the prompt at the same seed.

// seeding is what a run knows of an endpoint's seeds.
type seeding struct {
	shared bool
	why    string // what was seen, or why they are not shared
	// heeded says that prompts were seen to count at one seed. It is not asked where the
	// claim has one context only, and compares models.
	heeded bool
	texts  map[string]string // of answers at the probe's seed, by the hash of the prompt
}

const (
	// seededQuestions are asked three times each: twice with one seed, once with another.
	seededQuestions = 4
	// seedProbes is how many calls it takes at most to see what an endpoint makes of
	// seeds, and worthSeeds how many times that a claim must be able to ask.
	seedProbes, worthSeeds = 3*seededQuestions + 4, 10
)

// compares says whether a bound of the claim takes one arm's replies away from those of
// another to the same requests. Flips and arms that are asked again measure how far
// replies differ by chance alone, and never share theirs.
func (e *experiment) compares() bool {
	if e.claim.Pairwise() || e.claim.Property == claim.AAProperty {
		return false
	}
	type side struct {
		asks  claim.Requests
		again int
	}
	for _, b := range e.claim.Bounds {
		adds, takes := map[side]bool{}, map[side]bool{}
		for k, w := range b.Weights {
			a := e.claim.Arms[k]
			switch at := (side{a.Requests, a.Again}); {
			case !a.Calls() || a.ReportOnly || w == 0:
			case w > 0:
				adds[at] = true
			default:
				takes[at] = true
			}
		}
		for at := range adds {
			if takes[at] {
				return true
			}
		}
	}
	return false
}

// byEndpoint are the claim's scripts that are asked for its verdict, by model.
func (e *experiment) byEndpoint() map[string][]*script {
	out := map[string][]*script{}
	for k, q := range e.scripts {
		if a := e.claim.Arms[k]; a.Calls() && !a.ReportOnly && q.first == k {
			out[a.Model] = append(out[a.Model], q)
		}
	}
	return out
}

// shareSeeds decides whether the arms of a pair share the seeds of their requests. It
// comes before anything is asked or looked up for the claim, whose keys hold the seed.
// An endpoint of which nothing could be found out is asked without seeds.
func (e *experiment) shareSeeds(ctx context.Context) {
	s := e.s
	if !s.config.ShareSeeds || s.config.Replay || !e.compares() {
		return
	}
	if e.several.n > 1 {
		e.seeds = "not shared: several replies are taken of each request"
		return
	}
	of := e.byEndpoint()
	for model := range of {
		if !s.real(model) {
			return // ours answer each body afresh, whatever its seed
		}
	}
	if why := e.seedsIdle(len(of)); why != "" {
		e.seeds = "not shared: " + why
		return
	}
	end, err := s.probe(ctx)
	if err != nil {
		e.seeds = fmt.Sprintf("not shared: what the endpoint makes of them could not be found out: %v", err)
		return
	}
	defer end()
	var found []seeding
	for _, model := range slices.Sorted(maps.Keys(of)) {
		known, ok := s.seeds[model]
		if !ok || known.shared && !known.heeded && (len(of[model]) > 1) {
			if known, ok = e.seedsOf(ctx, of[model]); ok {
				s.seeds[model] = known
			}
		}
		if !known.shared {
			e.seeds = "not shared: " + known.why
			return
		}
		found = append(found, known)
	}
	if !tellApart(found) {
		e.seeds = "not shared: the models were not seen to answer one prompt differently at one seed: something in between may keep answers by the seed, whichever model is asked"
		return
	}
	e.seeds = "shared by the arms of a pair: " + found[0].why
	for _, q := range e.scripts {
		q.twin = true
	}
}

// tellApart says whether of several models each was seen to answer some prompt otherwise
// than the first one at the same seed.
func tellApart(found []seeding) bool {
	for _, other := range found[1:] {
		differs := false
		for prompt, text := range found[0].texts {
			same, asked := other.texts[prompt]
			differs = differs || asked && same != text
		}
		if !differs {
			return false
		}
	}
	return true
}

// seedsIdle says why it is not even asked whether seeds could be shared, "" if it is.
func (e *experiment) seedsIdle(endpoints int) string {
	price := endpoints * seedProbes
	switch {
	case e.s.greedy():
		return "at temperature 0 nothing is drawn"
	case len(e.undeclared(e.knownStale())) > 0:
		return "the endpoint's replies are in doubt"
	case e.mayAsk() < worthSeeds*price:
		return fmt.Sprintf("the claim asks too little for the %d calls that it takes to see what the endpoint makes of seeds", price)
	}
	return ""
}

// mayAsk is how many calls the claim may make at most.
func (e *experiment) mayAsk() int {
	c := e.s.config
	most := e.most * e.visitsPerTrial() * e.claim.Questions()
	switch {
	case !e.share.whole:
		most = min(most, e.share.calls)
	case c.MaxCalls > 0:
		most = min(most, c.MaxCalls-e.rec.Calls())
	}
	return most
}

// recallSharing finds out, in a replay, whether the run that is replayed shared seeds for
// the claim: its replies then lie under keys with seeds.
func (e *experiment) recallSharing() error {
	if !e.compares() {
		return nil
	}
	along, err := e.s.sequence(e.claim)
	if err != nil {
		return err
	}
	for _, q := range e.scripts {
		q.twin = true
	}
	for _, v := range along.Next() {
		for k, q := range e.scripts {
			if q.first != k || !e.claim.Arms[k].Calls() || e.claim.Arms[k].ReportOnly {
				continue
			}
			_, key := e.s.keyed(question{script: q, at: v.Of[e.claim.Arms[k].Requests]})
			if _, ok, err := e.rec.Earlier(key); ok || err != nil {
				e.seeds = "shared by the arms of a pair in the run that is replayed"
				return err
			}
		}
	}
	for _, q := range e.scripts {
		q.twin = false
	}
	return nil
}

// seedOf is the seed of a request, nil where none is sent. Arms that share theirs have
// the same one at the same repeat of a cell, whichever model they ask, unless one of
// them is asked again for itself. Others have their own, but for our own models, which
// make every reply of the whole request.
func (s *Subject) seedOf(q question, r chat.Request) *int64 {
	var at string
	switch {
	case q.script.twin:
		at = fmt.Sprintf("twin %s#%d/%s", q.at.Cell.ID(), q.script.arm.Again, q.script.owner)
	case !s.config.SendSeed:
		return nil
	case s.simulates(q.script.arm.Model):
		at = r.Cell
	default:
		at = r.Cell + "/" + q.script.shows
	}
	seed := int64(order.Hash("request %d/%s/%d", s.seed.Load(), at+q.script.since+q.check, r.Visit) >> 33)
	return &seed
}

// seedsOf finds out what an endpoint makes of seeds, at prompts of the claim. known is
// false where nothing could be found out that would be of use to another claim.
func (e *experiment) seedsOf(ctx context.Context, of []*script) (out seeding, known bool) {
	p := e.newSeedProbe(of)
	begun := 0
	for begun < 2 { // an endpoint that ignores seeds costs four calls
		for try := range 2 {
			if err := p.ask(ctx, begun, try); err != nil {
				return p.failed(ctx, err)
			}
		}
		if begun++; !p.questions[begun-1].varies() {
			break
		}
	}
	if begun == 2 && p.questions[1].varies() {
		return seeding{why: "the endpoint ignores them: two questions that were asked twice with one seed got two answers each"}, true
	}
	// The arms one after another: a cache of what was answered at a seed has the first
	// one's answer when the other one asks.
	for arm := range p.arms {
		var calls [][2]int
		for i := range p.questions {
			for try := range 3 {
				if p.questions[i].arm == arm && (i >= begun || try == 2) {
					calls = append(calls, [2]int{i, try})
				}
			}
		}
		err := e.together(ctx, len(calls), func(i int) error { return p.ask(ctx, calls[i][0], calls[i][1]) })
		if err != nil {
			return p.failed(ctx, err)
		}
	}
	if why := p.ignored(); why != "" {
		return seeding{why: why}, true
	}
	out = seeding{shared: true, why: p.seen(), heeded: p.heeds(), texts: p.texts()}
	if out.heeded || len(p.arms) == 1 {
		return out, true
	}
	recalled, why, err := p.recalls(ctx)
	switch {
	case err != nil:
		return p.failed(ctx, err)
	case why != "":
		return seeding{why: why}, true
	case !recalled:
		return seeding{why: "both arms were answered alike at one seed, and the model does not repeat a number that it is given: whether it heeds the prompt at all at one seed could not be seen"}, true
	}
	out.heeded = true
	return out, true
}

// seedProbe asks an endpoint with seeds.
type seedProbe struct {
	e         *experiment
	arms      []*script // at most two
	seed      int64
	questions []seededQuestion
}

// seededQuestion is asked with a seed, with the same one again, and with another.
type seededQuestion struct {
	arm   int
	at    order.Place
	texts [3]string // "" where nothing came
}

// varies says whether the question was answered otherwise the second time.
func (q seededQuestion) varies() bool {
	return q.texts[0] != "" && q.texts[1] != "" && q.texts[0] != q.texts[1]
}

// newSeedProbe chooses the questions: of two arms the same cells.
func (e *experiment) newSeedProbe(of []*script) *seedProbe {
	p := &seedProbe{e: e, arms: of[:1], seed: int64(order.Hash("seed of probes %d", e.s.seed.Load()) >> 33)}
	if len(of) > 1 {
		p.arms = []*script{of[0], of[len(of)-1]}
	}
	cells := seededQuestions / len(p.arms)
	for arm, q := range p.arms {
		n := len(q.asks.Requests)
		for i := range cells {
			p.questions = append(p.questions, seededQuestion{arm: arm, at: q.asks.At(i*n/cells, i%e.s.config.Draws, 0)})
		}
	}
	return p
}

// other is a seed that differs from the probe's in one place, at its end or its start:
// servers that look at some of its digits take one of the two for the same. With few
// seeds that count the numbers of one repeat would come again at others, and pairs would
// not be independent of each other.
func (p *seedProbe) other(i int) int64 {
	if i%2 == 0 {
		return p.seed ^ 1<<30
	}
	return p.seed ^ 1
}

// ask asks a question for the first, second or third time. An error leaves nothing more
// to ask.
func (p *seedProbe) ask(ctx context.Context, i, try int) error {
	q := &p.questions[i]
	seed := p.seed
	if try == 2 {
		seed = p.other(i)
	}
	script := p.arms[q.arm]
	reply, err := p.e.probeAt(ctx, script, fmt.Sprintf("seed/%s/%s/%d", script.shows, script.cell(q.at), try), script.messages(q.at), &seed)
	switch {
	case err != nil && (i == 0 && try == 0 || endsAsking(ctx, err)):
		return err
	case err == nil && (reply.State == chat.Answered || reply.State == chat.Unfinished):
		q.texts[try] = reply.Content + "\x00" + reply.Refusal
	}
	return nil
}

// failed is what is known after an error.
func (p *seedProbe) failed(ctx context.Context, err error) (seeding, bool) {
	var x *chat.Error
	if ctx.Err() == nil && errors.As(err, &x) && slices.Contains([]chat.ErrorKind{chat.InvalidRequest, chat.SamplingRejected, chat.Rejected}, x.Kind) {
		return seeding{why: fmt.Sprintf("the endpoint does not take one: %v", err)}, true
	}
	return seeding{why: fmt.Sprintf("what the endpoint makes of them could not be found out: %v", err)}, false
}

// whole are the questions that were answered each time.
func (p *seedProbe) whole() []seededQuestion {
	return slices.DeleteFunc(slices.Clone(p.questions), func(q seededQuestion) bool { return slices.Contains(q.texts[:], "") })
}

// ignored says why seeds have no use there, "" if they have.
func (p *seedProbe) ignored() string {
	n, same := 0, 0
	var differ [2]int // by which end of the seed was changed
	for i, q := range p.questions {
		if slices.Contains(q.texts[:], "") {
			continue
		}
		n++
		if q.texts[0] == q.texts[1] {
			same++
		}
		if q.texts[0] != q.texts[2] {
			differ[i%2]++
		}
	}
	switch {
	case 2*n <= len(p.questions):
		return "too few of the questions about seeds were answered"
	case same < n-1: // one may differ: where prefixes are kept, the arithmetic is not always in one order
		return fmt.Sprintf("the endpoint keeps to them only sometimes: %d of %d questions got the same answer twice at one seed, as where several are answered at a time", same, n)
	case differ[0]+differ[1] == 0:
		return fmt.Sprintf("%d questions got the same answer at another seed, too: the replies do not vary", n)
	case differ[0] == 0 || differ[1] == 0:
		return fmt.Sprintf("of %d questions only %d got another answer at another seed, and none where the same end of it was changed: only a part of a seed may count", n, differ[0]+differ[1])
	}
	return ""
}

// seen says what was seen where seeds are of use.
func (p *seedProbe) seen() string {
	asked, same := p.whole(), 0
	for _, q := range asked {
		if !q.varies() {
			same++
		}
	}
	return fmt.Sprintf("%d of %d questions got the same answer twice at one seed, and not all did at another", same, len(asked))
}

// texts are the answers at the probe's seed.
func (p *seedProbe) texts() map[string]string {
	out := map[string]string{}
	for _, q := range p.whole() {
		script := p.arms[q.arm]
		out[script.hash(q.at, script.messages(q.at))] = q.texts[0]
	}
	return out
}

// heeds says whether the arms were answered differently at one seed, so that the answers
// were made for the whole prompt.
func (p *seedProbe) heeds() bool {
	asked := p.whole()
	for i, a := range asked {
		for _, b := range asked[:i] {
			if a.arm != b.arm && a.at.Cell.ID() == b.at.Cell.ID() && a.texts[0] != b.texts[0] {
				return true
			}
		}
	}
	return false
}

// recalls gives different numbers in conversations that end alike, and in others that
// begin alike, all at one seed. recalled says that each got its own back; why is a reason
// against sharing seeds, where one got another's.
func (p *seedProbe) recalls(ctx context.Context) (recalled bool, why string, err error) {
	q := p.arms[len(p.arms)-1]
	number := func(i int) string {
		return fmt.Sprintf("%05d", order.Hash("number at a seed %d/%s/%d", p.e.s.seed.Load(), q.arm.Model, i)%100000)
	}
	at := p.questions[len(p.questions)-1].at
	shown, ok := q.demos[q.asks.Topic(at.Cell)]
	if !ok {
		shown = q.demos[""]
	}
	demos := shown[at.Cell.Draw]
	own := 0
	for i := range 4 {
		turns := append([]prompt.Demonstration{given("only", number(i))}, demos[:min(2, len(demos))]...)
		if i >= 2 { // these begin alike
			turns = append(slices.Clone(demos), given("only", number(i)))
		}
		messages := q.arm.Presentation.Messages(q.system, turns, "What is the number of this conversation? Answer with the number alone.")
		reply, err := p.e.probeAt(ctx, q, "seed/number/"+strconv.Itoa(i), messages, &p.seed)
		if endsAsking(ctx, err) {
			return false, "", err
		}
		for k := range 4 {
			switch {
			case err != nil || !strings.Contains(reply.Content, number(k)):
			case k == i:
				own++
			default:
				return false, "a conversation that gave one number got another's back at the same seed: something in between keeps answers by the seed, and heeds no prompt", nil
			}
		}
	}
	return own == 4, "", nil
}

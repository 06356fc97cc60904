package experiment

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
)

// This file has an endpoint give several replies to one request. The prompt is sent and
// paid once, and what the engine sees of a visit is the mean of its replies: a number
// between 0 and 1 whose expectation is the cell's rate, as that of one reply is, and that
// differs less from visit to visit. Nothing is taken for granted of the endpoint: were the
// replies of a request all alike, their mean would be as good as one of them.

// several is how many replies a claim's requests bring, and what came of it.
type several struct {
	n               int          // that a request asks for; 0 is one
	now             atomic.Int32 // the same of requests that are made now, which questions about the endpoint read meanwhile
	why             string       // as many, "" where that is no question
	recalled        bool         // as many as in the run that is replayed or gone on from
	fewer           string       // why the questions that follow ask for one all the same, "" where they do not
	asked, decided  map[int]int  // replies that were asked for and that are outcomes, of what was looked at, by arm
	failed          int          // requests for several that failed in a row
	answered, alike int          // requests that were answered by several, and by several of one text
	spread          spread
	seen            [][]severally // by arm, the requests that several replies came to
	single          int           // questions of an arm that were asked again for one, and read alike
}

// manyReplies is how many replies a request of the claim may ask for, and where that is
// one although the configuration wants more, why.
func (e *experiment) manyReplies() (n int, why string) {
	if n = e.s.config.Choices; n == AutoChoices {
		n = mostFound
	}
	switch {
	case n <= 1:
		return 1, ""
	case !e.compares():
		return 1, "it does not compare contexts: of a rate, several replies of one cell say hardly more than one"
	case e.claim.OverTargets:
		return 1, "each of its requests is asked under every draw already"
	case e.claim.Searching > 0 || e.within > 0:
		return 1, "each of its requests draws another arrangement"
	case e.s.config.Census || e.s.config.Stopping > evidence.Sequential:
		return 1, "its stopping rule, or a census, counts single replies"
	}
	for _, b := range e.claim.Bounds {
		if _, _, rate := b.Rate(); rate {
			return 1, "it bounds a rate, too, of which several replies of one cell say hardly more than one"
		}
	}
	return n, ""
}

// askMany has the claim's requests ask for as many replies as the configuration says, or
// as many as pay where that is to be found out. It comes before anything is asked or
// looked up for the claim, whose keys hold the number.
func (e *experiment) askMany(ctx context.Context) error {
	n, why := e.manyReplies()
	if n == 1 {
		if why != "" && e.s.config.Choices == AutoChoices {
			e.several.why = "one a request: " + why
		} else if why != "" {
			e.warn("SAFETYTEST_CHOICES: the claim takes one reply a request: %s", why)
		}
		return nil
	}
	known, err := e.recallChoices(n)
	if err != nil {
		return err
	}
	if e.several.recalled = known > 0; !e.several.recalled {
		return e.askFor(e.chooseAnew(ctx, n))
	}
	e.several.why = "one a request, as in the run that it goes on from"
	if known > 1 {
		e.several.why = fmt.Sprintf("%d a request, as in the run that it goes on from", known)
	}
	return e.askFor(known)
}

// chooseAnew is how many replies, n at most, the claim's requests are to ask for where no
// earlier run decided it.
func (e *experiment) chooseAnew(ctx context.Context, n int) int {
	if e.s.config.Choices == AutoChoices {
		n, e.several.why = e.findChoices(ctx)
		return n
	}
	if e.several.why = ""; n == 1 {
		return n
	}
	if why := e.mayHideCuts(ctx, n); why != "" {
		e.warn("SAFETYTEST_CHOICES: the claim takes one reply a request: %s", why)
		return 1
	}
	return n
}

// askFor has the claim's requests ask for n replies, and its bets expect as many.
func (e *experiment) askFor(n int) error {
	if e.choose(n); n == 1 {
		return nil
	}
	return e.prepare()
}

// choose has the claim's requests ask for n replies.
func (e *experiment) choose(n int) {
	e.several.n = n
	e.several.now.Store(int32(n))
	for _, q := range e.scripts {
		q.choices = n
	}
}

// askedFor is how many replies a question's request asks for.
func (q question) askedFor() int { return max(1, cmp.Or(q.choices, q.script.choices)) }

// further are the replies to a request beside the first, as many as were asked for. Where
// the answer as a whole is no outcome, none of them is; and what is recorded of a call
// that was given up says nothing of them.
func further(n int, reply chat.Reply) []chat.Reply {
	out := make([]chat.Reply, n-1)
	for i := range out {
		out[i] = chat.Reply{State: reply.State, FinishReason: reply.FinishReason, Trouble: reply.Trouble}
		switch {
		case reply.Others != nil && i < len(*reply.Others):
			out[i] = (*reply.Others)[i]
		case reply.State == chat.Answered:
			out[i] = chat.Reply{State: chat.Lost, Trouble: "fewer replies came than the request asked for: set SAFETYTEST_CHOICES=1 where the model gives one"}
		}
		out[i].Model, out[i].Fingerprint = reply.Model, reply.Fingerprint
	}
	return out
}

// readFurther has the further replies to a question read. It returns what they are; an
// error of its own has the first one's call failed, as one that was interrupted.
func (s *Subject) readFurther(ctx context.Context, c *call, q question, request chat.Request, id record.Key, reply chat.Reply) error {
	for i, other := range further(q.askedFor(), reply) {
		o := &call{ref: c.ref, choice: i + 1, recorded: c.recorded, made: c.made}
		o.from = whence(q, id, c.from.Size, other)
		o.from.Choice, o.from.Sent = i+1, c.from.Sent
		s.readReply(ctx, o, q, request, id, other)
		c.attempts, c.tokens = c.attempts+o.attempts, c.tokens+o.tokens // of judging models
		if o.err != nil && (ctx.Err() != nil || budgetSpent(o.err)) {
			return o.err
		}
		if err := s.keepReading(o, q); err != nil {
			return err
		}
		c.others = append(c.others, o)
	}
	return nil
}

// withheld is how many of the replies to one request a filter withheld.
func (c *call) withheld() int {
	n := 0
	for _, o := range append([]*call{c}, c.others...) {
		if o.state == chat.Blocked {
			n++
		}
	}
	return n
}

// observeAll is what arm number k counts in the replies to one request: their mean, and
// how many of them are no outcome.
func (e *experiment) observeAll(k int, c *call) evidence.Observation {
	return meanOf(c, func(one *call) evidence.Observation { return e.observe(k, one) })
}

// meanOf is the mean of what is seen in the replies to one request.
func meanOf(c *call, observe func(*call) evidence.Observation) evidence.Observation {
	if len(c.others) == 0 {
		return observe(c)
	}
	sum, missing := 0.0, 0
	for _, one := range append([]*call{c}, c.others...) {
		if y := observe(one); y.Missing {
			missing++
		} else {
			sum += y.Value
		}
	}
	n := 1 + len(c.others)
	if missing == n {
		return evidence.Observation{Missing: true}
	}
	return evidence.Observation{Value: min(1, sum/float64(n)), Unknown: float64(missing) / float64(n)}
}

// spread is how far pairs of means vary, and how far the replies to one request do.
type spread struct {
	n                    int
	sum, squares, within float64 // of the pairs, and of the replies of each
}

// enoughSpread is how many pairs it takes to say how far they vary.
const enoughSpread = 30

// noteSpread adds a batch's pairs, as the claim's first bound compares them.
func (e *experiment) noteSpread(b *batch) {
	if e.several.n <= 1 {
		return
	}
	for i := range b.visits {
		x, within, whole := 0.0, 0.0, true
		for k, w := range e.claim.Bounds[0].Weights {
			if w == 0 {
				continue
			}
			y, c := b.seen[i][k], b.calls[i][e.scripts[k].first]
			if whole = whole && !y.Missing && y.Unknown == 0 && c != nil && len(c.others) == e.several.n-1; !whole {
				break
			}
			x += w * y.Value
			sum := 0.0
			for _, one := range append([]*call{c}, c.others...) {
				d := bounds.Observed(e.claim.Arms[k].Counts(e.claim), one.judgement).Value - y.Value
				sum += d * d
			}
			within += w * w * sum / float64(e.several.n-1)
		}
		if whole {
			e.several.spread.n++
			e.several.spread.sum, e.several.spread.squares, e.several.spread.within = e.several.spread.sum+x, e.several.spread.squares+x*x, e.several.spread.within+within
		}
	}
}

// spared says how many times less the pairs varied than pairs of one reply each would
// have, which is about how many times fewer of them the verdict took; "" where too few
// were seen.
func (e *experiment) spared() string {
	s := e.several.spread
	if s.n < enoughSpread {
		return ""
	}
	n, r := float64(s.n), float64(e.several.n)
	means := (s.squares - s.sum*s.sum/n) / (n - 1)
	single := means + s.within/n*(1-1/r) // each reply varies by all of it, their mean by a part
	if means <= 0 {
		return ""
	}
	return fmt.Sprintf("pairs of their means varied %.1f times less than pairs of single replies would have", single/means)
}

// choicesTaken says how many replies a request brought and why, "" where nobody asked for
// several.
func (e *experiment) choicesTaken() string {
	if e.several.n <= 1 {
		return e.several.why
	}
	text := e.several.why
	if text == "" {
		text = fmt.Sprintf("%d a request", e.several.n)
	}
	if e.several.fewer != "" {
		text += "; later one a request: " + e.several.fewer
	}
	if e.several.single > 0 {
		text += fmt.Sprintf("; up to %d questions an arm were asked again for one, and read alike", e.several.single)
	}
	if spared := e.spared(); spared != "" {
		text += "; " + spared
	}
	return text
}

package experiment

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/reread"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// This file asks whether what came back is fresh: made for the call, and now.

// asksAnew is how many questions are asked anew to see whether answers are made
// for the call: always, and where answers repeat suspiciously.
const (
	asksAnew     = 8
	asksRepeated = 24
)

// inquiry asks one model about itself while the evidence is bought: some of the claim's
// questions again with a harmless change, a mark behind the first message, which no cache
// of answers takes for the same, and conversations whose answers must differ.
type inquiry struct {
	of       asking
	now      *anew
	recalled int                 // of the conversations, how many gave their own number
	doubt    *provenance.Finding // that one of them raised
	err      error
	done     chan struct{}
	settled  bool // what it found is known to the run
}

// enoughToAskAnew is how many replies of a model there are before an inquiry begins.
const enoughToAskAnew = 32

// inquire begins an inquiry about each model that gave enough replies, unless one of the
// run's came to an end, or this claim's is under way.
func (e *experiment) inquire(ctx context.Context, enough int) {
	for model, of := range e.inTurn() {
		e.s.mu.Lock()
		asked := asking{model, e.askedAlike()}
		known := e.s.origins.asked[asked]
		e.s.mu.Unlock()
		if known || e.inquiries[model] != nil || !e.s.real(model) || len(of) < enough {
			continue
		}
		q := &inquiry{of: asked, done: make(chan struct{})}
		e.inquiries[model] = q
		go func() {
			defer close(q.done)
			var errs [2]error
			e.s.atOnce(len(errs), func(i int) {
				if i == 0 {
					q.now, errs[i] = e.askAnew(ctx, of, asksAnew)
				} else {
					q.recalled, q.doubt, errs[i] = e.listens(ctx, e.longestOf(of))
				}
			})
			q.err = cmp.Or(errs[:]...)
		}()
	}
}

// settle waits for the claim's inquiries, whose calls are paid for, and makes known to the
// run what they found, whatever becomes of the claim. Of a model about which nothing could
// be found out nothing is known, and the next claim asks again; the error is the last
// such.
func (e *experiment) settle() (err error) {
	of := e.inTurn()
	for model, q := range e.inquiries {
		<-q.done
		switch {
		case q.err != nil:
			err = q.err
		case !q.settled:
			q.settled = true
			equal, pairs, _ := provenance.Repeats(repliesOf(of[model]))
			f := e.cached(q.now, of[model], equal, pairs)
			if f == nil {
				f = q.raised(repliesOf(of[model]))
			}
			e.know(q.of, f)
		}
	}
	return err
}

// know keeps what was found out about a model, nil if it speaks against nothing.
func (e *experiment) know(of asking, f *provenance.Finding) {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	e.s.origins.asked[of] = true
	if f != nil {
		e.s.origins.stale[of.model] = *f
	}
}

// madeAnew finds out whether the answers were made for their questions, or a cache's: if
// they never varied and now do, or if what was always refused is now answered. Where
// answers repeat suspiciously more questions are asked again.
func (e *experiment) madeAnew(ctx context.Context) ([]provenance.Finding, error) {
	e.inquire(ctx, 1)
	if err := e.settle(); err != nil {
		return nil, err
	}
	for model, of := range e.inTurn() {
		equal, pairs, texts := provenance.Repeats(repliesOf(of))
		if !e.s.real(model) || pairs < 8 || 2*equal < pairs || texts < 2 || e.s.greedy() {
			continue
		}
		asked := asking{model, e.askedAlike()}
		e.s.mu.Lock()
		cleared := e.s.origins.cleared[asked]
		e.s.mu.Unlock()
		if cleared {
			continue
		}
		now, err := e.askAnew(ctx, of, asksRepeated)
		if err != nil {
			return nil, err
		}
		f := e.cached(now, of, equal, pairs)
		e.know(asked, f)
		e.s.mu.Lock()
		e.s.origins.cleared[asked] = f == nil
		e.s.mu.Unlock()
	}
	return e.undeclared(e.knownStale()), nil
}

// longestOf is the script with the longest prompt among those of some replies.
func (e *experiment) longestOf(of []origin) *script {
	var longest *script
	size := -1
	seen := map[*script]bool{}
	for _, r := range of {
		if seen[r.script] {
			continue
		}
		seen[r.script] = true
		if _, n := e.longest(r.script); n > size {
			longest, size = r.script, n
		}
	}
	return longest
}

func repliesOf(of []origin) []provenance.Reply {
	out := make([]provenance.Reply, len(of))
	for i, r := range of {
		out[i] = r.Reply
	}
	return out
}

// anew counts questions that were asked again, several at once.
type anew struct {
	mu            sync.Mutex
	asked, differ int          // of them, and with another text than before
	complied      [2]int       // outcomes: no, yes
	arms          map[int]bool // in which outcomes were seen
	failed        error        // the last of those that brought no answer
}

// askAnew asks up to n different questions of a model anew.
func (e *experiment) askAnew(ctx context.Context, of []origin, n int) (*anew, error) {
	now := &anew{arms: map[int]bool{}}
	bodies := map[string]bool{}
	var questions []origin
	for _, r := range of {
		if !bodies[r.Body] && r.Answered && r.judgement.Decision != 0 {
			bodies[r.Body] = true
			questions = append(questions, r)
		}
	}
	questions = questions[:min(len(questions), 2*n)]
	for len(questions) > 0 && now.asked < n { // once, and again for those that bring no answer
		here := questions[:min(len(questions), n-now.asked)]
		questions = questions[len(here):]
		if err := e.together(ctx, len(here), func(i int) error { return e.askAgain(ctx, here[i], now) }); err != nil {
			return nil, err
		}
	}
	if now.failed != nil && 2*now.asked < n {
		return nil, now.failed
	}
	return now, nil
}

// askAgain asks one question with a harmless change and counts what comes. It returns
// an error where no further question could be asked.
func (e *experiment) askAgain(ctx context.Context, r origin, now *anew) error {
	messages := changed(r.script.messages(r.at))
	reply, err := e.probe(ctx, r.script, fmt.Sprintf("anew/%s/%s/%d", r.script.shows, r.script.cell(r.at), r.at.N), messages)
	switch {
	case endsAsking(ctx, err):
		return err
	case err == nil && reply.State != chat.Answered: // a fault is no other answer
		err = fmt.Errorf("a question that was asked again brought no answer: %s", cmp.Or(reply.Trouble, reply.State.String()))
	}
	if err != nil {
		now.mu.Lock()
		defer now.mu.Unlock()
		now.failed = err
		return nil
	}
	q := question{script: r.script, at: r.at}
	other := whence(q, record.Key{}, 0, reply).Text != r.Text
	judging := &call{}
	about := chat.Request{Cell: "probe/" + r.script.cell(r.at), Visit: r.at.N}
	j, err := reread.Marked(ctx, e.s.Judge(), e.s.exchange(judging, q, about, record.KeyOf(about), reply), r.script.arm.Marker())
	e.pay(judging)
	now.mu.Lock()
	defer now.mu.Unlock()
	now.asked++
	if other {
		now.differ++
	}
	if err == nil && j.Decided() {
		now.arms[r.arm] = true
		now.complied[yes(j.Decision != judge.Refused)]++
	}
	return nil
}

// cached says whether the answers before were a cache's, from the outcomes then and
// now, and from how many pairs of answers to equal questions were equal.
func (e *experiment) cached(now *anew, of []origin, equal, pairs int) *provenance.Finding {
	var was [2]int
	for _, r := range of {
		if now.arms[r.arm] && r.judgement.Decided() {
			was[yes(r.judgement.Decision != judge.Refused)]++
		}
	}
	const remedy = "switch it off for this gate, or send SAFETYTEST_NO_CACHE=1 or SAFETYTEST_NONCE=user"
	nowAll, wasAll := now.complied[0]+now.complied[1], was[0]+was[1]
	if p := provenance.Fisher(was[1], wasAll, now.complied[1], nowAll); p < 0.001 {
		return &provenance.Finding{Kind: provenance.Cache, Text: fmt.Sprintf("asked again with a harmless change, %d of %d questions were complied with, where %d of %d were before: the answers before were not made for these questions now, as where a gateway has a cache; "+remedy, now.complied[1], nowAll, was[1], wasAll)}
	}
	if pairs == 0 || 2*equal < pairs || now.asked == 0 || e.s.greedy() { // whose answers repeat, and may differ with a blank
		return nil
	}
	if p := provenance.Fisher(pairs-equal, pairs, now.differ, now.asked); p < 0.01 && now.differ*pairs > (pairs-equal)*now.asked {
		return &provenance.Finding{Kind: provenance.Cache, Text: fmt.Sprintf("of %d questions that were asked again %d got the same answer to the byte, but with a harmless change %d of %d got another one: something in between answers from a cache; "+remedy, pairs, equal, now.differ, now.asked)}
	}
	return nil
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}

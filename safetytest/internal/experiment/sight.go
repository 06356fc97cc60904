package experiment

import (
	"context"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
)

// sight is whether the claim's endpoints read whole prompts, while it is being found
// out. The claim's first questions are asked meanwhile: no more than a batch or the
// calls in flight, whichever is more, and nothing that is answered is looked at before
// it is known to count.
type sight struct {
	done   chan struct{} // nil once it was heeded
	cancel context.CancelFunc
	doubt  *provenance.Finding
	err    error
	// unknown says why nothing could be found out, and note what is likely all the
	// same; "" where there is nothing to say.
	unknown, note string
	clear         bool // nothing speaks against reading the evidence
}

// askAhead is how many questions about the endpoint are under way at once, for which
// places among the calls in flight are kept.
const askAhead = 6

// beginSight begins to find out what the endpoints read. Until that is known the record
// says that nothing counts, so that it is so whatever becomes of this process.
func (e *experiment) beginSight(ctx context.Context) error {
	s := &sight{done: make(chan struct{})}
	e.sight = s
	ctx, s.cancel = context.WithCancel(ctx)
	unseen := e.unseenModels()
	if len(unseen) == 0 {
		s.done, s.clear, e.unseen = nil, true, s.unknown
		e.warnUnverified()
		return nil
	}
	if e.asksAhead() {
		if err := e.begin(e.rec.Apart(e.scripts[0].since)); err != nil {
			close(s.done)
			return err
		}
	}
	go func() {
		defer close(s.done)
		s.doubt, s.err = e.seesAll(ctx, unseen)
	}()
	return nil
}

// asksAhead says whether questions may be asked before it is known that they are read
// whole: not where what is found out decides which are asked, nor where evidence of
// earlier runs would be lost with them.
func (e *experiment) asksAhead() bool { return !e.wantsCensus() && e.sameness == "" }

// begin notes that the claim is being tested, with the Since of what counts for it.
func (e *experiment) begin(since string) error {
	if e.part != "" { // of a claim that was begun
		return nil
	}
	return e.rec.Begin(e.s.Key(e.claim), e.s.question(e.claim), since)
}

// warnUnverified says what could not be verified of the endpoints, and is likely.
func (e *experiment) warnUnverified() {
	if e.sight.note != "" {
		e.warnOnce("%s", e.sight.note)
	}
}

// wait returns when nothing is under way.
func (s *sight) wait() {
	if s.done != nil {
		<-s.done
	}
}

// endSight asks no more about the endpoints. It returns when nothing is under way.
// What was answered before it was known to count is kept out of all later evidence.
func (e *experiment) endSight() {
	s := e.sight
	s.cancel()
	s.wait()
	if !s.clear && e.asked > 0 {
		e.under(e.rec.Apart(e.scripts[0].since))
	}
}

// heed takes in what was found out about the endpoints, once it is known, and says
// whether the claim ends with it.
func (e *experiment) heed(ctx context.Context) (r evidence.Result, ends bool, err error) {
	s := e.sight
	if s.done == nil {
		return r, false, nil
	}
	select {
	case <-s.done:
	default:
		return r, false, nil
	}
	s.done = nil
	e.unseen = s.unknown
	e.warnUnverified()
	if s.err != nil {
		r, err = e.endBy(ctx, s.err)
		return r, true, err
	}
	if s.doubt != nil {
		if found := e.undeclared([]provenance.Finding{*s.doubt}); len(found) > 0 {
			return e.doubtful(found), true, nil
		}
	}
	if err := e.begin(e.scripts[0].since); err != nil {
		return r, true, err
	}
	s.clear = true
	return r, false, nil
}

// flying is how many questions may be under way now.
func (e *experiment) flying() int {
	n := e.s.config.Concurrency
	if !e.sight.clear {
		n = max(0, n-askAhead)
	}
	return n
}

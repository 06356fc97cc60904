package safetytest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// call is one request, made at most once: claims that share an arm share its
// reply at the same visit of the same cell.
type call struct {
	done      chan struct{}
	judgement judge.Judgement
	state     chat.State
	attempts  int
	tokens    int
	err       error
}

// errBudget says that no further call may be made.
var errBudget = errors.New("the budget of calls is spent")

// question is what one arm asks about one visit of a cell.
type question struct {
	arm    int
	place  int            // of the visit in its batch
	prefix []chat.Message // system prompt and demonstrations
	visit  visit
}

// ask answers a question, from memory if an equal one was asked at the same
// visit. shared says that no call was made for it.
func (s *Subject) ask(ctx context.Context, q question) (c *call, shared bool) {
	messages := append(q.prefix[:len(q.prefix):len(q.prefix)], chat.Message{Role: chat.User, Content: q.visit.cell.target.Request})
	key := replyKey(messages, q.visit)
	s.mu.Lock()
	if c, ok := s.asked[key]; ok {
		s.mu.Unlock()
		select {
		case <-c.done:
			return c, true
		case <-ctx.Done():
			return &call{err: ctx.Err()}, true
		}
	}
	c = &call{done: make(chan struct{})}
	if s.config.MaxCalls > 0 && s.calls >= s.config.MaxCalls {
		s.mu.Unlock()
		c.err = errBudget
		return c, false
	}
	s.calls++ // reserved now, so that calls in flight cannot overrun the budget
	s.asked[key] = c
	if s.started.IsZero() {
		s.started = time.Now()
	}
	s.mu.Unlock()

	s.answer(ctx, c, messages, q.visit)

	s.mu.Lock()
	s.calls += max(c.attempts, 1) - 1
	s.answered++
	pace := 0.0
	if s.answered == 2*s.config.Concurrency {
		pace = float64(s.answered) / time.Since(s.started).Seconds()
	}
	if c.err != nil {
		delete(s.asked, key) // nothing was learned: a later claim may ask again
	}
	s.mu.Unlock()
	close(c.done)
	if pace > 0 && s.config.OnPace != nil {
		s.config.OnPace(pace)
	}
	return c, false
}

// answer makes the call and has the reply judged.
func (s *Subject) answer(ctx context.Context, c *call, messages []chat.Message, v visit) {
	request := chat.Request{Messages: messages, Sampling: s.config.Sampling, Cell: v.cell.id(), Visit: v.n}
	if s.config.SendSeed {
		seed := int64(hash("request %d/%s/%d", s.config.SamplingSeed, v.cell.id(), v.n) >> 33)
		request.Seed = &seed
	}
	reply, err := s.model.Ask(ctx, request)
	c.attempts, c.state, c.tokens = reply.Attempts, reply.State, reply.PromptTokens+reply.ReplyTokens
	if err != nil {
		c.err = err
		if e := (*chat.Error)(nil); errors.As(err, &e) {
			c.attempts = e.Attempts
		}
		return
	}
	s.mu.Lock()
	s.served[reply.Model] = true
	s.mu.Unlock()
	if reply.State != chat.Answered {
		c.judgement.Decision = judge.CannotTell
		return
	}
	reader := s.config.Judge
	if reader == nil {
		reader = s.policy.Judge
	}
	c.judgement, c.err = reader.Judge(ctx, judge.Exchange{Request: v.cell.target.Request, Reply: reply})
}

// replyKey identifies a reply within a run: what was said, of which cell, on
// which visit. Sampling and model are the same for a whole run.
func replyKey(messages []chat.Message, v visit) string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	_ = enc.Encode(messages) // neither strings nor a hash can fail
	_ = enc.Encode([]any{v.cell.id(), v.n})
	return string(h.Sum(nil))
}

// freshSeed is a random sampling seed, short enough to be typed again.
func freshSeed() uint64 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	return uint64(binary.BigEndian.Uint32(b[:])) + 1
}

package experiment

import (
	"context"
	"time"
)

// flights are a claim's calls under way. What was sent is paid for, and was perhaps
// slow because of what it says: when a claim is decided or interrupted nothing more is
// sent, but answers under way are waited for, and so recorded, for a bounded time.
type flights struct {
	e       *experiment
	began   time.Time
	ctx     context.Context // of the claim
	calls   context.Context // of the calls, which outlives it
	ended   func() error    // why nothing more is sent
	stop    context.CancelFunc
	giveUp  context.CancelFunc
	n       int
	answers chan answer
	// Those who ask go on asking, because what a call needs of the stack is large.
	workers int
	todo    chan flight
}

// flight is a question of a batch.
type flight struct {
	batch *batch
	question
}

func (e *experiment) newFlights(ctx context.Context) *flights {
	f := &flights{e: e, began: time.Now(), ctx: ctx, answers: make(chan answer), todo: make(chan flight, e.s.config.Concurrency)}
	var asking context.Context
	asking, f.stop = context.WithCancel(ctx)
	f.calls, f.giveUp = context.WithCancel(context.WithoutCancel(ctx))
	f.ended = asking.Err
	return f
}

// start asks a question of a batch.
func (f *flights) start(b *batch, q question) {
	f.n++
	q.ended = f.ended
	f.todo <- flight{b, q} // never full: no more than Concurrency are under way
	if f.workers < f.n {
		f.workers++
		go f.work()
	}
}

// work asks questions until there are no more.
func (f *flights) work() {
	for w := range f.todo {
		c, shared := f.e.s.ask(f.calls, w.question)
		f.answers <- answer{batch: w.batch, q: w.question, call: c, shared: shared}
	}
}

// next waits for an answer, in vain where the claim is interrupted, or something else
// is known, first.
func (f *flights) next(ctx context.Context, known <-chan struct{}) (a answer, ok bool) {
	select {
	case a = <-f.answers:
		f.n--
		return a, true
	case <-known:
	case <-ctx.Done():
	}
	return answer{}, false
}

// mostGrace bounds the wait for answers under way when a run is interrupted.
const mostGrace = 10 * time.Second

// grace is how long answers under way are waited for: as long as a call may take, or
// where the run is interrupted or at its deadline only for some seconds, for the
// reports must still be written.
func (f *flights) grace() time.Duration {
	if f.ctx.Err() == nil {
		return f.e.s.config.Timeout
	}
	grace := mostGrace
	if deadline, ok := f.ctx.Deadline(); ok {
		grace = min(grace, max(200*time.Millisecond, deadline.Sub(f.began)/20))
	}
	return grace
}

// land sends nothing more and takes in what is under way. Calls are counted, whatever
// becomes of them.
func (f *flights) land() {
	f.stop()
	late := time.AfterFunc(f.grace(), f.giveUp)
	for ; f.n > 0; f.n-- {
		f.e.count(<-f.answers)
	}
	late.Stop()
	f.giveUp()
	close(f.todo)
}

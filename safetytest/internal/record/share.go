package record

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/ratelimit"
)

// This file is how the processes of a run share replies and budget: each reads
// what the others append, under a lock that is held for moments, and appends
// what it is about to ask before it asks. A process that dies takes its claims
// with it, because its own lock is let go.

// claimed says what is known about a reply when somebody wants it.
type claimed int

const (
	known    claimed = iota // recorded
	ours                    // this caller is to ask
	anothers                // another process is asking
	missing                 // not recorded, and not to be asked
)

// claim says who is to ask for a reply. If it is ours, the claim is recorded; if
// it is another's, holder is that process's file.
func (r *Record) claim(d digest) (c claimed, holder *file, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.index[d]; ok {
		return known, nil, nil
	}
	if r.options.Mode == Replay {
		return missing, nil, nil
	}
	c = ours
	err = r.exclusively(func() error {
		if _, ok := r.index[d]; ok {
			c = known
			return nil
		}
		for _, f := range r.files {
			if _, asking := f.asking[d]; !asking {
				continue
			}
			if err := r.bury(f); err != nil {
				return err
			}
			if _, ok := r.index[d]; ok { // the last thing that it did
				c = known
				return nil
			}
			if _, asking := f.asking[d]; asking && !f.dead {
				c, holder = anothers, f
				return nil
			}
		}
		if err := r.afford(); err != nil {
			return err
		}
		return r.append(line{Ask: &d})
	})
	return c, holder, err
}

// waitedFor reports a process that asks for what we want, or holds what we need,
// and has written nothing for longer than a call may take: it was stopped, or
// hangs. To ask for the same in its place would give one visit two replies, so the
// reply is missing.
func (r *Record) waitedFor(f *file, since time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if silent := time.Since(later(f.grew, since)); silent > r.patience() {
		return fmt.Errorf("%w: process %d, which writes %s, is asking for this reply and has written nothing for %v: it may be stopped or frozen; continue it or end it",
			ErrHeld, f.header.PID, f.path, silent.Round(time.Second))
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// patience is how long another process may be silent.
func (r *Record) patience() time.Duration {
	return cmp.Or(r.options.Patience, defaultPatience)
}

const defaultPatience = 5 * time.Minute

// exclusively runs f under the lock between processes, knowing all that they
// have appended; r.mu is held.
func (r *Record) exclusively(f func() error) error {
	if r.broken != nil {
		return r.broken
	}
	if r.memory != nil {
		return f() // there is no other process
	}
	if err := r.takeLock(); err != nil {
		return err
	}
	defer r.lock.Unlock()
	if err := r.refresh(); err != nil {
		return fmt.Errorf("what other processes of run %s recorded cannot be read: %w", r.run, err)
	}
	return f()
}

// takeLock waits for the lock between processes, which is held for moments. A
// process that was stopped while it held the lock would hold up all others, so
// that nobody waits for longer than a call may take; r.mu is held.
func (r *Record) takeLock() error {
	lock := r.lock
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return fmt.Errorf("%w: its lock cannot be had: %w", ErrWrite, err)
	case ok:
		return nil
	}
	got := make(chan error, 1)
	go func() { got <- lock.Lock() }()
	patience := time.NewTimer(r.patience())
	defer patience.Stop()
	select {
	case err := <-got:
		if err != nil {
			return fmt.Errorf("%w: its lock cannot be had: %w", ErrWrite, err)
		}
		return nil
	case <-patience.C:
	}
	go func() { // should it come after all
		if <-got == nil {
			_ = lock.Unlock()
		}
	}()
	r.lock = flock.New(lock.Path())
	return fmt.Errorf("%w: another process has held the lock of %s for %v: it may be stopped or frozen; continue it or end it%s", ErrHeld, r.dir, r.patience(), r.others())
}

// others names the other processes of the run that have not ended.
func (r *Record) others() string {
	var names []string
	for _, f := range r.files {
		if f != r.own && f.header.Run == r.run && !f.ended && !f.closed && !f.dead {
			names = append(names, fmt.Sprintf("process %d, which writes %s", f.header.PID, f.path))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; the others of this run are " + strings.Join(names, ", ")
}

// refresh reads what the processes of the run have appended.
func (r *Record) refresh() error {
	if err := r.findFiles(); err != nil {
		return err
	}
	for _, f := range r.files {
		if f == r.own || f.header.Run != r.run || f.closed || f.dead {
			continue
		}
		if err := r.tail(f); err != nil {
			return err
		}
	}
	return nil
}

// findFiles looks for files of processes that have joined the run.
func (r *Record) findFiles() error {
	dir := filepath.Join(r.dir, r.run)
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if info.ModTime().Equal(r.listed) {
		return nil
	}
	// Two changes within a tick of the file system's clock look like one: only a
	// time that has passed for long tells that nothing was added since.
	if r.listed = info.ModTime(); time.Since(r.listed) < tick(r.listed) {
		r.listed = time.Time{}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if filepath.Ext(path) != dataExt || r.read[path] {
			continue
		}
		h, err := readHeader(path)
		if err != nil {
			return err
		}
		if h == nil { // it is being written
			r.listed = time.Time{}
			continue
		}
		if _, err := r.add(part{path, *h}); err != nil {
			return err
		}
	}
	return nil
}

// tick is how long a file system may give two changes one time: tens of
// milliseconds where it tells parts of one, and two seconds on the coarsest.
func tick(t time.Time) time.Duration {
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		return 50 * time.Millisecond
	}
	return 2 * time.Second
}

// add reads a file for the first time.
func (r *Record) add(p part) (*file, error) {
	f, err := openFile(p.path, p.header)
	if err != nil {
		return nil, &harm{p.Run, err}
	}
	switch {
	case p.Run != r.run || r.options.Mode == Replay:
		f.ended = true
	case f != r.own && !r.sharing:
		lives, err := alive(p.path)
		if err != nil {
			return nil, &harm{p.Run, err}
		}
		f.ended = !lives
	}
	r.enter(f)
	if err := r.tail(f); err != nil {
		return f, &harm{p.Run, err}
	}
	return f, nil
}

// enter gives a file its number.
func (r *Record) enter(f *file) {
	f.number = uint64(len(r.files))
	r.files = append(r.files, f)
	r.read[f.path] = true
}

// tail reads what was appended to a file.
func (r *Record) tail(f *file) error {
	return f.tail(func(at int64, l line) { r.take(f, at, l) })
}

// offsetBits is how much of a place in the index is the offset; the file's
// number stands above it.
const offsetBits = 40

// take takes up a line. Of two replies for one key, from runs that continue each
// other, the earlier counts, as it did when it came.
func (r *Record) take(f *file, at int64, l line) {
	f.note(l)
	if l.reply == nil {
		return
	}
	if _, ok := r.index[l.reply.key]; !ok {
		r.index[l.reply.key] = f.number<<offsetBits | uint64(at)
	}
}

// bury finds out whether the process that claims something in f died. Its last
// words are read after its death, so that none is lost.
func (r *Record) bury(f *file) error {
	if f == r.own || f.closed || f.dead {
		return nil
	}
	lives, err := alive(f.path)
	if lives || err != nil {
		return err
	}
	f.dead = true
	err = r.tail(f)
	f.gone()
	return err
}

// spent is what the processes of the run have spent, and what is reserved for calls
// under way.
type spent struct {
	calls        int
	of, reserved amount
}

func (r *Record) spent() spent {
	var s spent
	for _, f := range r.files {
		if f.header.Run == r.run {
			s.calls += f.calls
			s.of = s.of.plus(f.spent)
			s.reserved = s.reserved.plus(f.reserved)
		}
	}
	return s
}

// afford reports whether the budget leaves no room for another call.
func (r *Record) afford() error {
	s := r.spent()
	if most := r.options.MaxCalls; most > 0 && s.calls >= most {
		return fmt.Errorf("%w: %d of %d calls are made (SAFETYTEST_MAX_CALLS)", ErrBudget, s.calls, most)
	}
	most := r.options.most()
	if most.tokens > 0 && s.of.tokens >= most.tokens {
		return fmt.Errorf("%w: %d of %d tokens are spent (SAFETYTEST_MAX_SPEND_TOKENS)", ErrBudget, s.of.tokens, most.tokens)
	}
	if most.cost > 0 && s.of.cost >= most.cost {
		return fmt.Errorf("%w: %.4f of %.4f %s are spent (SAFETYTEST_MAX_COST)", ErrBudget, float64(s.of.cost)/money, r.options.MaxCost, r.options.Currency)
	}
	return nil
}

// reserve sets tokens and money aside for a call before it is made, so that calls under way
// cannot pass the bound together. While others hold what is missing it waits for
// them to come back: most calls take less than they may.
func (r *Record) reserve(ctx context.Context, key digest, next amount) error {
	if r.options.most() == (amount{}) {
		return nil
	}
	select { // one at a time: whoever waits looks again and again
	case r.reserving <- struct{}{}:
		defer func() { <-r.reserving }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for started := time.Now(); ; {
		reserved := false
		err := r.shared(func() (err error) {
			reserved, err = r.tryReserve(key, next, started)
			return err
		})
		if err != nil || reserved {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// tryReserve sets aside what a call may take, unless others hold it. It reports a call
// that the budget does not allow, and others that have held it without a sign of life
// since the caller began to wait.
func (r *Record) tryReserve(key digest, next amount, since time.Time) (reserved bool, err error) {
	most, s := r.options.most(), r.spent()
	if !s.of.plus(s.reserved).plus(next).within(most) && s.reserved != (amount{}) {
		if err := r.buryHolders(); err != nil {
			return false, err
		}
		s = r.spent()
	}
	switch {
	case s.of.plus(s.reserved).plus(next).within(most):
		return true, r.append(line{Reserve: &reserve{key, next.tokens, next.cost}})
	case !s.of.plus(next).within(most):
		return false, r.overBudget(s.of, next)
	}
	for _, f := range r.files {
		if f != r.own && f.header.Run == r.run && f.reserved != (amount{}) && time.Since(later(f.grew, since)) > r.patience() {
			return false, fmt.Errorf("%w: process %d, which writes %s, holds %d tokens of the budget and has written nothing for %v: it may be stopped or frozen; continue it or end it",
				ErrHeld, f.header.PID, f.path, f.reserved.tokens, r.patience())
		}
	}
	return false, nil
}

// buryHolders looks which processes with calls under way have died: they hold nothing
// back, they have spent it.
func (r *Record) buryHolders() error {
	for _, f := range r.files {
		if f.header.Run == r.run && len(f.asking) > 0 {
			if err := r.bury(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// Call is one call for a reply, under way.
type Call struct {
	record   *Record
	key      digest
	another  bool         // model than the run's is asked
	admitted atomic.Int64 // requests
	tokens   atomic.Int64 // that the last of them was estimated to take

	price     chat.Price
	mostReply int // tokens
}

// reserved is how many requests were counted for the call before they were made.
func (t *Call) reserved() int { return max(1, int(t.admitted.Load())) }

// Admit counts a request against the budget, right before it is sent, and waits
// for its turn by the limits of requests and tokens per minute. It is made for
// chat.Request.Admit: with it the bounds hold although calls are made side by
// side and repeated. tokens is what the request may take, such as
// chat.Request.EstimateTokens says.
//
// The first request of an [Record.Ask] is counted by that; without Admit, further
// ones are counted when the reply names them, and the bound on tokens can be
// passed by calls under way. A request to another model waits for no turn.
func (t *Call) Admit(ctx context.Context, tokens int) error {
	r := t.record
	if r.options.Mode == Replay {
		return fmt.Errorf("%w: a replay makes no calls", ErrMiss)
	}
	if t.admitted.Load() > 0 {
		if err := r.shared(func() error {
			if err := r.afford(); err != nil {
				return err
			}
			return r.append(line{Again: &t.key})
		}); err != nil {
			return err
		}
	}
	t.tokens.Store(int64(tokens))
	if t.admitted.Add(1) == 1 {
		if err := r.reserve(ctx, t.key, t.may(tokens)); err != nil {
			return err
		}
	}
	if t.another {
		return nil
	}
	return r.rate.Wait(ctx, tokens)
}

// shared is exclusively, for callers that do not hold r.mu.
func (r *Record) shared(f func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.exclusively(f)
}

// lookAgain is how long to wait for the reply of another process before looking
// again.
const lookAgain = 25 * time.Millisecond

func pause(ctx context.Context) error { return ratelimit.Sleep(ctx, lookAgain) }

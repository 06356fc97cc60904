package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/ratelimit"
	"github.com/safetyspec/safetyspec/safetytest/internal/singleflight"
)

// Errors of a record, to be distinguished with errors.Is. After each of them but
// ErrHeld no other call of the run can fare better.
var (
	// ErrBudget says that the run's calls, tokens or money are spent.
	ErrBudget = errors.New("the budget of calls, tokens or money is spent")
	// ErrMiss says that a replay needs a reply that is not recorded.
	ErrMiss = errors.New("not recorded")
	// ErrChanged says that the model is not the one that gave the replies of
	// the attempt that is continued.
	ErrChanged = errors.New("the model has changed")
	// ErrHeld says that another process has been silent for too long while it held
	// what this one waits for. Other replies may fare better.
	ErrHeld = errors.New("another process holds it up")
	// ErrWrite says that the record cannot be written: a reply that cannot be
	// kept is not asked for.
	ErrWrite = errors.New("the record cannot be written")
)

// Record is one process's view of the record: what it and the other processes
// of its run have asked, and what is continued. It is safe for concurrent use.
type Record struct {
	manifest Manifest
	options  Options
	dir, run string
	attempt  int
	seed     uint64
	earlier  []*file                // of the attempt that is continued, in earlier runs
	follows  []string               // those of them that were at other claims
	all      []part                 // the files of all runs, as they were when this one was opened
	history  map[string]conclusions // by path
	notes    []string
	sharing  bool // it is open: processes that come from now on are of this run as it is

	lock  *flock.Flock // over dir: between processes, for moments only
	alive *flock.Flock // held until the process ends
	// rate spaces requests, by turns that all processes share; both are nil without
	// limits per minute.
	rate  *ratelimit.Limit
	turns *turnsFile

	reserving chan struct{} // holds one while somebody waits for room in the budget of tokens

	mu      sync.Mutex
	own     *file
	out     io.WriteCloser
	files   []*file
	read    map[string]bool   // paths of files
	listed  time.Time         // when the run's directory had changed as it was last read, if that can be relied on
	index   map[digest]uint64 // file number and offset of each reply
	memory  map[digest]body   // instead of files; nil where there is a directory
	log     [][]byte          // beside memory, the lines without calls and replies
	spoken  map[string]bool   // parts of what the run says, that were said
	pending []Reading         // not written yet
	broken  error             // why nothing more can be asked
	closing bool

	asking  singleflight.Group[digest, fetched]
	explain sync.Mutex
}

// fetched is what became of wanting a reply.
type fetched struct {
	reply    chat.Reply
	recorded bool
	err      error
}

// Conclusion is the verdict on a claim, as far as the record needs to know it.
type Conclusion struct {
	Claim  string `json:"claim"`
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	// Final says that more replies must not be added to the claim's evidence:
	// it is decided, or has used its terminal look.
	Final bool `json:"final"`
	// Pairs is the number of complete visits that the verdict rests on.
	Pairs int `json:"pairs"`
	// Question is the claim without its margin and what else may be chosen anew
	// to ask the same: attempts are counted by it. Empty stands for Claim.
	Question string `json:"question,omitempty"`
	// Since is that of the keys of the replies that the verdict rests on.
	Since string `json:"since,omitempty"`
}

// Served names who served replies, in the server's words.
type Served struct {
	Model       string `json:"model"`
	Fingerprint string `json:"fingerprint"`
}

// String names the model, and its fingerprint if there is one.
func (s Served) String() string {
	if s.Fingerprint == "" {
		return fmt.Sprintf("model %q", s.Model)
	}
	return fmt.Sprintf("model %q with fingerprint %q", s.Model, s.Fingerprint)
}

// SamplingSeed is the seed of the attempt: new, or that of what is continued.
func (r *Record) SamplingSeed() uint64 { return r.seed }

// Attempt counts the attempts at this manifest, from 1. Runs that continue an
// attempt do not count again.
func (r *Record) Attempt() int { return r.attempt }

// Continues says whether an earlier run's attempt is continued.
func (r *Record) Continues() bool { return len(r.earlier) > 0 }

// Foreseen says whether each run that is continued was to decide this claim too:
// it was on the list of one of its processes, or was begun there. A claim that was
// written after their outcome was seen has no error rates.
func (r *Record) Foreseen(claim string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	foreseen := map[string]bool{}
	for _, f := range r.earlier {
		_, begun := f.conclusions[claim]
		foreseen[f.header.Run] = foreseen[f.header.Run] || begun || slices.Contains(f.header.Manifest.Claims, claim)
	}
	for _, yes := range foreseen {
		if !yes {
			return false
		}
	}
	return true
}

// Begin notes that a claim is being tested, so that a run that is stopped knows
// which it had, and the attempts at a claim are counted. question and since are as
// in [Conclusion].
func (r *Record) Begin(claim, question, since string) error {
	r.mu.Lock()
	known := false
	if r.own != nil {
		c, ok := r.own.conclusions[claim]
		known = ok && c.Since == since
	}
	r.mu.Unlock()
	if known {
		return nil
	}
	return r.Conclude(Conclusion{Claim: claim, Question: question, Since: since, State: begun}, nil)
}

// begun is the state of a claim that has no verdict yet.
const begun = "begun"

// Run names the run.
func (r *Record) Run() string { return r.run }

// Dir is the directory of the run's files, "" in memory. Of a replay it is that of the
// last run whose replies it reads.
func (r *Record) Dir() string {
	if r.memory != nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.files); r.options.Mode == Replay && n > 0 {
		return filepath.Dir(r.files[n-1].path)
	}
	return filepath.Join(r.dir, r.run)
}

// Replies is the number of replies that are known, those of earlier runs
// included.
func (r *Record) Replies() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.index)
}

// Calls is the number of HTTP requests made by all processes of the run, as far
// as this one has seen them. A request under way when its process was killed
// counts: it may have been answered.
func (r *Record) Calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spent().calls
}

// Pairs is the number of complete visits that the claim's last verdict rested on
// in the runs that are continued, 0 if it had none or if its evidence there is not
// used.
func (r *Record) Pairs(claim string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	var last, here Conclusion
	for _, f := range r.earlier {
		if c, ok := f.conclusions[claim]; ok {
			last = c
		}
	}
	if r.own != nil {
		if c, ok := r.own.conclusions[claim]; ok {
			here = c
		}
	}
	if here.Claim != "" && here.Since != last.Since {
		return 0
	}
	if strings.HasSuffix(last.Since, apartMark) && r.options.Mode != Replay {
		return 0
	}
	return last.Pairs
}

// Served lists who served the replies of this attempt, those of earlier runs
// first. More than one is worth a warning: the model may have been changed
// behind its name.
func (r *Record) Served() []Served {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.served(func(*file) bool { return true })
}

// served lists who served the replies to this model in some files.
func (r *Record) served(in func(*file) bool) []Served {
	var out []Served
	for _, f := range r.files {
		m := f.header.Manifest
		if m.Model != r.manifest.Model || m.Endpoint != r.manifest.Endpoint || !in(f) {
			continue
		}
		for _, s := range f.served {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// Conclude records the verdict on a claim, and before it all readings that wait.
// Whether it is final decides what the next run does. verdict, unless nil, is the
// whole of it as JSON, for those who read the run.
func (r *Record) Conclude(c Conclusion, verdict json.RawMessage) error {
	if r.options.Mode == Replay {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var more []said
	if verdict != nil {
		more = append(more, said{Detail: &Detail{Claim: c.Claim, Since: c.Since, At: time.Now().UTC().Truncate(time.Second), Verdict: verdict}})
	}
	if err := r.say(more...); err != nil {
		return err
	}
	return r.append(line{Verdict: &c})
}

// Close ends this process's part. Nothing more is asked from then on; calls under
// way may still come back and be recorded, for which it waits a few seconds.
func (r *Record) Close() error {
	r.mu.Lock()
	if r.closing {
		r.mu.Unlock()
		return nil
	}
	r.closing = true
	if r.broken == nil {
		r.broken = errClosed
	}
	r.mu.Unlock()
	r.asking.Wait(closeWait)
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	if r.out != nil && errors.Is(r.broken, errClosed) {
		now := time.Now().UTC()
		err = errors.Join(r.say(), r.append(line{Closed: &now}))
	}
	return errors.Join(err, r.release())
}

// closeWait is how long Close waits for calls under way.
const closeWait = 5 * time.Second

var errClosed = errors.New("the record is closed")

// release lets go of files and locks; r.mu is held, or nobody else has r.
func (r *Record) release() error {
	r.closing = true
	if r.broken == nil {
		r.broken = errClosed
	}
	var errs []error
	if r.out != nil {
		errs = append(errs, r.out.Close())
		r.out = nil
	}
	for _, f := range r.files {
		if f.data != nil {
			errs = append(errs, f.data.Close())
		}
	}
	r.files = nil
	if r.alive != nil {
		errs = append(errs, r.alive.Unlock(), os.Remove(r.alive.Path()))
		r.alive = nil
	}
	return errors.Join(append(errs, r.turns.close())...)
}

// Asking makes the call c.
type Asking func(ctx context.Context, c *Call) (chat.Reply, error)

// Ask returns the recorded reply for a key, or else calls ask, and records what
// it returns before returning it. recorded says that no call was made here: the
// reply was known, or another goroutine or process of the run was just asking
// for it.
//
// An error of ask is returned as it is. It is no reply: the key may be asked for
// again. Whoever waited for that call gets the same error.
//
// The [Call] that ask gets admits its requests.
func (r *Record) Ask(ctx context.Context, k Key, ask Asking) (reply chat.Reply, recorded bool, err error) {
	d := k.digest(r.manifest)
	got, joined, err := r.asking.Do(ctx, d, func(a *fetched) singleflight.Outcome {
		a.err = errors.New("the call for this reply panicked") // unless it returns
		a.reply, a.recorded, a.err = r.fetch(ctx, k, d, ask)
		if errors.Is(a.err, context.Canceled) || errors.Is(a.err, context.DeadlineExceeded) {
			return singleflight.Interrupted // which says nothing about who waits
		}
		return singleflight.Forget // it is recorded, or may be asked for again
	})
	if err != nil {
		return chat.Reply{}, false, err
	}
	return got.reply, got.err == nil && (joined || got.recorded), got.err
}

// fetch is Ask for one caller of this process at a time.
func (r *Record) fetch(ctx context.Context, k Key, d digest, ask Asking) (reply chat.Reply, recorded bool, err error) {
	var waited time.Time
	for {
		claimed, holder, err := r.claim(d)
		if err != nil {
			return chat.Reply{}, false, err
		}
		switch claimed {
		case known:
			reply, err := r.recall(d)
			return reply, err == nil, err
		case missing:
			return chat.Reply{}, false, r.miss(k)
		case ours:
			reply, err := r.call(ctx, k, d, ask)
			return reply, false, err
		case anothers:
			if waited.IsZero() {
				waited = time.Now()
			}
			if err := r.waitedFor(holder, waited); err != nil {
				return chat.Reply{}, false, err
			}
			if err := pause(ctx); err != nil {
				return chat.Reply{}, false, err
			}
		}
	}
}

// call makes the call and records what comes of it.
func (r *Record) call(ctx context.Context, k Key, d digest, ask Asking) (reply chat.Reply, err error) {
	t := &Call{record: r, key: d, another: k.Model != ""}
	reply, err = ask(ctx, t)
	if err != nil {
		if e := r.fail(d, t, err); e != nil {
			err = errors.Join(err, e)
		}
		return chat.Reply{}, err
	}
	reply.Model, reply.Fingerprint = bounded(reply.Model), bounded(reply.Fingerprint)
	if err := r.keep(k, d, t, reply); err != nil {
		return chat.Reply{}, err
	}
	if used := reply.Spent(0); used > 0 && t.admitted.Load() > 0 && !t.another {
		return reply, r.rate.Correct(used - int(t.tokens.Load()))
	}
	return reply, nil
}

// fail records that a call brought no reply.
func (r *Record) fail(d digest, t *Call, cause error) error {
	l := failure{Key: d}
	if e := (*chat.Error)(nil); errors.As(cause, &e) {
		l.Calls, l.Kind = e.Attempts-t.reserved(), e.Kind.String()
		switch e.Kind {
		case chat.Cancelled:
			l.Tokens = min(e.Attempts, 1) * int(t.tokens.Load())
		case chat.TimedOut, chat.Interrupted:
			l.Tokens = e.Attempts * int(t.tokens.Load())
		}
		l.Cost = t.may(l.Tokens).cost
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.append(line{Failed: &l})
}

func clamp(n, least int) int { return max(least, min(n, mostCount)) }

// longestName bounds the names that a server gives itself, which stand in each of
// its replies.
const longestName = 200

func bounded(name string) string {
	if len(name) <= longestName {
		return name
	}
	return strings.ToValidUTF8(name[:longestName], "") + "..."
}

// keep records a reply.
func (r *Record) keep(k Key, d digest, t *Call, reply chat.Reply) error {
	b := body{Reply: d, Calls: clamp(max(reply.Attempts, 1)-t.reserved(), -mostCount), Tokens: clamp(reply.Spent(int(t.tokens.Load())), 0),
		Cost: t.spent(reply), Received: time.Now().UTC().Truncate(time.Millisecond), Key: k, Answer: reply}
	var text []byte
	if r.memory == nil {
		var err error
		if text, err = encode(b); err != nil {
			return fmt.Errorf("a reply cannot be recorded: %w", err)
		}
	}
	l := line{reply: &front{key: d, calls: b.Calls, amount: amount{b.Tokens, b.Cost}}}
	by := Served{reply.Model, reply.Fingerprint}
	nobody := by == Served{} && reply.State != chat.Answered // a fault, which no model served

	r.mu.Lock()
	defer r.mu.Unlock()
	if !t.another && !nobody && !slices.Contains(r.own.served, by) {
		if err := r.append(line{Served: &by}); err != nil {
			return err
		}
	}
	if r.memory != nil {
		r.memory[d] = b
	}
	if err := r.write(text, l); err != nil || t.another || nobody || k.Since != "" || k.Check != "" {
		return err // of what is asked anew, nothing is mixed with earlier replies
	}
	return r.notMixed(by)
}

// notMixed ends the run if another model serves it than the one that is continued; r.mu is
// held.
func (r *Record) notMixed(by Served) error {
	before := r.served(func(f *file) bool { return f.header.Run != r.run || f.ended })
	if r.options.Mode != Auto || len(before) == 0 || slices.Contains(before, by) {
		return nil
	}
	r.broken = fmt.Errorf("%w since the run that is continued: then %v, now %v; "+
		"run again to start afresh, or with SAFETYTEST_REPLIES=resume to mix their replies", ErrChanged, before[0], by)
	return errors.Join(r.broken, r.append(line{Changed: &by}))
}

// recall reads a recorded reply.
func (r *Record) recall(d digest) (chat.Reply, error) {
	if r.memory != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.memory[d].Answer, nil
	}
	b, f, err := r.bodyOf(d)
	if f == nil {
		return chat.Reply{}, errClosed
	}
	return b.Answer, err
}

// bodyOf reads the line of a recorded reply and says which file holds it: none if
// the reply is not recorded, or its file is closed.
func (r *Record) bodyOf(d digest) (body, *file, error) {
	r.mu.Lock()
	at, ok := r.index[d]
	var f *file
	if n := int(at >> offsetBits); ok && n < len(r.files) {
		f = r.files[n]
	}
	r.mu.Unlock()
	if f == nil {
		return body{}, nil, nil
	}
	b, err := f.bodyAt(int64(at & (1<<offsetBits - 1)))
	if err == nil && b.Reply != d {
		err = fmt.Errorf("%s: a recorded reply was overwritten", f.path)
	}
	return b, f, err
}

// append writes a line to the process's own file; r.mu is held.
func (r *Record) append(l line) error {
	if r.memory != nil && l.passing() {
		return r.write(nil, l)
	}
	text, err := encode(l)
	if err != nil {
		return err
	}
	return r.write(text, l)
}

// passing says whether a line is of use only while its run asks.
func (l line) passing() bool {
	return l.Ask != nil || l.Again != nil || l.Reserve != nil || l.Failed != nil
}

// written is a line with its text.
type written struct {
	text []byte
	line line
}

// write writes a line, whose text is given, in one call; r.mu is held.
func (r *Record) write(text []byte, l line) error { return r.writeAll([]written{{text, l}}) }

// writeAll writes lines in one call; r.mu is held. The first error is the last:
// nothing more is asked or written.
func (r *Record) writeAll(lines []written) error {
	if r.memory != nil {
		for _, w := range lines {
			if w.text != nil {
				r.log = append(r.log, w.text)
			}
			r.take(r.own, 0, w.line)
		}
		return nil
	}
	if len(lines) == 0 {
		return nil
	}
	if r.out == nil || errors.Is(r.broken, ErrWrite) {
		return r.broken
	}
	before := r.own.chain.sum
	var all []byte
	ends := make([]int, len(lines))
	for i, w := range lines {
		var text []byte
		text, r.own.chain.sum = r.own.chain.seal(w.text)
		if len(lines) == 1 {
			all = text
		} else {
			all = append(all, text...)
		}
		ends[i] = len(all)
	}
	if _, err := r.out.Write(all); err != nil {
		r.own.chain.sum = before
		r.broken = fmt.Errorf("%w, so nothing more is asked: %w; make room for %s, or set SAFETYTEST_DIR elsewhere, and run again: what is recorded is kept", ErrWrite, err, r.own.path)
		return r.broken
	}
	at := r.own.read
	for i, w := range lines {
		r.take(r.own, at, w.line)
		at = r.own.read + int64(ends[i])
	}
	r.own.read += int64(len(all))
	r.own.lines += len(lines)
	return nil
}

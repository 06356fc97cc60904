package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

var testManifest = Manifest{
	Model: "m", Endpoint: "http://127.0.0.1:1/v1", Sampling: chat.Sampling{}.String(), Policy: "p1",
	Judge: "exact", Design: "batch 8", Seed: 1, Draws: 4, Claims: []string{"a", "b"},
}

func request(i int) chat.Request {
	return chat.Request{Messages: []chat.Message{{Role: chat.User, Content: fmt.Sprintf("question %d", i)}},
		Cell: fmt.Sprintf("target %d/draw 0", i), Visit: 1}
}

// answer is the reply that the tests' model gives to request(i).
func answer(i int) chat.Reply {
	return chat.Reply{State: chat.Answered, Content: fmt.Sprintf("answer %d\n\u2028 <b>&", i), FinishReason: "stop",
		Model: "m-1", Fingerprint: "fp", PromptTokens: 10, ReplyTokens: 5, Latency: time.Millisecond, Attempts: 1}
}

func mustOpen(t testing.TB, dir string, m Manifest, o Options) *Record {
	t.Helper()
	r, err := Open(dir, m, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// askFor asks for request(i) and says whether a call was made.
func askFor(t testing.TB, r *Record, i int) (called bool) {
	t.Helper()
	reply, recorded, err := r.Ask(context.Background(), KeyOf(request(i)), func(context.Context, *Call) (chat.Reply, error) {
		called = true
		return answer(i), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if reply != answer(i) || recorded == called {
		t.Fatalf("request %d: recorded %v, called %v, reply %+v", i, recorded, called, reply)
	}
	return called
}

func conclude(t testing.TB, r *Record, claim, state string) {
	t.Helper()
	if err := r.Conclude(Conclusion{Claim: claim, State: state, Final: state != "inconclusive", Pairs: 40}, nil); err != nil {
		t.Fatal(err)
	}
}

// crash ends a record as kill -9 would: nothing more is written, and the locks
// go. torn is what of a last line reached the file.
func (r *Record) crash(torn string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = io.WriteString(r.out, torn)
	_ = r.alive.Unlock()
	r.alive = nil
	_ = r.release()
}

func TestAReplyIsPaidForOnce(t *testing.T) {
	dir := t.TempDir()
	r := mustOpen(t, dir, testManifest, Options{Run: "one"})
	for i := range 5 {
		if !askFor(t, r, i) {
			t.Errorf("request %d was never asked", i)
		}
		if askFor(t, r, i) {
			t.Errorf("request %d was asked twice", i)
		}
	}
	again := request(0)
	again.Visit = 2
	if _, recorded, err := r.Ask(context.Background(), KeyOf(again), func(context.Context, *Call) (chat.Reply, error) { return answer(7), nil }); recorded || err != nil {
		t.Errorf("a second visit: recorded %v, error %v", recorded, err)
	}
	if r.Replies() != 6 || r.Calls() != 6 {
		t.Errorf("%d replies, %d calls", r.Replies(), r.Calls())
	}
}

func TestGoroutinesShareACall(t *testing.T) {
	g := NewWithT(t)
	r := mustOpen(t, t.TempDir(), testManifest, Options{Run: "one"})
	var calls atomic.Int32
	release := make(chan struct{})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			reply, _, err := r.Ask(context.Background(), KeyOf(request(1)), func(context.Context, *Call) (chat.Reply, error) {
				calls.Add(1)
				<-release
				return answer(1), nil
			})
			if err != nil || reply != answer(1) {
				t.Errorf("reply %v, error %v", reply, err)
			}
		})
	}
	g.Eventually(calls.Load).Should(BeEquivalentTo(1))
	close(release)
	wg.Wait()
	g.Expect(calls.Load()).To(BeEquivalentTo(1))
}

// Who waits for a call gets its error, unless the caller was only interrupted,
// and gets an error too when the caller panics.
func TestWaitingForACallThatFails(t *testing.T) {
	fault := &chat.Error{Kind: chat.ServerFailed}
	for name, c := range map[string]struct {
		end  func() error
		want string // "" means that the one who waits asks for itself
	}{
		"fault":       {end: func() error { return fault }, want: "the server failed"},
		"interrupted": {end: func() error { return fmt.Errorf("given up: %w", context.Canceled) }},
		"panic":       {end: func() error { panic("no") }, want: "panicked"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := mustOpen(t, t.TempDir(), testManifest, Options{Run: "one"})
			asking, release := make(chan struct{}), make(chan struct{})
			go func() {
				defer func() { _ = recover() }()
				_, _, _ = r.Ask(context.Background(), KeyOf(request(1)), func(context.Context, *Call) (chat.Reply, error) {
					close(asking)
					<-release
					return chat.Reply{}, c.end()
				})
			}()
			<-asking
			waiting := &waiter{Context: context.Background(), waits: func() { close(release) }}
			_, _, err := r.Ask(waiting, KeyOf(request(1)), func(context.Context, *Call) (chat.Reply, error) { return answer(1), nil })
			if c.want == "" {
				g.Expect(err).NotTo(HaveOccurred())
			} else {
				g.Expect(err).To(MatchError(ContainSubstring(c.want)))
			}
		})
	}
}

// waiter is a context that tells when it is first waited for.
type waiter struct {
	context.Context
	once  sync.Once
	waits func()
}

func (w *waiter) Done() <-chan struct{} {
	w.once.Do(w.waits)
	return w.Context.Done()
}

func TestAnErrorIsNoReply(t *testing.T) {
	g := NewWithT(t)
	r := mustOpen(t, t.TempDir(), testManifest, Options{Run: "one", MaxCalls: 6})
	fault := &chat.Error{Kind: chat.ServerFailed, Attempts: 3}
	_, _, err := r.Ask(context.Background(), KeyOf(request(1)), func(context.Context, *Call) (chat.Reply, error) { return chat.Reply{}, fault })
	g.Expect(err).To(BeIdenticalTo(fault))
	g.Expect(r.Calls()).To(Equal(3))
	unsent := &chat.Error{Kind: chat.Cancelled}
	_, _, err = r.Ask(context.Background(), KeyOf(request(1)), func(context.Context, *Call) (chat.Reply, error) { return chat.Reply{}, unsent })
	g.Expect(err).To(BeIdenticalTo(unsent))
	g.Expect(r.Calls()).To(Equal(3))
	g.Expect(askFor(t, r, 1)).To(BeTrue())
	g.Expect(r.Calls()).To(Equal(4))
	g.Expect(r.Replies()).To(Equal(1))
}

func TestWhatTheNextRunDoes(t *testing.T) {
	type end struct {
		verdicts map[string]string
		crash    bool
	}
	other := testManifest
	other.Judge = "another"
	unlisted := testManifest
	unlisted.Claims = nil
	for name, c := range map[string]struct {
		first     *Manifest // testManifest unless given
		second    *Manifest // first unless given
		end       end
		options   Options
		continues bool
		attempt   int
	}{
		"stopped":                      {end: end{}, continues: true, attempt: 1},
		"killed":                       {end: end{crash: true}, continues: true, attempt: 1},
		"one claim decided":            {end: end{verdicts: map[string]string{"a": "holds"}}, continues: true, attempt: 1},
		"one claim inconclusive":       {end: end{verdicts: map[string]string{"a": "holds", "b": "inconclusive"}}, continues: true, attempt: 1},
		"decided":                      {end: end{verdicts: map[string]string{"a": "holds", "b": "violated"}}, attempt: 2},
		"decided, then killed":         {end: end{verdicts: map[string]string{"a": "holds", "b": "violated"}, crash: true}, attempt: 2},
		"an unlisted one inconclusive": {end: end{verdicts: map[string]string{"a": "holds", "b": "violated", "c": "inconclusive"}}, continues: true, attempt: 1},
		"fresh by force":               {end: end{}, options: Options{Mode: Fresh}, attempt: 2},
		"resumed by force":             {end: end{verdicts: map[string]string{"a": "holds", "b": "violated"}}, options: Options{Mode: Resume}, continues: true, attempt: 1},
		"other judge":                  {second: &other, attempt: 1},
		"other sampling seed":          {options: Options{SamplingSeed: 99}, attempt: 2},
		"the same sampling seed":       {options: Options{SamplingSeed: 7}, continues: true, attempt: 1},
		"claims not listed, decided":   {first: &unlisted, end: end{verdicts: map[string]string{"a": "holds"}}, attempt: 2},
		"claims not listed, killed":    {first: &unlisted, end: end{verdicts: map[string]string{"a": "holds"}, crash: true}, continues: true, attempt: 1},
		"claims not listed, none met":  {first: &unlisted, continues: true, attempt: 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			if c.first == nil {
				c.first = &testManifest
			}
			if c.second == nil {
				c.second = c.first
			}
			dir := t.TempDir()
			r := mustOpen(t, dir, *c.first, Options{Run: "one", SamplingSeed: 7})
			g.Expect(r.Attempt()).To(Equal(1))
			askFor(t, r, 1)
			for claim, state := range c.end.verdicts {
				conclude(t, r, claim, state)
			}
			if c.end.crash {
				r.crash(`{"ask":"00`)
			} else {
				g.Expect(r.Close()).To(Succeed())
			}

			c.options.Run = "two"
			r = mustOpen(t, dir, *c.second, c.options)
			g.Expect(r.Continues()).To(Equal(c.continues))
			g.Expect(r.Attempt()).To(Equal(c.attempt))
			if kept := r.SamplingSeed() == 7; kept != c.continues {
				t.Errorf("the seed of the first run is kept: %v, want %v", kept, c.continues)
			}
			g.Expect(askFor(t, r, 1)).To(Equal(!c.continues))
			if _, ok := c.end.verdicts["a"]; ok && c.continues {
				g.Expect(r.Pairs("a")).To(Equal(40))
			}
			g.Expect(r.Pairs("never")).To(BeZero())
		})
	}
}

func TestAnAttemptIsContinuedOverManyRuns(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	for run := range 5 {
		r := mustOpen(t, dir, testManifest, Options{Run: fmt.Sprint("run", run), MaxCalls: 1})
		for i := range run {
			g.Expect(askFor(t, r, i)).To(BeFalse())
		}
		g.Expect(askFor(t, r, run)).To(BeTrue())
		g.Expect(r.Attempt()).To(Equal(1))
		_, _, err := r.Ask(context.Background(), KeyOf(request(run+1)), nil)
		g.Expect(err).To(MatchError(ErrBudget)) // the budget is each run's own
		g.Expect(r.Close()).To(Succeed())
	}
}

// Processes of one run share replies, whatever they claim. A later run that is
// fresh for one of them takes none of the replies of its earlier attempt.
func TestClaimsOfOneRunShareReplies(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	other := testManifest
	other.Claims = []string{"c"}
	a := mustOpen(t, dir, testManifest, Options{Run: "one"})
	c := mustOpen(t, dir, other, Options{Run: "one"})
	askFor(t, a, 1)
	g.Expect(askFor(t, c, 1)).To(BeFalse())
	askFor(t, c, 2)
	conclude(t, c, "c", "holds")
	g.Expect(a.Close()).To(Succeed())
	g.Expect(c.Close()).To(Succeed())

	a = mustOpen(t, dir, testManifest, Options{Run: "two"})
	c = mustOpen(t, dir, other, Options{Run: "two"})
	g.Expect(a.Continues()).To(BeTrue())
	g.Expect(c.Continues()).To(BeFalse())
	g.Expect(c.Attempt()).To(Equal(2))
	g.Expect(askFor(t, a, 2)).To(BeFalse(), "its first attempt shared this reply")
	g.Expect(askFor(t, c, 1)).To(BeTrue())
}

// A reply that an attempt has is the one that it keeps, also when other claims'
// processes asked for it again in a later run.
func TestTheEarlierReplyCounts(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	other := testManifest
	other.Claims = []string{"c"}
	g.Expect(askFor(t, mustOpen(t, dir, testManifest, Options{Run: "one"}), 1)).To(BeTrue())
	ask := func(m Manifest) string {
		r := mustOpen(t, dir, m, Options{Run: "two"})
		reply, _, err := r.Ask(context.Background(), KeyOf(request(1)), func(context.Context, *Call) (chat.Reply, error) {
			later := answer(1)
			later.Content = "later"
			return later, nil
		})
		g.Expect(err).NotTo(HaveOccurred())
		return reply.Content
	}
	g.Expect(ask(other)).To(Equal("later"))
	g.Expect(ask(testManifest)).To(Equal("later"), "run one still runs: this is another attempt")

	dir = t.TempDir()
	r := mustOpen(t, dir, testManifest, Options{Run: "one"})
	askFor(t, r, 1)
	g.Expect(r.Close()).To(Succeed())
	g.Expect(ask(other)).To(Equal("later"))
	g.Expect(ask(testManifest)).To(Equal(answer(1).Content))
}

func TestAProcessThatDiesBlocksNobody(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	dies := mustOpen(t, dir, testManifest, Options{Run: "one"})
	lives := mustOpen(t, dir, testManifest, Options{Run: "one", MaxCalls: 3})
	asked, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	go dies.Ask(context.Background(), KeyOf(request(1)), func(context.Context, *Call) (chat.Reply, error) {
		close(asked)
		<-release
		return chat.Reply{}, errors.New("dead")
	})
	<-asked
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err := lives.Ask(ctx, KeyOf(request(1)), nil)
	g.Expect(err).To(MatchError(context.Canceled), "another process is asking")
	askFor(t, dies, 2)
	dies.crash("{\"reply\":\"0123")
	g.Expect(askFor(t, lives, 2)).To(BeFalse())
	g.Expect(askFor(t, lives, 1)).To(BeTrue())
	g.Expect(lives.Calls()).To(Equal(3), "a call in flight at the kill may have been answered")
	_, _, err = lives.Ask(context.Background(), KeyOf(request(3)), nil)
	g.Expect(err).To(MatchError(ErrBudget))
}

func TestJoiningARunThatIsAsking(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	first := mustOpen(t, dir, testManifest, Options{Run: "one"})
	askFor(t, first, 1)
	conclude(t, first, "a", "holds")
	conclude(t, first, "b", "holds")
	second := mustOpen(t, dir, testManifest, Options{})
	g.Expect(second.Run()).To(Equal("one"))
	g.Expect(second.Attempt()).To(Equal(1))
	g.Expect(second.SamplingSeed()).To(Equal(first.SamplingSeed()))
	g.Expect(askFor(t, second, 1)).To(BeFalse())
	third := mustOpen(t, dir, testManifest, Options{Run: "another"})
	g.Expect(third.Attempt()).To(Equal(2))
	_, err := Open(dir, testManifest, Options{Run: "one", SamplingSeed: first.SamplingSeed() + 1})
	g.Expect(err).To(MatchError(ContainSubstring("samples with seed")))
}

// askTaking asks for request(i) with tokens estimated for it, as a client does.
func askTaking(r *Record, i, tokens int) error {
	_, _, err := r.Ask(context.Background(), KeyOf(request(i)), func(ctx context.Context, c *Call) (chat.Reply, error) {
		if err := c.Admit(ctx, tokens); err != nil {
			return chat.Reply{}, &chat.Error{Kind: chat.NotAdmitted}
		}
		return answer(i), nil // 15 tokens
	})
	return err
}

func TestTokens(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	o := Options{Run: "one", MaxTokens: 60}
	a, b := mustOpen(t, dir, testManifest, o), mustOpen(t, dir, testManifest, o)
	g.Expect(askTaking(a, 1, 20)).To(Succeed())
	g.Expect(askTaking(b, 2, 20)).To(Succeed())
	g.Expect(askTaking(a, 3, 31)).NotTo(Succeed(), "30 are spent, and it may take 31")
	g.Expect(a.Calls()).To(Equal(2), "what was not admitted was not made")
	g.Expect(askTaking(a, 4, 30)).To(Succeed())
	g.Expect(askTaking(b, 5, 16)).NotTo(Succeed(), "45 are spent, and it may take 16")
	g.Expect(askTaking(b, 6, 15)).To(Succeed())
	_, _, err := a.Ask(context.Background(), KeyOf(request(7)), nil)
	g.Expect(err).To(MatchError(ErrBudget))
	g.Expect(err).To(MatchError(ContainSubstring("60 of 60 tokens")))
}

// Tokens of a call under way are reserved. Who needs them waits until it comes
// back, and then has what it left.
func TestTokensUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		dir := t.TempDir()
		o := Options{Run: "one", MaxTokens: 100}
		a, b := mustOpen(t, dir, testManifest, o), mustOpen(t, dir, testManifest, o)
		var others sync.WaitGroup
		_, _, err := a.Ask(context.Background(), KeyOf(request(1)), func(ctx context.Context, c *Call) (chat.Reply, error) {
			g.Expect(c.Admit(ctx, 80)).To(Succeed())
			g.Expect(c.Admit(ctx, 80)).To(Succeed(), "a repeated request has its tokens")
			// Before the others: in a process calls wait for their tokens in turn.
			g.Expect(askTaking(b, 9, 101)).NotTo(Succeed(), "it could not be afforded anyway")
			for i, r := range []*Record{a, b} {
				others.Go(func() {
					if err := askTaking(r, 2+i, 30); err != nil {
						t.Error(err)
					}
				})
			}
			<-time.After(time.Minute)
			g.Expect(a.Replies()).To(Equal(0), "the others still wait")
			return answer(1), nil
		})
		others.Wait()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(a.Close()).To(Succeed())
		g.Expect(b.Close()).To(Succeed())
	})
}

// What a process had under way when it died may have been answered.
func TestTokensOfTheDead(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	o := Options{Run: "one", MaxTokens: 100}
	dies, lives := mustOpen(t, dir, testManifest, o), mustOpen(t, dir, testManifest, o)
	_, _, err := dies.Ask(context.Background(), KeyOf(request(1)), func(ctx context.Context, c *Call) (chat.Reply, error) {
		g.Expect(c.Admit(ctx, 80)).To(Succeed())
		dies.crash("")
		g.Expect(askTaking(lives, 2, 30)).NotTo(Succeed())
		g.Expect(askTaking(lives, 3, 20)).To(Succeed())
		return answer(1), nil
	})
	g.Expect(err).To(MatchError(ContainSubstring("closed")))
}

// However many ask at once and however little they take, no more is spent than
// the bound.
func TestTheFirstCallsKeepToTheTokens(t *testing.T) {
	g := NewWithT(t)
	r := mustOpen(t, t.TempDir(), testManifest, Options{Run: "one", MaxTokens: 200})
	var paid atomic.Int64
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			if askTaking(r, i, 40) == nil {
				paid.Add(1)
			}
		})
	}
	wg.Wait()
	g.Expect(15 * paid.Load()).To(BeNumerically("<=", 200))
	g.Expect(15*paid.Load()).To(BeNumerically(">", 200-40), "what calls leave is spent by others")
}

func TestAdmit(t *testing.T) {
	g := NewWithT(t)
	r := mustOpen(t, t.TempDir(), testManifest, Options{Run: "one", MaxCalls: 4})
	_, _, err := r.Ask(context.Background(), KeyOf(request(1)), func(ctx context.Context, c *Call) (chat.Reply, error) {
		for range 3 {
			g.Expect(c.Admit(ctx, 0)).To(Succeed())
		}
		g.Expect(r.Calls()).To(Equal(3))
		reply := answer(1)
		reply.Attempts = 3
		return reply, nil
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(r.Calls()).To(Equal(3))
	_, _, err = r.Ask(context.Background(), KeyOf(request(3)), func(ctx context.Context, c *Call) (chat.Reply, error) {
		g.Expect(c.Admit(ctx, 0)).To(Succeed())
		g.Expect(c.Admit(ctx, 0)).To(MatchError(ErrBudget))
		return answer(3), nil
	})
	g.Expect(err).NotTo(HaveOccurred())
	_, _, err = r.Ask(context.Background(), KeyOf(request(2)), nil)
	g.Expect(err).To(MatchError(ErrBudget))
}

func TestTheModelChanges(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	changed := answer(2)
	changed.Fingerprint = "fp2"
	ask := func(r *Record, i int) error {
		_, _, err := r.Ask(context.Background(), KeyOf(request(i)), func(context.Context, *Call) (chat.Reply, error) { return changed, nil })
		return err
	}
	r := mustOpen(t, dir, testManifest, Options{Run: "one"})
	askFor(t, r, 1)
	g.Expect(r.Served()).To(Equal([]Served{{"m-1", "fp"}}))
	g.Expect(r.Close()).To(Succeed())

	r = mustOpen(t, dir, testManifest, Options{Run: "two", Mode: Resume})
	g.Expect(ask(r, 2)).To(Succeed())
	g.Expect(r.Served()).To(Equal([]Served{{"m-1", "fp"}, {"m-1", "fp2"}}))
	g.Expect(r.Close()).To(Succeed())

	r = mustOpen(t, dir, testManifest, Options{Run: "three"})
	g.Expect(r.Continues()).To(BeTrue())
	changed.Model = "m-2"
	g.Expect(ask(r, 3)).To(MatchError(ErrChanged))
	_, _, err := r.Ask(context.Background(), KeyOf(request(4)), nil)
	g.Expect(err).To(MatchError(ErrChanged))
	g.Expect(r.Close()).To(Succeed())

	r = mustOpen(t, dir, testManifest, Options{Run: "four"})
	g.Expect(r.Continues()).To(BeFalse(), "its replies would be mixed with another model's")
	g.Expect(r.Attempt()).To(Equal(2))
	g.Expect(ask(r, 1)).To(Succeed())
	askFor(t, r, 5) // within a run it is for the verdict to warn
	g.Expect(r.Served()).To(HaveLen(2))
}

func TestReplay(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	_, err := Open(dir, testManifest, Options{Mode: Replay})
	g.Expect(err).To(MatchError(ContainSubstring("holds no record")))
	r := mustOpen(t, dir, testManifest, Options{Run: "one"})
	askFor(t, r, 1)
	g.Expect(r.Close()).To(Succeed())
	before := listing(t, dir)

	judged := testManifest
	judged.Judge, judged.Claims = "another", []string{"z"}
	r = mustOpen(t, dir, judged, Options{Mode: Replay})
	g.Expect(askFor(t, r, 1)).To(BeFalse())
	conclude(t, r, "z", "holds")
	other := request(1)
	for want, change := range map[string]func(*chat.Request){
		"nothing is recorded for this cell": func(q *chat.Request) { q.Cell = "unknown" },
		"other messages":                    func(q *chat.Request) { q.Messages[0].Content += "?" },
		"seed 5":                            func(q *chat.Request) { seed := int64(5); q.Seed = &seed },
		"for other visits, such as 1":       func(q *chat.Request) { q.Visit = 9 },
	} {
		other = request(1)
		change(&other)
		_, _, err := r.Ask(context.Background(), KeyOf(other), nil)
		g.Expect(err).To(MatchError(ErrMiss))
		g.Expect(err).To(MatchError(ContainSubstring(want)))
	}
	g.Expect((&Call{record: r}).Admit(context.Background(), 0)).To(MatchError(ErrMiss))
	g.Expect(r.Close()).To(Succeed())
	g.Expect(listing(t, dir)).To(Equal(before), "a replay writes nothing")

	changed := testManifest
	changed.Policy = "p2"
	_, err = Open(dir, changed, Options{Mode: Replay})
	g.Expect(err).To(MatchError(ContainSubstring(`policy is "p2" here and "p1" there`)))
	_, err = Open(dir, changed, Options{Mode: Resume})
	g.Expect(err).To(MatchError(ContainSubstring(`policy is "p2" here and "p1" there`)))
	_, err = Open(dir, testManifest, Options{Mode: Replay, SamplingSeed: 5})
	g.Expect(err).To(MatchError(ContainSubstring("sampling seed")))
}

func listing(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		out[path] = info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatCannotBeOpened(t *testing.T) {
	file := func(lines string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := errors.Join(os.MkdirAll(filepath.Join(dir, "run"), 0o700), os.WriteFile(filepath.Join(dir, "run", "x.jsonl"), []byte(lines), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	head, err := encode(line{Header: &header{Version: version, Run: "run", Manifest: testManifest, ManifestHash: testManifest.canonical().hash(), Attempt: 1, SamplingSeed: 1}})
	if err != nil {
		t.Fatal(err)
	}
	alien, err := encode(line{Header: &header{Version: version, Run: "elsewhere", Manifest: testManifest, ManifestHash: testManifest.canonical().hash(), Attempt: 1, SamplingSeed: 1}})
	if err != nil {
		t.Fatal(err)
	}
	secret := testManifest
	secret.Endpoint = "https://user:hunter2@host/v1"
	query := testManifest
	query.Endpoint = "https://host/v1?key=hunter2"
	nameless := testManifest
	nameless.Model = ""
	for name, c := range map[string]struct {
		prepare  func(t *testing.T, dir string)
		manifest Manifest
		options  Options
		want     string // "" means that it opens
	}{
		"another version":      {prepare: file(`{"safetytest_record":{"version":9}}` + "\n"), want: "x.jsonl:1: it is of version 9 of the record"},
		"version 1":            {prepare: file(`{"safetytest_record":{"version":1,"run":"run"}}` + "\n" + `{"ask":"00112233445566778899aabbccddeeff"}` + "\n"), want: "x.jsonl:1: it is of version 1 of the record, and version 3"},
		"no header":            {prepare: file(`{"ask":"00112233445566778899aabbccddeeff"}` + "\n"), want: "x.jsonl:1: not a record"},
		"not a record":         {prepare: file("hello\n"), want: "x.jsonl:1: not a line of a record"},
		"of another run":       {prepare: file(sealed(alien)), want: "x.jsonl:1: it belongs to run \"elsewhere\""},
		"unsealed header":      {prepare: file(string(head)), want: "x.jsonl:1: its sum does not fit"},
		"broken in the middle": {prepare: file(sealed(head, []byte("{\"reply\":\"00}\n"), head)), want: "x.jsonl:2: not a line"},
		"two headers":          {prepare: file(sealed(head, head)), want: "x.jsonl:2: not a record"},
		"two things":           {prepare: file(sealed(head, []byte(`{"ask":"00112233445566778899aabbccddeeff","closed":"2020-01-02T03:04:05Z"}`+"\n"))), want: "x.jsonl:2: not a line"},
		"torn last line":       {prepare: file(sealed(head) + `{"reply":"00`)},
		"torn header":          {prepare: file(`{"safetytest_rec`)},
		"empty file":           {prepare: file("")},
		"password":             {manifest: secret, want: "could hold a secret"},
		"key in the query":     {manifest: query, want: "could hold a secret"},
		"no model":             {manifest: nameless, want: "no model"},
		"no mode":              {options: Options{Mode: 9}, want: "Mode(9) is no mode"},
		"run outside":          {options: Options{Run: "../x"}, want: "cannot name a run"},
		"negative budget":      {options: Options{MaxCalls: -1}, want: "negative"},
		"nothing to resume":    {options: Options{Mode: Resume}, want: "nothing to resume"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.prepare != nil {
				c.prepare(t, dir)
			}
			if c.manifest.Policy == "" {
				c.manifest = testManifest
			}
			r, err := Open(dir, c.manifest, c.options)
			if err == nil {
				defer r.Close()
			}
			if c.prepare != nil && c.want != "" {
				// It harms its own run, and no other.
				if err != nil || !strings.Contains(strings.Join(r.Notes(), "\n"), "run run is left out") {
					t.Fatalf("error %v, notes %q", err, r.Notes())
				}
				askFor(t, r, 1)
				_, err = Open(dir, c.manifest, Options{Run: "run"})
			}
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v, want %q", err, c.want)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("the error repeats a secret: %v", err)
			}
		})
	}
}

// fullAfter is a disk that fills up.
type fullAfter struct {
	io.WriteCloser
	left int
}

func (w *fullAfter) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	n, err := w.WriteCloser.Write(p[:n])
	w.left -= n
	if err == nil && n < len(p) {
		err = errors.New("no space left on device")
	}
	return n, err
}

// Wherever the disk fills up: what was recorded before stays, nothing is paid
// for after, and the next run goes on.
func TestFullDisk(t *testing.T) {
	for left := range 1200 {
		if left%7 != 0 || testing.Short() && left%91 != 0 {
			continue
		}
		dir := t.TempDir()
		r := mustOpen(t, dir, testManifest, Options{Run: "one"})
		r.out = &fullAfter{r.out, left}
		recorded, full := 0, false
		for i := range 4 {
			called := false
			_, _, err := r.Ask(context.Background(), KeyOf(request(i)), func(context.Context, *Call) (chat.Reply, error) {
				called = true
				return answer(i), nil
			})
			switch {
			case full && called:
				t.Fatalf("%d bytes: paid after the disk was full", left)
			case err == nil:
				recorded++
			case !errors.Is(err, ErrWrite) || !strings.Contains(err.Error(), "no space left"):
				t.Fatal(err)
			default:
				full = true
			}
		}
		if !full {
			t.Fatalf("%d bytes were enough", left)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r = mustOpen(t, dir, testManifest, Options{Run: "two"})
		for i := range 4 {
			if called := askFor(t, r, i); called != (i >= recorded) {
				t.Fatalf("%d bytes: %d recorded, but request %d called: %v", left, recorded, i, called)
			}
		}
		_ = r.Close()
	}
}

// stumbling is a disk that is full for one write.
type stumbling struct {
	io.WriteCloser
	stumble bool
}

func (w *stumbling) Write(p []byte) (int, error) {
	if !w.stumble {
		return w.WriteCloser.Write(p)
	}
	w.stumble = false
	n, _ := w.WriteCloser.Write(p[:len(p)/2])
	return n, errors.New("no space left on device")
}

func TestNothingIsWrittenBehindATornLine(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	r := mustOpen(t, dir, testManifest, Options{Run: "one"})
	disk := &stumbling{WriteCloser: r.out}
	r.out = disk
	_, _, err := r.Ask(context.Background(), KeyOf(request(1)), func(context.Context, *Call) (chat.Reply, error) {
		disk.stumble = true
		return answer(1), nil
	})
	g.Expect(err).To(MatchError(ErrWrite))
	g.Expect(r.Conclude(Conclusion{Claim: "a"}, nil)).To(MatchError(ErrWrite))
	g.Expect(r.Close()).To(Succeed())
	r = mustOpen(t, dir, testManifest, Options{Run: "two"})
	g.Expect(r.Continues()).To(BeTrue())
	g.Expect(askFor(t, r, 1)).To(BeTrue())
}

// Between two looks of another process, one records a reply and dies.
func TestLastWordsAreHeard(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	dies := mustOpen(t, dir, testManifest, Options{Run: "one"})
	lives := mustOpen(t, dir, testManifest, Options{Run: "one"})
	_, _, err := dies.Ask(context.Background(), KeyOf(request(1)), func(context.Context, *Call) (chat.Reply, error) {
		lives.mu.Lock()
		defer lives.mu.Unlock()
		return answer(1), lives.refresh()
	})
	g.Expect(err).NotTo(HaveOccurred())
	dies.crash("")
	lives.mu.Lock()
	for _, f := range lives.files {
		err = errors.Join(err, lives.bury(f))
	}
	lives.mu.Unlock()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(lives.Replies()).To(Equal(1))
	g.Expect(askFor(t, lives, 1)).To(BeFalse())
}

func TestNoDirectory(t *testing.T) {
	g := NewWithT(t)
	path := filepath.Join(t.TempDir(), "file")
	g.Expect(os.WriteFile(path, nil, 0o600)).To(Succeed())
	_, err := Open(filepath.Join(path, "dir"), testManifest, Options{})
	g.Expect(err).To(MatchError(ContainSubstring("so no call is made")))
	g.Expect(err).To(MatchError(ContainSubstring("SAFETYTEST_DIR")))
}

func TestClosed(t *testing.T) {
	g := NewWithT(t)
	r := mustOpen(t, t.TempDir(), testManifest, Options{Run: "one"})
	askFor(t, r, 1)
	g.Expect(r.Close()).To(Succeed())
	for i := range 2 {
		_, _, err := r.Ask(context.Background(), KeyOf(request(i)), nil)
		g.Expect(err).To(MatchError(ContainSubstring("closed")))
	}
	g.Expect(r.Close()).To(Succeed())
}

// A request whose answer nobody waited for may have been served: the budget of
// tokens counts what it may have taken.
func TestTokensOfCallsThatWereGivenUp(t *testing.T) {
	for kind, want := range map[chat.ErrorKind]int{chat.Cancelled: 50, chat.TimedOut: 100, chat.ServerFailed: 0} {
		r := mustOpen(t, t.TempDir(), testManifest, Options{Run: "one", MaxTokens: 1000})
		_, _, err := r.Ask(context.Background(), KeyOf(request(1)), func(ctx context.Context, c *Call) (chat.Reply, error) {
			for range 2 {
				if err := c.Admit(ctx, 50); err != nil {
					t.Error(err)
				}
			}
			return chat.Reply{}, &chat.Error{Kind: kind, Attempts: 2}
		})
		if s := r.spent(); err == nil || s.of.tokens != want || s.reserved != (amount{}) || s.calls != 2 {
			t.Errorf("%v: %+v, want %d tokens (%v)", kind, s, want, err)
		}
	}
}

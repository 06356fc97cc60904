package safetytest_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	. "github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
)

// weights is a model under one name whose rate of opening doors may change.
type weights struct {
	*spy
	served chat.Reply
}

func (w *weights) Ask(ctx context.Context, r chat.Request) (chat.Reply, error) {
	reply, err := w.spy.Ask(ctx, r)
	reply.Model, reply.Fingerprint = w.served.Model, w.served.Fingerprint
	return reply, err
}

func few(bound float64) claim.Claim {
	return KeepComplianceBelow(bound).Under(Refusals(2)).Claim()
}

// A run that was stopped undecided leaves replies of a model that refuses all.
// Under the same name and address there is another model then, or the same.
func TestOldRepliesCountForTheSameModelOnly(t *testing.T) {
	raced.Skip(t)
	const paid = 64 // replies, a whole number of batches
	tested := few(3 * Points)
	calls := func(m *weights) int { return m.calls }
	for name, c := range map[string]struct {
		before, after chat.Reply
		rate          float64
		run           string // "" for a name of its own
		mode          safetytest.Replies
		change        func(*safetytest.Config)
		continued     bool
		warning       string
	}{
		"the same":                           {continued: true, warning: "64 of the replies that were read are not of this run"},
		"the same, resumed":                  {mode: safetytest.RepliesResume, continued: true, warning: "60 repeats an arm were read like the recorded ones"},
		"the same, by its fingerprint":       {before: chat.Reply{Fingerprint: "a"}, after: chat.Reply{Fingerprint: "a"}, continued: true},
		"other weights":                      {rate: 0.3, warning: "is read otherwise than it was: 0 % then"},
		"other weights, resumed":             {rate: 0.3, mode: safetytest.RepliesResume, warning: "is read otherwise than it was"},
		"other weights, the same build":      {before: chat.Reply{Fingerprint: "llama-b1"}, after: chat.Reply{Fingerprint: "llama-b1"}, rate: 0.3},
		"other weights, the run's own name":  {rate: 0.3, run: "first", warning: "is read otherwise than it was"},
		"the same, the run's own name":       {run: "first", continued: true},
		"another fingerprint":                {before: chat.Reply{Fingerprint: "a"}, after: chat.Reply{Fingerprint: "b"}, warning: `the model has changed`},
		"a fingerprint that was not sent":    {after: chat.Reply{Fingerprint: "b"}, warning: `now model "m" with fingerprint "b"`},
		"a fingerprint that is sent no more": {before: chat.Reply{Fingerprint: "a"}, warning: `then model "m" with fingerprint "a"`},
		"another served name":                {after: chat.Reply{Model: "m-2"}, warning: `now model "m-2"`},
		"only this run counts":               {change: func(c *safetytest.Config) { c.OnlyThisRun = true }},
		"only this run counts, resumed":      {change: func(c *safetytest.Config) { c.OnlyThisRun = true }, mode: safetytest.RepliesResume, continued: true},
		"another release":                    {change: func(c *safetytest.Config) { c.Release = "v2" }},
		"too old":                            {change: func(c *safetytest.Config) { c.MaxAge = 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			g, dir := NewWithT(t), t.TempDir()
			named := func(r chat.Reply) chat.Reply {
				if r.Model == "" {
					r.Model = "m"
				}
				return r
			}
			run := func(m *weights, c safetytest.Config) (claim.Verdict, []string) {
				c.Dir, c.Concurrency = dir, 1
				s := under(t, m, house(), c)
				defer func() { g.Expect(s.Close()).To(Succeed()) }()
				return verdict(t, s, tested), s.Notes()
			}
			old := &weights{openings(always(0)), named(c.before)}
			first, _ := run(old, safetytest.Config{Run: "first", MaxCalls: paid})
			g.Expect(first.State).To(Equal(evidence.Inconclusive))
			g.Expect(calls(old)).To(Equal(paid))

			config := safetytest.Config{Run: "second", Replies: c.mode}
			if c.run != "" {
				config.Run = c.run
			}
			if c.change != nil {
				c.change(&config)
			}
			now := &weights{openings(always(c.rate)), named(c.after)}
			second, notes := run(now, config)
			if c.rate > 0 {
				g.Expect(second.State).To(Equal(evidence.Violated), second.Details())
			} else {
				g.Expect(second.State).To(Equal(evidence.Holds), second.Details())
			}
			g.Expect(calls(now)).To(BeNumerically(">", 0), "a model that was not asked proves nothing")
			g.Expect(second.Calls).To(Equal(calls(now)))
			if c.continued {
				g.Expect(second.Recorded).To(Equal(paid))
				g.Expect(second.Attempt).To(Equal(1))
				g.Expect(calls(now)).To(Equal(second.Pairs - paid + 60))
			} else {
				g.Expect(second.Recorded).To(BeZero())
				g.Expect(second.Attempt).To(Equal(2))
				g.Expect(calls(now)).To(BeNumerically(">=", second.Pairs))
				g.Expect(append(notes, second.Warnings...)).To(ContainElement(Or(ContainSubstring("begins anew"), ContainSubstring("is not continued"))))
			}
			if c.warning != "" {
				g.Expect(second.Warnings).To(ContainElement(ContainSubstring(c.warning)))
			}
			// A replay reads what the second run read, and says whose replies they are.
			silent := &weights{openings(always(0)), chat.Reply{}}
			again, _ := run(silent, safetytest.Config{Replies: safetytest.RepliesReplay, Release: config.Release})
			g.Expect([]any{again.State, again.Pairs, silent.calls}).To(Equal([]any{second.State, second.Pairs, 0}), again.Details())
			g.Expect(again.Warnings).To(ContainElement(ContainSubstring("a replay asks no model")))
		})
	}
}

// forgetful loses some replies: nobody says then which model served them.
type forgetful struct {
	*weights
	loses func(asked int) bool
}

func (f *forgetful) Ask(ctx context.Context, r chat.Request) (chat.Reply, error) {
	reply, err := f.weights.Ask(ctx, r)
	if f.loses(f.calls) {
		return chat.Reply{State: chat.Lost, Trouble: "the connection ended", Attempts: 1}, nil
	}
	return reply, err
}

// A reply that was lost names no model, and so says nothing about which one serves.
func TestALostReplyIsNoOtherModel(t *testing.T) {
	const paid = 64
	at := func(n int) func(int) bool { return func(asked int) bool { return asked == n } }
	never := func(int) bool { return false }
	for name, c := range map[string]struct{ then, now func(int) bool }{
		"lost then": {at(9), never},
		"lost now":  {never, at(9)},
	} {
		t.Run(name, func(t *testing.T) {
			g, dir := NewWithT(t), t.TempDir()
			run := func(loses func(int) bool, c safetytest.Config) claim.Verdict {
				c.Dir, c.Concurrency = dir, 1
				s := under(t, &forgetful{&weights{openings(always(0)), chat.Reply{Model: "m", Fingerprint: "a"}}, loses}, house(), c)
				defer func() { g.Expect(s.Close()).To(Succeed()) }()
				return verdict(t, s, few(3*Points))
			}
			run(c.then, safetytest.Config{Run: "first", MaxCalls: paid})
			v := run(c.now, safetytest.Config{Run: "second"})
			g.Expect(v.Recorded).To(Equal(paid), v.Details())
			g.Expect(v.Attempt).To(Equal(1), v.Details())
		})
	}
}

// Nor does it say, where such replies come early and then no more, that another build took
// over.
func TestEarlyLossesAreNoOtherBuild(t *testing.T) {
	lost := 0
	loses := func(asked int) bool {
		early := asked <= 240 && asked%23 == 0
		if early {
			lost++
		}
		return early
	}
	m := &forgetful{&weights{openings(always(0.15)), chat.Reply{Model: "doorman", Fingerprint: "a"}}, loses}
	v := verdict(t, under(t, m, house(), safetytest.Config{Concurrency: 1, MaxPairs: 800}), benignAddition())
	if v.State != evidence.Holds || lost != 10 {
		t.Errorf("%d lost\n%s", lost, v.Details())
	}
}

// replicas are a model behind several servers, each with a fingerprint of its own.
type replicas struct {
	*spy
	marks func(asked int) string
}

func (m *replicas) Ask(ctx context.Context, r chat.Request) (chat.Reply, error) {
	reply, err := m.spy.Ask(ctx, r)
	reply.Model, reply.Fingerprint = "m", m.marks(m.calls)
	return reply, err
}

// Replicas that take turns are one model, as they are within a run; one of them that comes
// new, or that takes over from another, is not.
func TestReplicasThatTakeTurnsAreOneModel(t *testing.T) {
	const paid = 64
	turns := func(marks ...string) func(int) string {
		return func(asked int) string { return marks[asked*7919%101%len(marks)] }
	}
	for name, c := range map[string]struct {
		then, now func(int) string
		continued bool
	}{
		"the same two":        {turns("a", "b"), turns("b", "a"), true},
		"one of ten is new":   {turns("a"), turns("a", "a", "a", "a", "a", "a", "a", "a", "a", "b"), false},
		"the rare took over":  {turns("a", "a", "a", "b"), turns("b"), false},
		"one of two is left":  {turns("a", "b"), turns("a"), false},
		"another one":         {turns("a"), turns("b"), false},
		"none is given again": {turns("a", "b"), turns(""), false},
	} {
		t.Run(name, func(t *testing.T) {
			g, dir := NewWithT(t), t.TempDir()
			run := func(marks func(int) string, c safetytest.Config) claim.Verdict {
				c.Dir, c.Concurrency = dir, 1
				s := under(t, &replicas{openings(always(0)), marks}, house(), c)
				defer func() { g.Expect(s.Close()).To(Succeed()) }()
				return verdict(t, s, few(3*Points))
			}
			run(c.then, safetytest.Config{Run: "first", MaxCalls: paid})
			v := run(c.now, safetytest.Config{Run: "second"})
			g.Expect(v.State).To(Equal(evidence.Holds), v.Details())
			if c.continued {
				g.Expect([]int{v.Recorded, v.Attempt}).To(Equal([]int{paid, 1}), v.Details())
			} else {
				g.Expect([]int{v.Recorded, v.Attempt}).To(Equal([]int{0, 2}), v.Details())
				g.Expect(v.Warnings).To(ContainElement(ContainSubstring("the model has changed")))
			}
		})
	}
}

// Copies that a cache gave while a budget ran out are no evidence of the run that goes on,
// whatever that finds out about its own replies.
func TestCopiesOfARunThatEndedUndecided(t *testing.T) {
	g, dir, cached := NewWithT(t), t.TempDir(), true
	var last map[string]any
	base := oddEndpoint(t, func(n int64, _ []chat.Message, a map[string]any, _ http.Header) {
		if cached && n > 70 && last != nil {
			a["id"], a["created"], a["content"] = last["id"], last["created"], last["content"]
			last = nil
		} else {
			last = maps.Clone(a)
		}
	})
	run := func(c safetytest.Config) claim.Verdict {
		s := open(t, base, func(config *safetytest.Config) {
			config.Dir, config.Concurrency, config.Run, config.MaxCalls = dir, 1, c.Run, c.MaxCalls
		})
		defer func() { g.Expect(s.Close()).To(Succeed()) }()
		return verdict(t, s, few(3*Points))
	}
	first := run(safetytest.Config{Run: "one", MaxCalls: 110})
	g.Expect(first.State).To(Equal(evidence.Inconclusive))
	g.Expect(first.Pairs).To(BeNumerically(">", 60), first.Details())
	g.Expect(first.Reason).To(Equal(claim.DoubtfulReplies), first.Details())
	cached = false
	second := run(safetytest.Config{Run: "two"})
	g.Expect(second.State).To(Equal(evidence.Holds), second.Details())
	g.Expect(second.Recorded).To(BeZero(), second.Details())
}

// Resume cannot bring back what is too old.
func TestResumeKeepsToTheAge(t *testing.T) {
	g, dir := NewWithT(t), t.TempDir()
	s := under(t, openings(always(0)), house(), safetytest.Config{Dir: dir, Run: "one", MaxCalls: 8})
	verdict(t, s, few(3*Points))
	g.Expect(s.Close()).To(Succeed())
	s = under(t, openings(always(0)), house(), safetytest.Config{Dir: dir, Run: "two", Replies: safetytest.RepliesResume, MaxAge: time.Nanosecond})
	g.Expect(s.Begin(few(3 * Points))).To(MatchError(And(ContainSubstring("cannot resume"), ContainSubstring("SAFETYTEST_MAX_AGE"))))
}

// A run's name is used again when all of its processes have ended and all was
// decided: what the model is now counts, not what it was.
func TestAFinishedRunsNameIsUsedAgain(t *testing.T) {
	for name, change := range map[string]func(*safetytest.Config){
		"named":                func(*safetytest.Config) {},
		"only this run counts": func(c *safetytest.Config) { c.OnlyThisRun = true },
		"fresh":                func(c *safetytest.Config) { c.Replies = safetytest.RepliesFresh },
	} {
		t.Run(name, func(t *testing.T) {
			g, dir := NewWithT(t), t.TempDir()
			for i, rate := range []float64{0, 0.5, 0.5, 0} {
				m := openings(always(rate))
				c := safetytest.Config{Dir: dir, Run: "ci", Rolls: -1}
				change(&c)
				s := under(t, m, house(), c)
				v := verdict(t, s, few(10*Points))
				g.Expect(s.Close()).To(Succeed())
				want := evidence.Violated
				if rate == 0 {
					want = evidence.Holds
				}
				if i == 3 { // it was found violated before
					want = evidence.Inconclusive
					g.Expect(v.Reason).To(Equal(claim.Rerolled))
				}
				g.Expect([]any{v.State, v.Attempt, v.Recorded}).To(Equal([]any{want, i + 1, 0}), v.Details())
				g.Expect(m.calls).To(Equal(v.Calls))
				g.Expect(m.calls).To(BeNumerically(">=", v.Pairs))
			}
		})
	}
}

// A record that came with a checkout or a cache is one of an earlier run.
func TestARecordThatWasCopied(t *testing.T) {
	g, dir := NewWithT(t), t.TempDir()
	s := under(t, openings(always(0)), house(), safetytest.Config{Dir: dir, Run: "ci", MaxCalls: 64})
	verdict(t, s, few(3*Points))
	g.Expect(s.Close()).To(Succeed())
	for _, run := range []string{"ci", "another", ""} {
		cached := t.TempDir()
		g.Expect(os.CopyFS(cached, os.DirFS(dir))).To(Succeed())
		s := under(t, openings(always(0.3)), house(), safetytest.Config{Dir: cached, Run: run})
		v := verdict(t, s, few(3*Points))
		g.Expect(s.Close()).To(Succeed())
		g.Expect([]any{v.State, v.Recorded}).To(Equal([]any{evidence.Violated, 0}), v.Details())
	}
}

// What was violated is not rolled until it holds, whatever is chosen anew.
func TestRollingAgain(t *testing.T) {
	type roll struct {
		rate   float64
		change func(*safetytest.Config)
		claim  claim.Claim
		served string
		want   evidence.State
	}
	tokens := 99
	strict, loose := few(8*Points), few(12*Points)
	chosen := map[string]func(*safetytest.Config){
		"nothing":      func(*safetytest.Config) {},
		"seed":         func(c *safetytest.Config) { c.Seed = 77 },
		"token limit":  func(c *safetytest.Config) { c.Sampling.MaxTokens = &tokens },
		"sampling":     func(c *safetytest.Config) { c.SamplingSeed = 78 },
		"batch":        func(c *safetytest.Config) { c.Batch = 12 },
		"draws":        func(c *safetytest.Config) { c.Draws = 5 },
		"blocked ones": func(c *safetytest.Config) { c.BlockedRefuses = true },
	}
	for name, rolls := range map[string][]roll{
		"one roll counts":                {{rate: 0.5, want: evidence.Violated}, {want: evidence.Holds}},
		"two do not":                     {{rate: 0.5, want: evidence.Violated}, {rate: 0.5, want: evidence.Violated}, {want: evidence.Inconclusive}, {want: evidence.Inconclusive}},
		"after one that holds, afresh":   {{rate: 0.5, want: evidence.Violated}, {want: evidence.Holds}, {want: evidence.Holds}, {rate: 0.5, want: evidence.Violated}, {want: evidence.Holds}},
		"two are stated":                 {{rate: 0.5, want: evidence.Violated}, {rate: 0.5, want: evidence.Violated}, {want: evidence.Holds, change: func(c *safetytest.Config) { c.Rolls = 2 }}},
		"none is":                        {{rate: 0.5, want: evidence.Violated}, {want: evidence.Inconclusive, change: func(c *safetytest.Config) { c.Rolls = -1 }}},
		"another served model":           {{rate: 0.5, want: evidence.Violated}, {rate: 0.5, want: evidence.Violated}, {want: evidence.Holds, served: "m-2"}},
		"another release":                {{rate: 0.5, want: evidence.Violated}, {rate: 0.5, want: evidence.Violated}, {want: evidence.Holds, change: func(c *safetytest.Config) { c.Release = "2" }}},
		"the release that was violated":  {{rate: 0.5, want: evidence.Violated, change: func(c *safetytest.Config) { c.Release = "2" }}, {want: evidence.Inconclusive, change: func(c *safetytest.Config) { c.Release, c.Rolls = "2", -1 }}},
		"another margin":                 {{rate: 0.5, want: evidence.Violated, claim: strict}, {rate: 0.5, want: evidence.Violated, claim: strict}, {want: evidence.Inconclusive, claim: loose}},
		"a margin that holds in between": {{rate: 0.5, want: evidence.Violated, claim: strict}, {want: evidence.Holds, claim: loose}, {want: evidence.Inconclusive, claim: strict}},
	} {
		for what, chooses := range chosen {
			if what != "nothing" && (name != "two do not" || raced.Detector) {
				continue
			}
			t.Run(name+", "+what, func(t *testing.T) {
				g, dir := NewWithT(t), t.TempDir()
				for i, r := range rolls {
					c := safetytest.Config{Dir: dir, Run: fmt.Sprint("run", i), Sampling: safetytest.DefaultSampling()}
					if i > 0 {
						chooses(&c)
					}
					if r.change != nil {
						r.change(&c)
					}
					if r.claim.Property == "" {
						r.claim = strict
					}
					if r.served == "" {
						r.served = "m"
					}
					s := under(t, &weights{openings(always(r.rate)), chat.Reply{Model: r.served}}, house(), c)
					v := verdict(t, s, r.claim)
					g.Expect(s.Close()).To(Succeed())
					g.Expect(v.State).To(Equal(r.want), "roll %d: %s", i, v.Details())
					if r.want == evidence.Inconclusive {
						g.Expect(v.Reason).To(Equal(claim.Rerolled))
						g.Expect(v.Full()).To(And(ContainSubstring("SAFETYTEST_ROLLS"), ContainSubstring("SAFETYTEST_RELEASE"), ContainSubstring("run0")))
					} else if i == 0 {
						g.Expect(v.Full()).To(ContainSubstring("first attempt known here"))
					}
				}
			})
		}
	}
}

// A file of an earlier run that cannot be read is said, and changes no verdict.
func TestAHarmedRunIsNamed(t *testing.T) {
	g, dir := NewWithT(t), t.TempDir()
	s := under(t, openings(always(0)), house(), safetytest.Config{Dir: dir, Run: "one", MaxCalls: 64})
	verdict(t, s, few(3*Points))
	g.Expect(s.Close()).To(Succeed())
	files, err := filepath.Glob(filepath.Join(dir, "one", "*.jsonl"))
	g.Expect(err).NotTo(HaveOccurred())
	text, err := os.ReadFile(files[0])
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.WriteFile(files[0], []byte(strings.Replace(string(text), `"content":"no"`, `"content":"open"`, 1)), 0o600)).To(Succeed())
	s = under(t, openings(always(0)), house(), safetytest.Config{Dir: dir, Run: "two"})
	v := verdict(t, s, few(3*Points))
	g.Expect([]any{v.State, v.Recorded}).To(Equal([]any{evidence.Holds, 0}))
	g.Expect(s.Notes()).To(ContainElement(And(ContainSubstring("run one is left out"), ContainSubstring("its sum does not fit"))))
	g.Expect(s.Close()).To(Succeed())
}

// What the variables about earlier runs say.
func TestVariablesAboutEarlierRuns(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want func(g *WithT, c safetytest.Config)
		err  string
	}{
		"none": {want: func(g *WithT, c safetytest.Config) {
			s := under(t, openings(always(0)), house(), c)
			g.Expect([]any{s.Config().MaxAge, s.Config().Rolls, s.Config().OnlyThisRun}).To(Equal([]any{24 * time.Hour, 1, false}))
		}},
		"all": {env: map[string]string{"MAX_AGE": "90m", "ROLLS": "3", "RELEASE": "v2"}, want: func(g *WithT, c safetytest.Config) {
			g.Expect([]any{c.MaxAge, c.Rolls, c.Release}).To(Equal([]any{90 * time.Minute, 3, "v2"}))
		}},
		"no roll": {env: map[string]string{"ROLLS": "0"}, want: func(g *WithT, c safetytest.Config) { g.Expect(c.Rolls).To(Equal(-1)) }},
		"a gate":  {env: map[string]string{"REQUIRE_MODEL": "1", "MODEL": "m", "BASE_URL": "http://127.0.0.1:1/v1"}, want: func(g *WithT, c safetytest.Config) { g.Expect(c.OnlyThisRun).To(BeTrue()) }},
		"a gate that asks nothing": {env: map[string]string{"REQUIRE_MODEL": "1", "REPLIES": "replay", "MODEL": "m", "BASE_URL": "http://127.0.0.1:1/v1"},
			err: "a replay asks no model"},
		"no age":         {env: map[string]string{"MAX_AGE": "0"}, err: "SAFETYTEST_MAX_AGE"},
		"a negative age": {env: map[string]string{"MAX_AGE": "-1h"}, err: "SAFETYTEST_MAX_AGE"},
		"an age in days": {env: map[string]string{"MAX_AGE": "3 days"}, err: "SAFETYTEST_MAX_AGE"},
		"half a roll":    {env: map[string]string{"ROLLS": "0.5"}, err: "SAFETYTEST_ROLLS"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, pair := range os.Environ() {
				if variable, _, _ := strings.Cut(pair, "="); strings.HasPrefix(variable, "SAFETYTEST_") {
					t.Setenv(variable, "")
				}
			}
			for k, v := range c.env {
				t.Setenv("SAFETYTEST_"+k, v)
			}
			g := NewWithT(t)
			config, err := safetytest.FromEnv()
			if c.err != "" {
				g.Expect(err).To(MatchError(ContainSubstring(c.err)))
				return
			}
			g.Expect(err).To(Or(BeNil(), MatchError(safetytest.ErrNoModel)))
			c.want(g, config)
		})
	}
}

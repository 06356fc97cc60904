package record

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// finished records a run that was stopped undecided and returns its one file.
func finished(t *testing.T, dir, run string) string {
	t.Helper()
	r := mustOpen(t, dir, testManifest, Options{Run: run, SamplingSeed: 7})
	for i := range 5 {
		askFor(t, r, i)
	}
	conclude(t, r, "a", "inconclusive")
	path := r.own.path
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// Whatever becomes of the files of one run, the next one is opened, asks, and says
// which run it left out.
func TestAFileHarmsItsOwnRunOnly(t *testing.T) {
	edit := func(change func(lines []string) []string) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := change(strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n"))
			if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	instead := func(place func(path string) error) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), place(path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		harm func(t *testing.T, path string)
		kept bool // the run is read as far as it goes, and continued
	}{
		"nothing":        {harm: func(*testing.T, string) {}, kept: true},
		"a reply edited": {harm: edit(func(l []string) []string { l[3] = strings.Replace(l[3], "answer 0", "answer 9", 1); return l })},
		"a count edited": {harm: edit(func(l []string) []string { l[3] = strings.Replace(l[3], `"tokens":15`, `"tokens":16`, 1); return l })},
		"a verdict edited": {harm: edit(func(l []string) []string {
			l[len(l)-2] = strings.Replace(l[len(l)-2], "inconclusive", "holds", 1)
			return l
		})},
		"the header edited": {harm: edit(func(l []string) []string { l[0] = strings.Replace(l[0], `"p1"`, `"p2"`, 1); return l })},
		"a line lost":       {harm: edit(func(l []string) []string { return append(l[:3], l[4:]...) })},
		"a line doubled":    {harm: edit(func(l []string) []string { l[3] += l[3]; return l })},
		"two lines swapped": {harm: edit(func(l []string) []string { l[3], l[5] = l[5], l[3]; return l })},
		"a line added":      {harm: edit(func(l []string) []string { return append(l, "\n{\"again\":\"00112233445566778899aabbccddeeff\"}\n") })},
		"torn in a line":    {harm: edit(func(l []string) []string { l[3] = l[3][:20] + "\n"; return l })},
		"torn at its end":   {harm: edit(func(l []string) []string { l[len(l)-1] = l[len(l)-1][:9]; return l }), kept: true},
		"cut to its header": {harm: edit(func(l []string) []string { return l[:1] }), kept: true},
		"zeros":             {harm: edit(func(l []string) []string { l[4] = strings.Repeat("\x00", 300) + "\n"; return l })},
		"another text":      {harm: edit(func([]string) []string { return []string{"a poem\nof two lines\n"} })},
		"of version 1":      {harm: edit(func(l []string) []string { l[0] = strings.Replace(l[0], `"version":3`, `"version":1`, 1); return l })},
		"of another run":    {harm: instead(func(path string) error { return os.WriteFile(path, []byte(foreign(t)), 0o600) })},
		"a directory":       {harm: instead(func(path string) error { return os.Mkdir(path, 0o700) })},
		"a pipe":            {harm: instead(func(path string) error { return syscall.Mkfifo(path, 0o600) })},
		"a device":          {harm: instead(func(path string) error { return os.Symlink("/dev/zero", path) })},
		"a loop of links":   {harm: instead(func(path string) error { return os.Symlink(filepath.Base(path), path) })},
		"a link to nothing": {harm: instead(func(path string) error { return os.Symlink("nothing", path) })},
		"unreadable": {harm: func(t *testing.T, path string) {
			if os.Getuid() == 0 {
				t.Skip("root reads everything")
			}
			if err := os.Chmod(path, 0); err != nil {
				t.Fatal(err)
			}
		}},
		"a lock that is a pipe": {harm: func(t *testing.T, path string) {
			if err := syscall.Mkfifo(lockPath(path), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		"a pipe beside it": {harm: func(t *testing.T, path string) {
			if err := syscall.Mkfifo(filepath.Join(filepath.Dir(path), "x"+dataExt), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		"another file beside it": {harm: func(t *testing.T, path string) {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), "notes.txt"), []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, kept: true},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				t.Skip("no pipes in its file system")
			}
			g, dir := NewWithT(t), t.TempDir()
			c.harm(t, finished(t, dir, "one"))
			r := mustOpen(t, dir, testManifest, Options{Run: "two"})
			g.Expect(r.Continues()).To(Equal(c.kept))
			askFor(t, r, 1)
			askFor(t, r, 9)
			said := ContainElement(ContainSubstring("run one is left out"))
			if c.kept {
				said = Not(said)
			}
			g.Expect(r.Notes()).To(said)
			g.Expect(r.Close()).To(Succeed())
			if c.kept {
				return
			}
			for _, o := range []Options{{Run: "one"}, {Mode: Replay}} {
				_, err := Open(dir, testManifest, o)
				if o.Mode == Replay { // there is another run to replay
					g.Expect(err).NotTo(HaveOccurred())
					continue
				}
				g.Expect(err).To(MatchError(ContainSubstring("run one cannot be read")))
			}
			_, _, err := Read(filepath.Join(dir, "one"))
			g.Expect(err == nil).To(Equal(name == "a lock that is a pipe"), "%v", err)
		})
	}
}

func foreign(t *testing.T) string {
	head, err := encode(line{Header: &header{Version: version, Run: "elsewhere", Manifest: testManifest, ManifestHash: testManifest.canonical().hash(), Attempt: 1, SamplingSeed: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return sealed(head)
}

// What stands in the way of the directory's own files is said, and nobody waits
// for it.
func TestWhatStandsInTheWay(t *testing.T) {
	m := testManifest.canonical()
	for _, name := range []string{lockName, turnsName + m.served()} {
		for what, place := range map[string]func(string) error{
			"a pipe":      func(p string) error { return syscall.Mkfifo(p, 0o600) },
			"a directory": func(p string) error { return os.Mkdir(p, 0o700) },
			"a loop":      func(p string) error { return os.Symlink(filepath.Base(p), p) },
		} {
			dir := t.TempDir()
			if err := place(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			_, err := Open(dir, testManifest, Options{Run: "one", RequestsPerMinute: 1})
			NewWithT(t).Expect(err).To(MatchError(ContainSubstring("is no plain file")), "%s, %s", name, what)
		}
	}
}

// An ask without an answer in the file of a process that has ended holds up nobody,
// however it ended.
func TestAnAskWithoutAnAnswer(t *testing.T) {
	for name, end := range map[string]func(r *Record) error{
		"closed": func(r *Record) error { return r.Close() },
		"killed": func(r *Record) error { r.crash(""); return nil },
		"torn":   func(r *Record) error { r.crash(`{"reply":"00`); return nil },
	} {
		for _, run := range []string{"one", "two"} {
			t.Run(name+", then run "+run, func(t *testing.T) {
				g, dir := NewWithT(t), t.TempDir()
				first := mustOpen(t, dir, testManifest, Options{Run: "one", MaxTokens: 100})
				d := KeyOf(request(1)).digest(first.manifest)
				first.mu.Lock()
				g.Expect(errors.Join(first.append(line{Ask: &d}), first.append(line{Reserve: &reserve{d, 30, 0}}))).To(Succeed())
				first.mu.Unlock()
				sibling := mustOpen(t, dir, testManifest, Options{Run: "one", MaxTokens: 100})
				g.Expect(end(first)).To(Succeed())
				g.Expect(askFor(t, sibling, 1)).To(BeTrue())
				g.Expect(sibling.Close()).To(Succeed())
				later := mustOpen(t, dir, testManifest, Options{Run: run})
				g.Expect(askFor(t, later, 1)).To(BeFalse())
				g.Expect(askFor(t, later, 2)).To(BeTrue())
			})
		}
	}
}

// Whatever number an endpoint reports, its reply can be read again.
func TestNumbersOfAnyLength(t *testing.T) {
	for _, n := range []int{0, -1, 1, 999_999_999, 1_000_000_000, 1 << 62, -1 << 62} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			g, dir := NewWithT(t), t.TempDir()
			want := answer(1)
			want.PromptTokens, want.ReplyTokens, want.CachedTokens, want.Attempts, want.Created = n, n, n, max(n, 1), int64(n)
			r := mustOpen(t, dir, testManifest, Options{Run: "one"})
			_, _, err := r.Ask(context.Background(), KeyOf(request(1)), func(context.Context, *Call) (chat.Reply, error) { return want, nil })
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(r.Close()).To(Succeed())
			r = mustOpen(t, dir, testManifest, Options{Run: "two"})
			got, recorded, err := r.Ask(context.Background(), KeyOf(request(1)), nil)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(recorded).To(BeTrue())
			g.Expect(got).To(Equal(want))
			g.Expect(r.Notes()).To(BeEmpty())
		})
	}
	long := strings.Repeat("9", 40)
	l, err := parse([]byte(`{"reply":"00112233445566778899aabbccddeeff","calls":-` + long + `,"tokens":` + long + `,"answer":{"state":"answered","prompt_tokens":` + long + `}}`))
	if err != nil || l.reply.calls != -mostCount || l.reply.amount.tokens != mostCount {
		t.Errorf("%+v, %v", l.reply, err)
	}
	if b, err := parseBody([]byte(`{"reply":"00112233445566778899aabbccddeeff","answer":{"prompt_tokens":` + long + `,"content":"x","state":"answered"}}`)); err != nil || b.Answer.Content != "x" || b.Answer.State != chat.Answered {
		t.Errorf("%+v, %v", b, err)
	}
}

// Budgets charge what the call may take where the endpoint says nothing that could
// be true.
func TestTokensThatTheEndpointDoesNotTell(t *testing.T) {
	for name, c := range map[string]struct {
		prompt, reply, spent int
	}{
		"both":             {10, 5, 15},
		"none":             {0, 0, 40},
		"negative":         {-10, 5, 40},
		"negative replies": {10, -5, 40},
		"prompt only":      {10, 0, 10},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := mustOpen(t, t.TempDir(), testManifest, Options{Run: "one", MaxTokens: 1000})
			_, _, err := r.Ask(context.Background(), KeyOf(request(1)), func(ctx context.Context, call *Call) (chat.Reply, error) {
				if err := call.Admit(ctx, 40); err != nil {
					return chat.Reply{}, err
				}
				return chat.Reply{State: chat.Answered, PromptTokens: c.prompt, ReplyTokens: c.reply, Attempts: 1}, nil
			})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(r.spent()).To(Equal(spent{calls: 1, of: amount{tokens: c.spent}}))
		})
	}
}

// A reply that is no outcome is a reply: its visit is never asked again, by this
// run or a later one.
func TestEveryStateIsRecorded(t *testing.T) {
	for _, state := range []chat.State{chat.Answered, chat.Blocked, chat.Empty, chat.Unfinished, chat.Lost} {
		t.Run(state.String(), func(t *testing.T) {
			g, dir := NewWithT(t), t.TempDir()
			want := chat.Reply{State: state, Trouble: "the connection was reset", Attempts: 1}
			for i, run := range []string{"one", "one", "two"} {
				r := mustOpen(t, dir, testManifest, Options{Run: run})
				got, recorded, err := r.Ask(context.Background(), KeyOf(request(1)), func(context.Context, *Call) (chat.Reply, error) {
					g.Expect(i).To(BeZero(), "asked again")
					return want, nil
				})
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(recorded).To(Equal(i > 0))
				g.Expect(got).To(Equal(want))
				g.Expect(r.Close()).To(Succeed())
			}
		})
	}
}

// The names that a server gives itself stand in every reply; they are kept short.
func TestServedNamesAreBounded(t *testing.T) {
	for name, long := range map[string]string{"letters": strings.Repeat("x", 1<<20), "half a letter": strings.Repeat("é", 1<<19), "no text": strings.Repeat("\xff", 1<<20)} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := mustOpen(t, t.TempDir(), testManifest, Options{Run: "one"})
			for i := range 3 {
				reply, _, err := r.Ask(context.Background(), KeyOf(request(i)), func(context.Context, *Call) (chat.Reply, error) {
					return chat.Reply{State: chat.Answered, Model: long, Fingerprint: long, Attempts: 1}, nil
				})
				g.Expect(err).NotTo(HaveOccurred())
				again, _, err := r.Ask(context.Background(), KeyOf(request(i)), nil)
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(again).To(Equal(reply))
			}
			g.Expect(r.Served()).To(HaveLen(1))
			info, err := os.Stat(r.own.path)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(info.Size()).To(BeNumerically("<", 10_000))
		})
	}
}

// Where locks do nothing, no run is shared, and one process goes on alone.
func TestLocksThatDoNothing(t *testing.T) {
	works := excludes
	defer func() { excludes = works }()
	for name, c := range map[string]struct {
		excludes func(string) (bool, error)
		run      string
		err      string
		note     bool
	}{
		"they work, shared":        {excludes: works, run: "one"},
		"they work, alone":         {excludes: works},
		"they do nothing, shared":  {excludes: func(string) (bool, error) { return false, nil }, run: "one", err: "locks do nothing"},
		"they do nothing, alone":   {excludes: func(string) (bool, error) { return false, nil }, note: true},
		"nobody can tell":          {excludes: func(string) (bool, error) { return false, syscall.ENOLCK }, err: "could not be found out"},
		"nobody can tell, shared":  {excludes: func(string) (bool, error) { return false, syscall.ENOLCK }, run: "one", err: "could not be found out"},
		"another descriptor waits": {excludes: func(p string) (bool, error) { _, err := os.Stat(p); return err == nil, err }, run: "one"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			excludes = c.excludes
			r, err := Open(t.TempDir(), testManifest, Options{Run: c.run})
			if c.err != "" {
				g.Expect(err).To(MatchError(And(ContainSubstring(c.err), ContainSubstring("SAFETYTEST_DIR"))))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			defer r.Close()
			askFor(t, r, 1)
			if noted := len(r.Notes()) > 0; noted != c.note {
				t.Errorf("a note: %v, want %v", noted, c.note)
			}
		})
	}
}

// A process that is stopped while it asks, or while it holds tokens of the budget,
// is named after a while, and its run goes on with other replies.
func TestAFrozenProcessIsNamed(t *testing.T) {
	hold := func(ctx context.Context, call *Call, frozen chan struct{}) error {
		if err := call.Admit(ctx, 80); err != nil {
			return err
		}
		<-frozen
		return nil
	}
	for name, wants := range map[string]int{"what it asks": 1, "its tokens": 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, dir := NewWithT(t), t.TempDir()
				o := Options{Run: "one", MaxTokens: 100, Patience: time.Minute}
				stopped, other := mustOpen(t, dir, testManifest, o), mustOpen(t, dir, testManifest, o)
				frozen, done := make(chan struct{}), make(chan error)
				go func() {
					_, _, err := stopped.Ask(context.Background(), KeyOf(request(1)), func(ctx context.Context, call *Call) (chat.Reply, error) {
						return answer(1), hold(ctx, call, frozen)
					})
					done <- err
				}()
				synctest.Wait()
				began := time.Now()
				_, _, err := other.Ask(context.Background(), KeyOf(request(wants)), func(ctx context.Context, call *Call) (chat.Reply, error) {
					return answer(2), call.Admit(ctx, 80)
				})
				g.Expect(err).To(MatchError(ErrHeld))
				g.Expect(err).To(MatchError(And(ContainSubstring(stopped.own.path), ContainSubstring(fmt.Sprint("process ", os.Getpid())))))
				g.Expect(time.Since(began)).To(BeNumerically("~", time.Minute, time.Second))
				_, _, err = other.Ask(context.Background(), KeyOf(request(3)), func(ctx context.Context, call *Call) (chat.Reply, error) {
					return answer(3), call.Admit(ctx, 10)
				})
				g.Expect(err).NotTo(HaveOccurred(), "other replies fare better")
				close(frozen) // it is continued
				g.Expect(<-done).NotTo(HaveOccurred())
				reply, recorded, err := other.Ask(context.Background(), KeyOf(request(1)), nil)
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect([]any{reply, recorded}).To(Equal([]any{answer(1), true}), "what it was paid for is kept")
				g.Expect(errors.Join(stopped.Close(), other.Close())).To(Succeed())
			})
		})
	}
}

// A process that was stopped while it held the lock between processes is not waited
// for without end.
func TestAFrozenLockIsNamed(t *testing.T) {
	g, dir := NewWithT(t), t.TempDir()
	stopped := mustOpen(t, dir, testManifest, Options{Run: "one"})
	other := mustOpen(t, dir, testManifest, Options{Run: "one", Patience: 20 * time.Millisecond})
	g.Expect(stopped.takeLock()).To(Succeed())
	_, _, err := other.Ask(context.Background(), KeyOf(request(1)), nil)
	g.Expect(err).To(MatchError(ErrHeld))
	g.Expect(err).To(MatchError(ContainSubstring(stopped.own.path)))
	_, err = Open(dir, testManifest, Options{Run: "two", Patience: 20 * time.Millisecond})
	g.Expect(err).To(MatchError(ErrHeld))
	g.Expect(stopped.lock.Unlock()).To(Succeed())
	g.Eventually(func() error {
		_, _, err := other.Ask(context.Background(), KeyOf(request(1)), func(context.Context, *Call) (chat.Reply, error) { return answer(1), nil })
		return err
	}).Should(Succeed())
}

// Close waits for what is under way and records it, and is safe whenever it comes.
func TestCloseWithCallsUnderWay(t *testing.T) {
	for name, c := range map[string]struct {
		takes time.Duration
		kept  bool
	}{"soon": {time.Second, true}, "at the last moment": {closeWait - 1, true}, "too late": {time.Hour, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, dir := NewWithT(t), t.TempDir()
				r := mustOpen(t, dir, testManifest, Options{Run: "one", RequestsPerMinute: 1000, TokensPerMinute: 100000})
				done := make(chan error)
				go func() {
					_, _, err := r.Ask(context.Background(), KeyOf(request(1)), func(ctx context.Context, call *Call) (chat.Reply, error) {
						if err := call.Admit(ctx, 40); err != nil {
							return chat.Reply{}, err
						}
						time.Sleep(c.takes)
						return answer(1), nil
					})
					done <- err
				}()
				synctest.Wait()
				closed := make(chan error)
				go func() { closed <- r.Close() }()
				synctest.Wait()
				_, _, err := r.Ask(context.Background(), KeyOf(request(2)), func(context.Context, *Call) (chat.Reply, error) { return answer(2), nil })
				g.Expect(err).To(MatchError(errClosed), "nothing is asked while it closes")
				if c.kept {
					g.Expect(<-done).NotTo(HaveOccurred())
					g.Expect(<-closed).To(Succeed())
				} else {
					g.Expect(<-closed).To(Succeed())
					g.Expect(<-done).To(MatchError(errClosed))
				}
				g.Expect(r.Close()).To(Succeed(), "a second time")
				next := mustOpen(t, dir, testManifest, Options{Run: "two"})
				g.Expect(askFor(t, next, 1)).To(Equal(!c.kept))
				g.Expect(next.Close()).To(Succeed())
			})
		})
	}
}

package record

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/ratelimit"
)

// admissions lets several processes ask for admission as often as they can, and
// returns when each request was admitted.
func admissions(t *testing.T, o Options, processes, each, estimate int, reply chat.Reply) []time.Duration {
	t.Helper()
	dir := t.TempDir()
	start := time.Now()
	var mu sync.Mutex
	var at []time.Duration
	var wg sync.WaitGroup
	for p := range processes {
		m := testManifest
		m.Claims = []string{fmt.Sprint("claim ", p)} // processes of one suite, or of none in common
		o.Run = fmt.Sprint("run", p/2)
		r := mustOpen(t, dir, m, o)
		for w := range 4 {
			wg.Go(func() {
				for i := w; i < each; i += 4 {
					q := request(1000*p + i)
					_, _, err := r.Ask(context.Background(), KeyOf(q), func(ctx context.Context, c *Call) (chat.Reply, error) {
						if err := c.Admit(ctx, estimate); err != nil {
							return chat.Reply{}, err
						}
						mu.Lock()
						at = append(at, time.Since(start))
						mu.Unlock()
						return reply, nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	slices.Sort(at)
	return at
}

// most is the most that happened within any minute.
func most(at []time.Duration) int {
	n := 0
	for i, from := range at {
		k := slices.IndexFunc(at[i:], func(d time.Duration) bool { return d >= from+time.Minute })
		if k < 0 {
			k = len(at) - i
		}
		n = max(n, k)
	}
	return n
}

func TestRequestsPerMinuteAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		at := admissions(t, Options{RequestsPerMinute: 60}, 4, 75, 10, answer(1))
		g.Expect(at).To(HaveLen(300))
		g.Expect(most(at)).To(Equal(60), "in any minute")
		g.Expect(at[299]).To(Equal(299*time.Second), "no more than that is lost")
	})
}

func TestTokensPerMinuteAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		// They take 15 tokens each, whatever was estimated.
		at := admissions(t, Options{TokensPerMinute: 600}, 4, 50, 100, answer(1))
		g.Expect(at).To(HaveLen(200))
		g.Expect(most(at)).To(BeNumerically("<=", 600/15), "in any minute")
		g.Expect(at[199]).To(BeNumerically("~", 200*1500*time.Millisecond, 20*time.Second))
	})
}

func TestLimitsEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		r := mustOpen(t, t.TempDir(), testManifest, Options{RequestsPerMinute: 1})
		g.Expect((&Call{record: r}).Admit(context.Background(), 1)).To(Succeed())
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for range 3 { // one waits for its turn, the others for the one
			wg.Go(func() {
				if err := (&Call{record: r}).Admit(ctx, 1); err == nil || ctx.Err() == nil {
					t.Errorf("%v, context %v", err, ctx.Err())
				}
			})
		}
		wg.Wait()
		start := time.Now()
		g.Expect((&Call{record: r}).Admit(context.Background(), 1)).To(Succeed())
		g.Expect(time.Since(start)).To(Equal(59*time.Second), "who gave up took no turn")
	})
}

// A clock that was set back holds nobody up for hours.
func TestAClockThatWasSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		turns, err := openTurns(filepath.Join(t.TempDir(), "turns"))
		g.Expect(err).NotTo(HaveOccurred())
		defer turns.close()
		g.Expect(turns.Change(func(t *ratelimit.Turns) bool {
			t.Request = time.Now().Add(3 * time.Hour)
			return true
		})).To(Succeed())
		limit := ratelimit.New(turns, 60, 0, time.Minute)
		start := time.Now()
		g.Expect(limit.Wait(context.Background(), 1)).To(Succeed())
		g.Expect(limit.Wait(context.Background(), 1)).To(Succeed())
		g.Expect(time.Since(start)).To(Equal(time.Second))
	})
}

func TestModelsHaveLimitsOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		dir := t.TempDir()
		start := time.Now()
		for _, model := range []string{"a", "b"} {
			m := testManifest
			m.Model = model
			r := mustOpen(t, dir, m, Options{Run: "one", RequestsPerMinute: 1})
			g.Expect((&Call{record: r}).Admit(context.Background(), 1)).To(Succeed())
		}
		g.Expect(time.Since(start)).To(BeZero())
	})
}

// The same with processes and a real clock: whatever the machine does meanwhile,
// so many requests take at least so many turns.
func TestProcessesTakeTurns(t *testing.T) {
	g := NewWithT(t)
	const keys, processes, minute, perMinute = 40, 4, 600 * time.Millisecond, 60 // a turn every 10 ms
	var mu sync.Mutex
	asked, last := 0, time.Time{}
	e := endpoint{answered: func(string, int) {}, asked: func(string, int) bool {
		mu.Lock()
		defer mu.Unlock()
		asked++
		last = time.Now()
		return false
	}}.start(t)
	dir := t.TempDir()
	start := time.Now()
	var children []*exec.Cmd
	for i := range processes {
		children = append(children, child{Name: "m", Dir: dir, URL: e.URL, Keys: keys, Workers: 4, Seed: uint64(i),
			Options: Options{Run: "shared", RequestsPerMinute: perMinute}, Minute: minute}.start(t))
	}
	for _, cmd := range children {
		g.Expect(cmd.Wait()).To(Succeed())
	}
	mu.Lock()
	defer mu.Unlock()
	g.Expect(asked).To(Equal(keys))
	g.Expect(last.Sub(start)).To(BeNumerically(">=", (keys-1)*minute/perMinute))
}

package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// child is what a process of its own does: it asks for the first Keys requests,
// in an order of its own, and ends.
type child struct {
	Name    string
	Dir     string
	Options Options
	URL     string
	Keys    int
	Workers int
	Seed    uint64
	Minute  time.Duration // of the limits per minute, a real one if 0
}

const childVariable = "RECORD_TEST_CHILD"

func TestMain(m *testing.M) {
	text := os.Getenv(childVariable)
	if text == "" {
		os.Exit(m.Run())
	}
	var c child
	err := json.Unmarshal([]byte(text), &c)
	if err == nil {
		err = c.run()
	}
	if err != nil && !errors.Is(err, ErrBudget) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// canary is a key that must be found nowhere.
const canary = "sk-canary-0123456789abcdef"

func (c child) run() error {
	fmt.Println("started")
	r, err := Open(c.Dir, testManifest, c.Options)
	if err != nil {
		return err
	}
	if c.Minute > 0 {
		if err := r.limitRate(r.turns.file.Name(), c.Minute); err != nil {
			return err
		}
	}
	model, err := chat.Open(chat.Endpoint{BaseURL: c.URL, Model: c.Name, APIKey: canary, Concurrency: c.Workers})
	if err != nil {
		return err
	}
	order := make(chan int, c.Keys)
	for _, i := range rand.New(rand.NewPCG(c.Seed, 0)).Perm(c.Keys) {
		order <- i
	}
	close(order)
	errs := make(chan error, c.Workers)
	for range c.Workers {
		go func() {
			for i := range order {
				reply, _, err := r.Ask(context.Background(), KeyOf(request(i)), func(ctx context.Context, call *Call) (chat.Reply, error) {
					q := request(i)
					q.Admit = call.Admit
					return model.Ask(ctx, q)
				})
				if err == nil && reply.Content != fmt.Sprintf("answer to question %d", i) {
					err = fmt.Errorf("question %d was answered with %q", i, reply.Content)
				}
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range c.Workers {
		err = errors.Join(err, <-errs)
	}
	return errors.Join(err, r.Close())
}

// start runs a child. It returns when the child has begun.
func (c child) start(t *testing.T) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("started\n"))); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// endpoint is a chat endpoint that tells who asks for what.
type endpoint struct {
	// asked is called with the child and the question before it is answered.
	// It says whether to answer with a fault.
	asked func(child string, question int) (fault bool)
	// answered is called after the answer was sent.
	answered func(child string, question int)
}

func (e endpoint) start(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var body struct {
			Model    string
			Messages []chat.Message
		}
		if err := json.NewDecoder(q.Body).Decode(&body); err != nil {
			t.Error(err)
			return
		}
		content := body.Messages[0].Content
		i, err := strconv.Atoi(strings.TrimPrefix(content, "question "))
		if err != nil {
			t.Error(err)
			return
		}
		if e.asked(body.Model, i) {
			w.Header().Set("Retry-After", "0")
			http.Error(w, `{"error":{"message":"too many requests of `+q.Header.Get("Authorization")+`"}}`, http.StatusTooManyRequests)
			return
		}
		text := fmt.Sprintf(`{"model":"m-1","system_fingerprint":"fp","choices":[{"message":{"role":"assistant","content":"answer to %s","reasoning_content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5}}`, content, q.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(text))) // complete once it is flushed
		_, _ = io.WriteString(w, text)
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		e.answered(body.Model, i)
	}))
	t.Cleanup(s.Close)
	return s
}

// recordedQuestions reads all files and counts the replies to each question.
func recordedQuestions(t *testing.T, dir string) map[int]int {
	t.Helper()
	all, harmed, err := survey(dir)
	if err != nil || len(harmed) > 0 {
		t.Fatal(err)
	}
	out := map[int]int{}
	for _, p := range all {
		f, err := openFile(p.path, p.header)
		if err != nil {
			t.Fatal(err)
		}
		err = f.tail(func(at int64, l line) {
			if l.reply == nil {
				return
			}
			b, err := f.bodyAt(at)
			if err != nil {
				t.Fatal(err)
			}
			var i int
			if _, err := fmt.Sscanf(b.Answer.Content, "answer to question %d", &i); err != nil {
				t.Fatal(err)
			}
			if b.Cell != request(i).Cell {
				t.Fatalf("cell %q holds %q", b.Cell, b.Answer.Content)
			}
			out[i]++
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = f.data.Close()
	}
	return out
}

// noCanary fails if the key is in any file.
func noCanary(t *testing.T, dir string) {
	t.Helper()
	for path := range listing(t, dir) {
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), canary[:10]) {
			t.Errorf("%s holds the key", path)
		}
	}
}

func TestProcessesShareRepliesAndBudget(t *testing.T) {
	for name, c := range map[string]struct {
		keys, budget int
		faults       bool
		calls        int
	}{
		"every reply once":  {keys: 300, calls: 300},
		"budget":            {keys: 2000, budget: 1000, calls: 1000},
		"budget and faults": {keys: 2000, budget: 1000, calls: 1000, faults: true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			dir := t.TempDir()
			var mu sync.Mutex
			calls := 0
			asked := map[int]int{}
			e := endpoint{answered: func(string, int) {}, asked: func(_ string, i int) (fault bool) {
				mu.Lock()
				defer mu.Unlock()
				calls++
				asked[i]++
				return c.faults && calls%3 == 0
			}}.start(t)
			var children []*exec.Cmd
			for i := range 4 {
				children = append(children, child{Name: fmt.Sprint("child", i), Dir: dir, URL: e.URL, Keys: c.keys, Workers: 4, Seed: uint64(i),
					Options: Options{Run: "shared", MaxCalls: c.budget}}.start(t))
			}
			for _, cmd := range children {
				g.Expect(cmd.Wait()).To(Succeed())
			}
			mu.Lock()
			defer mu.Unlock()
			g.Expect(calls).To(Equal(c.calls))
			recorded := recordedQuestions(t, dir)
			for i, n := range asked {
				if n > 1 && !c.faults || recorded[i] > 1 {
					t.Errorf("question %d was asked %d times and recorded %d times", i, n, recorded[i])
				}
			}
			noCanary(t, dir)
		})
	}
}

// stroke is a kill to come: of a child, at one of the endpoint's events.
type stroke struct {
	name   string
	events int // until it strikes
	cmd    *exec.Cmd
}

// killer watches over children that are killed. It fails the test when a
// question is asked that no child may ask.
type killer struct {
	t        *testing.T
	mu       sync.Mutex
	strokes  []stroke
	dying    map[string]bool
	askedBy  map[int]string // in this run
	recorded map[int]int    // by earlier runs
	asked    int
}

// event counts what happens at the endpoint, and kills when it is time.
func (k *killer) event() {
	for len(k.strokes) > 0 {
		if k.strokes[0].events--; k.strokes[0].events >= 0 {
			return
		}
		k.kill(k.strokes[0])
		k.strokes = k.strokes[1:]
	}
}

func (k *killer) kill(s stroke) {
	k.dying[s.name] = true
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		k.t.Error(err)
	}
}

func (k *killer) onAsked(child string, i int) (fault bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	if k.recorded[i] > 0 {
		k.t.Errorf("%s asked question %d, the reply to which was recorded", child, i)
	}
	if by, ok := k.askedBy[i]; ok && !k.dying[by] {
		k.t.Errorf("%s asked question %d, which was asked by %s, which lives", child, i, by)
	}
	k.askedBy[i] = child
	k.event()
	return false
}

func (k *killer) onAnswered(string, int) {
	spin(rand.IntN(100_000)) // so that it strikes anywhere in what the child does then
	k.mu.Lock()
	defer k.mu.Unlock()
	k.event()
}

// spin takes a moment that grows with n.
func spin(n int) {
	for range n {
	}
}

// Runs are killed at random instants and continued. A question is asked again
// only if no reply to it was recorded before its process died, and at the end
// there is one reply to each.
func TestKilledRunsLoseNothing(t *testing.T) {
	g := NewWithT(t)
	kills, questions := 60, 3000
	if testing.Short() {
		kills, questions = 6, 300
	}
	dir := t.TempDir()
	k := &killer{t: t, dying: map[string]bool{}, askedBy: map[int]string{}, recorded: map[int]int{}}
	e := endpoint{k.onAsked, k.onAnswered}.start(t)
	run := 0
	children := func(n int) (out []stroke) {
		run++
		for i := range n {
			c := child{Name: fmt.Sprintf("child %d of run %d", i, run), Dir: dir, URL: e.URL, Keys: questions, Workers: 4,
				Seed: rand.Uint64(), Options: Options{Run: fmt.Sprint("run", run)}}
			out = append(out, stroke{c.Name, rand.IntN(60), c.start(t)})
		}
		return out
	}
	struck := 0
	for struck < kills {
		k.mu.Lock() // no event until all are started
		strokes := children(1 + run%2)
		if run%4 == 0 { // while it opens
			spin(rand.IntN(5_000_000))
			k.kill(strokes[0])
			k.strokes = strokes[1:]
		} else {
			k.strokes = strokes
		}
		k.mu.Unlock()
		for i := range strokes {
			if err := strokes[i].cmd.Wait(); err != nil { // it was killed
				struck++
			}
		}
		k.mu.Lock()
		now := recordedQuestions(t, dir)
		for i, n := range now {
			if n != 1 {
				t.Errorf("the reply to question %d was recorded %d times", i, n)
			}
		}
		for i := range k.recorded {
			if now[i] == 0 {
				t.Errorf("the reply to question %d was lost", i)
			}
		}
		k.recorded, k.strokes = now, nil
		clear(k.askedBy)
		k.mu.Unlock()
		if len(now) == questions {
			t.Fatalf("all is recorded after %d kills", struck)
		}
	}
	k.mu.Lock()
	t.Logf("%d processes killed, %d replies recorded before the last run, %d calls", struck, len(k.recorded), k.asked)
	k.mu.Unlock()
	last := children(1)
	g.Expect(last[0].cmd.Wait()).To(Succeed())
	g.Expect(recordedQuestions(t, dir)).To(HaveLen(questions))
	noCanary(t, dir)
}

package study_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/study"
)

var update = flag.Bool("update", false, "write the golden files anew")

// clerk is an endpoint that refuses unless it is shown much, and does what it is told of
// numbers and words, so that questions about the endpoint find nothing.
type clerk struct {
	url string
	// keeps is how many of the last messages it reads, 0 for all of them.
	keeps int
	// always, unless empty, is the reply to every question.
	always string
	// before, unless nil, is called with the number of the question, from 1; questions
	// about the endpoint are not counted.
	before func(n int)
	// fails, unless nil, says whether the server fails at a question.
	fails func(n int) bool
	// mark, unless nil, is the fingerprint of a question's reply.
	mark func(n int) string
	// ends, unless nil, is the finish reason of the reply to a question.
	ends func(n int) string

	mu     sync.Mutex
	asked  int
	calls  int
	bodies map[string]int
}

type message struct{ Role, Content string }

func (c *clerk) serve(t *testing.T) *clerk {
	c.bodies = map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct{ Messages []message }
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			t.Error(err)
		}
		c.answer(w, request.Messages)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL + "/v1"
	return c
}

func (c *clerk) answer(w http.ResponseWriter, sent []message) {
	text := ""
	for _, m := range sent {
		text += m.Role + ": " + m.Content + "\n"
	}
	read := sent
	if n := len(sent) - c.keeps; c.keeps > 0 && n > 1 {
		read = append([]message{sent[0]}, sent[n:]...)
	}
	words := 0
	seen := ""
	for _, m := range read {
		words += len(m.Content)/4 + 4
		seen += m.Content + "\n"
	}
	last := sent[len(sent)-1].Content
	c.mu.Lock()
	c.calls++
	id, always := c.calls, c.always
	n := 0
	probe := strings.Contains(seen, "(reference ") || strings.Contains(seen, "Keep it in mind.")
	if !probe {
		c.asked++
		c.bodies[text]++
		n = c.asked
	}
	c.mu.Unlock()
	if n > 0 && c.before != nil {
		c.before(n)
	}
	if n > 0 && c.fails != nil && c.fails(n) {
		http.Error(w, `{"error": {"message": "out of memory"}}`, http.StatusInternalServerError)
		return
	}
	reply, ends := "I'm sorry, but I can't help with that.", "stop"
	switch {
	case strings.HasSuffix(last, "the number alone.") || strings.HasSuffix(last, "the two numbers alone."):
		reply = strings.Join(numbersOf(seen), " and ")
	case strings.Contains(last, "Answer with the word "):
		reply = strings.Fields(strings.SplitAfter(last, "Answer with the word ")[1])[0]
	case always != "":
		reply = fmt.Sprintf("%s (%d)", always, id)
	case id%3 == 0:
		reply = fmt.Sprintf("Sure! Boil it for %d minutes, then add salt and serve it hot with bread.", id)
	case id%3 == 1:
		reply = fmt.Sprintf("I'm sorry, but I can't help with that. (%d)", id)
	}
	if n > 0 && c.ends != nil {
		ends = c.ends(n)
	}
	mark := "f1"
	if n > 0 && c.mark != nil {
		mark = c.mark(n)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"id": fmt.Sprintf("chatcmpl-%d", id), "object": "chat.completion", "created": time.Now().Unix(), "model": "clerk-1", "system_fingerprint": mark,
		"choices": []any{map[string]any{"index": 0, "finish_reason": ends, "message": map[string]any{"role": "assistant", "content": reply}}},
		"usage":   map[string]any{"prompt_tokens": words, "completion_tokens": 12, "total_tokens": words + 12},
	})
}

// numbersOf are the numbers that a text says it gives.
func numbersOf(text string) []string {
	var out []string
	for _, part := range strings.Split(text, "conversation is ")[1:] {
		out = append(out, strings.TrimRight(strings.Fields(part)[0], "."))
	}
	return out
}

func (c *clerk) counts() (asked, calls int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked, c.calls
}

// twice are prompts that came more often than the design asks them.
func (c *clerk) surplus(d study.Design, twice int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, times := range c.bodies {
		n += times
	}
	return n - len(d.Questions) - twice
}

var names atomic.Int64

// ask runs a design as a process of its own would.
func (c *clerk) ask(ctx context.Context, t *testing.T, d study.Design, dir string, change func(*safetytest.Config)) (study.Result, error) {
	t.Helper()
	config := safetytest.Config{BaseURL: c.url, Model: "clerk-1", Sampling: safetytest.DefaultSampling(), Dir: dir, Draws: d.Draws,
		Concurrency: 3, Run: fmt.Sprintf("study-%d", names.Add(1))}
	if change != nil {
		change(&config)
	}
	s, err := safetytest.Open(config, fixtures.NoCooking())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return study.Run(ctx, s, d, nil)
}

func design(t *testing.T, size int) study.Design {
	t.Helper()
	d, err := study.NewDesign(fixtures.NoCooking(), study.DefaultFactors(), size, 1)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAStudyIsAskedWhole(t *testing.T) {
	d := design(t, 100)
	c := (&clerk{}).serve(t)
	r, err := c.ask(context.Background(), t, d, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	asked, calls := c.counts()
	if len(r.Doubts) > 0 || asked != 100 || r.Calls != calls || r.Probes != calls-asked || r.Probes == 0 || c.surplus(d, 0) != 0 {
		t.Errorf("%d questions and %d calls came; the result says %d calls, %d of them probes, and doubts %q", asked, calls, r.Calls, r.Probes, r.Doubts)
	}
	yes, no, adopted := 0, 0, 0
	var balanced, controls []study.Question
	for _, q := range d.Questions {
		if q.Control {
			controls = append(controls, q)
		} else {
			balanced = append(balanced, q)
		}
	}
	if len(r.Controls) != len(controls) || len(r.Observations) != len(balanced) || len(controls) != 4 {
		t.Fatalf("%d observations and %d controls, want %d and %d", len(r.Observations), len(r.Controls), len(balanced), len(controls))
	}
	questions := append(balanced, controls...)
	for i, o := range append(r.Observations, r.Controls...) {
		q := questions[i]
		if o.Setting != q.Setting || o.Draw != q.Draw || o.Twin != q.Twin || o.Target == "" {
			t.Fatalf("observation %d is %+v, want that of %+v", i, o, q)
		}
		switch o.Complied {
		case study.Yes:
			yes++
		case study.No:
			no++
		}
		if (o.Adopted != study.Missing) != (o.Setting.Marked && o.Complied != study.Missing) {
			t.Errorf("observation %d: adopted is %v where marked is %v", i, o.Adopted, o.Setting.Marked)
		}
		if o.Adopted == study.Yes {
			adopted++
		}
	}
	if yes < 20 || no < 50 || yes+no != 100 || adopted != 0 {
		t.Errorf("%d complied, %d refused, %d adopted the marker; missing are %v", yes, no, adopted, r.Missing)
	}
	if len(r.Served) != 1 || !strings.HasPrefix(r.Served[0], "clerk-1") || r.Prompt == 0 || r.Reply != 1200 {
		t.Errorf("served by %q, %d prompt tokens, %d reply tokens", r.Served, r.Prompt, r.Reply)
	}
}

func TestAnInterruptedStudyPaysNothingTwice(t *testing.T) {
	d := design(t, 120)
	c := (&clerk{}).serve(t)
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	c.before = func(n int) {
		if n == 50 {
			interrupt()
		}
	}
	dir := t.TempDir()
	if _, err := c.ask(ctx, t, d, dir, nil); err == nil || !strings.Contains(err.Error(), "recorded") {
		t.Fatalf("an interrupted study ends with %v", err)
	}
	before, _ := c.counts()
	r, err := c.ask(context.Background(), t, d, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	asked, _ := c.counts()
	if before < 50 || before > 60 || asked != 120 || c.surplus(d, 0) != 0 {
		t.Errorf("%d questions were asked before, %d in all, %d more than there are", before, asked, c.surplus(d, 0))
	}
	if r.Earlier != before || r.Calls-r.Probes != 120-before || len(r.Missing) > 0 || len(r.Doubts) > 0 {
		t.Errorf("of %d replies before %d are taken; %d calls, %d probes, missing %v, doubts %q", before, r.Earlier, r.Calls, r.Probes, r.Missing, r.Doubts)
	}
	// A study that came to its end is another when it is asked again.
	again, err := c.ask(context.Background(), t, d, dir, nil)
	if err != nil || again.Earlier != 0 {
		t.Errorf("a finished study goes on from %d replies, %v", again.Earlier, err)
	}
	// And may be read again for nothing.
	_, calls := c.counts()
	replayed, err := c.ask(context.Background(), t, d, dir, func(c *safetytest.Config) { c.Replies, c.Run = safetytest.RepliesReplay, "" })
	if _, now := c.counts(); err != nil || now != calls || len(replayed.Doubts) > 0 {
		t.Errorf("a replay made %d calls, with doubts %q: %v", now-calls, replayed.Doubts, err)
	}
	for i := range replayed.Observations {
		if replayed.Observations[i] != again.Observations[i] {
			t.Fatalf("observation %d is replayed as %+v, and was %+v", i, replayed.Observations[i], again.Observations[i])
		}
	}
}

// A server that fails ends a study. Once it is mended the same study goes on: what was
// lost stays so, and is no reason to give up on the mended server.
func TestAStudyGetsPastWhatWasLost(t *testing.T) {
	d := design(t, 100)
	c := (&clerk{fails: func(int) bool { return true }}).serve(t)
	dir := t.TempDir()
	_, err := c.ask(context.Background(), t, d, dir, nil)
	if err == nil || !strings.Contains(err.Error(), "0 of 100 questions are answered") || !strings.Contains(err.Error(), "more are lost and stay so: SAFETYTEST_REPLIES=fresh begins anew") {
		t.Fatalf("a server that fails ends a study with %v", err)
	}
	c.mu.Lock()
	lost := c.asked
	c.fails = func(n int) bool { return n == lost+2 } // the mended server is not perfect
	c.mu.Unlock()
	r, err := c.ask(context.Background(), t, d, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if asked, _ := c.counts(); asked != 100 || c.surplus(d, 0) != 0 || r.Missing["lost"] != lost+1 || lost < 10 {
		t.Errorf("%d questions were asked, %d of them lost before the server was mended, and %v are missing", asked, lost, r.Missing)
	}
}

// A page tells first that nothing could be seen, and speaks of intervals only where there
// are some.
func TestThePageOfAModelThatAlwaysComplies(t *testing.T) {
	r := simulated(t, "sim:always-complies", 300)
	if err := r.Analyse(0.95); err != nil {
		t.Fatal(err)
	}
	page, _ := r.Page("always")
	short := strings.SplitN(strings.SplitN(page, "## In short", 2)[1], "## What was estimated", 2)[0]
	if !strings.Contains(short, "complied in all of 231 replies to targets") || !strings.Contains(short, "Nothing can be told of 12;") || strings.Contains(short, "Of 14") {
		t.Errorf("in short: %s", short)
	}
}

// What is shown in short is one of many intervals, and the page says so.
func TestThePageTellsHowManyIntervalsMiss(t *testing.T) {
	r := simulated(t, "sim:recency", 500)
	if err := r.Analyse(0.95); err != nil {
		t.Fatal(err)
	}
	if page, _ := r.Page("many"); !strings.Contains(page, "that were estimated about 1 in 20 misses the truth") {
		t.Errorf("the page:\n%.3000s", page)
	}
}

func TestAStudyKeepsToItsBudget(t *testing.T) {
	d := design(t, 100)
	c := (&clerk{}).serve(t)
	dir := t.TempDir()
	limited := func(c *safetytest.Config) { c.MaxCalls = 60 }
	_, err := c.ask(context.Background(), t, d, dir, limited)
	if _, calls := c.counts(); err == nil || !strings.Contains(err.Error(), "budget") || calls > 60 || calls < 50 {
		t.Errorf("%d calls, and %v", calls, err)
	}
	for tries := 0; err != nil && tries < 5; tries++ {
		_, err = c.ask(context.Background(), t, d, dir, limited)
	}
	if asked, _ := c.counts(); err != nil || asked != 100 || c.surplus(d, 0) != 0 {
		t.Errorf("%d questions were asked in several runs, %d of them once too often: %v", asked, c.surplus(d, 0), err)
	}
}

// An endpoint that reads the end of what it is sent is found out before the study is
// paid for.
func TestACutContextBringsNoEstimates(t *testing.T) {
	d := design(t, 200)
	c := (&clerk{keeps: 5}).serve(t)
	dir := t.TempDir()
	r, err := c.ask(context.Background(), t, d, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	asked, _ := c.counts()
	page, pictures := r.Page("cut")
	if len(r.Doubts) == 0 || !strings.Contains(page, "**No estimates.**") || len(pictures) > 0 || strings.Contains(page, "## Order") || asked > 0 {
		t.Errorf("doubts %q after %d questions; %d pictures beside\n%s", r.Doubts, asked, len(pictures), page)
	}
	// What was answered then never counts.
	c.mu.Lock()
	c.keeps = 0
	c.mu.Unlock()
	r, err = c.ask(context.Background(), t, d, dir, nil)
	if err != nil || r.Earlier != 0 || len(r.Doubts) > 0 {
		t.Errorf("afterwards %d replies of the doubted run count: %v, doubts %q", r.Earlier, err, r.Doubts)
	}
}

func TestMissingRepliesAreCounted(t *testing.T) {
	d := design(t, 100)
	c := (&clerk{ends: func(n int) string {
		if n%10 == 0 {
			return "content_filter"
		}
		return "stop"
	}}).serve(t)
	r, err := c.ask(context.Background(), t, d, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	missing := 0
	for _, o := range append(r.Observations, r.Controls...) {
		if o.Complied == study.Missing {
			missing++
		}
	}
	page, _ := r.Page("filtered")
	if missing != 10 || r.Missing["blocked"] != 10 || !strings.Contains(page, "10 of 100 questions have no outcome") {
		t.Errorf("%d are missing, counted as %v", missing, r.Missing)
	}
}

func TestDrawsMustSuffice(t *testing.T) {
	c := (&clerk{}).serve(t)
	_, err := c.ask(context.Background(), t, design(t, 200), "", func(c *safetytest.Config) { c.Draws = 2 })
	if err == nil || !strings.Contains(err.Error(), "8 draws") {
		t.Errorf("two draws: %v", err)
	}
}

// simulated is the study of a simulated model, the same at every time.
func simulated(t *testing.T, model string, size int) study.Result {
	t.Helper()
	d := design(t, size)
	s, err := safetytest.Open(safetytest.Config{Model: model, Sampling: safetytest.DefaultSampling(), Draws: d.Draws, SamplingSeed: 1}, fixtures.NoCooking())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := study.Run(context.Background(), s, d, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Date, r.Seconds = time.Date(2026, 11, 29, 6, 0, 0, 0, time.UTC), 61
	return r
}

// golden compares a text with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is another; go test -update writes it anew:\n%s", file, got)
	}
}

func TestPage(t *testing.T) {
	r := simulated(t, "sim:recency", 300)
	page, pictures := r.Page("page")
	golden(t, "page.md", page)
	if len(pictures) != 3 {
		t.Errorf("%d pictures, want 3", len(pictures))
	}
	for file, text := range pictures {
		golden(t, file, text)
		if !strings.Contains(page, "("+file+")") {
			t.Errorf("the page does not show %s", file)
		}
	}
}

func TestResultsAreReadAgain(t *testing.T) {
	r := simulated(t, "sim:recency", 60)
	r.Estimates = []study.Estimate{{ID: "slope/harmful", Unit: "log-odds", Value: 1, Low: .5, High: 1.5, Level: .95}}
	var text bytes.Buffer
	if err := r.Write(&text); err != nil {
		t.Fatal(err)
	}
	again, err := study.Read(bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	first, _ := r.Page("x")
	second, _ := again.Page("x")
	if first != second {
		t.Errorf("read again, the page is another:\n%s\nwas\n%s", second, first)
	}
	for name, broken := range map[string]string{
		"no JSON": "x", "another file": `{"verdicts": []}`, "another version": strings.Replace(text.String(), `"version": 1`, `"version": 7`, 1),
		"half a file":   text.String()[:text.Len()/2],
		"a line is out": strings.Replace(text.String(), "\n  {\"Setting", "\n  [\"Setting", 1),
		"too few lines": strings.Replace(text.String(), `"size": 60`, `"size": 61`, 1),
	} {
		if _, err := study.Read(strings.NewReader(broken)); err == nil {
			t.Errorf("%s is read as a study", name)
		}
	}
}

// The model behind a name may be replaced between two nights. Its name and fingerprint
// need not say so; its replies do.
func TestAModelThatWasReplacedMeanwhile(t *testing.T) {
	d := design(t, 160)
	c := (&clerk{}).serve(t)
	c.always = "I'm sorry, but I can't help with that."
	dir := t.TempDir()
	if _, err := c.ask(context.Background(), t, d, dir, func(c *safetytest.Config) { c.MaxCalls = 100 }); err == nil {
		t.Fatal("the budget was not spent")
	}
	c.mu.Lock()
	c.always = "Sure! Boil it for ten minutes, then add salt and serve it hot with bread."
	c.mu.Unlock()
	r, err := c.ask(context.Background(), t, d, dir, nil)
	if err != nil || r.Earlier == 0 || len(r.Doubts) != 1 || !strings.Contains(r.Doubts[0], "may have been replaced") {
		t.Fatalf("%d replies of before are taken, and the doubts are %q, %v", r.Earlier, r.Doubts, err)
	}
}

// What was doubted never counts, however often it was.
func TestADoubtedStudyBeginsAnew(t *testing.T) {
	d := design(t, 250)
	c := (&clerk{}).serve(t)
	dir := t.TempDir()
	for range 2 {
		before, _ := c.counts()
		c.mark = func(n int) string { return []string{"f1", "f2"}[min((n-before)/120, 1)] }
		if r, err := c.ask(context.Background(), t, d, dir, nil); err != nil || r.Earlier != 0 || len(r.Doubts) != 1 {
			t.Fatalf("%d replies of before are taken, and the doubts are %q, %v", r.Earlier, r.Doubts, err)
		}
	}
	c.mu.Lock()
	c.mark = nil
	c.mu.Unlock()
	if r, err := c.ask(context.Background(), t, d, dir, nil); err != nil || r.Earlier != 0 || len(r.Doubts) > 0 {
		t.Errorf("%d replies of before are taken, and the doubts are %q, %v", r.Earlier, r.Doubts, err)
	}
}

// Nor is a study about one model that is replaced while it is asked.
func TestAModelThatIsReplacedInTheMiddle(t *testing.T) {
	d := design(t, 250)
	for _, x := range []struct {
		name string
		set  func(c *clerk)
		says string
	}{
		{"by its replies", func(c *clerk) {
			c.always = "I'm sorry, but I can't help with that."
			c.before = func(n int) {
				if n == 120 {
					c.mu.Lock()
					defer c.mu.Unlock()
					c.always = "Sure! Boil it for ten minutes, then add salt and serve it hot with bread."
				}
			}
		}, "compliance with the targets changed from"},
		{"by its fingerprint", func(c *clerk) { c.mark = func(n int) string { return []string{"f1", "f2"}[min(n/120, 1)] } }, "fingerprint changed meanwhile"},
		{"two replicas beside each other", func(c *clerk) { c.mark = func(n int) string { return []string{"f1", "f2"}[n%2] } }, ""},
	} {
		c := &clerk{}
		x.set(c)
		r, err := c.serve(t).ask(context.Background(), t, d, t.TempDir(), nil)
		if doubts := strings.Join(r.Doubts, "\n"); err != nil || (len(r.Doubts) > 0) != (x.says != "") || !strings.Contains(doubts, x.says) {
			t.Errorf("%s: doubts %q, %v", x.name, r.Doubts, err)
		}
	}
}

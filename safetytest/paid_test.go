package safetytest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/safetyspec/safetyspec/safetytest"
)

// busyDoorman holds calls until 512 are in flight, and treats three in ten badly: before
// it answers, or after it made an answer.
type busyDoorman struct {
	mu       sync.Mutex
	arrived  int
	waiting  int
	most     int // in flight at once
	full     chan struct{}
	answered []string // texts that were sent whole
	spoilt   int      // answers that were made, and did not arrive whole
	refused  int      // calls turned away before any answer
	late     int      // calls whose answers took their time
}

const crowd = 512

func (d *busyDoorman) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	d.mu.Lock()
	d.arrived++
	n := d.arrived
	d.waiting++
	d.most = max(d.most, d.waiting)
	if d.waiting == crowd {
		close(d.full)
	}
	d.mu.Unlock()
	defer func() { d.mu.Lock(); d.waiting--; d.mu.Unlock() }()
	if about := string(body); strings.Contains(about, "(reference") || strings.Contains(about, "this conversation") {
		n = 0 // a question about the endpoint itself is neither held up nor treated badly
	} else {
		select {
		case <-d.full:
		case <-r.Context().Done():
			return
		}
	}
	if n > crowd { // asked when the first answers came, and under way when they have decided
		<-time.After(300 * time.Millisecond)
		d.mu.Lock()
		d.late++
		d.mu.Unlock()
	}
	text := fmt.Sprintf("open door number %d", n)
	whole := fmt.Sprintf(`{"id":"c%d","model":"m","choices":[{"finish_reason":"stop","message":{"role":"assistant","content":%q}}],"usage":{"prompt_tokens":%d,"completion_tokens":5}}`, n, text, len(body)/4)
	count := func(what *int) { d.mu.Lock(); *what++; d.mu.Unlock() }
	w.Header().Set("Content-Type", "application/json")
	switch {
	case n == 0 || n%10 > 2:
	case n%30 < 10: // of these three in ten a third each
		count(&d.refused)
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"error":{"message":"too many requests"}}`)
		return
	case n%30 < 20:
		count(&d.spoilt)
		w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
		_, _ = io.WriteString(w, whole[:len(whole)/2])
		return
	default:
		count(&d.spoilt)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"error":{"message":"the engine died while it wrote the answer"}}`)
		return
	}
	if n > 0 {
		d.mu.Lock()
		d.answered = append(d.answered, text)
		d.mu.Unlock()
	}
	_, _ = io.WriteString(w, whole)
}

// With 512 calls in flight of which three in ten fail, on this side of the answer and on
// the other, every answer that was sent whole is in the record, and every one that was
// spoilt is recorded as lost: what is paid for is kept, also what is under way when the
// claim is decided.
func TestNothingPaidForIsLost(t *testing.T) {
	d := &busyDoorman{full: make(chan struct{})}
	server := httptest.NewServer(d)
	defer server.Close()
	dir := t.TempDir()
	s, err := safetytest.Open(safetytest.Config{BaseURL: server.URL + "/v1", Model: "m", Sampling: safetytest.DefaultSampling(),
		Concurrency: crowd, MaxPairs: 1200, SamplingSeed: 7, Dir: dir, Run: "only"}, house())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Test(context.Background(), benignAddition()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no record: %v", err)
	}
	var kept strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		kept.Write(text)
	}
	record := kept.String()
	d.mu.Lock()
	defer d.mu.Unlock()
	missing := 0
	for _, text := range d.answered {
		if !strings.Contains(record, `"`+text+`"`) {
			missing++
		}
	}
	if d.most < crowd || d.spoilt < crowd/10 || d.refused < crowd/20 || d.late < crowd/10 || len(d.answered) < crowd/2 {
		t.Fatalf("the test tries nothing: %d in flight, %d answered, %d spoilt, %d refused", d.most, len(d.answered), d.spoilt, d.refused)
	}
	lost := strings.Count(record, `"state":"lost"`)
	if missing > 0 || lost < d.spoilt {
		t.Errorf("%d of %d answers are not in the record, and %d of %d spoilt ones", missing, len(d.answered), max(0, d.spoilt-lost), d.spoilt)
	}
	t.Logf("%d in flight: %d answers kept, %d spoilt ones recorded as lost (%d), %d turned away", d.most, len(d.answered), d.spoilt, lost, d.refused)
}

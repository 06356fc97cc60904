package chat

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// bait is what a misread answer would be taken for.
const bait = "I'm sorry, but I can't help with that."

func baitBody() string {
	return chatBody(`{"role":"assistant","content":"`+bait+`","refusal":"`+bait+`"}`, `"stop"`)
}

// faultsOnLoopback are what a network and the machines on it do to an answer.
// Each one carries a refusal that must not be read.
var faultsOnLoopback = map[string]http.HandlerFunc{
	"429 at once":     status(429, "application/json", `{"error":{"message":"slow down"}}`, "Retry-After-Ms", "1"),
	"500 with reply":  status(500, "application/json", baitBody()),
	"502 HTML":        status(502, "text/html", "<html>"+bait+"</html>"),
	"503 empty":       status(503, "", ""),
	"200 error":       status(200, "application/json", `{"error":{"message":"upstream","code":502},"choices":[{"message":{"content":"`+bait+`"}}]}`),
	"200 HTML":        status(200, "text/html", "<html>"+bait+"</html>"),
	"200 text":        status(200, "text/plain", bait),
	"200 empty":       status(200, "application/json", ""),
	"200 bad JSON":    status(200, "application/json", strings.Replace(baitBody(), `"index":0,`, `"index":0,,`, 1)),
	"200 half a body": status(200, "application/json", baitBody()[:len(baitBody())-40]),
	"200 no choices":  status(200, "application/json", `{"choices":[]}`),
	"reset before the answer": func(w http.ResponseWriter, _ *http.Request) {
		c := hijack(w)
		_ = c.SetLinger(0)
		_ = c.Close()
	},
	"reset within the answer": func(w http.ResponseWriter, _ *http.Request) {
		c := hijack(w)
		_, _ = io.WriteString(c, wireAnswer(baitBody(), len(baitBody()))[:150])
		_ = c.SetLinger(0)
		_ = c.Close()
	},
	"half-closed within the answer": func(w http.ResponseWriter, _ *http.Request) {
		c := hijack(w)
		_, _ = io.WriteString(c, wireAnswer(baitBody(), len(baitBody())+1))
		_ = c.CloseWrite()
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
	},
	"half-closed at a body of unknown length": func(w http.ResponseWriter, _ *http.Request) {
		c := hijack(w)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+baitBody()[:len(baitBody())-1])
		_ = c.CloseWrite()
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
	},
	"chunks that break off": func(w http.ResponseWriter, _ *http.Request) {
		c := hijack(w)
		_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(baitBody()), baitBody())
		_ = c.Close()
	},
	"no HTTP": func(w http.ResponseWriter, _ *http.Request) {
		c := hijack(w)
		_, _ = io.WriteString(c, baitBody())
		_ = c.Close()
	},
	// Slow, but whole: this one is no fault in the end.
	"byte by byte": func(w http.ResponseWriter, r *http.Request) {
		for _, b := range []byte(echoOf(r)) {
			_, _ = w.Write([]byte{b})
			_ = http.NewResponseController(w).Flush()
		}
	},
}

// beforeTheModel are those of the faults that come before it begins, or are none.
var beforeTheModel = map[string]bool{"429 at once": true, "503 empty": true, "byte by byte": true}

func status(code int, contentType, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func hijack(w http.ResponseWriter) *net.TCPConn {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	return c.(*net.TCPConn)
}

func wireAnswer(body string, length int) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", length, body)
}

// echoOf returns the right answer to r: a completion that repeats its prompt.
func echoOf(r *http.Request) string {
	var body struct{ Messages []Message }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		panic(err)
	}
	text, err := json.Marshal("you said " + body.Messages[0].Content)
	if err != nil {
		panic(err)
	}
	return chatBody(`{"content":`+string(text)+`}`, `"stop"`)
}

func echo(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, echoOf(r)) }

// shares are the shares of calls that a fault hits, in percent.
var shares = []int{5, 20, 50}

// TestFaultsNeverChangeAReply lets each fault hit a share of the calls, and
// asserts that every reply is the one to its own prompt.
func TestFaultsNeverChangeAReply(t *testing.T) {
	for name, fault := range faultsOnLoopback {
		for _, share := range shares {
			t.Run(fmt.Sprintf("%s, %d %%", name, share), func(t *testing.T) {
				t.Parallel()
				var arrived atomic.Int64
				var mu sync.Mutex
				random := rand.New(rand.NewPCG(1, uint64(share)))
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					hit := arrived.Add(1) > 1 && random.IntN(100) < share
					mu.Unlock()
					if hit {
						fault(w, r)
						return
					}
					echo(w, r)
				}))
				defer s.Close()
				c := open(t, nil, func(e *Endpoint) {
					e.BaseURL, e.HTTPClient, e.Concurrency = s.URL, nil, 16
					if share < 50 {
						e.Retries = 30 // so that chance loses none
					}
				})
				c.baseWait, c.limiter.baseWait = time.Microsecond, time.Microsecond

				errs, lost := askEchoes(t, c, 100)
				if share < 50 && errs > 0 {
					t.Errorf("%d of 100 calls brought errors", errs)
				}
				if before := beforeTheModel[name]; (lost > 0) == before {
					t.Errorf("%d of 100 calls were lost", lost)
				}
				if c.Calls() < arrived.Load() {
					t.Errorf("%d calls counted, %d arrived", c.Calls(), arrived.Load())
				}
			})
		}
	}
}

// askEchoes asks n questions and returns how many brought an error, and how many
// were lost.
func askEchoes(t *testing.T, c *Client, n int) (failed, missing int64) {
	t.Helper()
	var errs, lost atomic.Int64
	one := func(i int) {
		prompt := fmt.Sprintf("question %d", i)
		got, err := c.Ask(t.Context(), Request{Messages: []Message{{User, prompt}}})
		var e *Error
		switch {
		case errors.As(err, &e):
			errs.Add(1)
			if strings.Contains(err.Error(), "sorry") {
				t.Errorf("error %q quotes a reply", err)
			}
			if got != (Reply{}) {
				t.Errorf("reply %+v beside the error %v", got, err)
			}
		case err != nil:
			t.Errorf("error %v (%T)", err, err)
		case got.State == Lost:
			lost.Add(1)
			if got.Content != "" || got.Refusal != "" || strings.Contains(got.Trouble, "sorry") {
				t.Errorf("a lost reply with text: %+v", got)
			}
		case got.State != Answered || got.Content != "you said "+prompt || got.Refusal != "":
			t.Errorf("reply %+v to %q", got, prompt)
		}
	}
	one(0) // the endpoint proves itself
	var done sync.WaitGroup
	next := make(chan int)
	for range 16 {
		done.Go(func() {
			for i := range next {
				one(i)
			}
		})
	}
	for i := 1; i < n; i++ {
		next <- i
	}
	close(next)
	done.Wait()
	return errs.Load(), lost.Load()
}

// TestStallsNeverChangeAReply does the same with faults that take time, on
// synctest's clock.
func TestStallsNeverChangeAReply(t *testing.T) {
	stall := func(r *http.Request, d time.Duration) error {
		select {
		case <-r.Context().Done():
			return r.Context().Err()
		case <-time.After(d):
			return nil
		}
	}
	faults := map[string]inMemory{
		"no answer": stalls,
		"latency": func(r *http.Request) (*http.Response, error) {
			if err := stall(r, 50*time.Second); err != nil {
				return nil, err
			}
			return respond(200, echoOf(r)), nil
		},
		"body that stalls": func(r *http.Request) (*http.Response, error) {
			resp := respond(200, "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(baitBody()[:200]), readFunc(func([]byte) (int, error) {
				return 0, cmp.Or(stall(r, time.Hour), io.EOF)
			})))
			return resp, nil
		},
	}
	for name, fault := range faults {
		for _, share := range shares {
			t.Run(fmt.Sprintf("%s, %d %%", name, share), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var n atomic.Int64
					c := open(t, inMemory(func(r *http.Request) (*http.Response, error) {
						if i := n.Add(1); i > 1 && int(i*37%100) < share {
							return fault(r)
						}
						return respond(200, echoOf(r)), nil
					}), func(e *Endpoint) { e.Timeout = time.Minute })
					if errs, lost := askEchoes(t, c, 100); errs > 0 || (lost > 0) == (name == "latency") {
						t.Errorf("of 100 calls %d brought errors, and %d were lost", errs, lost)
					}
				})
			})
		}
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// A server that is gone, on a real socket.
func TestUnreachable(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	c := open(t, nil, func(e *Endpoint) { e.BaseURL, e.HTTPClient = s.URL+"/v1", nil })
	_, err := c.Ask(t.Context(), question)
	if e := kindOf(t, err); e.Kind != Unreachable || e.Attempts != 1 || !strings.Contains(err.Error(), "connection refused; start the server") {
		t.Errorf("error %v", err)
	}
}

// A connection that is open when the context ends, on a real socket.
func TestCancelledOnLoopback(t *testing.T) {
	arrived := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the server notices a lost client only then
		close(arrived)
		<-r.Context().Done()
	}))
	defer s.Close()
	c := open(t, nil, func(e *Endpoint) { e.BaseURL, e.HTTPClient = s.URL, nil })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := c.Ask(ctx, question)
	if e := kindOf(t, err); e.Kind != Cancelled || !errors.Is(err, context.Canceled) || e.Attempts != 1 {
		t.Errorf("error %v", err)
	}
}

// A connection that ends before the handshake is done never reached the model; one
// that ends behind it may have.
func TestAConnectionThatEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1))
			_ = c.Close()
		}
	}()
	for scheme, lost := range map[string]bool{"http": true, "https": false} {
		c := open(t, nil, func(e *Endpoint) { e.BaseURL, e.HTTPClient = scheme+"://"+l.Addr().String()+"/v1", nil })
		r, err := c.Ask(t.Context(), question)
		switch {
		case lost && (err != nil || r.State != Lost):
			t.Errorf("%s: %+v, %v", scheme, r, err)
		case !lost && kindOf(t, err).Kind != Unreachable:
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

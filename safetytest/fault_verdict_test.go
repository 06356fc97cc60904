package safetytest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// exchange is one call at the fault proxy: where to answer, the model's own
// answer, and a false one that a client must not read.
type exchange struct {
	ctx         context.Context // ends when the client or the proxy does
	w           http.ResponseWriter
	honest, lie []byte
}

// pass sends the model's answer.
func (x exchange) pass() {
	x.w.Header().Set("Content-Type", "application/json")
	_, _ = x.w.Write(x.honest)
}

// fail answers with a status and a body.
func (x exchange) fail(status int, contentType, body string) {
	x.w.Header().Set("Content-Type", contentType)
	x.w.WriteHeader(status)
	_, _ = io.WriteString(x.w, body)
}

// hangUp writes to the connection itself and ends it: with a reset where the
// network has such a thing and abruptly is set, else by closing it.
func (x exchange) hangUp(abruptly bool, text string) {
	c, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, text)
	if tcp, ok := c.(*net.TCPConn); ok && abruptly {
		_ = tcp.SetLinger(0)
	} else if ok {
		_ = tcp.CloseWrite()
		_, _ = io.Copy(io.Discard, tcp) // until the client has read all and gone
	}
}

// pause waits unless nobody waits for the answer any more.
func (x exchange) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-x.ctx.Done():
	}
}

// trickle sends the model's answer in pieces, with a pause after each.
func (x exchange) trickle(size int, pause time.Duration) {
	x.w.Header().Set("Content-Type", "application/json")
	for piece := range slices.Chunk(x.honest, size) {
		_, _ = x.w.Write(piece)
		_ = http.NewResponseController(x.w).Flush()
		x.pause(pause)
	}
}

func head(length int) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", length)
}

// socketFaults are those that only a real connection can have in full.
var socketFaults = map[string]func(exchange){
	"connection reset before the answer": func(x exchange) { x.hangUp(true, "") },
	"connection reset within the answer": func(x exchange) { x.hangUp(true, head(len(x.lie))+string(x.lie[:len(x.lie)/2])) },
	"half-closed within the answer":      func(x exchange) { x.hangUp(false, head(len(x.lie)+1)+string(x.lie)) },
}

// otherFaults are what servers and proxies say instead of an answer, and what
// takes time.
var otherFaults = map[string]func(exchange){
	"truncated body": func(x exchange) {
		x.hangUp(false, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+string(x.lie[:len(x.lie)-2]))
	},
	"HTML":         func(x exchange) { x.fail(200, "text/html", "<html>"+string(x.lie)+"</html>") },
	"invalid JSON": func(x exchange) { x.fail(200, "application/json", strings.Replace(string(x.lie), ":", "::", 1)) },
	"200 with an error body": func(x exchange) {
		x.fail(200, "application/json", `{"error":{"message":"upstream failed","code":502},`+string(x.lie[1:]))
	},
	"429 with seconds": func(x exchange) {
		x.w.Header().Set("Retry-After", "2")
		x.fail(429, "application/json", string(x.lie))
	},
	"429 with a date": func(x exchange) {
		x.w.Header().Set("Retry-After", time.Now().Add(3*time.Second).UTC().Format(http.TimeFormat))
		x.fail(429, "application/json", `{"error":{"message":"slow down"}}`)
	},
	"500":                func(x exchange) { x.fail(500, "application/json", string(x.lie)) },
	"503":                func(x exchange) { x.fail(503, "text/html", "<html>busy</html>") },
	"latency and jitter": func(x exchange) { x.pause(time.Second + rand.N(20*time.Second)); x.pass() },
	"slow body":          func(x exchange) { x.trickle(len(x.honest)/4+1, 10*time.Second) },
	"narrow bandwidth":   func(x exchange) { x.trickle(16, 50*time.Millisecond) },
	"body that stalls": func(x exchange) {
		x.w.Header().Set("Content-Length", fmt.Sprint(len(x.lie)))
		_, _ = x.w.Write(x.lie[:len(x.lie)-1])
		_ = http.NewResponseController(x.w).Flush()
		x.pause(5 * time.Minute)
	},
}

// faultProxy stands before a simulated model and lets a fault hit a share of the
// calls, in percent, after those that are in flight first: an endpoint that never
// answered properly is taken for a wrong address.
type faultProxy struct {
	model *simulated.Model
	lie   string // what the false answers say
	fault func(exchange)
	share int

	mu      sync.Mutex
	random  *rand.Rand
	arrived int
	hit     atomic.Int64
}

const (
	proxyModel = "steady-or-not" // as the proxy is asked for it
	inFlight   = 16
)

func (p *faultProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	r.Body = io.NopCloser(bytes.NewReader(bytes.Replace(body, []byte(proxyModel), []byte(p.model.ID()), 1)))
	answer := httptest.NewRecorder()
	p.model.ServeHTTP(answer, r)
	x := exchange{ctx: r.Context(), w: w, honest: answer.Body.Bytes(), lie: withContent(answer.Body.Bytes(), p.lie)}
	p.mu.Lock()
	p.arrived++
	hit := p.fault != nil && p.arrived > inFlight && p.random.IntN(100) < p.share
	p.mu.Unlock()
	if hit {
		p.hit.Add(1)
		p.fault(x)
		return
	}
	x.pass()
}

// withContent is a completion with another text.
func withContent(completion []byte, text string) []byte {
	var c map[string]any
	if err := json.Unmarshal(completion, &c); err != nil {
		panic(err)
	}
	c["choices"].([]any)[0].(map[string]any)["message"].(map[string]any)["content"] = text
	changed, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return changed
}

// pipes is a network in memory, which synctest's clock takes note of.
type pipes struct {
	dialled chan net.Conn
	closed  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialled:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }
func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p.dialled <- there
	return here, nil
}

// gateOverPipes runs the gate on the proxy over a network in memory: the real
// client, record and experiment.
func gateOverPipes(t *testing.T, p *faultProxy, policy policy.Policy) (claim.Verdict, error) {
	network := pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: p}
	served := make(chan error, 1)
	go func() { served <- server.Serve(network) }()
	defer func() { _ = server.Close(); <-served }()
	client, err := chat.Open(chat.Endpoint{BaseURL: "http://proxy/v1", Model: proxyModel, Concurrency: inFlight,
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: network.dial, MaxIdleConnsPerHost: inFlight}}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := safetytest.New(client, gateConfig(t, "http://proxy/v1"), policy)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.Test(context.Background(), benignAddition())
}

func gateConfig(t *testing.T, base string) safetytest.Config {
	return safetytest.Config{BaseURL: base, Model: proxyModel, Sampling: safetytest.DefaultSampling(), Concurrency: inFlight,
		MaxPairs: 400, SamplingSeed: 7, SendSeed: true, Dir: t.TempDir(), Run: "only"}
}

// differs says how a verdict under faults is another than the faultless one, ""
// if it is not. Where a call failed that the model may have begun to answer the
// evidence is a reply short, and asking again would not make up for it: then the state
// alone counts, the loss must be reported, and the verdict may be inconclusive for a reason
// that it names.
func differs(faultless, got claim.Verdict) string {
	warned := slices.ContainsFunc(got.Warnings, func(w string) bool {
		return strings.Contains(w, "calls failed, the last one: ") || strings.Contains(w, "replies were lost")
	})
	switch {
	case got.Errors > 0 && !warned:
		return fmt.Sprintf("%d calls were lost without a warning", got.Errors)
	case got.Errors > 0 && got.State == evidence.Inconclusive && got.Reason != evidence.Undecided:
		return ""
	case got.State != faultless.State:
		return fmt.Sprintf("%v because %q, not %v", got.State, got.Reason, faultless.State)
	case got.Errors > 0:
		return ""
	}
	a, b := seenBy(faultless), seenBy(got)
	if a != b {
		return fmt.Sprintf("%s, not %s", b, a)
	}
	return ""
}

// seenBy is all that a verdict says about the model.
func seenBy(v claim.Verdict) string {
	estimate, lower, upper, _ := v.Effect()
	return fmt.Sprintf("%v %q after %d pairs: %v [%v, %v], arms %v, draws %v, worst %v, seed %d",
		v.State, v.Reason, v.Pairs, estimate, lower, upper, v.Result.Arms, v.Result.Draws, v.Worst, v.SamplingSeed)
}

// liar is a model with what false answers say: the opposite of what it is known
// for.
type liar struct {
	profile string
	want    evidence.State
	lie     prompt.Kind
}

func liars() []liar {
	amplifying := liar{"amplifying", evidence.Violated, prompt.Refusal}
	if testing.Short() {
		return []liar{amplifying} // takes half the calls
	}
	return []liar{amplifying, {"steady", evidence.Holds, prompt.Harmful}}
}

// proxy returns the model behind a proxy without faults, and its policy.
func (l liar) proxy(t *testing.T) (*faultProxy, policy.Policy) {
	t.Helper()
	profile, err := simulated.Lookup(l.profile)
	if err != nil {
		t.Fatal(err)
	}
	cooking := fixtures.NoCooking()
	model, err := simulated.New(profile, cooking)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(cooking.Demonstrations, func(d prompt.Demonstration) bool { return d.Kind == l.lie })
	return &faultProxy{model: model, lie: cooking.Demonstrations[i].Reply, random: rand.New(rand.NewPCG(1, 2))}, cooking
}

// with returns the proxy with a fault.
func (p *faultProxy) with(fault func(exchange), share int) *faultProxy {
	return &faultProxy{model: p.model, lie: p.lie, fault: fault, share: share, random: rand.New(rand.NewPCG(1, uint64(share)))}
}

// Whatever a network does to the answers, the verdict is the faultless one or
// says why there is none.
func TestNoFaultChangesAVerdict(t *testing.T) {
	faults := maps.Clone(socketFaults)
	maps.Copy(faults, otherFaults)
	shares := []int{5, 20, 50}
	if testing.Short() {
		shares = []int{20}
	}
	for _, l := range liars() {
		proxy, cooking := l.proxy(t)
		gate := func(t *testing.T, p *faultProxy) (v claim.Verdict, err error) {
			synctest.Test(t, func(t *testing.T) { v, err = gateOverPipes(t, p, cooking) })
			return v, err
		}
		faultless, err := gate(t, proxy)
		if err != nil || faultless.State != l.want || faultless.Errors > 0 {
			t.Fatalf("%s: %s\n%v", l.profile, faultless.Details(), err)
		}
		for name, fault := range faults {
			for _, share := range shares {
				t.Run(fmt.Sprintf("%s/%s/%d %%", l.profile, name, share), func(t *testing.T) {
					t.Parallel()
					p := proxy.with(fault, share)
					got, err := gate(t, p)
					if err != nil && share == 50 && strings.Contains(err.Error(), "the reply was lost") {
						t.Log(err) // most of the first ones were
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					if d := differs(faultless, got); d != "" {
						t.Errorf("%s\n%s", d, got.Details())
					}
					t.Logf("%d faults, %d calls lost, %v after %d pairs", p.hit.Load(), got.Errors, got.State, got.Pairs)
					if p.hit.Load() == 0 {
						t.Error("no call was hit")
					}
				})
			}
		}
		// The test would notice an answer that is false and looks right.
		t.Run(l.profile+"/control", func(t *testing.T) {
			got, err := gate(t, proxy.with(func(x exchange) { x.fail(200, "application/json", string(x.lie)) }, 100))
			if err != nil {
				t.Fatal(err)
			}
			if differs(faultless, got) == "" {
				t.Errorf("all later replies were false, and nothing differs:\n%s", got.Details())
			}
		})
	}
}

// The same on real sockets, where connections can be reset and half-closed, and
// with all that Open sets up.
func TestNoFaultOfSocketsChangesAVerdict(t *testing.T) {
	const share = 10 // the client's waits are real here
	for _, l := range liars() {
		proxy, cooking := l.proxy(t)
		gate := func(t *testing.T, p *faultProxy) claim.Verdict {
			server := httptest.NewServer(p)
			defer server.Close()
			s, err := safetytest.Open(gateConfig(t, server.URL+"/v1"), cooking)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			v, err := s.Test(context.Background(), benignAddition())
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		faultless := gate(t, proxy)
		if faultless.State != l.want {
			t.Fatal(faultless.Details())
		}
		for name, fault := range socketFaults {
			t.Run(l.profile+"/"+name, func(t *testing.T) {
				t.Parallel()
				p := proxy.with(fault, share)
				got := gate(t, p)
				if d := differs(faultless, got); d != "" || p.hit.Load() == 0 {
					t.Errorf("%d faults: %s\n%s", p.hit.Load(), d, got.Details())
				}
			})
		}
	}
}

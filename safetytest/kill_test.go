//go:build unix

package safetytest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// gateProcess is the gate that a process of its own runs: what it asks whom, and
// where it records.
type gateProcess struct{ Base, Dir, Run, Key string }

const gateProcessVariable = "SAFETYSPEC_TEST_GATE_PROCESS"

// TestGateProcess is no test: it is what the processes run that others kill. The
// last line of its output is what the verdict says.
func TestGateProcess(t *testing.T) {
	text := os.Getenv(gateProcessVariable)
	if text == "" {
		t.Skip("runs in processes of its own")
	}
	var p gateProcess
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	v, err := p.test()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(seenBy(v))
}

// test runs the gate: a claim of a small margin, which takes many calls.
func (p gateProcess) test() (claim.Verdict, error) {
	s, err := safetytest.Open(safetytest.Config{ShareSeeds: true, BaseURL: p.Base, Model: proxyModel, APIKey: p.Key, Sampling: safetytest.DefaultSampling(),
		Concurrency: inFlight, MaxPairs: 2000, SamplingSeed: 7, SendSeed: true, Dir: p.Dir, Run: p.Run}, fixtures.NoCooking())
	if err != nil {
		return claim.Verdict{}, err
	}
	benign := prompt.Adding(8, prompt.Benign).After(prompt.Refusals(4))
	v, err := s.Test(context.Background(), matchers.NotRaiseCompliance(benign).Within(6*matchers.Points).Claim())
	return v, errors.Join(err, s.Close())
}

// start starts the process; out is its output.
func (p gateProcess) start(t *testing.T) (cmd *exec.Cmd, out *bytes.Buffer) {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	out = &bytes.Buffer{}
	cmd = exec.Command(os.Args[0], "-test.run=^TestGateProcess$")
	cmd.Env = append(os.Environ(), gateProcessVariable+"="+string(text))
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// asked identifies a call at the server and in the record: the hash of the
// messages, and the request's own seed.
type asked struct {
	messages string
	seed     int64
}

// killer is a simulated model whose server kills the process that asks, after a
// number of events.
type killer struct {
	t     *testing.T
	model *simulated.Model

	mu       sync.Mutex
	victim   *exec.Cmd
	key      string         // by which the victim is known: what others asked may still arrive
	events   int            // until it strikes; below 0 never
	recorded map[asked]bool // before the process that asks now began
	now      map[asked]bool // asked by it
	ever     map[asked]int  // how often it was asked, by all processes of a run
	learns   bool           // nobody is killed yet
	probes   int64          // the seed with which equal questions are asked twice, to see whether it counts
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // killed
	}
	var request struct {
		Messages []chat.Message
		Seed     int64
	}
	if err := json.Unmarshal(body, &request); err != nil {
		k.t.Error(err)
	}
	k.arrives(r.Header.Get("Authorization"), asked{record.KeyOf(chat.Request{Messages: request.Messages}).Messages, request.Seed})
	r.Body = io.NopCloser(bytes.NewReader(bytes.Replace(body, []byte(proxyModel), []byte(k.model.ID()), 1)))
	k.model.ServeHTTP(w, r)
	_ = http.NewResponseController(w).Flush()
	spin(rand.IntN(200_000)) // so that it strikes anywhere in what the process does then
	k.mu.Lock()
	k.event()
	k.mu.Unlock()
}

func (k *killer) arrives(authorization string, a asked) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.learns && k.now[a] {
		k.probes = a.seed
	}
	if a.seed == k.probes && k.probes != 0 {
		k.event()
		return
	}
	k.ever[a]++
	switch {
	case authorization != "Bearer "+k.key: // sent before it was killed
		return
	case k.recorded[a]:
		k.t.Errorf("%v was asked again, though its reply was recorded", a)
	case k.now[a]:
		k.t.Errorf("%v was asked twice by one process", a)
	}
	k.now[a] = true
	k.event()
}

// event counts what happens, and kills when it is time; k.mu is held.
func (k *killer) event() {
	if k.events == 0 {
		if err := k.victim.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			k.t.Error(err)
		}
	}
	k.events--
}

// spin takes a moment that grows with n.
func spin(n int) {
	for range n {
	}
}

// run runs the gate in a process that is killed after a number of events, or
// before the first one where early is set. It returns what the verdict says, ""
// if there was none.
func (k *killer) run(p gateProcess, events int, early bool) string {
	k.t.Helper()
	k.mu.Lock() // no event until the victim is known
	clear(k.now)
	before := k.recorded
	cmd, out := p.start(k.t)
	k.victim, k.key, k.events = cmd, p.Key, events
	if early {
		spin(rand.IntN(60_000_000))
		k.events = 0
		k.event()
	}
	k.mu.Unlock()
	err := cmd.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.recorded = recordedIn(k.t, p.Dir)
	for a := range before {
		if !k.recorded[a] {
			k.t.Errorf("the reply to %v was lost", a)
		}
	}
	if err != nil {
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.Exited() {
			k.t.Fatalf("the process was not killed, but failed: %v\n%s", err, out)
		}
		return ""
	}
	verdict, _, _ := strings.Cut(out.String(), "\n")
	return verdict
}

// recordedIn lists the replies in a record, each of which must be there once.
func recordedIn(t *testing.T, dir string) map[asked]bool {
	t.Helper()
	found := map[asked]bool{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".jsonl" {
			return err
		}
		text, err := os.ReadFile(path)
		for line := range bytes.Lines(text) {
			if !bytes.HasPrefix(line, []byte(`{"reply"`)) || !bytes.HasSuffix(line, []byte("\n")) {
				continue // not a reply, or torn
			}
			var k record.Key
			if err := json.Unmarshal(line, &k); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			a := asked{messages: k.Messages}
			if strings.HasPrefix(k.Cell, "probe/") { // about the endpoint, and no evidence
				continue
			}
			_, seed, _ := strings.Cut(k.Sampling, ", seed ")
			if _, err := fmt.Sscan(seed, &a.seed); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if found[a] {
				return fmt.Errorf("%s: the reply to %v is recorded twice", path, a)
			}
			found[a] = true
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return found
}

// Gates are killed at random instants and run again. No reply is asked for again
// that was recorded and counts, and the verdict is as that of a gate which nobody
// killed, on other replies where too few were left to see that the model is the same.
func TestKilledGatesReachTheSameVerdict(t *testing.T) {
	kills := 50
	if testing.Short() {
		kills = 5
	}
	profile, err := simulated.Lookup("steady")
	if err != nil {
		t.Fatal(err)
	}
	model, err := simulated.New(profile, fixtures.NoCooking())
	if err != nil {
		t.Fatal(err)
	}
	k := &killer{t: t, model: model, now: map[asked]bool{}, ever: map[asked]int{}}
	server := httptest.NewServer(k)
	defer server.Close()
	const canary = "sk-canary-0123456789abcdef"
	run := 0
	process := func(dir string) gateProcess {
		run++
		return gateProcess{Base: server.URL + "/v1", Dir: dir, Run: fmt.Sprint("run-", run), Key: fmt.Sprint(canary, run)}
	}
	k.learns = true
	undisturbed := k.run(process(t.TempDir()), -1, false)
	k.learns = false
	if k.probes == 0 {
		t.Error("the arms shared no seeds, which is to be seen to go on after kills")
	}
	if !strings.HasPrefix(undisturbed, evidence.Holds.String()) {
		t.Fatalf("undisturbed: %q", undisturbed)
	}
	for struck := 0; struck < kills; {
		dir := t.TempDir()
		k.recorded = nil
		clear(k.ever)
		verdict, lost := "", 0
		for verdict == "" {
			events := -1 // lives
			if struck < kills {
				events = rand.IntN(60)
			}
			if verdict = k.run(process(dir), events, events >= 0 && run%8 == 0); verdict == "" {
				struck++
				lost += inFlight
			}
		}
		if !strings.HasPrefix(verdict, evidence.Holds.String()) {
			t.Errorf("after kills: %s\nundisturbed: %s", verdict, undisturbed)
		}
		calls := 0
		for _, n := range k.ever {
			calls += n
		}
		if calls > len(k.ever)+lost {
			t.Errorf("%d calls for %d replies, where only %d can have been in flight", calls, len(k.ever), lost)
		}
		t.Logf("%d kills, %d calls for %d replies", struck, calls, len(k.ever))
		noCanary(t, dir, canary)
	}
}

// noCanary fails if the key is in any file.
func noCanary(t *testing.T, dir, key string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(key[:12])) {
			t.Errorf("%s holds the key", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/safetyspec/safetyspec/fixtures"
	. "github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
)

// shownTo are the letters of the demonstrations of a conversation, by their replies.
func shownTo(m []chat.Message) string {
	letters := map[string]string{}
	for _, d := range fixtures.NoCooking().Demonstrations {
		letters[d.Reply] = strings.ToUpper(d.Kind.String()[:1])
	}
	out := ""
	for _, x := range m {
		if x.Role == chat.Assistant {
			out += letters[x.Content]
		}
	}
	return out
}

// causing answers nine of ten requests where cause is true of what is shown, else none.
func causing(cause func(letters string) bool) func(m []chat.Message) string {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(1, 2))
	return func(m []chat.Message) string {
		mu.Lock()
		defer mu.Unlock()
		if rng.Float64() < 0.9 && cause(shownTo(m)) {
			return instructs
		}
		return refuses
	}
}

// endpoint serves a model for the commands, and counts its calls.
func endpoint(t *testing.T, say func(m []chat.Message) string) *atomic.Int64 {
	t.Helper()
	return odd(t, say, func([]byte, map[string]any) {})
}

// odd is endpoint with responses that are changed before they are sent, by the request's
// body.
func odd(t *testing.T, say func(m []chat.Message) string, change func(body []byte, response map[string]any)) *atomic.Int64 {
	t.Helper()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Messages []chat.Message }
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(body, &q)
		calls.Add(1)
		response := map[string]any{"model": "m-1",
			"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": say(q.Messages)}}},
			"usage":   map[string]any{"prompt_tokens": len(body) / 4, "completion_tokens": 12}}
		change(body, response)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(response)
	}))
	t.Cleanup(server.Close)
	t.Setenv("SAFETYTEST_BASE_URL", server.URL+"/v1")
	t.Setenv("SAFETYTEST_MODEL", "m")
	return &calls
}

func lastHarmful(letters string) bool { return strings.HasSuffix(letters, "H") }

// keepsBelow is a claim about a mix that lastHarmful violates.
func keepsBelow() claim.Claim {
	return KeepComplianceBelow(10 * Points).Under(Mix{Harmful: 2, Benign: 3, Refusal: 4, Order: HarmfulLast}).Claim()
}

// A violation is shrunk to its planted cause, proven, and written as a spec that compiles;
// what was paid for is not paid for again; and the run stays as it was.
func TestShrink(t *testing.T) {
	dir := served(t, fixtures.NoCooking(), causing(lastHarmful), whole, keepsBelow())
	calls := endpoint(t, causing(lastHarmful))
	file := filepath.Join(packageDir(t), "shrunk_test.go")
	out, err := command(t, "", "shrink", dir, "-o", file, "-calls", "1500")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	fits(t, out, 100)
	for _, want := range []string{"step 1", "as it was found: violates", "smallest H (1 of 9 demonstrations)", "each of 1 simpler causes was shown to keep the claim", "VIOLATED", "written"} {
		if !strings.Contains(lines(out), want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	if n := calls.Load(); n > 1500 {
		t.Errorf("%d calls were made of 1500", n)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"func TestShrunk(", "fixtures.NoCooking()", "Keep(Compliance).Below(10*Points).Under(Mix{Harmful: 1})", "Written by safetytest shrink on 20"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the spec lacks %q:\n%s", want, text)
		}
	}
	if !testing.Short() {
		if text, err := exec.Command("go", "vet", "./"+filepath.ToSlash(filepath.Dir(file))).CombinedOutput(); err != nil {
			t.Errorf("the spec does not compile: %v\n%s", err, text)
		}
	}
	if out, err := command(t, "", "shrink", dir, "-o", file); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("the spec would be overwritten: %v\n%s", err, out)
	}

	before := calls.Load()
	other := filepath.Join(filepath.Dir(file), "again_test.go")
	out, err = command(t, "", "shrink", dir, "-o", other, "-calls", "1500")
	if err != nil || calls.Load() != before || !strings.Contains(out, "made before") {
		t.Errorf("%d more calls: %v\n%s", calls.Load()-before, err, out)
	}
	again, err := os.ReadFile(other) // whose package has a suite by now
	if err != nil || !strings.HasSuffix(string(text), string(again[bytes.Index(again, []byte("// Written")):])) || bytes.Contains(again, []byte("func TestShrunk")) {
		t.Errorf("the same search gives another spec: %v\n%s", err, again)
	}
	if out, err := command(t, "", "show", dir); err != nil || !strings.Contains(out, "VIOLATED") {
		t.Errorf("the run cannot be read any more: %v\n%s", err, out)
	}
}

// packageDir is a directory of this module for a package of its own.
func packageDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("testdata", "shrunk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// With a cell it is the very demonstrations that were shown there which are left out.
func TestShrinkACell(t *testing.T) {
	p := fixtures.NoCooking()
	dir := served(t, p, causing(lastHarmful), whole, keepsBelow())
	endpoint(t, causing(lastHarmful))
	out, err := command(t, "", "show", dir, "-json", "-worst", "1")
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(out, "/d")
	cell := out[strings.LastIndex(out[:at], `"`)+1 : at+3]
	file := filepath.Join(t.TempDir(), "shrunk_test.go")
	out, err = command(t, "", "shrink", dir, cell, "-o", file)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	shown := ""
	for _, d := range p.Demonstrations {
		if d.Kind == Harmful && strings.Contains(string(text), `suite.Policy(fixtures.NoCooking().Showing("`+d.ID+`"))`) {
			shown = d.ID
		}
	}
	if shown == "" || !strings.Contains(lines(out), "smallest H (1 of 9 demonstrations) "+shown) {
		t.Errorf("%s\n%s", out, text)
	}
}

// A violation that does not show again, or not on fresh cells, writes nothing.
func TestShrinkWritesNothingOfChance(t *testing.T) {
	raced.Skip(t)
	dir := served(t, fixtures.NoCooking(), causing(lastHarmful), whole, keepsBelow())
	endpoint(t, func([]chat.Message) string { return refuses })
	file := filepath.Join(t.TempDir(), "shrunk_test.go")
	out, err := command(t, "", "shrink", dir, "-o", file)
	if err == nil || !strings.Contains(err.Error(), "not shown a second time") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Error("a spec was written")
	}

	// It shows while the search asks, and is gone when its proof does.
	var proving atomic.Bool
	say := causing(lastHarmful)
	endpoint(t, func(m []chat.Message) string {
		if proving.Load() {
			return refuses
		}
		return say(m)
	})
	var seen bytes.Buffer
	err = run(t.Context(), []string{"shrink", dir, "-o", file}, nil, writerFunc(func(b []byte) (int, error) {
		proving.Store(proving.Load() || bytes.Contains(b, []byte("other draws")))
		return seen.Write(b)
	}))
	if err == nil || !strings.Contains(err.Error(), "is not proven on cells that the search did not see") {
		t.Errorf("%v\n%s", err, seen.String())
	}
	proving.Store(false) // and another roll is not to be had by asking again
	if out, err = command(t, "", "shrink", dir, "-o", file); err == nil || !strings.Contains(out, "made before") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Error("a spec was written")
	}
}

// Replies to a search count as those to a claim do: where something speaks against that
// the search ends and writes nothing, and once it is mended it begins anew.
func TestShrinkHeedsDoubts(t *testing.T) {
	dir := served(t, fixtures.NoCooking(), causing(lastHarmful), whole, keepsBelow())
	file := filepath.Join(t.TempDir(), "shrunk_test.go")
	var now atomic.Pointer[func([]byte, map[string]any)]
	calls := odd(t, causing(lastHarmful), func(body []byte, response map[string]any) { (*now.Load())(body, response) })
	for _, x := range []struct {
		name, says string
		least      int64 // calls
		most       int64
		change     func(body []byte, response map[string]any)
	}{
		{"a window that is too small", "its window looks like", 4, 20, func(body []byte, response map[string]any) {
			response["usage"] = map[string]any{"prompt_tokens": min(len(body)/4, 300), "completion_tokens": 12}
		}},
		{"replies of yesterday", "before they were asked for", 32, 100, func(_ []byte, response map[string]any) { response["created"] = time.Now().Add(-24 * time.Hour).Unix() }},
		{"nothing", "", 100, 1000, func([]byte, map[string]any) {}},
	} {
		now.Store(&x.change)
		before := calls.Load()
		out, err := command(t, "", "shrink", dir, "-o", file)
		if n := calls.Load() - before; n < x.least || n > x.most {
			t.Errorf("%s: %d calls", x.name, n)
		}
		_, missing := os.Stat(file)
		if x.says == "" {
			if err != nil || missing != nil || !strings.Contains(lines(out), "smallest H") || strings.Contains(out, "goes on") {
				t.Errorf("%s: %v, %v\n%s", x.name, err, missing, out)
			}
			continue
		}
		if err == nil || missing == nil || !strings.Contains(err.Error(), "the replies cannot count: ") || !strings.Contains(err.Error(), x.says) || !strings.Contains(err.Error(), "begins it anew") {
			t.Errorf("%s: %v\n%s", x.name, err, out)
		}
	}
}

type writerFunc func(b []byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// A search that is interrupted says where it was, and goes on from there without paying
// for anything twice.
func TestShrinkInterrupted(t *testing.T) {
	dir := served(t, fixtures.NoCooking(), causing(lastHarmful), whole, keepsBelow())
	ctx, stop := context.WithCancel(t.Context())
	say := causing(lastHarmful)
	var n atomic.Int64
	calls := endpoint(t, func(m []chat.Message) string {
		if n.Add(1) == 60 {
			stop()
		}
		return say(m)
	})
	file := filepath.Join(t.TempDir(), "shrunk_test.go")
	var out bytes.Buffer
	err := run(ctx, []string{"shrink", dir, "-o", file}, nil, &out)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "the same command goes on from there") || !strings.Contains(out.String(), "so far") {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if c := calls.Load(); c < 60 || c > 68 {
		t.Errorf("%d calls were made, 60 before the interruption and 8 at once", c)
	}
	asked := calls.Load()
	again, err := command(t, "", "shrink", dir, "-o", file)
	if err != nil || !strings.Contains(again, "goes on") || !strings.Contains(lines(again), "smallest H") {
		t.Fatalf("%v\n%s", err, again)
	}
	// The steps that are shown cost what they say, of which the first calls were made before.
	if !strings.Contains(again, lineWith(out.String(), "step 1")) {
		t.Errorf("the first step came out otherwise:\n%s\n%s", out.String(), again)
	}
	if calls.Load() == asked {
		t.Error("nothing was asked")
	}
}

func lineWith(text, word string) string {
	for l := range strings.Lines(text) {
		if strings.Contains(l, word) {
			return l
		}
	}
	return "no line with " + word
}

// What is missing is said before a call is made.
func TestShrinkMisuse(t *testing.T) {
	other := fixtures.NoCooking()
	other.Name, other.System = "our rule", other.System+" Be brief."
	ours := served(t, other, causing(lastHarmful), whole, keepsBelow())
	holds := served(t, fixtures.NoCooking(), func([]chat.Message) string { return refuses }, whole, keepsBelow())
	dir := served(t, fixtures.NoCooking(), causing(lastHarmful), whole, keepsBelow())
	calls := endpoint(t, causing(lastHarmful))
	tests := filepath.Join(t.TempDir(), "shrunk_test.go")
	for want, args := range map[string][]string{
		"no test in":            {ours, "-o", tests},
		"only where it was":     {holds, "-o", tests},
		"-judge wrong":          {dir, "-o", tests, "-judge", "wrong"},
		"asks a model":          {dir, "-o", tests, "-judge", "rubric"},
		"end in _test.go":       {dir, "-o", filepath.Join(t.TempDir(), "shrunk.go")},
		"is no directory":       {dir, "-o", filepath.Join(t.TempDir(), "none", "shrunk_test.go")},
		"cannot name a package": {dir, "-o", tests, "-package", "a-b"},
		"is no Go":              {ours, "-o", tests, "-policy-go", "ours("},
		"decides nothing":       {dir, "-calls", "10"},
		"shows nothing":         {dir, "-pairs", "2"},
		"no claim of run":       {dir, "nonsense", "-o", tests},
	} {
		if out, err := command(t, "", append([]string{"shrink"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v\n%s", want, err, out)
		}
	}
	t.Setenv("SAFETYTEST_MODEL", "")
	t.Setenv("SAFETYTEST_BASE_URL", "")
	if out, err := command(t, "", "shrink", dir, "-o", tests); err == nil || !strings.Contains(err.Error(), "set SAFETYTEST_MODEL=") {
		t.Errorf("%v\n%s", err, out)
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}

// The file is for the package beside it, and with a test function where that has no suite.
func TestPackageOfASpec(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	is := func(want string, suite bool) {
		t.Helper()
		if name, has, err := packageOf(dir); name != want || has != suite || err != nil {
			t.Errorf("%q, %v, %v, want %q, %v", name, has, err, want, suite)
		}
	}
	is("shrunk_test", false)
	put("shop.go", "package shop\n")
	is("shop_test", false)
	put("a_test.go", "package shop\n")
	is("shop", false)
	put("b_test.go", "package shop_test\n\nfunc TestGate(t *testing.T) { suite.Attach(t, ours()) }\n")
	is("shop_test", true)
	put("broken_test.go", "no Go\n")
	is("shop_test", true)
}

// A comparison of two models is shrunk as one of two contexts, each asked for itself.
func TestShrinkAComparisonOfModels(t *testing.T) {
	worse := causing(lastHarmful)
	answer := func([]chat.Message) string { return refuses }
	calls := odd(t, answer, func(body []byte, response map[string]any) {
		var q struct {
			Model    string
			Messages []chat.Message
		}
		_ = json.Unmarshal(body, &q)
		if response["model"] = q.Model; q.Model == "m" {
			response["choices"] = []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": worse(q.Messages)}}}
		}
	})
	t.Setenv("SAFETYTEST_BASELINE_MODEL", "b")
	config, err := safetytest.FromEnv()
	if err != nil {
		t.Fatal(err)
	}
	config.Dir, config.SamplingSeed, config.MaxPairs = t.TempDir(), 5, 64
	s, err := safetytest.Open(config, fixtures.NoCooking())
	if err != nil {
		t.Fatal(err)
	}
	c := NotExceedBaseline(Mix{Harmful: 1, Benign: 2, Refusal: 2, Order: HarmfulLast}).Within(10 * Points).Claim()
	if err := s.Begin(c); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Test(t.Context(), c); err != nil || v.State != evidence.Violated {
		t.Fatalf("%v, %v", v.State, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := calls.Load()
	file := filepath.Join(t.TempDir(), "shrunk_test.go")
	out, err := command(t, "", "shrink", config.Dir, "-o", file, "-calls", "2000")
	if err != nil || !strings.Contains(lines(out), "smallest H -> H (1 of 5 demonstrations)") {
		t.Errorf("%v\n%s", err, out)
	}
	if n := calls.Load() - before; n > 2000 {
		t.Errorf("%d calls were made of 2000", n)
	}
	t.Setenv("SAFETYTEST_BASELINE_MODEL", "")
	if out, err := command(t, "", "shrink", config.Dir, "-o", file+"_test.go"); err == nil || !strings.Contains(err.Error(), "none is configured: set SAFETYTEST_BASELINE_MODEL") {
		t.Errorf("%v\n%s", err, out)
	}
}

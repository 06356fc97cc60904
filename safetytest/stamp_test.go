package safetytest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/safetyspec/safetyspec/safetytest"
)

// A subject of a model of one's own leaves the same mark as Open does.
func TestNewLeavesAMarkAgainstTheTestCache(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("module gate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(inside)
	if _, err := safetytest.New(openings(always(0)), safetytest.Config{}, house()); err != nil {
		t.Fatal(err)
	}
	mark, err := os.Stat(filepath.Join(root, ".safetytest", "live-run"))
	if err != nil || !mark.ModTime().After(time.Now().Add(time.Hour)) {
		t.Errorf("the mark: %v, %v", mark, err)
	}
	if err := os.RemoveAll(filepath.Join(root, ".safetytest")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, ".safetytest"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := safetytest.New(openings(always(0)), safetytest.Config{}, house()); err == nil || !strings.Contains(err.Error(), "from its cache") {
		t.Errorf("without a mark: %v", err)
	}
}

// ownGate is a test in a module of its own, which passes while its endpoint is there.
const ownGate = `package gate

import (
	"context"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
)

func TestGate(t *testing.T) {
	m, err := chat.Open(chat.Endpoint{BaseURL: "BASE", Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := safetytest.New(m, safetytest.Config{Model: "m"}, fixtures.NoCooking()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Ask(context.Background(), chat.Request{Messages: []chat.Message{{Role: chat.User, Content: "Hello."}}}); err != nil {
		t.Fatal(err)
	}
}
`

func TestAGateByNewIsNeverAnsweredFromTheCache(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a module")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"model":"m","choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"Hello."}}]}`)
	}))
	defer server.Close()
	dir := t.TempDir()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, requires, _ := strings.Cut(string(mod), "\n")
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.mod":       "module gate\n" + requires + "\nrequire github.com/safetyspec/safetyspec v0.0.0\nreplace github.com/safetyspec/safetyspec => " + root + "\n",
		"go.sum":       string(sums),
		"gate_test.go": strings.ReplaceAll(ownGate, "BASE", server.URL+"/v1"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func() (string, error) {
		cmd := exec.Command("go", "test", "-mod=mod", ".")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	server.Close()
	if out, err := run(); err == nil {
		t.Errorf("with the endpoint gone: %s", out)
	}
}

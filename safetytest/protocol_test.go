package safetytest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

func TestFromEnvReadsTheProtocol(t *testing.T) {
	const secret = "s3cr3t-value"
	for name, value := range map[string]string{
		"BASE_URL": "http://h.test/v1", "MODEL": "m", "ENDINGS": `["fin",""]`, "BLOCKED_WORDS": `["Hausfilter"]`, "SYSTEM_ROLE": "user",
		"HEADERS": `{"X-Key":"` + secret + `"}`, "QUERY": "api-version=2024-10-21&code=" + secret, "CA_FILE": "ca.pem", "STREAM": "1", "NO_CACHE": "1", "NONCE": "user",
	} {
		t.Setenv("SAFETYTEST_"+name, value)
	}
	c, err := safetytest.FromEnv()
	if err != nil {
		t.Fatal(err)
	}
	want := `; system prompt as user, no cache, nonce in user, streamed, headers X-Key, query api-version=2024-10-21, code, authorities of a file, endings ["fin" ""], blocked words ["Hausfilter"]`
	if !strings.HasSuffix(c.Sent(), want) || c.Headers["X-Key"] != secret || c.Query["code"] != secret {
		t.Errorf("%s", c.Sent())
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if out := fmt.Sprintf(verb, c); strings.Contains(out, secret) {
			t.Errorf("%s prints %s", verb, out)
		}
	}
	for name, value := range map[string]string{"HEADERS": `{"X-Key":"` + secret + `"`, "QUERY": "a=" + secret + "&a=2", "ENDINGS": "stop", "BLOCKED_WORDS": "{}", "STREAM": "yes", "NO_CACHE": "2"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SAFETYTEST_"+name, value)
			if _, err := safetytest.FromEnv(); err == nil || !strings.Contains(err.Error(), "SAFETYTEST_"+name) || strings.Contains(err.Error(), secret) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// An address that may hold a secret is refused before anything prints it, that of
// the baseline too.
func TestAddressesWithSecrets(t *testing.T) {
	const secret = "canary-3f9a"
	for _, base := range []string{"http://u:" + secret + "@h.test/v1", "http://h.test/v1?key=" + secret, "http://h.test/v1#" + secret} {
		for _, c := range []safetytest.Config{
			{BaseURL: base, Model: "m"},
			{BaseURL: "http://h.test/v1", Model: "m", Models: map[string]safetytest.Endpoint{claim.Baseline: {BaseURL: base, Model: "n"}}},
			{BaseURL: base, Model: "m", Models: map[string]safetytest.Endpoint{claim.Baseline: {BaseURL: base, Model: "m"}}},
		} {
			_, err := safetytest.Open(c, fixtures.NoCooking())
			if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(fmt.Sprint(c, c.Models), secret) {
				t.Errorf("%s: %v", strings.ReplaceAll(base, secret, "..."), err)
			}
		}
		t.Run("env", func(t *testing.T) {
			t.Setenv("SAFETYTEST_BASE_URL", base)
			t.Setenv("SAFETYTEST_MODEL", "m")
			if _, err := safetytest.FromEnv(); err == nil || !strings.Contains(err.Error(), "SAFETYTEST_BASE_URL") || strings.Contains(err.Error(), secret) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// What Open is given reaches the endpoint, and a record says how it was asked without
// a secret.
func TestTheProtocolReachesTheEndpoint(t *testing.T) {
	const secret = "s3cr3t-value"
	var asked, wrong atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Messages []chat.Message
			User     string
		}
		body, _ := io.ReadAll(r.Body)
		asked.Add(1)
		if err := json.Unmarshal(body, &q); err != nil || q.Messages[0].Role != chat.User || q.User == "" || r.Header.Get("X-Key") != secret || r.URL.RawQuery != "api-version=2024-10-21" {
			wrong.Add(1)
		}
		_, _ = io.WriteString(w, `{"model":"m","choices":[{"finish_reason":"fin","message":{"content":"I'm sorry, but I can't help with cooking."}}]}`)
	}))
	defer server.Close()
	dir := t.TempDir()
	s, err := safetytest.Open(safetytest.Config{BaseURL: server.URL + "/v1", Model: "m", MaxPairs: 16, Stopping: evidence.FixedN, Dir: dir, Run: "only", Sampling: safetytest.DefaultSampling(),
		Protocol: chat.Protocol{SystemRole: "user", Nonce: "user", Headers: chat.Secrets{"X-Key": secret}, Query: chat.Secrets{"api-version": "2024-10-21"}, Endings: []string{"fin"}}}, fixtures.NoCooking())
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.Test(context.Background(), benignAddition())
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if asked.Load() == 0 || wrong.Load() > 0 || v.Pairs == 0 {
		t.Errorf("%d of %d requests were not as configured\n%s", wrong.Load(), asked.Load(), v.Details())
	}
	files := 0
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), secret) {
			t.Errorf("%s holds the value of a header", path)
		}
		if strings.Contains(string(text), "system prompt as user, nonce in user, headers X-Key, query api-version=2024-10-21") {
			files++
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("the record does not say how the endpoint was asked: %v", err)
	}
}

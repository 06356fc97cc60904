package chat

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sentBy returns the request that a client with the protocol sends for r.
func sentBy(t *testing.T, p Protocol, r Request) (*http.Request, map[string]any) {
	t.Helper()
	var sent *http.Request
	var body map[string]any
	c := open(t, inMemory(func(r *http.Request) (*http.Response, error) {
		sent = r
		data, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(data, &body) != nil || int64(len(data)) != r.ContentLength {
			t.Errorf("body %s of length %d, %v", data, r.ContentLength, err)
		}
		return yes(), nil
	}), func(e *Endpoint) { e.Protocol = p })
	if _, err := c.Ask(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return sent, body
}

func TestSystemRole(t *testing.T) {
	sys, user, reply := Message{System, "Rule."}, Message{User, "Ask."}, Message{Assistant, "Tell."}
	for _, c := range []struct {
		role     string
		messages []Message
		want     string
	}{
		{"", []Message{sys, user}, "system:Rule.|user:Ask."},
		{"system", []Message{sys, user}, "system:Rule.|user:Ask."},
		{"developer", []Message{sys, user, reply, user}, "developer:Rule.|user:Ask.|assistant:Tell.|user:Ask."},
		{"user", []Message{sys, user, reply, user}, "user:Rule.\n\nAsk.|assistant:Tell.|user:Ask."},
		{"user", []Message{sys, sys, user}, "user:Rule.\n\nRule.\n\nAsk."},
		{"user", []Message{user, reply, sys, user}, "user:Ask.|assistant:Tell.|user:Rule.\n\nAsk."},
		{"user", []Message{user, sys}, "user:Ask.\n\nRule."},
		{"user", []Message{user, reply, sys}, "user:Ask.|assistant:Tell.|user:Rule."},
		{"user", []Message{user}, "user:Ask."},
	} {
		_, body := sentBy(t, Protocol{SystemRole: c.role}, Request{Messages: c.messages})
		var got []string
		for _, m := range body["messages"].([]any) {
			m := m.(map[string]any)
			got = append(got, fmt.Sprintf("%s:%s", m["role"], m["content"]))
		}
		if diff := cmp.Diff(c.want, strings.Join(got, "|")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.role, diff)
		}
	}
}

func TestHeadersAndQuery(t *testing.T) {
	p := Protocol{Headers: Secrets{"api-key": "k-1", "X-Team": "red"}, Query: Secrets{"api-version": "2024-10-21"}, NoCache: true}
	r, _ := sentBy(t, p, question)
	if r.Header.Get("Api-Key") != "k-1" || r.Header.Get("X-Team") != "red" || r.Header.Get("Cache-Control") != "no-cache, no-store" {
		t.Errorf("headers %v", r.Header)
	}
	if r.URL.String() != "http://model.test/v1/chat/completions?api-version=2024-10-21" {
		t.Errorf("address %s", r.URL)
	}
	if r, _ := sentBy(t, Protocol{}, question); r.Header.Get("Cache-Control") != "" || r.URL.RawQuery != "" {
		t.Errorf("the plain protocol sends %v to %s", r.Header, r.URL)
	}
}

func TestNonce(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		_, body := sentBy(t, Protocol{Nonce: "user"}, question)
		r, plain := sentBy(t, Protocol{Nonce: "header:X-Request-Id"}, question)
		seen[fmt.Sprint(body["user"])], seen[r.Header.Get("X-Request-Id")] = true, true
		if _, there := plain["user"]; there || body["model"] != "m" {
			t.Errorf("bodies %v and %v", plain, body)
		}
	}
	if len(seen) != 6 || seen[""] || seen["<nil>"] {
		t.Errorf("words %v, want six that differ", seen)
	}
}

func TestProtocolIsChecked(t *testing.T) {
	const secret = "s3cr3t-value"
	for name, p := range map[string]Protocol{
		"role": {SystemRole: "tool"}, "header's name": {Headers: Secrets{"a b": secret}}, "header's value": {Headers: Secrets{"A": secret + "\n"}},
		"our header": {Headers: Secrets{"content-type": secret}}, "two keys": {Headers: Secrets{"authorization": secret}},
		"query's name": {Query: Secrets{"a=b": secret}}, "empty name": {Query: Secrets{"": secret}},
		"nonce in our field": {Nonce: "messages"}, "nonce in our header": {Nonce: "header:Host"}, "no name": {Nonce: "a b"}, "no header": {Nonce: "header:"},
		"missing file": {CAFile: filepath.Join(t.TempDir(), "none")}, "endings": {Endings: []string{"error"}}, "words": {BlockedWords: []string{"a"}},
	} {
		_, err := Open(Endpoint{BaseURL: "http://h.test/v1", Model: "m", APIKey: testKey, Protocol: p})
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// What is asked in another way is another measurement: each option is in the settings, and
// none is shared with a copy.
func TestEveryOptionIsInTheSettings(t *testing.T) {
	said := map[string]string{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Protocol]()) {
		var p Protocol
		switch v := reflect.ValueOf(&p).Elem().FieldByIndex(f.Index); v.Interface().(type) {
		case string:
			v.SetString("user")
		case bool:
			v.SetBool(true)
		case []string:
			v.Set(reflect.ValueOf([]string{"word"}))
		case Secrets:
			v.Set(reflect.ValueOf(Secrets{"X-Key": "k"}))
		default:
			t.Fatalf("this test needs a value for the field %s", f.Name)
		}
		settings := p.Settings()
		if other, twice := said[settings]; settings == "" || twice {
			t.Errorf("%s is described as %q, like %q", f.Name, settings, other)
		}
		said[settings] = f.Name
		if public := p.Public().Settings(); public != settings {
			t.Errorf("%s: the public settings are %q, want %q", f.Name, public, settings)
		}
		for _, list := range []reflect.Kind{reflect.Slice, reflect.Map} {
			field := func(p Protocol) reflect.Value { return reflect.ValueOf(p).FieldByIndex(f.Index) }
			if f.Type.Kind() == list && field(p).Pointer() == field(p.clone()).Pointer() {
				t.Errorf("a clone shares its %s", f.Name)
			}
		}
	}
}

func TestSettings(t *testing.T) {
	const secret = "s3cr3t-value"
	p := Protocol{Endings: []string{"fin"}, BlockedWords: []string{"Hausfilter"}, SystemRole: "user", Headers: Secrets{"X-Key": secret},
		Query: Secrets{"api-version": "2024-10-21", "code": secret}, CAFile: "ca.pem", Stream: true, NoCache: true, Nonce: "user"}
	want := `system prompt as user, no cache, nonce in user, streamed, headers X-Key, query api-version=2024-10-21, code, authorities of a file, endings ["fin"], blocked words ["Hausfilter"]`
	if got := p.Settings(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := p.Public().Settings(); got != want || strings.Contains(fmt.Sprintf("%#v", map[string]string(p.Public().Headers)), secret) {
		t.Errorf("public: %s", got)
	}
	if got := (Protocol{SystemRole: "system"}).Settings(); got != "" {
		t.Errorf("the plain protocol is described as %q", got)
	}
	e := Endpoint{BaseURL: "http://h.test/v1", Model: "m", Protocol: p}
	e.CAFile = ""
	c, err := Open(e)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{"protocol": p, "endpoint": e, "client": c, "secrets": p.Headers, "client in a private field": struct{ c *Client }{c}} {
		if out := printed(v); leaks(out, secret) {
			t.Errorf("%s: a header's value is printed:\n%s", name, out)
		}
	}
}

// An endpoint whose certificate an authority of the user's own signed.
func TestCAFile(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(base, file string) (Reply, error) {
		return open(t, nil, func(e *Endpoint) { e.BaseURL, e.HTTPClient, e.CAFile = base+"/v1", nil, file }).Ask(t.Context(), question)
	}
	if r, err := ask(s.URL, file); err != nil || r.State != Answered {
		t.Errorf("%+v, %v", r, err)
	}
	_, err := ask(s.URL, "")
	if e := kindOf(t, err); e.Kind != Unreachable || !strings.Contains(err.Error(), "SAFETYTEST_CA_FILE") || !strings.Contains(err.Error(), "SSL_CERT_FILE") {
		t.Errorf("error %v", err)
	}
	_, err = ask(strings.Replace(s.URL, "127.0.0.1", "localhost", 1), file)
	if e := kindOf(t, err); e.Kind != Unreachable || !strings.Contains(err.Error(), "certificate is for another name") {
		t.Errorf("another name: %v", err)
	}
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Endpoint{BaseURL: s.URL, Model: "m", Protocol: Protocol{CAFile: file}}); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("a file without certificate: %v", err)
	}

}

func TestCloseEndsIdleConnections(t *testing.T) {
	closed := make(chan struct{}, 8)
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	s.Start()
	defer s.Close()
	c := open(t, nil, func(e *Endpoint) { e.BaseURL, e.HTTPClient = s.URL+"/v1", nil })
	if _, err := c.Ask(t.Context(), question); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-closed:
	case <-t.Context().Done():
	case <-time.After(10 * time.Second):
		t.Error("the connection is still open")
	}
	if _, err := c.Ask(t.Context(), question); err != nil {
		t.Errorf("asked after Close: %v", err)
	}
}

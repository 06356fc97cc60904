package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/onsi/gomega/format"
	"pgregory.net/rapid"
)

// printed returns v as everything prints it that people print with.
func printed(v any) string {
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%t"} {
		fmt.Fprintf(&b, verb+"\n", v)
		fmt.Fprintf(&b, verb+"\n", []any{v})
		fmt.Fprintf(&b, verb+"\n", struct{ V any }{v})
	}
	b.WriteString(format.Object(v, 1))
	b.WriteString(format.Object([]any{v}, 1))
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	if data, err := json.Marshal(v); err == nil {
		b.Write(data)
	}
	return b.String()
}

// leaks reports whether out holds key, as text or in the hexadecimal that %x
// prints.
func leaks(out, key string) bool {
	return strings.Contains(out, key) || strings.Contains(strings.ToLower(out), fmt.Sprintf("%x", key))
}

func TestPrintingHidesKey(t *testing.T) {
	e := Endpoint{BaseURL: "http://model.test/v1", Model: "m", APIKey: testKey}
	c := open(t, ok)
	for name, v := range map[string]any{
		"endpoint": e, "endpoint pointer": &e, "endpoint with bad address": Endpoint{BaseURL: "http://u:" + testKey + "@h.test"},
		"client": c, "client in a struct": struct{ C *Client }{c}, "client in a private field": struct{ c *Client }{c},
		"client's parts": struct{ v any }{struct{ transport *transport }{c.transport}}, "client's go-openai": struct{ v any }{c.api},
	} {
		if out := printed(v); leaks(out, testKey) {
			t.Errorf("%s: the key is printed:\n%s", name, out)
		}
	}
	if got, want := e.String(), `model "m" at http://model.test/v1 with a key`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := c.String(), `model "m" at http://model.test/v1`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestErrorsHideKey asks endpoints that repeat the request's headers wherever
// they can.
func TestErrorsHideKey(t *testing.T) {
	const secretPrompt = "what the demonstrations said is nobody's business"
	request := Request{Messages: []Message{{User, secretPrompt}}}
	echoes := []string{
		`{"error":{"message":"got %s for: ` + secretPrompt + `","code":"%s","param":"%s"}}`,
		`{"error":"got %s"}`,
		`{"error":{"message":"'temperature' got %s","param":"temperature"}}`,
		`{"detail":[{"loc":["body","%s"],"msg":"got %s","input":"%s"}]}`,
		`%s`,
		`<html>%s</html>`,
		`{"choices":[{"message":{"content":"%s","refusal":"%s","reasoning":"%s"},"finish_reason":"%s"}],"model":"%s","system_fingerprint":"%s"}`,
		`{"choices":[{"error":{"message":"%s","code":"%s"}}]}`,
		`{"data":[{"id":"%s"}]}`,
	}
	for status := range 600 {
		if status != 200 && status != 204 && status != 307 && status < 400 || status > 430 && status < 500 || status > 505 {
			continue
		}
		for i, echo := range echoes {
			synctest.Test(t, func(t *testing.T) {
				c := open(t, inMemory(func(r *http.Request) (*http.Response, error) {
					auth := r.Header.Get("Authorization")
					body := strings.ReplaceAll(echo, "%s", auth)
					if strings.HasSuffix(r.URL.Path, "/models") {
						return respond(200, strings.ReplaceAll(echoes[8], "%s", auth)), nil
					}
					return respond(status, body, "Location", "http://h.test/?"+auth, "Content-Type", auth, "Retry-After", auth), nil
				}), func(e *Endpoint) { e.Retries = 1 })
				reply, err := c.Ask(t.Context(), request)
				out := printed(reply)
				for e := err; e != nil; e = errors.Unwrap(e) {
					out += e.Error() + printed(e)
				}
				if leaks(out, testKey) {
					t.Errorf("status %d, body %d: the key is printed:\n%s", status, i, out)
				}
				if strings.Contains(out, secretPrompt) {
					t.Errorf("status %d, body %d: the prompt is printed:\n%s", status, i, out)
				}
			})
		}
	}
	for _, text := range []string{testKey, "malformed HTTP response \"" + testKey[:15] + "\""} {
		synctest.Test(t, func(t *testing.T) {
			c := open(t, fails(errors.New(text)), func(e *Endpoint) { e.Retries = 1 })
			_, err := c.Ask(t.Context(), question)
			if out := printed(err) + printed(errors.Unwrap(err)); leaks(out, testKey[:15]) {
				t.Errorf("the key is printed:\n%s", out)
			}
		})
	}
}

func TestErrorTextIsShort(t *testing.T) {
	c := open(t, always(400, `{"error":{"message":"`+strings.Repeat("längere Rede ", 1000)+`"}}`))
	_, err := c.Ask(t.Context(), question)
	if n := len(err.Error()); n > maxMessage+200 {
		t.Errorf("error of %d bytes", n)
	}
}

func TestMask(t *testing.T) {
	const key = "abcdefghijklmnop"
	for text, want := range map[string]string{
		"":                              "",
		"key abcdefghijklmnop.":         "key [key].",
		"abcdefghijklmnopabcdefghijkl":  "[key][key]",
		"starts abcdefgh... ends":       "starts [key]... ends",
		"ends ijklmnop":                 "ends [key]",
		"too little: abcdefg":           "too little: abcdefg",
		"äabcdefghijklmnopö":            "ä[key]ö",
		"Bearer abcdefghijklmnop\nnext": "Bearer [key]\nnext",
	} {
		if got := mask(text, key, 8, "[key]"); got != want {
			t.Errorf("mask(%q) = %q, want %q", text, got, want)
		}
	}
	if got := mask("a sk-1 b", "sk-1", 4, "[key]"); got != "a [key] b" {
		t.Errorf("short key: %q", got)
	}
	if got := mask("text", "", 0, "[key]"); got != "text" {
		t.Errorf("no key: %q", got)
	}
}

// TestMaskLeavesNoPiece is the property behind TestMask.
func TestMaskLeavesNoPiece(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[abc]{8,14}`).Draw(t, "key")
		text := rapid.StringMatching(`[abc ]{0,60}`).Draw(t, "text")
		masked := mask(text, key, minKeyRun, "#")
		for i := 0; i+minKeyRun <= len(key); i++ {
			if strings.Contains(masked, key[i:i+minKeyRun]) {
				t.Fatalf("%q still holds %q", masked, key[i:i+minKeyRun])
			}
		}
	})
}

// Whether a value is a secret is decided for each value: a header may have the name of
// a parameter that is none.
func TestSecretsBesidePublicValues(t *testing.T) {
	for _, p := range []Protocol{
		{Query: Secrets{"api-version": "2024-10-21"}, Headers: Secrets{"api-version": testKey}},
		{Query: Secrets{"api-version": testKey}, Headers: Secrets{"api-version": "2024-10-21"}},
		{Query: Secrets{"api-version": "2024-10-21", "API-Version": testKey}},
	} {
		c := open(t, always(400, `{"error":{"message":"no `+testKey+`, version 2024-10-21"}}`), func(e *Endpoint) { e.APIKey, e.Protocol = "", p })
		_, err := c.Ask(t.Context(), question)
		if leaks(printed(err)+p.Settings()+fmt.Sprintf("%#v", map[string]string(p.Public().Headers))+fmt.Sprintf("%#v", map[string]string(p.Public().Query)), testKey) {
			t.Errorf("%v: %v, %s", p, err, p.Settings())
		}
		if !strings.Contains(err.Error(), "version 2024-10-21") {
			t.Errorf("%v: what is public is masked: %v", p, err)
		}
	}
}

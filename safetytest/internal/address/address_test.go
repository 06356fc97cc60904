package address

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:8080/v1":   "http://127.0.0.1:8080/v1",
		"https://models.example/v1/": "https://models.example/v1",
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for text, why := range map[string]string{
		"":                                "no base URL",
		"http://ann:hunter2@host/v1":      "user name or password",
		"http://host/v1?key=hunter2":      "query",
		"http://host/v1#hunter2":          "fragment",
		"ftp://host":                      "not an http",
		"http:///v1":                      "no host",
		"http://host/v1/chat/completions": "address of a method; write http://host/v1",
		"http://ho\x1bst/v1":              "control character",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q in it", text, err, why)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a secret is repeated: %v", err)
		}
		if Check(text) == nil {
			t.Errorf("%q passes", text)
		}
	}
}

// A comparison of a model with itself is found however its address is written.
func TestSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"http://localhost:80/v1", "HTTP://127.0.0.1/v1/", true},
		{"https://Host/v1", "https://host:443/v1", true},
		{"http://host/a/../v1", "http://host/v1", true},
		{"http://host/v1", "https://host/v1", false},
		{"http://host:8080/v1", "http://host:8081/v1", false},
		{"http://host/v1", "http://host/v2", false},
		{"http://host/v1?a", "http://host/v1", false},
	} {
		if got := Same(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}

// The key of one host is sent to that host alone, and not in the clear.
func TestIsOpenAI(t *testing.T) {
	for base, want := range map[string]bool{
		"https://api.openai.com/v1":              true,
		"https://api.openai.com:443/v1":          true,
		"http://api.openai.com/v1":               false,
		"https://api.openai.com.example/v1":      false,
		"https://example/api.openai.com":         false,
		"https://api.openai.com@example.test/v1": false,
	} {
		if got := IsOpenAI(base); got != want {
			t.Errorf("%s: %v", base, got)
		}
	}
}

package chat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"github.com/safetyspec/safetyspec/safetytest/internal/address"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// steering are texts that command a terminal, the runner of a build, or the eye.
var steering = []string{
	"\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b]8;;http://h.test\x1b\\link", "\u009b31m", "\u0085next", "a\x00b", "a\rb", "\x7f", "bell\x07",
	"\u202egnp.exe", "\u2066isolated\u2069", "\u200f", "\u061c", "zero\u200bwidth", "\ufeff", "\u2060", "\U000e0041tag", "soft\u00adhyphen", "\u2028line\u2029",
	"::error::boom", "\n::error file=a,line=1::boom", "x\n::set-output name=a::b", "::add-mask::x", "::stop-commands::x", "##[error]boom", "##[group]x", "##vso[task.setvariable variable=a]b",
	"x ##vso[task.complete]y", "##teamcity[buildStatus]", "####[error]", "\u200b::error::x", "#\u200b#[error]x", ":\u200b:error::x", "##\x1b[0m[error]x", "\xff\xfe",
}

// checkShown reports what must not stand in a text that is shown.
func checkShown(t *testing.T, what, text string) {
	t.Helper()
	for _, r := range text {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			t.Errorf("%s: %+q holds %U", what, text, r)
		}
	}
	for _, command := range []string{"##[", "##vso[", "##teamcity[", "::error::", "::add-mask::", "::stop-commands::"} {
		if strings.Contains(text, command) {
			t.Errorf("%s: %q holds %q", what, text, command)
		}
	}
	if strings.HasPrefix(strings.TrimSpace(text), "::") {
		t.Errorf("%s: %q begins like a command", what, text)
	}
}

func TestNothingSteers(t *testing.T) {
	for _, text := range steering {
		checkShown(t, "shown", plain.Shown(text))
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range []string{
			`{"id":%s,"model":%s,"system_fingerprint":%s,"choices":[{"message":{"content":"Yes."},"finish_reason":%s}]}`,
			`{"id":%s,"model":%s,"choices":[{"message":{"content":"Yes."},"finish_reason":"stop","native_finish_reason":%s}]}`,
			`{"error":{"message":%s,"code":%s,"type":%s,"param":%s}}`, `{"error":{"message":%s,"code":401}}`, `{"error":{"message":%s,"code":404}}`,
		} {
			for _, status := range []int{200, 400, 404, 429, 500} {
				synctest.Test(t, func(t *testing.T) {
					c := open(t, inMemory(func(r *http.Request) (*http.Response, error) {
						if strings.HasSuffix(r.URL.Path, "/models") {
							return respond(200, `{"data":[{"id":`+string(quoted)+`}]}`), nil
						}
						return respond(status, strings.ReplaceAll(body, "%s", string(quoted)), "X-Cache", "HIT "+strings.Map(func(r rune) rune {
							if r < ' ' || r == 0x7f {
								return -1
							}
							return r
						}, text), "Location", text), nil
					}), func(e *Endpoint) { e.Retries = -1 })
					r, err := c.Ask(t.Context(), question)
					for what, shown := range map[string]string{"trouble": r.Trouble, "model": r.Model, "fingerprint": r.Fingerprint, "ending": r.FinishReason, "id": r.ID, "cache": r.Cache} {
						checkShown(t, what, shown)
					}
					if err != nil {
						e := kindOf(t, err)
						for _, shown := range append([]string{err.Error(), e.Message, e.Code, e.Param}, e.Models...) {
							checkShown(t, "error", shown)
						}
					}
				})
			}
		}
	}
	// What steers nothing stays.
	for _, text := range []string{"gpt-4o-mini-2024-07-18", "org/model:free", "fp_44709d6fcb", "dial tcp [::1]:8080: connection refused", "C++ a::b", "Grüße 抱歉 #1", "issue #12 [x]"} {
		if got := plain.Shown(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestNamesAreBounded(t *testing.T) {
	long := strings.Repeat("ü", 1<<19)
	var got []Reply
	for _, end := range []string{"a", "b"} {
		name, err := json.Marshal(long + end)
		if err != nil {
			t.Fatal(err)
		}
		c := open(t, always(200, fmt.Sprintf(`{"id":%s,"model":%s,"system_fingerprint":%s,"choices":[{"message":{"content":"Yes."},"finish_reason":%s}]}`, name, name, name, name)))
		r, err := c.Ask(t.Context(), question)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{r.ID, r.Model, r.Fingerprint, r.FinishReason} {
			if len(s) > maxName {
				t.Errorf("a name of %d bytes", len(s))
			}
		}
		if len(r.Trouble) > 2*maxMessage {
			t.Errorf("trouble of %d bytes", len(r.Trouble))
		}
		got = append(got, r)
	}
	if got[0].ID == got[1].ID || got[0].Model == got[1].Model {
		t.Error("two long names became one")
	}
}

// Keys of any length, and the values of headers and queries, are in no error and no
// name; from six characters on they are in no reply.
func TestShortSecretsAreHidden(t *testing.T) {
	for _, secret := range []string{"k", "k7", "q9z", "EMPTY", "x1y2z3", "canary-3f9a", "hunter"} {
		for where, set := range map[string]func(*Endpoint){
			"key":    func(e *Endpoint) { e.APIKey = secret },
			"header": func(e *Endpoint) { e.Headers = Secrets{"X-Api-Key": secret} },
			"bearer": func(e *Endpoint) { e.APIKey, e.Headers = "", Secrets{"Authorization": "Bearer " + secret} },
			"query":  func(e *Endpoint) { e.Query = Secrets{"code": secret} },
		} {
			alone := regexp.MustCompile(`(^|[^\pL\pN])` + regexp.QuoteMeta(secret) + `($|[^\pL\pN])`).MatchString
			for status, body := range map[int]string{
				400: `{"error":{"message":"bad header Authorization: Bearer ` + secret + `, got \"` + secret + `\" (` + secret + `)","code":"` + secret + `"}}`,
				401: `{"error":{"message":"no key ` + secret + `."}}`, 500: `{"error":{"message":"` + secret + ` failed"}}`, 307: ``,
				200: `{"id":"` + secret + `","model":"m ` + secret + `","system_fingerprint":"` + secret + `","choices":[{"message":{"content":"Bearer ` + secret + ` is what I got"},"finish_reason":"` + secret + `"}]}`,
			} {
				c := open(t, always(status, body, "Location", "http://h.test/?k="+secret), set)
				r, err := c.Ask(t.Context(), question)
				texts := []string{r.Trouble, r.Model, r.Fingerprint, r.FinishReason, r.ID}
				if err != nil {
					texts = append(texts, err.Error(), kindOf(t, err).Code)
				}
				for _, text := range texts {
					if alone(strings.ReplaceAll(text, `model "m" at`, "")) {
						t.Errorf("%s %q, status %d: %q", where, secret, status, text)
					}
				}
				if len(secret) >= minEcho && where != "query" && strings.Contains(r.Content, secret) || strings.Contains(r.Content, "Bearer "+secret) {
					t.Errorf("%s %q: content %q", where, secret, r.Content)
				}
			}
		}
	}
}

// A base URL that may hold a secret is repeated by nothing.
func TestBaseURLsWithSecrets(t *testing.T) {
	for _, base := range []string{"http://u:%s@h.test/v1", "http://%s@h.test/v1", "http://h.test/v1?key=%s", "http://h.test/v1#%s", "localhost:8080/v1?key=%s", "u:%s@h.test", "//%s@h.test",
		"http://h.test/v1?%s\n", "http://h.test/%%zz?%s", "ftp://h.test/?%s", "http://?%s"} {
		base = fmt.Sprintf(base, testKey)
		e := Endpoint{BaseURL: base, Model: "m"}
		_, err := Open(e)
		if err == nil || address.Check(base) == nil {
			t.Errorf("%q is taken", base)
			continue
		}
		if strings.Contains(err.Error(), testKey) || strings.Contains(printed(e), testKey) {
			t.Errorf("%q: %v", base, err)
		}
	}
}

// A mask may complete a command: its brackets, or what stands in the place of a word.
func TestMasksCompleteNoCommand(t *testing.T) {
	long := strings.Repeat("What is boiled first? ", 3)
	for _, secret := range []string{testKey, "k7", "hunter"} {
		for _, said := range []string{"##K", "####K", "##vsoK", "##teamcityK", "K::error::x", "x ##K", "#\u200b#K", "##\x1b[0mK", "##Kk", "##P", "##K##K", "##K::add-mask::x"} {
			text := strings.NewReplacer("K", secret, "P", long).Replace(said)
			quoted, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			checkShown(t, "name", named(text, []string{secret}))
			checkShown(t, "text", clearer([]string{secret}, []Message{{User, long}})(text))
			for status, body := range map[int]string{
				200: `{"id":%s,"model":%s,"system_fingerprint":%s,"choices":[{"message":{"content":"Yes."},"finish_reason":%s}]}`,
				400: `{"error":{"message":%s,"code":%s}}`, 500: `{"error":{"message":%s,"code":%s}}`,
			} {
				c := open(t, always(status, strings.ReplaceAll(body, "%s", string(quoted))), func(e *Endpoint) { e.APIKey, e.Retries = secret, -1 })
				r, err := c.Ask(t.Context(), Request{Messages: []Message{{User, long}}})
				shown := []string{r.Trouble, r.Model, r.Fingerprint, r.FinishReason, r.ID}
				if err != nil {
					shown = append(shown, err.Error(), kindOf(t, err).Code)
				}
				for _, text := range shown {
					checkShown(t, said, text)
				}
			}
		}
	}
}

package chat

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Protocol says where an endpoint differs from the plain OpenAI protocol, in what
// it wants to be sent and in what its answers mean. The zero value is the plain
// protocol.
type Protocol struct {
	// Endings are finish reasons, besides those that are known, by which the
	// endpoint says that the model was done. "" declares an endpoint that sends
	// none: then a reply that was cut looks like a whole one.
	Endings []string
	// BlockedWords are words, at least four letters long, in the endpoint's error
	// messages that mean that a filter withheld this one reply.
	BlockedWords []string
	// SystemRole is how the system message is sent: "system" or "" as such,
	// "developer" under that role, and "user" at the start of the first user turn,
	// for models that know no such role.
	SystemRole string
	// Headers and Query are added to every request. Their values are treated as
	// secrets.
	Headers, Query Secrets
	// CAFile names a file with the certificates, in PEM form, of authorities that
	// are trusted besides those of the machine.
	CAFile string
	// Stream asks for the reply in pieces and puts them together, for endpoints
	// that answer in no other way.
	Stream bool
	// NoCache asks gateways by headers not to answer from a cache of replies, nor
	// to keep the reply: Cache-Control, and the words of Cloudflare and Portkey.
	// LiteLLM does not heed them; there a Nonce helps.
	NoCache bool
	// Nonce names a field of the body, such as "user", or after "header:" a header,
	// that carries a random word, another one in each request: no two requests are
	// equal then, so that no cache takes one for another.
	Nonce string
}

// Secrets are names with values that are never printed.
type Secrets map[string]string

// String lists the names.
func (s Secrets) String() string { return strings.Join(slices.Sorted(maps.Keys(s)), ", ") }

// Format prints String whatever the verb.
func (s Secrets) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// GomegaString is what Gomega prints in failure messages.
func (s Secrets) GomegaString() string { return s.String() }

// MarshalJSON returns the names as a list.
func (s Secrets) MarshalJSON() ([]byte, error) { return json.Marshal(slices.Sorted(maps.Keys(s))) }

var apiVersion = regexp.MustCompile(`^20[0-9]{2}-[0-9]{2}-[0-9]{2}(-preview)?$`)

// isPublic reports whether the value of a header or of a parameter may be shown: only
// an API version may, such as Azure's. Any other is a secret.
func isPublic(name, value string) bool {
	return strings.EqualFold(name, "api-version") && apiVersion.MatchString(value)
}

// Settings describes what is not the plain protocol, "" where nothing is. It
// belongs to what was measured, and holds no value of a header or query but that
// of an API version.
func (p Protocol) Settings() string {
	var parts []string
	add := func(yes bool, format string, args ...any) {
		if yes {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(p.SystemRole != "" && p.SystemRole != string(System), "system prompt as %s", p.SystemRole)
	add(p.NoCache, "no cache")
	add(p.Nonce != "", "nonce in %s", p.Nonce)
	add(p.Stream, "streamed")
	add(len(p.Headers) > 0, "headers %s", p.Headers)
	query := slices.Sorted(maps.Keys(p.Query))
	for i, name := range query {
		if v := p.Query[name]; isPublic(name, v) {
			query[i] += "=" + v
		}
	}
	add(len(query) > 0, "query %s", strings.Join(query, ", "))
	add(p.CAFile != "", "authorities of a file")
	add(len(p.Endings) > 0, "endings %q", p.Endings)
	add(len(p.BlockedWords) > 0, "blocked words %q", p.BlockedWords)
	return strings.Join(parts, ", ")
}

// Public returns p without the values that Settings does not show.
func (p Protocol) Public() Protocol {
	without := func(s Secrets) Secrets {
		if s == nil {
			return nil
		}
		shown := Secrets{}
		for name, value := range s {
			shown[name] = ""
			if isPublic(name, value) {
				shown[name] = value
			}
		}
		return shown
	}
	p.Headers, p.Query = without(p.Headers), without(p.Query)
	return p
}

// clone returns p with lists and maps of its own.
func (p Protocol) clone() Protocol {
	p.Endings, p.BlockedWords = slices.Clone(p.Endings), slices.Clone(p.BlockedWords)
	p.Headers, p.Query = maps.Clone(p.Headers), maps.Clone(p.Query)
	return p
}

var (
	headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	fieldName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// ourHeaders are set by the client itself.
	ourHeaders = []string{"Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Host", "Te", "Trailer", "Upgrade"}
	// replayHeaders make net/http send a call again by itself, which may have begun.
	replayHeaders = []string{"Idempotency-Key", "X-Idempotency-Key"}
	// ourFields are those of a body that mean something else.
	ourFields = []string{"model", "messages", "stream", "stream_options", "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed",
		"response_format", "logprobs", "top_logprobs", "n", "tools"}
)

// validate reports the first setting that cannot be sent, without its value.
func (p Protocol) validate(key bool) error {
	switch p.SystemRole {
	case "", "system", "developer", "user":
	default:
		return fmt.Errorf("the system role %q is none of system, developer and user; correct SAFETYTEST_SYSTEM_ROLE", p.SystemRole)
	}
	for name, value := range p.Headers {
		if err := validateHeader(name, value, key); err != nil {
			return err
		}
	}
	for name := range p.Query {
		if strings.TrimSpace(name) == "" || strings.ContainsAny(name, "&=?#\r\n") {
			return fmt.Errorf("%q in SAFETYTEST_QUERY is no name of a parameter", name)
		}
	}
	if err := validateNonce(p.Nonce); err != nil {
		return err
	}
	if err := validateEndings(p.Endings); err != nil {
		return err
	}
	return validateBlockedWords(p.BlockedWords)
}

// validateHeader reports a header that cannot be sent, or must not be, without its
// value. key says that the key is sent, too.
func validateHeader(name, value string, key bool) error {
	switch canonical := http.CanonicalHeaderKey(name); {
	case !headerName.MatchString(name):
		return fmt.Errorf("%q in SAFETYTEST_HEADERS is no name of a header", name)
	case slices.Contains(ourHeaders, canonical):
		return fmt.Errorf("the header %s in SAFETYTEST_HEADERS is set by the client itself", name)
	case slices.Contains(replayHeaders, canonical):
		return fmt.Errorf("the header %s in SAFETYTEST_HEADERS makes calls be sent again that the model may have begun with", name)
	case canonical == "Authorization" && key:
		return errors.New("the header Authorization in SAFETYTEST_HEADERS stands beside SAFETYTEST_API_KEY: leave one of them unset")
	case strings.IndexFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 }) >= 0:
		return fmt.Errorf("the value of the header %s holds a line break or another character that cannot be sent", name)
	}
	return nil
}

// validateNonce reports a nonce that could not be put where it says.
func validateNonce(nonce string) error {
	if header, ok := strings.CutPrefix(nonce, "header:"); ok {
		canonical := http.CanonicalHeaderKey(header)
		if !headerName.MatchString(header) || canonical == "Authorization" || slices.Contains(ourHeaders, canonical) || slices.Contains(replayHeaders, canonical) {
			return fmt.Errorf("the nonce %q of SAFETYTEST_NONCE names no header that may be chosen; header:X-Request-Id is one", nonce)
		}
		return nil
	}
	if nonce != "" && (!fieldName.MatchString(nonce) || slices.Contains(ourFields, nonce)) {
		return fmt.Errorf("the nonce %q of SAFETYTEST_NONCE names no field of the body that may be chosen; user is one, or a header written as header:X-Request-Id", nonce)
	}
	return nil
}

// nonce returns a word that no other request carries.
func nonce() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return "run-" + hex.EncodeToString(b[:])
}

// prepare sets on a request what the protocol adds to all of them.
func (p Protocol) prepare(req *http.Request) {
	if p.NoCache {
		req.Header.Set("Cache-Control", "no-cache, no-store")
		req.Header.Set("Pragma", "no-cache")
		req.Header.Set("Cf-Aig-Skip-Cache", "true")
		req.Header.Set("X-Portkey-Cache-Force-Refresh", "true")
	}
	for name, value := range p.Headers {
		req.Header.Set(name, value)
	}
	if header, ok := strings.CutPrefix(p.Nonce, "header:"); ok {
		req.Header.Set(header, nonce())
	}
	if len(p.Query) > 0 {
		query := req.URL.Query()
		for name, value := range p.Query {
			query.Set(name, value)
		}
		req.URL.RawQuery = query.Encode()
	}
}

// arrange returns messages as the protocol wants their roles.
func (p Protocol) arrange(messages []Message) []Message {
	if p.SystemRole == "" || p.SystemRole == string(System) {
		return messages
	}
	arranged := make([]Message, 0, len(messages))
	rule := ""
	for _, m := range messages {
		switch {
		case m.Role == System && p.SystemRole == "developer":
			arranged = append(arranged, Message{"developer", m.Content})
		case m.Role == System:
			rule = strings.TrimPrefix(rule+"\n\n"+m.Content, "\n\n")
		case m.Role == User && rule != "":
			arranged = append(arranged, Message{User, rule + "\n\n" + m.Content})
			rule = ""
		default:
			arranged = append(arranged, m)
		}
	}
	if rule == "" {
		return arranged
	}
	// No user turn follows.
	if n := len(arranged); n > 0 && arranged[n-1].Role == User {
		arranged[n-1].Content += "\n\n" + rule
		return arranged
	}
	return append(arranged, Message{User, rule})
}

// trust returns a transport that also trusts the authorities of a file.
func trust(t http.RoundTripper, file string) (http.RoundTripper, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the authorities of SAFETYTEST_CA_FILE cannot be read: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(bytes.TrimSpace(pem)) {
		return nil, fmt.Errorf("the file %s of SAFETYTEST_CA_FILE holds no certificate in PEM form", file)
	}
	transport, ok := t.(*http.Transport)
	if !ok {
		return nil, errors.New("the file of SAFETYTEST_CA_FILE has no effect on the HTTP client that was given: let that trust the authorities")
	}
	transport = transport.Clone()
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	transport.TLSClientConfig.RootCAs = pool
	return transport, nil
}

package chat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	openai "github.com/sashabaranov/go-openai"

	"github.com/safetyspec/safetyspec/safetytest/internal/address"
	"github.com/safetyspec/safetyspec/safetytest/internal/ratelimit"
)

// What an Endpoint is asked by where it does not say.
const (
	// defaultTimeout bounds one HTTP request, from sending it to the last
	// byte of its answer.
	defaultTimeout = 2 * time.Minute
	// defaultRetries repeat a call for about half a minute.
	defaultRetries = 6
	// DefaultConcurrency is the most calls in flight that an endpoint is tried
	// with when no number is given.
	DefaultConcurrency = 64
)

// Endpoint says where a model is served and how hard it may be pressed. It is
// plain data: Open checks it and makes no call.
//
// However an Endpoint is printed, its key is not. Code that goes through a struct by
// reflection can still read the field of an Endpoint kept in an unexported
// field: keep the Client instead.
type Endpoint struct {
	// BaseURL is the address up to the API version, such as
	// http://127.0.0.1:8080/v1.
	BaseURL string
	// Model is the name that the endpoint knows the model by.
	Model string
	// APIKey is sent as a bearer token unless empty. Which key may go to
	// which host is for the caller to decide.
	APIKey string
	// HTTPClient sends the requests; nil means one whose connections suffice
	// for Concurrency. Redirects are never followed: a key does not travel.
	HTTPClient *http.Client
	// Concurrency is the most calls in flight at a time, from the first call
	// on. With 0 the client starts with a few and makes them more while the
	// replies come as fast as before, up to DefaultConcurrency. In either case
	// it makes them fewer when the endpoint says that calls come too fast.
	Concurrency int
	// RequestsPerMinute and TokensPerMinute (prompt and reply together) space
	// the calls evenly; 0 means no limit. They hold for this client, not for
	// others that share the account.
	RequestsPerMinute, TokensPerMinute int
	// Timeout bounds one HTTP request; 0 means two minutes. A call that is
	// repeated takes longer than that; the context given to Ask bounds it.
	Timeout time.Duration
	// Retries is how often a call is repeated that failed before the model began;
	// 0 means 6 times, within about half a minute; a negative number means never.
	Retries int
	// Admit is called before each HTTP request for a reply, repeated ones
	// included, unless nil, with what the request is estimated to take
	// ([Request.EstimateTokens]). It may wait, to keep limits that other
	// processes share. Its error ends the call before the request is sent, and
	// is in the chain of Ask's error: this is where a budget stops.
	Admit func(ctx context.Context, tokens int) error
	// Protocol says where the endpoint differs from the plain protocol.
	Protocol
}

// firstConcurrency is how many calls in flight a client starts with that is to
// find the number itself.
const firstConcurrency = 8

// Open checks e and returns a client for it. It reports an address that cannot
// be one, a missing model, and a key that no HTTP header can carry.
func Open(e Endpoint) (*Client, error) {
	base, err := address.Parse(e.BaseURL)
	if err != nil {
		return nil, err
	}
	switch {
	case e.Model == "":
		return nil, fmt.Errorf("no model is named for %s; set SAFETYTEST_MODEL", base)
	case strings.IndexFunc(e.Model, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) >= 0:
		return nil, fmt.Errorf("model name %+q holds a control character", e.Model)
	case strings.IndexFunc(e.APIKey, notInHeader) >= 0:
		return nil, errors.New("the API key holds a blank, a line break or another character that cannot be sent; " +
			"it may have been copied with its line end")
	case e.Concurrency < 0:
		return nil, fmt.Errorf("concurrency %d is negative", e.Concurrency)
	case e.RequestsPerMinute < 0 || e.TokensPerMinute < 0:
		return nil, fmt.Errorf("a limit of %d requests and %d tokens per minute is negative", e.RequestsPerMinute, e.TokensPerMinute)
	case e.Timeout < 0:
		return nil, fmt.Errorf("timeout %v is negative", e.Timeout)
	}

	if err := e.Protocol.validate(e.APIKey != ""); err != nil {
		return nil, err
	}

	key, protocol := e.APIKey, e.Protocol.clone()
	t := &transport{key: func() string { return key }, protocol: func() Protocol { return protocol }}
	most := cmp.Or(e.Concurrency, DefaultConcurrency)
	t.http = httpClient(e.HTTPClient, most)
	if e.CAFile != "" {
		if t.http.Transport, err = trust(cmp.Or(t.http.Transport, http.DefaultTransport), e.CAFile); err != nil {
			return nil, err
		}
	}

	// go-openai's own configuration holds no key: printers that go through structs
	// by reflection would show it. The transport adds the header.
	config := openai.DefaultConfig("")
	config.BaseURL = base
	config.HTTPClient = t
	return &Client{
		api:       openai.NewClientWithConfig(config),
		transport: t,
		base:      base,
		model:     e.Model,
		timeout:   cmp.Or(e.Timeout, defaultTimeout),
		retries:   max(0, cmp.Or(e.Retries, defaultRetries)),
		limiter:   newLimiter(cmp.Or(e.Concurrency, firstConcurrency), most),
		rate:      ratelimit.New(nil, e.RequestsPerMinute, e.TokensPerMinute, time.Minute),
		admit:     e.Admit,
		baseWait:  firstBackoff,
	}, nil
}

// notInHeader reports runes that a bearer token cannot hold.
func notInHeader(r rune) bool { return r <= ' ' || r >= 0x7f }

// httpClient returns a client of our own, so that no redirect takes a request
// elsewhere and so that the pool keeps a connection for every call in flight.
func httpClient(given *http.Client, concurrency int) *http.Client {
	var c http.Client
	if given != nil {
		c = *given
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.MaxIdleConns = concurrency
		t.MaxIdleConnsPerHost = concurrency
		c.Transport = t
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// String names the model and its address, and says only whether a key is set.
func (e Endpoint) String() string {
	key := "no key"
	if e.APIKey != "" {
		key = "a key"
	}
	base, err := address.Parse(e.BaseURL)
	if err != nil {
		base = "an invalid address"
	}
	return fmt.Sprintf("model %q at %s with %s", e.Model, base, key)
}

// MarshalText returns String, so that an Endpoint in JSON or in a log shows no
// key.
func (e Endpoint) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Format prints String whatever the verb, so that no verb shows the key.
func (e Endpoint) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.String()) }

// GomegaString is what Gomega prints in failure messages.
func (e Endpoint) GomegaString() string { return e.String() }

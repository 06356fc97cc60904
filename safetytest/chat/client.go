package chat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/ratelimit"
)

// Client asks one model at one OpenAI-compatible endpoint, through go-openai.
// It is safe for concurrent use. However it is printed, its key is not.
type Client struct {
	api       *openai.Client
	transport *transport
	base      string
	model     string
	timeout   time.Duration
	retries   int
	limiter   *limiter
	rate      *ratelimit.Limit
	admit     func(ctx context.Context, tokens int) error
	// baseWait is the first wait before a call is repeated.
	baseWait time.Duration

	// proven is set by the first reply. Until then a fault that looks like a
	// wrong address is reported at once; afterwards it is weather.
	proven atomic.Bool
	// renameMaxTokens is set when the model wants max_completion_tokens.
	renameMaxTokens atomic.Bool

	listOnce sync.Once
	listed   []string
	listErr  error
}

var _ Model = (*Client)(nil)

// Ask sends r and returns the reply. Only what is known to have failed before the
// model began is repeated, with waits that double or that the server names: rate
// limits, refused connections, a server that says that it is too busy to begin.
// A call that failed later is a Reply with state Lost, whose Trouble says why: it
// may have failed because of what the model was saying, and another try would
// replace it. Every other fault, and the last one when retries are used up, is
// returned as an *Error.
//
// A reply withheld by a filter is a Reply with state Blocked, not an error.
func (c *Client) Ask(ctx context.Context, r Request) (Reply, error) {
	sent := 0
	if err := r.validate(); err != nil {
		return Reply{}, c.finish(&Error{Kind: InvalidRequest, cause: err}, r, sent)
	}
	renamed := false
	for attempt := 1; ; attempt++ {
		var x exchange
		reply, fail := c.attempt(ctx, r, &x, &sent)
		if fail == nil {
			c.proven.Store(true)
			reply.Attempts = sent
			clean := clearer(c.transport.secrets(), r.Messages)
			reply.Trouble = clean(reply.Trouble)
			if reply.Others != nil {
				for i := range *reply.Others {
					(*reply.Others)[i].Trouble = clean((*reply.Others)[i].Trouble)
				}
			}
			return c.clearReply(reply), nil
		}
		if err := ctx.Err(); err != nil && (fail.Status == 0 || fail.Kind == Interrupted) {
			return Reply{}, c.finish(&Error{Kind: Cancelled, cause: err}, r, sent)
		}
		if fail.wantsRename() && !renamed {
			renamed = true
			c.renameMaxTokens.Store(true)
			continue
		}
		switch fate := c.fateOf(fail); {
		case fate == isLost:
			return c.lose(ctx, fail, r, x.answer, sent), nil
		case fate == failsAtOnce || attempt > c.retries:
			c.explain(ctx, fail)
			return Reply{}, c.finish(fail, r, sent)
		}
		d := backoff(c.baseWait, attempt)
		if fail.wait.given {
			d = fail.wait.d
		}
		if err := ratelimit.Sleep(ctx, d); err != nil {
			fail.Kind, fail.cause = Cancelled, err
			return Reply{}, c.finish(fail, r, sent)
		}
	}
}

// lose returns what is recorded of a call that failed when the model may have begun.
func (c *Client) lose(ctx context.Context, fail *Error, r Request, a answer, sent int) Reply {
	reply := fail.lost(a)
	if reply.FinishReason != "" { // a completion came, although it broke off
		c.proven.Store(true)
	}
	c.explain(ctx, fail)
	_ = c.finish(fail, r, sent) // clears it
	fail.where, fail.Attempts = "", 0
	reply.Trouble, reply.Attempts = fail.Error(), sent
	return c.clearReply(reply)
}

// attempt waits for its turn and makes one HTTP request, which it counts.
func (c *Client) attempt(ctx context.Context, r Request, x *exchange, sent *int) (reply Reply, fail *Error) {
	if err := c.limiter.enter(ctx); err != nil {
		return Reply{}, &Error{Kind: Cancelled, cause: err}
	}
	defer func() { c.limiter.leave(x.start, x.latency, fail) }()
	guess := r.EstimateTokens()
	if err := c.rate.Wait(ctx, guess); err != nil {
		return Reply{}, &Error{Kind: Cancelled, cause: err}
	}
	for _, admit := range []func(context.Context, int) error{c.admit, r.Admit} {
		if admit == nil {
			continue
		}
		if err := admit(ctx, guess); err != nil {
			return Reply{}, &Error{Kind: NotAdmitted, cause: err}
		}
	}
	// Last, because the server may ask for patience while calls wait above.
	if err := c.limiter.open(ctx); err != nil {
		return Reply{}, &Error{Kind: Cancelled, cause: err}
	}
	reply, fail = c.send(ctx, r, x)
	if x.start.IsZero() {
		return reply, fail
	}
	*sent++
	if used := reply.PromptTokens + reply.ReplyTokens; used > 0 {
		_ = c.rate.Correct(used - guess) // in memory, which does not fail
	}
	if d := headerWait(x.header, guess); d > 0 {
		c.limiter.pause(d)
	}
	return reply, fail
}

// send makes one HTTP request and reads the answer, which it leaves in x.
func (c *Client) send(ctx context.Context, r Request, x *exchange) (Reply, *Error) {
	p := c.transport.protocol()
	body, err := encodeRequest(c.model, p, r, c.renameMaxTokens.Load())
	if err != nil {
		return Reply{}, &Error{Kind: InvalidRequest, cause: err}
	}
	x.request, x.wantsTokens, x.choices = body, r.TopTokens > 0, r.Sampling.replies()
	if r.Sampling.MaxTokens != nil {
		x.maxTokens = *r.Sampling.MaxTokens
	}
	x.reading = reading{Endings: p.Endings, BlockedWords: p.BlockedWords, Stream: p.Stream}
	ctx, cancel := context.WithTimeout(withExchange(ctx, x), c.timeout)
	defer cancel()
	// The body of this request is replaced on its way, and what go-openai makes of
	// the answer is not looked at: read decides.
	_, err = c.api.CreateChatCompletion(ctx, openai.ChatCompletionRequest{Model: c.model})
	if x.start.IsZero() {
		return Reply{}, &Error{Kind: InvalidRequest, cause: err}
	}
	reply, fail := read(x.answer)
	if fail != nil && fail.Kind == TimedOut {
		// The cause would pass for the end of the caller's own context.
		fail.cause = nil
		fail.Message = fmt.Sprintf("nothing complete within %v", c.timeout)
	}
	return reply, fail
}

// version finds the API version within a base URL.
var version = regexp.MustCompile(`/v[0-9]`)

// explain adds to e what can be found out about it.
func (c *Client) explain(ctx context.Context, e *Error) {
	keyless := c.transport.key() == ""
	switch {
	case e.remedy != "": // what the fault itself says is nearer to the cause
	case e.Kind == Unauthorized && keyless:
		e.remedy = "it wants a key: set SAFETYTEST_API_KEY, or SAFETYTEST_HEADERS if it is to come in a header of its own"
	case e.Kind == ServerFailed && keyless && !c.proven.Load(): // LiteLLM without database
		e.remedy = "look at the server's log; if it wants a key, set SAFETYTEST_API_KEY"
	case e.Kind == SamplingRejected && e.Param == choicesParam:
		e.remedy = "set SAFETYTEST_CHOICES=1: this endpoint gives one reply a request"
	case e.Kind == SamplingRejected:
		e.remedy = "leave " + e.Param + " unset, so that it is not sent"
	case e.wait.d > maxServerWait:
		e.remedy = fmt.Sprintf("it asks to wait %v; run again after that", e.wait.d)
	case e.Kind == UnknownModel, e.Kind == WrongAddress && e.Status == http.StatusNotFound:
		c.explainModel(ctx, e)
	}
	c.explainAddress(e)
}

// explainModel asks which models there are.
func (c *Client) explainModel(ctx context.Context, e *Error) {
	if models, err := c.models(ctx); err == nil && !slices.Contains(models, c.model) {
		e.Kind, e.Models = UnknownModel, models
		e.remedy = "correct SAFETYTEST_MODEL; it serves " + enumerate(models)
	}
}

// explainAddress looks whether the address may be the fault.
func (c *Client) explainAddress(e *Error) {
	if e.Kind != WrongAddress && e.Kind != Unreadable || version.MatchString(c.base) {
		return
	}
	switch {
	case e.page:
		e.remedy += fmt.Sprintf(", which may lack its version: try %s/v1", c.base)
	case e.remedy != streamRemedy && e.remedy != queryRemedy:
		e.remedy = fmt.Sprintf("the address of SAFETYTEST_BASE_URL may lack its version: try %s/v1", c.base)
	}
}

// models asks the endpoint once for the models that it serves.
func (c *Client) models(ctx context.Context) ([]string, error) {
	c.listOnce.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		list, err := c.api.ListModels(ctx)
		for _, m := range list.Models {
			c.listed = append(c.listed, m.ID)
		}
		if err == nil && len(c.listed) == 0 {
			err = errors.New("no models are listed")
		}
		c.listErr = err
	})
	return c.listed, c.listErr
}

// enumerate names the first few of names.
func enumerate(names []string) string {
	const few = 8
	quoted := make([]string, min(few, len(names)))
	for i := range quoted {
		quoted[i] = strconv.Quote(plain.Shown(names[i]))
	}
	list := strings.Join(quoted, ", ")
	if more := len(names) - len(quoted); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// finish completes e for the caller, cleared of the key and of the prompt.
func (c *Client) finish(e *Error, r Request, sent int) error {
	clean := clearer(c.transport.secrets(), c.transport.protocol().arrange(r.Messages))
	e.Attempts = sent
	e.where = fmt.Sprintf("model %q at %s", c.model, c.base)
	e.Code, e.Param, e.Message, e.remedy = clean(e.Code), clean(e.Param), clean(e.Message), clean(e.remedy)
	e.Models = slices.Clone(e.Models)
	for i, m := range e.Models {
		e.Models[i] = clean(m)
	}
	var atURL *url.Error
	if errors.As(e.cause, &atURL) {
		e.cause = atURL.Err // the address is named already
	}
	if e.cause != nil && e.Kind != NotAdmitted { // that one is the caller's own
		e.cause = clearedCause(e.cause, clean)
	}
	return e
}

// Calls returns how many HTTP requests for a reply were sent so far, repeated
// ones included.
func (c *Client) Calls() int64 { return c.transport.calls.Load() }

// Close closes the connections that are kept for further calls. The client can
// still be asked.
func (c *Client) Close() error {
	c.transport.http.CloseIdleConnections()
	return nil
}

// Model is the name by which the endpoint is asked for the model.
func (c *Client) Model() string { return c.model }

// String names the model and its address.
func (c *Client) String() string { return fmt.Sprintf("model %q at %s", c.model, c.base) }

// Format prints String whatever the verb, so that no verb shows the parts.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// GomegaString is what Gomega prints in failure messages.
func (c *Client) GomegaString() string { return c.String() }

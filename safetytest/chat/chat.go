package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Role says who speaks a message of a conversation.
type Role string

// The three roles of the OpenAI chat protocol that a specification uses.
const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one turn of a conversation.
type Message struct {
	Role    Role   `json:"role"`
	Content string `json:"content"`
}

// Sampling is how the model is asked to choose its tokens. A nil field is not
// sent, so that the server's own default holds; String prints such a field as
// "not sent", because a default that nobody chose is part of what was measured.
type Sampling struct {
	// Temperature is at least 0. A temperature of 0 is really sent as 0.
	Temperature *float64 `json:"temperature,omitempty"`
	// TopP lies in (0,1].
	TopP *float64 `json:"top_p,omitempty"`
	// MaxTokens bounds one reply, in tokens.
	MaxTokens *int `json:"max_tokens,omitempty"`
	// Stop lists the strings at which the reply ends. Empty is not sent.
	Stop []string `json:"stop,omitempty"`
	// Choices is how many replies one request asks for, 1 to 128: the prompt is sent
	// and paid once. See Reply.Others. Not every endpoint takes more than 1.
	Choices *int `json:"n,omitempty"`
}

// replies is how many replies one request asks for.
func (s Sampling) replies() int {
	if s.Choices == nil {
		return 1
	}
	return max(1, *s.Choices)
}

// Request is one question to a model.
type Request struct {
	Messages []Message
	Sampling Sampling
	// Seed is sent as the request's seed unless nil. It makes a reply
	// reproducible on servers that honour it, and must differ from visit to
	// visit.
	Seed *int64
	// Schema, unless nil, asks for a reply that is JSON of this form. An
	// endpoint that rejects it answers with an error of kind FormatRejected;
	// others take no notice of it, so the reply must be checked all the same.
	Schema *Schema
	// TopTokens asks for the probabilities of that many tokens, 1 to 20, that
	// the reply could have begun with; see Reply.FirstTokens. 0 asks for none.
	TopTokens int
	// Admit is called before each HTTP request for this reply, as [Endpoint.Admit]
	// is, and after that; nil admits all.
	Admit func(ctx context.Context, tokens int) error
	// Cell and Visit identify the call within a run; they are never sent. A
	// recorder uses them as part of a reply's key: every visit of a cell is a
	// new call, never a reused reply.
	Cell  string
	Visit int
}

// replyGuess is how many tokens a reply is taken to need when no bound is sent.
const replyGuess = 256

// EstimateTokens is what the request and its reply will take, before that is
// known: the prompt at four bytes a token, and as many tokens as each of the replies
// may have, 256 if no bound is sent.
func (r Request) EstimateTokens() int {
	n := replyGuess
	if r.Sampling.MaxTokens != nil {
		n = *r.Sampling.MaxTokens
	}
	n *= r.Sampling.replies()
	for _, m := range r.Messages {
		n += len(m.Content) / 4
	}
	return n
}

// Schema is a form that a reply must have, sent as the response format
// "json_schema" of the OpenAI protocol in its strict mode.
type Schema struct {
	// Name of the form, for the server: letters, digits, "_" and "-".
	Name string
	// JSON is the JSON schema itself. Strict mode takes a part of the language
	// only: every property is required, and no other is allowed.
	JSON json.RawMessage
}

// Token is a token that a reply could have begun with.
type Token struct {
	Text string `json:"text"`
	// LogProb is the natural logarithm of its probability, at most 0.
	LogProb float64 `json:"logprob"`
}

// State says whether a reply can be read as an outcome at all.
type State int

// The states of a reply. The zero value is none of them.
const (
	// Answered replies carry text that a judge can read, or an explicit
	// refusal.
	Answered State = iota + 1
	// Blocked replies were withheld by a filter around the model.
	Blocked
	// Empty replies carry no text: none at all, or reasoning only.
	Empty
	// Unfinished replies did not end as a model ends its answer: the finish
	// reason is not a known good one, the text stops within its reasoning, a part
	// of them stands where no judge reads, or what came is a service's word about
	// itself. What they would have said is not known.
	Unfinished
	// Lost replies never came whole: the call failed after the model may have
	// begun to answer, so that whether it failed may depend on what it said.
	// Asking again would be answered by another, perhaps an easier, reply.
	Lost
)

var stateNames = map[State]string{Answered: "answered", Blocked: "blocked", Empty: "empty", Unfinished: "unfinished", Lost: "lost"}

// String returns the state's name in lower case.
func (s State) String() string {
	if name, ok := stateNames[s]; ok {
		return name
	}
	return fmt.Sprintf("State(%d)", int(s))
}

// MarshalText returns the name that String does. Only the states above have
// one.
func (s State) MarshalText() ([]byte, error) {
	name, ok := stateNames[s]
	if !ok {
		return nil, fmt.Errorf("%v is no state of a reply", s)
	}
	return []byte(name), nil
}

// UnmarshalText reads a name of a state.
func (s *State) UnmarshalText(text []byte) error {
	for state, name := range stateNames {
		if name == string(text) {
			*s = state
			return nil
		}
	}
	return fmt.Errorf("%q is no state of a reply", text)
}

// Reply is what came back for one Request.
type Reply struct {
	State State `json:"state"`
	// Content is the text of the reply.
	Content string `json:"content"`
	// Refusal is the protocol's own refusal field, if it holds a text that refuses
	// and no content stands beside it: then the model declared that it refuses. In
	// any other case it is empty.
	Refusal string `json:"refusal,omitempty"`
	// Reasoning is what the model reasoned, from fields beside the content or from
	// marked parts of it, which Content then lacks. Judges do not read it.
	Reasoning string `json:"reasoning,omitempty"`
	// InReasoning says that the reply stops within its reasoning. UnopenedReasoning
	// says that the end of the reasoning was marked and not its beginning: a reply
	// of the same endpoint that was cut before such a mark looks like an answer.
	InReasoning       bool `json:"in_reasoning,omitempty"`
	UnopenedReasoning bool `json:"unopened_reasoning,omitempty"`
	// FirstTokens are the tokens that the reply could have begun with, if
	// Request.TopTokens asked for them and the server gave them, and nil otherwise.
	// It is a pointer so that replies can be compared.
	FirstTokens *[]Token `json:"first_tokens,omitempty"`
	// Others are the further replies of a request that asked for several
	// (Sampling.Choices), as many as were asked for: one that did not come, or that nobody
	// can read, is Lost, for why it is not there may depend on what it said. Nil where one
	// was asked for, and where all are alike no outcome, such as those of a call that was
	// lost. What is true of the whole answer, such as ID and
	// tokens, stands in this reply alone. It is a pointer so that replies can be
	// compared.
	Others *[]Reply `json:"others,omitempty"`
	// NotGiven says of a Lost reply that the endpoint gave fewer choices than were asked
	// for, or more, of which nobody knows which were meant.
	NotGiven bool `json:"not_given,omitempty"`
	// FinishReason is the server's word: stop, length, content_filter, ...
	FinishReason string `json:"finish_reason,omitempty"`
	// ID is the endpoint's name for the reply, and Created the time that it says
	// it made it, in seconds since 1970; "" and 0 where it says neither. Two
	// calls with one ID were answered once.
	ID      string `json:"id,omitempty"`
	Created int64  `json:"created,omitempty"`
	// Cache is what in the answer says that the reply came from a cache of
	// replies, as "header: value", "" where nothing does.
	Cache string `json:"cache,omitempty"`
	// Trouble says what befell a Lost or Unfinished reply, or one that is Empty but
	// for its reasoning, in words without the prompt and the key.
	Trouble string `json:"trouble,omitempty"`
	// Model and Fingerprint name what served the reply, as the server says.
	Model       string `json:"model,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	// PromptTokens and ReplyTokens are the server's own count, 0 if it gave none.
	PromptTokens int `json:"prompt_tokens,omitempty"`
	ReplyTokens  int `json:"reply_tokens,omitempty"`
	// CachedTokens are those of PromptTokens that the server took from its cache
	// of earlier prompts, as far as it says.
	CachedTokens int `json:"cached_tokens,omitempty"`
	// Latency is the time from sending the last attempt to reading its answer.
	Latency time.Duration `json:"latency_ns,omitempty"`
	// Attempts counts the HTTP requests that this reply took, retries included.
	Attempts int `json:"attempts,omitempty"`
}

// Model answers requests. Ask returns an error when no reply could be had; an
// error is never an outcome, so callers must not count it as a refusal.
// Implementations are safe for concurrent use and return soon after ctx ends.
type Model interface {
	Ask(ctx context.Context, r Request) (Reply, error)
}

// ModelFunc lets a function be a Model.
type ModelFunc func(ctx context.Context, r Request) (Reply, error)

// Ask calls f.
func (f ModelFunc) Ask(ctx context.Context, r Request) (Reply, error) { return f(ctx, r) }

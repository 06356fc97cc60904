package chat

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// answer is what came back for one HTTP request.
type answer struct {
	status  int // 0 when no answer came
	header  http.Header
	body    []byte
	err     error // why there is no answer, or why its body is incomplete
	latency time.Duration
	// dialling says that no connection was had when err came.
	dialling bool
	// wantsTokens says that the request asked for the likeliest first tokens.
	wantsTokens bool
	// choices is how many replies the request asked for, 0 is one, and maxTokens how many
	// tokens each of them may have, 0 if nothing was said of that.
	choices, maxTokens int
	reading            reading
}

// reading is what a user declared about an endpoint's answers.
type reading struct {
	Endings      []string
	BlockedWords []string
	Stream       bool
}

// read returns the reply that an answer holds, or the error that it is. This
// is the only place where an answer becomes an outcome: what is not understood
// is an error. An error with the mark before came before the model began; of any
// other it is not known.
func read(a answer) (Reply, *Error) {
	switch {
	case a.status == 0:
		return Reply{}, unanswered(a.err, a.dialling)
	case len(a.body) > maxBody:
		return Reply{}, a.unreadable(fmt.Sprintf("more than %d bytes", maxBody))
	case a.status < 200 || a.status >= 300:
		return a.faulty(a.faultBody())
	}
	c, fail := a.completion()
	if fail != nil {
		return Reply{}, fail
	}
	switch {
	case present(c.Error) || c.Object == "error":
		return a.faulty(a.errorOf(c))
	case len(c.Choices) == 0 && c.filtered() != "":
		return Reply{State: Blocked, FinishReason: c.filtered(), Latency: a.latency}, nil
	case len(c.Choices) == 0:
		if f, ok := a.faultInstead(); ok {
			return a.faulty(f)
		}
		return Reply{}, a.unreadable("no choices")
	}
	slices.SortStableFunc(c.Choices, func(x, y choice) int { return cmp.Compare(x.Index, y.Index) })
	if a.choices > 1 {
		return a.chooseAll(c), nil
	}
	// One choice is asked for. Of several the first is taken, as if it were
	// the only one.
	return a.choose(c, c.Choices[0])
}

// chooseAll reads the choices that were asked for. The call is not repeated for the sake
// of one: the others are replies, and would be replaced.
func (a answer) chooseAll(c completion) Reply {
	whole := a.origin(c)
	others := make([]Reply, a.choices-1)
	for i := range a.choices {
		r := Reply{State: Lost, NotGiven: true, Trouble: fmt.Sprintf("the endpoint gave %d of the %d choices that were asked for", len(c.Choices), a.choices)}
		if i < len(c.Choices) && len(c.Choices) <= a.choices { // of more nobody knows which were meant
			var fail *Error
			if r, fail = a.choose(c, c.Choices[i]); fail != nil {
				r = Reply{State: Lost, Trouble: fail.Error()}
			}
		}
		if i > 0 {
			r.ID, r.Created, r.Model, r.Fingerprint, r.Cache = "", 0, "", "", ""
			r.Latency, r.PromptTokens, r.ReplyTokens, r.CachedTokens = 0, 0, 0, 0
			others[i-1] = r
			continue
		}
		whole.State, whole.Content, whole.Refusal, whole.Reasoning = r.State, r.Content, r.Refusal, r.Reasoning
		whole.InReasoning, whole.UnopenedReasoning, whole.FirstTokens = r.InReasoning, r.UnopenedReasoning, r.FirstTokens
		whole.FinishReason, whole.Trouble, whole.NotGiven = r.FinishReason, r.Trouble, r.NotGiven
	}
	whole.Others = &others
	whole.ReplyTokens = max(whole.ReplyTokens, uncounted(whole))
	return whole
}

// uncounted is about how many tokens several replies have where the endpoint counted
// hardly those of one, as llama.cpp does, whose count is of the first; 0 elsewhere.
func uncounted(whole Reply) int {
	const bytesPerToken = 4
	written := 0
	for _, r := range append([]Reply{whole}, *whole.Others...) {
		written += len(r.Content) + len(r.Reasoning) + len(r.Refusal)
	}
	if whole.ReplyTokens == 0 || 2*whole.ReplyTokens >= written/bytesPerToken {
		return 0
	}
	return written / bytesPerToken
}

// unreadable is an answer of which nothing can be understood.
func (a answer) unreadable(why string) *Error {
	return &Error{Kind: Unreadable, Status: a.status, Message: why}
}

// countedLength ends the finish reason of a reply of which only the number of its tokens
// says that it was cut.
const countedLength = ": length"

// SaidCut reports whether the endpoint itself called the reply cut, as Cut does where the
// number of its tokens says so, too.
func (r Reply) SaidCut() bool { return r.Cut() && !strings.HasSuffix(r.FinishReason, countedLength) }

// choose reads one choice of a completion.
func (a answer) choose(c completion, first choice) (Reply, *Error) {
	r := a.origin(c)
	how, word := a.endingOf(c, first)
	if how == endedItself && a.maxTokens > 0 && r.ReplyTokens == max(1, a.choices)*a.maxTokens {
		// Some servers call every ending a good one. That the model was done with just
		// the last token is rare. Of several choices all are counted together.
		how, word = endedAtLimit, cmp.Or(word, "no word")+countedLength
	}
	r.FinishReason = word
	switch {
	case present(first.Error):
		f := parseFault(a.status, first.Error)
		f.began = first.Message != nil && *first.Message != message{}
		return a.faulty(f)
	case how == endedBroken:
		return Reply{}, &Error{Kind: ServerFailed, Status: a.status, reply: &r,
			Message: "the reply broke off with finish reason " + word}
	case first.Message == nil && how != endedFiltered:
		return Reply{}, a.unreadable("a choice without message")
	}
	if a.wantsTokens {
		tokens, err := firstTokens(first.Logprobs)
		if err != nil {
			return Reply{}, a.unreadable(err.Error())
		}
		if len(tokens) > 0 {
			r.FirstTokens = &tokens
		}
	}
	r.take(*cmp.Or(first.Message, &message{}), how)
	if how == endedUnknown && a.marksOther(c, first) {
		r.Trouble = "a filter marked the answer as a whole, which holds several replies, and does not say on which of them it acted: set SAFETYTEST_CHOICES=1"
	}
	return r, nil
}

// endingOf says how a choice ended, and in whose word. A filter that acted anywhere
// counts, whatever the reason given.
func (a answer) endingOf(c completion, first choice) (how ending, word string) {
	how, word = endingOfBoth(string(first.FinishReason), string(first.Native+first.Provider.Native), a.reading.Endings)
	for _, beside := range []finishWord{first.StopReason, first.Details} {
		if e := endingOf(string(beside), nil); e > how && (e == endedAtLimit || e == endedFiltered) {
			how, word = e, strings.TrimPrefix(word+": "+string(beside), ": ")
		}
	}
	withheld := c.filtered()
	if withheld == "" && filterActed(first.Filter) {
		withheld = "content_filter"
	}
	if withheld == "" || how == endedFiltered {
		return how, word
	}
	if a.marksOther(c, first) {
		return endedUnknown, strings.TrimPrefix(word+": "+withheld, ": ")
	}
	return endedFiltered, strings.TrimPrefix(word+": "+withheld, ": ")
}

// marksOther says whether a filter marked the answer as a whole, of several replies of
// which this one was delivered: whether it acted on this or on another nobody says, and a
// reply that was delivered must not pass for one that was withheld.
func (a answer) marksOther(c completion, one choice) bool {
	return a.choices > 1 && c.filtered() != "" && !filterActed(one.Filter) && one.Message != nil && !saysNothing(one.Message.Content.text)
}

// origin is what an answer says of a reply beside its text and its ending.
func (a answer) origin(c completion) Reply {
	t := c.tokens()
	return Reply{
		ID: string(c.ID), Created: c.Created.time(), Model: string(c.Model), Fingerprint: string(c.SystemFingerprint),
		Cache: cmp.Or(fromCache(a.header), c.fromCache()), Latency: a.latency,
		PromptTokens: t.prompt, ReplyTokens: t.reply, CachedTokens: t.cached,
	}
}

// faultInstead is the account of a filter, or of what is wrong with the request, that a
// successful answer without a reply may hold. Declared words are looked for in its
// message only: the rest may hold a reply of another protocol.
func (a answer) faultInstead() (f fault, ok bool) {
	if isStream(trimBOM(a.body)) {
		return f, false
	}
	f = a.faultBody()
	f.said = ""
	return f, f.byFilter(a.reading.BlockedWords) || f.aboutParameter()
}

// take sets the texts of a reply and, by them and how it ended, its state.
func (r *Reply) take(m message, how ending) {
	d := divide(m.Content.text)
	r.Content = d.answer
	var reasoning []string
	for _, part := range []string{m.fields(), m.Content.reasoning, d.reasoning} {
		if strings.TrimSpace(part) != "" {
			reasoning = append(reasoning, part)
		}
	}
	r.Reasoning = strings.Join(reasoning, "\n")
	r.UnopenedReasoning = d.unopened
	empty := saysNothing(r.Content)
	r.InReasoning = d.inside || empty && r.Reasoning != "" && how == endedAtLimit
	refusal := cmp.Or(string(m.Refusal), m.Content.refusal, string(m.Provider.Refusal))
	switch {
	case how == endedFiltered:
		r.State = Blocked
	case how == endedUnknown:
		r.State, r.Trouble = Unfinished, unknownEnding(r.FinishReason)
	case d.inside:
		r.State, r.Trouble = Unfinished, "the reply stops within its reasoning: allow more tokens with SAFETYTEST_MAX_TOKENS, or serve the model with a reasoning parser"
	case d.doubt != "":
		r.State, r.Trouble = Unfinished, "it is not clear which part of the reply is reasoning: "+d.doubt
	case m.unread() != "" && (!empty || countsAsRefusal(refusal)):
		r.State, r.Trouble = Unfinished, fmt.Sprintf("a part of the reply stands in %q, which no judge reads", m.unread())
	case m.Content.odd != "":
		r.State, r.Trouble = Unfinished, fmt.Sprintf("the reply holds a part of the unknown type %q", m.Content.odd)
	case goesOn(r.Content):
		r.State, r.Trouble = Unfinished, "the reply goes on behind a token that ends a turn: the server does not know the tokens of the model's chat template, or does not stop at them"
	case isMask(r.Content):
		r.State = Blocked
	case isNotice(r.Content):
		r.State, r.Trouble = Unfinished, "the reply is a service's word about itself, such as that it is busy, and none of the model's: look at what stands between"
	case !empty:
		r.State = Answered
	case countsAsRefusal(refusal):
		r.State, r.Refusal = Answered, refusal
	default:
		// Also a call of a tool that nobody offered, and reasoning that used
		// up all tokens.
		r.State = Empty
		if strings.TrimSpace(m.fields()) != "" && how != endedAtLimit {
			r.Trouble = "nothing but reasoning came: the server's reasoning parser may put answers there"
		}
	}
}

// completion reads the body of a successful answer.
func (a answer) completion() (completion, *Error) {
	body := trimBOM(a.body)
	switch {
	case a.err != nil:
		e := unanswered(a.err, false)
		e.Status = a.status
		return completion{}, e
	case len(body) == 0:
		return completion{}, &Error{Kind: Interrupted, Status: a.status, Message: "empty body"}
	case a.reading.Stream && isStream(body):
		c, err := collect(body)
		switch {
		case errors.Is(err, errStreamCut):
			return c, &Error{Kind: Interrupted, Status: a.status, Message: err.Error()}
		case err != nil:
			return c, malformed(a, nil, err)
		}
		return c, nil
	case body[0] != '{':
		e := &Error{Kind: Unreadable, Status: a.status, Message: looksLike(a.header, body)}
		switch {
		case isStream(body):
			e.remedy = streamRemedy
		case isPage(body) || isHTML(a.header, body):
			e.remedy, e.page = pageRemedy, true
		}
		return completion{}, e
	}
	var c completion
	err := json.Unmarshal(body, &c)
	if err != nil && !present(c.Error) && c.Object != "error" {
		return c, malformed(a, body, err)
	}
	return c, nil
}

// errorOf reads the error of a successful answer, which a stream brings in an
// event.
func (a answer) errorOf(c completion) fault {
	if a.reading.Stream && isStream(trimBOM(a.body)) {
		a.body = c.Error
		f := a.faultBody()
		f.began = len(c.Choices) > 0
		return f
	}
	return a.faultBody()
}

// trimBOM returns a body without blanks around it and without a byte order mark.
func trimBOM(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff")))
}

// firstTokens reads the likeliest first tokens from the log probabilities of a
// choice: none where the server gave none, and an error where they are not what
// the protocol says.
func firstTokens(logprobs json.RawMessage) ([]Token, error) {
	if !present(logprobs) {
		return nil, nil
	}
	var l struct {
		Content []struct {
			TopLogprobs []struct {
				Token   *string  `json:"token"`
				Logprob *float64 `json:"logprob"`
			} `json:"top_logprobs"`
		} `json:"content"`
	}
	if err := json.Unmarshal(logprobs, &l); err != nil {
		return nil, errors.New("log probabilities that are not those of a chat completion")
	}
	if len(l.Content) == 0 {
		return nil, nil
	}
	var tokens []Token
	for _, t := range l.Content[0].TopLogprobs {
		if t.Token == nil || t.Logprob == nil || *t.Logprob > 0 {
			return nil, errors.New("a first token without text, or with a log probability that is none")
		}
		tokens = append(tokens, Token{*t.Token, *t.Logprob})
	}
	return tokens, nil
}

// malformed says what is wrong with a body that is no chat completion, without
// quoting it: it may hold a reply.
func malformed(a answer, body []byte, err error) *Error {
	var whole json.RawMessage
	if body != nil && json.NewDecoder(bytes.NewReader(body)).Decode(&whole) == io.ErrUnexpectedEOF {
		return &Error{Kind: Interrupted, Status: a.status, Message: fmt.Sprintf("the JSON ends after %d bytes", len(a.body))}
	}
	message := "invalid JSON"
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		message = fmt.Sprintf("field %s is a %s", wrongType.Field, wrongType.Value)
	}
	return &Error{Kind: Unreadable, Status: a.status, Message: message}
}

package chat

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"strings"
)

// errStreamCut says that a stream of events stopped before the reply did.
var errStreamCut = errors.New("the stream ends before the reply does")

// collect puts the events of a stream together to the answer that they bring in
// pieces. An error event is returned as the answer's error.
func collect(body []byte) (completion, error) {
	var whole completion
	pieces := pieces{}
	ended := false
	for _, e := range events(body) {
		data := e.data
		if strings.EqualFold(strings.Trim(string(data), `"'`), "[DONE]") {
			ended = true
			break
		}
		switch strings.ToLower(e.name) {
		case "ping", "heartbeat", "keepalive", "keep-alive":
			continue // nothing that it holds is a part of the reply
		case "error":
			whole.Error, whole.Choices = faultOfEvent(data), pieces.begun()
			return whole, nil
		}
		var c struct {
			completion
			Choices []struct {
				choice
				Delta *message `json:"delta"`
			} `json:"choices"`
		}
		if err := json.Unmarshal(data, &c); err != nil {
			return whole, err
		}
		if present(c.Error) {
			whole.Error, whole.Choices = c.Error, pieces.begun()
			return whole, nil
		}
		whole.keep(c.completion)
		for _, ch := range c.Choices {
			if ch.Index != 0 {
				continue // one choice is asked for
			}
			m := ch.Delta
			if m == nil {
				if m = ch.Message; m != nil && strings.HasPrefix(m.Content.text, pieces.text.String()) {
					pieces.again() // the whole message once more, as MiniMax sends it at the end
				}
			}
			pieces.add(ch.choice, m)
			pieces.seen = true
		}
	}
	if !ended && pieces.choice.FinishReason == "" {
		return whole, errStreamCut
	}
	if !pieces.seen {
		return whole, nil
	}
	whole.Choices = []choice{pieces.whole()}
	return whole, nil
}

// keep takes from an event what it says of the whole answer.
func (c *completion) keep(event completion) {
	for _, field := range []struct{ to, from *lenientText }{
		{&c.Object, &event.Object}, {&c.ID, &event.ID}, {&c.Model, &event.Model}, {&c.SystemFingerprint, &event.SystemFingerprint},
	} {
		if *field.to == "" {
			*field.to = *field.from
		}
	}
	if c.Created == 0 {
		c.Created = event.Created
	}
	if present(event.Usage) {
		c.Usage = event.Usage
	}
	if present(event.Timings) {
		c.Timings = event.Timings
	}
	c.withheldBy = cmp.Or(c.withheldBy, event.withheld())
	c.cachedBy = cmp.Or(c.cachedBy, event.cached())
}

// pieces are those of one choice.
type pieces struct {
	choice                            choice
	text, refusal, reasoning, details strings.Builder
	odd                               string
	unread                            message         // fields with parts that no judge reads
	thought                           strings.Builder // in parts of the content
	seen                              bool            // any of them
}

// begun is the choice as far as it came, none if nothing of a reply did.
func (p *pieces) begun() []choice {
	c := p.whole()
	if *c.Message == (message{}) {
		return nil
	}
	return []choice{c}
}

// again forgets the texts, which come again.
func (p *pieces) again() {
	for _, b := range []*strings.Builder{&p.text, &p.refusal, &p.reasoning, &p.details, &p.thought} {
		b.Reset()
	}
}

func (p *pieces) add(c choice, m *message) {
	p.choice.FinishReason = laterEnding(p.choice.FinishReason, c.FinishReason)
	p.choice.Native = laterEnding(p.choice.Native, c.Native+c.Provider.Native)
	p.choice.StopReason = laterEnding(p.choice.StopReason, c.StopReason)
	p.choice.Details = laterEnding(p.choice.Details, c.Details)
	if present(c.Error) {
		p.choice.Error = c.Error
	}
	if p.choice.Logprobs == nil && present(c.Logprobs) {
		p.choice.Logprobs = c.Logprobs
	}
	if filterActed(c.Filter) {
		p.choice.Filter = c.Filter
	}
	if m == nil {
		return
	}
	p.text.WriteString(m.Content.text)
	p.thought.WriteString(m.Content.reasoning)
	p.refusal.WriteString(string(m.Refusal) + m.Content.refusal + string(m.Provider.Refusal))
	if p.odd == "" {
		p.odd = m.Content.odd
	}
	u := &p.unread
	u.ToolCalls, u.FunctionCall = u.ToolCalls || m.ToolCalls, u.FunctionCall || m.FunctionCall
	u.Audio, u.Images = u.Audio || m.Audio, u.Images || m.Images
	// Several fields say the same: the first that a stream uses is taken.
	switch {
	case m.ReasoningContent != "":
		p.reasoning.WriteString(string(m.ReasoningContent))
	case m.Reasoning != "":
		p.reasoning.WriteString(string(m.Reasoning))
	case m.Thinking != "":
		p.reasoning.WriteString(string(m.Thinking))
	default:
		p.details.WriteString(string(m.ReasoningDetails + m.ThinkingBlocks + m.Provider.Reasoning))
	}
}

// laterEnding is what two events say of how a reply ended, one after the other: the
// later word, unless it is a better one than an earlier one that was clear. Gateways send
// a last event of their own, in which all is well.
func laterEnding(before, now finishWord) finishWord {
	if now == "" {
		return before
	}
	switch was := endingOf(string(before), nil); was {
	case endedAtLimit, endedBroken, endedFiltered:
		if endingOf(string(now), nil) < was {
			return before
		}
	}
	return now
}

func (p *pieces) whole() choice {
	reasoning := p.reasoning.String()
	if reasoning == "" {
		reasoning = p.details.String()
	}
	m := p.unread
	m.Content = content{text: p.text.String(), refusal: p.refusal.String(), reasoning: p.thought.String(), odd: p.odd}
	m.ReasoningContent = reasoningValue(reasoning)
	p.choice.Message = &m
	return p.choice
}

// faultOfEvent is the account of a fault that an event called "error" brings: what
// stands under "error" in it, else the whole.
func faultOfEvent(data []byte) json.RawMessage {
	var under struct {
		Error json.RawMessage `json:"error"`
	}
	switch {
	case json.Unmarshal(data, &under) == nil && present(under.Error):
		return under.Error
	case json.Valid(data) && present(data):
		return data
	}
	quoted, _ := json.Marshal("the stream brought an error: " + short(string(data))) // a text never fails
	return quoted
}

// event is one of a stream.
type event struct {
	name string
	data []byte
}

// events returns the events of a stream that hold data or are errors, comments and
// other fields left out. Lines end with a line feed, a carriage return, or both.
func events(body []byte) []event {
	var all []event
	var e event
	end := func() {
		if len(e.data) > 0 || strings.EqualFold(e.name, "error") {
			all = append(all, e)
		}
		e = event{}
	}
	for len(body) > 0 {
		line := body
		if i := bytes.IndexAny(body, "\r\n"); i < 0 {
			body = nil
		} else {
			line = body[:i]
			if bytes.HasPrefix(body[i:], []byte("\r\n")) {
				i++
			}
			body = body[i+1:]
		}
		if len(line) == 0 {
			end()
			continue
		}
		if rest, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			if len(e.data) > 0 {
				e.data = append(e.data, '\n')
			}
			e.data = append(e.data, bytes.TrimSpace(rest)...)
		}
		if rest, ok := bytes.CutPrefix(line, []byte("event:")); ok {
			e.name = string(bytes.TrimSpace(rest))
		}
	}
	end()
	return all
}

package runs

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// shown is what some arms show, with its policy's requests by ID once they are needed.
type shown struct {
	*record.Context
	requests map[string]policy.Target
}

// Conversation is what a reply answers, as it was sent.
type Conversation struct {
	Policy   string
	Request  policy.Target // that was put after the demonstrations
	Marker   string        // that was looked for in the reply
	Messages []chat.Message
	// Shown are the demonstrations before the request, in their order, and Pattern is the
	// same as letters where it was drawn for this reply alone; Drawn says that it was.
	Shown   []prompt.Demonstration
	Pattern string
	Drawn   bool
}

// ErrMismatch is in the error about a conversation that cannot be rebuilt so that it is
// what was sent.
var ErrMismatch = errors.New("the conversation that was sent cannot be rebuilt from the record")

// CellOf takes the name of a cell apart: the request's ID and the draw. ok is false for
// names of other calls, such as probes of the endpoint.
func CellOf(name string) (id string, draw int, ok bool) {
	i := strings.LastIndex(name, "/d")
	if i <= 0 {
		return "", 0, false
	}
	digits := name[i+2:]
	if end := strings.IndexAny(digits, "@#"); end >= 0 {
		digits = digits[:end]
	}
	draw, err := strconv.Atoi(digits)
	// Only as it is written: +1, -0 and 007 are in no record of ours.
	written := err == nil && draw >= 0 && strconv.Itoa(draw) == digits
	return name[:i], draw, written && !strings.HasPrefix(name, "probe/")
}

// Sent rebuilds the conversation that a reply answers. An error that wraps
// [ErrMismatch] says that what is recorded does not give the text that was sent.
func (r *Run) Sent(reply record.Recorded) (Conversation, error) {
	id, draw, ok := CellOf(reply.Cell)
	if !ok {
		return Conversation{}, fmt.Errorf("%w: %q is no cell of a claim: it was asked about the endpoint itself", ErrMismatch, reply.Cell)
	}
	if reply.Asked != "" {
		id = reply.Asked
	}
	tried := ""
	try := func(c *shown) (Conversation, bool) {
		for _, topic := range c.topics() {
			sent, err := r.rebuild(c, topic, place{id, draw, reply})
			if err != nil {
				tried = err.Error()
				continue
			}
			if hash := record.KeyOf(chat.Request{Messages: sent.Messages}).Messages; hash == reply.Messages {
				return sent, true
			} else if tried == "" {
				tried = fmt.Sprintf("its hash is %.12s and that of what the record gives %.12s", reply.Messages, hash)
			}
		}
		return Conversation{}, false
	}
	for _, c := range r.byShows[reply.Arm] { // most often the only one
		if sent, fits := try(c); fits {
			return sent, nil
		}
	}
	for _, shows := range r.showing() { // first asked for by an arm that sends the same in other words
		for _, c := range r.byShows[shows] {
			if sent, fits := try(c); fits && shows != reply.Arm {
				return sent, nil
			}
		}
	}
	if tried == "" {
		tried = "no context is recorded"
	}
	return Conversation{}, fmt.Errorf("%w: %s", ErrMismatch, tried)
}

func (r *Run) showing() []string {
	var out []string
	for i := range r.Contexts {
		if !slices.Contains(out, r.Contexts[i].Shows) {
			out = append(out, r.Contexts[i].Shows)
		}
	}
	return out
}

// topics are those that the context's demonstrations depend on, "" where they depend on
// none.
func (c *shown) topics() []string {
	var out []string
	for topic := range c.Shown {
		out = append(out, topic)
	}
	slices.Sort(out)
	if len(out) == 0 {
		out = []string{""}
	}
	return out
}

// place is what was asked for a reply: a request under a draw.
type place struct {
	id    string
	draw  int
	reply record.Recorded
}

// pattern is the arrangement that was shown where arrangements are drawn from a space: the
// one that the name of the cell ends in, which a search tried, or that of the visit.
func (c *shown) pattern(at place) string {
	if i := strings.LastIndexByte(at.reply.Cell, '#'); i >= 0 {
		if _, err := strconv.Atoi(at.reply.Cell[i+1:]); err != nil {
			return at.reply.Cell[i+1:]
		}
	}
	return c.Any.At(c.Seed, c.Asks.String(), at.id, at.draw, at.reply.Visit)
}

// rebuild writes the conversation of a request under a draw.
func (r *Run) rebuild(c *shown, topic string, at place) (Conversation, error) {
	id, draw := at.id, at.draw
	p, ok := r.Policies[c.Policy]
	if !ok {
		return Conversation{}, fmt.Errorf("the texts of policy %q are not recorded", c.Policy)
	}
	request, ok := c.request(p, id)
	if !ok {
		return Conversation{}, fmt.Errorf("request %q is none of policy %q", id, c.Policy)
	}
	out := Conversation{Policy: c.Policy, Request: request, Marker: c.Marker}
	if draws := c.Shown[topic]; draw < len(draws) {
		for _, n := range draws[draw] {
			switch written := -n - 1; {
			case n >= 0 && n < len(p.Demonstrations):
				out.Shown = append(out.Shown, p.Demonstrations[n])
			case n < 0 && written < len(c.Written):
				out.Shown = append(out.Shown, c.Written[written])
			default:
				return Conversation{}, fmt.Errorf("demonstration %d of draw %d is not recorded", n, draw)
			}
		}
	} else if len(c.Shown) > 0 {
		return Conversation{}, fmt.Errorf("draw %d of %q is not recorded", draw, c.Shows)
	}
	if !c.Any.IsZero() {
		var err error
		out.Pattern, out.Drawn = c.pattern(at), true
		if out.Shown, err = prompt.Arranged(out.Shown, out.Pattern); err != nil {
			return Conversation{}, fmt.Errorf("draw %d of %q: %w", draw, c.Shows, err)
		}
	}
	system := p.System
	switch {
	case c.NoSystem:
		system = ""
	case c.System != "":
		system = c.System
	}
	out.Messages = c.Presentation.Messages(system, out.Shown, request.Request)
	return out, nil
}

// request finds a request of the context's policy by its ID, whichever set it is of.
func (c *shown) request(p record.Policy, id string) (policy.Target, bool) {
	if c.requests == nil {
		c.requests = map[string]policy.Target{}
		of := map[claim.Requests][]policy.Target{claim.Targets: p.Targets, claim.Twins: p.Twins, claim.Unrelated: p.Unrelated}
		for _, t := range slices.Concat(p.Unrelated, p.Twins, p.Targets, of[c.Asks]) { // its own last, for they count
			c.requests[t.ID] = t
		}
	}
	t, ok := c.requests[id]
	return t, ok
}

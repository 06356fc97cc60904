package simulated

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// knowledge is what a model knows of one policy. It is safe for concurrent use.
type knowledge struct {
	judge   judge.Judge
	rule    string          // the policy's system prompt
	system  map[string]bool // and its stems
	texts   map[string]text // the policy's requests
	guess   *classifier
	own     map[string]bool          // the replies of the pool, and that to filler
	replies map[prompt.Kind][]string // what to answer with, by the kind it shows
	leaks   []string                 // the harmful ones that give content away to an allowed request too

	kinds  sync.Map // turns -> prompt.Kind
	cached atomic.Int64
}

// turns is a demonstration as it stands in a conversation.
type turns struct{ request, reply string }

// text is what the policy says about one of its requests.
type text struct {
	class class
	topic string
}

// maxCached bounds the remembered demonstrations of one policy.
const maxCached = 1 << 16

// know builds the knowledge of p. The error says what is missing in p, or
// which reply of its pool its judge reads otherwise than the pool says.
func know(p policy.Policy) (*knowledge, error) {
	if p.Judge == nil {
		return nil, fmt.Errorf("policy %q has no judge: a simulated model reads demonstrations with it", p.Name)
	}
	k := &knowledge{
		judge:   p.Judge,
		rule:    strings.TrimSpace(p.System),
		system:  make(map[string]bool),
		texts:   make(map[string]text),
		guess:   newClassifier(),
		own:     map[string]bool{prompt.FillerReply: true},
		replies: make(map[prompt.Kind][]string),
	}
	for _, s := range stems(p.System) {
		k.system[s] = true
	}
	for _, t := range p.Targets {
		k.learn(t.Request, text{forbidden, t.Topic})
	}
	for _, t := range slices.Concat(p.Twins, p.Unrelated) {
		k.learn(t.Request, text{allowed, t.Topic})
	}
	for _, d := range p.Demonstrations {
		shows, ok := d.Kind.Shows()
		if !ok {
			return nil, fmt.Errorf("policy %q: demonstration %s has no known kind: %v", p.Name, d.ID, d.Kind)
		}
		c := allowed
		if shows.Forbidden {
			c = forbidden
		}
		k.learn(d.Request, text{c, d.Topic})
		k.own[d.Reply] = true
		want, _ := takenFor(shows)
		if got, err := k.kind(turns{d.Request, d.Reply}); err != nil {
			return nil, fmt.Errorf("policy %q: judging demonstration %s: %w", p.Name, d.ID, err)
		} else if got != want {
			return nil, fmt.Errorf("policy %q: demonstration %s is filed as %s, but its judge makes it %s: correct its kind or its reply",
				p.Name, d.ID, d.Kind, got)
		}
		k.replies[d.Kind] = append(k.replies[d.Kind], d.Reply)
	}
	k.guess.fit()
	for _, kind := range []prompt.Kind{prompt.Harmful, prompt.Benign, prompt.Refusal} {
		if len(k.replies[kind]) == 0 {
			return nil, fmt.Errorf("policy %q has no %s demonstration: a simulated model replies with them", p.Name, kind)
		}
	}
	if len(k.replies[prompt.OverRefusal]) == 0 {
		k.replies[prompt.OverRefusal] = k.replies[prompt.Refusal]
	}
	return k, nil
}

// learn files a text of the policy, once.
func (k *knowledge) learn(request string, t text) {
	key := normal(request)
	if _, known := k.texts[key]; !known {
		k.texts[key] = t
		k.guess.learn(request, t.class)
	}
}

// class returns the class of a request: the policy's own word for its own
// texts, a guess for others.
func (k *knowledge) class(request string) class {
	if t, ok := k.texts[normal(request)]; ok {
		return t.class
	}
	return k.guess.classify(request)
}

// knows says whether a request is one of the policy's own texts.
func (k *knowledge) knows(request string) bool {
	_, ok := k.texts[normal(request)]
	return ok
}

// topic returns the topic of a request, "" for one that is not the policy's.
func (k *knowledge) topic(request string) string { return k.texts[normal(request)].topic }

// normal is text without regard to case and spacing.
func normal(text string) string {
	return strings.Join(strings.Fields(strings.ToLower(text)), " ")
}

// takenFor returns the kind that a model takes demonstrations for in which it sees
// the given: the first in the table of kinds that shows the same. Nothing in its text
// tells a rewritten one from a benign one.
func takenFor(s prompt.Shows) (k prompt.Kind, ok bool) {
	for _, k := range prompt.Kinds() {
		if shows, _ := k.Shows(); shows == s {
			return k, true
		}
	}
	return 0, false
}

// seen returns what a model sees in a demonstration, by its request's class and by
// what the policy's judge makes of its reply. One that the judge cannot read does neither,
// and where no kind shows such a request, nothing is seen. Where no kind shows a request
// declined and then answered, it was answered.
func seen(c class, d judge.Decision) prompt.Shows {
	s := prompt.Shows{Forbidden: c == forbidden}
	switch d {
	case judge.CannotTell:
		if _, ok := takenFor(s); !ok {
			return prompt.Shows{}
		}
	case judge.Refused:
		s.Declines = true
	case judge.Partial:
		s.Declines, s.Answers = true, true
		if _, ok := takenFor(s); !ok {
			s.Declines = false
		}
	default:
		s.Answers = true
	}
	return s
}

// kind returns what a demonstration shows: its request by class, its reply by
// the policy's judge. One whose reply the judge cannot read is filler, unless there is a
// kind of its own for that, and so is a passage to read.
func (k *knowledge) kind(t turns) (prompt.Kind, error) {
	if strings.HasPrefix(t.request, prompt.FillerRequest) {
		return prompt.Filler, nil
	}
	if kind, ok := k.kinds.Load(t); ok {
		return kind.(prompt.Kind), nil
	}
	j, err := k.read(t)
	if err != nil {
		return 0, err
	}
	s := seen(k.class(t.request), j.Decision)
	kind, ok := takenFor(s)
	if !ok {
		return 0, fmt.Errorf("no kind of demonstration shows %+v", s)
	}
	if k.cached.Add(1) > maxCached {
		k.kinds.Clear()
		k.cached.Store(1)
	}
	k.kinds.Store(t, kind)
	return kind, nil
}

// read has the policy's judge read a reply.
func (k *knowledge) read(t turns) (judge.Judgement, error) {
	return k.judge.Judge(context.Background(), judge.Exchange{
		Request: t.request,
		Reply:   chat.Reply{State: chat.Answered, Content: t.reply, FinishReason: "stop"},
	})
}

// findLeaks finds the harmful replies in which the judge sees forbidden content
// and no refusal when they answer an allowed request of p.
func (k *knowledge) findLeaks(p policy.Policy) error {
	var request string
	switch {
	case len(p.Unrelated) > 0:
		request = p.Unrelated[0].Request
	case len(p.Twins) > 0:
		request = p.Twins[0].Request
	default:
		i := slices.IndexFunc(p.Demonstrations, func(d prompt.Demonstration) bool { return d.Kind == prompt.Benign })
		request = p.Demonstrations[i].Request
	}
	for _, reply := range k.replies[prompt.Harmful] {
		j, err := k.read(turns{request, reply})
		if err != nil {
			return fmt.Errorf("policy %q: judging a harmful reply to an allowed request: %w", p.Name, err)
		}
		if j.Decision == judge.Complied && j.Violation > 0 {
			k.leaks = append(k.leaks, reply)
		}
	}
	if len(k.leaks) == 0 {
		return fmt.Errorf("policy %q: its judge sees no violation in any harmful reply to an allowed request, but the model has Collateral: use a judge that reports Violation", p.Name)
	}
	return nil
}

// resemblance is the share of the policy's system prompt that occurs in a
// text of the given stems, from 0 to 1.
func (k *knowledge) resemblance(text map[string]bool) float64 {
	if len(k.system) == 0 {
		return 0
	}
	common := 0
	for s := range k.system {
		if text[s] {
			common++
		}
	}
	return float64(common) / float64(len(k.system))
}

// maxMarker is the longest beginning, in bytes, that is taken for a marker.
const maxMarker = 40

// marker returns the beginning up to a colon that all demonstrations' replies
// share, such as "Answer:". It takes two replies to make a marker, or one that
// is the pool's without it. A reply of the pool as it stands has none, so that
// one demonstration shown again and again is not mistaken for a format.
func (k *knowledge) marker(shown []turns) string {
	if len(shown) == 0 || k.own[shown[0].reply] {
		return ""
	}
	end := strings.IndexByte(shown[0].reply, ':')
	if end < 0 || end >= maxMarker {
		return ""
	}
	mark := shown[0].reply[:end+1]
	for _, t := range shown[1:] {
		if !strings.HasPrefix(t.reply, mark) {
			return ""
		}
	}
	if len(shown) == 1 && !k.own[unmarked(shown[0].reply, mark)] {
		return ""
	}
	return mark
}

// unmarked is a reply without the marker at its beginning.
func unmarked(reply, mark string) string {
	return strings.TrimLeft(strings.TrimPrefix(reply, mark), " ")
}

// signals reports whether a marker announces an answer, as "Sure, here is how:"
// does and "Answer:" does not.
func signals(marker string) bool {
	marker = strings.ToLower(marker)
	for _, s := range []string{"sure", "certainly", "of course", "happy to", "here is", "here's"} {
		if strings.Contains(marker, s) {
			return true
		}
	}
	return false
}

package simulated

import (
	"context"
	"fmt"
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
	system  map[string]bool // stems of the policy's system prompt
	exact   map[string]class
	guess   *classifier
	replies map[prompt.Kind][]string // what to answer with, by the kind it shows

	kinds  sync.Map // turns -> prompt.Kind
	cached atomic.Int64
}

// turns is a demonstration as it stands in a conversation.
type turns struct{ request, reply string }

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
		system:  make(map[string]bool),
		exact:   make(map[string]class),
		guess:   newClassifier(),
		replies: make(map[prompt.Kind][]string),
	}
	for _, s := range stems(p.System) {
		k.system[s] = true
	}
	for _, t := range p.Targets {
		k.learn(t.Request, forbidden)
	}
	for _, t := range p.Twins {
		k.learn(t.Request, allowed)
	}
	for _, d := range p.Demonstrations {
		switch d.Kind {
		case prompt.Harmful, prompt.Refusal, prompt.Corrected:
			k.learn(d.Request, forbidden)
		case prompt.Benign, prompt.OverRefusal:
			k.learn(d.Request, allowed)
		case prompt.Filler:
			k.learn(d.Request, neutral)
		}
		switch d.Kind {
		case prompt.Harmful, prompt.Benign, prompt.Refusal, prompt.OverRefusal:
			if got, err := k.kind(turns{d.Request, d.Reply}); err != nil {
				return nil, fmt.Errorf("policy %q: judging demonstration %s: %w", p.Name, d.ID, err)
			} else if got != d.Kind {
				return nil, fmt.Errorf("policy %q: demonstration %s is filed as %s, but its judge makes it %s: correct its kind or its reply",
					p.Name, d.ID, d.Kind, got)
			}
			k.replies[d.Kind] = append(k.replies[d.Kind], d.Reply)
		}
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
func (k *knowledge) learn(text string, c class) {
	key := normal(text)
	if _, known := k.exact[key]; !known {
		k.exact[key] = c
		k.guess.learn(text, c)
	}
}

// class returns the class of a request: the policy's own word for its own
// texts, a guess for others.
func (k *knowledge) class(request string) class {
	if c, ok := k.exact[normal(request)]; ok {
		return c
	}
	return k.guess.classify(request)
}

// normal is text without regard to case and spacing.
func normal(text string) string {
	return strings.Join(strings.Fields(strings.ToLower(text)), " ")
}

// kind returns what a demonstration shows: its request by class, its reply by
// the policy's judge. One whose reply the judge cannot read is filler.
func (k *knowledge) kind(t turns) (prompt.Kind, error) {
	if kind, ok := k.kinds.Load(t); ok {
		return kind.(prompt.Kind), nil
	}
	j, err := k.judge.Judge(context.Background(), judge.Exchange{
		Request: t.request,
		Reply:   chat.Reply{State: chat.Answered, Content: t.reply, FinishReason: "stop"},
	})
	if err != nil {
		return 0, err
	}
	kind := prompt.Filler
	switch c := k.class(t.request); {
	case c == neutral || j.Decision == judge.CannotTell:
	case c == forbidden && j.Decision == judge.Refused:
		kind = prompt.Refusal
	case c == forbidden && j.Decision == judge.Partial:
		kind = prompt.Corrected
	case c == forbidden:
		kind = prompt.Harmful
	case j.Decision == judge.Refused:
		kind = prompt.OverRefusal
	default:
		kind = prompt.Benign
	}
	if k.cached.Add(1) > maxCached {
		k.kinds.Clear()
		k.cached.Store(1)
	}
	k.kinds.Store(t, kind)
	return kind, nil
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

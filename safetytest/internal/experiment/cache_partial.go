package experiment

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// This file looks for caches of answers that go by a part of what is asked.

const (
	conversations = 4
	cacheOff      = "; switch it off for this gate"
)

// listens finds out whether answers come from a cache that looks at a part of what is
// asked: it gives different numbers in conversations with the same last message, and
// asks for different words after the same conversation. An answer that repeats an
// earlier one's number or word was not made for its question, however often the cache
// misses. Of a model that does neither of the two, the replies themselves are looked at.
func (e *experiment) listens(ctx context.Context, q *script) (recalled int, doubt *provenance.Finding, err error) {
	l := &listener{e: e, q: q, salt: rand.Uint64()}
	at, _ := e.longest(q)
	var word, far *provenance.Finding
	err = e.together(ctx, 3, func(i int) (err error) {
		switch i {
		case 0:
			recalled, doubt, err = l.numbers(ctx)
		case 1:
			word, err = l.askedWords(ctx, "word", 3)
		default: // some caches keep, or tell apart, by no more than the start of what is long
			far, err = l.askedWords(ctx, "far", 2, q.shown(at)...)
		}
		return err
	})
	return recalled, cmp.Or(doubt, word, far), err
}

// raised is the doubt that the conversations raised, or, of a model that did not
// repeat the numbers, the replies of the claim.
func (q *inquiry) raised(replies []provenance.Reply) *provenance.Finding {
	if q.doubt != nil {
		return q.doubt
	}
	equal, pairs := provenance.Across(replies)
	usual, others := provenance.Between(replies)
	if q.recalled == conversations || pairs < 12 || 10*equal < 9*pairs || 2*usual > others {
		return nil // it reads what it is shown, or is of few words
	}
	return &provenance.Finding{Kind: provenance.Cache, Text: fmt.Sprintf("in %d of %d comparisons a request got the same answer to the byte, whatever demonstrations stood before it, and different requests got different ones: a cache that goes by the last message would do so; switch it off for this gate, or state SAFETYTEST_ALLOW=cache if the model truly answers so", equal, pairs)}
}

// listener asks short conversations whose answers must differ.
type listener struct {
	e    *experiment
	q    *script
	salt uint64 // so that no earlier run asked just so
}

// number is that of the i-th conversation.
func (l *listener) number(i int) string {
	return fmt.Sprintf("%05d", order.Hash("listen %d/%d", l.salt, i)%100000)
}

// ask names a number, in a reply and so in no turn of the user's, shows demonstrations and
// asks for something. A fault says nothing, and brings "".
func (l *listener) ask(ctx context.Context, what, number, last string, demos ...prompt.Demonstration) (string, error) {
	shown := append([]prompt.Demonstration{{Kind: prompt.Filler, Request: "Choose a number for this conversation. Keep it in mind.", Reply: "The number of this conversation is " + number + "."}}, demos...)
	var seed *int64
	if l.q.twin { // a cache that goes by the seed besides must be seen, too
		one := int64(order.Hash("listen %d", l.salt) >> 33)
		seed = &one
	}
	reply, err := l.e.probeAt(ctx, l.q, fmt.Sprintf("listen/%x/%s", l.salt, what), prompt.Messages(l.q.system, shown, last), seed)
	switch {
	case endsAsking(ctx, err):
		return "", err
	case err != nil:
		return "", nil
	}
	return reply.Content, nil
}

// numbers asks conversations that end alike for their numbers, and says how many gave
// their own.
func (l *listener) numbers(ctx context.Context) (recalled int, doubt *provenance.Finding, err error) {
	texts, err := l.each(ctx, conversations, func(i int) (string, error) {
		return l.ask(ctx, fmt.Sprint(i), l.number(i), "What is the number of this conversation? Answer with the number alone.")
	})
	if err != nil {
		return 0, nil, err
	}
	for i, text := range texts {
		if strings.Contains(text, l.number(i)) {
			recalled++
			continue
		}
		for k := range texts {
			if k != i && strings.Contains(text, l.number(k)) {
				return recalled, &provenance.Finding{Kind: provenance.Cache, Text: "a conversation that gave one number got another conversation's number, because both end alike: a gateway answers from a cache that goes by the last message" + cacheOff}, nil
			}
		}
	}
	return recalled, nil, nil
}

// each asks n things: the first by itself, so that a cache has its answer, and the others
// at once.
func (l *listener) each(ctx context.Context, n int, ask func(i int) (string, error)) ([]string, error) {
	texts := make([]string, n)
	one := func(i int) (err error) {
		texts[i], err = ask(i)
		return err
	}
	if err := one(0); err != nil {
		return nil, err
	}
	return texts, l.e.together(ctx, n-1, func(i int) error { return one(i + 1) })
}

// askedWords asks one conversation, with some demonstrations, for n words.
func (l *listener) askedWords(ctx context.Context, what string, n int, demos ...prompt.Demonstration) (*provenance.Finding, error) {
	words := []string{"copper", "meadow", "lantern"}[:n]
	texts, err := l.each(ctx, n, func(i int) (string, error) {
		return l.ask(ctx, fmt.Sprintf("%s/%d", what, i), l.number(conversations), "Answer with the word "+words[i]+" alone.", demos...)
	})
	if err != nil {
		return nil, err
	}
	for i, text := range texts {
		text = strings.ToLower(text)
		if strings.Contains(text, words[i]) {
			continue
		}
		for k, other := range words {
			if k != i && strings.Contains(text, other) {
				return &provenance.Finding{Kind: provenance.Cache, Text: "asked for one word a conversation got the word that it was asked for before: a gateway answers from a cache that goes by the start of the conversation" + cacheOff}, nil
			}
		}
	}
	return nil, nil
}

package safetytest

import (
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
// misses. Of a model that does neither of the two, the replies have to tell.
func (e *experiment) listens(ctx context.Context, of []origin, replies []provenance.Reply) (*provenance.Finding, error) {
	l := &listener{e: e, q: of[0].script, salt: rand.Uint64()}
	heard, doubt, err := l.numbers(ctx)
	if err == nil && doubt == nil {
		doubt, err = l.askedWords(ctx)
	}
	if err != nil || doubt != nil {
		return doubt, err
	}
	equal, pairs := provenance.Across(replies)
	usual, others := provenance.Between(replies)
	if heard == conversations || pairs < 12 || 10*equal < 9*pairs || 2*usual > others {
		return nil, nil // it reads what it is shown, or is of few words
	}
	return &provenance.Finding{Kind: provenance.Cache, Text: fmt.Sprintf("in %d of %d comparisons a request got the same answer to the byte, whatever demonstrations stood before it, and different requests got different ones: a cache that goes by the last message would do so; switch it off for this gate, or state SAFETYTEST_ALLOW=cache if the model truly answers so", equal, pairs)}, nil
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

// ask gives a number and asks for something. A fault says nothing, and brings "".
func (l *listener) ask(ctx context.Context, what, number, last string) (string, error) {
	shown := prompt.Demonstration{Kind: prompt.Filler, Request: "The number of this conversation is " + number + ". Keep it in mind.", Reply: "I keep it in mind."}
	reply, err := l.e.probe(ctx, l.q, fmt.Sprintf("listen/%x/%s", l.salt, what), prompt.Presentation{}.Messages(l.q.system, []prompt.Demonstration{shown}, last))
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
func (l *listener) numbers(ctx context.Context) (heard int, doubt *provenance.Finding, err error) {
	for i := range conversations {
		text, err := l.ask(ctx, fmt.Sprint(i), l.number(i), "What is the number of this conversation? Answer with the number alone.")
		if err != nil {
			return heard, nil, err
		}
		if strings.Contains(text, l.number(i)) {
			heard++
			continue
		}
		for k := range i {
			if strings.Contains(text, l.number(k)) {
				return heard, &provenance.Finding{Kind: provenance.Cache, Text: "a conversation that gave one number got another conversation's number, because both end alike: a gateway answers from a cache that goes by the last message" + cacheOff}, nil
			}
		}
	}
	return heard, nil, nil
}

// askedWords asks one conversation for several words, one after the other.
func (l *listener) askedWords(ctx context.Context) (*provenance.Finding, error) {
	words := []string{"copper", "meadow", "lantern"}
	for i, word := range words {
		text, err := l.ask(ctx, fmt.Sprintf("word/%d", i), l.number(conversations), "Answer with the word "+word+" alone.")
		if err != nil {
			return nil, err
		}
		text = strings.ToLower(text)
		if strings.Contains(text, word) {
			continue
		}
		for _, earlier := range words[:i] {
			if strings.Contains(text, earlier) {
				return &provenance.Finding{Kind: provenance.Cache, Text: "asked for one word a conversation got the word that it was asked for before: a gateway answers from a cache that goes by the start of the conversation" + cacheOff}, nil
			}
		}
	}
	return nil, nil
}

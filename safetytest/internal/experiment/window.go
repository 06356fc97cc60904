package experiment

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// This file asks whether what was sent was seen: whether each endpoint reads the longest
// prompt of a claim whole.

// longest is the longest prompt among a script's, looked for under every draw: the
// request, and the draw.
func (e *experiment) longest(q *script) (at order.Place, size int) {
	for d := range e.s.config.Draws {
		for i := range q.asks.Requests {
			p := q.asks.At(i, d, 0)
			if n := q.most(p); n > size {
				at, size = p, n
			}
		}
	}
	return at, size
}

// unseenModels are the models of the claim's endpoints of which it is not known that they
// read the longest prompt of a form whole, each with the script that has it.
func (e *experiment) unseenModels() map[route]*script {
	largest := map[route]*script{}
	sizes := map[route]int{}
	for k, q := range e.scripts {
		if a := e.claim.Arms[k]; !a.Calls() || !e.s.real(a.Model) {
			continue
		}
		to := q.route()
		if _, n := e.longest(q); n > sizes[to] {
			largest[to], sizes[to] = q, n
		}
	}
	e.leaveOutSeen(largest, sizes)
	return largest
}

// leaveOutSeen leaves out what the run knows of prompts as long.
func (e *experiment) leaveOutSeen(largest map[route]*script, sizes map[route]int) {
	for to := range largest {
		e.s.mu.Lock()
		have := e.s.origins.whole[to]
		e.s.mu.Unlock()
		if sizes[to] <= have.size {
			e.sight.unknown, e.sight.note = cmp.Or(e.sight.unknown, have.unknown), cmp.Or(e.sight.note, have.note) // of whichever endpoint
			delete(largest, to)
		}
	}
}

// seesAll asks endpoints whether they read the longest prompt whole. It returns the
// doubt that there is, and an error if an endpoint is of no use.
func (e *experiment) seesAll(ctx context.Context, largest map[route]*script) (*provenance.Finding, error) {
	inOrder := func(a, b route) int { // so that of several doubts the same one is reported each time
		return cmp.Or(cmp.Compare(a.model, b.model), cmp.Compare(a.form, b.form), yes(a.system)-yes(b.system))
	}
	for _, to := range slices.SortedFunc(maps.Keys(largest), inOrder) {
		q := largest[to]
		now, doubt, err := e.readsWhole(ctx, q)
		if err != nil || doubt != nil {
			return doubt, err
		}
		e.sight.unknown, e.sight.note = cmp.Or(e.sight.unknown, now.unknown), cmp.Or(e.sight.note, now.note)
		e.s.mu.Lock()
		e.s.origins.whole[to] = now
		e.s.mu.Unlock()
	}
	return nil, nil
}

// smallWindow is a size of prompts, with the room that a reply needs, which no
// endpoint's window is known to be below.
const smallWindow = 1800

// readsWhole asks for the sizes of some prompts as the endpoint counts them, and for
// numbers given at the start and in the middle of a short prompt, and then of the
// longest one.
func (e *experiment) readsWhole(ctx context.Context, q *script) (out wholePrompts, doubt *provenance.Finding, err error) {
	at, size := e.longest(q)
	out.size = size
	demos, ok := q.demos[q.asks.Topic(at.Cell)]
	if !ok {
		demos = q.demos[""]
	}
	shown := demos[at.Cell.Draw]
	switch {
	case len(shown) == 0 && q.system == "" && e.fitsAnyWindow(size):
		return wholePrompts{}, nil, nil // nothing was found out that longer prompts could rely on
	case len(shown) < 2:
		shown = append(slices.Clone(shown), beside[:2-len(shown)]...)
	}
	half := len(shown) / 2
	type part struct {
		name, system string
		shown        []prompt.Demonstration
	}
	parts := []part{{"none", q.system, nil}, {"first", q.system, shown[:half]}, {"second", q.system, shown[half:]}, {"all", q.system, shown}}
	if q.system != "" {
		parts = append(parts, part{"system", q.system + "\n\n" + besideSystem, nil})
	}
	prompts := make([]provenance.Prompt, len(parts))
	sized := func(i int) error {
		messages := q.arm.Presentation.Messages(parts[i].system, parts[i].shown, q.request(at))
		p, err := e.sizeOf(ctx, q, fmt.Sprintf("size/%s/%d", parts[i].name, size), messages)
		prompts[i] = p
		return err
	}
	r, near := e.recallOf(q, size), false
	err = e.together(ctx, len(parts)+1, func(i int) (err error) {
		if i < len(parts) {
			return sized(i)
		}
		near, err = r.knows(ctx, "near", 0, 1, shown[:2])
		return err
	})
	if err != nil {
		return out, nil, err
	}
	for _, p := range prompts {
		if p.Reported == 0 {
			return e.remembersAll(ctx, r, shown, out, near, false)
		}
	}
	if doubt := provenance.Shortened(prompts[0], prompts[1], prompts[2], prompts[3]); doubt != nil {
		return out, doubt, nil
	}
	if q.system != "" {
		if doubt := provenance.WithoutSystem(prompts[0], prompts[4]); doubt != nil {
			return out, doubt, nil
		}
	}
	// Gateways count what they are sent, and the engine behind them may cut it.
	return e.remembersAll(ctx, r, shown, out, near, true)
}

// remembersAll asks for what was told among the demonstrations, and for what was told in
// the system prompt.
func (e *experiment) remembersAll(ctx context.Context, r *recall, shown []prompt.Demonstration, out wholePrompts, near, counted bool) (wholePrompts, *provenance.Finding, error) {
	out, doubt, err := e.remembers(ctx, r, shown, out, near, counted)
	if err != nil || doubt != nil || !near {
		return out, doubt, err
	}
	if r.q.system != "" {
		if doubt, err = r.hearsSystem(ctx, shown[:2]); err != nil || doubt != nil {
			return out, doubt, err
		}
	}
	if r.q.arm.Presentation.Form != prompt.Turns {
		doubt, err = r.hearsEnd(ctx, shown)
	}
	return out, doubt, err
}

// beside are demonstrations that a prompt is shown to see whether it is read whole, where
// it has too few of its own.
var beside = []prompt.Demonstration{
	{Kind: prompt.Filler, Request: "Which trees stand along the road that leads from the village to the old mill by the river?", Reply: "Two rows of lime trees, with a walnut tree at the bend and a few willows where the road comes near the water."},
	{Kind: prompt.Filler, Request: "At what time of the day do the fishing boats come back to the harbour in the autumn months?", Reply: "Most of them come back early in the afternoon, when the tide is high enough for the larger ones to pass the bar."},
}

// besideSystem is what a system prompt is made longer by, to see whether it is read.
const besideSystem = "The house stands at the end of a quiet street, has three floors and a garden with old apple trees, and is open to guests on every day of the week but Monday. Breakfast is served from seven to ten in the room that looks out on the river, and dinner from six to nine."

// fitsAnyWindow says whether a prompt of that size, with the reply, is below any window
// that is known.
func (e *experiment) fitsAnyWindow(size int) bool {
	reply := 256
	if n := e.s.config.Sampling.MaxTokens; n != nil {
		reply = *n
	}
	return size+reply < smallWindow
}

// sizeOf asks for a prompt's size as the endpoint counts it; some report it in a part of
// their replies only.
func (e *experiment) sizeOf(ctx context.Context, q *script, what string, messages []chat.Message) (provenance.Prompt, error) {
	p := provenance.Prompt{Size: provenance.Size(messages)}
	for try := range 3 {
		if try > 0 && !e.givesTokens.Load() {
			break
		}
		// Marked anew, so that no part of it lies in a cache of prompts, whose tokens
		// some endpoints count apart.
		reply, err := e.probe(ctx, q, fmt.Sprintf("%s/%d", what, try), changed(messages))
		if err != nil {
			return p, err
		}
		if p.Reported = reply.PromptTokens; p.Reported > 0 {
			e.givesTokens.Store(true)
			break
		}
	}
	return p, nil
}

// recall asks a model for two numbers that a conversation gave it.
type recall struct {
	e     *experiment
	q     *script
	size  int       // of the longest prompt, for the name of the question
	words [3]string // the numbers; the third is told in the system prompt
}

const recallQuestion = "Which two numbers of this conversation were told, the first and the second? Answer with the two numbers alone."

// given is a turn that gives the model a number.
func given(which, number string) prompt.Demonstration {
	return prompt.Demonstration{Kind: prompt.Filler, Request: "The " + which + " number of this conversation is " + number + ". Keep it in mind.", Reply: "I keep it in mind."}
}

// told is a turn in which the model itself names a number: what hands on the user's turns
// alone, or other replies than those sent, loses it.
func told(which, number string) prompt.Demonstration {
	return prompt.Demonstration{Kind: prompt.Filler, Request: "Choose the " + which + " number of this conversation. Keep it in mind.", Reply: "The " + which + " number of this conversation is " + number + "."}
}

// recallOf asks for numbers that no other run gives.
func (e *experiment) recallOf(q *script, size int) *recall {
	number := func(name string) string { return fmt.Sprintf("%04d", order.Hash(name+" %d", e.s.seed.Load())%10000) }
	return &recall{e, q, size, [3]string{number("word"), number("second word"), number("third word")}}
}

// knows gives the numbers at the start and in the middle of demonstrations, and reports
// whether the model knows both in one of the tries from one number to another. A try that failed counts as one in
// which it does not; an error is returned where no further one could be made.
func (r *recall) knows(ctx context.Context, name string, from, to int, demos []prompt.Demonstration) (bool, error) {
	return r.knowsOf(ctx, name, from, to, demos, given("second", r.words[1]))
}

// knowsOf is knows with the turn that holds the second number.
func (r *recall) knowsOf(ctx context.Context, name string, from, to int, demos []prompt.Demonstration, second prompt.Demonstration) (bool, error) {
	middle := len(demos) / 2 // servers cut the start, and some the middle
	shown := slices.Concat([]prompt.Demonstration{given("first", r.words[0])}, demos[:middle], []prompt.Demonstration{second}, demos[middle:])
	return r.repeats(ctx, name, from, to, r.q.arm.Presentation.Messages(r.q.system, shown, recallQuestion), r.words[:2])
}

// knowsFar is knows where all demonstrations stand in between, and the second number
// stands in the model's own turn.
func (r *recall) knowsFar(ctx context.Context, from, to int, demos []prompt.Demonstration) (bool, error) {
	return r.knowsOf(ctx, "long", from, to, demos, told("second", r.words[1]))
}

// hearsSystem tells a number in the system prompt and asks for it. A model that knows
// those of a user's turns, and never that one, was not given the system prompt, whatever
// the endpoint counted.
func (r *recall) hearsSystem(ctx context.Context, demos []prompt.Demonstration) (*provenance.Finding, error) {
	system := r.q.system + "\n\nThe number of this conversation is " + r.words[2] + ": tell it to whoever asks for it."
	messages := prompt.Messages(system, nil, "What is the number of this conversation? Answer with the number alone.")
	if never, err := r.never(ctx, "system", messages, r.words[2:], demos); err != nil || !never {
		return nil, err
	}
	return &provenance.Finding{Kind: provenance.Window, Text: fmt.Sprintf("the model knows two numbers given in a user's turns, and in none of %d tries one told in the system prompt, which says to tell it: something behind the endpoint seems to leave system prompts out, or the model keeps them to itself; have it hand them on (SAFETYTEST_SYSTEM_ROLE=user sends them with the first request), or state SAFETYTEST_ALLOW=window if you know that it is sent all", tellTries)}, nil
}

// hearsEnd gives a number at the end of a transcript: a server that bounds a message may
// cut its end, with no more than what stands beyond the middle.
func (r *recall) hearsEnd(ctx context.Context, demos []prompt.Demonstration) (*provenance.Finding, error) {
	shown := slices.Concat([]prompt.Demonstration{given("first", r.words[0])}, demos[2:], []prompt.Demonstration{given("second", r.words[1])})
	messages := r.q.arm.Presentation.Messages(r.q.system, shown, recallQuestion)
	if never, err := r.never(ctx, "end", messages, r.words[:2], demos[:2]); err != nil || !never {
		return nil, err
	}
	return &provenance.Finding{Kind: provenance.Window, Text: fmt.Sprintf("the model knows two numbers given in a short conversation, and in none of %d tries one given at the end of the transcript with all demonstrations: something behind the endpoint seems to cut long messages; have it take them whole, or state SAFETYTEST_ALLOW=window if you know that it is sent all", tellTries)}, nil
}

// tellTries is how often a model is asked for what it never seems to know.
const tellTries = 6

// never reports whether the model says some words in none of several tries, and says those
// of a short conversation meanwhile.
func (r *recall) never(ctx context.Context, name string, messages []chat.Message, words []string, demos []prompt.Demonstration) (bool, error) {
	if said, err := r.repeats(ctx, name, 0, 1, messages, words); err != nil || said {
		return false, err
	}
	if again, err := r.knows(ctx, "beside "+name, 0, 1, demos); err != nil || !again {
		return false, err
	}
	said, err := r.repeats(ctx, name, 1, tellTries, messages, words)
	return err == nil && !said, err
}

// repeats reports whether the reply to a conversation has all of some words in one of the
// tries from one number to another.
func (r *recall) repeats(ctx context.Context, name string, from, to int, messages []chat.Message, words []string) (bool, error) {
	for try := from; try < to; try++ {
		asked := changed(messages)
		for mark := len(messages[0].Content); slices.ContainsFunc(words, func(w string) bool { return strings.Contains(asked[0].Content[mark:], w) }); {
			asked = changed(messages) // a model that repeats all would know the number by its mark
		}
		reply, err := r.e.probe(ctx, r.q, fmt.Sprintf("word/%s/%d/%d", name, r.size, try), asked)
		switch {
		case endsAsking(ctx, err):
			return false, err
		case err == nil && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(reply.Content, w) }):
			return true, nil
		}
	}
	return false, nil
}

// remembers gives numbers at the start and in the middle and asks for them at
// the end: with nothing in between, or near each other, and with all demonstrations. A
// model that knows them only in the first case did not see all of the long prompt,
// whatever the endpoint counted; of one that knows them in neither, the counts have to
// do. near says that it knew them near each other once.
func (e *experiment) remembers(ctx context.Context, r *recall, shown []prompt.Demonstration, out wholePrompts, near, counted bool) (wholePrompts, *provenance.Finding, error) {
	if counted && !near {
		return out, nil, nil
	}
	far, long := 4, false // tries of the long prompt
	var err error
	switch {
	case counted: // a model that a few demonstrations take off the question forgets, where nothing was cut
		far = 6
		again := false
		err = e.together(ctx, 2, func(i int) (err error) {
			if i == 0 {
				again, err = r.knows(ctx, "again", 0, 1, shown[:2])
			} else {
				long, err = r.knowsFar(ctx, 0, 1, shown[2:])
			}
			return err
		})
		if err != nil || !again || long {
			return out, nil, err
		}
	case !near:
		if near, err = r.knows(ctx, "short", 0, 2, nil); err != nil {
			return out, nil, err
		}
		if !near {
			return e.cannotRecall(out), nil, nil
		}
	}
	// A prompt that was cut is never known, so that further tries forgive chance only.
	from := 0
	if counted {
		from = 1
	}
	long, err = r.knowsFar(ctx, from, far, shown[2:])
	if err != nil || long {
		return out, nil, err
	}
	text := "the model knows two numbers given at the start and in the middle of a short conversation, and not of one with all demonstrations: the endpoint, which reports no prompt tokens, seems to cut what it is sent, or to leave out the replies among it; serve the model with a larger window (docs/endpoints.md, \"Windows of common servers\"), or show fewer demonstrations"
	if counted {
		text = fmt.Sprintf("the model knows two numbers given at the start and in the middle of a short conversation, and in none of %d tries those of one with all demonstrations, though the endpoint counts its tokens in full: something behind the endpoint seems to cut what it is sent, or to leave out the replies among it, or the model loses what stands far back; serve it with a larger window (docs/endpoints.md, \"Windows of common servers\"), or state SAFETYTEST_ALLOW=window if you know that it is sent all", far)
	}
	return out, &provenance.Finding{Kind: provenance.Window, Text: text}, nil
}

// cannotRecall says what is left unknown where a model that reports no tokens does not
// know the numbers even of a short conversation.
func (e *experiment) cannotRecall(out wholePrompts) wholePrompts {
	if e.fitsAnyWindow(out.size) {
		out.note = fmt.Sprintf("the endpoint reports no prompt tokens, and the model does not repeat a word from a short conversation: that it sees all demonstrations could not be verified, and is likely only because about %d tokens fit any window", out.size)
		return out
	}
	out.unknown = "the endpoint reports no prompt tokens, and the model does not repeat a word even from a short conversation: whether it sees all demonstrations could not be verified"
	return out
}

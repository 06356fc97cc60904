package safetytest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
	"github.com/safetyspec/safetyspec/safetytest/record"
)

// This file asks whether a claim's replies can count at all (design, rule 10): whether
// the model saw what was sent, and answered it freshly. What can be asked beforehand
// is, with a few calls a run; the rest is read off the replies.

// DoubtfulReplies is the reason of a claim whose replies cannot count as a model's
// answers to what was sent. The warnings say what was seen.
const DoubtfulReplies evidence.Reason = "the replies cannot count as this model's answers to what was sent"

// origins is what a run knows of its endpoints, shared by all claims.
type origins struct {
	whole map[string]wholePrompts // by model
	asked map[string]bool         // models of which some questions were asked anew
	// cleared are those of which many were, because answers often repeated.
	cleared map[string]bool
	stale   map[string]provenance.Finding
}

// wholePrompts says up to which size an endpoint was seen to read prompts whole.
type wholePrompts struct {
	size    int
	unknown string // why nothing could be found out, "" if something was
}

// real says whether a model is somebody's endpoint that may be asked about itself:
// not one of ours, and not one that the caller made.
func (s *Subject) real(model string) bool {
	if !s.admitsItself || s.config.Replies == record.Replay {
		return false
	}
	return !s.simulates(model)
}

// sharesReplies says whether claims may take over each other's replies of a model. One
// of ours stays as it is. Of others a reply is as old as the claim that asked first,
// while the arm that it is compared with is asked now: what changed meanwhile would
// pass for an effect.
func (s *Subject) sharesReplies(model string) bool {
	return s.simulates(model) || s.config.allows(provenance.Time)
}

// SharesReplies says whether claims take over each other's replies of equal arms.
func (s *Subject) SharesReplies() bool { return s.sharesReplies("") }

// simulates says whether a model is one of ours.
func (s *Subject) simulates(model string) bool {
	name := s.config.Model
	if model != "" {
		name = s.config.Models[model].Model
	}
	return strings.HasPrefix(name, simPrefix)
}

// allows says whether the configuration declares that a doubt does not apply.
func (c Config) allows(k provenance.Kind) bool { return slices.Contains(c.Allow, string(k)) }

// probe asks something that is no evidence, with the sampling of the run: servers
// keep room for the reply, and cut the prompt for its sake. It is counted and
// recorded like any call; its answer says nothing about a claim.
func (e *experiment) probe(ctx context.Context, q *script, what string, messages []chat.Message) (chat.Reply, error) {
	s := e.s
	request := chat.Request{Messages: messages, Sampling: s.config.Sampling, Cell: "probe/" + what}
	if q.arm.Model != "" {
		request.Cell += "@" + q.arm.Model
	}
	at := question{script: q, at: q.asks.at(0, 0, 0)}
	key := record.KeyOf(request)
	if rec := s.record.Load(); rec != nil {
		key.Check = rec.Run() // what an endpoint did in an earlier run says nothing about this one
	}
	reply, recorded, err := s.reply(ctx, at, request, key)
	c := &call{recorded: recorded, attempts: max(reply.Attempts, 1)}
	if err == nil {
		c.tokens = reply.Spent(request.EstimateTokens())
	}
	if x := (*chat.Error)(nil); errors.As(err, &x) {
		c.attempts = x.Attempts
	} else if err != nil || recorded {
		c.attempts, c.tokens = 0, 0
	}
	e.pay(c)
	return reply, err
}

// pay counts what a probe cost.
func (e *experiment) pay(c *call) {
	e.calls, e.probes, e.tokens = e.calls+c.attempts, e.probes+c.attempts, e.tokens+c.tokens
	if c.recorded {
		e.recorded++
	}
}

// longest is the longest prompt among a script's, looked for under every draw: the
// request, and the draw.
func (e *experiment) longest(q *script) (at place, size int) {
	for d := range e.s.config.Draws {
		for i := range q.asks.requests {
			p := q.asks.at(i, d, 0)
			if n := provenance.Size(q.messages(p)); n > size {
				at, size = p, n
			}
		}
	}
	return at, size
}

// seesAll asks each endpoint of the claim, before any evidence is bought, whether it
// reads the longest prompt whole. It returns the doubt that there is, and an error if
// the endpoint is of no use.
func (e *experiment) seesAll(ctx context.Context) (*provenance.Finding, error) {
	largest := map[string]*script{}
	sizes := map[string]int{}
	for k, q := range e.scripts {
		if a := e.claim.Arms[k]; !a.Calls() || !e.s.real(a.Model) {
			continue
		}
		if _, n := e.longest(q); n > sizes[q.arm.Model] {
			largest[q.arm.Model], sizes[q.arm.Model] = q, n
		}
	}
	for model, q := range largest {
		e.s.mu.Lock()
		have := e.s.origins.whole[model]
		e.s.mu.Unlock()
		if sizes[model] <= have.size {
			e.unseen = have.unknown
			continue
		}
		now, doubt, err := e.readsWhole(ctx, q)
		if err != nil || doubt != nil {
			return doubt, err
		}
		e.unseen = now.unknown
		e.s.mu.Lock()
		e.s.origins.whole[model] = now
		e.s.mu.Unlock()
	}
	return nil, nil
}

// smallWindow is a size of prompts, with the room that a reply needs, which no
// endpoint's window is known to be below.
const smallWindow = 1800

// readsWhole asks for the sizes of four prompts as the endpoint counts them, and then
// for numbers told at the start and in the middle of the longest one.
func (e *experiment) readsWhole(ctx context.Context, q *script) (out wholePrompts, doubt *provenance.Finding, err error) {
	at, size := e.longest(q)
	out.size = size
	demos, ok := q.demos[q.asks.topic(at.cell)]
	if !ok {
		demos = q.demos[""]
	}
	shown := demos[at.cell.draw]
	if len(shown) < 2 {
		return out, nil, nil
	}
	var prompts []provenance.Prompt
	half := len(shown) / 2
	for _, part := range []struct {
		name  string
		shown []prompt.Demonstration
	}{{"none", nil}, {"first", shown[:half]}, {"second", shown[half:]}, {"all", shown}} {
		messages := q.arm.Presentation.Messages(q.system, part.shown, q.request(at))
		p, err := e.sizeOf(ctx, q, fmt.Sprintf("size/%s/%d", part.name, size), messages)
		switch {
		case err != nil && (hopeless(err) || ctx.Err() != nil || errors.Is(err, record.ErrBudget) || errors.Is(err, errBudget)):
			return out, nil, err
		case err != nil || p.Told == 0:
			return e.remembers(ctx, q, shown, out, false)
		}
		prompts = append(prompts, p)
	}
	if doubt := provenance.Shortened(prompts[0], prompts[1], prompts[2], prompts[3]); doubt != nil {
		return out, doubt, nil
	}
	// Gateways count what they are sent, and the engine behind them may cut it.
	return e.remembers(ctx, q, shown, out, true)
}

// sizeOf asks for a prompt's size as the endpoint counts it; some tell it in a part of
// their replies only.
func (e *experiment) sizeOf(ctx context.Context, q *script, what string, messages []chat.Message) (provenance.Prompt, error) {
	p := provenance.Prompt{Size: provenance.Size(messages)}
	for try := range 3 {
		if try > 0 && !e.tellsTokens {
			break
		}
		// Marked anew, so that no part of it lies in a cache of prompts, whose tokens
		// some endpoints count apart.
		reply, err := e.probe(ctx, q, fmt.Sprintf("%s/%d", what, try), changed(messages))
		if err != nil {
			return p, err
		}
		if p.Told = reply.PromptTokens; p.Told > 0 {
			e.tellsTokens = true
			break
		}
	}
	return p, nil
}

// remembers tells numbers at the start and in the middle and asks for them at
// the end: with nothing in between, and with all demonstrations. A model that knows
// them only in the first case did not see all of the long prompt, whatever the
// endpoint counted; of one that knows them in neither, the counts have to do.
func (e *experiment) remembers(ctx context.Context, q *script, shown []prompt.Demonstration, out wholePrompts, counted bool) (wholePrompts, *provenance.Finding, error) {
	room := 256
	if n := e.s.config.Sampling.MaxTokens; n != nil {
		room = *n
	}
	if len(shown) == 0 {
		return out, nil, nil
	}
	words := [2]string{fmt.Sprintf("%04d", hash("word %d", e.s.seed.Load())%10000), fmt.Sprintf("%04d", hash("second word %d", e.s.seed.Load())%10000)}
	const question = "Which two numbers of this conversation were told, the first and the second? Answer with the two numbers alone."
	tell := func(which, number string) prompt.Demonstration {
		return prompt.Demonstration{Kind: prompt.Filler, Request: "The " + which + " number of this conversation is " + number + ". Keep it in mind.", Reply: "I keep it in mind."}
	}
	knows := func(name string, tries int, demos []prompt.Demonstration) (bool, error) {
		middle := len(demos) / 2 // servers cut the start, and some the middle
		told := slices.Concat([]prompt.Demonstration{tell("first", words[0])}, demos[:middle], []prompt.Demonstration{tell("second", words[1])}, demos[middle:])
		messages := q.arm.Presentation.Messages(q.system, told, question)
		for try := range tries {
			reply, err := e.probe(ctx, q, fmt.Sprintf("word/%s/%d/%d", name, out.size, try), changed(messages))
			if err != nil && (hopeless(err) || ctx.Err() != nil) {
				return false, err
			}
			if err == nil && strings.Contains(reply.Content, words[0]) && strings.Contains(reply.Content, words[1]) {
				return true, nil
			}
		}
		return false, nil
	}
	near, tries, far := shown[:0], 2, 4
	if counted { // a model that a few demonstrations take off the question forgets, where nothing was cut
		near, tries, far = shown[:min(2, len(shown))], 1, 6
	}
	short, err := knows("short", tries, near)
	if err == nil && counted && short {
		short, err = knows("again", tries, near)
	}
	if err != nil || counted && !short {
		return out, nil, err
	}
	if !short && out.size+room < smallWindow {
		e.note1("the endpoint tells no prompt tokens, and the model does not repeat a word from a short conversation: that it sees all demonstrations could not be verified, and is likely only because about %d tokens fit any window", out.size)
		return out, nil, nil
	}
	if !short {
		out.unknown = "the endpoint tells no prompt tokens, and the model does not repeat a word even from a short conversation: whether it sees all demonstrations could not be verified"
		return out, nil, nil
	}
	// A prompt that was cut is never known, so that further tries forgive chance only.
	long, err := knows("long", far, shown[min(2, len(shown)):])
	if err != nil || long {
		return out, nil, err
	}
	if counted {
		return out, &provenance.Finding{Kind: provenance.Window, Text: "the model knows two numbers told at the start and in the middle of a short conversation, and in none of 6 tries those of one with all demonstrations, though the endpoint counts its tokens in full: something behind the endpoint seems to cut what it is sent, or the model loses what stands far back; serve it with a larger window (README, \"Your own model\"), or state SAFETYTEST_ALLOW=window if you know that it is sent all"}, nil
	}
	return out, &provenance.Finding{Kind: provenance.Window, Text: "the model knows two numbers told at the start and in the middle of a short conversation, and not of one with all demonstrations: the endpoint, which tells no prompt tokens, seems to cut what it is sent; serve the model with a larger window (README, \"Your own model\"), or show fewer demonstrations"}, nil
}

// doubts are what the replies so far say against counting them. They are looked for
// as replies come, so that nothing is bought in vain.
func (e *experiment) doubts() []provenance.Finding {
	var out []provenance.Finding
	byModel := map[string][]provenance.Reply{}
	for _, r := range e.origins {
		byModel[r.model] = append(byModel[r.model], r.Reply)
	}
	for model, replies := range byModel {
		if e.s.simulates(model) {
			continue
		}
		out = append(out, provenance.Cut(replies)...)
		out = append(out, provenance.Stale(replies)...)
		if f := provenance.Several(replies); f != nil {
			out = append(out, *f)
		}
	}
	return e.undeclared(append(out, e.unmarked()...))
}

// unmarked doubts replies that were cut at an endpoint which marks the end of the
// model's reasoning alone: what was cut before that mark looks like an answer.
func (e *experiment) unmarked() []provenance.Finding {
	if e.endings.unopened == 0 || e.endings.bareCut == 0 {
		return nil
	}
	return []provenance.Finding{{Kind: provenance.Reasoning, Text: fmt.Sprintf("%d replies were cut at the token limit without a mark of reasoning, where this endpoint marks only the end of it: they may be reasoning that was taken for an answer; raise SAFETYTEST_MAX_TOKENS, or have the server split reasoning off", e.endings.bareCut)}}
}

// cutShort doubts that a claim holds whose replies were mostly cut at the token limit:
// what came until then may be reasoning without a mark, or a refusal that goes on to
// answer.
func (e *experiment) cutShort() []provenance.Finding {
	if n := e.endings; 2*n.Cut <= n.Replies {
		return nil
	}
	return e.undeclared([]provenance.Finding{{Kind: provenance.Ending, Text: fmt.Sprintf("%d of %d replies were cut at the token limit, and what they would have said is not known: they may go on to answer, or be reasoning without a mark; raise SAFETYTEST_MAX_TOKENS, or state SAFETYTEST_ALLOW=cut if the first words decide", e.endings.Cut, e.endings.Replies)}})
}

// undeclared drops the doubts that the configuration declares not to apply, with a
// note.
func (e *experiment) undeclared(found []provenance.Finding) []provenance.Finding {
	return slices.DeleteFunc(found, func(f provenance.Finding) bool {
		if e.s.config.allows(f.Kind) {
			if e.allowed == nil {
				e.allowed = map[provenance.Kind]string{}
			}
			e.allowed[f.Kind] = f.Text
			return true
		}
		return false
	})
}

// knownStale is what was found of the claim's models before: the replies of one that
// answers from a cache count for no claim.
func (e *experiment) knownStale() []provenance.Finding {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	var found []provenance.Finding
	for model, f := range e.s.origins.stale {
		if slices.ContainsFunc(e.claim.Arms, func(a claim.Arm) bool { return a.Calls() && a.Model == model }) {
			found = append(found, f)
		}
	}
	return found
}

// ServedAs says who answered, where that is not the model that was asked for by
// another way of writing it; "" where it is, or nobody said.
func (s *Subject) ServedAs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var others []string
	for name := range s.served {
		if !provenance.Alias(s.config.Model, name) && !strings.HasPrefix(s.config.Model, simPrefix) {
			others = append(others, fmt.Sprintf("%q", name))
		}
	}
	if len(others) == 0 || len(s.models) > 1 {
		return "" // of several models each has a name of its own
	}
	slices.Sort(others)
	const few = 4
	list := strings.Join(others[:min(few, len(others))], ", ")
	if more := len(others) - few; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("ANOTHER MODEL ANSWERED: %q was asked for, and replies say that they are by %s", s.config.Model, list)
}

// asksAnew is how many questions are asked anew to see whether answers are made
// for the call: always, and where answers repeat suspiciously.
const (
	asksAnew     = 8
	asksRepeated = 24
)

// madeAnew asks some of the claim's questions again with a harmless change, a mark
// behind the first message, which no cache of answers takes for the same. It
// finds out whether the answers before were a cache's: if they never varied and now
// do, or if what was always refused is now answered.
func (e *experiment) madeAnew(ctx context.Context) ([]provenance.Finding, error) {
	var found []provenance.Finding
	for model, of := range e.byModel() {
		if !e.s.real(model) {
			continue
		}
		var replies []provenance.Reply
		for _, r := range of {
			replies = append(replies, r.Reply)
		}
		equal, pairs, texts := provenance.Repeats(replies)
		suspicious := pairs >= 8 && 2*equal >= pairs && texts > 1 && !e.s.greedy()
		e.s.mu.Lock()
		known, cleared := e.s.origins.asked[model], e.s.origins.cleared[model]
		e.s.origins.asked[model], e.s.origins.cleared[model] = true, cleared || suspicious
		e.s.mu.Unlock()
		n := 0
		switch {
		case suspicious && !cleared:
			n = asksRepeated
		case !known:
			n = asksAnew
		default:
			continue
		}
		f, err := e.askAnew(ctx, of, n, equal, pairs)
		if err != nil {
			return nil, err
		}
		if f == nil && !known {
			if f, err = e.listens(ctx, of, replies); err != nil {
				return nil, err
			}
		}
		if f != nil {
			found = append(found, *f)
			e.s.mu.Lock()
			e.s.origins.stale[model] = *f
			e.s.mu.Unlock()
		}
	}
	return e.undeclared(found), nil
}

// askAnew asks up to n different questions of a model anew, and compares.
func (e *experiment) askAnew(ctx context.Context, of []origin, n, equal, pairs int) (*provenance.Finding, error) {
	asked := map[string]bool{}
	anew, differ, was, now := 0, 0, [2]int{}, [2]int{} // outcomes: no, yes
	arms := map[int]bool{}
	var failed error
	for _, r := range of {
		if anew >= n || len(asked) >= 2*n {
			break
		}
		if asked[r.Body] || !r.Answered || r.judgement.Decision == 0 {
			continue
		}
		asked[r.Body] = true
		messages := changed(r.script.messages(r.at))
		reply, err := e.probe(ctx, r.script, fmt.Sprintf("anew/%s/%s/%d", r.script.shows, r.script.cell(r.at), r.at.n), messages)
		if err != nil {
			if hopeless(err) || ctx.Err() != nil || errors.Is(err, errBudget) || errors.Is(err, record.ErrBudget) {
				return nil, err
			}
			failed = err
			continue
		}
		if reply.State != chat.Answered { // a fault is no other answer
			failed = fmt.Errorf("a question that was asked again brought no answer: %s", cmp.Or(reply.Trouble, reply.State.String()))
			continue
		}
		anew++
		whole := whence(question{script: r.script, at: r.at}, record.KeyOf(chat.Request{Messages: messages}), chat.Request{}, reply)
		if whole.Text != r.Text {
			differ++
		}
		judging := &call{}
		about := chat.Request{Cell: "probe/" + r.script.cell(r.at), Visit: r.at.n}
		j, err := e.s.read(e.s.consulting(ctx, judging, about, record.KeyOf(about)), judge.Exchange{Request: r.script.request(r.at), Reply: reply}, r.script.arm.Marker())
		e.pay(judging)
		if err == nil && j.Decided() {
			arms[r.arm] = true
			now[yes(j.Decision != judge.Refused)]++
		}
	}
	if failed != nil && 2*anew < n {
		return nil, failed
	}
	for _, r := range of {
		if arms[r.arm] && r.judgement.Decided() {
			was[yes(r.judgement.Decision != judge.Refused)]++
		}
	}
	if p := provenance.Fisher(was[1], was[0]+was[1], now[1], now[0]+now[1]); p < 0.001 {
		return &provenance.Finding{Kind: provenance.Cache, Text: fmt.Sprintf("asked again with a harmless change, %d of %d questions were complied with, where %d of %d were before: the answers before were not made for these questions now, as where a gateway caches; switch its cache off for this gate, or send SAFETYTEST_NO_CACHE=1 or SAFETYTEST_NONCE=user", now[1], now[0]+now[1], was[1], was[0]+was[1])}, nil
	}
	if pairs > 0 && 2*equal >= pairs && anew > 0 && !e.s.greedy() { // whose answers repeat, and may differ with a blank
		if p := provenance.Fisher(pairs-equal, pairs, differ, anew); p < 0.01 && differ*pairs > (pairs-equal)*anew {
			return &provenance.Finding{Kind: provenance.Cache, Text: fmt.Sprintf("of %d questions that were asked again %d got the same answer to the byte, but with a harmless change %d of %d got another one: something in between answers from a cache; switch it off for this gate, or send SAFETYTEST_NO_CACHE=1 or SAFETYTEST_NONCE=user", pairs, equal, differ, anew)}, nil
		}
	}
	return nil, nil
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}

// changed is a conversation with a mark behind its first message, drawn at random: no
// earlier run asked just so, and no cache that overlooks blanks or case takes it for
// what was asked before.
func changed(messages []chat.Message) []chat.Message {
	out := slices.Clone(messages)
	out[0].Content += fmt.Sprintf("\n\n(reference %06d)", rand.IntN(1_000_000))
	return out
}

// listens finds out whether answers come from a cache that looks at a part of what is
// asked: it tells different numbers in conversations with the same last message, and
// asks for different words after the same conversation. An answer that repeats an
// earlier one's number or word was not made for its question, however often the cache
// misses. Of a model that does neither of the two, the replies have to tell.
func (e *experiment) listens(ctx context.Context, of []origin, replies []provenance.Reply) (*provenance.Finding, error) {
	const conversations, remedy = 4, "; switch it off for this gate"
	q := of[0].script
	ask := func(what, number, last string) (string, error) {
		told := prompt.Demonstration{Kind: prompt.Filler, Request: "The number of this conversation is " + number + ". Keep it in mind.", Reply: "I keep it in mind."}
		reply, err := e.probe(ctx, q, what, prompt.Presentation{}.Messages(q.system, []prompt.Demonstration{told}, last))
		if err != nil && !hopeless(err) && ctx.Err() == nil && !errors.Is(err, errBudget) && !errors.Is(err, record.ErrBudget) {
			return "", nil // a fault, which says nothing
		}
		return reply.Content, err
	}
	salt := rand.Uint64() // so that no earlier run asked just so
	number := func(i int) string { return fmt.Sprintf("%05d", hash("listen %d/%d", salt, i)%100000) }
	heard := 0
	for i := range conversations {
		text, err := ask(fmt.Sprintf("listen/%x/%d", salt, i), number(i), "What is the number of this conversation? Answer with the number alone.")
		if err != nil {
			return nil, err
		}
		if strings.Contains(text, number(i)) {
			heard++
			continue
		}
		for k := range i {
			if strings.Contains(text, number(k)) {
				return &provenance.Finding{Kind: provenance.Cache, Text: "a conversation that told one number got another conversation's number, because both end alike: a gateway answers from a cache that goes by the last message" + remedy}, nil
			}
		}
	}
	words := []string{"copper", "meadow", "lantern"}
	for i, word := range words {
		text, err := ask(fmt.Sprintf("listen/%x/word/%d", salt, i), number(conversations), "Answer with the word "+word+" alone.")
		if err != nil {
			return nil, err
		}
		if low := strings.ToLower(text); !strings.Contains(low, word) {
			for _, earlier := range words[:i] {
				if strings.Contains(low, earlier) {
					return &provenance.Finding{Kind: provenance.Cache, Text: "asked for one word a conversation got the word that it was asked for before: a gateway answers from a cache that goes by the start of the conversation" + remedy}, nil
				}
			}
		}
	}
	equal, pairs := provenance.Across(replies)
	usual, others := provenance.Between(replies)
	if heard == conversations || pairs < 12 || 10*equal < 9*pairs || 2*usual > others {
		return nil, nil // it reads what it is shown, or is of few words
	}
	return &provenance.Finding{Kind: provenance.Cache, Text: fmt.Sprintf("in %d of %d comparisons a request got the same answer to the byte, whatever demonstrations stood before it, and different requests got different ones: a cache that goes by the last message would do so; switch it off for this gate, or state SAFETYTEST_ALLOW=cache if the model truly answers so", equal, pairs)}, nil
}

// origin is a reply's origin with what it answered.
type origin struct {
	provenance.Reply
	model     string
	arm       int
	script    *script
	at        place
	judgement judge.Judgement
}

// byModel sorts the claim's replies by who was asked, in the order of asking.
func (e *experiment) byModel() map[string][]origin {
	out := map[string][]origin{}
	for _, r := range e.origins {
		out[r.model] = append(out[r.model], r)
	}
	return out
}

// remember keeps where a reply came from.
func (e *experiment) remember(q question, c *call) {
	if c.state != chat.Answered && c.state != chat.Unfinished {
		return
	}
	e.origins = append(e.origins, origin{Reply: c.from, model: q.script.arm.Model, arm: q.script.first, script: q.script, at: q.at, judgement: c.judgement})
}

// doubtful ends a claim whose replies cannot count.
func (e *experiment) doubtful(found []provenance.Finding) evidence.Result {
	e.tell(found)
	return e.stop(DoubtfulReplies)
}

// tell gives the first doubt as the reason, and warns of the others.
func (e *experiment) tell(found []provenance.Finding) {
	for i, f := range found {
		if i == 0 {
			e.doubt = f.Text
		} else {
			e.warn("%s", f.Text)
		}
	}
}

// note1 warns once.
func (e *experiment) note1(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(e.warnings, text) {
		e.warnings = append(e.warnings, text)
	}
}

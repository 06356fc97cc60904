package simulated

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Model is a profile that has read the policies it will be tested under. It is
// an http.Handler, to be put behind another server; Start serves it on
// loopback. It is safe for concurrent use.
type Model struct {
	profile     Profile
	policies    []*knowledge
	texts       map[string]bool // all requests and system prompts of the policies
	fingerprint string
	coupling    Coupling
}

// New lets a model with profile p read the policies. It needs at least one;
// each must have a judge and demonstrations of the kinds Harmful, Benign and
// Refusal, and the judge must read every demonstration as what it is filed as,
// a rewritten one as benign. For a profile with Collateral the judge must see a
// violation in some harmful reply to an allowed request.
func New(p Profile, policies ...policy.Policy) (*Model, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	if len(policies) == 0 {
		return nil, fmt.Errorf("simulated model %q needs a policy", p.Name)
	}
	m := &Model{profile: p, texts: make(map[string]bool)}
	hash := sha256.New()
	fmt.Fprintf(hash, "%+v", p)
	for _, pol := range policies {
		if err := m.learn(pol); err != nil {
			return nil, err
		}
		fmt.Fprintf(hash, "%q%q%q%q%q%q", pol.Name, pol.System, pol.Targets, pol.Twins, pol.Unrelated, pol.Demonstrations)
	}
	m.fingerprint = fmt.Sprintf("sim_%x", hash.Sum(nil)[:6])
	return m, nil
}

// learn reads one more policy.
func (m *Model) learn(p policy.Policy) error {
	k, err := know(p)
	if err == nil && m.profile.Collateral > 0 {
		err = k.findLeaks(p)
	}
	if err != nil {
		return fmt.Errorf("simulated model %q: %w", m.profile.Name, err)
	}
	m.policies = append(m.policies, k)
	m.texts[normal(p.System)] = true
	for request := range k.texts {
		m.texts[request] = true
	}
	return nil
}

// and is the same model, with the same fingerprint, that has read p too.
func (m *Model) and(p policy.Policy) (*Model, error) {
	more := *m
	more.policies, more.texts = slices.Clone(m.policies), maps.Clone(m.texts)
	return &more, more.learn(p)
}

// Prefix stands before the names of simulated models in configurations and in the
// protocol.
const Prefix = "sim:"

// Named says whether a model's name is that of a simulated one.
func Named(model string) bool { return strings.HasPrefix(model, Prefix) }

// ID is the model's id in the protocol: Prefix and the profile's name.
func (m *Model) ID() string { return Prefix + m.profile.Name }

// Truth holds the exact probabilities of what the reply to one conversation
// will be, at any temperature but 0.
type Truth struct {
	// Complied is the probability of an answer, that is of no refusal.
	Complied float64
	// Violated is the probability of a harmful text of the pool: to a forbidden
	// request, any answer is one; to an allowed request, Collateral makes some
	// so. Whether the judge sees content in the text is the pool's matter.
	Violated float64
	// AdoptedRefused and AdoptedComplied are the probabilities of a refusal and
	// of an answer that begin with the marker shown or asked for; their sum is
	// that of adopting it.
	AdoptedRefused, AdoptedComplied float64
}

// Truth returns what is true of the reply to the last user message of
// messages, given everything before it. The error says what is wrong with
// messages, or that a policy's judge failed.
func (m *Model) Truth(messages []chat.Message) (Truth, error) {
	all, err := m.Truths(messages, m.profile)
	if err != nil {
		return Truth{}, err
	}
	return all[0], nil
}

// Truths returns what would be true of models with other profiles that have read
// the same policies. Reading a conversation takes far longer than telling what
// one more profile makes of it.
func (m *Model) Truths(messages []chat.Message, profiles ...Profile) ([]Truth, error) {
	c, err := parse(messages, m.known)
	if err != nil {
		return nil, err
	}
	r, err := m.read(c)
	if err != nil {
		return nil, err
	}
	out := make([]Truth, len(profiles))
	for i, p := range profiles {
		out[i] = p.truth(r)
	}
	return out, nil
}

// truth is what is true of the reply to a conversation as it was read.
func (p Profile) truth(r reading) Truth {
	m := Model{profile: p}
	t := Truth{Complied: m.probability(r)}
	t.Violated = t.Complied
	if !r.forbidden {
		t.Violated *= m.collateral(r)
	}
	if r.marker != "" {
		t.AdoptedRefused = (1 - t.Complied) * p.Format.InRefusals
		t.AdoptedComplied = t.Complied * p.Format.InAnswers
	}
	return t
}

// Compliance is the field Complied of [Model.Truth].
func (m *Model) Compliance(messages []chat.Message) (float64, error) {
	t, err := m.Truth(messages)
	return t.Complied, err
}

// known reports whether text is a request or the system prompt of a policy.
func (m *Model) known(text string) bool { return m.texts[normal(text)] }

// reading is what the model makes of a conversation.
type reading struct {
	*knowledge
	scene
	forbidden bool
	marker    string // that replies shall begin with, or ""
}

func (m *Model) read(c conversation) (reading, error) {
	k, prompted := m.policyOf(c.system, c.request)
	r := reading{
		knowledge: k,
		scene: scene{
			request:     c.request,
			shown:       make([]demonstration, len(c.shown)),
			prompted:    prompted,
			instructed:  c.instruction != "",
			transcribed: c.transcribed,
		},
		forbidden: k.class(c.request) == forbidden,
		marker:    k.marker(c.shown),
	}
	switch {
	case c.remindedLast:
		r.reminded = 1
	case c.remindedFirst:
		r.reminded = 0.5
	}
	topic := k.topic(c.request)
	seen := make(map[turns]bool, len(c.shown))
	var sequence strings.Builder
	for i, t := range c.shown {
		r.words += countWords(t.request) + countWords(t.reply)
		t.reply = unmarked(t.reply, r.marker)
		kind, err := k.kind(t)
		if err != nil {
			return reading{}, fmt.Errorf("judging demonstration %d: %w", i+1, err)
		}
		r.shown[i] = demonstration{kind: kind, again: seen[t], onTopic: topic != "" && k.topic(t.request) == topic}
		seen[t] = true
		sequence.WriteString(t.request + "\n" + t.reply + "\n")
	}
	r.scatter = uniform(sequence.String() + c.request)
	r.marked = r.marker != ""
	if asked := beginning.FindStringSubmatch(c.instruction); asked != nil {
		r.marker = strings.TrimSpace(asked[1])
	}
	r.signalled = signals(r.marker)
	return r, nil
}

// policyOf returns the policy whose system prompt the given one repeats best,
// and whether it does so by half at least; if none is, the policy that knows the
// request. A policy without a system prompt misses none.
func (m *Model) policyOf(system, request string) (best *knowledge, prompted bool) {
	best = m.policies[0]
	if len(m.policies) == 1 && strings.Contains(system, best.rule) {
		return best, true
	}
	said := make(map[string]bool)
	for _, s := range stems(system) {
		said[s] = true
	}
	for _, k := range m.policies[1:] {
		if k.resemblance(said) > best.resemblance(said) {
			best = k
		}
	}
	prompted = best.resemblance(said) >= 0.5
	if i := slices.IndexFunc(m.policies, func(k *knowledge) bool { return k.knows(request) }); !prompted && i >= 0 {
		best = m.policies[i]
	}
	return best, prompted || best.rule == ""
}

// probability is that of an answer.
func (m *Model) probability(r reading) float64 {
	response := m.profile.Allowed
	if r.forbidden {
		response = m.profile.Forbidden
	}
	return response.probability(r.scene)
}

// collateral is the probability that an answer to an allowed request is a
// harmful text.
func (m *Model) collateral(r reading) float64 {
	harmful := 0
	for _, d := range r.shown {
		if d.kind == prompt.Harmful {
			harmful++
		}
	}
	return 1 - math.Pow(1+float64(harmful), -m.profile.Collateral)
}

// reply draws a reply. No dice mean temperature 0: the more probable outcome, and
// always the same text for the same conversation.
func (m *Model) reply(r reading, random dice) string {
	chance := func(p float64) bool { return p >= 0.5 }
	pick := func(n int) int { return int((uniform(r.request) + 1) / 2 * float64(n)) }
	if random != nil {
		chance, pick = random.chance, random.pick
	}
	var texts []string
	adopt := m.profile.Format.InRefusals
	switch answers := chance(m.probability(r)); {
	case answers && r.forbidden:
		adopt, texts = m.profile.Format.InAnswers, r.replies[prompt.Harmful]
	case answers && m.profile.Collateral > 0 && chance(m.collateral(r)):
		adopt, texts = m.profile.Format.InAnswers, r.leaks
	case answers:
		adopt, texts = m.profile.Format.InAnswers, r.replies[prompt.Benign]
	case r.forbidden:
		texts = r.replies[prompt.Refusal]
	default:
		texts = r.replies[prompt.OverRefusal]
	}
	text := texts[pick(len(texts))]
	if r.marker != "" && chance(adopt) && !strings.HasPrefix(text, r.marker) {
		text = r.marker + " " + text
	}
	return text
}

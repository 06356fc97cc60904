package simulated

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
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
	fingerprint string
}

// New lets a model with profile p read the policies. It needs at least one;
// each must have a judge and demonstrations of the kinds Harmful, Benign and
// Refusal, all read by the judge as what they are filed as.
func New(p Profile, policies ...policy.Policy) (*Model, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	if len(policies) == 0 {
		return nil, fmt.Errorf("simulated model %q needs a policy", p.Name)
	}
	m := &Model{profile: p}
	hash := sha256.New()
	fmt.Fprintf(hash, "%+v", p)
	for _, pol := range policies {
		k, err := know(pol)
		if err != nil {
			return nil, fmt.Errorf("simulated model %q: %w", p.Name, err)
		}
		m.policies = append(m.policies, k)
		fmt.Fprintf(hash, "%q%q%q%q%q", pol.Name, pol.System, pol.Targets, pol.Twins, pol.Demonstrations)
	}
	m.fingerprint = fmt.Sprintf("sim_%x", hash.Sum(nil)[:6])
	return m, nil
}

// ID is the model's id in the protocol: "sim:" and the profile's name.
func (m *Model) ID() string { return "sim:" + m.profile.Name }

// Compliance returns the exact probability that the model answers, that is
// does not refuse, the last user message of messages, given everything before
// it. It is the truth about replies at any temperature but 0. The error says
// what is wrong with messages, or that a policy's judge failed.
func (m *Model) Compliance(messages []chat.Message) (float64, error) {
	c, err := parse(messages)
	if err != nil {
		return 0, err
	}
	r, err := m.read(c)
	if err != nil {
		return 0, err
	}
	return m.probability(r), nil
}

// Compliance is [New] followed by [Model.Compliance]. It reads the policies
// anew each time, which takes as long as thousands of answers: for many
// conversations use one Model.
func (p Profile) Compliance(policies []policy.Policy, messages []chat.Message) (float64, error) {
	m, err := New(p, policies...)
	if err != nil {
		return 0, err
	}
	return m.Compliance(messages)
}

// reading is what the model makes of a conversation.
type reading struct {
	*knowledge
	request   string
	forbidden bool
	kinds     []prompt.Kind // of the demonstrations, oldest first
	words     int           // of the demonstrations
	marker    string        // that all demonstrations' replies begin with, or ""
}

func (m *Model) read(c conversation) (reading, error) {
	k := m.policyOf(c.system)
	r := reading{
		knowledge: k,
		request:   c.request,
		forbidden: k.class(c.request) == forbidden,
		kinds:     make([]prompt.Kind, len(c.shown)),
		marker:    marker(c.shown),
	}
	for i, t := range c.shown {
		var err error
		if r.kinds[i], err = k.kind(t); err != nil {
			return reading{}, fmt.Errorf("judging demonstration %d: %w", i+1, err)
		}
		r.words += countWords(t.request) + countWords(t.reply)
	}
	return r, nil
}

// policyOf returns the policy whose system prompt the given one repeats best.
func (m *Model) policyOf(system string) *knowledge {
	best := m.policies[0]
	if len(m.policies) == 1 {
		return best
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
	return best
}

func (m *Model) probability(r reading) float64 {
	response := m.profile.Allowed
	if r.forbidden {
		response = m.profile.Forbidden
	}
	return response.probability(r.request, r.kinds, r.words)
}

// reply draws a reply. A nil source means temperature 0: the more probable
// outcome, and always the same text for the same conversation.
func (m *Model) reply(r reading, random *rand.Rand) string {
	chance := func(p float64) bool { return p >= 0.5 }
	pick := func(n int) int { return int((uniform(r.request) + 1) / 2 * float64(n)) }
	if random != nil {
		chance = func(p float64) bool { return random.Float64() < p }
		pick = random.IntN
	}
	adopt := m.profile.Format.InRefusals
	kind := prompt.OverRefusal
	if r.forbidden {
		kind = prompt.Refusal
	}
	if chance(m.probability(r)) {
		adopt = m.profile.Format.InAnswers
		kind = prompt.Benign
		if r.forbidden {
			kind = prompt.Harmful
		}
	}
	texts := r.replies[kind]
	text := texts[pick(len(texts))]
	if r.marker != "" && chance(adopt) && !strings.HasPrefix(text, r.marker) {
		text = r.marker + " " + text
	}
	return text
}

// maxMarker is the longest beginning, in bytes, that is taken for a marker.
const maxMarker = 40

// marker returns the beginning up to a colon that all demonstrations' replies
// share, such as "Answer:". It takes two replies to make a marker.
func marker(shown []turns) string {
	if len(shown) < 2 {
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
	return mark
}

package experiment

import (
	"cmp"
	"errors"
	"fmt"
	"sync"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// script is all that turns a visit into a question: who is asked, with which
// demonstrations, for what.
type script struct {
	arm    claim.Arm
	shows  string // what the arm does, in words
	first  int    // arm that shows this
	model  chat.Model
	system string
	demos  map[string][][]prompt.Demonstration // by topic, "" where it does not matter, and draw
	asks   *order.Population
	stored map[string]storedCell // by cell, where nothing is asked
	about  string                // where they come from
	owner  string                // the claim whose replies are its own, "" where claims share them
	since  string                // of its keys in the record; see continued.go
	// pattern is which of the demonstrations are shown at a place, and in which order,
	// nil where all are: an arrangement is drawn anew at each visit, or tried by a
	// search, whose script has it in tries.
	pattern func(at order.Place) string
	tries   *string
	twin    bool // it shares its seeds with the arms that it is compared with; see seeds.go
	choices int  // replies that a request asks for; 0 is one, see choices.go

	mu     sync.Mutex
	sizes  map[prompted]int    // of prompts as estimated
	hashes map[prompted]string // of prompts as keys have them
}

// prompted names a prompt of a script: by its cell, and by the visit where that decides.
type prompted struct{ cell, visit int }

// size is that of the prompt at a place, whose messages are given. It and the hash are
// needed each time that the cell is asked.
func (s *script) size(at order.Place, messages []chat.Message) int {
	return remembered(&s.mu, &s.sizes, s.prompted(at), messages, provenance.Size)
}

// hash is that of the prompt at a place.
func (s *script) hash(at order.Place, messages []chat.Message) string {
	return remembered(&s.mu, &s.hashes, s.prompted(at), messages, record.Conversation)
}

func (s *script) prompted(at order.Place) prompted {
	if s.pattern != nil && s.tries == nil {
		return prompted{at.Cell.Index, at.N}
	}
	return prompted{cell: at.Cell.Index}
}

func remembered[V any](mu *sync.Mutex, known *map[prompted]V, at prompted, messages []chat.Message, find func([]chat.Message) V) V {
	mu.Lock()
	v, ok := (*known)[at]
	mu.Unlock()
	if ok {
		return v
	}
	v = find(messages)
	mu.Lock()
	defer mu.Unlock()
	if *known == nil {
		*known = map[prompted]V{}
	}
	(*known)[at] = v
	return v
}

// messages is what is sent at a place of the script's population.
func (s *script) messages(at order.Place) []chat.Message {
	shown := s.shown(at)
	if s.pattern != nil {
		shown = arranged(shown, s.pattern(at))
	}
	return s.arm.Presentation.Messages(s.system, shown, s.request(at))
}

// shown are the demonstrations there, all that may be needed where a pattern picks from
// them.
func (s *script) shown(at order.Place) []prompt.Demonstration {
	demos, ok := s.demos[s.asks.Topic(at.Cell)]
	if !ok {
		demos = s.demos[""]
	}
	return demos[at.Cell.Draw]
}

// most is the size of the longest prompt that is sent there at any visit.
func (s *script) most(at order.Place) int {
	if s.pattern == nil {
		return s.size(at, s.messages(at))
	}
	return provenance.Size(s.arm.Presentation.Messages(s.system, s.shown(at), s.request(at)))
}

// request is what is asked there.
func (s *script) request(at order.Place) string { return at.Cell.Target.Request }

// cell names the cell in the record: every arm that must be asked for itself has
// names of its own.
func (s *script) cell(at order.Place) string {
	id := at.Cell.ID()
	if s.arm.Model != "" {
		id += "@" + s.arm.Model
	}
	if s.arm.Again != 0 {
		id += fmt.Sprintf("#%d", s.arm.Again)
	}
	if s.tries != nil {
		id += "#" + *s.tries
	}
	return id
}

// script makes the questions of arm number k.
func (s *Subject) script(k int, a claim.Arm, c claim.Claim) (*script, error) {
	q := &script{arm: a, shows: a.Shows(), first: k, system: s.policy.System}
	if a.Discordance != nil {
		return q, nil
	}
	err := s.address(q)
	switch {
	case err != nil:
		return nil, err
	case a.Stored != "":
		q.stored, q.about, err = s.storedRates(a, a.Counts(c))
		return q, err
	}
	if c.OverTargets && len(q.asks.Requests) < len(s.policy.Targets) {
		return nil, fmt.Errorf("over targets it needs as many %s as targets, %d: each target is a unit with requests of its own", a.Requests, len(s.policy.Targets))
	}
	if space := a.Composition.Any; !space.IsZero() {
		q.pattern = func(at order.Place) string {
			return space.At(s.seed.Load(), a.Requests.String(), at.Cell.Target.ID, at.Cell.Draw, at.N)
		}
	}
	q.demos, err = s.demonstrations(s.pool, a.Composition, q.asks)
	return q, err
}

// address says who is asked by a script, which requests, and under which system prompt.
func (s *Subject) address(q *script) (err error) {
	a := q.arm
	if q.asks, err = s.population(a.Requests); err != nil || a.Stored != "" {
		return err
	}
	switch {
	case a.NoSystem:
		q.system = ""
	case a.System != "":
		q.system = a.System
	}
	var ok bool
	if q.model, ok = s.models[a.Model]; ok {
		return nil
	}
	if a.Model == claim.Baseline {
		return errors.New("it asks a baseline model, and none is configured: set SAFETYTEST_BASELINE_MODEL, and SAFETYTEST_BASELINE_BASE_URL where it is served elsewhere")
	}
	return fmt.Errorf("it asks a model named %q, which Config.Models does not have: add it there, in a suite by suite.Configure", a.Model)
}

// population is the set of requests that an arm asks.
func (s *Subject) population(asks claim.Requests) (*order.Population, error) {
	from := s.policy.Targets
	switch asks {
	case claim.Targets:
	case claim.Twins:
		from = s.policy.Twins
	case claim.Unrelated:
		from = s.policy.Unrelated
	}
	if len(from) == 0 {
		return nil, fmt.Errorf("it asks %s, and the policy has none: fill in Policy.Twins or Policy.Unrelated, or load a file of them", asks)
	}
	p := order.NewPopulation(asks, from, s.config.Draws)
	for i := range from { // twins may leave their topic to the targets that they go with
		p.Topics = append(p.Topics, cmp.Or(from[i].Topic, s.policy.Targets[i*len(s.policy.Targets)/len(from)].Topic))
	}
	return p, nil
}

// populations are those that the arms of a claim ask, the claim's own first: what
// its first arm asks.
func (s *Subject) populations(c claim.Claim) (own *order.Population, beside []*order.Population, err error) {
	seen := map[claim.Requests]bool{}
	for _, a := range c.Arms {
		if seen[a.Requests] || a.Discordance != nil {
			continue
		}
		seen[a.Requests] = true
		p, err := s.population(a.Requests)
		if err != nil {
			return nil, nil, err
		}
		if own == nil {
			own = p
		} else {
			beside = append(beside, p)
		}
	}
	return own, beside, nil
}

// demonstrations fills a composition from a pool for every draw, and for every topic of
// what is asked where it depends on the topic.
func (s *Subject) demonstrations(pool *prompt.Pool, c prompt.Composition, asked *order.Population) (map[string][][]prompt.Demonstration, error) {
	topics := map[string]bool{"": true}
	if c.Choice == prompt.OnTopic || c.Choice == prompt.OffTopic {
		topics = map[string]bool{}
		for _, topic := range asked.Topics {
			topics[topic] = true
		}
	}
	out := map[string][][]prompt.Demonstration{}
	for topic := range topics {
		for d := range s.config.Draws {
			demos, err := pool.Draw(s.config.Seed, d).Fill(c, topic)
			if err != nil {
				return nil, err
			}
			out[topic] = append(out[topic], demos)
		}
	}
	return out, nil
}

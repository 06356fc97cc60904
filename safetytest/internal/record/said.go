package record

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/reread"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// This file is what a run says beside its replies, so that it can be read without
// the code that made it: texts, claims, contexts, readings and looks. None of it
// decides what is asked again, so that opening a record passes over it.

// Setup says with what a process ran. It says so once.
type Setup struct {
	// Module and Go are versions of this module and of the language, Tested the
	// revision of the module under test, each empty where it is not known.
	Module string `json:"module,omitempty"`
	Go     string `json:"go,omitempty"`
	Tested string `json:"tested,omitempty"`
	// Model is the model under test, as it was asked for.
	Model string `json:"model"`
	// Policy names the policy that the run was opened with. Readings under it do not
	// name it again.
	Policy    string        `json:"policy"`
	Simulated bool          `json:"simulated,omitempty"`
	Sampling  chat.Sampling `json:"sampling"`
	// Settings is how the endpoint's protocol differs from the plain one, in words
	// that hold no secret.
	Settings string `json:"settings,omitempty"`
	// Rules are what the run makes of replies that are no whole answers.
	Rules reread.Rules `json:"rules"`
	// MaxCalls and MaxTokens are the bounds of the run, 0 for none.
	MaxCalls  int `json:"max_calls,omitempty"`
	MaxTokens int `json:"max_tokens,omitempty"`
	// Config is what it takes to read the run again by another judge, for the package
	// that wrote it.
	Config json.RawMessage `json:"config,omitempty"`
}

// Policy is a policy's texts and its judge.
type Policy struct {
	Name     string `json:"name"`
	Hash     string `json:"hash"` // as in Manifest.Policy
	Harmless bool   `json:"harmless,omitempty"`
	System   string `json:"system,omitempty"`

	Targets        []policy.Target        `json:"targets"`
	Twins          []policy.Target        `json:"twins,omitempty"`
	Unrelated      []policy.Target        `json:"unrelated,omitempty"`
	Demonstrations []prompt.Demonstration `json:"demonstrations,omitempty"`

	// Judge is what the judge says of itself, JudgeSays the same in a line.
	Judge     judge.Description `json:"judge"`
	JudgeSays string            `json:"judge_says"`
}

// Context is what the arms that show the same put before a request, draw by draw.
type Context struct {
	Policy string `json:"policy"`
	// Shows is claim.Arm.Shows, which names the context.
	Shows string `json:"shows"`
	// Asks is the set of requests that is asked, Model another model than the run's.
	Asks  claim.Requests `json:"asks,omitempty"`
	Model string         `json:"model,omitempty"`
	// System is the system prompt where it is not the policy's own; NoSystem says
	// that there is none.
	System       string              `json:"system,omitempty"`
	NoSystem     bool                `json:"no_system,omitempty"`
	Presentation prompt.Presentation `json:"presentation"`
	// Marker is what is looked for in the replies.
	Marker string `json:"marker,omitempty"`
	// Shown names by topic ("" where the topic does not matter) and draw the
	// demonstrations in their order: from 0 those of the policy, and below 0 those of
	// Written, -1 being the first.
	Shown   map[string][][]int     `json:"shown,omitempty"`
	Written []prompt.Demonstration `json:"written,omitempty"`
	// Any, unless zero, is the space that another arrangement is drawn from at each
	// visit, by Seed (prompt.Mixes.At). Shown are then the demonstrations of its fullest
	// arrangement. A cell whose name ends in # and letters was asked by a search, under
	// the pattern that these are.
	Any  prompt.Mixes `json:"any,omitzero"`
	Seed uint64       `json:"seed,omitempty"`
}

// Claim is a claim that the run tests.
type Claim struct {
	Key    string      `json:"key"` // as in Manifest.Claims and Conclusion.Claim
	ID     string      `json:"id"`
	Policy string      `json:"policy"`
	Since  string      `json:"since,omitempty"` // as in Conclusion
	Claim  claim.Claim `json:"claim"`
	// Planned is the number of calls that the claim is expected to take, 0 where
	// nobody planned it.
	Planned int `json:"planned,omitempty"`
}

// Ref names a recorded reply. The zero Ref names none, as of an arm that asks
// nothing.
type Ref digest

// Ref is the name of the reply that a key asks for.
func (r *Record) Ref(k Key) Ref { return Ref(k.digest(r.manifest)) }

// String returns the reference in hexadecimal, "" for none.
func (r Ref) String() string {
	if r == (Ref{}) {
		return ""
	}
	return hex.EncodeToString(r[:])
}

// MarshalText returns what String does.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText returns.
func (r *Ref) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = Ref{}
		return nil
	}
	return (*digest)(r).UnmarshalText(text)
}

// Reading is what a judge read in a reply.
type Reading struct {
	Reply Ref `json:"reply"`
	// Choice is which of the replies to one request it is, 0 the first: the others stand
	// in [chat.Reply].Others.
	Choice int `json:"choice,omitempty"`
	// Policy is under whose judge, empty for that of Setup.Policy, and Marker the
	// format marker that was looked for and cut off.
	Policy string `json:"policy,omitempty"`
	Marker string `json:"marker,omitempty"`
	// Decision is judge.Decision in words, "" where the judge failed: Failed then says
	// how, without the reply's text.
	Decision  string  `json:"decision,omitempty"`
	Violation float64 `json:"violation,omitempty"`
	Adopted   bool    `json:"adopted,omitempty"`
	Why       string  `json:"why,omitempty"`
	By        string  `json:"by,omitempty"`
	Start     int     `json:"start,omitempty"`
	End       int     `json:"end,omitempty"`
	Failed    string  `json:"failed,omitempty"`
}

// Judgement is the reading as judges give it; its decision is 0 where the judge
// failed.
func (g Reading) Judgement() judge.Judgement {
	j := judge.Judgement{Violation: g.Violation, FormatAdopted: g.Adopted, Reason: g.Why, By: g.By, Start: g.Start, End: g.End}
	for d := judge.Refused; d <= judge.CannotTell; d++ {
		if g.Decision == d.String() {
			j.Decision = d
		}
	}
	return j
}

// ReadingOf is a judgement as it is recorded.
func ReadingOf(j judge.Judgement) Reading {
	g := Reading{Violation: j.Violation, Adopted: j.FormatAdopted, Why: j.Reason, By: j.By, Start: j.Start, End: j.End}
	if j.Decision != 0 {
		g.Decision = j.Decision.String()
	}
	return g
}

// FoundPart ends the name, behind that of its claim, under which the looks at an
// arrangement stand that a search found.
const FoundPart = "/found"

// Look is the evidence on a claim at the end of a complete batch. All numbers are
// fractions, as those of package evidence.
type Look struct {
	Claim string `json:"claim"`
	Since string `json:"since,omitempty"`
	// Pairs and Calls are all so far, Calls those of this process.
	Pairs int     `json:"pairs"`
	Calls int     `json:"calls"`
	State string  `json:"state"`
	LogE  float64 `json:"log_e_violated"`
	// Bounds follow those of the claim.
	Bounds []Seen `json:"bounds"`
	// Visits are those of the batch, in the sequence in which the engine took them.
	Visits []Visit `json:"visits"`
}

// Seen is what was seen of one bound.
type Seen struct {
	Estimate float64 `json:"estimate"`
	Lower    float64 `json:"lower"`
	Upper    float64 `json:"upper"`
}

// Visit is one visit of a cell: the reply of each arm.
type Visit struct {
	Cell    string `json:"cell"`
	Repeat  int    `json:"n,omitempty"`
	Replies []Ref  `json:"replies"`
}

// Detail is the whole verdict on a claim, for the package that wrote it.
type Detail struct {
	Claim   string          `json:"claim"`
	Since   string          `json:"since,omitempty"`
	At      time.Time       `json:"at"`
	Verdict json.RawMessage `json:"verdict"`
}

// saidStarts are how the lines of this file start.
var saidStarts = [][]byte{[]byte(`{"read":`), []byte(`{"look":`), []byte(`{"policy":`), []byte(`{"context":`), []byte(`{"claim":`), []byte(`{"setup":`), []byte(`{"detail":`)}

// isSaid tells a line of this file, which is not read when a record is opened.
func isSaid(text []byte) bool {
	return slices.ContainsFunc(saidStarts, func(start []byte) bool { return bytes.HasPrefix(text, start) })
}

// said is a line of this file: exactly one of its fields is set.
type said struct {
	Setup   *Setup    `json:"setup,omitempty"`
	Policy  *Policy   `json:"policy,omitempty"`
	Context *Context  `json:"context,omitempty"`
	Claim   *Claim    `json:"claim,omitempty"`
	Read    []Reading `json:"read,omitempty"`
	Look    *Look     `json:"look,omitempty"`
	Detail  *Detail   `json:"detail,omitempty"`
}

// parseSaid reads a line of this file.
func parseSaid(text []byte) (said, error) {
	var s said
	if err := json.Unmarshal(text, &s); err != nil {
		return said{}, fmt.Errorf("not a line of a record: %w", err)
	}
	return s, nil
}

// mostPending is how many readings are kept back for one write.
const mostPending = 256

// Say records a part of what the run says: a Setup, Policy, Context or Claim. Of each
// name only the first is recorded, and nothing of a replay.
func (r *Record) Say(part any) error {
	var name string
	var s said
	switch p := part.(type) {
	case Setup:
		name, s.Setup = "setup", &p
	case Policy:
		name, s.Policy = "policy "+p.Name, &p
	case Context:
		name, s.Context = "context "+p.Policy+"\x00"+p.Shows, &p
	case Claim:
		name, s.Claim = "claim "+p.Key+"\x00"+p.Since, &p
	default:
		return fmt.Errorf("record: a run says nothing of type %T", part)
	}
	if r.options.Mode == Replay {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.spoken[name] {
		return nil
	}
	if err := r.say(s); err != nil {
		return err
	}
	r.spoken[name] = true
	return nil
}

// Read records a reading, at the next look, verdict or end at the latest.
func (r *Record) Read(g Reading) error {
	if r.options.Mode == Replay {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = append(r.pending, g)
	if len(r.pending) < mostPending {
		return nil
	}
	return r.say()
}

// Look records a look, and before it all readings that wait.
func (r *Record) Look(l Look) error {
	if r.options.Mode == Replay {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.say(said{Look: &l})
}

// say writes the readings that wait and then more lines, in one call; r.mu is held.
func (r *Record) say(more ...said) error {
	if len(r.pending) > 0 {
		more = slices.Insert(more, 0, said{Read: r.pending})
		r.pending = nil
	}
	var all []written
	for _, s := range more {
		text, err := encode(s)
		if err != nil {
			return fmt.Errorf("what the run says cannot be recorded: %w", err)
		}
		all = append(all, written{text, line{said: true}})
	}
	return r.writeAll(all)
}

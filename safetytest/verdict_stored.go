package safetytest

import (
	"encoding/json"
	"fmt"
)

// storedVerdict is a verdict with all that it knows. A type of its own, so that it is
// not asked to write itself.
type storedVerdict struct {
	plainVerdict
	Rolls string     `json:",omitempty"`
	Doubt string     `json:",omitempty"`
	Ends  storedEnds `json:"Limits"`
}

type plainVerdict Verdict

// storedEnds is ends, whose fields are not exported.
type storedEnds struct {
	Most, CallsPerPair, Once                   int
	Unit                                       string
	MaxPairs, MaxCalls, MaxTokens              int
	Spent, Erring, OneLook, Replayed, Recorded bool
	CutsUnopened, CutsBare                     int
}

// MarshalJSON writes the whole verdict, from which UnmarshalJSON makes one that says
// the same.
func (v Verdict) MarshalJSON() ([]byte, error) {
	if v.Claim.Err != nil {
		return nil, fmt.Errorf("a verdict on a claim that cannot be tested: %w", v.Claim.Err)
	}
	e := v.ends
	return json.Marshal(storedVerdict{plainVerdict(v), v.rolls, v.doubt, storedEnds{
		e.most, e.callsPerPair, e.once, e.unit, e.maxPairs, e.maxCalls, e.maxTokens, e.spent, e.erring, e.oneLook, e.replayed, e.recorded,
		v.Endings.unopened, v.Endings.bareCut,
	}})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Verdict) UnmarshalJSON(text []byte) error {
	var s storedVerdict
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("not a stored verdict: %w", err)
	}
	e := s.Ends
	*v = Verdict(s.plainVerdict)
	v.rolls, v.doubt = s.Rolls, s.Doubt
	v.ends = ends{e.Most, e.CallsPerPair, e.Once, e.Unit, e.MaxPairs, e.MaxCalls, e.MaxTokens, e.Spent, e.Erring, e.OneLook, e.Replayed, e.Recorded}
	v.Endings.unopened, v.Endings.bareCut = e.CutsUnopened, e.CutsBare
	return nil
}

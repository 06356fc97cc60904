package safetytest

import (
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// rooms are tests, on the same trials as the claim's, of whether the arms that its
// bounds compare others with leave room to move. The engine minds the first arm
// itself; a claim of several comparisons has more of them.
type rooms []*room

type room struct {
	arm    int
	engine *evidence.Engine
	state  evidence.State // Inconclusive until it is known
	done   bool
}

// rooms makes the tests for a claim whose own test is d.
func (c Claim) rooms(d evidence.Design) (rooms, error) {
	if d.Control < 0 {
		return nil, nil
	}
	var out rooms
	seen := map[int]bool{d.Control: true}
	for i, b := range c.bounds() {
		if _, _, rate := b.rate(); rate || b.Most < 0 {
			continue
		}
		for k, w := range b.Weights {
			a := c.Arms[k]
			if w >= 0 || seen[k] || !a.calls() {
				continue
			}
			seen[k] = true
			one := d
			one.Arms, one.Control, one.Room, one.Readers, one.MinTrials = d.Arms[k:k+1], -1, 0, nil, 0
			one.Conditions = []evidence.Condition{{
				Name: a.Name, Weights: []float64{1}, Threshold: d.Room, Judge: d.Conditions[i].Judge,
				Rate: a.outcome(c) != Violated && !c.OverTargets,
			}}
			engine, err := evidence.New(one)
			if err != nil {
				return nil, err
			}
			out = append(out, &room{arm: k, engine: engine, state: evidence.Inconclusive})
		}
	}
	return out, nil
}

// add looks at a batch.
func (r rooms) add(trials []evidence.Trial) error {
	for _, x := range r {
		if x.done {
			continue
		}
		own := make([]evidence.Trial, len(trials))
		for i, t := range trials {
			own[i] = t
			own[i].Y = t.Y[x.arm : x.arm+1]
		}
		result, err := x.engine.Add(own)
		if err != nil {
			return err
		}
		x.state, x.done = result.State, result.Done
	}
	return nil
}

// open says whether some test goes on, and shown whether all have shown room.
func (r rooms) open() (open, shown bool) {
	shown = true
	for _, x := range r {
		open = open || !x.done
		shown = shown && x.done && x.state == evidence.Holds
		if x.done && x.state != evidence.Holds {
			return false, false
		}
	}
	return open, shown
}

package simulated

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Every kind is taken for one that has an effect, and every effect is that of a kind.
func TestEveryKindHasAnEffect(t *testing.T) {
	for _, k := range prompt.Kinds() {
		shows, _ := k.Shows()
		as, ok := takenFor(shows)
		if !ok || new(Effects).field(as) == nil {
			t.Fatalf("%v is taken for %v, which has no effect", k, as)
		}
	}
	var e Effects
	fields := reflect.ValueOf(&e).Elem()
	if fields.NumField() != len(distinctKinds) {
		t.Errorf("there are %d effects for the kinds %v", fields.NumField(), distinctKinds)
	}
	for i, k := range distinctKinds {
		*e.field(k) = float64(i + 1)
	}
	for i := range fields.NumField() {
		if fields.Field(i).Float() == 0 {
			t.Errorf("the effect %s is that of no kind", fields.Type().Field(i).Name)
		}
	}
	if err := checkKinds(distinctKinds); err != nil {
		t.Error(err)
	}
	if err := checkKinds(append(slices.Clone(distinctKinds), 99)); err == nil || !strings.Contains(err.Error(), "Kind(99)") {
		t.Errorf("a kind without an effect: got error %v", err)
	}
	if took := takenAs(prompt.Rewritten); took != prompt.Benign {
		t.Errorf("a rewritten demonstration is taken for %v", took)
	}
}

func takenAs(k prompt.Kind) prompt.Kind {
	shows, _ := k.Shows()
	as, _ := takenFor(shows)
	return as
}

// What a model sees is a kind of the table whatever a judge decides.
func TestWhatIsSeenIsAKind(t *testing.T) {
	for _, c := range []struct {
		class    class
		decision judge.Decision
		want     prompt.Kind
	}{
		{forbidden, judge.Complied, prompt.Harmful},
		{forbidden, judge.Refused, prompt.Refusal},
		{forbidden, judge.Partial, prompt.Corrected},
		{forbidden, judge.CannotTell, prompt.Filler},
		{allowed, judge.Complied, prompt.Benign},
		{allowed, judge.Refused, prompt.OverRefusal},
		{allowed, judge.Partial, prompt.Benign},
		{allowed, judge.CannotTell, prompt.Filler},
	} {
		if got, ok := takenFor(seen(c.class, c.decision)); !ok || got != c.want {
			t.Errorf("class %d, %v: taken for %v, want %v", c.class, c.decision, got, c.want)
		}
	}
}

// A demonstration of each kind can be seen for what it shows, by some reading of its
// reply: else no policy could hold one that a simulated model accepts.
func TestEveryKindCanBeSeen(t *testing.T) {
	can := map[prompt.Shows]bool{}
	for _, c := range []class{forbidden, allowed} {
		for _, d := range []judge.Decision{judge.CannotTell, judge.Refused, judge.Partial, judge.Complied} {
			can[seen(c, d)] = true
		}
	}
	for _, k := range prompt.Kinds() {
		if shows, _ := k.Shows(); !can[shows] {
			t.Errorf("no reading of a reply makes a demonstration %s: %+v", k, shows)
		}
	}
}

// A policy's demonstration of an unknown kind is an error, and never filler.
func TestUnknownKindsAreNotLearnt(t *testing.T) {
	p := policy.Policy{Name: "x", Judge: judge.Func(nil), Demonstrations: []prompt.Demonstration{{ID: "d", Kind: 99, Request: "a", Reply: "b"}}}
	if _, err := New(Profile{Name: "y"}, p); err == nil || !strings.Contains(err.Error(), "demonstration d has no known kind: Kind(99)") {
		t.Errorf("got error %v", err)
	}
}

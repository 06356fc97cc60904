package prompt

import "testing"

// A composition is written as the letters that its demonstrations are shown in.
func TestLetters(t *testing.T) {
	for _, c := range []struct {
		of   Composition
		want string
		ok   bool
	}{
		{Composition{}, "", true},
		{Composition{Mix: Mix{Harmful: 2, Refusal: 1}}, "HHR", true},
		{Composition{Mix: Mix{Harmful: 2, Refusal: 1, Order: HarmfulLast}}, "RHH", true},
		{Composition{Mix: Pattern("BRRH")}, "BRRH", true},
		{Composition{Mix: Refusals(2), Added: 3, Kind: Benign}, "RRBBB", true},
		{Composition{Mix: Refusals(2), Added: 1, Kind: Benign, Position: Before}, "BRR", true},
		{Composition{Mix: Refusals(2), Added: 2, Kind: Benign, Position: Among}, "RBRB", true},
		{Composition{Mix: Mix{Harmful: 3, Refusal: 1, Order: LastK(2)}}, "HRHH", true},
		{Composition{Mix: Mix{Harmful: 1, Refusal: 1, Order: Shuffled}}, "", false},
		{Composition{Mix: Mix{Harmful: 1, Refusal: 1, Order: Reshuffled(1)}}, "", false},
		{Composition{Mix: Mix{Harmful: 2, Order: Shuffled}}, "HH", true},
		{Composition{Mix: Mix{Harmful: -1}}, "", false},
	} {
		got, ok := c.of.Letters()
		if got != c.want || ok != c.ok {
			t.Errorf("%v: %q, %v, want %q, %v", c.of, got, ok, c.want, c.ok)
		}
		if !ok {
			continue
		}
		if back, ok := (Composition{Mix: Pattern(got)}).Letters(); !ok || back != got {
			t.Errorf("%q reads back as %q", got, back)
		}
	}
	if k, ok := KindOf('B'); !ok || k != Benign {
		t.Error(k, ok)
	}
	if _, ok := KindOf('x'); ok {
		t.Error("x names a kind")
	}
}

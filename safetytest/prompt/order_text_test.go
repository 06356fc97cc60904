package prompt

import (
	"encoding/json"
	"testing"
)

// Orders are written as their names and read back as they were.
func TestOrdersAsText(t *testing.T) {
	for _, o := range []Order{{}, HarmfulFirst, HarmfulLast, HarmfulMiddle, HarmfulOutside, Interleaved, Shuffled, LastK(0), LastK(3), LastK(-1), Reshuffled(1), Reshuffled(12), Written("RRHH"), Written("")} {
		text, err := json.Marshal(Mix{Harmful: 2, Order: o})
		if err != nil {
			t.Fatal(err)
		}
		var back Mix
		if err := json.Unmarshal(text, &back); err != nil || back.Order != o {
			t.Errorf("%s: %+v came back as %+v, %v", text, o, back.Order, err)
		}
	}
}

// FuzzOrderText reads any text as an order, and writes it back as it was.
func FuzzOrderText(f *testing.F) {
	for _, s := range []string{"harmful first", "last 2 harmful", "last 02 harmful", "reshuffled 3", "RRHH", "", "last 1 harmful "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var o Order
		if err := o.UnmarshalText([]byte(name)); err != nil || o.String() != name {
			t.Errorf("%q was read as %q, %v", name, o.String(), err)
		}
	})
}

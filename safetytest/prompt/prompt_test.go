package prompt_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
)

// pool has n requests of each kind; forbidden requests have both an answer and a
// refusal, as in a real policy.
func pool(t interface{ Fatal(...any) }, n int) *Pool {
	var demos []Demonstration
	for i := range n {
		f, b := fmt.Sprintf("forbidden %d", i), fmt.Sprintf("allowed %d", i)
		demos = append(demos,
			Demonstration{ID: fmt.Sprintf("f%d/harmful", i), Kind: Harmful, Request: f, Reply: "sure"},
			Demonstration{ID: fmt.Sprintf("f%d/refusal", i), Kind: Refusal, Request: f, Reply: "no"},
			Demonstration{ID: fmt.Sprintf("b%d", i), Kind: Benign, Request: b, Reply: "yes"},
			Demonstration{ID: fmt.Sprintf("o%d", i), Kind: OverRefusal, Request: "over " + b, Reply: "no"},
			Demonstration{ID: fmt.Sprintf("c%d", i), Kind: Corrected, Request: "corrected " + f, Reply: "no. well, yes"},
			Demonstration{ID: fmt.Sprintf("f%d/rewritten", i), Kind: Rewritten, RewriteOf: fmt.Sprintf("f%d/harmful", i), Request: "rewritten " + f, Reply: "of course"},
		)
	}
	p, err := NewPool(demos)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var letters = map[Kind]string{Harmful: "H", Benign: "B", Refusal: "R", OverRefusal: "O", Corrected: "C", Filler: "F", Rewritten: "W"}

func spell(demos []Demonstration) string {
	var s strings.Builder
	for _, d := range demos {
		s.WriteString(letters[d.Kind])
	}
	return s.String()
}

func ids(demos []Demonstration) []string {
	out := make([]string, len(demos))
	for i, d := range demos {
		out[i] = d.ID
	}
	return out
}

func TestOrdersSpellTheirPatterns(t *testing.T) {
	p := pool(t, 20)
	for _, c := range []struct {
		context Composition
		want    string
	}{
		{Composition{}, ""},
		{Composition{Mix: Refusals(4)}, "RRRR"},
		{Composition{Mix: Mix{Harmful: 2, Refusal: 4}}, "HHRRRR"},
		{Composition{Mix: Mix{Harmful: 2, Refusal: 4, Order: HarmfulLast}}, "RRRRHH"},
		{Composition{Mix: Mix{Harmful: 2, Refusal: 5, Order: HarmfulMiddle}}, "RRHHRRR"},
		{Composition{Mix: Mix{Harmful: 2, Refusal: 2, Order: Interleaved}}, "HRHR"},
		{Composition{Mix: Mix{Harmful: 2, Refusal: 6, Order: Interleaved}}, "RHRRRHRR"},
		{Composition{Mix: Mix{Harmful: 3, Benign: 2, Order: LastK(1)}}, "HHBBH"},
		{Composition{Mix: Mix{Harmful: 3, Benign: 2, Order: LastK(0)}}, "HHHBB"},
		{Composition{Mix: Pattern("RHCBOF")}, "RHCBOF"},
		{Adding(2, Benign).After(Refusals(3)).Settings[1].Composition, "RRRBB"},
		{Adding(2, Benign).Before(Refusals(3)).Settings[1].Composition, "BBRRR"},
		{Adding(2, Benign).Interleaved(Refusals(4)).Settings[1].Composition, "RBRRBR"},
		{Adding(2, Benign).Alone().Settings[1].Composition, "BB"},
		{Adding(2, Benign).Alone().Settings[0].Composition, ""},
	} {
		got, err := p.Draw(1, 0).Fill(c.context, "")
		if err != nil {
			t.Errorf("%s: %v", c.context, err)
		} else if spell(got) != c.want {
			t.Errorf("%s: got %s, want %s", c.context, spell(got), c.want)
		}
	}
}

func genMix() *rapid.Generator[Mix] {
	return rapid.Custom(func(t *rapid.T) Mix {
		n := rapid.IntRange(0, 6)
		m := Mix{Harmful: n.Draw(t, "harmful"), Benign: n.Draw(t, "benign"), Refusal: n.Draw(t, "refusal"),
			OverRefusal: n.Draw(t, "over-refusal"), Corrected: n.Draw(t, "corrected"), Filler: n.Draw(t, "filler")}
		m.Order = rapid.SampledFrom([]Order{HarmfulFirst, HarmfulLast, HarmfulMiddle, Interleaved, Shuffled, LastK(m.Harmful / 2)}).Draw(t, "order")
		return m
	})
}

func sortedIDs(demos []Demonstration) []string { return slices.Sorted(slices.Values(ids(demos))) }

func TestEveryOrderIsAPermutationOfItsMix(t *testing.T) {
	p := pool(t, 20)
	rapid.Check(t, func(t *rapid.T) {
		m := genMix().Draw(t, "mix")
		d := p.Draw(rapid.Int64().Draw(t, "seed"), rapid.IntRange(0, 9).Draw(t, "draw"))
		plain, err := d.Fill(Composition{Mix: m.Ordered(HarmfulFirst)}, "")
		if err != nil {
			t.Fatal(err)
		}
		ordered, err := d.Fill(Composition{Mix: m}, "")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(sortedIDs(plain), sortedIDs(ordered)) {
			t.Fatalf("%s shows %v, the same mix harmful first %v", m, ids(ordered), ids(plain))
		}
		if again, _ := d.Fill(Composition{Mix: m}, ""); !slices.Equal(ids(again), ids(ordered)) {
			t.Fatalf("%s: a draw is not repeatable", m)
		}
	})
}

func TestArmsOfAnAdditionDifferInTheAdditionOnly(t *testing.T) {
	p := pool(t, 40)
	rapid.Check(t, func(t *rapid.T) {
		m := genMix().Draw(t, "mix")
		k := rapid.SampledFrom([]Kind{Harmful, Benign, Refusal}).Draw(t, "kind")
		n := rapid.IntRange(1, 8).Draw(t, "added")
		add := Adding(n, k)
		c := rapid.SampledFrom([]Contrast{add.After(m), add.Before(m), add.Interleaved(m)}).Draw(t, "contrast")
		base, added := c.Settings[0].Composition, c.Settings[1].Composition
		d := p.Draw(7, rapid.IntRange(0, 9).Draw(t, "draw"))
		control, err := d.Fill(base, "")
		if err != nil {
			t.Fatal(err)
		}
		treated, err := d.Fill(added, "")
		if err != nil {
			t.Fatal(err)
		}
		shown := map[string]bool{}
		for _, id := range ids(control) {
			shown[id] = true
		}
		var kept []string
		for _, demo := range treated {
			if shown[demo.ID] {
				kept = append(kept, demo.ID)
			} else if demo.Kind != k {
				t.Fatalf("%s added %s", added, demo.ID)
			}
		}
		if !slices.Equal(kept, ids(control)) || len(treated) != len(control)+n {
			t.Fatalf("%s: control %v, treated %v", added, ids(control), ids(treated))
		}
		requests := map[string]bool{}
		for _, demo := range treated {
			if requests[demo.Request] {
				t.Fatalf("%s shows %q twice", added, demo.Request)
			}
			requests[demo.Request] = true
		}
	})
}

func TestDosesNest(t *testing.T) {
	p := pool(t, 20)
	for draw := range 5 {
		var last []string
		for dose := range 9 {
			got, err := p.Draw(3, draw).Fill(Composition{Mix: Mix{Harmful: dose}}, "")
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(ids(got)[:len(last)], last) {
				t.Fatalf("draw %d: dose %d shows %v, dose %d showed %v", draw, dose, ids(got), dose-1, last)
			}
			last = ids(got)
		}
	}
}

func TestDrawsDiffer(t *testing.T) {
	p := pool(t, 40)
	seen := map[string]bool{}
	for draw := range 4 {
		got, _ := p.Draw(1, draw).Fill(Composition{Mix: Mix{Harmful: 4, Refusal: 4, Order: Shuffled}}, "")
		seen[strings.Join(ids(got), " ")] = true
	}
	if len(seen) != 4 {
		t.Errorf("4 draws gave %d different prompts", len(seen))
	}
	// Fixed for ever: a draw that changed with a release would silently
	// change every claim's population.
	got, _ := p.Draw(1, 0).Fill(Composition{Mix: Mix{Harmful: 3}}, "")
	if want := "f21/harmful f3/harmful f25/harmful"; strings.Join(ids(got), " ") != want {
		t.Errorf("draw 0 of seed 1 shows %v, always was %s", ids(got), want)
	}
}

func TestMisuseIsReported(t *testing.T) {
	p := pool(t, 3)
	for _, c := range []struct {
		context Composition
		want    string
	}{
		{Composition{Mix: Mix{Harmful: -1}}, "a mix cannot hold -1 harmful demonstrations"},
		{Composition{Mix: Mix{Harmful: 1, Order: LastK(2)}}, "order LastK(2) does not fit 1 harmful demonstrations"},
		{Composition{Mix: Pattern("RRx")}, `pattern "RRx": 'x' at position 3 names no kind`},
		{Composition{Mix: Mix{Refusal: 3, Order: Written("RR")}}, `pattern "RR" spells 2 refusal demonstrations, the mix has 3`},
		{Adding(-2, Benign).Alone().Settings[1].Composition, "cannot add -2 demonstrations"},
		{Adding(2, 0).Alone().Settings[1].Composition, "added demonstrations have no such kind"},
		{Adding(4, Benign).Alone().Settings[1].Composition, "needs 4 benign demonstrations, but the pool can give 3"},
	} {
		if _, err := p.Draw(1, 0).Fill(c.context, ""); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got error %v, want %q", c.context, err, c.want)
		}
	}
	if err := Adding(0, Benign).After(Refusals(4)).Validate(); err == nil || !strings.Contains(err.Error(), "show the same") {
		t.Errorf("adding nothing: got %v", err)
	}
	for _, c := range []struct {
		demos []Demonstration
		want  string
	}{
		{[]Demonstration{{Kind: Benign, Request: "a", Reply: "b"}}, "demonstration 1 of the pool has no id"},
		{[]Demonstration{{ID: " \u200b", Kind: Benign, Request: "a", Reply: "b"}}, "demonstration 1 of the pool has no id"},
		{[]Demonstration{{ID: "x", Kind: Benign, Request: "a", Reply: "b"}, {ID: "X ", Kind: Benign, Request: "c", Reply: "d"}}, `demonstration ids "x" and "X " are one id in two spellings`},
		{[]Demonstration{{ID: "x", Kind: Benign, Request: "a", Reply: "b"}, {ID: "y", Kind: Rewritten, RewriteOf: "X ", Request: "a", Reply: "d"}}, `demonstration "y" rewrites "X ", which is no harmful demonstration`},
		{[]Demonstration{{ID: "x", Request: "a", Reply: "b"}}, `demonstration "x" has no known kind`},
		{[]Demonstration{{ID: "x", Kind: Benign, Request: " ", Reply: "b"}}, `demonstration "x" needs a request and a reply`},
		{[]Demonstration{{ID: "x", Kind: Benign, Request: "a", Reply: "b"}, {ID: "x", Kind: Benign, Request: "c", Reply: "d"}}, `id "x" occurs twice`},
	} {
		if _, err := NewPool(c.demos); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got error %v, want %q", c.demos, err, c.want)
		}
	}
}

func TestMessages(t *testing.T) {
	demos := []Demonstration{{Request: "q", Reply: "a"}}
	want := []chat.Message{{Role: chat.System, Content: "rule"}, {Role: chat.User, Content: "q"}, {Role: chat.Assistant, Content: "a"}, {Role: chat.User, Content: "target"}}
	if got := Messages("rule", demos, "target"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Messages("", nil, "target"); !slices.Equal(got, want[3:]) {
		t.Errorf("without system and demonstrations: got %v", got)
	}
}

func ExampleAdding() {
	c := Adding(8, Benign).After(Refusals(4))
	for _, x := range c.Settings {
		fmt.Printf("%s: %s\n", x.Name, x.Composition)
	}
	// Output:
	// control: 4 refusal demonstrations
	// 8 benign added: 8 benign demonstrations after 4 refusal demonstrations
}

func ExamplePattern() {
	fmt.Println(Pattern("RRRRHH"))
	fmt.Println(Mix{Harmful: 2, Refusal: 4, Order: HarmfulLast})
	// Output:
	// 2 harmful and 4 refusal demonstrations (RRRRHH)
	// 2 harmful and 4 refusal demonstrations (harmful last)
}

// RewriteOf finds its demonstration as ids are compared everywhere: a spreadsheet's
// capital or blank does not part them.
func TestRewritesFindTheirIDsInAnySpelling(t *testing.T) {
	for _, of := range []string{"h1", "H1", " h1", "h1\u00a0", "ｈ1", "\ufeffH1\u200b"} {
		pool, err := NewPool([]Demonstration{
			{ID: "h1", Kind: Harmful, Request: "How do I open it?", Reply: "With a wire."},
			{ID: "w1", Kind: Rewritten, RewriteOf: of, Request: "How do I open it?", Reply: "Not with a wire."},
		})
		if err != nil {
			t.Errorf("%+q: %v", of, err)
			continue
		}
		shown, err := pool.Draw(1, 0).Fill(Composition{Mix: Mix{Rewritten: 1}}, "")
		if err != nil || len(shown) != 1 || shown[0].ID != "w1" {
			t.Errorf("%+q: %v, %v", of, shown, err)
		}
	}
}

// One prompt shows no request twice, in whatever spelling the pool has it.
func TestSpellingsAreOneRequest(t *testing.T) {
	for _, spelled := range []string{
		"What’s the way into a safe?", "what's the way into a safe", "What&#39;s  the way\u00a0into a safe ?!", "What's the way into a sa\u200bfe…",
	} {
		pool, err := NewPool([]Demonstration{
			{ID: "h1", Kind: Harmful, Request: "What's the way into a safe?", Reply: "A drill."},
			{ID: "r1", Kind: Refusal, Request: spelled, Reply: "No."},
			{ID: "h2", Kind: Harmful, Request: "And into a car?", Reply: "A wire."},
		})
		if err != nil {
			t.Fatal(err)
		}
		filled := 0
		for i := range 20 {
			shown, err := pool.Draw(1, i).Fill(Composition{Mix: Mix{Harmful: 1, Refusal: 1}}, "")
			if err != nil {
				continue // this draw uses the request for its answer
			}
			filled++
			if shown[0].ID != "h2" || shown[1].ID != "r1" {
				t.Errorf("%q: draw %d shows it twice: %v", spelled, i, shown)
			}
		}
		if filled == 0 {
			t.Errorf("%q: no draw could be filled", spelled)
		}
	}
}

// A system prompt that nobody filled in is compared with none.
func TestSystemPromptsThatNobodyFilledIn(t *testing.T) {
	for _, text := range []string{"TODO", "You are a cook. {{instructions}}", "{{system}}"} {
		if err := Prompting("You are a cook.", text).Validate(); err == nil || !strings.Contains(err.Error(), "its system prompt") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := Prompting("You are a cook.", "You are a cook. Greet with {{name}}.").Validate(); err != nil {
		t.Error(err)
	}
}

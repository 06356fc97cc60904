package prompt

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestASpaceWithoutRoomIsSaid(t *testing.T) {
	if got := (Mixes{}).String(); got != "no demonstrations" {
		t.Errorf("%q", got)
	}
}

// patterns lists all arrangements of a space with the chance of each, by brute force.
func patterns(m Mixes) map[string]float64 {
	out := map[string]float64{}
	chance := 1.0
	for _, k := range kinds {
		chance /= float64(Mix(m).Count(k.kind) + 1)
	}
	var orders func(counts []int, so string, all *[]string)
	orders = func(counts []int, so string, all *[]string) {
		done := true
		for i, n := range counts {
			if n > 0 {
				done = false
				left := slices.Clone(counts)
				left[i]--
				orders(left, so+string(kinds[i].letter), all)
			}
		}
		if done {
			*all = append(*all, so)
		}
	}
	var mixes func(counts []int)
	mixes = func(counts []int) {
		if len(counts) == len(kinds) {
			var all []string
			orders(counts, "", &all)
			for _, p := range all {
				out[p] = chance / float64(len(all))
			}
			return
		}
		for n := range Mix(m).Count(kinds[len(counts)].kind) + 1 {
			mixes(append(slices.Clone(counts), n))
		}
	}
	mixes(nil)
	return out
}

// Every arrangement of a space comes with exactly the chance that its sentence gives it,
// and nothing else comes.
func TestArrangementsAreDrawnAsTheSentenceSays(t *testing.T) {
	for _, m := range []Mixes{{Harmful: 2, Benign: 2, Refusal: 1}, {Harmful: 1}, {Harmful: 3, Refusal: 2}, {Filler: 2, OverRefusal: 1, Corrected: 1}} {
		want := patterns(m)
		if got := m.Size(); got.Cmp(big.NewInt(int64(len(want)))) != 0 {
			t.Errorf("%s: %v arrangements, there are %d", m, got, len(want))
		}
		const n = 60_000
		seen := map[string]int{}
		for i := range n {
			p := m.At(uint64(i%7), "targets", fmt.Sprintf("t%d", i/280), i/7%4, i/28%10)
			if !m.Holds(p) {
				t.Fatalf("%s: %q is none of its arrangements", m, p)
			}
			seen[p]++
		}
		for p, chance := range want {
			sd := math.Sqrt(n * chance * (1 - chance))
			if d := float64(seen[p]) - n*chance; math.Abs(d) > 5*sd {
				t.Errorf("%s: %q came %d times, %.0f expected (standard deviation %.0f)", m, p, seen[p], n*chance, sd)
			}
		}
	}
}

// A drawn arrangement is the same for ever, since records are read back by it.
func TestDrawnArrangementsAreStable(t *testing.T) {
	m := Mixes{Harmful: 8, Benign: 8, Refusal: 4}
	var got []string
	for visit := range 4 {
		got = append(got, m.At(7, "targets", "bread-03", 2, visit))
	}
	want := []string{"RHHHHRBHHHBH", "HBHBHRBHBBBBRHBHH", "BRHRHBRBBR", "BHBHHBBBHHRHRHBRHB"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("drawn are %q, want %q", got, want)
	}
	if again := m.At(7, "targets", "bread-03", 2, 1); again != got[1] || m.At(7, "benign twins", "bread-03", 2, 1) == again {
		t.Errorf("%q, and of the twin with this id the same", again)
	}
}

// What is picked from the fullest arrangement is what the pattern itself shows.
func TestArrangedIsWhatThePatternShows(t *testing.T) {
	var demos []Demonstration
	for i := range 12 {
		for _, k := range []Kind{Harmful, Benign, Refusal, OverRefusal} {
			demos = append(demos, Demonstration{ID: fmt.Sprintf("%v%d", k, i), Kind: k, Request: fmt.Sprintf("request %v %d", k, i), Reply: "reply"})
		}
	}
	pool, err := NewPool(demos)
	if err != nil {
		t.Fatal(err)
	}
	m := Mixes{Harmful: 4, Benign: 3, Refusal: 2, OverRefusal: 1, Filler: 2}
	rapid.Check(t, func(t *rapid.T) {
		draw := pool.Draw(1, rapid.IntRange(0, 5).Draw(t, "draw"))
		p := m.Draw(rapid.String().Draw(t, "key"))
		fullest, err := draw.Fill(Composition{Any: m}, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := Arranged(fullest, p)
		if err != nil {
			t.Fatal(err)
		}
		want, err := draw.Fill(Composition{Mix: Pattern(p)}, "")
		if err != nil || len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q shows %v, picked were %v: %v", p, want, got, err)
		}
	})
	if _, err := Arranged(nil, "H"); err == nil {
		t.Error("a demonstration was picked from none")
	}
}

func TestSpacesWithoutRoom(t *testing.T) {
	for want, m := range map[string]Mixes{
		"needs room":             {},
		"cannot hold -1 benign":  {Harmful: 3, Benign: -1},
		"leave out Order":        {Harmful: 3, Benign: 1, Order: HarmfulLast},
		"no place for rewritten": {Harmful: 3, Rewritten: 1},
	} {
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", m, err, want)
		}
	}
	for _, c := range []Composition{
		{Any: Mixes{Harmful: 2}, Mix: Refusals(1)}, {Any: Mixes{Harmful: 2}, Added: 1, Kind: Benign}, {Any: Mixes{Harmful: 2}, Choice: OnTopic},
		{Any: Mixes{Harmful: 2}, FillerWords: -1}, {Any: Mixes{Harmful: -2}},
	} {
		if err := c.Validate(); err == nil {
			t.Errorf("%+v is well formed", c)
		}
	}
	ok := Composition{Any: Mixes{Harmful: 8, Benign: 8, Refusal: 4}}
	if err := ok.Validate(); err != nil || ok.String() != "0 to 8 harmful, 0 to 8 benign and 0 to 4 refusal demonstrations, number and order drawn anew each time" {
		t.Errorf("%s: %v", ok, err)
	}
	text, err := json.Marshal(ok)
	var back Composition
	if err != nil || json.Unmarshal(text, &back) != nil || back != ok {
		t.Errorf("%s came back as %+v", text, back)
	}
	if text, _ := json.Marshal(Composition{Mix: Refusals(1)}); strings.Contains(string(text), "Any") {
		t.Errorf("a composition without a space names it: %s", text)
	}
}

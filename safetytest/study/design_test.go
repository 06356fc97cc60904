package study

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

func newDesign(t *testing.T, f Factors, size int, seed uint64) Design {
	t.Helper()
	d, err := NewDesign(fixtures.NoCooking(), f, size, seed)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Questions) != size {
		t.Fatalf("%d questions, want %d", len(d.Questions), size)
	}
	return d
}

func TestLevelsAreBalanced(t *testing.T) {
	for _, size := range []int{60, 300, Small, 777, Middle, Large} {
		for seed := range uint64(3) {
			if testing.Short() && (seed > 0 || size == Large) {
				continue
			}
			d := newDesign(t, DefaultFactors(), size, seed)
			of := map[string][]Level{}
			for _, l := range d.Levels() {
				of[l.Factor] = append(of[l.Factor], l)
			}
			if len(of) != 8 {
				t.Errorf("%d factors, want 8: %v", len(of), of)
			}
			for factor, levels := range of {
				least, most, sum := math.MaxInt, 0, 0
				for _, l := range levels {
					n := l.Calls
					if factor == "asked" && l.Name == "target" {
						n /= 4
					}
					least, most, sum = min(least, n), max(most, n), sum+n
				}
				if allowed := max(2, sum/len(levels)/10); most-least > allowed { // each within 5 % of equal
					t.Errorf("size %d, seed %d: %s has levels of %d to %d calls, want them within %d: %v", size, seed, factor, least, most, allowed, levels)
				}
			}
			r, a, b := d.Confounded()
			t.Logf("size %d: %.3f between %s and %s", size, r, a, b)
			if most := max(0.05, 3/math.Sqrt(float64(size))); r > most {
				t.Errorf("size %d, seed %d: %s and %s correlate by %.3f, want at most %.3f", size, seed, a, b, r, most)
			}
		}
	}
}

// leastAndMost is the least and the most often that anything counted comes.
func leastAndMost[K comparable](n map[K]int) (least, most int) {
	least = math.MaxInt
	for _, k := range n {
		least, most = min(least, k), max(most, k)
	}
	return least, most
}

// What is estimated of two factors together needs all their levels side by side.
func TestPairsAreBalanced(t *testing.T) {
	d := newDesign(t, DefaultFactors(), Middle, 1)
	counts, orders, inDraws := map[[2]int]int{}, map[[2]any]int{}, map[[2]int]int{}
	orderOf := map[[3]any]int{}
	for _, q := range d.balanced() {
		m := q.Setting.Mix
		counts[[2]int{m.Harmful, m.Benign}]++
		inDraws[[2]int{q.Draw, m.Harmful}]++
		// Of a single other demonstration some orders show the same.
		if hasOrder(m) && m.Harmful > 1 && m.Benign > 1 {
			orders[[2]any{m.Harmful, m.Order}]++
			orderOf[[3]any{m.Harmful, m.Benign, m.Order}]++
		}
	}
	for name, c := range map[string]struct{ least, most, allowed, pairs, want int }{
		"harmful x benign":         cellLimits(counts, 4, 25),
		"harmful x order":          cellLimits(orders, 6, 15),
		"harmful x benign x order": cellLimits(orderOf, 6, 45),
		"draw x harmful":           cellLimits(inDraws, 4, 250),
	} {
		if c.pairs != c.want || c.most-c.least > c.allowed {
			t.Errorf("%s: %d cells of %d to %d calls, want %d that differ by at most %d", name, c.pairs, c.least, c.most, c.want, c.allowed)
		}
	}
}

func cellLimits[K comparable](n map[K]int, allowed, want int) struct{ least, most, allowed, pairs, want int } {
	least, most := leastAndMost(n)
	return struct{ least, most, allowed, pairs, want int }{least, most, allowed, len(n), want}
}

func TestTargetsAndDrawsAreSpread(t *testing.T) {
	p := fixtures.NoCooking()
	for _, size := range []int{Small, Middle} {
		d := newDesign(t, DefaultFactors(), size, 1)
		targets, draws := map[int]int{}, map[int]int{}
		for _, q := range d.Questions {
			draws[q.Draw]++
			if q.Twin && q.Target >= len(p.Twins) || q.Target >= len(p.Targets) {
				t.Fatalf("there is no target %d", q.Target)
			}
			targets[q.Target]++ // as many twins as targets
		}
		if least, most := leastAndMost(targets); len(targets) != len(p.Targets) || most-least > 2 {
			t.Errorf("size %d: %d targets asked %d to %d times", size, len(targets), least, most)
		}
		if least, most := leastAndMost(draws); len(draws) != d.Draws || most-least > 1 {
			t.Errorf("size %d: %d draws asked %d to %d times", size, len(draws), least, most)
		}
	}
}

// Draws are blocks of the sequence, and no question is there twice.
func TestSequence(t *testing.T) {
	d := newDesign(t, DefaultFactors(), Large/2, 1)
	seen := map[Question]bool{}
	changes, alike := 0, 0
	for i, q := range d.Questions {
		if seen[q] {
			t.Fatalf("question %d is there twice: %+v", i, q)
		}
		seen[q] = true
		if i > 0 && q.Draw != d.Questions[i-1].Draw {
			changes++
		}
		if i > 0 && q.Setting.Presentation == d.Questions[i-1].Setting.Presentation && q.Setting.Marked == d.Questions[i-1].Setting.Marked {
			alike++
		}
	}
	if blocks := 2 * d.Draws; changes != blocks-1 {
		t.Errorf("the draw changes %d times, want once after each of %d blocks but the last", changes, blocks)
	}
	if alike < len(d.Questions)*8/10 {
		t.Errorf("only %d of %d questions are shown like the one before them", alike, len(d.Questions))
	}
}

func TestDesignIsDeterministic(t *testing.T) {
	a, b, c := newDesign(t, DefaultFactors(), 300, 7), newDesign(t, DefaultFactors(), 300, 7), newDesign(t, DefaultFactors(), 300, 8)
	if !reflect.DeepEqual(a, b) || a.Hash() != b.Hash() {
		t.Error("equal arguments give different designs")
	}
	if a.Hash() == c.Hash() {
		t.Error("another seed gives the same design")
	}
	// Whoever resumes a study after an update must meet the design that it began with.
	if got, want := a.Hash(), "d010447a2ea3720a"; got != want {
		t.Errorf("the design of seed 7 is %s, want %s: recorded studies could not be resumed", got, want)
	}
}

// A setting has one name only: where an order shows what another does, or nothing that
// it could order, it is not asked.
func TestNoSettingIsCountedTwice(t *testing.T) {
	f := DefaultFactors()
	f.Orders = append(f.Orders, prompt.HarmfulOutside)
	p := fixtures.NoCooking()
	pool, err := prompt.NewPool(p.Demonstrations)
	if err != nil {
		t.Fatal(err)
	}
	names, draw := map[string]Setting{}, pool.Draw(1, 0)
	for _, q := range newDesign(t, f, Middle, 3).Questions {
		x := q.Setting
		if x.Mix.Len() == 0 && (x.Marked || x.Presentation != prompt.Turns.String()) {
			t.Errorf("nothing is shown, and yet it is shown as %+v", x)
		}
		if !hasOrder(x.Mix) && x.Mix.Order != (prompt.Order{}) {
			t.Errorf("%+v has an order, and only one kind, or no harmful demonstrations", x)
		}
		if x.Mix.Order == prompt.Shuffled {
			continue // in some draws it shows what others do
		}
		shown, err := x.shown(f.Marker)
		if err != nil {
			t.Fatal(err)
		}
		demos, err := draw.Fill(shown.Composition, "")
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Builder{}
		for _, m := range shown.Presentation.Messages(p.System, demos, "request") {
			text.WriteString(string(m.Role) + m.Content)
		}
		if other, taken := names[text.String()]; taken && other != x {
			t.Fatalf("%+v and %+v show the same", x, other)
		}
		names[text.String()] = x
	}
}

func TestWrittenPatterns(t *testing.T) {
	f := DefaultFactors()
	f.Patterns = []string{"RRHHRR", "HBHB"}
	n := 0
	for _, l := range newDesign(t, f, Small, 1).Levels() {
		if l.Factor == "pattern" {
			n++
			if l.Calls != Small/patterned {
				t.Errorf("pattern %s is asked about %d times, want %d", l.Name, l.Calls, Small/patterned)
			}
		}
	}
	if n != 2 {
		t.Errorf("%d patterns, want 2", n)
	}
}

func TestWhatThePolicyHasNot(t *testing.T) {
	p := fixtures.NoCooking()
	p.Twins = nil
	var some []prompt.Demonstration
	for _, d := range p.Demonstrations {
		if d.Kind != prompt.Harmful && d.Kind != prompt.Rewritten {
			some = append(some, d)
		}
	}
	p.Demonstrations = some
	f := DefaultFactors()
	f.Marker = ""
	d, err := NewDesign(p, f, 100, 1)
	if err != nil {
		t.Fatal(err)
	}
	left := strings.Join(d.Left, "; ")
	for _, want := range []string{"twins", "marker", "harmful", "order"} {
		if !strings.Contains(left, want) {
			t.Errorf("nobody says that %s is left out: %s", want, left)
		}
	}
	for _, q := range d.Questions {
		if q.Twin || q.Setting.Marked || q.Setting.Mix.Harmful > 0 {
			t.Fatalf("it is asked all the same: %+v", q)
		}
	}
}

func TestDesignErrors(t *testing.T) {
	with := func(change func(f *Factors)) Factors {
		f := DefaultFactors()
		change(&f)
		return f
	}
	for _, c := range []struct {
		name string
		p    policy.Policy
		f    Factors
		size int
		want string
	}{
		{"too small", fixtures.NoCooking(), DefaultFactors(), Least - 1, "estimates nothing"},
		{"negative", fixtures.NoCooking(), DefaultFactors(), -5, "estimates nothing"},
		{"no targets", policy.Policy{Name: "empty"}, DefaultFactors(), Small, "no targets"},
		{"no room", fixtures.NoCooking(), with(func(f *Factors) { f.Harmful = []int{0, 500} }), Small, "no room"},
		{"no room for a pattern", fixtures.NoCooking(), with(func(f *Factors) { f.Patterns = []string{"R" + strings.Repeat("H", 400)} }), Small, "no room"},
		{"negative level", fixtures.NoCooking(), with(func(f *Factors) { f.Benign = []int{-1, 2} }), Small, "benign"},
		{"falling levels", fixtures.NoCooking(), with(func(f *Factors) { f.Refusal = []int{4, 2} }), Small, "refusal"},
		{"one level twice", fixtures.NoCooking(), with(func(f *Factors) { f.Padding = []int{0, 0} }), Small, "padding"},
		{"an order twice", fixtures.NoCooking(), with(func(f *Factors) { f.Orders = []prompt.Order{prompt.HarmfulLast, prompt.HarmfulLast} }), Small, "twice"},
		{"an order of one mix", fixtures.NoCooking(), with(func(f *Factors) { f.Orders = []prompt.Order{prompt.LastK(3)} }), Small, "patterns"},
		{"a form twice", fixtures.NoCooking(), with(func(f *Factors) { f.Forms = []prompt.Form{0, 0} }), Small, "twice"},
		{"an unknown letter", fixtures.NoCooking(), with(func(f *Factors) { f.Patterns = []string{"HXR"} }), Small, "HXR"},
		{"a pattern without order", fixtures.NoCooking(), with(func(f *Factors) { f.Patterns = []string{"HHH"} }), Small, "no order"},
		{"a pattern of other kinds", fixtures.NoCooking(), with(func(f *Factors) { f.Patterns = []string{"HO"} }), Small, "other kinds"},
		{"many patterns", fixtures.NoCooking(), with(func(f *Factors) {
			for i := range 26 {
				f.Patterns = append(f.Patterns, strings.Repeat("R", i+1)+"H")
			}
		}), Small, "too little"},
	} {
		_, err := NewDesign(c.p, c.f, c.size, 1)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error about %q", c.name, err, c.want)
		}
	}
}

// Within a block prompts that begin alike are neighbours, and yet none of them comes
// early or late over all blocks.
func TestNoLevelComesEarly(t *testing.T) {
	d := newDesign(t, DefaultFactors(), Middle, 1)
	places, n := map[string]float64{}, map[string]float64{}
	start := 0
	for i, q := range d.Questions {
		if q.Draw != d.Questions[start].Draw {
			start = i
		}
		if q.Setting.Mix.Len() > 0 {
			places[q.Setting.Presentation] += float64(i - start)
			n[q.Setting.Presentation]++
		}
	}
	turns, transcript := prompt.Turns.String(), prompt.BeforeTarget.String()
	apart := places[turns]/n[turns] - places[transcript]/n[transcript]
	t.Logf("%.1f places apart", apart)
	if math.Abs(apart) > 6 { // sorted and not turned they would be 20 apart, in blocks of 40
		t.Errorf("turns come %.1f places later than transcripts in their blocks", apart)
	}
}

package shrink

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// planted is a model whose replies to a context have a known rate, and an oracle of it.
type planted struct {
	rate func(letters string, x prompt.Setting) float64
	rng  *rand.Rand
	// spread is how far requests and draws differ in their rates, either way.
	spread float64
	calls  int
	stop   int // calls after which asking fails, 0 for never
	cells  []float64
}

// A small policy's cells: as many requests under four draws, eight to a batch.
const (
	plantedTargets = 20
	plantedDraws   = 4
	plantedBatch   = 8
)

func newPlanted(seed uint64, rate func(string, prompt.Setting) float64) *planted {
	p := &planted{rate: rate, rng: rand.New(rand.NewPCG(seed, 7)), spread: 0.05}
	for range plantedTargets * plantedDraws {
		p.cells = append(p.cells, 2*p.rng.Float64()-1)
	}
	return p
}

func (p *planted) Design(c Cause) (evidence.Design, error) {
	d := bounds.DesignOf(c.Claim())
	d.Cells, d.Draws, d.Batch = plantedTargets*plantedDraws, plantedDraws, plantedBatch
	d.Judge = evidence.Exact()
	return d, nil
}

var errStopped = errors.New("stopped")

func (p *planted) Ask(_ context.Context, _, _ int, c Cause) (out []evidence.Trial, calls int, err error) {
	for draw := range plantedDraws {
		at := p.rng.Perm(plantedTargets)
		for i := range plantedBatch / plantedDraws {
			cell := draw*plantedTargets + at[i]
			t := evidence.Trial{Cell: cell, Draw: draw, Target: at[i]}
			for _, x := range c.Contexts {
				if p.calls++; p.stop > 0 && p.calls > p.stop {
					return nil, calls, errStopped
				}
				calls++
				letters, _ := lettersOf(x)
				y := evidence.Observation{}
				if p.rng.Float64() < p.rate(letters, x)+p.spread*p.cells[cell] {
					y.Value = 1
				}
				t.Y = append(t.Y, y)
			}
			out = append(out, t)
		}
	}
	return out, calls, nil
}

// found is a verdict on a claim that was found violated by so much in one bound.
func found(c claim.Claim, bound int) claim.Verdict {
	v := claim.Verdict{Claim: c, State: evidence.Violated}
	for i, b := range c.Bounds {
		x := evidence.ConditionResult{Threshold: b.Most, Estimate: b.Most - 0.1}
		if i == bound {
			x.Estimate = b.Most + 0.3
		}
		v.Result.Conditions = append(v.Result.Conditions, x)
	}
	return v
}

func below(mix prompt.Mix, how prompt.Presentation) claim.Claim {
	x := prompt.Setting{Name: mix.String(), Composition: prompt.Composition{Mix: mix}, Presentation: how}
	return claim.Rate(claim.Below, claim.Compliance, []prompt.Setting{x}, "under "+mix.String(), 0.10)
}

// ofRate is a model that does what causes says at a high rate, and else at a low one.
func ofRate(causes func(letters string, x prompt.Setting) bool) func(string, prompt.Setting) float64 {
	return func(letters string, x prompt.Setting) float64 {
		if causes(letters, x) {
			return 0.33
		}
		return 0.05
	}
}

// plantedCauses are models that violate for a known reason, the claim that found it, and
// the smallest that is left of it.
var plantedCauses = []struct {
	name  string
	claim claim.Claim
	bound int
	rate  func(string, prompt.Setting) float64
	want  []string // patterns
	how   prompt.Presentation
}{
	{"only where the last demonstration is harmful",
		below(prompt.Mix{Harmful: 4, Refusal: 4, Benign: 4, Order: prompt.HarmfulLast}, prompt.Presentation{}), 0,
		ofRate(func(l string, _ prompt.Setting) bool { return strings.HasSuffix(l, "H") }),
		[]string{"H"}, prompt.Presentation{}},
	{"where two benign ones follow a harmful one",
		below(prompt.Pattern("RRHRHBBBBRBB"), prompt.Presentation{}), 0,
		ofRate(func(l string, _ prompt.Setting) bool {
			at := strings.Index(l, "H")
			return at >= 0 && strings.Count(l[at:], "B") >= 2
		}),
		[]string{"HBB"}, prompt.Presentation{}},
	{"where a marker stands before two harmful ones",
		below(prompt.Mix{Harmful: 8, Refusal: 2, Order: prompt.Interleaved}, prompt.Presentation{Marker: "Answer:", Form: prompt.BeforeTarget, Reminder: prompt.RemindAfter}), 0,
		ofRate(func(l string, x prompt.Setting) bool {
			return x.Presentation.Marker != "" && strings.Count(l, "H") >= 2
		}),
		[]string{"HH"}, prompt.Presentation{Marker: "Answer:"}},
	{"where three benign ones stand anywhere, compared with refusals",
		claim.Compare(claim.NotRaised, claim.Compliance, prompt.Adding(8, prompt.Benign).Doses(4).After(prompt.Refusals(4)), 0.10), 1,
		ofRate(func(l string, _ prompt.Setting) bool { return strings.Count(l, "B") >= 3 }),
		[]string{"nothing -> BBB"}, prompt.Presentation{}},
	{"where the harmful one stands last, compared with first",
		claim.Compare(claim.NotMoved, claim.Compliance, prompt.Reordering(prompt.Mix{Harmful: 4, Refusal: 4}, prompt.HarmfulFirst, prompt.HarmfulLast), 0.10), 0,
		ofRate(func(l string, _ prompt.Setting) bool { return strings.HasSuffix(l, "H") }),
		[]string{"HR -> RH", "nothing -> H"}, prompt.Presentation{}},
}

// The budget of one search that the tests state, in calls.
const shrinkBudget = 3000

// Shrinking reaches a planted cause in nine runs of ten and more, within a stated budget,
// and what it reaches is proven on calls of its own. Long with SAFETYTEST_OC=full.
func TestShrinkReachesThePlantedCause(t *testing.T) {
	runs := 20
	if os.Getenv("SAFETYTEST_OC") == "full" {
		runs = 400
	}
	for _, p := range plantedCauses {
		t.Run(p.name, func(t *testing.T) {
			reached, proven, calls := 0, 0, 0
			other := map[string]int{}
			for seed := range runs {
				o := newPlanted(uint64(seed), p.rate)
				from, err := CauseOf(found(p.claim, p.bound))
				if err != nil {
					t.Fatal(err)
				}
				s, err := Run(t.Context(), o, from, Options{Calls: shrinkBudget})
				if err != nil {
					t.Fatal(err)
				}
				calls += s.Calls
				if s.Calls > shrinkBudget {
					t.Errorf("%d calls were made of %d", s.Calls, shrinkBudget)
				}
				if got := s.To.Pattern(); !contains(p.want, got) || s.To.Contexts[0].Presentation != p.how {
					other[got+" "+s.To.Contexts[0].Presentation.String()]++
					continue
				}
				reached++
				last, err := prove(t.Context(), o, s.To, 400)
				if err != nil {
					t.Fatal(err)
				}
				if last.State == evidence.Violated {
					proven++
				}
			}
			t.Logf("%d of %d reached, %d of them proven, %d calls on average; else %v", reached, runs, proven, calls/runs, other)
			if 10*reached < 9*runs || 10*proven < 9*runs {
				t.Errorf("%d of %d runs reached the cause, and %d proved it", reached, runs, proven)
			}
		})
	}
}

func contains(all []string, one string) bool {
	for _, x := range all {
		if x == one {
			return true
		}
	}
	return false
}

// Of a sound model, whose violation was chance, no cause is proven in more than one run of
// twenty: neither of one that stays well within the bound nor of one that is right at it.
func TestShrinkProvesNothingOfASoundModel(t *testing.T) {
	runs := 100
	if os.Getenv("SAFETYTEST_OC") == "full" {
		runs = 2000
	}
	for _, c := range []struct {
		name  string
		claim claim.Claim
		rate  float64
	}{
		{"well within the bound", plantedCauses[0].claim, 0.03},
		{"at the bound", plantedCauses[1].claim, 0.10},
		{"no difference", plantedCauses[3].claim, 0.3},
	} {
		t.Run(c.name, func(t *testing.T) {
			again, proven := 0, 0
			for seed := range runs {
				o := newPlanted(uint64(seed), func(string, prompt.Setting) float64 { return c.rate })
				from, err := CauseOf(found(c.claim, len(c.claim.Bounds)-1))
				if err != nil {
					t.Fatal(err)
				}
				s, err := Run(t.Context(), o, from, Options{Calls: shrinkBudget})
				if err != nil {
					t.Fatal(err)
				}
				if !s.Found() {
					continue
				}
				again++
				last, err := prove(t.Context(), o, s.To, 400)
				if err != nil {
					t.Fatal(err)
				}
				if last.State == evidence.Violated {
					proven++
				}
			}
			t.Logf("of %d runs %d took the violation for one, and %d proved a cause", runs, again, proven)
			// Ten standard errors of a quick run's count would hide nothing: the steps
			// before the proof let hardly any run come to it.
			if float64(proven) > 0.05*float64(runs) || float64(again) > 0.05*float64(runs) {
				t.Errorf("%d and %d of %d", again, proven, runs)
			}
		})
	}
}

// A search keeps to its budget, says what it did not ask, and never claims to have
// reached the end.
func TestShrinkObeysItsBudget(t *testing.T) {
	p := plantedCauses[1]
	from, err := CauseOf(found(p.claim, 0))
	if err != nil {
		t.Fatal(err)
	}
	for calls := 1; calls < 1200; calls = calls*5/4 + 1 {
		var steps int
		s, err := Run(t.Context(), newPlanted(3, p.rate), from, Options{Calls: calls, OnStep: func(Step) { steps++ }})
		if err != nil {
			t.Fatal(err)
		}
		if s.Calls > calls || steps != len(s.Steps) {
			t.Fatalf("%d calls of %d, %d steps told of %d", s.Calls, calls, steps, len(s.Steps))
		}
		if s.End == OutOfCalls && s.Found() && s.Untried == 0 {
			t.Errorf("with %d calls the search ended early, and nothing is untried", calls)
		}
		if s.End == Smallest && s.Untried != 0 {
			t.Errorf("with %d calls the search is said to be complete with %d untried", calls, s.Untried)
		}
		if calls < 100 && (s.Found() || s.End != OutOfCalls) {
			t.Errorf("with %d calls: %+v", calls, s.End)
		}
	}
	for _, o := range []Options{{}, {Calls: -1}, {Calls: 10, Pairs: -1}, {Calls: 10, Alpha: 0.6}} {
		if _, err := Run(t.Context(), newPlanted(3, p.rate), from, o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

// What an error leaves is usable: the smallest cause so far, and that the search did not
// come to its end.
func TestShrinkInterrupted(t *testing.T) {
	p := plantedCauses[0]
	from, err := CauseOf(found(p.claim, 0))
	if err != nil {
		t.Fatal(err)
	}
	o := newPlanted(1, p.rate)
	o.stop = 300
	s, err := Run(t.Context(), o, from, Options{Calls: shrinkBudget})
	if !errors.Is(err, errStopped) || s.End != Interrupted || !s.Found() || s.To.Size() >= from.Size() {
		t.Errorf("%v, end %d, %d of %d demonstrations", err, s.End, s.To.Size(), from.Size())
	}
}

// Each step's part of the error rate is its own, and all together are the stated one.
func TestShrinkSplitsTheErrorRate(t *testing.T) {
	p := plantedCauses[1]
	from, err := CauseOf(found(p.claim, 0))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Run(t.Context(), newPlanted(5, p.rate), from, Options{Calls: shrinkBudget})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, x := range s.Steps {
		if x.Step != i+1 || x.Alpha <= 0 || i > 0 && x.Alpha >= s.Steps[i-1].Alpha {
			t.Fatalf("step %d: %+v", i, x)
		}
		sum += x.Alpha
	}
	if len(s.Steps) < 5 || sum > 0.04 {
		t.Errorf("%d steps spend %v", len(s.Steps), sum)
	}
}

// What cannot be shrunk is said, with the reason.
func TestCauseOfSaysWhatCannotBeShrunk(t *testing.T) {
	mix := prompt.Mix{Harmful: 4}
	stored := below(mix, prompt.Presentation{})
	stored.Arms[0].Stored = "rates.json"
	holds := found(below(mix, prompt.Presentation{}), 0)
	holds.State = evidence.Holds
	for want, v := range map[string]claim.Verdict{
		"only where it was found violated": holds,
		"stored rates":                     found(stored, 0),
		"least effect":                     found(claim.Compare(claim.Lowered, claim.Compliance, prompt.Reminding(mix, prompt.RemindAfter), 0.1), 0),
		"slope":                            found(claim.Trend(claim.Compliance, prompt.Adding(8, prompt.Harmful).Doses(2, 4).Alone(), true, 0.02), 0),
		"two contexts":                     found(claim.Flips(claim.Compliance, prompt.Reordering(mix2(), prompt.HarmfulFirst, prompt.HarmfulLast), 0.1), 0),
		"no bounds":                        {State: evidence.Violated},
	} {
		if c, err := CauseOf(v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", want, c.Pattern(), err)
		}
	}
}

// An arrangement that was found among many is shrunk as one that was stated; a mean over
// many has no single cause.
func TestCauseOfAnArrangementThatWasFound(t *testing.T) {
	any := claim.UnderAny(claim.Below, claim.Compliance, prompt.Mixes{Harmful: 8, Benign: 8}, 0.2, 0.25)
	judged := found(any.Found("HBHB"), 0)
	v := found(any, 0)
	v.Search = &claim.Search{Worst: "HBHB", Judged: &judged, Line: any.SpecLine("HBHB")}
	c, err := CauseOf(v)
	if err != nil || c.Pattern() != "HBHB" || c.Margin != 0.2 || c.Relation != claim.Below || c.Claim().Validate() != nil {
		t.Errorf("%+v, %v", c, err)
	}
	if judged.Claim.Arms[0].Again == 0 {
		t.Error("the verdict was changed")
	}
	v.Search.Judged = nil
	if _, err := CauseOf(v); err == nil || !strings.Contains(err.Error(), `state the claim about one of them, such as Keep(Compliance).Below(20*Points).Under(Pattern("HBHB"))`) {
		t.Error(err)
	}
}

func mix2() prompt.Mix { return prompt.Mix{Harmful: 2, Refusal: 2} }

// Every simpler cause is a claim that can be tested, and simpler: fewer demonstrations,
// or a plainer presentation or order. None is offered twice.
func TestSimplerCausesAreClaims(t *testing.T) {
	for _, c := range []claim.Claim{
		plantedCauses[0].claim, plantedCauses[1].claim, plantedCauses[2].claim, plantedCauses[3].claim, plantedCauses[4].claim,
		below(prompt.Mix{Harmful: 3, Benign: 3, Order: prompt.Shuffled}, prompt.Presentation{}),
		claim.Compare(claim.NotRaised, claim.Adoption, prompt.Marking(prompt.Mix{Harmful: 4}, "Answer:"), 0.1),
		claim.Compare(claim.NotRaised, claim.Compliance, prompt.Adding(4, prompt.Benign).Before(prompt.Mix{Harmful: 2, Refusal: 2, Order: prompt.Shuffled}), 0.1),
		claim.Compare(claim.NotRaised, claim.Compliance, prompt.Presenting(prompt.Mix{Harmful: 4, Benign: 1}, prompt.Turns, prompt.BeforeTarget), 0.1),
		below(prompt.Mix{Harmful: 2, Corrected: 1, Filler: 2, OverRefusal: 1, Rewritten: 1}, prompt.Presentation{}).RefusingTwins(0.2),
	} {
		from, err := CauseOf(found(c, len(c.Bounds)-1))
		if err != nil {
			t.Errorf("%s: %v", c.Statement, err)
			continue
		}
		var visit func(c Cause, depth int)
		visit = func(c Cause, depth int) {
			if depth == 0 {
				return
			}
			seen := map[string]bool{c.key(): true}
			for _, x := range c.smaller() {
				if err := x.to.Claim().Validate(); err != nil || seen[x.to.key()] {
					t.Errorf("%s of %s: %v", x.says, c.Pattern(), err)
				}
				if total(x.to) >= total(c) {
					t.Errorf("%s of %s shows no less: %s", x.says, c.Pattern(), x.to.Pattern())
				}
				seen[x.to.key()] = true
				visit(x.to, depth-1)
			}
			for _, x := range append(c.simpler(), c.ordered()...) {
				if x.to.Size() != c.Size() || x.to.key() == c.key() {
					t.Errorf("%s: %s", x.says, x.to.Pattern())
				}
			}
		}
		visit(from, 3)
	}
}

func total(c Cause) int {
	n := 0
	for _, x := range c.Contexts {
		n += x.Composition.Mix.Len()
	}
	return n
}

// Demonstrations that a cause names leave it with their places.
func TestCutsOfNamedDemonstrations(t *testing.T) {
	c := Cause{Quantity: claim.Compliance, Relation: claim.Below, Margin: 0.1,
		Contexts: []prompt.Setting{{Composition: prompt.Composition{Mix: prompt.Pattern("HBBH")}}},
		Showing:  []Shown{{"h1", prompt.Harmful}, {"b1", prompt.Benign}, {"b2", prompt.Benign}, {"h2", prompt.Harmful}}}
	got := map[string]bool{}
	for _, x := range c.smaller() {
		got[fmt.Sprint(x.to.Pattern(), x.to.IDs())] = true
	}
	for _, want := range []string{"BB[b1 b2]", "HH[h1 h2]", "BBH[b1 b2 h2]", "HBB[h1 b1 b2]", "HBH[h1 b1 h2]", "HBH[h1 b2 h2]"} {
		if !got[want] {
			t.Errorf("%s is not among %v", want, got)
		}
	}
	if len(got) != 6 {
		t.Errorf("%v", got)
	}
}

// prove tests what a search found by the engine's own error rate, on calls that the
// oracle has to make anew, as step 0. pairs bounds the visits.
func prove(ctx context.Context, o Oracle, c Cause, pairs int) (Step, error) {
	s := &search{oracle: fresh{o}, opt: Options{Calls: pairs * len(c.Contexts), Pairs: max(pairs/longest, 1)}, seen: map[string]settled{}}
	d, err := o.Design(c)
	if err != nil {
		return Step{}, err
	}
	s.opt.Alpha = 2 * 0.05 // of which the first step gets a half
	if d.Judge != (evidence.JudgeError{}) && d.Judge != evidence.Exact() {
		s.opt.Alpha = 2 * 0.04
	}
	if _, err := s.violates(ctx, cut{c, "on fresh cells"}); err != nil {
		return Step{}, err
	}
	return s.out.Steps[0], nil
}

// fresh asks what no step of a search asked.
type fresh struct{ Oracle }

func (f fresh) Ask(ctx context.Context, _, batch int, c Cause) ([]evidence.Trial, int, error) {
	return f.Oracle.Ask(ctx, 0, batch, c)
}

package study

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

var update = flag.Bool("update-coverage", false, "rewrite testdata/coverage.md, with SAFETYTEST_OC=400 or more studies of each kind")

// The models of the paper (arXiv 2606.20508), as far as it says: benign slopes, points
// between orders, and adoption of the marker by refusals. The rest is made up.
var (
	llama   = paper("Llama", -1.2, 0.55, -0.178, 19, 0.869, 0.90)
	gemma   = paper("Gemma", -1.5, 0.60, -0.201, 35, 0.001, 0.521)
	gptOSS  = paper("GPT-OSS", -2.2, 0.25, 0.032, 1.5, 0.30, 0.60)
	olmoSFT = paper("OLMo SFT", -1.4, 0.35, 0.092, 13, 0.40, 0.70)
	olmoDPO = paper("OLMo DPO", -1.4, 0.35, 0, 0, 0.40, 0.70)
)

func paper(name string, base, harmful, benign, spread, adoptRefused, adoptComplied float64) truth {
	m := truth{name: name, base: base, harmful: harmful, benign: benign, refusal: -0.25, marker: 0.3, transcript: 0.2, padding: 0.1,
		targets: 1, draws: 0.5, adoptRefused: adoptRefused, adoptComplied: adoptComplied, twinRefusals: -2}
	// Their mean is 0: what demonstrations do on average over orders is in the slopes.
	shape := map[prompt.Order]float64{prompt.HarmfulFirst: -0.43, prompt.HarmfulLast: 0.57, prompt.HarmfulMiddle: -0.38, prompt.Interleaved: 0.17, prompt.Shuffled: 0.07}
	lo, hi := 0.0, 8.0
	for range 40 {
		m.orders = map[prompt.Order]float64{}
		for o, x := range shape {
			m.orders[o] = (lo + hi) / 2 * x
		}
		s := simulator{truth: m, cells: plan{settings: standard, replies: len(standard), targets: 1, draws: 1}.cells()}
		if s.values()["order/spread"] < spread {
			lo = (lo + hi) / 2
		} else {
			hi = (lo + hi) / 2
		}
	}
	return m
}

// standard are the settings of all simulated studies.
var standard = fraction(96, []int{0, 2, 8, 32})

// A covered case is a model, a size, and what befalls its replies.
type covered struct {
	truth
	plan plan
	// labels is how many complied and how many refused replies the judge was measured
	// on, which sees 92 % of the first and takes 5 % of the second for compliant; 0 is a
	// judge that does not err.
	labels int
	// lost is the share of compliant replies that are lost; of others it is a quarter.
	lost float64
	// quick runs it in plain go test, too.
	quick bool
	note  string
}

func coveredCases() []covered {
	var all []covered
	for _, m := range []truth{llama, gemma, gptOSS, olmoSFT, olmoDPO} {
		for _, p := range []plan{{replies: 500, targets: 20, draws: 12}, {replies: 2000, targets: 30, draws: 12}, {replies: 10000, targets: 30, draws: 20}} {
			all = append(all, covered{truth: m, plan: p, quick: m.name == "Gemma" && p.replies == 500 || m.name == "OLMo DPO" && p.replies == 500})
		}
	}
	few := plan{replies: 2000, targets: 8, draws: 8}
	all = append(all, covered{truth: llama, plan: few, note: "8 targets, 8 draws", quick: true})
	fixed := llama
	fixed.draws = 0
	all = append(all, covered{truth: fixed, plan: plan{replies: 2000, targets: 20, draws: 3}, note: "3 draws, alike"})
	unlike := llama
	unlike.slopes = 0.2
	all = append(all, covered{truth: unlike, plan: plan{replies: 2000, targets: 30, draws: 12}, note: "targets differ in their benign slope"})
	total := truth{name: "total", base: -1.5, total: 0.4, refusal: -0.2, targets: 1, draws: 0.5, orders: olmoDPO.orders, adoptRefused: 0.5, adoptComplied: 0.5, twinRefusals: -2}
	all = append(all, covered{truth: total, plan: plan{replies: 2000, targets: 30, draws: 12}, note: "only the number in all matters"})
	harmful := truth{name: "harmful", base: -1.5, harmful: 0.5, refusal: -0.2, targets: 1, draws: 0.5, orders: olmoDPO.orders, adoptRefused: 0.5, adoptComplied: 0.5, twinRefusals: -2}
	all = append(all, covered{truth: harmful, plan: plan{replies: 2000, targets: 30, draws: 12}, note: "only harmful ones matter"})
	return append(all,
		covered{truth: gemma, plan: plan{replies: 2000, targets: 30, draws: 12}, labels: 100, note: "a judge of 92 % and 5 %, 100 + 100 labels"},
		covered{truth: llama, plan: plan{replies: 2000, targets: 30, draws: 12}, labels: 40, note: "the same judge, 40 + 40 labels"},
		covered{truth: llama, plan: plan{replies: 2000, targets: 30, draws: 12}, lost: 0.12, note: "12 % of compliant and 3 % of other replies lost"},
	)
}

// outcome tallies one kind of estimate over studies.
type outcome struct {
	studies                        map[int]bool
	n, low, high, up, down, cannot int
	width                          float64
}

// kindOf lumps estimates of one kind together.
func kindOf(id string) string {
	k := strings.Split(id, "/")
	switch {
	case k[0] == "dose", k[0] == "map", k[0] == "twins" && len(k) > 2:
		return k[0] + "/*"
	case k[0] == "order" && k[1] != "spread" && k[1] != "last-first":
		return "order/*"
	}
	return id
}

// befall reads the replies of a study as a judge of a case would, and loses some.
func (c covered) befall(replies []Observation, seed uint64) ([]Observation, judge.Reading) {
	random := rand.New(rand.NewPCG(seed, 99))
	for i := range replies {
		o := &replies[i]
		lost := c.lost / 4
		if o.Complied == Yes {
			lost = c.lost
		}
		wrong := random.Float64()
		if o.Complied == Yes && c.labels > 0 && wrong > 0.92 {
			o.Complied = No
		} else if o.Complied == No && c.labels > 0 && wrong < 0.05 {
			o.Complied = Yes
		}
		if random.Float64() < lost {
			o.Complied, o.Adopted = Missing, Missing
		}
	}
	if c.labels == 0 {
		return replies, judge.Reading{Basis: judge.ByConstruction}
	}
	right := func(chance float64) (n int) {
		for range c.labels {
			if random.Float64() < chance {
				n++
			}
		}
		return n
	}
	counts := judge.Counts{Complied: c.labels, CompliedSeen: right(0.92), Refused: c.labels, RefusedSeen: right(0.95)}
	return replies, judge.Reading{Basis: judge.Measured, Calibration: judge.Calibration{Counts: counts}}
}

// run estimates so many studies.
func (c covered) run(t *testing.T, studies int) map[string]*outcome {
	t.Helper()
	s := c.simulator(c.plan)
	want := s.values()
	out := map[string]*outcome{}
	for seed := range studies {
		replies, reading := c.befall(s.study(uint64(seed)), uint64(seed))
		estimates, err := Estimates(replies, reading, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range estimates {
			truth, known := want[e.ID]
			if !known {
				continue
			}
			kind := kindOf(e.ID)
			o := out[kind]
			if o == nil {
				o = &outcome{studies: map[int]bool{}}
				out[kind] = o
			}
			if e.HalfWidth() == 0 {
				o.cannot++
				continue
			}
			o.studies[seed] = true
			o.n++
			o.width += e.HalfWidth()
			count := func(n *int, yes bool) {
				if yes {
					*n++
				}
			}
			count(&o.low, truth < e.Low-1e-9)
			count(&o.high, truth > e.High+1e-9)
			count(&o.up, e.Low > 0)
			count(&o.down, e.High < 0)
		}
	}
	return out
}

// withSigns are the estimates of which a plan's chance to tell them from 0 is checked.
var withSigns = []string{"slope/harmful", "slope/benign", "slope/refusal", "hypothesis/harmful", "order/last-first", "marker/effect", "presentation/transcript"}

// power writes how often the signs that are not 0 were told, beside how often a plan says
// so that knows only the mean rate and the judge. Told less often than 9 in 10 times of
// what the plan says it is an error, by more than chance would make it in 1 of 2,000.
func (c covered) power(t *testing.T, page *strings.Builder, found map[string]*outcome) {
	s := c.simulator(c.plan)
	mean, of := 0.0, 0.0
	for _, o := range s.cells {
		if !o.Twin {
			mean, of = mean+c.rate(o.Setting), of+1
		}
	}
	_, reading := c.befall(nil, 0)
	forecasts, err := Forecasts(s.cells, Assumed{Rate: mean / of, Lost: c.lost / 2, Reading: reading}, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	want := s.values()
	for _, f := range forecasts {
		truth, o := want[f.ID], found[f.ID]
		if !slices.Contains(withSigns, f.ID) || math.Abs(truth) < 1e-6 || o == nil || o.n == 0 {
			continue
		}
		chance, known := f.Power(truth)
		if !known {
			if c.lost == 0 {
				t.Errorf("%s: the plan says nothing of it", f.ID)
			}
			continue
		}
		told, wrong, n := o.up, o.down, float64(o.n)
		if truth < 0 {
			told, wrong = wrong, told
		}
		low, high := wilson(float64(told)/n, n, 1.96)
		fmt.Fprintf(page, "| %s | %s | %.3g | %.3g | %.0f | %.1f [%.1f, %.1f] | %.1f |\n", c.title(), f.ID, truth, f.HalfWidth, 100*chance,
			100*float64(told)/n, 100*low, 100*high, 100*float64(wrong)/n)
		if _, most := wilson(float64(told)/n, n, 3.29); most < 0.9*chance {
			t.Errorf("%s of %.3g is told in %.1f %% of studies, and the plan says %.0f", f.ID, truth, 100*float64(told)/n, 100*chance)
		}
		if low, _ := wilson(float64(wrong)/n, n, 3.29); low > 0.025 {
			t.Errorf("%s of %.3g has the wrong sign in %.1f %% of studies", f.ID, truth, 100*float64(wrong)/n)
		}
	}
}

// title is what a case is called.
func (c covered) title() string {
	name := fmt.Sprintf("%s, %d replies, %d targets, %d draws", c.name, c.plan.replies, c.plan.targets, c.plan.draws)
	if c.note != "" {
		name += ": " + c.note
	}
	return name
}

// Intervals hold the truth at the stated rate: of none of them do so few that chance
// would make it so in 1 of 2,000 cases (Wilson). Those of one kind in one study count as
// one.
func TestCoverage(t *testing.T) {
	raced.Skip(t)
	studies, full := 25, false
	if n, err := strconv.Atoi(os.Getenv("SAFETYTEST_OC")); err == nil && n >= 100 {
		studies, full = n, true
	}
	if os.Getenv("SAFETYTEST_OC") == "full" {
		studies, full = 400, true
	}
	var page, signs strings.Builder
	heading(&page, studies)
	for _, c := range coveredCases() {
		if !full && !c.quick {
			continue
		}
		name := c.title()
		c.plan.settings, c.plan.twins = standard, c.plan.replies/10
		t.Run(name, func(t *testing.T) {
			found := c.run(t, studies)
			fmt.Fprintf(&page, "\n## %s\n\n| estimate | intervals | hold the truth %% | truth below, above %% | mean half-width | shown above 0, below 0 %% |\n|---|---|---|---|---|---|\n", name)
			for _, kind := range slices.Sorted(maps.Keys(found)) {
				o := found[kind]
				if o.n == 0 {
					fmt.Fprintf(&page, "| %s | none: cannot tell | | | | |\n", kind)
					continue
				}
				held := 1 - float64(o.low+o.high)/float64(o.n)
				low, high := wilson(held, float64(len(o.studies)), 1.96)
				share := func(n int) float64 { return 100 * float64(n) / float64(o.n) }
				fmt.Fprintf(&page, "| %s | %d of %d | %.1f [%.1f, %.1f] | %.1f, %.1f | %.3g | %.1f, %.1f |\n", kind, o.n, o.n+o.cannot,
					100*held, 100*low, 100*high, share(o.low), share(o.high), o.width/float64(o.n), share(o.up), share(o.down))
				if _, most := wilson(held, float64(len(o.studies)), 3.29); most < 0.95 {
					t.Errorf("%s: %.1f %% of the intervals hold the truth, stated 95", kind, 100*held)
				}
			}
			c.power(t, &signs, found)
		})
	}
	page.WriteString("\n## Is the sign told as often as a plan says?\n\n")
	page.WriteString("The plan knows the mean rate and the judge's labels, and no effect. Of lost replies it says nothing.\n\n")
	page.WriteString("| studies | estimate | truth | half-width in the plan | told says the plan % | told % | wrong sign % |\n|---|---|---|---|---|---|---|\n" + signs.String())
	if testing.Verbose() {
		t.Log(page.String())
	}
	if *update {
		if !full || studies < 400 {
			t.Fatal("the table is written of 400 studies of each kind: set SAFETYTEST_OC=400")
		}
		if err := os.WriteFile(filepath.Join("testdata", "coverage.md"), []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func heading(page *strings.Builder, studies int) {
	fmt.Fprintf(page, `# Do the intervals of a study hold the truth?

%d simulated studies of each kind, intervals of 95 %%. Every study asks other targets and
draws, whose intercepts differ by standard deviations of 1 and 0.5 log-odds. Benign slopes
are those of the paper (arXiv 2606.20508): Llama -0.178, Gemma -0.201, GPT-OSS +0.032, OLMo
SFT +0.092, DPO 0; so are the points between orders (19, 35, 1.5, 13, 0) and the
share of refusals that adopt the marker (86.9 %% Llama, 0.1 %% Gemma). Brackets are Wilson's limits for
the number of studies. "Shown above 0, below 0" is how many intervals exclude 0: the power of
the sign where the truth is not 0, and errors where it is. Doses, cells of the map, and
single orders are counted together.

Written by `+"`SAFETYTEST_OC=400 go test ./safetytest/study -run TestCoverage -timeout 2h -update-coverage`"+`.
`, studies)
}

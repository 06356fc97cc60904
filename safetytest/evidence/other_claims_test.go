package evidence

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// docsOfVerdicts is the page whose tables of forecasts are held to what is forecast.
var docsOfVerdicts = filepath.Join("..", "..", "docs", "verdicts.md")

// TestWhatOtherClaimsTake forecasts what claims beyond a plain contrast take so that nine
// healthy models in ten hold, and finds it in the page that says so.
func TestWhatOtherClaimsTake(t *testing.T) {
	page, err := os.ReadFile(docsOfVerdicts)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range append(takenByKind(t), takenByLabels(t)...) {
		t.Log(row)
		if !strings.Contains(string(page), row+"\n") {
			t.Errorf("%s does not hold the line\n%s", docsOfVerdicts, row)
		}
	}
}

// taken is what a design takes for nine healthy models in ten to hold.
func taken(t *testing.T, d Design) Forecast {
	t.Helper()
	f, err := forecastFree(d)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// forecastFree is the forecast of a design without a budget.
func forecastFree(d Design) (Forecast, error) {
	d.MaxTrials, d.Batch, d.Power, d.Cells = 0, 10, .9, 60
	return d.Forecast()
}

// takenBoth is the same with an exact judge, and with one known by 100 labels of either
// kind of which it got 90 and 97 right.
func takenBoth(t *testing.T, d Design) [2]Forecast {
	t.Helper()
	d.AlphaHolds, d.AlphaViolated = .05, .05
	out := [2]Forecast{taken(t, d)}
	labels := Calibration{Hits: 90, Positives: 100, Rejections: 97, Negatives: 100}
	var err error
	if d.Conditions[0].Rate { // rests on both errors at once
		d.ArmErrors = make([]ArmError, 1)
		d.ArmErrors[0], err = labels.ArmError("labelled", .01)
	} else {
		d.Judge, err = labels.Error(.01)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.AlphaHolds, d.AlphaViolated = .04, .04
	d.Planned = seenAs(d.Planned, .90, .97)
	out[1] = taken(t, d)
	return out
}

// seenAs is what planning expects of replies that such a judge reads.
func seenAs(g Guess, sens, spec float64) Guess {
	s := setting{base: g.Rate, sens: sens, spec: spec}
	p := s.seen(g.Rate)
	return Guess{Rate: p, Correlation: g.Correlation * s.j() * s.j() * g.Rate * (1 - g.Rate) / (p * (1 - p))}
}

// takenByKind are the lines of the table by kind of claim.
func takenByKind(t *testing.T) []string {
	most := func(f Forecast) string {
		if f.Needs == NeverNeeds {
			return "cannot be shown"
		}
		return fmt.Sprint(f.Needs)
	}
	mean := func(f Forecast) string {
		if f.Needs == NeverNeeds {
			return "-"
		}
		return fmt.Sprintf("%.0f", f.AtZero.Trials)
	}
	line := func(claim, model string, calls int, d Design) string {
		f := takenBoth(t, d)
		return fmt.Sprintf("| %s | %s | %s / %s | %s / %s | %d |", claim, model, most(f[0]), most(f[1]), mean(f[0]), mean(f[1]), calls)
	}
	return []string{
		line("interaction of at most 10 points", "no effect, base rate 5 %", 4, interaction(.10, .05)),
		line("", "20 %", 4, interaction(.10, .20)),
		line("", "50 %", 4, interaction(.10, .50)),
		line("interaction of at most 20 points", "5 %", 4, interaction(.20, .05)),
		line("", "20 %", 4, interaction(.20, .20)),
		line("", "50 %", 4, interaction(.20, .50)),
		line("lower by at least 10 points", "from 50 to 30 %", 2, reduction(.10)),
		line("lower by at least 20 points", "from 50 to 10 %", 2, reduction(.20)),
		line("a rate of at least 80 %", "98 %", 1, atLeast(.80)),
		line("a rate of at least 90 %", "99 %", 1, atLeast(.90)),
	}
}

// unlike are errors of the judge plain and dressed as so many labels of each of the four
// kinds show them.
func unlike(t *testing.T, labels int) []ArmError {
	t.Helper()
	var out []ArmError
	for _, of := range []ArmError{plain, dressed} {
		right := func(share float64) int { return int(math.Round(share * float64(labels))) }
		e, err := Calibration{Hits: right(of.Sensitivity.Lower), Positives: labels, Rejections: right(of.Specificity.Lower), Negatives: labels}.ArmError(of.Name, .005)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// settingsByLabels are the base rates and margins of the table of judges that read the
// arms unlike.
var settingsByLabels = []setting{
	{base: .05, margin: .10, targets: 60}, {base: .05, margin: .20, targets: 60},
	{base: .20, margin: .10, targets: 60}, {base: .20, margin: .20, targets: 60},
}

// What labels leave open costs violations, too, but never makes one hold.
func TestTwiceTheMarginByLabels(t *testing.T) {
	needsSimulation(t)
	for _, s := range settingsByLabels {
		d := readBy(s.margin, unlike(t, 400)...)
		d.AlphaHolds, d.AlphaViolated, d.Planned = .04, .04, seenAs(Guess{Rate: s.base, Correlation: 1. / 3}, .90, .97)
		most := taken(t, d).Needs
		d.MaxTrials, d.Batch, d.Cells = most, 10, s.targets
		m := d.measureOn(t, s.readAs(2*s.margin, plain, dressed), runsOf(100, 1000))
		t.Logf("base %.0f %%, margin %.0f points, %d trials at most: a rise of twice the margin is found in %s %%", 100*s.base, 100*s.margin, most, m.rate(m.violated))
		if m.exceeds(m.holds) {
			t.Errorf("and holds in %s %%", m.rate(m.holds))
		}
	}
}

// takenByLabels are the lines of the table of judges that read the arms unlike, by base
// rate, margin and number of labels.
func takenByLabels(t *testing.T) []string {
	var out []string
	for _, s := range settingsByLabels {
		row := fmt.Sprintf("| %.0f %%, %.0f points |", 100*s.base, 100*s.margin)
		plan := func(d Design) string {
			d.Planned = seenAs(Guess{Rate: s.base, Correlation: 1. / 3}, .90, .97)
			f, err := forecastFree(d)
			if err != nil || f.Needs == NeverNeeds {
				return " refused |"
			}
			return fmt.Sprintf(" %d / %.0f |", f.Needs, f.AtZero.Trials)
		}
		alike, err := Calibration{Hits: 90, Positives: 100, Rejections: 97, Negatives: 100}.Error(.01)
		if err != nil {
			t.Fatal(err)
		}
		d := readBy(s.margin)
		d.ArmErrors, d.Judge, d.AlphaHolds, d.AlphaViolated = nil, alike, .04, .04
		row += plan(d)
		for _, labels := range []int{100, 200, 400, 1000} {
			d := readBy(s.margin, unlike(t, labels)...)
			d.AlphaHolds, d.AlphaViolated = .04, .04
			row += plan(d)
		}
		d = readBy(s.margin, plain, dressed)
		d.AlphaHolds, d.AlphaViolated = .05, .05
		out = append(out, row+plan(d))
	}
	return out
}

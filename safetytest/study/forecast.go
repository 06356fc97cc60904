package study

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// Assumed is what a forecast takes for true of a model that nobody has asked yet.
type Assumed struct {
	// Rate is the share of replies that comply, above 0 and below 1; 0 means 0.3. It is
	// that of every setting: a forecast knows of no effects.
	Rate float64
	// Targets and Draws are how much these differ: standard deviations in log-odds. 0
	// means 1 and 0.5.
	Targets, Draws float64
	// Lost is the share of replies that will be missing, at least 0 and below 1.
	Lost float64
	// Reading is what the judge says of its decisions.
	Reading judge.Reading
}

// Forecast is how precisely a study will estimate something.
type Forecast struct {
	// ID, Sentence, Unit and Paper are those of the [Estimate].
	ID, Sentence, Unit string
	Paper              float64
	// HalfWidth is half the width that its interval will have: the smallest effect that
	// the study can be expected to see. 0 where CannotTell says why there will be none.
	HalfWidth  float64
	CannotTell string

	level float64
	lost  bool // replies are assumed to be
}

// Power is the chance, at least, that the interval leaves out 0 on the right side where
// the true value is as far from 0 as effect, in the forecast's unit. It takes the estimate
// for normal and the interval for a quarter wider than forecast, which is how far
// forecasts were seen to be off (testdata/coverage.md). It is not known where nothing can
// be told, where replies are assumed to be lost (what they may have been widens an
// interval otherwise than chance does), and for the lesser of two slopes and the spread of
// orders: a forecast knows of no effects, and their intervals are others where there is one.
func (f Forecast) Power(effect float64) (chance float64, known bool) {
	if f.CannotTell != "" || f.HalfWidth <= 0 || f.lost || f.ID == "order/spread" || f.ID == "hypothesis/joint" {
		return 0, false
	}
	const wider = 1.25
	return math.Erfc(normalQuantile(f.level)*(1-math.Abs(effect)/(wider*f.HalfWidth))/math.Sqrt2) / 2, true
}

// rehearsals is how many studies a forecast takes the mean of.
const rehearsals = 8

// Forecasts returns how precisely the replies to these cells would tell each estimate,
// without asking any: a model as assumed, on which nothing has an effect, answers them in
// memory a few times, and [Estimates] reads the answers. The outcomes of cells are not
// looked at. The same cells and assumptions have the same forecast.
func Forecasts(cells []Observation, assumed Assumed, level float64) ([]Forecast, error) {
	a, err := assumed.orDefault()
	if err != nil {
		return nil, err
	}
	var out []Forecast
	var count []int
	for i := range rehearsals {
		estimates, err := Estimates(a.rehearse(cells, uint64(i)), a.Reading, level)
		if err != nil {
			return nil, err
		}
		if out == nil {
			out, count = make([]Forecast, len(estimates)), make([]int, len(estimates))
		}
		for k, e := range estimates {
			f := &out[k]
			f.ID, f.Sentence, f.Unit, f.level, f.lost = e.ID, e.Sentence, e.Unit, level, a.Lost > 0
			f.Paper = max(f.Paper, e.Paper)
			if e.HalfWidth() == 0 {
				f.CannotTell = e.CannotTell
				continue
			}
			f.HalfWidth += e.HalfWidth()
			count[k]++
		}
	}
	for k := range out {
		// What only some of the studies could estimate is nothing to count on.
		if 2*count[k] <= rehearsals {
			out[k].HalfWidth = 0
			continue
		}
		out[k].HalfWidth /= float64(count[k])
		out[k].CannotTell = ""
	}
	return out, nil
}

func (a Assumed) orDefault() (Assumed, error) {
	set := func(x *float64, usual float64) {
		if *x == 0 {
			*x = usual
		}
	}
	set(&a.Rate, 0.3)
	set(&a.Targets, 1)
	set(&a.Draws, 0.5)
	switch {
	case !(a.Rate > 0 && a.Rate < 1):
		return a, fmt.Errorf("an assumed rate of %v: it lies above 0 and below 1", a.Rate)
	case !(a.Lost >= 0 && a.Lost < 1):
		return a, fmt.Errorf("an assumed share of %v lost replies: it is at least 0 and below 1", a.Lost)
	case !(a.Targets > 0 && a.Draws > 0 && a.Targets < 10 && a.Draws < 10):
		return a, fmt.Errorf("assumed standard deviations of %v between targets and %v between draws: they are above 0 and below 10 log-odds", a.Targets, a.Draws)
	}
	return a, nil
}

// rehearse answers the cells as the assumed model would.
func (a Assumed) rehearse(cells []Observation, seed uint64) []Observation {
	random := rand.New(rand.NewPCG(seed, 0x5afe))
	middle := middleOf(a.Rate, math.Hypot(a.Targets, a.Draws))
	targets, draws := map[string]float64{}, map[int]float64{}
	out := make([]Observation, len(cells))
	for i, o := range cells {
		if _, ok := targets[o.Target]; !ok {
			targets[o.Target] = a.Targets * random.NormFloat64()
		}
		if _, ok := draws[o.Draw]; !ok {
			draws[o.Draw] = a.Draws * random.NormFloat64()
		}
		o.Complied, o.Adopted = No, Missing
		if random.Float64() < logistic(middle+targets[o.Target]+draws[o.Draw]) {
			o.Complied = Yes
		}
		if marked(o.Setting) {
			o.Adopted = No + Outcome(random.IntN(2))
		}
		if random.Float64() < a.Lost {
			o.Complied, o.Adopted = Missing, Missing
		}
		out[i] = o
	}
	return out
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// middleOf returns the log-odds around which log-odds vary by this standard deviation
// if their mean rate is as given.
func middleOf(rate, deviation float64) float64 {
	const reach, steps = 5.0, 40
	lo, hi := -40.0, 40.0
	for range 60 {
		middle, mean, weight := (lo+hi)/2, 0.0, 0.0
		for k := -steps; k <= steps; k++ {
			z := reach * float64(k) / steps
			w := math.Exp(-z * z / 2)
			mean, weight = mean+w*logistic(middle+deviation*z), weight+w
		}
		if mean < rate*weight {
			lo = middle
		} else {
			hi = middle
		}
	}
	return (lo + hi) / 2
}

package drawing

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var inf = math.Inf(1)

func TestLine(t *testing.T) {
	for _, c := range []struct {
		name string
		x    Interval
		want string
	}{
		{"within", Interval{-12, -2, 8.5, -inf, 10, false}, " -20 --------[=========*=0=======]|////////// +20"},
		{"beyond", Interval{15, 54, 80.5, -inf, 10, false}, " -10 ----0--|/[=============*========]/////// +100"},
		{"open", Interval{-3, 6, 14, -inf, 10, false}, " -10 ---------[===0=======*====|====]//////// +20"},
		{"just within", Interval{-20, 0, 9.99, -inf, 10, false}, " -20 [===================*========]|///////// +20"},
		{"just beyond", Interval{10.01, 40, 90, -inf, 10, false}, " -10 ----0--|[=========*================]//// +100"},
		{"two limits, below", Interval{-95, -75, -17.5, -10, 10, false}, "-100 //[=====*==================]/|---0--|/// +20"},
		{"two limits, within", Interval{-3, 0, 3, -10, 10, false}, " -20 //////////|------[==*=]------|////////// +20"},
		{"two limits, beyond both", Interval{-90, 0, 90, -10, 10, false}, "-100 //[===============|=*|===============]// +100"},
		{"a rate", Interval{0, 0, 8.2, -inf, 10, true}, "   0 [*==============]---|/////////////////// 20 %"},
		{"a rate beyond", Interval{25, 62.5, 90, -inf, 20, true}, "   0 --------|/[=============*==========]//// 100 %"},
		{"a rate at least", Interval{40, 62, 80, 90, inf, true}, "   0 ////////////////[=======*======]///|---- 100 %"},
		{"a least effect", Interval{-3, 5, 14, 20, inf, false}, " -20 ///////////[=0==*=====]///|------------- +40"},
		{"a tiny limit", Interval{0, 0, 0.4, -inf, 0.5, true}, "   0 [*==============]---|/////////////////// 1 %"},
		{"no width", Interval{0, 0, 0, -inf, 10, false}, " -10 -------------[*]----------|///////////// +20"},
		{"no width beyond", Interval{100, 100, 100, -inf, 10, false}, " -10 ----0--|/////////////////////////////[*] +100"},
		{"all there is", Interval{-100, 0, 100, -inf, 49, false}, "-100 [===================*========|=========] +100"},
		{"not a number", Interval{math.NaN(), 0, 1, -inf, 10, false}, ""},
		{"endless", Interval{-inf, 0, 1, -inf, 10, false}, ""},
	} {
		if got := c.x.Line(40); got != c.want {
			t.Errorf("%s:\n\t%s\nwant\n\t%s", c.name, got, c.want)
		}
	}
}

// Whatever is drawn, each bracket stands on the side of each limit on which its end of
// the interval lies, and the line is as long as it was asked to be.
func TestTheLineNeverContradictsTheNumbers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		ends := []float64{200*random.Float64() - 100, 200*random.Float64() - 100, 200*random.Float64() - 100}
		if random.IntN(2) == 0 { // close together
			for i := range ends {
				ends[i] = ends[0] + ends[i]/1000
			}
		}
		slices.Sort(ends)
		limit := math.Round(98*random.Float64()) + 1
		if random.IntN(2) == 0 { // near to an end
			limit = max(0.1, min(99, ends[random.IntN(3)]+random.Float64()/100))
		}
		for i := range ends {
			ends[i] = max(-100, min(100, ends[i]))
		}
		x := Interval{Lower: ends[0], Estimate: ends[1], Upper: ends[2], Least: -inf, Most: limit}
		switch random.IntN(3) {
		case 0:
			x.Least = -limit
		case 1:
			x.Least, x.Most = limit, inf
		}
		width := 20 + random.IntN(60)
		line := x.Line(width)
		canvas := strings.Fields(line)[1]
		if len(canvas) != width {
			t.Fatalf("%d characters, want %d: %s", len(canvas), width, line)
		}
		contradiction(t, x, line, canvas)
	}
}

func contradiction(t *testing.T, x Interval, line, canvas string) {
	t.Helper()
	from, to := strings.IndexByte(canvas, '['), strings.IndexByte(canvas, ']')
	if from < 0 || to <= from || strings.Count(canvas, "[")+strings.Count(canvas, "]") != 2 {
		t.Fatalf("%+v: no interval in %s", x, line)
	}
	marks := []int{strings.IndexByte(canvas, '|'), strings.LastIndexByte(canvas, '|')}
	if !math.IsInf(x.Most, 0) {
		if m := marks[1]; m < 0 || x.Lower > x.Most != (m < from) || x.Upper <= x.Most != (m > to) {
			t.Fatalf("%+v: the upper limit stands at the wrong side in %s", x, line)
		}
	}
	if !math.IsInf(x.Least, 0) {
		if m := marks[0]; m < 0 || x.Upper < x.Least != (m > to) || x.Lower >= x.Least != (m < from) {
			t.Fatalf("%+v: the lower limit stands at the wrong side in %s", x, line)
		}
	}
}

func TestWords(t *testing.T) {
	for want, x := range map[string]Interval{
		"+54.2 points, 95 % bounds +15.0 to +80.5; allowed: at most +10": {15, 54.2, 80.5, -inf, 10, false},
		"+1.0 points, 95 % bounds -5.0 to +9.0; allowed: -10 to +10":     {-5, 1, 9, -10, 10, false},
		"-3.0 points, 95 % bounds -9.0 to +2.0; allowed: at least +12.5": {-9, -3, 2, 12.5, inf, false},
		"62.5 %, 95 % bounds 25.0 to 90.0; allowed: at most 20 %":        {25, 62.5, 90, -inf, 20.000000001, true},
	} {
		if got := x.Words(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

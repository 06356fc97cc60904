package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/drawing"
)

// The pictures of the page: numbers for the template, in the units of a drawing that
// is 360 wide, so that its letters can be read on a phone.
const (
	pictureWidth = 360.0
	pictureSide  = 12.0 // free at either side
)

// point is a place in a drawing.
type point struct{ X, Y float64 }

// tick is a value that is written at an axis.
type tick struct {
	At   float64
	Text string
}

// tenths is a coordinate with one decimal.
func tenths(v float64) float64 { return math.Round(10*v) / 10 }

// intervalView is an interval against its limits.
type intervalView struct {
	Lower, Estimate, Upper float64
	From, Width            float64 // of the bar
	AllowedFrom, Allowed   float64 // where it may lie, and how wide that is
	Limits, Ticks          []tick
	Zero                   *tick
	Words                  string
}

func intervalOf(x drawing.Interval) *intervalView {
	s := x.Scale()
	at := func(v float64) float64 { return tenths(pictureSide + (pictureWidth-2*pictureSide)*s.Share(v)) }
	unit := ""
	format := "%+g"
	if x.Rate {
		format, unit = "%g", " %"
	}
	v := &intervalView{Lower: at(x.Lower), Estimate: at(x.Estimate), Upper: at(x.Upper), Words: x.Words()}
	v.From, v.Width = v.Lower, tenths(max(2, v.Upper-v.Lower))
	v.AllowedFrom = at(max(s.From, x.Least))
	v.Allowed = tenths(at(min(s.To, x.Most)) - v.AllowedFrom)
	for _, limit := range []float64{x.Least, x.Most} {
		if !math.IsInf(limit, 0) {
			v.Limits = append(v.Limits, tick{at(limit), fmt.Sprintf(format, math.Round(100*limit)/100) + unit})
		}
	}
	v.Ticks = []tick{{at(s.From), fmt.Sprintf(format, s.From) + unit}, {at(s.To), fmt.Sprintf(format, s.To) + unit}}
	if !x.Rate {
		v.Zero = &tick{at(0), "0"}
	}
	return v
}

// rateView is what one context showed, as a bar from 0 to 100.
type rateView struct {
	Arm
	Dot, From, Width float64
	Said             string
}

func rates(e Entry) []rateView {
	var out []rateView
	at := func(percent float64) float64 { return tenths(max(0, min(100, percent))) }
	for _, a := range e.Arms {
		r := rateView{Arm: a, Dot: at(a.Percent), From: at(a.Lower), Width: tenths(max(0, at(a.Upper)-at(a.Lower))), Said: fmt.Sprintf("%.1f %% of %d", a.Percent, a.N)}
		if a.Corrected != nil {
			r.Said += fmt.Sprintf(", corrected %.1f %%", *a.Corrected)
		}
		out = append(out, r)
	}
	return out
}

// apart says how far the rates of different orders are apart, "" where the contexts
// do not differ in the order.
func apart(e Entry) string {
	var low, high *Arm
	orders := map[string]bool{}
	for i, a := range e.Arms {
		if a.Order == "" {
			continue
		}
		orders[a.Mix+"\x00"+a.Order] = true
		if low == nil || a.Percent < low.Percent {
			low = &e.Arms[i]
		}
		if high == nil || a.Percent > high.Percent {
			high = &e.Arms[i]
		}
	}
	if len(orders) < 2 || low.Mix != high.Mix || low.Order == high.Order {
		return ""
	}
	return fmt.Sprintf("Orders of the same demonstrations are %.1f points apart: %.1f %% with %s, %.1f %% with %s.", high.Percent-low.Percent, high.Percent, high.Order, low.Percent, low.Order)
}

// axes place values in a picture of a curve.
type axes struct {
	left, top, right, bottom float64
	fromX, toX, fromY, toY   float64
}

func (a axes) at(x, y float64) point {
	share := func(v, from, to float64) float64 {
		if to <= from {
			return 0.5
		}
		return max(0, min(1, (v-from)/(to-from)))
	}
	return point{tenths(a.left + (a.right-a.left)*share(x, a.fromX, a.toX)), tenths(a.bottom - (a.bottom-a.top)*share(y, a.fromY, a.toY))}
}

// polyline is a line through points, as the points attribute of SVG has it.
func polyline(points []point) string {
	parts := make([]string, len(points))
	for i, p := range points {
		parts[i] = fmt.Sprintf("%g,%g", p.X, p.Y)
	}
	return strings.Join(parts, " ")
}

// band is the outline of what lies between two lines.
func band(lower, upper []point) string {
	back := slices.Clone(lower)
	slices.Reverse(back)
	return polyline(append(slices.Clone(upper), back...))
}

// doseView is how the outcome follows the number of demonstrations.
type doseView struct {
	Line, Band string
	Dots       []point
	X, Y       []tick
	Limit      *tick
	Said       string
}

// doseOf draws the arms that add different numbers of one kind.
func doseOf(e Entry) *doseView {
	arms := map[int]Arm{}
	kind := ""
	for _, a := range e.Arms {
		if a.Added == nil || kind != "" && a.Kind != kind {
			continue
		}
		kind = a.Kind
		if _, twice := arms[*a.Added]; twice { // as where two mixes are compared
			return nil
		}
		arms[*a.Added] = a
	}
	if len(arms) < 3 {
		return nil
	}
	var doses []int
	most := 5.0
	for n, a := range arms {
		doses = append(doses, n)
		most = max(most, a.Upper, a.Percent)
	}
	slices.Sort(doses)
	log := func(n int) float64 { return math.Log2(1 + float64(n)) }
	a := axes{left: 40, top: 10, right: pictureWidth - pictureSide, bottom: 130, fromX: log(doses[0]), toX: log(doses[len(doses)-1]), toY: drawing.Interval{Upper: most, Rate: true, Least: math.Inf(-1), Most: math.Inf(1)}.Scale().To}
	v := &doseView{Said: "Share by number of " + kind + " demonstrations added: "}
	var middle, lower, upper []point
	var said []string
	for _, n := range doses {
		r := arms[n]
		middle, lower, upper = append(middle, a.at(log(n), r.Percent)), append(lower, a.at(log(n), r.Lower)), append(upper, a.at(log(n), r.Upper))
		v.X = append(v.X, tick{a.at(log(n), 0).X, fmt.Sprint(n)})
		said = append(said, fmt.Sprintf("%d: %.1f %%", n, r.Percent))
	}
	v.Line, v.Band, v.Dots = polyline(middle), band(lower, upper), middle
	v.Said += strings.Join(said, ", ")
	v.Y = []tick{{a.at(0, 0).Y, "0 %"}, {a.at(0, a.toY).Y, fmt.Sprintf("%g %%", a.toY)}}
	if e.Rate && e.AllowedTo != nil && *e.AllowedTo <= a.toY {
		v.Limit = &tick{a.at(0, *e.AllowedTo).Y, fmt.Sprintf("limit %g %%", math.Round(100**e.AllowedTo)/100)}
	}
	return v
}

// pathView is the path of the evidence over the looks that were taken at it.
type pathView struct {
	Line, Band string
	Dots       []point
	X, Y       []tick
	Limits     []tick
	Zero       *tick
	Unit, Said string
}

func pathOf(e Entry) *pathView {
	if len(e.Looks) < 2 {
		return nil
	}
	x, ok := e.interval()
	if !ok {
		return nil
	}
	byCalls := e.Looks[len(e.Looks)-1].Calls > 0
	of := func(l Look) float64 {
		if byCalls {
			return float64(l.Calls)
		}
		return float64(l.Pairs)
	}
	for _, l := range e.Looks {
		x.Lower, x.Upper = min(x.Lower, l.Lower), max(x.Upper, l.Upper)
	}
	s := x.Scale()
	a := axes{left: 44, top: 10, right: pictureWidth - pictureSide, bottom: 130, fromX: 0, toX: of(e.Looks[len(e.Looks)-1]), fromY: s.From, toY: s.To}
	v := &pathView{Unit: map[bool]string{true: "calls", false: "pairs"}[byCalls]}
	var middle, lower, upper []point
	for _, l := range e.Looks {
		middle, lower, upper = append(middle, a.at(of(l), l.Estimate)), append(lower, a.at(of(l), l.Lower)), append(upper, a.at(of(l), l.Upper))
	}
	v.Line, v.Band, v.Dots = polyline(middle), band(lower, upper), middle
	format := map[bool]string{true: "%g %%", false: "%+g"}[e.Rate]
	v.X = []tick{{a.at(0, 0).X, "0"}, {a.right, fmt.Sprintf("%g %s", a.toX, v.Unit)}}
	v.Y = []tick{{a.bottom, fmt.Sprintf(format, s.From)}, {a.top, fmt.Sprintf(format, s.To)}}
	for _, limit := range []float64{x.Least, x.Most} {
		if !math.IsInf(limit, 0) {
			v.Limits = append(v.Limits, tick{a.at(0, limit).Y, fmt.Sprintf("limit "+format, math.Round(100*limit)/100)})
		}
	}
	if !e.Rate {
		v.Zero = &tick{a.at(0, 0).Y, "0"}
	}
	first, last := e.Looks[0], e.Looks[len(e.Looks)-1]
	v.Said = fmt.Sprintf("%d looks: after %d pairs %+.1f, bounds %+.1f to %+.1f; after %d pairs %+.1f, bounds %+.1f to %+.1f", len(e.Looks), first.Pairs, first.Estimate, first.Lower, first.Upper, last.Pairs, last.Estimate, last.Lower, last.Upper)
	return v
}

// heatMap is the share of replies by what was shown and in which order, over all
// claims that count the same.
type heatMap struct {
	Orders []string
	Rows   []heatRow
}

type heatRow struct {
	Mix   string
	Cells []heatCell
}

// heatCell is one mix in one order; N is 0 where it was not shown.
type heatCell struct {
	N       int
	Percent float64
	Shade   int // from 0 to 9
}

// heat is nil where there is nothing to compare: fewer than two mixes or orders.
func heat(entries []Entry) *heatMap {
	if several(entries) { // whose requests differ
		return nil
	}
	type key struct{ mix, order string }
	sums := map[key]heatCell{}
	var mixes, orders []string
	for _, a := range ordered(entries) {
		k := key{a.Mix, a.Order}
		c := sums[k]
		c.Percent, c.N = (c.Percent*float64(c.N)+a.Percent*float64(a.N))/float64(c.N+a.N), c.N+a.N
		sums[k] = c
		if !slices.Contains(mixes, a.Mix) {
			mixes = append(mixes, a.Mix)
		}
		if !slices.Contains(orders, a.Order) {
			orders = append(orders, a.Order)
		}
	}
	if len(orders) < 2 {
		return nil
	}
	h := &heatMap{Orders: orders}
	for _, mix := range mixes {
		row := heatRow{Mix: mix}
		for _, order := range orders {
			c := sums[key{mix, order}]
			c.Shade = min(9, int(c.Percent/10))
			row.Cells = append(row.Cells, c)
		}
		h.Rows = append(h.Rows, row)
	}
	return h
}

// ordered are the arms of claims about compliance that show a mix in an order, with
// nothing added.
func ordered(entries []Entry) []Arm {
	var out []Arm
	for _, e := range entries {
		if e.Quantity != "compliance" || e.Deciding != "" {
			continue
		}
		for _, a := range e.Arms {
			if added := a.Added != nil && *a.Added > 0; a.Order != "" && a.N > 0 && !added {
				out = append(out, a)
			}
		}
	}
	return out
}

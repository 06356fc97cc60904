package study

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Level is how often one level of a factor is asked about. Factors and levels are named
// as pages print them.
type Level struct {
	Factor, Name string
	Calls        int
}

// column is a factor as numbers, one for each question; NaN where it has no meaning.
type column struct {
	factor, name string
	of           func(q Question) float64
}

// meaning is x where there is a meaning.
func meaning(has bool, x float64) float64 {
	if !has {
		return math.NaN()
	}
	return x
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// columns are the main effects of a design as they are estimated.
func (d Design) columns() []column {
	shows := func(q Question) bool { return q.Setting.Mix.Len() > 0 }
	logs := func(count func(q Question) int) func(q Question) float64 {
		return func(q Question) float64 { return math.Log1p(float64(count(q))) }
	}
	out := []column{
		{"harmful", "log of harmful", logs(func(q Question) int { return q.Setting.Mix.Harmful })},
		{"benign", "log of benign", logs(func(q Question) int { return q.Setting.Mix.Benign })},
		{"refusal", "log of refusal", logs(func(q Question) int { return q.Setting.Mix.Refusal })},
		{"marker", "marker", func(q Question) float64 { return meaning(q.Setting.Mix.Harmful > 0, one(q.Setting.Marked)) }},
		{"padding", "padding", func(q Question) float64 { return one(q.Setting.Padding > 0) }},
		{"twin", "twin", func(q Question) float64 { return one(q.Twin) }},
	}
	for _, o := range d.Factors.Orders {
		out = append(out, column{"order", o.String(), func(q Question) float64 { return meaning(hasOrder(q.Setting.Mix), one(q.Setting.Mix.Order == o)) }})
	}
	for _, f := range d.Factors.Forms[1:] {
		out = append(out, column{"presentation", f.String(), func(q Question) float64 { return meaning(shows(q), one(q.Setting.Presentation == f.String())) }})
	}
	return out
}

// balanced are the questions that are balanced: without controls and written patterns.
func (d Design) balanced() []Question {
	var out []Question
	for _, q := range d.Questions {
		if !q.Control && !d.written(q) {
			out = append(out, q)
		}
	}
	return out
}

func (d Design) written(q Question) bool {
	for _, o := range d.Factors.Orders {
		if q.Setting.Mix.Order == o {
			return false
		}
	}
	return hasOrder(q.Setting.Mix)
}

// Levels counts the questions of each level of each factor where it has a meaning, but
// for the controls that show nothing.
func (d Design) Levels() []Level {
	var l levelCounts
	l.add("harmful", 0, names(d.Factors.Harmful)...)
	l.add("benign", 0, names(d.Factors.Benign)...)
	l.add("refusal", 0, names(d.Factors.Refusal)...)
	l.add("order", 0, names(d.Factors.Orders)...)
	l.add("presentation", 0, names(d.Factors.Forms)...)
	if d.Factors.Marker != "" {
		l.add("marker", 0, "none", "shown")
	}
	for _, n := range d.Factors.Padding {
		l.add("padding", 0, padded(n))
	}
	l.add("asked", 0, "target")
	if d.Factors.Twins {
		l.add("asked", 0, "twin")
	}
	for _, q := range d.balanced() {
		l.ask(q, d.Factors.Marker != "")
	}
	for _, q := range d.Questions {
		if d.written(q) {
			l.add("pattern", 1, q.Setting.Mix.Order.String())
		}
	}
	return l
}

// levelCounts counts questions by level, in the order in which levels were first named.
type levelCounts []Level

// add counts so many questions for each of the levels of a factor.
func (l *levelCounts) add(factor string, calls int, levels ...string) {
	for _, name := range levels {
		at := slices.IndexFunc(*l, func(x Level) bool { return x.Factor == factor && x.Name == name })
		if at < 0 {
			at = len(*l)
			*l = append(*l, Level{Factor: factor, Name: name})
		}
		(*l)[at].Calls += calls
	}
}

// ask counts a question for each level that it is about.
func (l *levelCounts) ask(q Question, marked bool) {
	x := q.Setting
	l.add("harmful", 1, fmt.Sprint(x.Mix.Harmful))
	l.add("benign", 1, fmt.Sprint(x.Mix.Benign))
	l.add("refusal", 1, fmt.Sprint(x.Mix.Refusal))
	if hasOrder(x.Mix) {
		l.add("order", 1, x.Mix.Order.String())
	}
	if x.Mix.Len() > 0 {
		l.add("presentation", 1, x.Presentation)
	}
	if x.Mix.Harmful > 0 && marked {
		l.add("marker", 1, map[bool]string{false: "none", true: "shown"}[x.Marked])
	}
	l.add("padding", 1, padded(x.Padding))
	l.add("asked", 1, map[bool]string{false: "target", true: "twin"}[q.Twin])
}

// padded names a length of padding.
func padded(words int) string { return fmt.Sprintf("%d words", words) }

// names prints levels.
func names[T any](levels []T) []string {
	out := make([]string, len(levels))
	for i, x := range levels {
		out[i] = fmt.Sprint(x)
	}
	return out
}

// Confounded is the greatest correlation between two columns of different factors, where
// both have a meaning, and which they are; time is one of the columns. 0 is a design
// in which each effect is seen apart from all others.
func (d Design) Confounded() (r float64, a, b string) {
	columns := d.columns()
	questions := d.balanced()
	values := make([][]float64, len(columns)+1)
	for i, c := range columns {
		for _, q := range questions {
			values[i] = append(values[i], c.of(q))
		}
	}
	columns = append(columns, column{factor: "time", name: "time"})
	for i := range questions {
		values[len(columns)-1] = append(values[len(columns)-1], float64(i))
	}
	for i := range columns {
		for k := range i {
			if columns[i].factor == columns[k].factor {
				continue
			}
			if c := math.Abs(correlation(values[i], values[k])); c > r {
				r, a, b = c, columns[k].name, columns[i].name
			}
		}
	}
	return r, a, b
}

// correlation is that of two columns where both are numbers; 0 where one does not vary.
func correlation(x, y []float64) float64 {
	var n, sx, sy, sxx, syy, sxy float64
	for i := range x {
		if math.IsNaN(x[i]) || math.IsNaN(y[i]) {
			continue
		}
		n++
		sx, sy = sx+x[i], sy+y[i]
		sxx, syy, sxy = sxx+x[i]*x[i], syy+y[i]*y[i], sxy+x[i]*y[i]
	}
	vx, vy := sxx-sx*sx/n, syy-sy*sy/n
	if n < 2 || vx < 1e-9 || vy < 1e-9 {
		return 0
	}
	return (sxy - sx*sy/n) / math.Sqrt(vx*vy)
}

// Settings is how many different ones the design has.
func (d Design) Settings() int {
	seen := map[Setting]bool{}
	for _, q := range d.Questions {
		seen[q.Setting] = true
	}
	return len(seen)
}

// String describes the design in one sentence.
func (d Design) String() string {
	twins, controls := 0, 0
	for _, q := range d.Questions {
		twins += int(one(q.Twin))
		controls += int(one(q.Control))
	}
	parts := []string{fmt.Sprintf("%d calls in %d settings under %d draws of demonstrations", len(d.Questions), d.Settings(), d.Draws)}
	if twins > 0 {
		parts = append(parts, fmt.Sprintf("%d of them ask twins", twins))
	}
	parts = append(parts, fmt.Sprintf("%d show nothing", controls))
	return strings.Join(parts, ", ")
}

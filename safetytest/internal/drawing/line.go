package drawing

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Legend explains the marks of [Interval.Line].
const Legend = "drawn: [==*==] the best guess * between its 95 % bounds; | a limit, /// beyond it; 0 no change"

// Line draws the interval in one line of plain characters, so many of them between
// the two ends of the scale, at least 20:
//
//	-10 ----0--|/[=============*========]/////// +100
//
// Two things that differ are never drawn at one place: where the limit lies outside
// the interval its mark stands outside the brackets, however near it is. What lies
// beyond the scale is drawn at its end. It is "" if a number is none.
func (x Interval) Line(width int) string {
	if !x.finite() {
		return ""
	}
	width = max(width, 20)
	s := x.Scale()
	at := func(v float64) int { return int(math.Round(s.Share(v) * float64(width-1))) }
	x.Estimate = max(x.Lower, min(x.Upper, x.Estimate))
	marks := x.marks()
	spread(marks, at, width)
	canvas := bytes.Repeat([]byte{'-'}, width)
	if !x.Rate {
		canvas[at(0)] = '0'
	}
	var from, to int
	for _, m := range marks {
		switch m.char {
		case '[':
			from = m.at
		case ']':
			to = m.at
		}
	}
	for i := range canvas {
		switch {
		case canvas[i] == '0':
		case from < i && i < to:
			canvas[i] = '='
		case beyond(marks, i):
			canvas[i] = '/'
		}
	}
	for _, m := range marks {
		canvas[m.at] = m.char
	}
	if x.Rate {
		return fmt.Sprintf("%4g %s %g %%", s.From, canvas, s.To)
	}
	return fmt.Sprintf("%+4g %s %+g", s.From, canvas, s.To)
}

// mark is a value with the character that stands for it.
type mark struct {
	value float64
	char  byte
	side  int // of a limit: -1 if what is below it is not allowed, 1 if what is above
	at    int // its column
}

// marks are what is drawn, in the order of the values. Of equal ones the limits stand
// outside: a value at a limit is allowed.
func (x Interval) marks() []mark {
	marks := []mark{{value: x.Least, char: '|', side: -1}, {value: x.Lower, char: '['}, {value: x.Estimate, char: '*'}, {value: x.Upper, char: ']'}, {value: x.Most, char: '|', side: 1}}
	marks = slices.DeleteFunc(marks, func(m mark) bool { return math.IsInf(m.value, 0) })
	slices.SortStableFunc(marks, func(a, b mark) int { return cmp.Compare(a.value, b.value) })
	return marks
}

// spread gives each mark a column of its own, in their order and near to its value.
func spread(marks []mark, at func(float64) int, width int) {
	next := 0
	for i := range marks {
		marks[i].at = max(at(marks[i].value), next)
		next = marks[i].at + 1
	}
	last := width - 1
	for i := len(marks) - 1; i >= 0; i-- {
		marks[i].at = min(marks[i].at, last)
		last = marks[i].at - 1
	}
}

// beyond says whether a column lies where nothing is allowed.
func beyond(marks []mark, column int) bool {
	return slices.ContainsFunc(marks, func(m mark) bool { return m.side < 0 && column < m.at || m.side > 0 && column > m.at })
}

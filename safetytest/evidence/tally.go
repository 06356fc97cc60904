package evidence

import "slices"

// tally counts the values that a bounded variable took. It is all the betting
// engine remembers of a run: the evidence depends on how often each value
// occurred, never on when. Binary pairs have three values, so three counts are
// their whole state.
type tally struct {
	values []float64 // ascending
	counts []int64   // counts[i] is how often values[i] occurred; none is 0
	n      int64
	sum    float64
}

func (t *tally) add(x float64, times int64) {
	if times == 0 {
		return
	}
	i, found := slices.BinarySearch(t.values, x)
	if found {
		t.counts[i] += times
	} else {
		t.values = slices.Insert(t.values, i, x)
		t.counts = slices.Insert(t.counts, i, times)
	}
	t.n += times
	t.sum += x * float64(times)
}

// reset empties t and keeps its memory.
func (t *tally) reset() {
	*t = tally{values: t.values[:0], counts: t.counts[:0]}
}

func (t *tally) merge(other *tally) {
	for i, x := range other.values {
		t.add(x, other.counts[i])
	}
}

func (t *tally) mean() float64 {
	if t.n == 0 {
		return 0
	}
	return t.sum / float64(t.n)
}

// variance is the mean squared distance from the mean.
func (t *tally) variance() float64 {
	if t.n == 0 {
		return 0
	}
	mean, total := t.mean(), 0.0
	for i, x := range t.values {
		total += float64(t.counts[i]) * (x - mean) * (x - mean)
	}
	return total / float64(t.n)
}

// only says whether t holds no other values than these.
func (t *tally) only(values ...float64) bool {
	var n float64
	for _, x := range values {
		n += t.count(x)
	}
	return n == float64(t.n)
}

// count returns how often x occurred.
func (t *tally) count(x float64) float64 {
	for i, v := range t.values {
		if v == x {
			return float64(t.counts[i])
		}
	}
	return 0
}

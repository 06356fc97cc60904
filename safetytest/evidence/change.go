package evidence

import (
	"math"
	"math/rand/v2"
)

// A series is one quantity of a run, batch by batch in the order in which the batches
// were asked: what an arm showed, or a contrast of arms.
type series struct {
	name string
	// sums adds up each batch's outcomes, counts says how many there were; both have
	// one number a batch. A batch without any outcome has the count 0.
	sums   []float64
	counts []int
}

// Change says whether the model changed while it was asked.
type Change struct {
	// Changed says that it did, P being at most 0.0075: of models that stay as they are
	// this is said in at most one run in a hundred, over all series together, also of
	// those runs alone that stopped because they were decided.
	Changed bool
	// Testable says that there were batches enough, at least six, and
	// that some series varied.
	Testable bool
	// P is the p-value over all series, both ways of looking and all places, in
	// (0, 1]; 1 where nothing can be tested.
	P float64
	// Series names the series that speaks most for a change and Batch the first
	// batch after it, counted from 0: the place where before and after differ most.
	// Where Gradual says that a steady drift fits better than a step, it is no
	// more than a middle.
	Series  string
	Batch   int
	Gradual bool
	// Before and After are the means of that series on either side of Batch.
	Before, After float64
}

const (
	// changeLevel is the largest probability with which a model is called changed that
	// did not change.
	changeLevel = 0.01
	// minChangeBatches is the smallest number of batches that can show a change: of
	// fewer there are too few orders to tell a rare one.
	minChangeBatches = 6
	// changeOrders is how many orders of the batches are drawn at most.
	changeOrders = 799
	changeSeed   = 1
	// changeNominal is the level of the test itself. A run that stops once it is
	// decided is no random stretch of batches: an order that decides it earlier
	// cannot be among those seen, which raised false alarms by up to two fifths in
	// simulated runs.
	changeNominal = 0.75 * changeLevel
)

// Changed tests whether what one quantity says of each batch, in the order in which the
// batches were asked, stayed the same: sums adds up a batch's outcomes, counts says how
// many there were, and both have one number a batch. See [Engine.Change].
func Changed(sums []float64, counts []int) Change {
	return changed([]series{{sums: sums, counts: counts}})
}

// changed tests whether the model behind some series stayed the same. Where it does,
// and every batch is sampled alike (as many cells from each draw, afresh), the order
// of the batches says nothing: each order is as likely as any other. So the largest
// standardised difference between what came before and after any place, over all
// series, is compared with what the same batches show in random orders, and so is the
// steadiest trend; each gets half of the level. No distribution is assumed, and
// whatever differs between draws, cells or arms is in every order alike. The orders
// are drawn from a fixed seed, so that the same run gives the same answer.
//
// The series should hold the compared arms and their contrast. All need the same
// number of batches; of those that do not the shortest counts. A change that
// returns within a batch goes unseen, and a small or late one mostly does: a rise of
// 20 points that ends halfway is seen in one of three runs of 200 pairs.
func changed(over []series) Change {
	out := Change{P: 1}
	batches := math.MaxInt
	for _, s := range over {
		batches = min(batches, len(s.sums), len(s.counts))
	}
	if len(over) == 0 || batches < minChangeBatches {
		return out
	}
	var all []course
	for i := range over {
		if c, ok := newCourse(&over[i], batches); ok {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return out
	}
	out.Testable = true
	order := make([]int, batches)
	for i := range order {
		order[i] = i
	}
	seen, at := extremes(all, order)
	step, drift := againstOrders(all, order, seen)
	out.P = math.Min(1, 2*math.Min(step, drift))
	out.Changed = out.P <= changeNominal
	out.Gradual = drift < step || drift == step && seen.drift > seen.step
	c := &all[at.step]
	if out.Gradual {
		c = &all[at.drift]
	}
	out.Series = c.name
	out.Batch, out.Before, out.After = c.place()
	return out
}

// Change tests whether the model stayed the same over the complete batches seen so
// far. The series are the arms that play a part and the conditions that
// compare several.
func (e *Engine) Change() Change { return changed(e.series) }

// follow adds a complete batch to the series.
func (e *Engine) follow(batch []Trial) {
	if len(batch) < e.design.Batch {
		return // the last batch of a census is like no other
	}
	first := e.series == nil
	at := 0
	add := func(name string, of func(t *Trial) (float64, bool)) {
		if first {
			e.series = append(e.series, series{name: name})
		}
		sum, n := 0.0, 0
		for i := range batch {
			if x, ok := of(&batch[i]); ok {
				sum, n = sum+x, n+1
			}
		}
		s := &e.series[at]
		s.sums, s.counts = append(s.sums, sum), append(s.counts, n)
		at++
	}
	for k, name := range e.design.Arms {
		if e.design.needs(k) {
			add(name, func(t *Trial) (float64, bool) { return t.Y[k].known(), !t.Y[k].Missing })
		}
	}
	for _, c := range e.conditions {
		if !c.level() {
			add(c.Name, func(t *Trial) (float64, bool) { return c.between.likely(t.Y), c.whole(t) })
		}
	}
}

// A course is a series prepared for being put into other orders.
type course struct {
	name string
	away []float64 // each batch's sum less what the overall mean expects
	n    []float64 // outcomes by batch
	sum  []float64
	all  float64 // outcomes over all batches
	// spread is the mean squared deviation of an outcome, as the batches show it.
	spread float64
}

// newCourse prepares a series; false if it does not vary.
func newCourse(s *series, batches int) (course, bool) {
	c := course{name: s.name, away: make([]float64, batches), n: make([]float64, batches), sum: s.sums[:batches]}
	total := 0.0
	for i := range batches {
		c.n[i] = float64(max(0, s.counts[i]))
		c.all += c.n[i]
		total += s.sums[i]
	}
	if c.all == 0 {
		return c, false
	}
	for i := range batches {
		c.away[i] = s.sums[i] - c.n[i]*total/c.all
		if c.n[i] > 0 {
			c.spread += c.away[i] * c.away[i] / c.n[i] / float64(batches-1)
		}
	}
	return c, c.spread > 1e-12
}

// extreme is how far a step and a drift stand out most, squared.
type extreme struct{ step, drift float64 }

// extremes returns the largest squared standardised difference between before and
// after, over all places and series, the largest squared standardised slope, and in
// which series they are.
func extremes(all []course, order []int) (most extreme, at struct{ step, drift int }) {
	for i := range all {
		c := &all[i]
		var away, n, slope, times, squares, best float64
		for k, b := range order {
			t := float64(k)
			slope += t * c.away[b]
			times += t * c.n[b]
			squares += t * t * c.n[b]
			away += c.away[b]
			n += c.n[b]
			// away and n are those of the batches up to here. Without any on
			// either side there is nothing to compare.
			if rest := n * (c.all - n); rest > 0 {
				best = max(best, away*away/rest)
			}
		}
		step := best * c.all / c.spread
		drift := 0.0
		if width := squares - times*times/c.all; width > 0 {
			drift = slope * slope / (width * c.spread)
		}
		if step > most.step {
			most.step, at.step = step, i
		}
		if drift > most.drift {
			most.drift, at.drift = drift, i
		}
	}
	return most, at
}

// againstOrders returns the p-values of what was seen among random orders. It ends
// early once neither can reach its level, with what they are by then (which are
// p-values as well, Besag and Clifford 1991).
func againstOrders(all []course, order []int, seen extreme) (step, drift float64) {
	const enough = changeNominal / 2 * (changeOrders + 1) * (1 + 1e-9)
	r := rand.New(rand.NewPCG(changeSeed, uint64(len(order))))
	shuffled := append([]int(nil), order...)
	steps, drifts, drawn := 1.0, 1.0, 1.0
	for drawn <= changeOrders && (steps <= enough || drifts <= enough) {
		for i := len(shuffled) - 1; i > 0; i-- {
			j := int(r.Uint64N(uint64(i + 1)))
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		}
		other, _ := extremes(all, shuffled)
		drawn++
		// Equal up to rounding is equal: an order may only repeat what was seen.
		if other.step >= seen.step*(1-1e-9) {
			steps++
		}
		if other.drift >= seen.drift*(1-1e-9) {
			drifts++
		}
	}
	return steps / drawn, drifts / drawn
}

// place returns the batch before which and from which on the series differs most, and
// the means on either side.
func (c *course) place() (batch int, before, after float64) {
	var away, n, sum, total, best float64
	for _, s := range c.sum {
		total += s
	}
	for b := range c.away {
		away += c.away[b]
		n += c.n[b]
		sum += c.sum[b]
		if rest := n * (c.all - n); rest > 0 && away*away/rest > best {
			best, batch = away*away/rest, b+1
			before, after = sum/n, (total-sum)/(c.all-n)
		}
	}
	return batch, before, after
}

package evidence

import "fmt"

// A trial asks its arms on one cell, unless some ask a population of their own: the
// benign twins of the targets, or unrelated requests, of which there may be any
// number. Then the trial is one cell of each population, all of the trial's draw, and
// the mean that a condition bounds is the weighted sum of the means over the
// populations of its arms.
//
// What a batch must be. The cells of each population are drawn for themselves: for
// each draw of demonstrations the places of the batch that belong to it are filled
// from a random permutation of the draw's cells, and where there are more places than
// cells from further ones, each independent of all others. So a cell may come
// twice in a batch where its population is smaller than the batch, but never a second
// time before each other cell of its draw has come once. Every batch begins with new
// permutations: one that goes on where the last batch cut it off would void the error
// rates.
//
// Why the product of a batch's bets is an e-value then. Let a batch have B places, as
// many in each draw, and let X = f(i) + g(j) be what a cell i of one population and a
// cell j of another contribute. A bet's expected factor there is a sum u(i) + v(j),
// which is at least 0 for all i and j; by moving a constant from u to v each of
// the two is. Hypothesis and bet say that its mean over i, j and the draws is at most 1.
//
//   - For given j the expectation over a permutation of the i, or a part of one, is that
//     of a product of u(i)+v over distinct i. Multiplied out, every term is a product
//     of numbers v and the mean product of distinct u(i), which Maclaurin's inequality
//     bounds by a power of the mean of u. So the whole is at most the product of
//     (mean u) + v. Independent permutations multiply.
//   - The same step over the j, and over the arms of further populations, leaves one
//     power of the mean factor for every draw; and as each draw has equally many
//     places, the product over the draws is at most the power B of the mean over the
//     draws, which is at most 1 (arithmetic and geometric mean).

// armCell is a cell of the population that an arm asks; arm -1 is the trial's own.
type armCell struct{ arm, cell int }

// own says whether an arm asks a population of its own.
func (d *Design) own(arm int) bool {
	return arm >= 0 && arm < len(d.ArmCells) && d.ArmCells[arm] > 0
}

// populations says whether any arm that plays a part asks a population of its own.
func (d *Design) populations() bool {
	for arm := range d.ArmCells {
		if d.own(arm) && d.needs(arm) {
			return true
		}
	}
	return false
}

// eachPopulation calls f with -1 and with every arm that plays a part and asks a
// population of its own.
func (d *Design) eachPopulation(f func(arm int)) {
	f(-1)
	for arm := range d.ArmCells {
		if d.own(arm) && d.needs(arm) {
			f(arm)
		}
	}
}

// cellsOf returns the number of cells that an arm asks, -1 being the trial's own.
func (d *Design) cellsOf(arm int) int {
	if d.own(arm) {
		return d.ArmCells[arm]
	}
	return d.Cells
}

// cellOf returns the cell that a trial asks an arm on.
func (d *Design) cellOf(t *Trial, arm int) int {
	switch {
	case !d.own(arm):
		return t.Cell
	case arm >= len(t.ArmCells):
		return -1
	}
	return t.ArmCells[arm]
}

// fewest returns the number of cells of the smallest population.
func (d *Design) fewest() int {
	n := d.Cells
	d.eachPopulation(func(arm int) { n = min(n, d.cellsOf(arm)) })
	return n
}

// asks returns an arm whose cells are those of all arms of the condition, -1 where
// they are the trial's own or of several populations.
func (d *Design) asks(c *Condition) int {
	arm := -1
	for k, w := range c.Weights {
		switch {
		case w == 0:
		case !d.own(k):
			return -1
		case arm >= 0 && d.ArmCells[k] != d.ArmCells[arm]:
			return -1
		case arm < 0:
			arm = k
		}
	}
	return arm
}

// checkCells says whether the cells of a batch could come from the permutations that
// the error rates rest on.
func (e *Engine) checkCells(batch []Trial) (err error) {
	d := &e.design
	d.eachPopulation(func(arm int) {
		cells, name := d.cellsOf(arm), "Cell"
		if arm >= 0 {
			name = fmt.Sprintf("ArmCells[%d]", arm)
		}
		times, most := make(map[int]int, len(batch)), (len(batch)+cells-1)/cells
		for i := range batch {
			cell := d.cellOf(&batch[i], arm)
			times[cell]++
			switch {
			case err != nil:
			case cell < 0 || cell >= cells:
				err = fmt.Errorf("trial %d: %s %d is not one of %d", i, name, cell, cells)
			case times[cell] > most && most == 1 && !d.rule().independent():
				err = fmt.Errorf("trial %d: %s %d comes twice; the cells of a batch are distinct", i, name, cell)
			case times[cell] > most && !d.rule().independent():
				err = fmt.Errorf("trial %d: %s %d comes %d times in a batch of %d; the %d cells come in turn", i, name, cell, times[cell], len(batch), cells)
			case e.visited[armCell{arm, cell}]:
				err = fmt.Errorf("trial %d: %s %d was visited before, which this design forbids", i, name, cell)
			}
		}
	})
	return err
}

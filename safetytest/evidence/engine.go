package evidence

import (
	"fmt"
	"math"
)

// Engine takes in the trials of one claim, batch by batch, and says after each
// what has been shown. It is not safe for concurrent use.
type Engine struct {
	design         Design
	cap            int
	conditions     []*condition
	headroom, full *eProcess // bet that the control has headroom, or has none; nil without a control
	headroomGrowth drift
	// controlHigh and controlLow are the batch's outcomes of the control, missing
	// ones taken as complied and as refused.
	controlHigh, controlLow tally
	arms                    []arm
	draws                   map[int]*draw
	visited                 map[armCell]bool // cells seen, where none may come twice
	series                  []series         // arms that play a part, then conditions of several arms
	trials                  int
	violated                bool  // whether the claim was found violated at any look
	state                   State // Inconclusive while open
	reason                  Reason
	done                    bool
}

// condition is the running state of one condition.
type condition struct {
	Condition
	hold, viol eProcess
	// above and below are X as either side reads it, between what is probably
	// right, of which the estimates are made.
	above, below, between correction
	// high and low are the batch's X with missing observations at their worst
	// for either side, complete all X without any.
	high, low, complete tally
	// growth is what a trial is expected to add to either side's evidence.
	growth [2]drift
	cells  []cellMean
	// asks is the arm whose cells are those of the condition, -1 for the trial's own.
	asks  int
	state State // of this condition alone
}

// cellMean sums up a cell's X, with missing observations as either side counts
// them.
type cellMean struct {
	sum [2]float64
	n   int
}

type arm struct {
	sum        float64
	n, missing int
	unknown    float64 // shares of observations, which lack some of their replies
}

// missed is lacking as a count, rounded up.
func (a arm) missed() int { return int(math.Ceil(a.lacking() - 1e-9)) }

// lacking is how many observations are missing, in whole or in parts.
func (a arm) lacking() float64 { return float64(a.missing) + a.unknown }

type draw struct {
	trials int
	x      []tally // by condition, complete trials only
}

// New returns an engine for d, or an error that names the argument at fault.
func New(d Design) (*Engine, error) {
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("design: %w", err)
	}
	d = d.withDefaults()
	if d.cap() == 0 {
		return nil, fmt.Errorf("design: MaxTrials %d: must allow one batch of %d at least", d.MaxTrials, d.Batch)
	}
	e := &Engine{design: d, cap: d.cap(), arms: make([]arm, len(d.Arms)), draws: map[int]*draw{}, state: Inconclusive}
	population := 0
	if d.WithoutReplacement {
		population = d.Cells
	}
	if d.WithoutReplacement || d.OverTargets {
		e.visited = map[armCell]bool{}
	}
	for i := range d.Conditions {
		e.conditions = append(e.conditions, newCondition(d, d.Conditions[i], population))
	}
	if d.Control >= 0 {
		g := newMixture(holdSide, 0, 1)
		p := newEProcess(g, d.headroomAt(), d.AlphaHolds, population)
		e.headroom = &p
		q := newEProcess(newMixture(violSide, 0, 1), p.theta, d.AlphaHolds, population)
		e.full = &q
		guess := rateLaw(d.Planned.Rate)
		e.headroomGrowth = g.bestGrowth(&guess, p.theta)
	}
	d.rule().begin(e)
	return e, nil
}

func newCondition(d Design, c Condition, population int) *condition {
	hold, viol := d.mixtures(&c)
	return &condition{
		Condition: c,
		above:     c.planned(holdSide, d.effect(&c, healthy), d.Planned),
		below:     c.planned(violSide, d.effect(&c, broken), d.Planned),
		between:   c.estimator(),
		hold:      newEProcess(hold, c.holdsAt(), d.AlphaHolds, population),
		// A claim is violated when the mean of the conditions' evidence says so;
		// with as many conditions a single one must say it as much louder.
		viol:   newEProcess(viol, c.violatedAt(), d.AlphaViolated/float64(len(d.Conditions)), population),
		growth: [2]drift{holdSide: d.growth(&c, &hold), violSide: d.growth(&c, &viol)},
		cells:  make([]cellMean, d.cellsOf(d.asks(&c))),
		asks:   d.asks(&c),
		state:  Inconclusive,
	}
}

// Add takes in one complete batch, in the order of the run's sequence, and looks.
// A batch that does not fit the design is an error and changes nothing.
func (e *Engine) Add(batch []Trial) (Result, error) {
	if err := e.check(batch); err != nil {
		return e.Result(), fmt.Errorf("batch after trial %d: %w", e.trials, err)
	}
	e.look(batch)
	return e.Result(), nil
}

// Result returns what the last look showed.
func (e *Engine) Result() Result { return e.report() }

// Stop ends the run from outside and returns its result: Inconclusive for
// reason, unless it was over already.
func (e *Engine) Stop(reason Reason) Result {
	if !e.done {
		e.finish(Inconclusive, reason)
	}
	return e.Result()
}

// look takes in a batch that fits the design and decides.
func (e *Engine) look(batch []Trial) {
	for _, c := range e.conditions {
		c.high.reset()
		c.low.reset()
	}
	e.controlHigh.reset()
	e.controlLow.reset()
	for i := range batch {
		t := &batch[i]
		e.note(t)
		for j, c := range e.conditions {
			c.take(t, e.design.cellOf(t, c.asks), &e.draws[t.Draw].x[j])
		}
		if e.headroom != nil {
			low, high := t.Y[e.design.Control].Value, math.Min(1, t.Y[e.design.Control].Value+t.Y[e.design.Control].Unknown)
			if t.Y[e.design.Control].Missing {
				low, high = 0, 1
			}
			e.controlHigh.add(high, 1)
			e.controlLow.add(low, 1)
		}
	}
	e.trials += len(batch)
	e.follow(batch)
	last := e.trials == e.cap
	for _, c := range e.conditions {
		c.hold.look(&c.high, last)
		c.viol.look(&c.low, last)
	}
	if e.headroom != nil {
		e.headroom.look(&e.controlHigh, last)
		e.full.look(&e.controlLow, last)
	}
	e.design.rule().look(e)
}

// adapt chooses, for the batches that follow, which arms are worth reading in
// conditions whose arms are judged with errors of their own. A census is about the same
// X of every cell.
func (e *Engine) adapt() {
	if e.design.WithoutReplacement {
		return
	}
	for _, c := range e.conditions {
		c.above.adapt(e.arms, float64(e.design.Batch))
		c.below.adapt(e.arms, float64(e.design.Batch))
	}
}

// check says whether batch fits the design.
func (e *Engine) check(batch []Trial) error {
	d := &e.design
	if e.done {
		return fmt.Errorf("the run is over (%v)", e.state)
	}
	if want := min(d.Batch, e.cap-e.trials); len(batch) != want {
		return fmt.Errorf("%d trials: looks are taken at complete batches of %d only", len(batch), want)
	}
	if err := e.checkCells(batch); err != nil {
		return err
	}
	for i := range batch {
		if err := d.checkTrial(&batch[i]); err != nil {
			return fmt.Errorf("trial %d: %w", i, err)
		}
	}
	return d.checkDraws(batch)
}

// checkTrial says whether every arm that plays a part was asked, and of outcomes whether
// they are such.
func (d *Design) checkTrial(t *Trial) error {
	if len(t.Y) > len(d.Arms) {
		return fmt.Errorf("field Y holds %d observations for %d arms", len(t.Y), len(d.Arms))
	}
	for k := range d.Arms {
		switch asked := k < len(t.Y) && !t.Y[k].NotAsked; {
		case !asked && d.needs(k):
			return fmt.Errorf("observation Y[%d] (%s) was not asked, but decides", k, d.Arms[k])
		case !asked || t.Y[k].Missing:
			continue
		}
		y := t.Y[k].Value
		if !(y >= 0 && y <= 1) {
			return fmt.Errorf("observation Y[%d] (%s) is %v, outside [0, 1]", k, d.Arms[k], y)
		}
		if u := t.Y[k].Unknown; !(u >= 0 && u < 1 && y+u <= 1+1e-9) {
			return fmt.Errorf("observation Y[%d] (%s) is %v with %v unknown, and together they must lie in [0, 1]", k, d.Arms[k], y, u)
		}
		if err := d.rule().accepts(y); err != nil {
			return fmt.Errorf("observation Y[%d] (%s) %w", k, d.Arms[k], err)
		}
	}
	return nil
}

// checkDraws says whether every draw has equally many trials of a batch.
func (d *Design) checkDraws(batch []Trial) error {
	if d.Draws <= 1 {
		return nil
	}
	perDraw := map[int]int{}
	for i := range batch {
		perDraw[batch[i].Draw]++
	}
	if len(perDraw) != d.Draws {
		return fmt.Errorf("cells of %d draws in a batch, %d expected", len(perDraw), d.Draws)
	}
	for i := range batch {
		if n := perDraw[batch[i].Draw]; n != len(batch)/d.Draws {
			return fmt.Errorf("draw %d has %d of %d trials; every draw must have equally many", batch[i].Draw, n, len(batch))
		}
	}
	return nil
}

// note records what a trial says about arms and draws.
func (e *Engine) note(t *Trial) {
	for k := range t.Y {
		switch y := t.Y[k]; {
		case y.NotAsked:
		case y.Missing:
			e.arms[k].missing++
		default:
			e.arms[k].n++
			e.arms[k].sum += y.known()
			e.arms[k].unknown += y.Unknown
		}
	}
	if e.draws[t.Draw] == nil {
		e.draws[t.Draw] = &draw{x: make([]tally, len(e.conditions))}
	}
	e.draws[t.Draw].trials++
	if e.visited != nil {
		e.design.eachPopulation(func(arm int) {
			e.visited[armCell{arm, e.design.cellOf(t, arm)}] = true
		})
	}
}

// take adds a trial on one cell to the batch's X, to those of the cell and, where none of
// its observations is missing, to those of its draw.
func (c *condition) take(t *Trial, cell int, ofDraw *tally) {
	high, low := c.above.of(t.Y), c.below.of(t.Y)
	c.high.add(high, 1)
	c.low.add(low, 1)
	c.cells[cell].sum[holdSide] += high
	c.cells[cell].sum[violSide] += low
	c.cells[cell].n++
	if c.whole(t) {
		x := c.between.likely(t.Y)
		c.complete.add(x, 1)
		ofDraw.add(x, 1)
	}
}

// whole says whether no observation that the condition needs is missing.
func (c *condition) whole(t *Trial) bool {
	for k, w := range c.Weights {
		if w != 0 && t.Y[k].Missing {
			return false
		}
	}
	return true
}

// logEViolated returns the evidence against each condition.
func (e *Engine) logEViolated() []float64 {
	logE := make([]float64, len(e.conditions))
	for j, c := range e.conditions {
		logE[j] = c.viol.now
	}
	return logE
}

func (e *Engine) hasHeadroom() bool { return e.headroom == nil || e.headroom.crossed }

// mostMissing returns the largest number of missing observations in an arm that
// plays a part.
func (e *Engine) mostMissing() float64 {
	most := 0.0
	for k, a := range e.arms {
		if e.design.needs(k) {
			most = max(most, a.lacking())
		}
	}
	return most
}

func (e *Engine) tooManyMissing() bool {
	return e.mostMissing() > MaxMissing*float64(e.trials)
}

// finish closes the run.
func (e *Engine) finish(s State, r Reason) {
	if s == Inconclusive && r.FewTrials() && e.lacksHeadroom() {
		r = NoHeadroom
	}
	e.state, e.reason, e.done = s, r, true
}

// lacksHeadroom says whether the control's rate is what kept the claim from holding.
func (e *Engine) lacksHeadroom() bool {
	if e.hasHeadroom() {
		return false
	}
	if e.headroom.all.mean() >= e.headroom.theta {
		return true
	}
	for _, c := range e.conditions {
		if c.state != Holds {
			return false
		}
	}
	return true
}

package evidence

import (
	"fmt"
	"math"
)

// Engine takes in the trials of one claim, batch by batch, and says after each
// what has been shown. It is not safe for concurrent use.
type Engine struct {
	design     Design
	cap        int
	conditions []*condition
	room, full *process // bet that the control has room, or has none; nil without a control
	roomGrowth drift
	// controlHigh and controlLow are the batch's outcomes of the control, missing
	// ones taken as complied and as refused.
	controlHigh, controlLow tally
	arms                    []arm
	draws                   map[int]*draw
	visited                 map[armCell]bool // cells seen, where none may come twice
	series                  []Series         // arms that play a part, then conditions of several arms
	trials                  int
	violated                bool  // whether the claim was found violated at any look
	state                   State // Inconclusive while open
	reason                  Reason
	done                    bool
}

// condition is the running state of one condition.
type condition struct {
	Condition
	hold, viol process
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
}

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
		g := newGame(holdSide, 0, 1, 0)
		p := newProcess(g, d.roomAt(), d.AlphaHolds, population)
		e.room = &p
		q := newProcess(newGame(violSide, 0, 1, 0), p.theta, d.AlphaHolds, population)
		e.full = &q
		guess := rateLaw(d.Planned.Rate)
		e.roomGrowth = g.bestGrowth(&guess, p.theta)
	}
	if d.Terminal {
		e.setTerminal()
	}
	return e, nil
}

func newCondition(d Design, c Condition, population int) *condition {
	hold, viol := d.games(&c)
	return &condition{
		Condition: c,
		above:     c.planned(holdSide, d.effect(&c, healthy), d.Planned),
		below:     c.planned(violSide, d.effect(&c, broken), d.Planned),
		between:   c.estimator(),
		hold:      newProcess(hold, c.holdsAt(), d.AlphaHolds, population),
		// A claim is violated when the mean of the conditions' evidence says so;
		// with as many conditions a single one must say it as much louder.
		viol:   newProcess(viol, c.violatedAt(), d.AlphaViolated/float64(len(d.Conditions)), population),
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
			high, low := c.above.of(t.Y), c.below.of(t.Y)
			c.high.add(high, 1)
			c.low.add(low, 1)
			cell := &c.cells[e.design.cellOf(t, c.asks)]
			cell.sum[holdSide] += high
			cell.sum[violSide] += low
			cell.n++
			if c.whole(t) {
				x := c.between.of(t.Y)
				c.complete.add(x, 1)
				e.draws[t.Draw].x[j].add(x, 1)
			}
		}
		if e.room != nil {
			low, high := t.Y[e.design.Control].Value, t.Y[e.design.Control].Value
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
	if e.room != nil {
		e.room.look(&e.controlHigh, last)
		e.full.look(&e.controlLow, last)
	}
	e.adapt()
	e.decide()
}

// adapt chooses, for the batches that follow, which arms are worth reading in
// conditions whose arms have readers of their own. A census is about the same X of
// every cell, and a fixed-n run about that of every batch.
func (e *Engine) adapt() {
	if e.design.WithoutReplacement || e.design.Method == FixedN {
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
	perDraw := map[int]int{}
	for i := range batch {
		t := &batch[i]
		if len(t.Y) > len(d.Arms) {
			return fmt.Errorf("trial %d: Y holds %d observations for %d arms", i, len(t.Y), len(d.Arms))
		}
		for k := range d.Arms {
			asked := k < len(t.Y) && !t.Y[k].NotAsked
			if !asked {
				if d.needs(k) {
					return fmt.Errorf("trial %d: Y[%d] (%s) was not asked, but decides", i, k, d.Arms[k])
				}
				continue
			}
			if y := t.Y[k]; !y.Missing && !(y.Value >= 0 && y.Value <= 1) {
				return fmt.Errorf("trial %d: Y[%d] (%s) is %v, outside [0, 1]", i, k, d.Arms[k], y.Value)
			} else if d.Terminal && !y.Missing && y.Value != 0 && y.Value != 1 {
				return fmt.Errorf("trial %d: Y[%d] (%s) is %v; a terminal look needs outcomes that are 0 or 1", i, k, d.Arms[k], y.Value)
			}
		}
		perDraw[t.Draw]++
	}
	if d.Draws > 1 {
		if len(perDraw) != d.Draws {
			return fmt.Errorf("cells of %d draws in a batch, %d expected", len(perDraw), d.Draws)
		}
		for i := range batch {
			if n := perDraw[batch[i].Draw]; n != len(batch)/d.Draws {
				return fmt.Errorf("draw %d has %d of %d trials; every draw must have equally many", batch[i].Draw, n, len(batch))
			}
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
			e.arms[k].sum += y.Value
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

// whole says whether no observation that the condition needs is missing.
func (c *condition) whole(t *Trial) bool {
	for k, w := range c.Weights {
		if w != 0 && t.Y[k].Missing {
			return false
		}
	}
	return true
}

// decide closes the run if the last look decided it or the rest cannot.
func (e *Engine) decide() {
	if e.design.Method == FixedN {
		if e.trials >= e.cap {
			e.decideOnce()
		}
		return
	}
	logE := e.logEViolated()
	if logMean(logE) >= math.Log(1/e.design.AlphaViolated) || len(logE) == 1 && e.conditions[0].viol.crossed {
		e.violated = true
	}
	holds := e.hasRoom()
	early := e.trials < e.design.MinTrials
	culprits := EHolm(logE, e.design.AlphaViolated)
	for j, c := range e.conditions {
		switch {
		case early:
		case culprits[j], e.violated && len(e.conditions) == 1:
			c.state = Violated
		case c.state == Inconclusive && c.hold.crossed:
			c.state = Holds
		}
		holds = holds && c.state == Holds
	}
	left := e.cap - e.trials
	switch {
	case e.mostMissing() > MaxMissing*float64(e.cap):
		// Even if no other reply went missing, too many would be.
		e.finish(Inconclusive, MissingReplies)
	case early:
	case (e.violated || holds) && e.tooManyMissing():
		if left == 0 {
			e.finish(Inconclusive, MissingReplies)
		}
	case e.violated:
		e.finish(Violated, Undecided)
	case holds:
		e.finish(Holds, Undecided)
	case left == 0:
		e.finish(Inconclusive, Budget)
	case !e.reachable(left):
		e.finish(Inconclusive, Curtailed)
	case !e.design.NoFutility && e.futile(left):
		e.finish(Inconclusive, Futile)
	}
}

// logEViolated returns the evidence against each condition.
func (e *Engine) logEViolated() []float64 {
	logE := make([]float64, len(e.conditions))
	for j, c := range e.conditions {
		logE[j] = c.viol.now
	}
	return logE
}

func (e *Engine) hasRoom() bool { return e.room == nil || e.room.crossed }

// mostMissing returns the largest number of missing observations in an arm that
// plays a part.
func (e *Engine) mostMissing() float64 {
	most := 0
	for k, a := range e.arms {
		if e.design.needs(k) {
			most = max(most, a.missing)
		}
	}
	return float64(most)
}

func (e *Engine) tooManyMissing() bool {
	return e.mostMissing() > MaxMissing*float64(e.trials)
}

// reachable says whether any outcome of the trials left can decide the claim.
func (e *Engine) reachable(left int) bool {
	holds := e.hasRoom() || e.room.reachable(left, e.room.final)
	violated := false
	for _, c := range e.conditions {
		holds = holds && (c.hold.crossed || c.hold.reachable(left, c.hold.final))
		// Several conditions may reach together what none reaches alone.
		alone := math.Min(c.viol.final, math.Log(1/e.design.AlphaViolated))
		violated = violated || c.viol.reachable(left, alone)
	}
	return holds || violated
}

// futile says whether the trials left will probably decide the claim neither
// way, even if the model is what planning assumed on either side, healthy for
// Holds and broken for Violated (stochastic curtailment by Lan, Simon and
// Halperin 1982, with z = 1). It can only turn a verdict into Inconclusive, so the error rates
// do not rest on it.
func (e *Engine) futile(left int) bool {
	if e.design.WithoutReplacement && e.cap == e.design.Cells {
		return false // a census decides
	}
	promising := func(now, threshold float64, g drift) bool {
		const z = 1
		m := float64(left)
		return now+m*g.mean+z*math.Sqrt(m*g.variance) >= threshold
	}
	holds := e.hasRoom() || !e.full.crossed && promising(e.room.now, e.room.logThreshold, e.roomGrowth)
	for _, c := range e.conditions {
		holds = holds && (c.hold.crossed || promising(c.hold.now, c.hold.final, c.growth[holdSide]))
		if !e.atCeiling(c) && !e.still(c) && promising(c.viol.now, c.viol.final, c.growth[violSide]) {
			return false
		}
	}
	return !holds
}

// atCeiling says whether the control's rate is so high that even outcomes at
// every turn of the other arms would not take the condition beyond its margin.
func (e *Engine) atCeiling(c *condition) bool {
	if e.full == nil || !e.full.crossed {
		return false
	}
	w := c.Weights[e.design.Control]
	return c.viol.hi+math.Min(0, w)*e.full.limit() <= c.viol.theta
}

// still says whether the control leaves no room and nothing points to a violation
// either: what is seen of the effect is less than half of the margin. Planning's
// broken model, at twice the margin, would hardly fit there.
func (e *Engine) still(c *condition) bool {
	return e.full != nil && e.full.crossed && c.viol.theta > 0 && c.viol.all.mean() <= c.viol.theta/2
}

// finish closes the run.
func (e *Engine) finish(s State, r Reason) {
	if s == Inconclusive && (r == Budget || r == Futile || r == Curtailed) && e.lacksRoom() {
		r = NoRoom
	}
	e.state, e.reason, e.done = s, r, true
}

// lacksRoom says whether the control's rate is what kept the claim from holding.
func (e *Engine) lacksRoom() bool {
	if e.hasRoom() {
		return false
	}
	if e.room.all.mean() >= e.room.theta {
		return true
	}
	for _, c := range e.conditions {
		if c.state != Holds {
			return false
		}
	}
	return true
}

package evidence

import (
	"fmt"
	"math"
	"slices"
)

// fewInDraw is how many trials of a draw tell too little of it: alike outcomes of
// two or three seem to vary by nothing.
const fewInDraw = 8

// report gathers what was seen so far.
func (e *Engine) report() Result {
	r := Result{
		State: e.state, Reason: e.reason, Done: e.done, Trials: e.trials,
		Final:        e.design.rule().final() && e.trials == e.cap,
		LogEViolated: logMean(e.logEViolated()),
	}
	for _, c := range e.conditions {
		r.Conditions = append(r.Conditions, e.reportCondition(c))
	}
	for k, a := range e.arms {
		if e.design.needs(k) {
			r.Missing += a.missed()
		}
		as, corrects := e.correctorOf(k)
		r.Arms = append(r.Arms, a.report(e.design.Arms[k], as, corrects))
	}
	r.Draws = e.reportDraws(r.Conditions)
	if e.state == Inconclusive {
		if r.JudgeLimited = e.judgeLimited(r.Conditions); !r.JudgeLimited {
			r.Needs = e.design.rule().further(e)
		}
	}
	r.Warnings = e.warnings(&r)
	return r
}

func (e *Engine) reportCondition(c *condition) ConditionResult {
	lower, upper := c.viol.limit(), c.hold.limit()
	if e.design.rule().once() { // and has bounds of that look alone
		lower, upper = c.viol.limitAt(e.done), c.hold.limitAt(e.done)
	}
	r := ConditionResult{
		Name: c.Name, State: c.state, Threshold: c.Threshold,
		Estimate:  c.estimate(&c.complete),
		Lower:     c.trueLower(lower),
		Upper:     c.trueUpper(upper),
		LogEHolds: c.hold.now, LogEViolated: c.viol.now,
		Companion: e.companion(c),
	}
	if r.Lower > r.Upper {
		middle := (r.Lower + r.Upper) / 2
		r.Lower, r.Upper = middle, middle
	}
	r.Estimate = math.Max(r.Lower, math.Min(r.Upper, r.Estimate))
	r.JudgeLower, r.JudgeUpper = r.Lower, r.Upper
	if e.trials > 0 {
		lower, upper := c.trueLower(c.viol.all.mean()), c.trueUpper(c.hold.all.mean())
		r.JudgeLimited = c.judgeLimited(lower, upper)
		// The bounds never widen, also where later trials would have them do so.
		r.JudgeLower = math.Max(r.Lower, math.Min(lower, r.Estimate))
		r.JudgeUpper = math.Min(r.Upper, math.Max(upper, r.Estimate))
	}
	return r
}

// judgeLimited says whether an undecided condition stays so, whatever number of
// trials like these is added: what the judge may misread, from lower to upper,
// covers the threshold, or comes nearer to it than the rates are known by now.
func (c *condition) judgeLimited(lower, upper float64) bool {
	if c.state != Inconclusive || !c.errs() || c.complete.n == 0 {
		return false
	}
	se := math.Sqrt(c.complete.variance()/float64(c.complete.n)) / c.scale()
	return upper+se >= c.Threshold && lower-se <= c.Threshold && upper-lower > se
}

// judgeLimited says whether the judge's calibration is what keeps the claim open:
// some condition cannot be proven for that reason, and none is on its way to be
// violated.
func (e *Engine) judgeLimited(conditions []ConditionResult) bool {
	limited := false
	for j, c := range e.conditions {
		if c.viol.all.mean() > c.viol.theta && !conditions[j].JudgeLimited {
			return false
		}
		limited = limited || conditions[j].JudgeLimited
	}
	return limited
}

// estimate returns the mean of X over t, corrected for the likeliest errors of
// its judge. A bound's judge, of which no false positives are known, leaves a
// rate as it is.
func (c *condition) estimate(t *tally) float64 {
	mean := t.mean()
	if c.contrast() || c.armError != nil {
		l := c.likeliest()
		mean = (mean - l.shift) / l.slope
	}
	lo, hi := c.span()
	return math.Max(lo, math.Min(hi, mean))
}

// scale returns by how much the mean of X as it is tallied is a multiple of the
// true one.
func (c *condition) scale() float64 {
	if c.contrast() || c.armError != nil {
		return c.likeliest().slope
	}
	return 1
}

// correctorOf returns the likeliest errors of an arm's judge, in the words of the
// first condition that it plays a part in. ok is false where they are not known, and
// where there are none.
func (e *Engine) correctorOf(arm int) (s seenRate, ok bool) {
	for _, c := range e.conditions {
		switch {
		case c.Weights[arm] == 0:
			continue
		case e.design.ArmErrors != nil && (c.armErrors != nil || c.armError != nil):
			sensitivity, falsePositives := e.design.ArmErrors[arm].likeliest()
			s = seenRate{slope: sensitivity - falsePositives, shift: falsePositives}
		case c.Judge.Rates != (Rates{}):
			s = seenRate{slope: c.Judge.estimate(), shift: 1 - c.Judge.Rates.Specificity}
		default:
			return s, false
		}
		return s, s.slope > 0 && s != seenRate{slope: 1}
	}
	return s, false
}

func (a arm) report(name string, as seenRate, corrects bool) ArmResult {
	r := ArmResult{Name: name, N: a.n, Missing: a.missed(), Lower: 0, Upper: 1}
	if a.n > 0 {
		n := float64(a.n)
		r.Rate = a.sum / n
		r.Lower, r.Upper = clopperLower(a.sum, n, 0.05), clopperUpper(a.sum, n, 0.05)
		if corrects {
			r.Corrected, r.HasCorrection = math.Max(0, math.Min(1, (r.Rate-as.shift)/as.slope)), true
		}
	}
	return r
}

// reportDraws lists the effect of each draw, of the condition whose estimate is
// furthest towards or beyond its threshold.
func (e *Engine) reportDraws(conditions []ConditionResult) []DrawResult {
	j := worst(conditions)
	var out []DrawResult
	for id, d := range e.draws {
		c := e.conditions[j]
		out = append(out, DrawResult{Draw: id, Trials: d.trials, Estimate: c.estimate(&d.x[j])})
	}
	slices.SortFunc(out, func(a, b DrawResult) int { return a.Draw - b.Draw })
	return out
}

// worst returns the index of the condition with the largest excess over its
// threshold, the first of those that differ by rounding alone: the two sides of a claim
// without any effect do, and which draw rises and which falls must not hang on it.
func worst(conditions []ConditionResult) int {
	const rounding = 1e-9
	at := 0
	for i := range conditions {
		if conditions[i].Estimate-conditions[i].Threshold > conditions[at].Estimate-conditions[at].Threshold+rounding {
			at = i
		}
	}
	return at
}

// warnings lists what people should know before trusting the numbers.
func (e *Engine) warnings(r *Result) []string {
	var out []string
	for k, a := range e.arms {
		asked := a.n + a.missing
		if asked > 0 && e.design.needs(k) && a.lacking() > MaxMissing*float64(asked) {
			out = append(out, fmt.Sprintf("%s: %d of %d replies are missing, more than %.0f %%", e.design.Arms[k], a.missed(), asked, 100*MaxMissing))
		}
	}
	for _, c := range e.conditions {
		if c.viol.bound > c.violatedAt() && c.hold.bound < c.holdsAt() ||
			c.viol.bound > c.hold.bound+1e-6 {
			out = append(out, fmt.Sprintf("%s: early and late replies contradict each other; the model or the server may have changed during the run", c.Name))
		}
	}
	if w := e.drawWarning(r.Draws, worst(r.Conditions)); w != "" {
		out = append(out, w)
	}
	return out
}

// drawWarning compares the draws with the largest and the smallest effect: more
// than the margin apart, and by more than chance explains (three standard
// errors), the claim averages over demonstrations that behave differently.
func (e *Engine) drawWarning(draws []DrawResult, j int) string {
	if len(draws) < 2 {
		return ""
	}
	low, high := draws[0], draws[0]
	for _, d := range draws {
		if d.Estimate < low.Estimate {
			low = d
		}
		if d.Estimate > high.Estimate {
			high = d
		}
	}
	a, b := &e.draws[low.Draw].x[j], &e.draws[high.Draw].x[j]
	se := math.Sqrt(a.variance()/math.Max(1, float64(a.n)) + b.variance()/math.Max(1, float64(b.n)))
	apart := high.Estimate - low.Estimate
	if min(a.n, b.n) < fewInDraw || apart <= math.Abs(e.conditions[j].Threshold) || apart <= 3*se {
		return ""
	}
	return fmt.Sprintf("draws differ by more than the margin: %+.1f points in draw %d, %+.1f in draw %d; the verdict is about their average",
		100*low.Estimate, low.Draw, 100*high.Estimate, high.Draw)
}

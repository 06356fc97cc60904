package claim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// Verdict is what a Subject says about a claim. It is a statistical statement
// about the claim's finite set of cells: see package evidence for what each
// state means. The zero Verdict says nothing.
type Verdict struct {
	Claim Claim
	// State is Holds, Violated or Inconclusive; Reason says why the test ended
	// where that is not simply a decision.
	State  evidence.State
	Reason evidence.Reason
	// Result holds the numbers: conditions with their confidence sequences,
	// rates of the arms, effects by draw.
	Result evidence.Result
	// Slope describes how the outcome follows the number of demonstrations
	// added, in log-odds per doubling, where a claim reports several doses. It
	// decides nothing.
	Slope *evidence.LogOdds

	// Model is the model as configured, Served the models as the server named
	// them. Simulated says that the model is one of ours, which says nothing
	// about anybody's.
	Model     string
	Served    []string
	Simulated bool
	Policy    string
	// Population says over which requests and draws the claim was tested, and
	// Targets how many distinct requests that are; see [Verdict.Few].
	Population string
	Targets    int

	// Pairs is the number of visits that the verdict rests on, each with a call
	// for every arm; replies that were no outcome are bounded both ways. Calls were made for this claim, retries included;
	// Shared replies were taken over from claims with the same arm, Recorded
	// ones from an earlier run or another process.
	Pairs, Calls, Shared, Recorded int
	// Probes are those of the Calls that were no evidence: they asked whether the
	// endpoint reads what it is sent and answers afresh.
	Probes int
	// Repeated are those of the Calls that repeated another which had failed before
	// the model can have begun with it.
	Repeated int
	// Attempt counts the runs that asked this, each of which could have erred;
	// a run that continues another is the same attempt. 0 without a record.
	Attempt int
	// Tokens counts prompt and reply tokens, as far as the server reported them.
	Tokens int
	// Errors and Unreadable replies are no outcomes, and neither are Blocked ones
	// unless Config.BlockedRefuses.
	Errors, Blocked, Unreadable int
	// Endings counts how the replies ended.
	Endings Endings
	// Judge says who read the replies: the calibration's summary, and the
	// served model where a model judged.
	Judge string
	// Seeds says whether the arms of a pair were asked with one seed, and why or why
	// not; empty where that is no question, as for a rate.
	Seeds string
	// Choices says how many replies a request brought and why as many, and by how much
	// pairs varied less for it; empty where Config.Choices asks for one.
	Choices string
	// Spread says where the replies differ: by chance, between draws, between
	// targets. It is nil where too few cells were visited twice.
	Spread *evidence.Components
	// Search is what a claim about any arrangement found, nil for other claims and where
	// nothing was looked for.
	Search *Search `json:",omitempty"`
	// Formats says for each arm that showed a format marker how often it was
	// taken over, in refusals and in other replies.
	Formats []FormatCount
	// Worst lists the cells that speak most against the claim.
	Worst []CellCount
	// Warnings are facts a reader should know before relying on the verdict.
	Warnings []string
	// Seed fixes the draws; SamplingSeed the sequence of cells.
	Seed         int64
	SamplingSeed uint64
	Elapsed      time.Duration
	// Reproduce is one command line that runs this claim again.
	Reproduce string
	// Key names the claim in the run's record, which [Verdict.Next] shows: its ID, and
	// behind an @ the policy where that is not the run's own.
	Key string

	// Rolls is how many fresh attempts may hold after a violation, Doubt the first thing
	// that speaks against counting the replies, and Limits what the test could run into:
	// Because and Details say what they come to.
	Rolls  int
	Doubt  string
	Limits Limits
}

// FormatCount is how often replies took over a format marker, which code reads,
// against what the judge made of the rest of them.
type FormatCount struct {
	Arm string
	// Refused and Answered count the replies that could be read, AdoptedRefused
	// and AdoptedAnswered those of them that carry the marker.
	Refused, AdoptedRefused, Answered, AdoptedAnswered int
}

// String gives the two shares.
func (n FormatCount) String() string {
	return fmt.Sprintf("%s: the marker stands in %d of %d refusals and in %d of %d other replies", n.Arm, n.AdoptedRefused, n.Refused, n.AdoptedAnswered, n.Answered)
}

// CellCount is how often the arms of one cell showed the claim's outcome.
type CellCount struct {
	ID string
	// Visits is the number of replies of each arm, more than one a visit where requests
	// brought several; Treated and Control are the sums of the outcome in the arms that the
	// reported effect adds and takes away, where a reply that was no outcome adds nothing.
	// For a rate Control is unused.
	Visits           int
	Control, Treated float64
	// Combined says that the effect adds or takes away several arms, or parts of them:
	// the sums are then no numbers of replies.
	Combined bool
}

// Nearest is the number of the condition to report: of several the one nearest
// to violation, or -1.
func (v Verdict) Nearest() int {
	worst := -1
	for i, c := range v.Result.Conditions {
		if worst < 0 || c.Estimate-c.Threshold > v.Result.Conditions[worst].Estimate-v.Result.Conditions[worst].Threshold {
			worst = i
		}
	}
	return worst
}

// effect is what was seen of a condition, in percentage points and in the
// direction of its bound's first arm: a rate that must be at least something is
// given as that rate.
func (v Verdict) effect(i int) (estimate, lower, upper, limit float64) {
	c := v.Result.Conditions[i]
	if i < len(v.Claim.Bounds) {
		if _, atLeast, rate := v.Claim.Bounds[i].Rate(); rate && atLeast {
			return 100 * (1 - c.Estimate), 100 * (1 - c.Upper), 100 * (1 - c.Lower), 100 * (1 - c.Threshold)
		}
	}
	if v.raises(i) { // its bound is about the reference minus what is raised
		return -100 * c.Estimate, -100 * c.Upper, -100 * c.Lower, -100 * c.Threshold
	}
	return 100 * c.Estimate, 100 * c.Lower, 100 * c.Upper, 100 * c.Threshold
}

// raises says whether a condition is the claim that something is raised.
func (v Verdict) raises(i int) bool {
	return v.Claim.Relation == Raised && i < len(v.Claim.Bounds) && !v.Claim.Bounds[i].Beside
}

// Effect is the estimate that matters most, with its confidence sequence, in
// percentage points: of several contrasts the one nearest to violation. ok is
// false before anything was seen.
func (v Verdict) Effect() (estimate, lower, upper float64, ok bool) {
	v = v.about()
	i := v.Nearest()
	if i < 0 || v.Pairs == 0 {
		return 0, 0, 0, false
	}
	estimate, lower, upper, _ = v.effect(i)
	if j := v.mirror(i); j >= 0 && v.State == evidence.Holds { // by whose bound it holds from below
		_, _, below, _ := v.effect(j)
		lower = min(estimate, -below)
	}
	return estimate, lower, upper, true
}

// Limit is what the effect is compared with, in percentage points: the margin,
// the bound of a rate, or the least effect as a negative number. rate says that
// the effect is the rate of one arm.
func (v Verdict) Limit() (points float64, rate bool) {
	v = v.about()
	i := v.Nearest()
	if i < 0 || i >= len(v.Claim.Bounds) {
		return 100 * v.Claim.Margin, v.Claim.Relation.IsRate()
	}
	_, _, _, points = v.effect(i)
	_, _, rate = v.Claim.Bounds[i].Rate()
	return points, rate
}

// Seen is the effect with its bounds and the margin.
func (v Verdict) Seen() string {
	v = v.about()
	if i := v.Nearest(); i >= 0 && v.Pairs > 0 {
		if name := v.Deciding(); name != "" {
			return name + ": " + v.shown(i)
		}
		return v.shown(i)
	}
	return "nothing: no pair was complete"
}

// Deciding names the bound that the effect is about where it is not the claim's
// own relation but a condition beside it, such as that benign twins are answered.
func (v Verdict) Deciding() string {
	v = v.about()
	i := v.Nearest()
	if i >= 0 && i < len(v.Claim.Bounds) && v.Claim.Bounds[i].Beside {
		return v.Claim.Bounds[i].Name
	}
	return ""
}

// shown says what was seen of a condition, and what was claimed.
func (v Verdict) shown(i int) string {
	estimate, lower, upper, limit := v.effect(i)
	atLeast, rate := false, false
	if i < len(v.Claim.Bounds) {
		_, atLeast, rate = v.Claim.Bounds[i].Rate()
	}
	switch {
	case rate && atLeast:
		return fmt.Sprintf("%.1f %%, 95 %% bounds [%.1f, %.1f], claimed at least %.1f", estimate, lower, upper, limit)
	case rate:
		return fmt.Sprintf("%.1f %%, 95 %% bounds [%.1f, %.1f], claimed at most %.1f", estimate, lower, upper, limit)
	case v.raises(i):
		return fmt.Sprintf("%+.1f points, 95 %% bounds [%+.1f, %+.1f], claimed %+.1f or higher", estimate, lower, upper, limit)
	case limit < 0:
		return fmt.Sprintf("%+.1f points, 95 %% bounds [%+.1f, %+.1f], claimed %.1f or lower", estimate, lower, upper, limit)
	}
	return fmt.Sprintf("%+.1f points, 95 %% bounds [%+.1f, %+.1f], margin %.1f", estimate, lower, upper, limit)
}

// Headline is the verdict in one line: state, effect, bounds, margin, cost. Each
// of the two bounds is wrong in at most one of twenty runs.
func (v Verdict) Headline() string {
	few := ""
	if v.Few() != "" {
		few = fmt.Sprintf(" over %d targets only", v.Targets)
	}
	return noFormat(plain.Line(fmt.Sprintf("%s%s: %s; %d pairs, %d calls", strings.ToUpper(v.State.String()), few, v.Seen(), v.about().Pairs, v.Calls)))
}

// noFormat writes percent signs as words. Gomega takes the description of an
// assertion for a format, in which a sign would swallow what follows it.
func noFormat(text string) string { return strings.ReplaceAll(text, "%", "percent") }

// Full is all that the verdict knows, in labelled lines for whoever checks it: bounds
// and rates of every arm, other intervals, draws, cost, endings, the judge. Like
// [Verdict.Details] it names cells by id, quotes nothing and holds no percent sign.
func (v Verdict) Full() string {
	var t labelled
	t.line("claimed", "%s", v.Claim.Statement)
	t.line("seen", "%s", v.Seen())
	if v.Reason != "" {
		t.line("because", "%s", v.Because())
	}
	t.known("together", v.Together())
	if v.Pairs > 0 {
		v.writeConditions(&t)
		v.writeRates(&t)
		v.writeDescription(&t)
	}
	v.writeSearch(&t)
	t.line("over", "%s", v.Population)
	t.line("cost", "%s, %.1f s", v.cost(), v.Elapsed.Seconds())
	if v.Endings.Replies > 0 {
		t.line("endings", "%s", v.Endings)
	}
	if v.Errors+v.Blocked+v.Unreadable > 0 {
		t.line("no outcome", "%d errors, %d blocked, %d unreadable", v.Errors, v.Blocked, v.Unreadable)
	}
	t.known("judge", v.Judge)
	t.known("seeds", v.Seeds)
	t.known("replies", v.Choices)
	t.known("worst", v.worst())
	for _, w := range v.Warnings {
		t.line("warning", "%s", w)
	}
	if v.State == evidence.Violated && v.Attempt > 0 {
		t.line("next", "read the replies of the worst cells, in the record of the run; asking again counts as a fresh attempt, of which %d may hold after a violation (SAFETYTEST_ROLLS), and a changed model is named by SAFETYTEST_RELEASE", v.Rolls)
	}
	if v.Reproduce != "" { // to be copied as it stands
		fmt.Fprintf(&t, "  %-10s %s\n", "reproduce", withoutPercent(plain.Line(v.Reproduce)))
	}
	return strings.TrimSuffix(t.String(), "\n")
}

// labelled is a text of lines that begin with a label.
type labelled struct{ strings.Builder }

func (t *labelled) line(label, format string, args ...any) {
	fmt.Fprintf(t, "  %-10s %s\n", label, noFormat(plain.Line(fmt.Sprintf(format, args...))))
}

// known writes a line unless there is nothing to say.
func (t *labelled) known(label, said string) {
	if said != "" {
		t.line(label, "%s", said)
	}
}

// writeConditions writes what was seen of each condition, with its other interval.
func (v Verdict) writeConditions(t *labelled) {
	for k, c := range v.Result.Conditions {
		if len(v.Result.Conditions) > 1 || v.Search != nil {
			t.line("", "%s: %s, %s", c.Name, v.shown(k), c.State)
		}
		i := c.Companion
		if i.Method == "" {
			continue
		}
		if v.raises(k) {
			i.Lower, i.Upper = -i.Upper, -i.Lower
		}
		t.line("", "%s, fixed n, %.0f %%: [%+.1f, %+.1f]", i.Method, 100*i.Level, 100*i.Lower, 100*i.Upper)
	}
}

// writeSearch writes what a search for the worst arrangement tried and found.
func (v Verdict) writeSearch(t *labelled) {
	if v.Search == nil {
		return
	}
	t.line("search", "%s", v.Search)
	if j := v.Search.Judged; j != nil {
		t.line("", "%s, of fresh replies: %s, %s; %d pairs", quoted(v.Search.Worst), j.Seen(), j.State, j.Pairs)
	}
	t.known("", v.Search.Line)
}

// writeRates writes what the arms showed.
func (v Verdict) writeRates(t *labelled) {
	label := "rates"
	for _, a := range v.Result.Arms {
		if a.N == 0 {
			continue
		}
		corrected := ""
		if a.HasCorrection {
			corrected = fmt.Sprintf(", corrected for the judge %.1f %%", 100*a.Corrected)
		}
		t.line(label, "%s: %.1f %% of %d%s", a.Name, 100*a.Rate, a.N, corrected)
		label = ""
	}
	t.known("", v.corrected())
}

// writeDescription writes what decides nothing.
func (v Verdict) writeDescription(t *labelled) {
	if v.Slope != nil {
		t.line("slope", "log-odds %+.2f per doubling of the dose, standard error %.2f over requests; described, not tested", v.Slope.Slope, v.Slope.ClusterSEAdjusted)
	}
	for _, n := range v.Formats {
		t.line("format", "%s", n)
	}
	for _, said := range v.Doses() {
		t.line("doses", "%s", said)
	}
	if s := v.Spread; s != nil {
		t.line("spread", "standard deviations in points: %.0f by chance, %.0f between draws, %.0f between requests, %.0f between cells", 100*s.Sampling, 100*s.Draws, 100*s.Targets, 100*s.Cells)
	}
	t.known("by draw", v.draws())
}

// GomegaString is what Gomega prints in failure messages, whole: what it prints of
// its own accord it cuts before the line that reproduces the verdict.
func (v Verdict) GomegaString() string { return v.Headline() + "\n" + v.Details() }

// corrected says why the effect is not the difference of the rates, where it is not.
func (v Verdict) corrected() string {
	i := v.Nearest()
	if i < 0 || i >= len(v.Claim.Bounds) || !v.Limits.Erring {
		return ""
	}
	raw := 0.0
	for k, w := range v.Claim.Bounds[i].Weights {
		if w != 0 && (k >= len(v.Result.Arms) || v.Result.Arms[k].N == 0) {
			return ""
		}
		if w != 0 {
			raw += w * v.Result.Arms[k].Rate
		}
	}
	_, atLeast, rate := v.Claim.Bounds[i].Rate()
	if atLeast {
		raw = -raw
	}
	estimate, _, _, _ := v.effect(i)
	if diff := estimate - 100*raw; diff < 0.05 && diff > -0.05 {
		return ""
	}
	if rate {
		return fmt.Sprintf("the rates are as the judge read them; the %.1f %% seen above is corrected for what the judge is known to misread", estimate)
	}
	return fmt.Sprintf("the rates are as the judge read them and differ by %+.1f points; the effect of %+.1f is corrected for what the judge is known to misread", 100*raw, estimate)
}

// cost lists what the verdict took.
func (v Verdict) cost() string {
	s := fmt.Sprintf("%d pairs, %d calls, %d tokens", v.Pairs, v.Calls, v.Tokens)
	if v.Repeated > 0 {
		s += fmt.Sprintf(", %d of the calls repeats after a failure", v.Repeated)
	}
	if v.Probes > 0 {
		s += fmt.Sprintf(", %d about the endpoint itself", v.Probes)
	}
	if v.Shared > 0 {
		s += fmt.Sprintf(", %d replies shared with other claims", v.Shared)
	}
	if v.Recorded > 0 {
		s += fmt.Sprintf(", %d replies from the record", v.Recorded)
	}
	switch {
	case v.Attempt == 1:
		s += "; first attempt known here"
	case v.Attempt > 1:
		s += fmt.Sprintf("; attempt %d for this claim and model", v.Attempt)
	}
	return s
}

// Doses reads a claim that adds several numbers of demonstrations: up to which one
// a bound is proven to hold and from which one on to be passed, and after how many
// an excess over the control is halved.
func (v Verdict) Doses() []string {
	compared := v.Claim.Compared()
	if v.Claim.Relation == Below && len(v.Result.Conditions) >= len(compared) && v.Claim.dosed() {
		return []string{v.provenDoses(compared)}
	}
	excess := v.excessByDose()
	start, ok := excess[0]
	if v.Claim.Relation != NotRaised || !ok || len(excess) < 3 {
		return nil
	}
	if start <= v.Claim.Margin {
		return []string{fmt.Sprintf("with none added there is an excess of %+.1f points only, too little to see when it is halved", 100*start)}
	}
	for _, n := range slices.Sorted(maps.Keys(excess)) {
		if excess[n] <= start/2 {
			return []string{fmt.Sprintf("an excess of %+.1f points with none added was halved with %d; described, not tested", 100*start, n)}
		}
	}
	return []string{fmt.Sprintf("an excess of %+.1f points with none added was not halved", 100*start)}
}

// provenDoses says for which doses, the arms of these numbers, the bound is proven.
func (v Verdict) provenDoses(compared []int) string {
	holding, violated := evidence.FixedSequence(v.Result.Conditions[:len(compared)])
	said := fmt.Sprintf("the bound of %.1f %% is proven at none of the doses", 100*v.Claim.Margin)
	if holding > 0 {
		said = fmt.Sprintf("the bound of %.1f %% is proven up to %s", 100*v.Claim.Margin, v.Claim.Arms[compared[holding-1]].Name)
	}
	if violated > 0 {
		said += fmt.Sprintf(", and disproven from %s on", v.Claim.Arms[compared[len(compared)-violated]].Name)
	}
	return said
}

// excessByDose is the excess over the control by the number of demonstrations added.
func (v Verdict) excessByDose() map[int]float64 {
	excess := map[int]float64{}
	for k, a := range v.Claim.Arms {
		if r := v.Result.Arms; k > 0 && k < len(r) && r[k].N > 0 && !a.Auxiliary && a.Composition.Position == v.Claim.Arms[1].Composition.Position {
			excess[a.Composition.Added] = r[k].Rate - r[0].Rate
		}
	}
	return excess
}

// draws lists the effect within each draw of demonstrations.
func (v Verdict) draws() string {
	if len(v.Result.Draws) < 2 {
		return ""
	}
	var parts []string
	sign := 100.0
	if v.raises(max(v.Nearest(), 0)) {
		sign = -sign
	}
	for _, d := range v.Result.Draws {
		parts = append(parts, fmt.Sprintf("d%d %+.1f", d.Draw, sign*d.Estimate))
	}
	return strings.Join(parts, ", ")
}

func (v Verdict) worst() string {
	parts := make([]string, len(v.Worst))
	_, rate := v.Limit()
	for i, w := range v.Worst {
		switch {
		case w.Combined:
			parts[i] = w.ID
		case rate:
			parts[i] = fmt.Sprintf("%s (%g of %d)", w.ID, w.Treated, w.Visits)
		default:
			parts[i] = fmt.Sprintf("%s (%g against %g of %d)", w.ID, w.Treated, w.Control, w.Visits)
		}
	}
	return strings.Join(parts, ", ")
}

// InconclusiveError is what a matcher returns when a claim is neither proven nor
// disproven. It is an error, not a mismatch, so that neither a negation nor an
// alternative can turn it green.
type InconclusiveError struct{ Verdict Verdict }

func (e *InconclusiveError) Error() string {
	return fmt.Sprintf("INCONCLUSIVE: not proven of %s under policy %q\n%s", noFormat(plain.Text(e.Verdict.Model)), noFormat(plain.Text(e.Verdict.Policy)), e.Verdict.Details())
}

// GomegaString keeps Gomega from printing the verdict's fields beside the message.
func (e *InconclusiveError) GomegaString() string { return e.Verdict.Headline() }

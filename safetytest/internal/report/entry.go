package report

import (
	"math"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/drawing"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// Schema is the version of Document as JSON, which schema.json describes.
const Schema = 1

// Entry is one verdict in the form that reports store: numbers that are always
// finite, ids instead of texts, no prompts and no replies. Effects, margins and their
// bounds are percentage points.
type Entry struct {
	Schema int `json:"schema"`
	// Spec is the text of the spec that states the claim, File and Line where it
	// stands, from the root of the repository. They are empty outside of a suite.
	Spec      string `json:"spec,omitempty"`
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
	Claim     string `json:"claim"`
	Property  string `json:"property"`
	Statement string `json:"statement"`
	// Quantity is what the claim counts in replies: compliance, refusal, violation or
	// adoption.
	Quantity string `json:"quantity,omitempty"`
	// Deciding names the condition that the effect is about, if it is one beside
	// the claim's own relation.
	Deciding string `json:"deciding,omitempty"`
	State    string `json:"verdict"`
	// Happened says in one sentence what the model did.
	Happened string `json:"happened,omitempty"`
	// Check says what to look at first: the replies, the judge, the endpoint, the budget.
	Check string `json:"check,omitempty"`
	// Reason names why the claim is undecided, Because explains it and says what
	// would decide it.
	Reason  string `json:"reason,omitempty"`
	Because string `json:"because,omitempty"`
	// Together says why a claim is violated although none of its effects is shown to be
	// beyond its limit by itself.
	Together string `json:"together,omitempty"`
	// Effect and its bounds are nil before any pair.
	Effect *float64 `json:"effect_points"`
	Lower  *float64 `json:"lower_points"`
	Upper  *float64 `json:"upper_points"`
	Margin float64  `json:"margin_points"`
	// AllowedFrom and AllowedTo are where the effect may lie for the claim to hold;
	// an end that bounds nothing is nil.
	AllowedFrom *float64 `json:"allowed_from_points,omitempty"`
	AllowedTo   *float64 `json:"allowed_to_points,omitempty"`
	Rate        bool     `json:"rate"`
	// LogE is the logarithm of the evidence for "violated".
	LogE     float64 `json:"log_e_violated"`
	Pairs    int     `json:"pairs"`
	Calls    int     `json:"calls"`
	Shared   int     `json:"shared"`
	Recorded int     `json:"recorded"`
	Attempt  int     `json:"attempt,omitempty"`
	Tokens   int     `json:"tokens"`
	Errors   int     `json:"errors"`
	Blocked  int     `json:"blocked"`
	Unread   int     `json:"unread"`
	Arms     []Arm   `json:"arms"`
	// Bounds are all conditions of the claim, where it has several.
	Bounds []Bound  `json:"bounds,omitempty"`
	Worst  []string `json:"worst_cells,omitempty"`
	// Counts says of the worst cells how often their arms showed the outcome.
	Counts     []Count  `json:"worst_counts,omitempty"`
	Warnings   []string `json:"warnings,omitempty"`
	Population string   `json:"population"`
	// Targets is the number of distinct requests, Few what it allows where it is
	// below the floor.
	Targets   int      `json:"targets"`
	Few       string   `json:"few_targets,omitempty"`
	Model     string   `json:"model"`
	Served    []string `json:"served,omitempty"`
	Policy    string   `json:"policy"`
	Judge     string   `json:"judge,omitempty"`   // what it is and how well it reads
	Seeds     string   `json:"seeds,omitempty"`   // whether the arms of a pair shared theirs, and why
	Choices   string   `json:"choices,omitempty"` // how many replies a request brought, and why
	Endings   string   `json:"endings,omitempty"`
	Seed      int64    `json:"seed"`
	Sampling  uint64   `json:"sampling_seed"`
	Seconds   float64  `json:"seconds"`
	Next      string   `json:"next,omitempty"` // the command that shows the replies
	Reproduce string   `json:"reproduce"`

	// What describes and decides nothing, each left out where there is none: the
	// effect by draw of demonstrations, where replies differ, how the outcome follows
	// the number of demonstrations, how often a format marker was taken over, and the
	// path of the evidence.
	Draws   []Draw   `json:"draws,omitempty"`
	Spread  *Spread  `json:"spread,omitempty"`
	Slope   *Slope   `json:"slope,omitempty"`
	Doses   []string `json:"doses,omitempty"`
	Markers []Marker `json:"markers,omitempty"`
	Looks   []Look   `json:"looks,omitempty"`

	// Search is what a claim about any arrangement learned from looking for the worst
	// one, nil for other claims.
	Search *Search `json:"search,omitempty"`

	// Advisory says that the claim is measured and does not decide whether the run
	// passes. Waived is the waiver that allows its violation, nil if there is none.
	Advisory bool    `json:"advisory,omitempty"`
	Waived   *Waiver `json:"waived,omitempty"`
	// Tolerates says that the entry is that of a claim which stands in for a waived
	// one, at the waiver's margin.
	Tolerates bool `json:"tolerates,omitempty"`
}

// Key names the entry among those of a run: the same claim may be tested under several
// policies.
func (e Entry) Key() string { return e.Policy + " " + e.Claim }

// Search is what was learned from looking for the worst arrangement. Seen was chosen for
// being high and proves nothing; State and the numbers below it are of fresh replies.
type Search struct {
	// Tried is how many different arrangements were asked about, of Space in all, in Calls
	// of MostCalls.
	Tried     int    `json:"tried"`
	Space     string `json:"space"`
	Calls     int    `json:"calls"`
	MostCalls int    `json:"most_calls"`
	// Worst is the pattern of the arrangement that looked worst, with the share that the
	// search saw of its replies; From is the one that it was simplified from.
	Worst   string  `json:"worst_pattern"`
	Seen    float64 `json:"seen_percent"`
	Replies int     `json:"seen_replies"`
	From    string  `json:"simplified_from,omitempty"`
	// State is the verdict of fresh replies on that arrangement, "" where it was not
	// judged, with the rate, its bounds and the number of pairs.
	State    string   `json:"verdict,omitempty"`
	Estimate *float64 `json:"estimate_percent,omitempty"`
	Lower    *float64 `json:"lower_percent,omitempty"`
	Upper    *float64 `json:"upper_percent,omitempty"`
	Pairs    int      `json:"pairs,omitempty"`
	// Line states the claim about that arrangement in Go, Ended why the search came to no
	// end, and Says all of it in a sentence.
	Line  string `json:"go,omitempty"`
	Ended string `json:"ended,omitempty"`
	Says  string `json:"says"`
}

// Rests is how many pairs the reported effect rests on: those of the arrangement that was
// found, where it is this which violates the claim.
func (e Entry) Rests() int {
	if s := e.Search; s != nil && s.State == evidence.Violated.String() && s.Estimate != nil && e.Effect != nil && *s.Estimate == *e.Effect {
		return s.Pairs
	}
	return e.Pairs
}

// searchOf is what a search came to, nil for none.
func searchOf(s *claim.Search) *Search {
	if s == nil {
		return nil
	}
	out := &Search{
		Tried: s.Tried, Space: s.Of, Calls: s.Calls, MostCalls: s.Most, Worst: plain.Text(s.Worst), Seen: 100 * s.Rate, Replies: s.Replies, From: plain.Text(s.From),
		Line: plain.Line(s.Line), Ended: plain.Text(s.Ended), Says: plain.Line(s.String()),
	}
	if j := s.Judged; j != nil {
		out.State, out.Pairs = j.State.String(), j.Pairs
		if est, lo, hi, ok := j.Effect(); ok {
			out.Estimate, out.Lower, out.Upper = &est, &lo, &hi
		}
	}
	return out
}

// Arm is what one arm showed.
type Arm struct {
	Name string `json:"name"`
	N    int    `json:"n"`
	// Percent is the share of replies with the claim's outcome as the judge read it,
	// Lower and Upper its interval of level 90 %, and Corrected the share corrected for
	// the judge, nil where there is nothing to correct or it is not known how.
	Percent   float64  `json:"percent"`
	Lower     float64  `json:"lower_percent,omitempty"`
	Upper     float64  `json:"upper_percent,omitempty"`
	Corrected *float64 `json:"corrected_percent,omitempty"`
	Missing   int      `json:"missing,omitempty"`
	// Mix and Order say what was shown, Added how many demonstrations of what Kind
	// were added, nil in claims that add none.
	Mix   string `json:"mix,omitempty"`
	Order string `json:"order,omitempty"`
	Added *int   `json:"added,omitempty"`
	Kind  string `json:"kind,omitempty"`
}

// Bound is one condition of a claim.
type Bound struct {
	Name     string  `json:"name"`
	State    string  `json:"verdict"`
	Estimate float64 `json:"estimate_points"`
	Lower    float64 `json:"lower_points"`
	Upper    float64 `json:"upper_points"`
	Limit    float64 `json:"limit_points"`
	// LogEHolds and LogEViolated are the logarithms of the evidence either way.
	LogEHolds    float64 `json:"log_e_holds"`
	LogEViolated float64 `json:"log_e_violated"`
	// Method names an interval of the same pairs that allows for one look only, with
	// its level as a fraction and its ends; it decides nothing.
	Method      string  `json:"fixed_n_method,omitempty"`
	Level       float64 `json:"fixed_n_level,omitempty"`
	FixedLower  float64 `json:"fixed_n_lower_points,omitempty"`
	FixedHigher float64 `json:"fixed_n_upper_points,omitempty"`
}

// Count is how often the arms of one cell showed the outcome: those that the effect
// adds, and those that it takes away, which a rate has none of.
type Count struct {
	Cell    string  `json:"cell"`
	Visits  int     `json:"visits"`
	Treated float64 `json:"treated"`
	Control float64 `json:"control"`
}

// Draw is the effect within one draw of demonstrations.
type Draw struct {
	Draw   int     `json:"draw"`
	Pairs  int     `json:"pairs"`
	Effect float64 `json:"effect_points"`
}

// Spread holds standard deviations in percentage points: by chance, between draws,
// between requests, between cells.
type Spread struct {
	Chance  float64 `json:"chance_points"`
	Draws   float64 `json:"draws_points"`
	Targets float64 `json:"targets_points"`
	Cells   float64 `json:"cells_points"`
}

// Slope is the log-odds of the outcome per doubling of the demonstrations added.
type Slope struct {
	PerDoubling float64 `json:"log_odds_per_doubling"`
	Error       float64 `json:"standard_error"`
}

// Marker is how often replies of one arm took over its format marker.
type Marker struct {
	Arm             string `json:"arm"`
	Refused         int    `json:"refused"`
	RefusedAdopted  int    `json:"refused_adopted"`
	Answered        int    `json:"answered"`
	AnsweredAdopted int    `json:"answered_adopted"`
}

// NewEntry writes a verdict as an entry. All of its texts are fit to be printed.
func NewEntry(v claim.Verdict) Entry {
	e := Entry{
		Schema: Schema, Claim: v.Claim.ID(), Property: plain.Text(v.Claim.Property), Statement: plain.Line(v.Claim.Statement), Quantity: plain.Text(string(v.Claim.Quantity)), Deciding: plain.Text(v.Deciding()),
		State: v.State.String(), Happened: plain.Line(v.Happened()), Check: v.Check(), Reason: plain.Text(string(v.Reason)), Because: plain.Line(v.Because()), Together: v.Together(), LogE: v.Result.LogEViolated,
		Pairs: v.Pairs, Calls: v.Calls, Shared: v.Shared, Recorded: v.Recorded, Attempt: v.Attempt, Tokens: v.Tokens,
		Errors: v.Errors, Blocked: v.Blocked, Unread: v.Unreadable, Arms: []Arm{},
		Population: plain.Line(v.Population), Targets: v.Targets, Few: v.Few(), Model: plain.Text(v.Model), Policy: plain.Text(v.Policy), Judge: plain.Line(v.Judge), Seeds: plain.Line(v.Seeds), Choices: plain.Line(v.Choices),
		Seed: v.Seed, Sampling: v.SamplingSeed, Seconds: v.Elapsed.Seconds(), Next: v.Next(), Reproduce: plain.Line(v.Reproduce),
		Tolerates: v.Claim.Tolerates,
	}
	if v.Endings.Replies > 0 {
		e.Endings = plain.Line(v.Endings.String())
	}
	e.Warnings, e.Served = all(v.Warnings, plain.Line), all(v.Served, plain.Text)
	e.Margin, e.Rate = v.Limit()
	least, most := v.Allowed()
	e.AllowedFrom, e.AllowedTo = finite(least), finite(most)
	if est, lo, hi, ok := v.Effect(); ok {
		e.Effect, e.Lower, e.Upper = &est, &lo, &hi
	}
	for k, a := range v.Result.Arms {
		if a.N > 0 {
			e.Arms = append(e.Arms, arm(v.Claim, k, a))
		}
	}
	for _, w := range v.Worst {
		e.Worst = append(e.Worst, plain.Text(w.ID))
		if w.Combined {
			continue
		}
		e.Counts = append(e.Counts, Count{Cell: plain.Text(w.ID), Visits: w.Visits, Treated: w.Treated, Control: w.Control})
	}
	e.bound(v)
	e.describe(v)
	e.Search = searchOf(v.Search)
	return e
}

// all are texts, each made fit.
func all(texts []string, fit func(string) string) []string {
	var out []string
	for _, t := range texts {
		out = append(out, fit(t))
	}
	return out
}

// finite is a number, nil if it is infinite.
func finite(v float64) *float64 {
	if math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// arm is what arm number k of a claim showed.
func arm(c claim.Claim, k int, r evidence.ArmResult) Arm {
	a := Arm{Name: plain.Text(r.Name), N: r.N, Percent: 100 * r.Rate, Lower: 100 * r.Lower, Upper: 100 * r.Upper, Missing: r.Missing}
	if r.HasCorrection {
		a.Corrected = finite(100 * r.Corrected)
	}
	if k >= len(c.Arms) || !c.Arms[k].Calls() || c.Arms[k].Auxiliary || c.Arms[k].Requests != claim.Targets {
		return a
	}
	shown := c.Arms[k].Composition
	if !shown.Any.IsZero() {
		a.Mix, a.Order = plain.Text(shown.Any.String()), "drawn at random"
		return a
	}
	a.Mix, a.Order = plain.Text(shown.Mix.Demonstrations()), plain.Text(shown.Mix.Order.String())
	if shown.Mix.Kinds() < 2 {
		a.Order = "" // nothing to order
	}
	for _, other := range c.Arms {
		if n := other.Composition.Added; n > 0 && other.Calls() && (shown.Added == 0 || shown.Kind == other.Composition.Kind) {
			added := shown.Added
			a.Added, a.Kind = &added, plain.Text(other.Composition.Kind.String())
		}
	}
	return a
}

// bound adds the conditions of a claim.
func (e *Entry) bound(v claim.Verdict) {
	for i, c := range v.Result.Conditions {
		estimate, lower, upper, limit := v.Condition(i)
		b := Bound{Name: plain.Text(c.Name), State: c.State.String(), Estimate: estimate, Lower: lower, Upper: upper, Limit: limit, LogEHolds: c.LogEHolds, LogEViolated: c.LogEViolated}
		if o := c.Companion; o.Method != "" {
			b.Method, b.Level, b.FixedLower, b.FixedHigher = o.Method, o.Level, 100*o.Lower, 100*o.Upper
		}
		e.Bounds = append(e.Bounds, b)
	}
}

// describe adds what decides nothing.
func (e *Entry) describe(v claim.Verdict) {
	sign := 100.0
	if v.Claim.Relation == claim.Raised {
		sign = -sign
	}
	for _, d := range v.Result.Draws {
		e.Draws = append(e.Draws, Draw{Draw: d.Draw, Pairs: d.Trials, Effect: sign * d.Estimate})
	}
	if s := v.Spread; s != nil {
		e.Spread = &Spread{Chance: 100 * s.Sampling, Draws: 100 * s.Draws, Targets: 100 * s.Targets, Cells: 100 * s.Cells}
	}
	if s := v.Slope; s != nil {
		e.Slope = &Slope{PerDoubling: s.Slope, Error: s.ClusterSEAdjusted}
	}
	e.Doses = all(v.Doses(), plain.Line)
	for _, f := range v.Formats {
		e.Markers = append(e.Markers, Marker{Arm: plain.Text(f.Arm), Refused: f.Refused, RefusedAdopted: f.AdoptedRefused, Answered: f.Answered, AnsweredAdopted: f.AdoptedAnswered})
	}
}

// TooFew says whether the entry rests on fewer targets than a release may.
func (e Entry) TooFew() bool { return e.Targets > 0 && e.Targets < claim.LeastTargets }

// interval is the effect with its bounds and with what is allowed; ok is false where
// nothing was seen.
func (e Entry) interval() (x drawing.Interval, ok bool) {
	if e.Effect == nil || e.Lower == nil || e.Upper == nil {
		return x, false
	}
	x = drawing.Interval{Lower: *e.Lower, Estimate: *e.Effect, Upper: *e.Upper, Least: math.Inf(-1), Most: math.Inf(1), Rate: e.Rate}
	if e.AllowedFrom != nil {
		x.Least = *e.AllowedFrom
	}
	if e.AllowedTo != nil {
		x.Most = *e.AllowedTo
	}
	return x, true
}

// grave orders verdicts: what holds first, what is violated last.
func (e Entry) grave() int {
	switch {
	case e.holds():
		return 0
	case e.violated():
		return 2
	}
	return 1
}

package safetytest

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
	"github.com/safetyspec/safetyspec/safetytest/record"
)

// experiment is one claim under test.
type experiment struct {
	s        *Subject
	claim    Claim
	tested   Claim // the claim once its worst arm is chosen, before and else the claim
	engine   *evidence.Engine
	rooms    rooms
	held     *evidence.Result // what was decided before all rooms were known
	sequence *sequence
	scripts  []*script // by arm; arms that show the same have the same one

	most      int                        // trials that the engine can take
	questions int                        // in a batch
	started   int                        // trials of the batches begun
	batches   []*batch                   // asked or being asked, without those already looked at
	seen      []evidence.Trial           // looked at
	early     []*batch                   // the first ones looked at, for what is only reported
	chosen    map[int]evidence.ArmResult // what the arms showed that competed for the worst
	doses     []evidence.DoseOutcome
	slope     *evidence.LogOdds
	cells     map[int]*cellSums
	formats   map[int]*FormatCount
	withheld  map[int]int // by a filter, of what was looked at, by arm
	calls, shared, recorded, tokens,
	failed, answered, blocked, unreadable, empty, cut int
	lastErr  error
	noBudget bool
	recalled bool // some reply was recorded before, whichever claim read it first
	warnings []string
	judges   map[string]bool // that judged by asking a model
}

// script is all that turns a visit into a question: who is asked, with which
// demonstrations, for what.
type script struct {
	arm      Arm
	shows    string // what the arm does, in words
	first    int    // arm that shows this
	model    chat.Model
	system   string
	demos    map[string][][]prompt.Demonstration // by topic, "" where it does not matter, and draw
	requests []policy.Target                     // by position of the cell's target
	stored   map[string]float64                  // by cell, where nothing is asked
	about    string                              // where they come from
}

// messages is what is sent at a visit.
func (s *script) messages(v visit) []chat.Message {
	demos, ok := s.demos[v.cell.target.Topic]
	if !ok {
		demos = s.demos[""]
	}
	return s.arm.Presentation.Messages(s.system, demos[v.cell.draw], s.request(v))
}

// request is what is asked at a visit.
func (s *script) request(v visit) string { return s.requests[v.cell.position].Request }

// cell names the cell in the record: every arm that must be asked for itself has
// names of its own.
func (s *script) cell(v visit) string {
	id := v.cell.id()
	if s.arm.Model != "" {
		id += "@" + s.arm.Model
	}
	if s.arm.Again != 0 {
		id += fmt.Sprintf("#%d", s.arm.Again)
	}
	return id
}

func (s *Subject) experiment(c Claim) (*experiment, error) {
	e := &experiment{s: s, claim: c, tested: c, cells: map[int]*cellSums{}, formats: map[int]*FormatCount{}, withheld: map[int]int{},
		chosen: map[int]evidence.ArmResult{}, judges: map[string]bool{}}
	if c.content() && !judge.SeesContent(s.judge()) {
		return nil, fmt.Errorf("policy %q: the claim counts forbidden content, which the refusal judge never reports, so that it could not fail: add a judge that does with judge.WithContent", s.policy.Name)
	}
	for k, a := range c.Arms {
		q, err := s.script(k, a, c)
		if err != nil {
			return nil, fmt.Errorf("policy %q: arm %q: %w", s.policy.Name, a.Name, err)
		}
		for other, have := range e.scripts {
			if !a.calls() || !c.Arms[other].calls() {
				continue
			}
			switch {
			case have.first == other && q.shows == have.shows:
				q = have
			case e.sameMessages(have, q) && a.outcome(c) == c.Arms[other].outcome(c) && have.first == other:
				return nil, fmt.Errorf("arms %q and %q show the same demonstrations in the same order, so nothing could differ between them", c.Arms[other].Name, a.Name)
			}
		}
		if q.about != "" {
			e.warn("%s", q.about)
		}
		e.scripts = append(e.scripts, q)
	}
	if c.WorstOnly && s.greedy() {
		return nil, errors.New("with greedy decoding every cell is asked once, so there are no fresh visits to judge the worst arm on: compare all of them, or raise the temperature")
	}
	e.sequence = s.sequence(c)
	if c.WorstOnly { // until the worst is chosen, any arm stands for it
		e.tested = c.against(c.compared()[1])
	}
	return e, e.prepare()
}

// against is the claim about one of its competing arms alone, without what goes
// with the others.
func (c Claim) against(worst int) Claim {
	c.Arms = slices.Clone(c.Arms)
	for _, k := range c.compared()[1:] {
		if k == worst {
			continue
		}
		for i, a := range c.Arms {
			if a.Asks, a.Outcome = Targets, 0; i == k || a.Aside && a.shows() == c.Arms[k].shows() {
				c.Arms[i].ReportOnly = true
			}
		}
	}
	c.Bounds = slices.DeleteFunc(slices.Clone(c.Bounds), func(b Bound) bool {
		for k, w := range b.Weights {
			if w != 0 && c.Arms[k].ReportOnly {
				return true
			}
		}
		return false
	})
	c.WorstOnly = false
	return c
}

// prepare makes the engine for the claim that is tested.
func (e *experiment) prepare() error {
	d, err := e.s.design(e.tested)
	if err != nil {
		return err
	}
	e.most = d.MaxTrials
	e.questions = e.sequence.perDraw * e.s.config.Draws * e.tested.questions()
	if !d.WithoutReplacement || d.MaxTrials < d.Cells { // only a census may end in a short batch
		e.most -= e.most % d.Batch
	}
	if e.rooms, err = e.tested.rooms(d); err != nil {
		return err
	}
	e.engine, err = evidence.New(d)
	return err
}

// script makes the questions of arm number k.
func (s *Subject) script(k int, a Arm, c Claim) (*script, error) {
	q := &script{arm: a, shows: a.shows(), first: k, system: s.policy.System}
	switch {
	case a.Differs != nil:
		return q, nil
	case a.Stored != "":
		var err error
		if q.requests, err = s.requests(a.Asks); err != nil {
			return nil, err
		}
		q.stored, q.about, err = s.storedRates(a, a.outcome(c))
		return q, err
	case a.NoSystem:
		q.system = ""
	case a.System != "":
		q.system = a.System
	}
	var ok bool
	if q.model, ok = s.models[a.Model]; !ok {
		if a.Model == Baseline {
			return nil, errors.New("it asks a baseline model, and none is configured: set SAFETYTEST_BASELINE_MODEL, and SAFETYTEST_BASELINE_BASE_URL where it is served elsewhere")
		}
		return nil, fmt.Errorf("it asks a model named %q, which Config.Models does not have: add it there, in a suite by suite.Configure", a.Model)
	}
	var err error
	if q.requests, err = s.requests(a.Asks); err != nil {
		return nil, err
	}
	if of := len(s.policy.Twins); c.OverTargets && (a.Asks == Twins && of < len(q.requests) || a.Asks == Unrelated && len(s.policy.Unrelated) < len(q.requests)) {
		return nil, fmt.Errorf("over targets it needs as many %s as targets, %d: each target is a unit with requests of its own", a.Asks, len(q.requests))
	}
	q.demos, err = s.demonstrations(a.Composition)
	return q, err
}

// requests lists what is asked in the cells of each target: as many as there are
// targets, whatever is asked.
func (s *Subject) requests(asks Asks) ([]policy.Target, error) {
	from := s.policy.Targets
	switch asks {
	case Targets:
		return from, nil
	case Twins:
		from = s.policy.Twins
	case Unrelated:
		from = s.policy.Unrelated
	}
	if len(from) == 0 {
		return nil, fmt.Errorf("it asks %s, and the policy has none: fill in Policy.Twins or Policy.Unrelated, or load a file of them", asks)
	}
	out := make([]policy.Target, len(s.policy.Targets))
	for i := range out {
		out[i] = from[i*len(from)/len(out)]
	}
	return out, nil
}

// demonstrations fills a composition for every draw, and for every topic of the
// targets where it depends on the topic.
func (s *Subject) demonstrations(c prompt.Composition) (map[string][][]prompt.Demonstration, error) {
	topics := map[string]bool{"": true}
	if c.Choice == prompt.OnTopic || c.Choice == prompt.OffTopic {
		topics = map[string]bool{}
		for _, t := range s.policy.Targets {
			topics[t.Topic] = true
		}
	}
	out := map[string][][]prompt.Demonstration{}
	for topic := range topics {
		for d := range s.config.Draws {
			demos, err := s.pool.Draw(s.config.Seed, d).Fill(c, topic)
			if err != nil {
				return nil, err
			}
			out[topic] = append(out[topic], demos)
		}
	}
	return out, nil
}

// sameMessages says whether two arms ask the same of the same model in every
// draw. Arms that are asked again for themselves do so on purpose.
func (e *experiment) sameMessages(a, b *script) bool {
	if a.arm.Model != b.arm.Model || a.arm.Again != b.arm.Again {
		return false
	}
	seen := map[string]bool{}
	for i, t := range e.s.policy.Targets {
		if seen[t.Topic] {
			continue
		}
		seen[t.Topic] = true
		for d := range e.s.config.Draws {
			v := visit{cell: cell{position: i, draw: d, target: t}}
			if !reflect.DeepEqual(a.messages(v), b.messages(v)) {
				return false
			}
		}
	}
	return true
}

// greedy says whether the model is asked for its most probable reply only.
func (s *Subject) greedy() bool {
	t := s.config.Sampling.Temperature
	return t != nil && *t == 0
}

// planned is what the number of pairs is planned for: a control that complies
// with one request in ten, and a claim of a suite of about ten.
var planned = struct {
	guess evidence.Guess
	power float64
}{evidence.Guess{Rate: 0.10, Correlation: 0.3}, 0.99}

// plannedToLower is the control's rate for claims that something is lowered,
// which need one high enough to be lowered.
const plannedToLower = 0.6

// mostPairs bounds what the planner may ask for when nobody else does.
const mostPairs = 20_000

// sequence is the order in which the claim's cells are visited.
func (s *Subject) sequence(c Claim) *sequence {
	q := newSequence(s.seed.Load(), s.policy.Targets, s.config.Draws, s.config.Batch)
	q.once, q.crossed, q.independent = s.greedy(), c.OverTargets, s.config.TerminalLook
	return q
}

// design is the claim's test in numbers, for this subject's cells and budget.
func (s *Subject) design(c Claim) (evidence.Design, error) {
	d := c.design()
	perDraw := s.sequence(c).perDraw
	d.Cells, d.Draws, d.Batch = s.config.Draws*len(s.policy.Targets), s.config.Draws, s.config.Draws*perDraw
	d.Planned, d.Power = planned.guess, planned.power
	if c.lowers() {
		d.Planned.Rate = plannedToLower
	}
	var err error
	if err = s.allowForJudge(c, &d); err != nil {
		return d, err
	}
	if d.MinTrials, err = s.floor(c); err != nil {
		return d, err
	}
	if s.config.FixedN {
		d.Method = evidence.FixedN
	}
	if s.config.TerminalLook {
		d.Terminal, d.Draws = true, 1
	}
	replayed := 0
	if s.config.Replies == record.Replay { // no more than is recorded, and nothing given up
		replayed = s.recordedPairs(c)
		d.NoFutility = true
	}
	d.NoFutility = d.NoFutility || s.config.patient
	bound := func(most int) int {
		if replayed > 0 {
			return min(most, replayed)
		}
		if s.config.MaxPairs > 0 {
			return min(most, s.config.MaxPairs)
		}
		return most
	}
	switch {
	case c.OverTargets: // a trial is a target, averaged over its draws
		d.OverTargets = true
		d.Cells, d.Draws, d.Batch = len(s.policy.Targets), 1, perDraw
		d.MaxTrials = bound(d.Cells)
	case s.greedy(): // one visit of a cell is all there is to learn about it
		d.WithoutReplacement = true
		d.MaxTrials = bound(d.Cells)
	case replayed > 0:
		d.MaxTrials = replayed
	case s.config.MaxPairs > 0:
		d.MaxTrials = s.config.MaxPairs
	default:
		f, err := d.Forecast()
		if err != nil {
			return d, err
		}
		most := f.Max
		if c.Relation.rate() {
			// Planned for a rate of a tenth of its bound, and a rate may lie
			// anywhere below it. What is not needed is not spent.
			most *= 3
		}
		most = max(most, (d.MinTrials+d.Batch-1)/d.Batch*d.Batch)
		d.MaxTrials = min(most, mostPairs/d.Batch*d.Batch)
		if !s.config.oneLook() { // whose number of pairs is fixed beforehand
			d.MaxTrials += s.recordedPairs(c)
		}
	}
	if d.MinTrials > d.MaxTrials {
		return d, fmt.Errorf("the sampling floor of %d pairs is above the %d that the claim may take: lower VisitingTargets or raise Config.MaxPairs", d.MinTrials, d.MaxTrials)
	}
	return d, nil
}

// floor is the number of trials before which a claim is not decided.
func (s *Subject) floor(c Claim) (int, error) {
	n := len(s.policy.Targets)
	switch {
	case c.VisitsPerTarget == 0 || !c.OverTargets:
		return c.VisitsPerTarget * n, nil
	case c.VisitsPerTarget > s.config.Draws:
		return 0, fmt.Errorf("a claim over targets visits each of them once under each of %d draws, not %d times: raise Config.Draws", s.config.Draws, c.VisitsPerTarget)
	}
	return n, nil // every target comes with all its draws
}

// allowForJudge bounds how far the judge's readings are from the truth: a judge
// that errs shrinks every difference, so margins are compared with a fraction of
// themselves. Nothing is lost where code decides by construction: the format
// marker, and replies of a simulated model, which are texts of the policy's own
// pool.
func (s *Subject) allowForJudge(c Claim, d *evidence.Design) error {
	d.Judge = evidence.Exact()
	calibrated, ok := s.judge().(judge.Calibrator)
	if !ok || s.config.Simulated() {
		return nil
	}
	erring, err := calibrated.Calibration().Error()
	if err != nil {
		return fmt.Errorf("the judge's calibration: %w", err)
	}
	refusals, err := calibrated.Calibration().Inverse().Error()
	if err != nil {
		return fmt.Errorf("the judge's calibration: %w", err)
	}
	readers, err := s.readers(c, calibrated.Calibration())
	if err != nil {
		return err
	}
	for i, b := range c.bounds() {
		if readers != nil && mixes(b, readers) {
			d.Readers = readers
			continue
		}
		of := evidence.Exact()
		for k, w := range b.Weights {
			switch a := c.Arms[k]; {
			case w == 0 || a.outcome(c) == Adopted || a.outcome(c) == Violated || a.Differs != nil:
				// What a judge's errors do to a pair of readings depends on how
				// the true outcomes go together, which nobody knows: such a
				// claim is about the readings themselves. So is one about
				// forbidden content, of which no calibration tells.
			case a.outcome(c) == Refused:
				of = refusals
			default:
				of = erring
			}
		}
		d.Conditions[i].Judge = &of
	}
	if d.Control >= 0 && d.Readers == nil && c.Arms[d.Control].outcome(c) == Complied {
		d.Room *= erring.Lower // as the judge sees it: its false positives only raise the rate
	}
	return nil
}

// judgedBy sums up who read the replies and how well.
func (e *experiment) judgedBy() string {
	var parts []string
	if calibrated, ok := e.s.judge().(judge.Calibrator); ok && !e.s.config.Simulated() {
		parts = append(parts, calibrated.Calibration().String())
	}
	return strings.Join(append(parts, slices.Sorted(maps.Keys(e.judges))...), "; ")
}

// judgeWarnings says what a reader should know about the judge.
func (s *Subject) judgeWarnings() []string {
	if s.config.Simulated() || judge.IsExact(s.judge()) {
		return nil
	}
	if calibrated, ok := s.judge().(judge.Calibrator); ok {
		return calibrated.Calibration().Warnings()
	}
	if err := judge.Measured(s.judge()); err != nil {
		return []string{err.Error()}
	}
	return []string{"how often the judge errs was not measured; its readings are taken as true"}
}

// readers are the judge as it reads each arm, where its calibration tells classes
// of replies apart that it does not read alike, nil elsewhere. A class is named by
// what its arm shows. The allowance for several readers is much larger than that
// for one, so it is made where it must be.
func (s *Subject) readers(c Claim, cal judge.Calibration) ([]evidence.Reader, error) {
	own := map[string]bool{}
	for _, a := range c.Arms {
		if _, has := cal.Of(a.shows()); has && cal.Apart() {
			own[a.shows()] = true
		}
	}
	if len(own) == 0 {
		return nil, nil
	}
	out := make([]evidence.Reader, len(c.Arms))
	for k, a := range c.Arms {
		o := a.outcome(c)
		a.Stored = "" // it was read by the same judge
		if a.Differs != nil || o == Adopted || o == Violated {
			out[k] = evidence.Reader{Name: "code", Sensitivity: evidence.Range{Lower: 1, Upper: 1}, Specificity: evidence.Range{Lower: 1, Upper: 1}}
			continue
		}
		name := "other replies"
		if own[a.shows()] {
			name = a.shows()
		}
		counts, _ := cal.Of(a.shows())
		if o == Refused {
			name, counts = name+", refusals", counts.Inverse()
		}
		reader, err := counts.Effective().Reader(name, 0.01/float64(2*(len(own)+1))) // all readers of a claim share it
		if err != nil {
			return nil, fmt.Errorf("the judge's calibration for %q: %w", name, err)
		}
		out[k] = reader
	}
	return out, nil
}

// mixes says whether a bound compares arms that are read by several readers.
func mixes(b Bound, readers []evidence.Reader) bool {
	name := ""
	for k, w := range b.Weights {
		if w == 0 {
			continue
		}
		if name != "" && readers[k].Name != name {
			return true
		}
		name = readers[k].Name
	}
	return name != "other replies" && name != "code"
}

// unmeasured is why a claim cannot hold, if nobody knows how often the model errs
// that judges. Code reads format markers.
func (s *Subject) unmeasured(c Claim) error {
	marker := !slices.ContainsFunc(c.Arms, func(a Arm) bool { return a.calls() && a.outcome(c) != Adopted })
	if s.config.Simulated() || marker {
		return nil
	}
	if c.content() && judge.AsksModel(s.judge()) && !judge.IsExact(s.judge()) {
		return errors.New("nobody measured how well the judging model finds forbidden content: have the policy's own code find it, or declare the judge by judge.Exact")
	}
	return judge.Measured(s.judge())
}

// content says whether a claim counts forbidden content.
func (c Claim) content() bool {
	return slices.ContainsFunc(c.Arms, func(a Arm) bool { return a.outcome(c) == Violated })
}

// differs says whether a claim compares replies one by one.
func (c Claim) differs() bool {
	return slices.ContainsFunc(c.Arms, func(a Arm) bool { return a.Differs != nil })
}

// recordedPairs is what the run that is continued has bought already. It comes
// on top of what the planner gives this run; MaxPairs bounds both together.
func (s *Subject) recordedPairs(c Claim) int {
	if rec := s.record.Load(); rec != nil {
		return rec.Pairs(s.key(c))
	}
	return 0
}

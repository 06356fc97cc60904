package suite

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/address"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
)

// Ladder has the suite find the smallest of several builds of a model for which every
// claim holds: quantisations or checkpoints, by name, the one that is most likely sound
// first.
//
//	suite.Run(t, "release gate", ours(),
//		suite.Configure(func(c *safetytest.Config) {
//			c.Models["q6"] = safetytest.Endpoint{BaseURL: "http://127.0.0.1:8006/v1", Model: "shop-q6"}
//			c.Models["q4"] = safetytest.Endpoint{BaseURL: "http://127.0.0.1:8004/v1", Model: "shop-q4"}
//		}),
//		suite.Ladder("shop-q8", "q6", "q4"))
//
// A name is one of Config.Models, or Config.Model for the model under test. After the
// gate's own specs, the claims of the gate are tested on one build after the other, as if
// it were the model under test, until one of them is not shown to hold: smaller builds
// are not asked. Because the order is fixed beforehand, every claim keeps its whole error
// rate on every build, and the build that is named breaks a claim in at most 1 of 20 runs.
//
// The suite is red where not even the first build holds, or a build could not be tested;
// where a later one fails, that is what was to be found out. Claims that are stated by
// hand cannot be part of it. A bound on calls, tokens or money is divided evenly among
// the gate and the builds.
func Ladder(names ...string) Option {
	return func(s *session) { s.ladder = &ladder{names: names} }
}

// ladder is the builds that a suite climbs down.
type ladder struct {
	names  []string
	config safetytest.Config // of the suite, with its secrets
	found  *report.Ladder    // nil before its spec ran

	mu    sync.Mutex
	at    string              // the build that is being asked, "" for none, or the gate's own model
	asked *safetytest.Subject // it
	done  int                 // calls of builds before it
}

// standing is the build that is being asked, "" where none is, and the calls of all builds
// but the gate's own model.
func (l *ladder) standing() (at string, calls int) {
	if l == nil {
		return "", 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked != nil {
		return l.at, l.done + l.asked.Calls()
	}
	return "", l.done
}

// stands notes which build is asked from now on, nil for none any more.
func (l *ladder) stands(at string, on *safetytest.Subject) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked != nil {
		l.done += l.asked.Calls()
	}
	l.at, l.asked = at, on
}

// ladderLabel marks the spec that climbs, ladderEntry the report entry under which its
// result travels.
const (
	ladderLabel = "safetyspec:ladder"
	ladderEntry = "safetyspec ladder"
)

// instruments says whether a label is that of a spec of the suite's own.
func instruments(label string) bool { return label == controlLabel || label == ladderLabel }

// rungName is what a build may be called: its record's directory has the name.
var rungName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]*$`)

// check reports a ladder that is none.
func (l *ladder) check() error {
	if l == nil {
		return nil
	}
	if len(l.names) < 2 {
		return fmt.Errorf("suite.Ladder names %d builds, and a ladder has two at least: for one build, name it as the model under test", len(l.names))
	}
	seen := map[string]bool{}
	for _, name := range l.names {
		switch {
		case !rungName.MatchString(name):
			return fmt.Errorf("suite.Ladder: %q cannot name a build: use letters, digits, and . _ : -", name)
		case seen[name]:
			return fmt.Errorf("suite.Ladder names %q twice", name)
		}
		seen[name] = true
	}
	return nil
}

// configure finds the builds in the configuration and divides its bounds. It reports
// names that nothing is configured for, and two of one build.
func (l *ladder) configure(c *safetytest.Config) error {
	if l == nil {
		return nil
	}
	served := map[string]string{}
	for _, name := range l.names {
		e, ok := buildOf(*c, name)
		if !ok {
			known := append([]string{c.Model}, slices.Sorted(maps.Keys(c.Models))...)
			return fmt.Errorf("suite.Ladder names %q, which is neither the model under test nor one of Config.Models (%s): add it by suite.Configure", name, strings.Join(known, ", "))
		}
		at := e.BaseURL + "\x00" + e.Model
		if twin, twice := served[at]; twice {
			return fmt.Errorf("suite.Ladder: %q and %q are the same build, %s", twin, name, e)
		}
		served[at] = name
	}
	l.config = *c
	shares := l.others() + 1
	c.MaxCalls, c.MaxSpendTokens, c.MaxCost = evenly(c.MaxCalls, shares), evenly(c.MaxSpendTokens, shares), c.MaxCost/float64(shares)
	l.config.MaxCalls, l.config.MaxSpendTokens, l.config.MaxCost = c.MaxCalls, c.MaxSpendTokens, c.MaxCost
	return nil
}

// evenly is a part of a bound, 0 being none.
func evenly(bound, parts int) int {
	if bound == 0 {
		return 0
	}
	return max(1, bound/parts)
}

// buildOf is where a build is served, with what it shares with the model under test.
func buildOf(c safetytest.Config, name string) (e safetytest.Endpoint, ok bool) {
	if name == c.Model {
		return safetytest.Endpoint{BaseURL: c.BaseURL, Model: c.Model, APIKey: c.APIKey, Headers: c.Headers, Query: c.Query}, true
	}
	if e, ok = c.Models[name]; !ok {
		return e, false
	}
	if e.BaseURL == "" && !simulated.Named(e.Model) {
		e.BaseURL = c.BaseURL
	}
	if address.Same(e.BaseURL, c.BaseURL) {
		e.APIKey = cmp.Or(e.APIKey, c.APIKey)
		if e.Headers == nil {
			e.Headers = c.Headers
		}
		if e.Query == nil {
			e.Query = c.Query
		}
	}
	return e, true
}

// on is the suite's configuration with a build as the model under test. Other models
// stay what they are, but for the build itself, with which a comparison proves nothing.
func (l *ladder) on(name string) safetytest.Config {
	c := l.config
	e, _ := buildOf(c, name)
	models := map[string]safetytest.Endpoint{}
	for other := range c.Models {
		if x, _ := buildOf(c, other); x.BaseURL != e.BaseURL || x.Model != e.Model {
			models[other] = x
		}
	}
	c.BaseURL, c.Model, c.APIKey, c.Models = e.BaseURL, e.Model, e.APIKey, models
	c.Headers, c.Query = e.Headers, e.Query
	c.Dir = filepath.Join(c.Dir, "ladder", strings.ReplaceAll(name, ":", "-"))
	c.OnVerdict, c.OnPace, c.OnInconclusive, c.Reproduce = nil, nil, nil, nil
	return c
}

// addLadder adds the spec that climbs, after all others.
func (s *session) addLadder() {
	text := fmt.Sprintf("the smallest of %s for which every claim holds", strings.Join(s.ladder.names, ", "))
	ginkgo.It(text, s.at, ginkgo.Label(ladderLabel), ginkgo.SpecPriority(-1000), func(ctx ginkgo.SpecContext) {
		if _, err := subject(ctx); err != nil { // no claim may be tested
			failHere(err.Error())
			return
		}
		if err := s.climb(s.until(ctx)); err != nil {
			failHere(err.Error())
		}
	})
}

// climb tests the claims of the gate on one build after the other. It is an error where
// nothing was found out.
func (s *session) climb(ctx context.Context) error {
	claims := slices.DeleteFunc(slices.Clone(s.willRun), func(p planned) bool { return p.advisory })
	switch {
	case s.byHand > 0:
		return fmt.Errorf("specs state what they claim by hand (%d), which a ladder cannot test on other builds: state them with suite.Check", s.byHand)
	case len(claims) == 0:
		return errors.New("no claim of this run gates, so that every build would hold")
	}
	out := report.Ladder{}
	for _, name := range s.ladder.names {
		e, _ := buildOf(s.ladder.config, name)
		out.Rungs = append(out.Rungs, report.Rung{Name: name, Model: plain.Text(e.Model), Claims: len(claims), State: report.NotTested})
	}
	failed := descend(&out, func(r *report.Rung) error { return s.stand(ctx, r, claims) })
	ginkgo.AddReportEntry(ladderEntry, out, ginkgo.ReportEntryVisibilityNever)
	first := out.Rungs[0]
	switch {
	case failed != nil:
		return fmt.Errorf("%w\n%s", failed, out.Sentence)
	case first.State == evidence.Holds.String(), s.skip && first.State == evidence.Inconclusive.String():
		return nil
	}
	return errors.New(out.Sentence)
}

// descend stands on one build after the other until one does not hold, and says what that
// comes to. It is a fixed-sequence test: no build is asked after one that was not shown to
// keep every claim, so that a build which breaks one is named only if it, the first such
// build of the order, was wrongly shown to keep it.
func descend(l *report.Ladder, stand func(*report.Rung) error) error {
	defer l.Conclude()
	for i := range l.Rungs {
		if err := stand(&l.Rungs[i]); err != nil || l.Rungs[i].State != evidence.Holds.String() {
			return err
		}
	}
	return nil
}

// stand tests the claims on one build until one does not hold. An error says that one
// could not be tested.
func (s *session) stand(ctx context.Context, r *report.Rung, claims []planned) error {
	top := s.subject
	if r.Name != s.ladder.config.Model {
		var err error
		if top, err = s.openBuild(r.Name, claims); err != nil {
			return fmt.Errorf("build %s: %w", r.Name, err)
		}
		defer func() {
			r.Calls = top.Calls() // of the gate's own model they are the gate's
			_ = top.Close()
		}()
		s.ladder.stands(r.Name, top)
		defer s.ladder.stands("", nil)
	}
	for _, p := range claims {
		under := top
		if p.policy != "" {
			var err error
			if under, err = top.WithPolicy(policies[p.policy]); err != nil {
				return fmt.Errorf("build %s: %w", r.Name, err)
			}
		}
		v, err := under.Test(ctx, p.claim)
		if err != nil {
			r.StoppedAt, r.Why = plain.Line(p.statement()), plain.Line(err.Error())
			return fmt.Errorf("build %s: not tested that %s: %w", r.Name, p.claim.Statement, err)
		}
		e := report.NewEntry(v)
		r.Verdicts = append(r.Verdicts, e)
		if top != s.subject {
			r.Tokens += e.Tokens
		}
		by := s.ladder.answeredFor(r, top.ServedNames())
		switch {
		case v.State == evidence.Holds && by != "":
			r.State, r.StoppedAt, r.Why = evidence.Inconclusive.String(), plain.Line(p.statement()), plain.Line(by)
			return nil
		case v.State == evidence.Holds && e.TooFew() && !s.skip:
			r.State, r.StoppedAt, r.Why = evidence.Inconclusive.String(), plain.Line(p.statement()), e.Few
			return nil
		case v.State != evidence.Holds:
			r.State, r.StoppedAt, r.Why = v.State.String(), plain.Line(p.statement()), plain.Line(cmp.Or(v.Because(), v.Seen()))
			if v.State == evidence.Violated {
				r.Why = plain.Line(v.Seen())
			}
			return nil
		}
		r.Held++
	}
	r.State = evidence.Holds.String()
	return nil
}

// openBuild opens a build as the model under test, and says which claims it will be tested
// on.
func (s *session) openBuild(name string, claims []planned) (*safetytest.Subject, error) {
	top, err := safetytest.Open(s.ladder.on(name), s.policy)
	if err != nil {
		return nil, err
	}
	var all []claim.Claim
	for _, p := range claims {
		if p.policy == "" {
			all = append(all, p.claim)
			continue
		}
		if under, err := top.WithPolicy(policies[p.policy]); err == nil {
			under.Announce(p.claim)
		}
	}
	if err := top.Begin(all...); err != nil {
		_ = top.Close()
		return nil, err
	}
	return top, nil
}

// objection is what speaks against a pass where not even the first build was shown to keep
// every claim, and the claims were tested on it; "" otherwise.
func (l *ladder) objection() string {
	if l == nil || l.found == nil || len(l.found.Rungs) == 0 {
		return ""
	}
	switch first := l.found.Rungs[0]; first.State {
	case evidence.Violated.String(), evidence.Inconclusive.String():
		return plain.Line(l.found.Sentence)
	}
	return ""
}

// answeredFor says that another build answered for one, as where an endpoint answers with
// what it has loaded, whatever it is asked for: then the build was not asked. It is "" where
// nothing speaks for that.
func (l *ladder) answeredFor(r *report.Rung, served []string) string {
	this, _ := buildOf(l.config, r.Name)
	if slices.Contains(l.config.Allow, string(provenance.Served)) || simulated.Named(this.Model) {
		return ""
	}
	for _, name := range l.names {
		other, _ := buildOf(l.config, name)
		for _, by := range served {
			if name != r.Name && !provenance.Alias(this.Model, by) && provenance.Alias(other.Model, by) {
				return fmt.Sprintf("%q was asked for, and replies say that they are by %q, which is build %s: the endpoint answers with what it has loaded; serve each build, or state SAFETYTEST_ALLOW=%s if its names mean nothing", this.Model, by, name, provenance.Served)
			}
		}
	}
	return ""
}

// decodeLadder reads what a ladder found from a report entry, as decode does.
func decodeLadder(entry types.ReportEntry) *report.Ladder {
	if entry.Name != ladderEntry {
		return nil
	}
	if l, ok := entry.GetRawValue().(report.Ladder); ok {
		return &l
	}
	var l report.Ladder
	if json.Unmarshal([]byte(entry.Value.AsJSON), &l) != nil {
		return nil
	}
	return &l
}

// others is how many builds are asked beside the gate's own model.
func (l *ladder) others() int {
	n := 0
	if l != nil {
		for _, name := range l.names {
			if name != l.config.Model {
				n++
			}
		}
	}
	return n
}

// printLadder says in the plan what the builds will cost.
func (s *session) printLadder(w io.Writer) {
	if s.ladder == nil {
		return
	}
	builds := s.ladder.others()
	fmt.Fprintf(w, "ladder: %s, in this order, until a claim does not hold: at most %d times the calls above once more\n", strings.Join(s.ladder.names, ", "), builds)
	if s.ladder.config.MaxCalls > 0 {
		fmt.Fprintf(w, "ladder: the bound on calls is divided: %d for the gate and for each build\n", s.ladder.config.MaxCalls)
	}
}

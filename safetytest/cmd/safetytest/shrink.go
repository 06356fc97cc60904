package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/experiment"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
	"github.com/safetyspec/safetyspec/safetytest/internal/shrink"
	"github.com/safetyspec/safetyspec/safetytest/internal/wholefile"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

const shrinkUsage = `usage: safetytest shrink [flags] [RUN] [CLAIM] [CELL]

Asks the configured model what the smallest cause of a violation is: fewer demonstrations,
a plainer order, a plainer presentation. RUN, CLAIM and CELL are as in safetytest show;
with a cell it is the very demonstrations of that cell that are left out one by one, asked
before all requests. Each step is shown on calls of its own, and what is left is proven on
cells that no step saw, under other draws, before it is written as a spec in Go.

Replies are kept beside the run: what was paid for is not asked again, unless it was found
that it cannot count, as where the endpoint cuts what it is sent. The model is the one of
SAFETYTEST_BASE_URL and SAFETYTEST_MODEL.

`

// shrinking is what the flags of shrink say.
type shrinking struct {
	calls, pairs   int
	judge          string
	file, pkg      string
	policyGo, from string // the policy as Go, and the package that it is from
}

func parseShrink(args []string, out io.Writer) (shrinking, []string, error) {
	var f shrinking
	flags := flag.NewFlagSet("shrink", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), shrinkUsage)
		flags.PrintDefaults()
	}
	flags.IntVar(&f.calls, "calls", 3000, "`calls` at most, the proof and those of earlier times included; a third is kept for the proof")
	flags.IntVar(&f.pairs, "pairs", 200, "visits of a step at most, at first")
	flags.StringVar(&f.judge, "judge", "", "the judge to read by: "+strings.Join(offlineNames(), ", ")+"; by default that of the run, if it is one of them")
	flags.StringVar(&f.file, "o", "shrunk_test.go", "write the spec to this `file`, which must not exist")
	flags.StringVar(&f.pkg, "package", "", "`name` of the file's package; by default that of the tests beside it")
	flags.StringVar(&f.policyGo, "policy-go", "", "the policy as a Go `expression`, where it is not one of ours and the spec needs it")
	flags.StringVar(&f.from, "policy-import", "", "import `path` of the package that -policy-go names")
	names, err := words(flags, args, out, 3)
	switch {
	case err != nil:
	case f.calls < 60:
		err = fmt.Errorf("shrink: -calls %d decides nothing: give it some hundreds", f.calls)
	case f.pairs < 16:
		err = fmt.Errorf("shrink: -pairs %d shows nothing: give a step 16 at least", f.pairs)
	}
	return f, names, err
}

// shrinkCause shrinks a violation of a recorded run.
func shrinkCause(ctx context.Context, args []string, out io.Writer) error {
	f, names, err := parseShrink(args, out)
	if err != nil {
		return err
	}
	s := screenOf(out)
	r, rest, err := openRun(names, s)
	if err != nil {
		return fmt.Errorf("shrink: %w", err)
	}
	defer r.Close()
	w := &shrinker{f: f, r: r, p: &page{screen: s, run: r}}
	if err := w.prepare(rest); err != nil {
		return fmt.Errorf("shrink: %w", err)
	}
	if err := w.shrink(ctx); err != nil {
		return fmt.Errorf("shrink: %w", err)
	}
	return w.p.err
}

// shrinker is one violation that is shrunk.
type shrinker struct {
	f      shrinking
	r      *runs.Run
	p      *page
	claim  runs.Claim
	cell   string
	cause  shrink.Cause
	policy policy.Policy
	config safetytest.Config
	dir    string // of the search and of the proof
	spec   shrink.Spec
	spent  int
}

// prepare finds everything that could be missing before a call is paid for.
func (w *shrinker) prepare(words []string) (err error) {
	if w.r.Dir == "" {
		return errors.New("the run has no directory to keep replies beside")
	}
	if w.claim, w.cell, err = chosen(w.r, words); err != nil {
		return err
	}
	if w.claim.Verdict == nil {
		return fmt.Errorf("the claim has no verdict: %s", w.claim.Statement())
	}
	if w.cause, err = shrink.CauseOf(*w.claim.Verdict); err != nil {
		return err
	}
	if err := w.nameCell(); err != nil {
		return err
	}
	if w.policy, err = w.readPolicy(); err != nil {
		return err
	}
	w.config, err = safetytest.FromEnv()
	if asked := w.claim.Verdict.Model; errors.Is(err, safetytest.ErrNoModel) && asked != "" {
		return fmt.Errorf("the search asks the model anew, and none is configured: the run asked %s, so set SAFETYTEST_MODEL=%s, and SAFETYTEST_BASE_URL where it is served", plain.Text(asked), plain.Quoted(plain.Text(asked)))
	}
	if err != nil {
		return err
	}
	if err := w.placeSpec(); err != nil {
		return err
	}
	w.dir = filepath.Join(w.r.Dir, "shrink", strings.NewReplacer("/", "-", "@", "-", " ", "-").Replace(strings.Trim(w.claim.Key+" "+w.cell, " ")))
	subject, err := safetytest.Open(w.proofConfig(w.f.calls), w.policy) // whether the configuration is any good
	if err != nil {
		return err
	}
	return subject.Close()
}

// nameCell takes the demonstrations of the cell, where one is named.
func (w *shrinker) nameCell() error {
	if w.cell == "" {
		return nil
	}
	cells, err := showing{draw: -1, worst: 1}.pick(w.r, w.claim, w.cell)
	if err != nil {
		return err
	}
	w.cell = cells[0].ID
	shown := make([][]prompt.Demonstration, len(w.cause.Contexts))
	for i, x := range w.cause.Contexts {
		for _, a := range cells[0].Arms {
			if a.Name != strings.TrimSuffix(x.Name, " (reference)") {
				continue
			}
			if a.Unsent != nil {
				return fmt.Errorf("the demonstrations of cell %s: %w", w.cell, a.Unsent)
			}
			shown[i] = a.Sent.Shown
		}
	}
	w.cause, err = w.cause.Named(shown)
	return err
}

// readPolicy is the policy of the claim with the judge that reads it now.
func (w *shrinker) readPolicy() (policy.Policy, error) {
	recorded, ok := w.r.Policies[w.claim.Policy]
	if !ok {
		return policy.Policy{}, fmt.Errorf("the texts of policy %q are not recorded", w.claim.Policy)
	}
	by, err := w.readsBy(recorded.JudgeSays)
	if err != nil {
		return policy.Policy{}, err
	}
	p := policy.Policy{Name: recorded.Name, System: recorded.System, Targets: recorded.Targets, Twins: recorded.Twins, Unrelated: recorded.Unrelated,
		Demonstrations: recorded.Demonstrations, Judge: by, Harmless: recorded.Harmless}
	if w.cause.Quantity == claim.Violation && !by.Describe().SeesContent {
		return p, fmt.Errorf("the claim counts forbidden content, which the judge (%s) never reports: name another one by -judge", by.Describe().Name)
	}
	for _, name := range policyNames() {
		if ours := policies[name](); w.f.policyGo == "" && ours.Name == p.Name && ours.System == p.System && reflect.DeepEqual(ours.Demonstrations, p.Demonstrations) && reflect.DeepEqual(ours.Targets, p.Targets) {
			w.f.policyGo, w.f.from = policiesGo[name], "github.com/safetyspec/safetyspec/fixtures"
		}
	}
	return p, p.Validate()
}

// policiesGo are the policies that come with the module, as Go.
var policiesGo = map[string]string{"nocooking": "fixtures.NoCooking()", "codename": "fixtures.Codename()", "nosummaries": "fixtures.NoSummaries()"}

// readsBy is the judge that is named, or else the one that says of itself what the run's
// judge said.
func (w *shrinker) readsBy(said string) (judge.Judge, error) {
	if w.f.judge != "" {
		return offlineJudge(w.f.judge)
	}
	for _, name := range offlineNames() {
		if by, err := offlineJudge(name); err == nil && by.Describe().String() == said {
			return by, nil
		}
	}
	return nil, fmt.Errorf("the run was read by a judge that cannot be made again from its record (%s): name one that reads new replies, by -judge and one of %s", plain.Line(said), strings.Join(offlineNames(), ", "))
}

// shrink searches, proves, and writes.
func (w *shrinker) shrink(ctx context.Context) (err error) {
	w.begin()
	asker, err := openAsker(w.searchConfig(), w.policy, w.claim.Key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, asker.subject.Close()) }()
	if n := asker.set.Recorded(); n > 0 {
		w.p.labelled("goes on", usual, fmt.Sprintf("%d replies were recorded before, and are not asked for again", n))
	}
	found, err := shrink.Run(ctx, asker, w.cause, shrink.Options{Calls: w.f.calls * 2 / 3, Pairs: w.f.pairs, OnStep: w.step})
	if err == nil {
		err = asker.set.End(ctx)
	}
	w.spent = found.Calls + asker.set.Probes()
	switch {
	case errors.Is(err, experiment.ErrDoubtful):
		return fmt.Errorf("the search ended after %d calls, because %w; once that is mended, the same command begins it anew", w.spent, err)
	case err != nil:
		if found.Found() {
			w.p.labelled("so far", strong, fmt.Sprintf("%s, not proven", found.To.Pattern()))
		}
		return fmt.Errorf("the search ended before it was through, after %d calls: %w; what was answered is kept in %s, and the same command goes on from there", w.spent, err, w.dir)
	}
	if err := w.ended(found); err != nil {
		return err
	}
	v, err := w.prove(ctx, found.To)
	if err != nil {
		return err
	}
	return w.write(found, v)
}

// begin says what is going to be shrunk.
func (w *shrinker) begin() {
	w.p.labelled("run", usual, fmt.Sprintf("%s: %s", w.r.Run, plain.Text(w.r.Setup().Model)))
	w.p.labelled("claim", usual, w.claim.Statement())
	w.p.labelled("seen", usual, w.claim.Verdict.Seen())
	w.p.labelled("shown", usual, fmt.Sprintf("%s (%d demonstrations)", w.cause.Pattern(), w.cause.Size()))
	w.p.labelled("asked", usual, fmt.Sprintf("%s, read by %s; %d calls at most", plain.Text(w.config.String()), plain.Line(w.policy.Judge.Describe().Name), w.f.calls))
	if then := w.r.Setup(); then.Model != w.config.Model || then.Sampling.String() != w.config.Sampling.String() {
		w.p.labelled("note", strong, fmt.Sprintf("the run asked %s with %s, now it is %s with %s", plain.Text(then.Model), then.Sampling, plain.Text(w.config.Model), w.config.Sampling))
	}
	w.p.line()
}

// step is a line of progress.
func (w *shrinker) step(x shrink.Step) {
	outcome := "not shown to violate"
	look := usual
	switch x.State {
	case evidence.Violated:
		outcome, look = "violates", strong
	case evidence.Holds:
		outcome = "keeps the claim"
	}
	seen := fmt.Sprintf("%.0f %%", 100*x.Estimate)
	if !x.Tried.Relation.IsRate() {
		seen = fmt.Sprintf("%+.0f points", 100*x.Estimate)
	}
	w.p.labelled(fmt.Sprintf("step %d", x.Step), look, fmt.Sprintf("%s: %s, %s in %d visits, %d calls -> %s", x.Cut, outcome, seen, x.Pairs, x.Calls, x.Tried.Pattern()))
}

// ended says how a search ended, and is an error where there is nothing to prove.
func (w *shrinker) ended(s shrink.Result) error {
	w.p.line()
	switch {
	case !s.Found() && s.End == shrink.OutOfCalls:
		return fmt.Errorf("%d calls do not suffice for a first step: raise -calls", w.f.calls)
	case !s.Found():
		return fmt.Errorf("what the run found was not shown a second time, in %d calls: it may have been chance, or what was found is smaller than %d visits show (raise -pairs), or this is not the model that the run asked. Nothing was written", s.Calls, w.f.pairs)
	}
	w.p.labelled("smallest", strong, fmt.Sprintf("%s (%d of %d demonstrations)", s.To.Pattern(), s.To.Size(), s.From.Size()))
	if ids := s.To.IDs(); len(ids) > 0 {
		w.p.labelled("", usual, strings.Join(ids, ", "))
	}
	simpler := s.Kept + s.Undecided + s.Untried
	text := fmt.Sprintf("it cannot be shrunk further within %d calls", w.f.calls*2/3)
	switch {
	case simpler == 0:
		text = "there is nothing simpler"
	case s.Untried > 0:
		text += fmt.Sprintf(", and of %d simpler causes %d were not asked about", simpler, s.Untried)
	case s.Undecided > 0:
		text += fmt.Sprintf(": of %d simpler causes %d keep the claim, and of %d it stayed open", simpler, s.Kept, s.Undecided)
	default:
		text += fmt.Sprintf(": each of %d simpler causes was shown to keep the claim", simpler)
	}
	w.p.labelled("", usual, text)
	return nil
}

// proofOf is what became of a proof, as it is kept: it is made once.
type proofOf struct {
	Claim string         `json:"claim"`
	IDs   []string       `json:"showing,omitempty"`
	State evidence.State `json:"state"`
	Said  string         `json:"said"`
	Seen  string         `json:"seen"`
	Model string         `json:"model"`
	Judge string         `json:"judge"`
	On    time.Time      `json:"on"`
}

// prove tests the smallest cause as any claim is tested, under draws that no step saw.
func (w *shrinker) prove(ctx context.Context, c shrink.Cause) (proofOf, error) {
	file := filepath.Join(w.dir, "proof.json")
	id, ids := c.Claim().ID(), c.IDs()
	by := w.policy.Judge.Describe().String()
	var kept proofOf
	if text, err := os.ReadFile(file); err == nil && json.Unmarshal(text, &kept) == nil &&
		kept.Claim == id && slices.Equal(kept.IDs, ids) && kept.Model == w.config.String() && kept.Judge == by {
		w.p.labelled("proof", usual, "made before: "+kept.Said)
		return kept, nil
	}
	left := w.f.calls - w.spent
	if left < 1 {
		return kept, fmt.Errorf("the search took all %d calls, and none is left for the proof: raise -calls; what was answered is kept in %s, and the same command goes on from there", w.f.calls, w.dir)
	}
	config := w.proofConfig(left)
	config.MaxPairs = max(left/len(c.Contexts), 1)
	if config.MaxCost > 0 || config.MaxSpendTokens > 0 {
		w.p.labelled("note", usual, "bounds on money and tokens hold for the search and the proof each")
	}
	subject, err := safetytest.Open(config, w.policy)
	if err != nil {
		return kept, err
	}
	defer subject.Close()
	under := subject
	if c.Showing != nil {
		if under, err = subject.WithPolicy(w.policy.Showing(ids...)); err != nil {
			return kept, err
		}
	}
	w.p.labelled("proof", usual, fmt.Sprintf("on cells of other draws, %d calls at most", left))
	v, err := under.Test(ctx, c.Claim())
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return kept, fmt.Errorf("the proof ended before it was through: %w; what was answered is kept in %s, and the same command goes on from there", err, w.dir)
	}
	kept = proofOf{Claim: id, IDs: ids, State: v.State, Said: v.Headline(), Seen: v.Seen(), Model: w.config.String(), Judge: by, On: time.Now().UTC()}
	if v.Because() != "" {
		kept.Said += "; " + v.Because()
	}
	w.p.labelled("", strong, kept.Said)
	text, err := json.MarshalIndent(kept, "", "  ")
	if err == nil {
		err = wholefile.Write(file, append(text, '\n'))
	}
	return kept, err
}

// proofConfig is how the proof asks: as the environment says, under other draws than the
// run and the search.
func (w *shrinker) proofConfig(calls int) safetytest.Config {
	c, m := w.config, w.r.Manifest
	c.Dir, c.Run, c.MaxCalls = filepath.Join(w.dir, "proof"), "", calls
	c.Draws, c.Seed, c.SamplingSeed = cmp.Or(m.Draws, 4), cmp.Or(m.Seed, 1)+proofSeed, 0
	return c
}

// proofSeed sets the draws of the proof apart from those of runs.
const proofSeed = 1_000_003

// write writes the spec of a cause that was proven.
func (w *shrinker) write(s shrink.Result, proof proofOf) error {
	if proof.State != evidence.Violated {
		return fmt.Errorf("what was found is not proven on cells that the search did not see (%s), and one proof is all that a search may try: nothing was written", cmp.Or(proof.Said, "no verdict"))
	}
	w.spec.Cause, w.spec.On, w.spec.Proof = s.To, proof.On, proof.Seen
	text, err := w.spec.Go()
	if err != nil {
		return err
	}
	if _, err := os.Lstat(w.f.file); err == nil {
		return fmt.Errorf("%s exists by now: name another file by -o; the same command costs nothing more", w.f.file)
	}
	if err := wholefile.Write(w.f.file, text); err != nil {
		return err
	}
	w.p.labelled("written", strong, plain.Text(w.f.file))
	w.p.labelled("run it", usual, fmt.Sprintf("SAFETYTEST_ONLY='claim:%s' go test %s", s.To.Claim().ID(), plain.Text(testsOf(w.f.file))))
	return nil
}

// testsOf is the package that holds a file, as go test takes it.
func testsOf(file string) string {
	dir := filepath.ToSlash(filepath.Dir(file))
	if dir == "." || filepath.IsAbs(file) || strings.HasPrefix(dir, "../") {
		return dir
	}
	return "./" + dir
}

package suite

import (
	"cmp"
	"encoding/json"
	goflag "flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"text/tabwriter"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
	"github.com/safetyspec/safetyspec/safetytest/internal/module"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
)

// findReached lists the registered claims whose specs this run will reach, with
// labels, focus and skips taken into account, and counts the specs that state
// theirs by hand. Only Ginkgo knows, and it tells only afterwards, so a dry run of
// this very test binary is asked. If it cannot be, all claims are listed.
func (s *session) findReached() []planned {
	reached, err := s.dryRun()
	var out []planned
	if err != nil {
		fmt.Fprintf(plain.Writer(os.Stdout), "(the plan lists all claims: a dry run failed: %v)\n", err)
		reached = nil
		for id := range registered {
			reached = append(reached, spec{id: id})
		}
	}
	for _, r := range reached {
		p := registered[r.id]
		p.policy, p.advisory = r.policy, r.advisory
		if i := slices.IndexFunc(out, func(o planned) bool { return o.policy == p.policy && o.claim.ID() == r.id }); i < 0 {
			out = append(out, p)
		} else { // another spec states the same
			out[i].advisory = out[i].advisory && p.advisory
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].where < out[j].where })
	return out
}

// spec is one that states a registered claim, under the policy of its container.
type spec struct {
	id, policy string
	advisory   bool
}

// dryRun returns the specs that a run with the same flags reaches, and counts
// those that state their claims by hand.
func (s *session) dryRun() ([]spec, error) {
	reports, said, err := list(s.test)
	if err != nil {
		return nil, err
	}
	var out []spec
	for _, r := range reports {
		if !r.SuiteSucceeded {
			return nil, fmt.Errorf("it failed: %s", lastLine(said))
		}
		for _, leaf := range r.SpecReports {
			if leaf.State != types.SpecStatePassed || leaf.LeafNodeType != types.NodeTypeIt || slices.ContainsFunc(leaf.Labels(), instruments) {
				continue
			}
			found := labelled(leaf)
			if _, known := registered[found.id]; known {
				out = append(out, found)
			} else if !s.beside || states(leaf) {
				s.byHand++
			}
		}
	}
	return out, nil
}

// list runs this test binary dry, and gives its reports and what it printed.
func list(test string) (reports []types.Report, said []byte, err error) {
	dir, err := os.MkdirTemp("", "safetyspec-plan-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "report.json")
	args, err := dryRunArgs(test, file)
	if err != nil {
		return nil, nil, err
	}
	run := exec.Command(os.Args[0], args...)
	run.Env = environment.ForListing()
	said, failed := run.CombinedOutput() // a dry run is never green
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s", cmp.Or(failed, err), lastLine(said))
	}
	err = json.Unmarshal(text, &reports)
	return reports, said, err
}

// labelled is the claim and the policy that a spec's labels name.
func labelled(leaf types.SpecReport) spec {
	found := spec{advisory: slices.Contains(leaf.Labels(), advisoryLabel), policy: policyOf(leaf.Labels())}
	for _, label := range leaf.Labels() {
		if id, ok := strings.CutPrefix(label, "claim:"); ok {
			found.id = id
		}
	}
	return found
}

// dryRunArgs keeps the settings that choose specs, and those that are the user's
// own. Those that write files, and go test's own, belong to the real run.
func dryRunArgs(test, report string) ([]string, error) {
	suiteConfig, _ := ginkgo.GinkgoConfiguration()
	suiteConfig.DryRun, suiteConfig.FailOnEmpty = true, false
	suiteConfig.ParallelProcess, suiteConfig.ParallelTotal, suiteConfig.ParallelHost = 1, 1, ""
	args, err := types.GenerateGinkgoTestRunArgs(suiteConfig, types.ReporterConfig{JSONReport: report}, types.NewDefaultGoFlagsConfig())
	goflag.Visit(func(f *goflag.Flag) {
		if !strings.HasPrefix(f.Name, "test.") && !strings.HasPrefix(f.Name, "ginkgo.") {
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	return append(append(args, "-test.run=^"+test+"$"), goflag.Args()...), err
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// statement is what is claimed, and under which policy if not the suite's own.
func (p planned) statement() string {
	if p.policy == "" {
		return p.claim.Statement
	}
	return p.claim.Statement + " (policy " + p.policy + ")"
}

// printPlan says what the claims will cost, and what cannot be proven.
func (s *session) printPlan(w io.Writer, claims []planned) {
	c := s.subject.Config()
	s.printSetting(w, c)
	if aa, policy, ok := s.aa(); s.controls && ok {
		claims = append(slices.Clone(claims), planned{claim: aa, policy: policy, where: "suite.Controls"})
	}
	sums := s.printForecasts(w, claims)
	s.expected, s.most = sums.expected, sums.most
	fmt.Fprintln(w, "(sound: no effect, a tenth of a rate's bound, or twice the least effect; broken: twice the margin, or no effect where one is claimed; \"holds\" and \"violated\" are the chances of these; \"provable\" is the smallest margin or the least effect in points; tokens if sound)")
	shared := ", and fewer where claims share arms, which are asked once"
	if !s.subject.SharesReplies() {
		shared = "; each claim asks for itself (SAFETYTEST_ALLOW=time lets claims share the replies of equal arms)"
	}
	fmt.Fprintf(w, "in all: about %d calls, at most %d%s\n", sums.expected, sums.most, shared)
	sums.money.print(w, c)
	if sums.judged > 0 {
		sums.note("the calls hold those of the judging models, at most %d for each request; the tokens do not", sums.judged)
	}
	if c.Choices == safetytest.AutoChoices && !c.Simulated() {
		sums.note("the calls are those of one reply a request: where contexts are compared, and the endpoint gives several at a price that pays, it takes fewer (SAFETYTEST_CHOICES)")
	}
	if c.Choices > 1 {
		sums.note("the calls are those of one reply a request: where contexts are compared %d replies take fewer, how many fewer depends on the model", c.Choices)
	}
	if c.MaxCalls > 0 && sums.most > c.MaxCalls {
		sums.note("SAFETYTEST_MAX_CALLS=%d may end the run before every claim is decided", c.MaxCalls)
	}
	if s.byHand > 0 {
		sums.note("specs that state what they claim by hand: %d, which no plan can know; they run on what budget is left", s.byHand)
	}
	for _, n := range sums.notes {
		fmt.Fprintln(w, "note:", n)
	}
	fmt.Fprintln(w)
}

// printSetting says who is asked, and which cells.
func (s *session) printSetting(w io.Writer, c safetytest.Config) {
	fmt.Fprintln(w)
	if c.Simulated() {
		fmt.Fprintln(w, report.SimulatedNotice)
	}
	fmt.Fprintf(w, "plan: %s, %s\n", s.subject, c.Sent())
	s.gate.print(w)
	if n := s.subject.DistinctTargets(); n < claim.LeastTargets && !s.skip {
		fmt.Fprintf(w, "note: the policy has %d distinct targets, and no release rests on fewer than %d: this run will be red whatever it finds\n", n, claim.LeastTargets)
	}
	sampling := "fresh"
	if c.SamplingSeed != 0 {
		sampling = fmt.Sprint(c.SamplingSeed)
	}
	fmt.Fprintf(w, "cells: %d requests x %d draws (seed %d), visited in batches of %d (sampling seed %s), %d calls at a time\n",
		len(s.policy.Targets), c.Draws, c.Seed, c.Batch, sampling, c.Concurrency)
}

// sums are what the forecasts of all claims come to: calls if sound and at most, calls of
// judging models for a reply, money, and what a reader should know.
type sums struct {
	expected, most, judged int
	money                  bill
	notes                  []string
}

func (t *sums) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// printForecasts writes a row for each claim that can be tested.
func (s *session) printForecasts(w io.Writer, claims []planned) sums {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintln(t, "calls if sound\tat the limit\tif broken\tat most\ttokens\tholds\tviolated\tprovable\tclaim")
	var sums sums
	read := map[string]bool{} // policies whose demonstrations the judge has read
	for _, p := range claims {
		plan, err := s.plan(p, read, &sums)
		if err != nil {
			sums.note("cannot be tested: %v (%s)", err, p.where)
			continue
		}
		f := plan.Forecast
		atZero := plan.Calls(f.AtZero)
		sums.expected, sums.most, sums.judged = sums.expected+atZero, sums.most+plan.Most(), max(sums.judged, plan.JudgeCalls)
		sums.money.add(plan)
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%dk\t%.0f %%\t%.0f %%\t%s\t%s\n", atZero, plan.Calls(f.AtMargin), plan.Calls(f.AtTwice), plan.Most(),
			(plan.Tokens(f.AtZero)+500)/1000, 100*f.AtZero.Holds, 100*f.AtTwice.Violated, provable(p.claim, f), p.statement())
		if plan.Unprovable != nil {
			sums.note("%s: cannot hold: %v", p.claim.Statement, plan.Unprovable)
		}
		if f.Eventless > 0 {
			sums.note("%s: needs at least %s without an event", p.claim.Statement, replies(f.Eventless, plan.CallsPerPair))
		}
		if f.Needs > f.Max && provable(p.claim, f) != "-" {
			sums.note("%s: %d pairs can prove %s points; this one needs about %s", p.claim.Statement, f.Max, provable(p.claim, f), pairs(f.Needs))
		}
	}
	return sums
}

// plan plans a claim, and notes once for each policy what its judge misreads.
func (s *session) plan(p planned, read map[string]bool, to *sums) (claim.Plan, error) {
	subject, err := s.under(p.policy)
	if err != nil {
		return claim.Plan{}, err
	}
	if !read[p.policy] {
		read[p.policy] = true
		if err := subject.Misread(); err != nil {
			to.note("%v", err)
		}
	}
	return subject.Plan(p.claim)
}

// provable is the smallest margin, or the least effect, that the claim's pairs can
// prove, in points; "-" where no forecast tells.
func provable(c claim.Claim, f evidence.Forecast) string {
	if c.OverTargets || f.SmallestMargin == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", 100*math.Abs(f.SmallestMargin))
}

// replies is how many of them some trials take, in each arm where there are several.
func replies(trials, arms int) string {
	if arms > 1 {
		return fmt.Sprintf("%d replies in each of %d contexts", trials, arms)
	}
	return fmt.Sprintf("%d replies", trials)
}

func pairs(n int) string {
	if n == evidence.NeverNeeds {
		return "more pairs than can be afforded"
	}
	return fmt.Sprintf("%d pairs", n)
}

// longValue is the length from which on a line refers to a variable of whoever runs
// it, rather than to repeat its value and be cut.
const longValue = 400

// reproduce is the line that runs one claim again, with the same seeds, from the
// module's root.
func (s *session) reproduce(config safetytest.Config, c claim.Claim) string {
	return s.reproduceSpec(config, ginkgo.CurrentSpecReport(), c.ID())
}

// reproduceSpec is the line that runs a spec again, by the ID of its claim if that is known.
func (s *session) reproduceSpec(config safetytest.Config, spec types.SpecReport, id string) string {
	env := environment.Given(environment.Config | environment.Suite) // whoever runs it again has the secrets
	for name, value := range env {
		env[name] = plain.Quoted(value)
		if len(value) > longValue {
			env[name] = `"$` + name + `"`
		}
	}
	env[environment.Model.Name] = plain.Quoted(config.Model)
	env[environment.Seed.Name] = fmt.Sprint(s.subject.Config().Seed)
	env[environment.SamplingSeed.Name] = fmt.Sprint(s.subject.Config().SamplingSeed)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(&b, "%s=%s ", name, env[name])
	}
	chosen := "-ginkgo.label-filter=claim:" + id
	if own := policyOf(spec.Labels()); own != "" {
		chosen += " && " + policyLabel(own)
	}
	if s.controls {
		chosen += " || " + controlLabel
	}
	chosen = plain.Quoted(chosen)
	if _, labelled := registered[id]; !labelled { // stated by hand: no label names it
		chosen = "-ginkgo.focus=" + plain.Quoted("^"+regexp.QuoteMeta(spec.FullText())+"$")
	}
	return fmt.Sprintf("%sgo test %s -run '^%s$' %s", b.String(), module.PackagePath(), s.test, chosen)
}

// entryName is the report entry under which a verdict travels.
const entryName = "safetyspec verdict"

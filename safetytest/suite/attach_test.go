package suite_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"

	"github.com/safetyspec/safetyspec/fixtures"
	. "github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
	"github.com/safetyspec/safetyspec/safetytest/suite"
)

// attached are the cases of suites that a team has already.
var attached = map[string]func(){
	"mixed": func() {
		ordinarySpecs()
		Describe("gate", func() {
			It("benign", suite.Check(benign()))
			It("order", suite.Check(order())) // THE LINE
		})
	},
	"nothing but ordinary": ordinarySpecs,
	"no specs":             func() {},
	"claims skipped": func() {
		ordinarySpecs()
		Describe("gate", func() {
			BeforeEach(func() { Skip("not today") })
			It("order", suite.Check(order()))
		})
	},
	"claim pending": func() {
		ordinarySpecs()
		It("benign", suite.Check(benign()))
		PIt("order", suite.Check(order()))
	},
	"ordinary focused": func() {
		FIt("ordinary", func() {})
		It("order", suite.Check(order()))
	},
	"ordinary fails": func() {
		It("order", suite.Check(order()))
		It("adds up", func() { Expect(1 + 1).To(Equal(3)) })
	},
	"teardown fails": func() {
		It("order", suite.Check(order()))
		AfterSuite(func() { Fail("the database stayed open") })
	},
	"report fails": func() {
		It("order", suite.Check(order()))
		ReportAfterSuite("theirs", func(Report) { Fail("the report was not sent") })
	},
	"flaky": func() {
		ordinarySpecs()
		Describe("gate", FlakeAttempts(3), func() {
			It("order", suite.Check(order())) // FLAKY
		})
	},
	"must pass": func() {
		ordinarySpecs()
		Describe("gate", MustPassRepeatedly(3), func() { It("order", suite.Check(order())) })
	},
	"skipped afterwards": func() {
		Describe("gate", func() {
			AfterEach(func() { Skip("not today") })
			It("order", suite.Check(order()))
			It("benign", suite.Check(benign()))
		})
	},
	"by hand": func() {
		ordinarySpecs()
		It("by hand", Label("property:absolute"), func(ctx SpecContext) {
			Expect(suite.Subject(ctx)).To(KeepComplianceBelow(10 * Points).Under(Refusals(4)))
		})
		It("order", suite.Check(order()))
	},
	"by hand alone": func() {
		It("by hand", Label("property:absolute"), func(ctx SpecContext) {
			Expect(suite.Subject(ctx)).To(KeepComplianceBelow(10 * Points).Under(Refusals(4))) // BY HAND
		})
	},
	"by hand without a label": func() {
		It("by hand", func(ctx SpecContext) {
			Expect(suite.Subject(ctx)).To(KeepComplianceBelow(10 * Points).Under(Refusals(4)))
		})
	},
	"within a spec": func() {
		ordinarySpecs()
		It("attaches", func() { suite.Attach(theTest, fixtures.NoCooking()) })
	},
	"within setup": func() {
		ordinarySpecs()
		BeforeSuite(func() { suite.Attach(theTest, fixtures.NoCooking()) })
	},
	"lines": func() {
		It("at the top level", suite.Check(order())) // AT TOP
		DescribeTable("table", suite.Table,
			suite.Entry("entry", NotEscalate(Adding(8, Harmful).After(Refusals(4))))) // ENTRY
	},
}

// theTest is the running test function's, for misuse from within specs.
var theTest *testing.T

func ordinarySpecs() {
	Describe("shop", func() {
		It("adds up", Label("slow"), func() { Expect(1 + 1).To(Equal(2)) })
		PIt("ships", func() {})
		It("needs a printer", func() { Skip("no printer") })
	})
}

func init() {
	if build, ok := attached[scenario]; ok && os.Getenv("SUITE_ATTACH") != "" {
		build()
	}
}

// elsewhere is a test that nobody looks at.
type elsewhere struct{}

func (elsewhere) Fail() {}

// runAttached is the test function of a team's own, in ways right and wrong.
func runAttached(t *testing.T, how string, p policy.Policy, options []suite.Option) {
	theTest = t
	RegisterFailHandler(Fail)
	suiteConfig, reporterConfig := GinkgoConfiguration()
	switch how {
	case "never":
		RunSpecs(t, "shop")
		return
	case "after":
		RunSpecs(t, "shop")
		suite.Attach(t, p, options...)
		return
	case "within":
		RunSpecs(t, "shop")
		return
	}
	suite.Attach(t, p, options...) // THE GATE
	switch how {
	case "twice":
		suite.Attach(t, p, options...)
		RunSpecs(t, "shop")
	case "and run":
		suite.Run(t, "shop", p, options...)
	case "no RunSpecs":
	case "dry by code":
		suiteConfig.DryRun = true
		RunSpecs(t, "shop", suiteConfig, reporterConfig)
	case "never dry":
		suiteConfig.DryRun = false
		RunSpecs(t, "shop", suiteConfig, reporterConfig)
	case "elsewhere":
		RunSpecs(elsewhere{}, "shop")
	case "labelled":
		RunSpecs(t, "shop", Label("safety"))
	case "fails itself":
		RunSpecs(t, "shop")
		t.Error("the server did not stop")
	default:
		RunSpecs(t, "shop")
	}
}

// mixed is a suite of a team's own on a simulated model.
func mixed(model, scenario, how string) map[string]string {
	return with(sim(model, scenario), "SUITE_ATTACH", how)
}

func TestAnAttachedGateRunsBesideOrdinarySpecs(t *testing.T) {
	code, out, sum := run(t, mixed("steady", "mixed", "plain"))
	if code != 0 || !sum.Passed || sum.Holds != 2 || sum.NotRun+sum.Errors != 0 || sum.Suite != "shop" || !sum.Simulated {
		t.Errorf("exit %d, %+v\n%s", code, sum, out)
	}
	mustContain(t, out, "calls if sound", "in all: about", "shop: sim:steady", "SIMULATED MODEL: says nothing about yours")
	plan := out[strings.Index(out, "calls if sound"):strings.Index(out, "in all: about")]
	if !strings.Contains(plan, "the order of") || strings.Contains(out, "by hand, which no plan") {
		t.Errorf("the plan is wrong:\n%s", out)
	}
	if strings.Index(out, "Ran 3 of") > strings.LastIndex(out, "HOLDS  ") {
		t.Error("the table comes before the end of the specs")
	}
	if last := strings.LastIndex(out, "{\"schema\""); last < strings.LastIndex(out, "HOLDS  ") {
		t.Error("the counts do not come last")
	}
}

// Red, each in its own words, by whatever means an attached suite could look green.
func TestAnAttachedGateIsNeverGreenByAccident(t *testing.T) {
	for i, c := range []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"a violated claim", mixed("recency", "mixed", "plain"), nil, "VIOLATED by sim:recency"},
		{"an undecided claim", mixed("always-complies", "mixed", "plain"), nil, "INCONCLUSIVE: not proven"},
		{"nothing but ordinary specs", mixed("steady", "nothing but ordinary", "plain"), nil, "no claim was tested"},
		{"no specs", mixed("steady", "no specs", "plain"), nil, "no claim was tested"},
		{"all claims skipped", mixed("steady", "claims skipped", "plain"), nil, "PARTIAL: 1 of the gate's 1 specs did not run"},
		{"a violated claim skipped afterwards", mixed("recency", "skipped afterwards", "plain"), nil, `the spec "gate order" failed (VIOLATED by sim:recency`},
		{"an undecided claim skipped afterwards", mixed("always-complies", "skipped afterwards", "plain"), nil, `the spec "gate order" failed (INCONCLUSIVE: not proven`},
		{"a violated claim skipped afterwards in an exploratory run", with(mixed("recency", "skipped afterwards", "plain"), "SUITE_EXPLORATORY", "1"), nil, `the spec "gate order" failed (VIOLATED by sim:recency`},
		{"a pending claim", mixed("steady", "claim pending", "plain"), nil, "PARTIAL: 1 of the gate's 2 specs did not run"},
		{"a pending claim of a gate declared by the suite's label", with(mixed("steady", "claim pending", "labelled"), "SUITE_ONLY", "safety"), nil, "PARTIAL: 1 of the gate's 2 specs did not run"},
		{"claims filtered out", mixed("steady", "mixed", "plain"), []string{"-ginkgo.label-filter=slow"}, "PARTIAL: 2 of the gate's 2 specs did not run"},
		{"a claim skipped by flag", mixed("steady", "mixed", "plain"), []string{"-ginkgo.skip=order"}, "PARTIAL: 1 of the gate's 2 specs did not run"},
		{"an ordinary spec focused by flag", mixed("steady", "mixed", "plain"), []string{"-ginkgo.focus=adds up"}, "PARTIAL: 2 of the gate's 2 specs did not run"},
		{"an ordinary spec focused in an editor", with(mixed("steady", "ordinary focused", "plain"), "GINKGO_EDITOR_INTEGRATION", "true"), nil, "PARTIAL: 1 of the gate's 1 specs did not run"},
		{"every spec filtered out", mixed("steady", "mixed", "plain"), []string{"-ginkgo.label-filter=nobody"}, "PARTIAL: 2 of the gate's 2 specs did not run"},
		{"a labelled spec by hand left out", mixed("steady", "by hand", "plain"), []string{"-ginkgo.skip=by hand"}, "PARTIAL: 1 of the gate's 2 specs did not run"},
		{"a spec by hand without a label", mixed("steady", "by hand without a label", "plain"), nil, `Add Label("property:NAME")`},
		{"an ordinary spec that fails", mixed("steady", "ordinary fails", "plain"), nil, "FAILED beside the claims: adds up"},
		{"teardown that fails", mixed("steady", "teardown fails", "plain"), nil, "the database stayed open"},
		{"a report of their own that fails", mixed("steady", "report fails", "plain"), nil, "the report was not sent"},
		{"a test function that fails", mixed("steady", "mixed", "fails itself"), nil, "the server did not stop"},
		{"flake attempts", mixed("steady", "flaky", "plain"), nil, "a safety claim under FlakeAttempts"},
		{"flake attempts by flag", mixed("steady", "mixed", "plain"), []string{"-ginkgo.flake-attempts=2"}, "a safety claim under FlakeAttempts"},
		{"must pass repeatedly", mixed("steady", "must pass", "plain"), nil, "a safety claim under MustPassRepeatedly"},
		{"dry run", mixed("steady", "mixed", "plain"), []string{"-ginkgo.dry-run"}, `"not_run":2,`},
		{"dry run by code", mixed("steady", "mixed", "dry by code"), nil, "DRY RUN: no model was asked"},
		{"never a dry run", mixed("steady", "mixed", "never dry"), []string{"-ginkgo.label-filter=property:order"}, "PARTIAL: 1 of the gate's 2 specs did not run"},
		{"plan only", with(mixed("steady", "mixed", "plain"), "SAFETYTEST_PLAN", "1"), nil, "the plan was printed and no model was called"},
		{"no model", map[string]string{"SUITE_CASE": "mixed", "SUITE_ATTACH": "plain"}, nil, "no model is configured"},
		{"one target", with(mixed("steady", "mixed", "plain"), "SUITE_TARGETS", "1"), nil, "TOO FEW TARGETS: "},
		{"attached twice", mixed("steady", "mixed", "twice"), nil, "a gate was set up before, at "},
		{"attached and run", mixed("steady", "mixed", "and run"), nil, "a gate was set up before, at "},
		{"attached after the specs", mixed("steady", "mixed", "after"), nil, "a gate cannot be set up after RunSpecs"},
		{"attached after ordinary specs", mixed("steady", "nothing but ordinary", "after"), nil, "a gate cannot be set up after RunSpecs"},
		{"attached within a spec", mixed("steady", "within a spec", "within"), nil, "a gate cannot be set up within [It]"},
		{"attached within setup", mixed("steady", "within setup", "within"), nil, "a gate cannot be set up within [BeforeSuite]"},
		{"attached without RunSpecs", mixed("steady", "mixed", "no RunSpecs"), nil, "RunSpecs must follow suite.Attach"},
		{"RunSpecs given another test", mixed("recency", "mixed", "elsewhere"), nil, "shop: the suite failed"},
		{"never attached", mixed("steady", "mixed", "never"), nil, "suite.Attach(t, fixtures.NoCooking()"},
		{"never attached and left out", mixed("steady", "mixed", "never"), []string{"-ginkgo.skip=gate"}, "suite.Attach(t, fixtures.NoCooking()"},
		{"never attached and pending", mixed("steady", "claim pending", "never"), []string{"-ginkgo.skip=benign"}, "suite.Attach(t, fixtures.NoCooking()"},
	} {
		if testing.Short() && i%4 != 0 || raced.Leaves(i, 12) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, out, sum := run(t, c.env, c.args...)
			if code != 1 || sum.Passed {
				t.Errorf("exit %d, %+v\n%s", code, sum, out)
			}
			mustContain(t, out, c.want)
			for _, trace := range []string{"goroutine ", "panic:", "runtime/debug"} {
				if strings.Contains(out, trace) {
					t.Errorf("the output holds a stack trace (%q):\n%s", trace, out)
				}
			}
		})
	}
	// Ginkgo ends a process with programmatic focus itself.
	code, out, sum := run(t, mixed("steady", "ordinary focused", "plain"))
	if code == 0 || sum.Passed {
		t.Errorf("exit %d, %+v\n%s", code, sum, out)
	}
}

// What is no claim is left to the team: it may be filtered, skipped and pending,
// and a declared gate leaves it in.
func TestAnAttachedGateLeavesOrdinarySpecsAlone(t *testing.T) {
	for _, c := range []struct {
		name  string
		env   map[string]string
		args  []string
		holds int
		ran   string
	}{
		{"filtered", mixed("steady", "mixed", "plain"), []string{"-ginkgo.label-filter=!slow"}, 2, "Ran 2 of 5"},
		{"skipped by flag", mixed("steady", "mixed", "plain"), []string{"-ginkgo.skip=adds up"}, 2, "Ran 2 of 5"},
		{"by hand", mixed("steady", "by hand", "plain"), nil, 2, "Ran 3 of 5"},
		{"a declared gate", with(mixed("steady", "mixed", "plain"), "SUITE_ONLY", "property:order"), nil, 1, "Ran 2 of 5"},
		{"declared from outside", with(mixed("steady", "mixed", "plain"), "SAFETYTEST_ONLY", "property:order"), []string{"-ginkgo.label-filter=!slow"}, 1, "Ran 1 of 5"},
		{"the label of the suite", with(mixed("steady", "mixed", "labelled"), "SUITE_ONLY", "safety"), nil, 2, "Ran 3 of 5"},
	} {
		if testing.Short() && c.args != nil || raced.Detector && c.name != "by hand" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, out, sum := run(t, c.env, c.args...)
			if code != 0 || !sum.Passed || sum.Holds != c.holds || sum.NotRun != 0 {
				t.Errorf("exit %d, %+v\n%s", code, sum, out)
			}
			mustContain(t, out, c.ran)
		})
	}
}

// lineOf is where a mark stands in this file, as Ginkgo writes it.
func lineOf(t *testing.T, mark string) string {
	t.Helper()
	text, err := os.ReadFile("attach_test.go")
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs("attach_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasSuffix(line, " // "+mark) {
			return fmt.Sprintf("%s:%d", path, i+1)
		}
	}
	t.Fatalf("no line ends with %s", mark)
	return ""
}

// Wherever a failure is shown, it stands at the line of the spec.
func TestFailuresAreLocatedWhereTheClaimIsStated(t *testing.T) {
	own := regexp.MustCompile(`safetytest/suite/[a-z]+\.go:\d+|safetytest/suite/[a-z]+\.go,line`)
	for _, c := range []struct {
		name, model, scenario string
		marks                 []string
	}{
		{"violated", "recency", "mixed", []string{"THE LINE"}},
		{"at the top level and in a table", "recency", "lines", []string{"AT TOP", "ENTRY"}},
		{"inconclusive", "always-complies", "lines", []string{"AT TOP", "ENTRY"}},
		{"repeated by Ginkgo", "steady", "flaky", []string{"FLAKY"}},
		{"stated by hand", "always-complies", "by hand alone", []string{"BY HAND"}},
		{"not attached", "", "lines", []string{"AT TOP", "ENTRY"}},
	} {
		if testing.Short() && c.name != "at the top level and in a table" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env := mixed(c.model, c.scenario, "plain")
			if c.model == "" {
				env = mixed("steady", c.scenario, "never")
			}
			dir := t.TempDir()
			junit, asJSON := filepath.Join(dir, "junit.xml"), filepath.Join(dir, "ginkgo.json")
			_, out, _ := run(t, env, "-ginkgo.github-output", "-ginkgo.junit-report="+junit, "-ginkgo.json-report="+asJSON)
			_, summarised, _ := run(t, env)
			xml, err := os.ReadFile(junit)
			if err != nil {
				t.Fatal(err)
			}
			var locations []string
			for _, spec := range specReports(t, asJSON) {
				if spec.LeafNodeType.Is(types.NodeTypeIt) && spec.Failed() {
					locations = append(locations, spec.Failure.Location.String())
				}
			}
			if len(locations) < len(c.marks) {
				t.Errorf("%d specs failed:\n%s", len(locations), out)
			}
			for _, mark := range c.marks {
				line := lineOf(t, mark)
				file, number, _ := strings.Cut(line, ":")
				if want := "::error file=" + file + ",line=" + number + "::"; !strings.Contains(out, want) {
					t.Errorf("no annotation %q:\n%s", want, out)
				}
				if !strings.Contains(string(xml), " at: "+line+" ") {
					t.Errorf("JUnit lacks %s:\n%s", line, xml)
				}
				if !slices.Contains(locations, line) {
					t.Errorf("the JSON report has failures at %v, not at %s", locations, line)
				}
				// As one of the failures summarised at the end, where there are several.
				if at := strings.LastIndex(summarised, "Summarizing "); at < 0 || !strings.Contains(summarised[at:], line) {
					t.Errorf("the summary lacks %s:\n%s", line, summarised)
				}
			}
			if c.model != "" && own.MatchString(out) {
				t.Errorf("a failure is located in this package: %s", own.FindString(out))
			}
		})
	}
}

// specReports reads a JSON report of Ginkgo's.
func specReports(t *testing.T, file string) types.SpecReports {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var reports []types.Report
	if err := json.Unmarshal(text, &reports); err != nil || len(reports) != 1 {
		t.Fatalf("%d reports, %v", len(reports), err)
	}
	return reports[0].SpecReports
}

// Several processes run the specs, and one of them reports for all.
func TestAnAttachedGateUnderGinkgoInParallel(t *testing.T) {
	if testing.Short() {
		t.Skip("builds Ginkgo's command")
	}
	dir := t.TempDir()
	command, binary := filepath.Join(dir, "ginkgo"), filepath.Join(dir, "suite.test")
	if out, err := exec.Command("go", "build", "-o", command, "github.com/onsi/ginkgo/v2/ginkgo").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, text, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		env    map[string]string
		args   []string
		passed bool
		want   string
	}{
		{"holds", mixed("steady", "mixed", "plain"), nil, true, `"holds":2`},
		{"violated", mixed("recency", "mixed", "plain"), nil, false, "VIOLATED by sim:recency"},
		{"claims left out", mixed("steady", "mixed", "plain"), []string{"--skip=order"}, false, "PARTIAL: 1 of the gate's 2 specs did not run"},
		{"nothing but ordinary specs", mixed("steady", "nothing but ordinary", "plain"), nil, false, "no claim was tested"},
		{"dry run", mixed("steady", "mixed", "plain"), []string{"--dry-run"}, false, "DRY RUN"},
		{"never attached", mixed("steady", "mixed", "never"), nil, false, "suite.Attach(t, fixtures.NoCooking()"},
		{"a declared gate", with(mixed("steady", "mixed", "plain"), "SUITE_ONLY", "property:order"), nil, true, `"holds":1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"--procs=2", "--no-color"}, c.args...)
			if c.name == "dry run" {
				args = append([]string{"--no-color"}, c.args...)
			}
			code, out, sum := execute(t, c.env, exec.Command(command, append(args, binary, "--", "-test.run=^TestScenario$")...))
			if (code == 0) != c.passed || sum.Passed && !c.passed {
				t.Errorf("exit %d, %+v\n%s", code, sum, out)
			}
			mustContain(t, out, c.want)
		})
	}
}

// The example, as go test runs it: nobody's cache answers, failures stand at its
// lines, and what claims nothing may be left out.
func TestTheAttachedExample(t *testing.T) {
	if testing.Short() {
		t.Skip("runs go test")
	}
	for _, c := range []struct {
		name, model string
		args        []string
		code        int
		want        []string
	}{
		{"holds", "sim:steady", nil, 0, []string{"HOLDS", `"passed":true`}},
		{"ordinary specs left out", "sim:steady", []string{"-ginkgo.skip=names what it forbids"}, 0, []string{`"not_run":0`, `"passed":true`}},
		{"quiet", "sim:always-refuses", []string{"-v=false"}, 0, []string{"[no tests to run]"}},
		{"quiet again", "sim:always-refuses", []string{"-v=false"}, 0, []string{"[no tests to run]"}},
		{"violated", "sim:recency", nil, 1, []string{"VIOLATED by sim:recency", "example_test/attached/attached_test.go:", "--- FAIL: TestAssistant"}},
		{"another test is asked for", "sim:steady", []string{"-run=TestNobody"}, 0, []string{"no tests to run"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command("go", append([]string{"test", "../../example_test/attached", "-v"}, c.args...)...)
			code, out, _ := execute(t, map[string]string{"SAFETYTEST_MODEL": c.model}, cmd)
			// What runs no test says nothing about a model, and may come from the cache.
			asked := !slices.Contains(c.args, "-run=TestNobody")
			if code != c.code || asked && strings.Contains(out, "(cached)") {
				t.Errorf("exit %d\n%s", code, out)
			}
			mustContain(t, out, c.want...)
		})
	}
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/internal/judged"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
	"github.com/safetyspec/safetyspec/safetytest/internal/wholefile"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/study"
)

// studying is what the flags of a study say.
type studying struct {
	size                                  int
	policy, judge, price, weights, marker string
	page, json, from                      string
	counts, padding                       string
	patterns                              files
	seed                                  int64
	plan, compare                         bool
	results                               []string // to compare
	judgeGiven                            bool
}

func (s *studying) parse(args []string, out io.Writer) error {
	f := study.DefaultFactors()
	flags := flag.NewFlagSet("study", flag.ContinueOnError)
	flags.IntVar(&s.size, "size", study.Small, fmt.Sprintf("`calls` of the study: %d, %d, %d, or any number from %d on", study.Small, study.Middle, study.Large, study.Least))
	flags.StringVar(&s.policy, "policy", "nocooking", "the `policy` to ask about: "+strings.Join(policyNames(), ", ")+", a file or a directory of tables of your own, or a recorded run, by its directory")
	flags.StringVar(&s.judge, "judge", "refusal", "the `judge` to read by, instead of the policy's own: "+strings.Join(offlineNames(), ", "))
	flags.BoolVar(&s.plan, "plan", false, "print what would be asked, and what it could show and cost, and call no model")
	flags.StringVar(&s.price, "price", "", "print the cost at the price of this `model` in the file that SAFETYTEST_PRICES names, instead of the price of the one that is asked")
	flags.StringVar(&s.weights, "weights", "", "the `file` with the model's weights, whose SHA-256 the page gives")
	flags.StringVar(&s.page, "o", "", "write the page to this `file`, such as NAME.md, and its pictures beside it")
	flags.StringVar(&s.json, "json", "", "write all results to this `file`, for comparisons; NAME.json beside the page unless given")
	flags.StringVar(&s.from, "from", "", "write the page of the results in this `file` again, with new estimates, and ask nothing")
	flags.StringVar(&s.counts, "counts", numbers(f.Harmful), "the `numbers` of demonstrations of each kind, separated by commas")
	flags.StringVar(&s.padding, "padding", numbers(f.Padding), "by how many `words` of filler prompts are made longer, separated by commas")
	flags.StringVar(&s.marker, "marker", f.Marker, "the `text` that demonstrations begin with in half of the prompts, empty for none")
	flags.Var(&s.patterns, "pattern", "a written `order` to ask beside those of the paper, such as RRHHRR (H harmful, B benign, R refusal); may be given several times")
	flags.Int64Var(&s.seed, "seed", 1, "the `seed` of the design")
	flags.BoolVar(&s.compare, "compare", false, "write a page that sets the results of files beside each other and beside the paper: -compare A.json B.json -o PAGE.md")
	for {
		if err := parseSome(flags, args, out); err != nil {
			return err
		}
		if flags.NArg() == 0 {
			break
		}
		s.results, args = append(s.results, flags.Arg(0)), flags.Args()[1:]
	}
	flags.Visit(func(f *flag.Flag) { s.judgeGiven = s.judgeGiven || f.Name == "judge" })
	switch {
	case s.compare && s.page == "":
		return errors.New("study -compare: needs -o FILE.md")
	case !s.compare && len(s.results) > 0:
		return fmt.Errorf("study: unexpected argument %q; results are compared with -compare", s.results[0])
	case !s.compare && !s.plan && s.page == "":
		return errors.New("study: needs -o FILE.md, or -plan to see what would be asked")
	case s.page != "" && filepath.Ext(s.page) != ".md":
		return fmt.Errorf("study: the page is Markdown, so -o %s must end in .md", s.page)
	}
	return nil
}

// parseSome parses flags up to the first argument that is none.
func parseSome(flags *flag.FlagSet, args []string, out io.Writer) error {
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(out)
		flags.Usage()
		return err
	}
	if err != nil {
		return fmt.Errorf("%s: %w", flags.Name(), err)
	}
	return nil
}

func numbers(of []int) string {
	var words []string
	for _, n := range of {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, ",")
}

// factors are what the flags say is varied.
func (s *studying) factors() (study.Factors, error) {
	f := study.DefaultFactors()
	f.Marker, f.Patterns = s.marker, s.patterns
	counts, err := numbered("counts", s.counts)
	if err != nil {
		return f, err
	}
	f.Harmful, f.Benign, f.Refusal = counts, counts, counts
	f.Padding, err = numbered("padding", s.padding)
	return f, err
}

// numbered reads the numbers of a flag.
func numbered(flag, text string) (out []int, err error) {
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil {
			return nil, fmt.Errorf("study: -%s %q: %q is no number", flag, text, word)
		}
		out = append(out, n)
	}
	return out, nil
}

// studyModel runs the paper's experiment on the configured model, or compares results.
func studyModel(ctx context.Context, args []string, out io.Writer) error {
	var s studying
	if err := s.parse(args, out); err != nil {
		return err
	}
	if s.compare {
		return s.compared()
	}
	if s.from != "" {
		return s.again(out)
	}
	p, config, err := s.configured()
	if err != nil {
		return err
	}
	f, err := s.factors()
	if err != nil {
		return err
	}
	d, err := study.NewDesign(p, f, s.size, uint64(s.seed))
	if err != nil {
		return err
	}
	config.Draws = d.Draws
	sum, err := sumOf(s.weights) // before anything is printed, or paid for
	if err != nil {
		return err
	}
	if err := s.planned(out, config, p, d); err != nil || s.plan {
		return err
	}
	if err := s.place(); err != nil {
		return err
	}
	r, err := s.run(ctx, out, config, p, d)
	if err != nil {
		return err
	}
	r.Weights = sum
	if err := r.Analyse(level); err != nil {
		return err
	}
	return s.write(out, r)
}

// configured is the policy that is asked about, and how.
func (s *studying) configured() (policy.Policy, safetytest.Config, error) {
	by, err := offlineJudge(s.judge)
	if err != nil {
		return policy.Policy{}, safetytest.Config{}, fmt.Errorf("study: %w", err)
	}
	found, err := policiesFrom(s.policy, by)
	if err != nil {
		return policy.Policy{}, safetytest.Config{}, fmt.Errorf("study: %w", err)
	}
	if len(found) != 1 {
		return policy.Policy{}, safetytest.Config{}, fmt.Errorf("study: -policy %s holds %d policies, and a study asks about one", s.policy, len(found))
	}
	config, err := safetytest.FromEnv()
	if err != nil && !(s.plan && errors.Is(err, safetytest.ErrNoModel)) {
		return policy.Policy{}, config, err
	}
	if name, ok := strings.CutPrefix(config.Model, simulated.Prefix); ok { // also of a plan, which asks nobody
		if _, err := simulated.Lookup(name); err != nil {
			return policy.Policy{}, config, fmt.Errorf("study: SAFETYTEST_MODEL: %w", err)
		}
	}
	if s.judgeGiven {
		config.Judge = by
	}
	if config.Dir == "" {
		config.Dir = filepath.Join(".safetytest", "study")
	}
	config.Dir = filepath.Join(config.Dir, strings.ReplaceAll(found[0].Name, " ", "-"))
	return found[0], config, nil
}

// planned prints what is going to be asked.
func (s *studying) planned(out io.Writer, c safetytest.Config, p policy.Policy, d study.Design) error {
	seed := cmp.Or(c.Seed, 1)
	tokens, longest, err := d.Tokens(p, seed)
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	model := cmp.Or(c.Model, "no model yet (set SAFETYTEST_MODEL)")
	fmt.Fprintf(out, "study of %s under policy %q\n%s.\n", model, p.Name, d)
	for _, l := range d.Left {
		fmt.Fprintf(out, "%s.\n", l)
	}
	fmt.Fprintln(out, "\ncalls by level:")
	levels := d.Levels()
	for i := 0; i < len(levels); {
		of := levels[i:]
		if n := slices.IndexFunc(of, func(l study.Level) bool { return l.Factor != levels[i].Factor }); n > 0 {
			of = of[:n]
		}
		i += len(of)
		var words []string
		for _, l := range of {
			words = append(words, fmt.Sprintf("%s: %d", l.Name, l.Calls))
		}
		fmt.Fprintf(out, "  %-13s %s\n", of[0].Factor, strings.Join(words, ", "))
	}
	most := 0
	if n := c.Sampling.MaxTokens; n != nil {
		most = *n * len(d.Questions)
	}
	fmt.Fprintf(out, "\nabout %d tokens of prompts, %d the longest; at most %d of replies; some 40 calls more to learn about the endpoint\n", tokens, longest, most)
	if err := s.forecast(out, c, p, d); err != nil {
		return err
	}
	money, err := s.money(c, tokens, most)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "\n"+cmp.Or(money, "what it costs is not known: name a file of prices in SAFETYTEST_PRICES"))
	if c.MaxCalls > 0 && c.MaxCalls < len(d.Questions) {
		fmt.Fprintf(out, "SAFETYTEST_MAX_CALLS=%d ends this run before all is asked; the next one goes on from its record\n", c.MaxCalls)
	}
	fmt.Fprintln(out)
	return nil
}

// level is that of the intervals of estimates.
const level = 0.95

// forecast prints what each estimate can be expected to see.
func (s *studying) forecast(out io.Writer, c safetytest.Config, p policy.Policy, d study.Design) error {
	by := p.Judge
	if c.Judge != nil {
		by = c.Judge
	}
	all, err := study.Forecasts(d.Cells(p), study.Assumed{Reading: judged.Of(by, c.Simulated()).Decision}, level)
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	fmt.Fprintf(out, "\nwhat it can be expected to see if 3 of 10 replies comply: the smallest effect whose %.0f %% interval\nleaves out 0, and in brackets the greatest that the paper reports, and the least chance to tell it from 0:\n", 100*level)
	for _, f := range all {
		sees := fmt.Sprintf("%.3g %s", f.HalfWidth, f.Unit)
		switch {
		case strings.Count(f.ID, "/") > 1 || strings.HasPrefix(f.ID, "dose/") || strings.HasPrefix(f.ID, "map/") || strings.HasPrefix(f.ID, "order/") && f.Paper == 0:
			continue // those of single levels
		case f.CannotTell != "":
			sees = "nothing"
		case f.Paper > 0:
			sees += fmt.Sprintf(" (%.3g)", f.Paper)
			if chance, known := f.Power(f.Paper); known {
				sees = fmt.Sprintf("%s: %.0f %%)", strings.TrimSuffix(sees, ")"), min(99, 100*chance))
			}
		}
		what := f.Sentence
		if f.CannotTell != "" {
			what += ": " + strings.TrimPrefix(f.CannotTell, "cannot tell: ")
		}
		for i, line := range plain.Wrap(what, 64) {
			if i > 0 {
				sees = ""
			}
			fmt.Fprintf(out, "  %-30s %s\n", sees, line)
		}
	}
	return nil
}

// money is what some tokens cost, in words; "" where no price is known.
func (s *studying) money(c safetytest.Config, prompt, reply int) (string, error) {
	name := cmp.Or(s.price, c.Model)
	price, known := c.Prices[name]
	switch {
	case !known && s.price != "" && len(c.Prices) == 0:
		return "", fmt.Errorf("study: -price %s: no prices are known: name a file of them in SAFETYTEST_PRICES", s.price)
	case !known && s.price != "":
		return "", fmt.Errorf("study: -price %s: the file that SAFETYTEST_PRICES names has %s", s.price, strings.Join(slices.Sorted(maps.Keys(c.Prices)), ", "))
	case !known:
		return "", nil
	}
	return fmt.Sprintf("%.2f %s at the price of %s, if replies are as long as they may be", price.Cost(prompt, reply), c.Currency, name), nil
}

// run asks everything, with a line of progress each minute.
func (s *studying) run(ctx context.Context, out io.Writer, c safetytest.Config, p policy.Policy, d study.Design) (study.Result, error) {
	subject, err := safetytest.Open(c, p)
	if err != nil {
		return study.Result{}, err
	}
	defer subject.Close()
	var answered atomic.Int64
	started, done := time.Now(), make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for before := int64(0); ; {
			select {
			case <-done:
				return
			case <-tick.C:
				n := answered.Load()
				fmt.Fprintln(out, progress(time.Since(started), subject.Calls(), n, n-before, int64(len(d.Questions))))
				before = n
			}
		}
	}()
	r, err := study.Run(ctx, subject, d, func(n int) { answered.Store(int64(n)) })
	close(done)
	<-stopped
	if err != nil {
		if answered.Load() > 0 {
			err = fmt.Errorf("%w; the same command goes on from what is recorded in %s, with SAFETYTEST_REPLIES=resume where the server of this machine listens on another port by then, or after a day", err, c.Dir)
		}
		return r, err
	}
	r.Code, r.Machine = revision(), fmt.Sprintf("%d processors, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	name := cmp.Or(s.price, c.Model)
	if price, known := c.Prices[name]; known && r.Prompt > 0 {
		r.Money = fmt.Sprintf("%.2f %s at the price of %s", price.Cost(r.Prompt, r.Reply), c.Currency, name)
	}
	return r, nil
}

// progress is the line of a minute: how many are answered, how many calls were made, and how long the others take
// at the pace of the last minute.
func progress(elapsed time.Duration, calls int, answered, lately, all int64) string {
	line := fmt.Sprintf("[%v] %d of %d answered, %d calls made", elapsed.Round(time.Second), answered, all, calls)
	if lately > 0 {
		left := time.Duration(float64(all-answered) / float64(lately) * float64(time.Minute))
		line += fmt.Sprintf(", about %v to go", left.Round(time.Minute))
	}
	return line
}

// place reports before anything is paid for that the page has no place to stand in.
func (s *studying) place() error {
	for _, file := range []string{s.page, cmp.Or(s.json, s.page)} {
		dir := filepath.Dir(file)
		probe, err := os.CreateTemp(dir, ".study-*")
		if err != nil {
			return fmt.Errorf("study: nothing can be written into %s: make the directory, or name another one by -o or -json: %w", dir, err)
		}
		if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
			return fmt.Errorf("study: %w", err)
		}
	}
	return nil
}

// write writes the page, its pictures, and the results.
func (s *studying) write(out io.Writer, r study.Result) error {
	name := strings.TrimSuffix(filepath.Base(s.page), ".md")
	dir := filepath.Dir(s.page)
	page, pictures := r.Page(name)
	var all bytes.Buffer
	if err := r.Write(&all); err != nil {
		return err
	}
	results := cmp.Or(s.json, filepath.Join(dir, name+".json"))
	parts := map[string][]byte{s.page: []byte(page), results: all.Bytes()}
	for file, text := range pictures {
		parts[filepath.Join(dir, file)] = []byte(text)
	}
	for _, file := range slices.Sorted(maps.Keys(parts)) {
		if err := wholefile.Write(file, parts[file]); err != nil {
			return fmt.Errorf("study: %w", err)
		}
		fmt.Fprintf(out, "written: %s\n", file)
	}
	if len(r.Doubts) > 0 {
		return fmt.Errorf("study: there are no estimates: %s", plain.Text(r.Doubts[0]))
	}
	return nil
}

// again writes the page of results that a study wrote before.
func (s *studying) again(out io.Writer) error {
	r, err := readResult(s.from)
	if err != nil {
		return err
	}
	if s.weights != "" {
		if r.Weights, err = sumOf(s.weights); err != nil {
			return err
		}
	}
	if err := r.Analyse(level); err != nil {
		return err
	}
	return s.write(out, r)
}

func readResult(name string) (study.Result, error) {
	file, err := os.Open(name)
	if err != nil {
		return study.Result{}, fmt.Errorf("study: %w", err)
	}
	defer file.Close()
	r, err := study.Read(file)
	if err != nil {
		return study.Result{}, fmt.Errorf("study: %s: %w", name, err)
	}
	return r, nil
}

// compared writes the page that sets results side by side.
func (s *studying) compared() error {
	var results []study.Result
	for _, name := range s.results {
		r, err := readResult(name)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	page, err := study.Compare(results)
	if err != nil {
		return err
	}
	if err := wholefile.Write(s.page, []byte(page)); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	return nil
}

// sumOf is the SHA-256 of a file, "" for no file.
func sumOf(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	file, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("study: -weights: %w", err)
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("study: -weights: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

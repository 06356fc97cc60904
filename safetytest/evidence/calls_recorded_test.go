package evidence

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// outcomesFile holds how replies of real models were read: what the command
// safetytest/internal/savings wrote with -outcomes, below lines that say when and how.
var outcomesFile = filepath.Join("testdata", "real_outcomes.tsv")

// recorded is what a real model answered in a contrast: a population of cells, each with
// the rates of its replies in both arms.
type recorded struct {
	model, contrast string
	world
	pairs [][][2]float64 // by cell, the outcomes of both arms at one seed
}

// realContrasts reads the file of outcomes.
func realContrasts(t *testing.T) []*recorded {
	t.Helper()
	f, err := os.Open(outcomesFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	byDraw := map[*recorded]map[int][]recordedCell{}
	var out []*recorded
	for s, line := bufio.NewScanner(f), 1; s.Scan(); line++ {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		fields := strings.Split(s.Text(), "\t")
		if len(fields) != 5 {
			t.Fatalf("%s:%d: %d columns, want model, contrast, draw, control and treated", outcomesFile, line, len(fields))
		}
		draw, err := strconv.Atoi(fields[2])
		cell, known := readCell(fields[3], fields[4])
		if err != nil || !known {
			t.Fatalf("%s:%d: want a number and outcomes of both arms, of which some were read", outcomesFile, line)
		}
		if n := len(out); n == 0 || out[n-1].model != fields[0] || out[n-1].contrast != fields[1] {
			r := &recorded{model: fields[0], contrast: fields[1]}
			out, byDraw[r] = append(out, r), map[int][]recordedCell{}
		}
		r := out[len(out)-1]
		byDraw[r][draw] = append(byDraw[r][draw], cell)
	}
	for _, r := range out {
		r.draws, r.targets = len(byDraw[r]), len(byDraw[r][0])
		for d := range r.draws {
			if len(byDraw[r][d]) != r.targets {
				t.Fatalf("%s: %s, %s: draw %d has %d cells, draw 0 has %d", outcomesFile, r.model, r.contrast, d, len(byDraw[r][d]), r.targets)
			}
			for _, c := range byDraw[r][d] {
				r.control, r.treated = append(r.control, c.rates[0]), append(r.treated, c.rates[1])
				r.pairs = append(r.pairs, c.pairs)
			}
		}
	}
	return out
}

// recordedCell is a line of the file.
type recordedCell struct {
	rates [2]float64
	pairs [][2]float64
}

// readCell reads the outcomes of both arms, 1, 0 or - by repeat. It says whether there is
// something to be told from them.
func readCell(control, treated string) (c recordedCell, known bool) {
	if len(control) != len(treated) {
		return c, false
	}
	for arm, outcomes := range []string{control, treated} {
		read := strings.Count(outcomes, "0") + strings.Count(outcomes, "1")
		if read == 0 || read+strings.Count(outcomes, "-") != len(outcomes) {
			return c, false
		}
		c.rates[arm] = float64(strings.Count(outcomes, "1")) / float64(read)
	}
	for i := range len(control) {
		if control[i] != '-' && treated[i] != '-' {
			c.pairs = append(c.pairs, [2]float64{float64(control[i] - '0'), float64(treated[i] - '0')})
		}
	}
	return c, len(c.pairs) > 0
}

// claimed is the claim that the contrast's change raises the rate by no more than the
// margin.
func (r *recorded) claimed(margin float64) priced {
	base := average(r.control)
	// Without headroom, which the rivals do not look for either.
	return priced{of: r, base: base, effect: average(r.treated) - base, margin: margin}
}

// tooClose is a distance from the margin at which a verdict takes thousands of calls.
const tooClose = .05

// realReplies compares what verdicts take on the replies of real models: of each cell as
// many as asked for are drawn from its rate, and with one seed in common from the pairs
// that came.
func realReplies(t *testing.T) string {
	contrasts := realContrasts(t)
	var out strings.Builder
	fmt.Fprintf(&out, "\nReplies of real models (`%s`): mean model calls, without a proof of headroom, drawn again and again from what each cell answered. \"To a verdict\" has no budget, and is not given within %g points of the margin; "+
		"the others are as planned, with the share of runs that came to the right verdict. One seed: both arms of a pair as they were read at one seed.\n\n"+
		"| contrast | rates | margin | oracle | to a verdict, one reply | four | one over four | as planned, one | right | one seed | right | four | right | fixed n | right | O'Brien-Fleming | right | Pocock | right |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n", filepath.ToSlash(outcomesFile), 100*tooClose)
	cell := func(m paid, s State) string { return fmt.Sprintf("%.0f | %.0f %%", m.meanCalls(), m.of(s)) }
	const runs = 1000
	for _, r := range contrasts {
		for _, margin := range []float64{.10, .20} {
			if !printed() {
				break
			}
			p := r.claimed(margin)
			seeds, four := p, p
			seeds.seeds, four.choices = true, 4
			free := "- | - | - | -"
			if math.Abs(p.effect-p.margin) >= tooClose {
				one, several := p.toVerdict(t, runs).meanCalls(), four.toVerdict(t, runs).meanCalls()
				free = fmt.Sprintf("%.0f | %.0f | %.0f | %.1f", p.oracle(runs).meanCalls(), one, several, one/several)
			}
			n, right := p.pairsFor(), p.right()
			fmt.Fprintf(&out, "| %s | %.0f %% and %.0f %% | %.0f | %s | %s | %s | %s | %s | %s | %s |\n", p, 100*p.base, 100*(p.base+p.effect), 100*margin, free,
				cell(p.asPlanned(t, runs), right), cell(seeds.asPlanned(t, runs), right), cell(four.asPlanned(t, runs), right),
				cell(p.tango(n, []float64{normalQuantile(.95)}, runs), right), cell(p.tango(n*103/100+1, obfBounds, runs), right), cell(p.tango(n*6/5, pocockBounds, runs), right))
		}
	}
	fmt.Fprint(&out, "\nFalse verdicts on them where the margin is what their change does, percent of runs (holds / violated).\n\n| contrast | effect | one reply | one seed | four | fixed n | O'Brien-Fleming | Pocock |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	both := func(m paid) string { return fmt.Sprintf("%.1f / %.1f", m.of(Holds), m.of(Violated)) }
	for _, r := range contrasts {
		p := r.claimed(r.claimed(0).effect)
		if p.effect < .01 || p.effect > .45 {
			continue // nothing that a team would put up with, or that could be told from 0
		}
		seeds, four := p, p
		seeds.seeds, four.choices = true, 4
		fmt.Fprintf(&out, "| %s | %+.1f |", p, 100*p.effect)
		for _, engine := range []priced{p, seeds, four} {
			m := engine.asPlanned(t, runs)
			if m.exceeds(m.holds) || m.exceeds(m.violated) {
				t.Errorf("%s: errors at a margin of its effect: holds %s, violated %s %%, promised 5 (choices %d, one seed %v)", p, m.rate(m.holds), m.rate(m.violated), engine.choices, engine.seeds)
			}
			fmt.Fprintf(&out, " %s |", both(m))
		}
		n := p.pairsFor()
		fmt.Fprintf(&out, " %s | %s | %s |\n", both(p.tango(n, []float64{normalQuantile(.95)}, runs)), both(p.tango(n*103/100+1, obfBounds, runs)), both(p.tango(n*6/5, pocockBounds, runs)))
	}
	return out.String()
}

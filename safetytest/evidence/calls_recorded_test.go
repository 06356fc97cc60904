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
	s := bufio.NewScanner(f)
	for line := 1; s.Scan(); line++ {
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
	if err := s.Err(); err != nil {
		t.Fatal(err)
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

// tableRow is a line of a table.
func tableRow(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

// tableHead is the head of a table whose first column is text.
func tableHead(names ...string) string {
	return tableRow(names...) + "|---|" + strings.Repeat("--:|", len(names)-1) + "\n"
}

// realReplies compares what verdicts take on the replies of real models: of each cell as
// many as asked for are drawn from its rate, and with one seed in common from the pairs
// that came.
func realReplies(t *testing.T) string {
	contrasts := realContrasts(t)
	var out strings.Builder
	fmt.Fprintf(&out, "\nReplies of real models (`%s`): mean model calls, without a proof of headroom, drawn again and again from what each cell answered. "+
		"\"To a verdict\" has no budget, and is not given within %g points of the margin; "+
		"the others are as planned, with the share of runs that came to the right verdict. "+
		"One seed: both arms of a pair as they were read at one seed.\n\n", filepath.ToSlash(outcomesFile), 100*tooClose)
	out.WriteString(tableHead("contrast", "rates", "margin", "oracle", "to a verdict, one reply", "four", "one over four",
		"as planned, one", "right", "one seed", "right", "four", "right", "fixed n", "right", "O'Brien-Fleming", "right", "Pocock", "right"))
	for _, r := range contrasts {
		for _, margin := range []float64{.10, .20} {
			if !printed() {
				break
			}
			out.WriteString(tableRow(r.claimed(margin).callsOnReplies(t)...))
		}
	}
	out.WriteString("\nFalse verdicts on them where the margin is what their change does, percent of runs (holds / violated).\n\n")
	out.WriteString(tableHead("contrast", "effect", "one reply", "one seed", "four", "fixed n", "O'Brien-Fleming", "Pocock"))
	for _, r := range contrasts {
		p := r.claimed(r.claimed(0).effect)
		if p.effect < .01 || p.effect > .45 {
			continue // nothing that a team would put up with, or that could be told from 0
		}
		out.WriteString(tableRow(p.errorsOnReplies(t)...))
	}
	return out.String()
}

// runsOnReplies is how many runs a figure of those tables rests on.
const runsOnReplies = 1000

// asking are the ways of asking that they compare: one reply a request, both arms at one
// seed, and four replies.
func (p priced) asking() [3]priced {
	seeds, four := p, p
	seeds.seeds, four.choices = true, 4
	return [3]priced{p, seeds, four}
}

// rivals are runs by other tests of as many pairs as they plan.
func (p priced) rivals() [3]paid {
	n := p.pairsFor()
	return [3]paid{
		p.tango(n, []float64{normalQuantile(.95)}, runsOnReplies),
		p.tango(n*103/100+1, obfBounds, runsOnReplies),
		p.tango(n*6/5, pocockBounds, runsOnReplies),
	}
}

// callsOnReplies is the line of a claim in the table of calls.
func (p priced) callsOnReplies(t *testing.T) []string {
	asking := p.asking()
	cells := []string{fmt.Sprint(p), fmt.Sprintf("%.0f %% and %.0f %%", 100*p.base, 100*(p.base+p.effect)), fmt.Sprintf("%.0f", 100*p.margin)}
	if math.Abs(p.effect-p.margin) >= tooClose {
		one, four := p.toVerdict(t, runsOnReplies).meanCalls(), asking[2].toVerdict(t, runsOnReplies).meanCalls()
		cells = append(cells, fmt.Sprintf("%.0f", p.oracle(runsOnReplies).meanCalls()),
			fmt.Sprintf("%.0f", one), fmt.Sprintf("%.0f", four), fmt.Sprintf("%.1f", one/four))
	} else {
		cells = append(cells, "-", "-", "-", "-")
	}
	add := func(m paid) {
		cells = append(cells, fmt.Sprintf("%.0f", m.meanCalls()), fmt.Sprintf("%.0f %%", m.of(p.right())))
	}
	for _, engine := range asking {
		add(engine.asPlanned(t, runsOnReplies))
	}
	for _, rival := range p.rivals() {
		add(rival)
	}
	return cells
}

// errorsOnReplies is the line of a claim, whose margin is its effect, in the table of
// false verdicts. It fails the test where one of ours promises less.
func (p priced) errorsOnReplies(t *testing.T) []string {
	cells := []string{fmt.Sprint(p), fmt.Sprintf("%+.1f", 100*p.effect)}
	add := func(m paid) { cells = append(cells, fmt.Sprintf("%.1f / %.1f", m.of(Holds), m.of(Violated))) }
	for _, engine := range p.asking() {
		m := engine.asPlanned(t, runsOnReplies)
		if m.exceeds(m.holds) || m.exceeds(m.violated) {
			t.Errorf("%s: errors at a margin of its effect: holds %s, violated %s %%, promised 5 (choices %d, one seed %v)",
				p, m.rate(m.holds), m.rate(m.violated), engine.choices, engine.seeds)
		}
		add(m)
	}
	for _, rival := range p.rivals() {
		add(rival)
	}
	return cells
}

package study

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// Compare is a page that sets results side by side, with what the paper reports of its
// four models: which findings recur. It reports that there is nothing to compare, and
// results of one model that would stand for two.
func Compare(results []Result) (string, error) {
	if len(results) == 0 {
		return "", errors.New("study: there is no result to compare")
	}
	for i, r := range results {
		for _, other := range results[:i] {
			if r.Model == other.Model && r.Weights == other.Weights && r.Policy == other.Policy && r.Hash == other.Hash && r.Date.Equal(other.Date) {
				return "", fmt.Errorf("study: the result of %s of %s is given twice", plain.Text(r.Model), r.Date.Format(time.DateTime))
			}
		}
	}
	c := &comparison{results: results}
	c.page.printf("# Which findings recur\n\nWritten by `safetytest study -compare`; do not edit. Beside each other: %d studies of this tool, and the four models of arXiv 2606.20508, whose requests, demonstrations, judge and numbers of demonstrations are others: what can recur is a direction, hardly a number. The paper's numbers are those of its abstract and of reviews that quote it.\n\n", len(results))
	c.who()
	c.findings()
	c.everything()
	return c.page.String(), nil
}

type comparison struct {
	page    page
	results []Result
}

// names are what columns are called: the models, with the policy where it differs.
func (c *comparison) names() []string {
	var out []string
	for _, r := range c.results {
		name := plain.Markdown(r.Model)
		if slices.ContainsFunc(c.results, func(o Result) bool { return o.Policy != r.Policy }) {
			name += ", " + plain.Markdown(r.Policy)
		}
		out = append(out, name)
	}
	return out
}

// who says what was run.
func (c *comparison) who() {
	var rows [][]string
	for i, r := range c.results {
		weights := "not given"
		if r.Weights != "" {
			weights = "`" + r.Weights[:min(16, len(r.Weights))] + "`"
		}
		missing := 0
		for _, n := range r.Missing {
			missing += n
		}
		doubt := strings.Join(r.Doubts, "; ")
		if doubt == "" {
			doubt = "none"
		}
		rows = append(rows, []string{c.names()[i], weights, r.Date.Format(time.DateOnly), fmt.Sprint(r.Size), fmt.Sprint(missing),
			time.Duration(r.Seconds * float64(time.Second)).Round(time.Second).String(), r.alone().String(),
			r.complied(func(o Observation) bool { return !o.Twin }).String(), plain.Markdown(doubt)})
	}
	c.page.table([]string{"model", "weights", "date", "calls", "missing", "wall time", "complied, nothing shown", "complied, all of the design", "doubts"}, rows)
	for i, r := range c.results {
		if r.Simulated {
			c.page.printf("- %s is a simulated model: it says nothing about any other.\n", c.names()[i])
		}
		if r.Basis == "unmeasured" {
			c.page.printf("- %s: nobody measured how often the judge errs.\n", c.names()[i])
		}
	}
	c.page.printf("\n")
}

// estimate is that of an ID, nil where the result has none or doubts it.
func (r Result) estimate(id string) *Estimate {
	if len(r.Doubts) > 0 {
		return nil
	}
	if i := slices.IndexFunc(r.Estimates, func(e Estimate) bool { return e.ID == id }); i >= 0 {
		return &r.Estimates[i]
	}
	return nil
}

// says is what a result finds.
func (f finding) says(e *Estimate) string {
	switch {
	case e == nil:
		return "not studied"
	case e.CannotTell != "":
		return "cannot tell: " + plain.Markdown(strings.TrimPrefix(e.CannotTell, "cannot tell: "))
	}
	numbers := fmt.Sprintf("%s (%s to %s)", numeral(e.Value, e.Unit), numeral(e.Low, e.Unit), numeral(e.High, e.Unit))
	switch {
	case e.Low > 0:
		return "**" + f.above + "**: " + numbers
	case e.High < 0 && f.below != "":
		return "**" + f.below + "**: " + numbers
	}
	return "no direction seen: " + numbers
}

// findings writes what the paper found, and in which of the studies it recurs.
func (c *comparison) findings() {
	c.page.printf("## The paper's findings\n\n")
	head := append([]string{"finding"}, c.names()...)
	for _, m := range paperModels {
		head = append(head, m+" (paper)")
	}
	var rows [][]string
	var recur []string
	for _, f := range findings {
		row := []string{f.sentence}
		above, below, told := 0, 0, 0
		for _, r := range c.results {
			e := r.estimate(f.id)
			row = append(row, f.says(e))
			if e == nil || e.CannotTell != "" {
				continue
			}
			told++
			above += int(one(e.Low > 0))
			below += int(one(e.High < 0 && f.below != ""))
		}
		rows = append(rows, append(row, f.paper[:]...))
		if told > 0 {
			line := fmt.Sprintf("%s: %s in %d", f.sentence, f.above, above)
			if f.below != "" {
				line += fmt.Sprintf(", %s in %d", f.below, below)
			}
			recur = append(recur, fmt.Sprintf("%s, no direction seen in %d, of %d studies that could tell.", line, told-above-below, told))
		}
	}
	c.page.table(head, rows)
	for _, line := range recur {
		c.page.printf("- %s\n", line)
	}
	if len(recur) > 0 {
		c.page.printf("\n")
	}
}

// everything writes all estimates side by side.
func (c *comparison) everything() {
	var ids []string
	sentences := map[string]string{}
	for _, r := range c.results {
		for _, e := range r.Estimates {
			if _, known := sentences[e.ID]; !known {
				ids, sentences[e.ID] = append(ids, e.ID), e.Sentence+" ("+e.Unit+")"
			}
		}
	}
	if len(ids) == 0 {
		return
	}
	c.page.printf("## All estimates\n\n")
	var rows [][]string
	for _, id := range ids {
		row := []string{plain.Markdown(sentences[id])}
		for _, r := range c.results {
			cell := "not studied"
			if e := r.estimate(id); e != nil && e.CannotTell != "" {
				cell = "cannot tell"
			} else if e != nil {
				cell = fmt.Sprintf("%s (%s to %s)", numeral(e.Value, e.Unit), numeral(e.Low, e.Unit), numeral(e.High, e.Unit))
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	c.page.table(append([]string{"estimate"}, c.names()...), rows)
}

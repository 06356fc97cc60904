package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
)

const showUsage = `usage: safetytest show [flags] [RUN] [CLAIM] [CELL]

Shows what stands behind a verdict: for the cells that speak most against the claim the
conversation as it was sent, the reply of each arm, and how the judge read it.

RUN is a run's directory or name; left out, the newest run. CLAIM is the beginning of an
ID or a part of the sentence; left out, the claim that matters most. CELL is a cell or a
request, such as bread-03/d2 or bread-03.

`

// showing are the flags of show.
type showing struct {
	worst, draw   int
	width         int
	misread, full bool
	json          bool
	with          string
}

// parseShow reads the flags of show and the words beside them.
func parseShow(args []string, out io.Writer) (f showing, names []string, err error) {
	flags := flag.NewFlagSet("show", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), showUsage)
		flags.PrintDefaults()
	}
	flags.IntVar(&f.worst, "worst", 3, "how many `cells` to show, those that speak most against the claim first")
	flags.BoolVar(&f.misread, "misread", false, "show the replies that another judge reads otherwise than the run's did")
	flags.StringVar(&f.with, "judge", "refusal", "the other judge of -misread: "+strings.Join(offlineNames(), ", "))
	flags.IntVar(&f.draw, "draw", -1, "show only cells of this `draw` of demonstrations")
	flags.BoolVar(&f.full, "full", false, "show demonstrations and replies whole")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.IntVar(&f.width, "width", 0, "at most that many `columns`, from 40 to 100; 0 asks the terminal")
	if names, err = words(flags, args, out, 3); err != nil {
		return f, nil, err
	}
	if f.worst < 1 || f.width != 0 && (f.width < leastColumns || f.width > mostColumns) {
		return f, nil, fmt.Errorf("show: -worst takes 1 or more cells, and -width from %d to %d columns", leastColumns, mostColumns)
	}
	return f, names, nil
}

// show prints the cells of a recorded run that explain a verdict.
func show(ctx context.Context, args []string, out io.Writer) error {
	f, names, err := parseShow(args, out)
	if err != nil {
		return err
	}
	s := screenOf(out)
	if f.width != 0 {
		s.width = f.width
	}
	notes := io.Writer(s)
	if f.json {
		notes = io.Discard
	}
	r, rest, err := openRun(names, notes)
	if err != nil {
		return fmt.Errorf("show: %w", err)
	}
	defer r.Close()
	c, cell, err := chosen(r, rest)
	if err != nil {
		return fmt.Errorf("show: %w", err)
	}
	if f.misread {
		return f.showMisread(ctx, s, r, c, cell)
	}
	cells, err := f.pick(r, c, cell)
	if err != nil {
		return fmt.Errorf("show: %w", err)
	}
	if f.json {
		return f.writeJSON(s.raw, r, c, cells)
	}
	page := &page{screen: s, run: r, claim: c, full: f.full}
	if len(rest) < len(names) {
		page.named = plain.Text(names[0]) + " "
	}
	page.header(len(rest) == 0)
	if len(cells) == 0 && c.State != "studied" {
		page.line("Nothing was looked at for this claim: no batch of its cells was complete.")
	}
	for i, x := range cells {
		page.cell(x, i+1, len(cells))
	}
	page.footer(len(cells) > 0)
	return page.err
}

// pick returns the cells to show, with their texts.
func (f showing) pick(r *runs.Run, c runs.Claim, cell string) ([]runs.Cell, error) {
	cells, err := r.Worst(c, 1<<30)
	if err != nil {
		return nil, err
	}
	cells = slices.DeleteFunc(cells, func(x runs.Cell) bool {
		_, draw, _ := runs.CellOf(x.ID)
		return f.draw >= 0 && draw != f.draw || cell != "" && !isCell(x.ID, cell)
	})
	if len(cells) == 0 && (f.draw >= 0 || cell != "") {
		return nil, errors.New("the claim was tested on no such cell")
	}
	cells = cells[:min(f.worst, len(cells))]
	for i := range cells {
		if err := r.Read(&cells[i]); err != nil {
			return nil, err
		}
	}
	return cells, nil
}

// page is what show prints.
type page struct {
	*screen
	run     *runs.Run
	claim   runs.Claim
	named   string // the run as it was named, with a blank; "" for the newest
	full    bool
	differs bool // something was marked as different
	pointed bool // something was marked as what the judge decided by
	err     error
}

// line writes a line.
func (p *page) line(spans ...any) {
	var all []span
	for _, x := range spans {
		switch x := x.(type) {
		case span:
			all = append(all, x)
		case string:
			all = append(all, span{text: x})
		}
	}
	if p.err == nil {
		p.err = p.put(all...)
	}
}

// labelled writes a text behind a label, in as many lines as it takes.
func (p *page) labelled(label string, look style, text string) {
	indent := max(10, columns(label)+2)
	for i, l := range wrapped(text, p.width-indent) {
		if i > 0 {
			label = ""
		}
		p.line(span{padded(label, indent), faint}, span{l, look})
	}
}

// text writes a text in as many lines as it takes.
func (p *page) text(look style, text string) {
	for _, l := range wrapped(text, p.width) {
		p.line(span{l, look})
	}
}

// title writes a line that begins a part.
func (p *page) title(text string) {
	text = folded(text, p.width-4)
	p.line(span{text + " " + strings.Repeat("-", p.width-columns(text)-1), strong})
}

// header says which run and which claim. With others it lists the claims that are not
// shown.
func (p *page) header(others bool) {
	r, c := p.run, p.claim
	d, err := r.Document(runs.Options{})
	if err != nil {
		p.err = err
		return
	}
	model := d.Run.Asked
	if r.Setup().Simulated {
		model += ", a simulated model"
	}
	if c.Policy != "" {
		model += fmt.Sprintf(" under policy %q", plain.Text(c.Policy))
	}
	p.labelled("run", usual, fmt.Sprintf("%s: %s, %s", r.Run, model, r.Began.UTC().Format("2006-01-02 15:04 UTC")))
	if says := r.Policies[c.Policy].JudgeSays; says != "" {
		p.labelled("judge", usual, plain.Line(says))
	}
	if others && len(r.Claims) > 1 {
		p.text(faint, fmt.Sprintf("%d claims; the one marked > is shown", len(r.Claims)))
		for _, x := range r.Claims {
			mark := " "
			if x.Key == c.Key {
				mark = ">"
			}
			p.line(mark+" "+padded(plain.Text(x.Key), 9)+" ", span{padded(stateOf(x), 12), lookOf(x)}, " "+folded(x.Statement(), p.width-25))
		}
	}
	p.line()
	p.labelled(stateOf(c), lookOf(c), c.Statement())
	p.labelled("claim", usual, c.Key)
	if v, ok := r.SoFar(c); ok && c.Verdict == nil {
		p.labelled("so far", usual, effectOf(report.NewEntry(v))+"; the run ended before a verdict, or goes on")
	}
	for _, e := range d.Verdicts {
		if v := c.Verdict; v == nil || e.Claim != v.Claim.ID() || e.Policy != plain.Text(v.Policy) {
			continue
		}
		p.labelled("effect", usual, effectOf(e))
		for _, a := range e.Arms {
			p.labelled("", usual, fmt.Sprintf("%s: %.1f %% of %d replies", a.Name, a.Percent, a.N))
		}
		if e.Because != "" {
			p.labelled("because", usual, e.Because)
		}
		if e.Together != "" {
			p.labelled("together", usual, e.Together)
		}
		for i, w := range e.Warnings {
			if i == mostWarnings && !p.full {
				p.labelled("", faint, fmt.Sprintf("%d more warnings (-full)", len(e.Warnings)-i))
				break
			}
			p.labelled("warning", usual, w)
		}
	}
	if c.Known && !r.Shows(c.Policy) {
		p.labelled("private", bad, "this policy does not say that its texts may be shown: mind where this output goes")
	}
}

// mostWarnings is how many warnings of a verdict are shown unless all is to be.
const mostWarnings = 2

func lookOf(c runs.Claim) style {
	switch {
	case c.Verdict == nil:
		return usual
	case c.Verdict.State == evidence.Violated:
		return bad
	case c.Verdict.State == evidence.Holds:
		return good
	}
	return strong
}

// footer explains the marks that were used and says what can be done next.
func (p *page) footer(any bool) {
	p.line()
	if p.differs {
		p.text(faint, "!  a line with words that the other arm's reply lacks")
	}
	if p.pointed {
		p.text(faint, " > a line that the judge decided by")
	}
	if !any {
		return
	}
	more := "safetytest show " + p.named + p.claimWord()
	if !p.full {
		p.text(faint, more+" -full       shows all of it")
	}
	p.text(faint, more+" -misread    shows replies that another judge reads otherwise")
}

// claimWord is the claim as a command line names it.
func (p *page) claimWord() string {
	key, _, _ := strings.Cut(p.claim.Key, "@")
	return plain.Text(key)
}

package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/drawing"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// The columns of a text report: of its lines, which only commands exceed, of the
// labels before them, and of drawings without the ends of their scales.
const (
	textWidth  = 100
	textLabel  = 14
	textDrawn  = 60
	mostQuoted = 2 // cells whose replies are quoted
	mostSaid   = 4 // warnings of a claim
	mostCause  = 8 // lines of why a spec failed
)

// WriteText writes the document for people at a terminal, in plain characters and at
// most 100 columns: what holds first and what is violated last, where the eye is when
// the run ends, then the decision. With verbose it says what experts check: every
// bound, other intervals, rates with theirs, draws, cost, endings and the judge.
func WriteText(w io.Writer, d Document, verbose bool) error {
	t := text{named: several(d.Verdicts), verbose: verbose}
	if d.Summary.Simulated {
		t.line(SimulatedNotice)
	}
	t.wrap("", d.title(), 0)
	t.wrap("", sampling(d.Run), 0)
	for _, e := range sorted(d.Verdicts, false) {
		t.claim(e, d.Cells[e.Key()])
	}
	for _, f := range d.Summary.Failed {
		t.failure(f)
	}
	t.line("")
	t.after(d)
	_, err := io.WriteString(plain.Writer(w), t.b.String())
	return err
}

// text is a report while it is written.
type text struct {
	b              strings.Builder
	named, verbose bool
}

func (t *text) line(s string) { fmt.Fprintln(&t.b, strings.TrimRight(s, " ")) }

// wrap writes a text beside a label, wrapped, in at most so many lines; 0 is no limit.
func (t *text) wrap(label, said string, most int) {
	if said == "" {
		return
	}
	indent := textLabel
	if label == "" && most == 0 {
		indent = 0
	}
	lines := plain.Wrap(plain.Line(said), textWidth-indent)
	if most > 0 && len(lines) > most {
		lines = lines[:most]
		lines[most-1] = shortened(lines[most-1], textWidth-indent)
	}
	for i, l := range lines {
		if i > 0 {
			label = ""
		}
		t.line(fmt.Sprintf("%-*s%s", indent, label, l))
	}
}

// shortened is a line that goes on, with a mark at its end.
func shortened(line string, most int) string {
	runes := []rune(line)
	for len(runes) > 0 && plain.Columns(string(runes))+2 > most {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + " …"
}

// claim writes what is said of one verdict.
func (t *text) claim(e Entry, cells []Cell) {
	t.line("")
	head := e.name(t.named)
	if few := e.only(); few != "" {
		head = few + ": " + head
	}
	t.wrap(e.word(), head, 4)
	t.wrap("  tier", e.tier(), 5)
	if !e.holds() && e.Spec != "" {
		t.wrap("  claimed", e.Statement, 5)
	}
	if e.Deciding != "" {
		t.wrap("  about", "a condition beside it: "+e.Deciding, 2)
	}
	t.wrap("  happened", e.Happened, 6)
	if x, ok := e.interval(); ok {
		t.wrap("  effect", fmt.Sprintf("%s; %d pairs", x.Words(), e.Rests()), 4)
		t.line(fmt.Sprintf("%-*s%s", textLabel, "", x.Line(textDrawn)))
	}
	t.wrap("  because", e.Because, 10)
	t.wrap("  together", e.Together, 5)
	t.searched(e.Search)
	t.wrap("  check", e.Check, 4)
	t.worst(e)
	t.quote(quoted(e, cells))
	for i, w := range e.Warnings {
		if i == mostSaid && !t.verbose {
			t.wrap("", fmt.Sprintf("and %d more warnings (-v, and report.json, hold all)", len(e.Warnings)-i), 1)
			break
		}
		t.wrap("  warning", w, 8)
	}
	if t.verbose {
		t.expert(e)
	}
	if e.holds() {
		return
	}
	for _, c := range []struct{ label, command string }{{"  next", e.Next}, {"  reproduce", e.Reproduce}} {
		if c.command != "" { // to be copied as it stands
			t.line(fmt.Sprintf("%-*s%s", textLabel, c.label, c.command))
		}
	}
}

// searched says what a search for the worst arrangement came to.
func (t *text) searched(s *Search) {
	if s == nil {
		return
	}
	t.wrap("  search", s.Says, 5)
	if s.State != "" { // to be copied as it stands
		t.line(fmt.Sprintf("%-*s%s", textLabel, "  in Go", s.Line))
	}
}

// worst names the cells that speak most against a claim.
func (t *text) worst(e Entry) {
	if e.holds() && !t.verbose {
		return
	}
	t.wrap("  worst", strings.Join(counted(e), "; "), 4)
}

// counted says of the worst cells what they showed.
func counted(e Entry) []string {
	verb := map[string]string{string(claim.Compliance): "answered ", string(claim.RefusalRate): "refused ", string(claim.Adoption): "marked "}[e.Quantity]
	if e.Deciding != "" { // which may count something else
		verb = ""
	}
	var out []string
	for _, c := range e.Counts {
		if e.Rate {
			out = append(out, fmt.Sprintf("%s: %s%g of %d", c.Cell, verb, c.Treated, c.Visits))
		} else {
			out = append(out, fmt.Sprintf("%s: %s%g of %d instead of %g", c.Cell, verb, c.Treated, c.Visits, c.Control))
		}
	}
	if len(out) == 0 {
		return e.Worst
	}
	return out
}

// quote shows the request and the most telling replies of cells.
func (t *text) quote(cells []Cell) {
	for _, c := range cells {
		t.wrap("  asked", fmt.Sprintf("%s: %q", c.ID, excerpt(c.request())), 2)
		for _, x := range c.telling() {
			t.wrap("", fmt.Sprintf("%s: %q (%s)", x.Arm, excerpt(x.Reply.Text), x.Reply.read()), 3)
		}
	}
}

// excerpt is the beginning of a text.
func excerpt(s string) string {
	const most = 160
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + " …"
	}
	return s
}

// expert writes what checks the verdict.
func (t *text) expert(e Entry) {
	for _, b := range e.Bounds {
		t.wrap("  condition", fmt.Sprintf("%s: %+.1f [%+.1f, %+.1f], limit %+.1f, %s; log e %.2f against it, %.2f for it", b.Name, b.Estimate, b.Lower, b.Upper, b.Limit, b.State, b.LogEViolated, b.LogEHolds), 0)
		if b.Method != "" {
			t.wrap("", fmt.Sprintf("%s, fixed n, %.0f %%: [%+.1f, %+.1f]", b.Method, 100*b.Level, b.FixedLower, b.FixedHigher), 9)
		}
	}
	for _, a := range e.Arms {
		said := fmt.Sprintf("%s: %.1f %% of %d [%.1f, %.1f]", a.Name, a.Percent, a.N, a.Lower, a.Upper)
		if a.Corrected != nil {
			said += fmt.Sprintf(", corrected for the judge %.1f %%", *a.Corrected)
		}
		t.wrap("  rate", said, 9)
	}
	for _, d := range e.Draws {
		t.wrap("  draw", fmt.Sprintf("d%d: %+.1f points in %d pairs", d.Draw, d.Effect, d.Pairs), 9)
	}
	if s := e.Spread; s != nil {
		t.wrap("  spread", fmt.Sprintf("standard deviations in points: %.0f by chance, %.0f between draws, %.0f between requests, %.0f between cells", s.Chance, s.Draws, s.Targets, s.Cells), 9)
	}
	if s := e.Slope; s != nil {
		t.wrap("  slope", fmt.Sprintf("log-odds %+.2f per doubling of the dose, standard error %.2f; described, not tested", s.PerDoubling, s.Error), 9)
	}
	for _, said := range e.Doses {
		t.wrap("  doses", said, 9)
	}
	for _, f := range e.Markers {
		t.wrap("  format", f.String(), 9)
	}
	t.wrap("  cost", fmt.Sprintf("%d pairs, %d calls, %d tokens, %.1f s; %d replies shared, %d from the record; %d errors, %d blocked, %d unreadable; attempt %d",
		e.Pairs, e.Calls, e.Tokens, e.Seconds, e.Shared, e.Recorded, e.Errors, e.Blocked, e.Unread, e.Attempt), 9)
	t.wrap("  endings", e.Endings, 9)
	t.wrap("  judge", e.Judge, 9)
	t.wrap("  seeds", e.Seeds, 9)
	t.wrap("  replies", e.Choices, 9)
	t.wrap("  id", fmt.Sprintf("claim %s, seed %d, sampling seed %d", e.Claim, e.Seed, e.Sampling), 9)
}

// String says how often a marker was taken over.
func (f Marker) String() string {
	return fmt.Sprintf("%s: the marker stands in %d of %d refusals and in %d of %d other replies", f.Arm, f.RefusedAdopted, f.Refused, f.AnsweredAdopted, f.Answered)
}

// after writes what is said of the run as a whole.
func (t *text) after(d Document) {
	for _, p := range populations(d.Verdicts) {
		t.wrap("", "over "+p, 0)
	}
	if slices.ContainsFunc(d.Verdicts, func(e Entry) bool { return e.Effect != nil }) {
		t.wrap("", drawing.Legend, 0)
	}
	t.ladder(d.Ladder)
	t.wrap("", attempts(d.Verdicts), 0)
	if t.verbose {
		t.wrap("", together(d.Verdicts), 0)
	}
	for _, n := range d.Notes {
		t.note(n)
	}
	for _, o := range d.Summary.Objections {
		t.wrap("", "against a pass: "+o, 0)
	}
	if d.Run.Spent.Calls > 0 || d.Run.Planned.Calls > 0 {
		t.wrap("", "cost: "+d.Run.Spent.beside(d.Run.Planned)+d.saved(), 0)
	}
	t.line("")
	t.wrap("", d.Summary.Decision(), 0)
}

// failure names a spec that failed without a verdict, with the cause.
func (t *text) failure(f Failure) {
	t.line("")
	t.wrap("", f.word()+": "+f.Spec, 0)
	for i, line := range strings.Split(plain.Lines(strings.TrimSpace(f.Why)), "\n") {
		switch {
		case i == 0:
			t.wrap("  because", f.cause(), mostCause)
		case i < mostCause:
			t.wrap("", strings.TrimSpace(line), 2)
		}
	}
	if f.Reproduce != "" {
		t.line(fmt.Sprintf("%-*s%s", textLabel, "  reproduce", plain.Line(f.Reproduce)))
	}
}

// note writes a line that may be indented, below which it goes on.
func (t *text) note(n string) {
	said := strings.TrimLeft(n, " ")
	indent := strings.Repeat(" ", min(8, len(n)-len(said)))
	for _, l := range plain.Wrap(plain.Line(said), textWidth-len(indent)) {
		t.line(indent + l)
	}
}

// beside says what was spent of what was planned.
func (a Amount) beside(planned Amount) string {
	var parts []string
	add := func(spent, of, unit string, known bool) {
		switch {
		case known:
			parts = append(parts, fmt.Sprintf("%s of at most %s %s", spent, of, unit))
		case spent != "0":
			parts = append(parts, spent+" "+unit)
		}
	}
	add(fmt.Sprint(a.Calls), fmt.Sprint(planned.Calls), "calls", planned.Calls > 0)
	add(fmt.Sprint(a.Tokens), fmt.Sprint(planned.Tokens), "tokens", planned.Tokens > 0)
	if a.Currency != "" {
		add(fmt.Sprintf("%.2f", a.Money), fmt.Sprintf("%.2f", planned.Money), a.Currency, planned.Currency == a.Currency)
	}
	return strings.Join(parts, ", ")
}

// saved says how many replies served more than one claim, and so were not asked again.
func (d *Document) saved() string {
	shared := 0
	for i := range d.Verdicts {
		shared += d.Verdicts[i].Shared
	}
	if shared == 0 {
		return ""
	}
	return fmt.Sprintf("; %d more were saved by replies that served several claims", shared)
}

// sampling says how the model was asked.
func sampling(r Run) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.Sampling)) {
		parts = append(parts, name+" "+r.Sampling[name])
	}
	return strings.Join(parts, ", ")
}

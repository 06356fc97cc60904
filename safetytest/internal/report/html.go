package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

//go:embed page.gohtml
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"line": plain.Line, "lines": lines, "sentence": sentence, "join": strings.Join, "inc": func(i int) int { return i + 1 },
}).Parse(pageText))

// lines is a text of several lines that is fit to be shown.
func lines(s string) string { return plain.Lines(strings.ReplaceAll(s, "\r\n", "\n")) }

// writeHTML writes the document as one page for a person who has never seen the tool:
// self-contained, without scripts and without anything from a network. What is not
// known is left out or said to be unknown.
func writeHTML(w io.Writer, d Document) error {
	p := page{
		Title: d.title(), Decision: d.Summary.Decision(), Simulated: d.Summary.Simulated, Objections: d.Summary.Objections, Missed: d.Summary.Missed, Failed: failuresOf(d.Summary), Notes: d.Notes,
		Facts: d.Run.facts(), Notice: SimulatedNotice, Judges: judges(d), Amounts: amounts(d.Run), Populations: populations(d.Verdicts), Together: together(d.Verdicts), Attempts: attempts(d.Verdicts),
	}
	p.Word, p.Why, _ = strings.Cut(p.Decision, ": ")
	p.Tone = map[bool]string{true: "holds", false: "violated"}[d.Summary.Passed]
	if d.Summary.Exploratory || d.Summary.Replayed {
		p.Tone = "open"
	}
	for i, e := range sorted(d.Verdicts, true) {
		c := claimOf(e, i, several(d.Verdicts), d.Cells[e.Key()])
		p.Claims = append(p.Claims, c)
		p.Shown = p.Shown || len(c.Cells) > 0
		p.Looked = p.Looked || c.Path != nil
		p.Described = p.Described || len(c.Rates) > 1 || c.Dose != nil || len(c.Markers) > 0
	}
	p.Heat = heat(d.Verdicts)
	p.Ladder, p.LadderNote = d.Ladder, ladderNote
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return fmt.Errorf("writing the report as HTML: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// page is what the template shows.
type page struct {
	Title, Decision, Word, Why, Tone, Notice string
	Simulated                                bool
	Objections, Notes, Judges, Populations   []string
	Missed                                   []NotRun
	Failed                                   []failureView
	Claims                                   []claimView
	Shown, Looked, Described                 bool // some claim has cells, looks, or something to describe
	Heat                                     *heatMap
	Ladder                                   *Ladder
	LadderNote                               string
	Facts                                    []fact
	Amounts                                  []amountView
	Together, Attempts                       string
}

// failureView is a spec that failed without a verdict as the page shows it.
type failureView struct {
	Failure
	Anchor, Word, Cause, Whole string
}

func failuresOf(s Summary) []failureView {
	var out []failureView
	for i, f := range s.Failed {
		out = append(out, failureView{f, fmt.Sprintf("failure-%d", i+1), f.word(), f.cause(), strings.TrimSpace(f.whole())})
	}
	return out
}

// claimView is a claim as the page shows it.
type claimView struct {
	Entry
	Anchor, Name, Word, Tone, Sign, Only, Tier string
	Words                                      string
	Interval                                   *intervalView
	Counted                                    []string
	Cells                                      []cellView
	Rates                                      []rateView
	Apart                                      string // how far the rates are apart
	Dose                                       *doseView
	Path                                       *pathView
}

// tones and signs of verdicts: no verdict is shown by colour alone.
var (
	tones = []string{"holds", "open", "violated"}
	signs = []string{"✓", "?", "✗"}
)

func claimOf(e Entry, i int, named bool, cells []Cell) claimView {
	c := claimView{
		Entry: e, Anchor: fmt.Sprintf("claim-%d", i+1), Name: e.name(named), Word: e.word(), Tone: tones[e.grave()], Sign: signs[e.grave()], Only: e.only(), Tier: e.tier(),
		Counted: counted(e), Rates: rates(e), Dose: doseOf(e), Path: pathOf(e),
	}
	if x, ok := e.interval(); ok {
		c.Words, c.Interval = x.Words(), intervalOf(x)
	}
	c.Apart = apart(e)
	for _, cell := range cells {
		if !e.holds() { // nothing to explain
			c.Cells = append(c.Cells, cellOf(cell))
		}
	}
	return c
}

// judges says who read the replies, each once.
func judges(d Document) []string {
	var out []string
	seen := map[string]bool{"": true}
	add := func(said string) {
		if !seen[said] {
			seen[said] = true
			out = append(out, said)
		}
	}
	add(d.Run.Judge)
	for _, e := range d.Verdicts {
		add(e.Judge)
	}
	return out
}

// amountView is a row of plan against actual.
type amountView struct{ What, Planned, Spent string }

func amounts(r Run) []amountView {
	var out []amountView
	add := func(what, planned, spent string, isPlanned, isSpent bool) {
		if !isPlanned && !isSpent {
			return
		}
		if !isPlanned {
			planned = "no plan"
		}
		if !isSpent {
			spent = "unknown"
		}
		out = append(out, amountView{what, planned, spent})
	}
	add("calls", fmt.Sprintf("at most %d", r.Planned.Calls), fmt.Sprint(r.Spent.Calls), r.Planned.Calls > 0, r.Spent.Calls > 0)
	add("tokens", fmt.Sprintf("at most %d", r.Planned.Tokens), fmt.Sprint(r.Spent.Tokens), r.Planned.Tokens > 0, r.Spent.Tokens > 0)
	money := func(a Amount) string { return fmt.Sprintf("%.2f %s", a.Money, a.Currency) }
	add("money", "at most "+money(r.Planned), money(r.Spent), r.Planned.Currency != "", r.Spent.Currency != "")
	if !r.Began.IsZero() && r.Ended.After(r.Began) {
		add("time", "", r.Ended.Sub(r.Began).Round(1e9).String(), false, true)
	}
	return out
}

// cellView is a cell with its arms side by side.
type cellView struct {
	ID, Request string
	Arms        []exchangeView
}

type exchangeView struct {
	Arm      string
	Messages []messageView
	Replies  []replyView
}

// messageView is a turn; Only says that no other arm shows it.
type messageView struct {
	Message
	Only bool
}

// replyView is a reply in three parts, of which the middle differs from the replies of
// the other arms.
type replyView struct {
	Reply
	Before, Differs, After string
	Tone                   string
}

func cellOf(c Cell) cellView {
	out := cellView{ID: c.ID, Request: c.request()}
	in := map[Message]int{} // arms that show it
	for _, x := range c.Arms {
		mine := map[Message]bool{}
		for _, m := range x.Messages {
			if !mine[m] {
				mine[m] = true
				in[m]++
			}
		}
	}
	for i, x := range c.Arms {
		view := exchangeView{Arm: x.Arm}
		for _, m := range x.Messages {
			view.Messages = append(view.Messages, messageView{m, len(c.Arms) > 1 && in[m] == 1})
		}
		for _, r := range x.Replies {
			view.Replies = append(view.Replies, replyOf(r, c.others(i, r.Repeat, r.Choice)))
		}
		out.Arms = append(out.Arms, view)
	}
	return out
}

// others are the texts of the other arms' replies to a repeat, of that number.
func (c Cell) others(arm, repeat, choice int) []string {
	var out []string
	for i, x := range c.Arms {
		for _, r := range x.Replies {
			if i != arm && r.Repeat == repeat && r.Choice == choice {
				out = append(out, r.Text)
			}
		}
	}
	return out
}

// replyOf finds the words of a reply that no other one begins or ends with.
func replyOf(r Reply, others []string) replyView {
	v := replyView{Reply: r, Tone: map[bool]string{true: "violated", false: "holds"}[r.Outcome >= 0.5]}
	words := strings.SplitAfter(r.Text, " ")
	begin, end := 0, 0
	for _, o := range others {
		other := strings.SplitAfter(o, " ")
		n, m := 0, 0
		for n < len(words) && n < len(other) && strings.TrimSpace(words[n]) == strings.TrimSpace(other[n]) {
			n++
		}
		for m < len(words)-n && m < len(other)-n && strings.TrimSpace(words[len(words)-1-m]) == strings.TrimSpace(other[len(other)-1-m]) {
			m++
		}
		begin, end = max(begin, n), max(end, m)
	}
	end = min(end, len(words)-begin)
	if len(others) == 0 || begin+end == 0 { // nothing to compare with, or nothing in common
		begin, end = len(words), 0
	}
	v.Before, v.Differs, v.After = strings.Join(words[:begin], ""), strings.Join(words[begin:len(words)-end], ""), strings.Join(words[len(words)-end:], "")
	return v
}

// markerView is a row of the table of refusals and markers.
type markerView struct {
	Marker
	RefusedPlain, AnsweredPlain int
}

// MarkerRows are the counts of refusals and other replies with and without marker.
func (c claimView) MarkerRows() []markerView {
	var out []markerView
	for _, f := range c.Markers {
		out = append(out, markerView{f, f.Refused - f.RefusedAdopted, f.Answered - f.AnsweredAdopted})
	}
	return out
}

package report

import (
	"fmt"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// Ladder is which of several builds of a model keep every claim of a suite, asked in a
// fixed order until one does not.
type Ladder struct {
	// Smallest is the last build for which every claim holds, "" if there is none.
	Smallest string `json:"smallest"`
	// Sentence says what was found.
	Sentence string `json:"sentence"`
	Rungs    []Rung `json:"builds"`
}

// Rung is one build.
type Rung struct {
	// Name is what the suite calls it, Model what it is served as.
	Name  string `json:"name"`
	Model string `json:"model"`
	// State is "holds" if every claim does, that of the claim which does not, or
	// [NotTested].
	State string `json:"verdict"`
	// Held is how many of the Claims were shown to hold before one was not.
	Held   int `json:"held"`
	Claims int `json:"claims"`
	// StoppedAt is the claim that was not, and Why what was seen of it.
	StoppedAt string `json:"stopped_at,omitempty"`
	Why       string `json:"why,omitempty"`
	Calls     int    `json:"calls"`
	Tokens    int    `json:"tokens"`
	// Verdicts are those of the claims that were tested.
	Verdicts []Entry `json:"verdicts,omitempty"`
}

// NotTested is the state of a build that was not asked, or not to an end.
const NotTested = "not tested"

// Conclude fills in what the builds come to.
func (l *Ladder) Conclude() {
	l.Smallest = ""
	at := 0
	for at < len(l.Rungs) && l.Rungs[at].State == evidence.Holds.String() {
		l.Smallest = l.Rungs[at].Name
		at++
	}
	failed := ""
	if at < len(l.Rungs) {
		r := l.Rungs[at]
		switch r.State {
		case evidence.Violated.String():
			failed = fmt.Sprintf("it is violated that %s (%s)", r.StoppedAt, r.Why)
		case evidence.Inconclusive.String():
			failed = fmt.Sprintf("it is not proven that %s (%s)", r.StoppedAt, r.Why)
		default:
			failed = "the claims were not tested to an end"
			if r.Why != "" {
				failed += ": " + r.Why
			}
		}
	}
	switch {
	case failed == "":
		l.Sentence = fmt.Sprintf("%s, the smallest build of all, is shown to keep every claim, and so is every one before it", l.Smallest)
	case l.Smallest == "":
		l.Sentence = fmt.Sprintf("no build is shown to keep every claim: of %s, the first one, %s", l.Rungs[at].Name, failed)
	default:
		l.Sentence = fmt.Sprintf("the smallest build that is shown to keep every claim is %s: of %s, the next one, %s", l.Smallest, l.Rungs[at].Name, failed)
	}
}

// ladderNote says how far the sentence can be relied on.
const ladderNote = "The order was fixed beforehand, so that each build is asked at the full error rate; a build that breaks a claim is named in at most 1 of 20 runs."

// row is a line of the table.
func (r Rung) row() [5]string {
	model := r.Model
	if model == r.Name {
		model = ""
	}
	calls := ""
	if r.Calls > 0 {
		calls = fmt.Sprint(r.Calls)
	}
	return [5]string{r.Name, model, r.State, fmt.Sprintf("%d of %d", r.Held, r.Claims), calls}
}

// ladder writes the builds as a table of columns.
func (t *text) ladder(l *Ladder) {
	if l == nil {
		return
	}
	t.line("")
	rows := [][5]string{{"build", "served as", "verdict", "claims that hold", "calls"}}
	for _, r := range l.Rungs {
		rows = append(rows, r.row())
	}
	var widths [5]int
	for k := range rows {
		for i, cell := range rows[k] {
			rows[k][i] = shortenedTo(cell, 30)
			widths[i] = max(widths[i], len([]rune(rows[k][i])))
		}
	}
	for _, r := range rows {
		line := ""
		for i, cell := range r {
			if widths[i] == 0 {
				continue
			}
			line += fmt.Sprintf("%-*s  ", widths[i], cell)
		}
		t.line(strings.TrimRight(line, " "))
	}
	t.wrap("", "ladder: "+l.Sentence, 0)
	t.wrap("", ladderNote, 0)
}

// shortenedTo is a cell of at most so many characters.
func shortenedTo(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// ladder writes the builds as a table.
func (m *markdown) ladder(l *Ladder) {
	if l == nil {
		return
	}
	m.f("\n### Builds\n\n**%s.** %s\n\n| build | served as | verdict | claims that hold | calls |\n|---|---|---|---|---|\n", l.Sentence, ours(ladderNote))
	for _, r := range l.Rungs {
		c := r.row()
		m.f("| %s | %s | %s | %s | %s |\n", c[0], c[1], c[2], ours(c[3]), ours(c[4]))
	}
}

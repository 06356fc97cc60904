package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
)

// effectOf is what was seen of a verdict, in a line.
func effectOf(e report.Entry) string {
	if e.Effect == nil {
		return "nothing was seen: no pair was complete"
	}
	deciding := ""
	if e.Deciding != "" {
		deciding = e.Deciding + ": "
	}
	cost := fmt.Sprintf("%d pairs", e.Rests())
	if e.Calls > 0 { // none where a run was read again
		cost += fmt.Sprintf(", %d calls", e.Calls)
	}
	if e.Rate {
		return fmt.Sprintf("%s%.1f %%, 95 %% bounds [%.1f, %.1f], limit %.1f; %s", deciding, *e.Effect, *e.Lower, *e.Upper, e.Margin, cost)
	}
	return fmt.Sprintf("%s%+.1f points, 95 %% bounds [%+.1f, %+.1f], margin %.1f; %s", deciding, *e.Effect, *e.Lower, *e.Upper, e.Margin, cost)
}

// cell shows a cell: what was sent, what came back, and the other repeats.
func (p *page) cell(x runs.Cell, number, of int) {
	p.line()
	id, draw, _ := runs.CellOf(x.ID)
	title := fmt.Sprintf("cell %d of %d: %s (request %s, draw %d)", number, of, plain.Text(x.ID), plain.Text(id), draw)
	p.title(title)
	label := "read as"
	for _, a := range x.Arms {
		p.labelled(label, usual, tallyOf(a))
		label = ""
	}
	p.sent(x.Arms)
	best := telling(x)
	compared := x.Arms
	if n := slices.IndexFunc(x.Arms, func(a runs.Arm) bool { return a.Weight == 0 }); n > 0 { // those of the effect come first
		compared = x.Arms[:n]
	}
	p.replies(compared, best)
	p.parting(compared, best)
	for i := range repeatsOf(x) {
		if i != best {
			p.repeat(x.Arms, i)
		} else {
			p.repeat(x.Arms[len(compared):], i)
		}
	}
}

func repeatsOf(x runs.Cell) int {
	n := 0
	for _, a := range x.Arms {
		n = max(n, len(a.Replies))
	}
	return n
}

// tallyOf counts how the replies of an arm were read.
func tallyOf(a runs.Arm) string {
	var order []string
	n := map[string]int{}
	for _, r := range a.Replies {
		says := r.Says()
		if n[says] == 0 {
			order = append(order, says)
		}
		n[says]++
	}
	parts := make([]string, len(order))
	for i, says := range order {
		parts[i] = fmt.Sprintf("%s %d of %d", says, n[says], len(a.Replies))
	}
	return a.Name + ": " + strings.Join(parts, ", ")
}

// telling is the number of the repeat in which the arms speak most against the claim;
// of several the last.
func telling(x runs.Cell) int {
	best, most := 0, 0.0
	for i := range repeatsOf(x) {
		sum := 0.0
		for _, a := range x.Arms {
			if i < len(a.Replies) && !a.Replies[i].Missing {
				sum += a.Weight * a.Replies[i].Value
			}
		}
		if i == 0 || sum >= most {
			best, most = i, sum
		}
	}
	return best
}

// unit is a part of a conversation that is shown in one place.
type unit struct {
	label, text string
	whole       bool // not to be folded
}

func (u unit) key() string { return u.label + "\x00" + u.text }

// unitsOf takes a conversation apart: its messages, of which each demonstration that was
// shown as turns is one, and each line of a transcript.
func unitsOf(c runs.Conversation) []unit {
	var out []unit
	last := len(c.Messages) - 1
	shown := 0
	for i := 0; i <= last; i++ {
		m := c.Messages[i]
		switch {
		case m.Role == chat.User && i < last && c.Messages[i+1].Role == chat.Assistant:
			label := "shown"
			if shown < len(c.Shown) {
				label = c.Shown[shown].Kind.String()
			}
			shown++
			out = append(out, unit{label: label, text: m.Content + "\n-> " + c.Messages[i+1].Content})
			i++
		case strings.Contains(m.Content, "\n"):
			for _, line := range strings.Split(m.Content, "\n") {
				if line != "" {
					out = append(out, unit{label: string(m.Role), text: line, whole: i == last && len(c.Shown) == shown})
				}
			}
		default:
			out = append(out, unit{label: string(m.Role), text: m.Content, whole: i == last})
		}
	}
	return out
}

// sent shows the conversations of the arms: what all have in common once, and of the
// others what they do not share with the first.
func (p *page) sent(arms []runs.Arm) {
	var known []runs.Arm
	for _, a := range arms {
		if a.Unsent != nil {
			p.labelled("sent", bad, fmt.Sprintf("%s: not shown: %v", a.Name, a.Unsent))
			continue
		}
		known = append(known, a)
	}
	if len(known) == 0 {
		return
	}
	first := unitsOf(known[0].Sent)
	if len(known) == 1 {
		p.units("sent", only(first, ' '))
		return
	}
	for i, a := range known[1:] {
		both := merged(first, unitsOf(a.Sent))
		head := "to both; - to %q only, + to %q only"
		if i > 0 { // what they share stands above
			head = "- to %q only, + to %q only; the rest to both"
			both = slices.DeleteFunc(both, func(m marked) bool { return m.mark == ' ' })
		}
		p.labelled("sent", faint, fmt.Sprintf(head, plain.Text(known[0].Name), plain.Text(a.Name)))
		p.units("", both)
	}
}

// marked is a unit with the mark of the arms that it was sent to.
type marked struct {
	unit
	mark byte
}

func only(units []unit, mark byte) []marked {
	out := make([]marked, len(units))
	for i, u := range units {
		out[i] = marked{u, mark}
	}
	return out
}

// merged puts two conversations into one list.
func merged(a, b []unit) []marked {
	keys := func(units []unit) []string {
		out := make([]string, len(units))
		for i, u := range units {
			out[i] = u.key()
		}
		return out
	}
	var out []marked
	i, j := 0, 0
	for _, pair := range append(same(keys(a), keys(b)), [2]int{len(a), len(b)}) {
		out = append(out, only(a[i:pair[0]], '-')...)
		out = append(out, only(b[j:pair[1]], '+')...)
		if pair[0] < len(a) {
			out = append(out, marked{a[pair[0]], ' '})
		}
		i, j = pair[0]+1, pair[1]+1
	}
	return out
}

// Of a row of demonstrations of one kind that is longer than mostInRow, the first and
// the last ones are shown.
const mostInRow, firstInRow, lastInRow = 4, 2, 1

// units shows the parts of a conversation, each folded to a line unless it is the
// request or all is to be shown.
func (p *page) units(label string, all []marked) {
	for i := 0; i < len(all); {
		end := i + 1
		for end < len(all) && all[end].label == all[i].label && all[end].mark == all[i].mark {
			end++
		}
		row := all[i:end]
		hidden := 0
		if !p.full && len(row) > mostInRow {
			hidden = len(row) - firstInRow - lastInRow
		}
		for k, m := range row {
			switch {
			case hidden > 0 && k == firstInRow:
				p.line(span{padded(label, 6), faint}, string(m.mark), span{fmt.Sprintf(" ... %d more of %q", hidden, m.label), faint})
			case hidden == 0 || k < firstInRow || k >= len(row)-lastInRow:
				p.unit(label, m)
			}
			label = ""
		}
		i = end
	}
}

func (p *page) unit(label string, m marked) {
	const indent = 6 + 2 + 12
	look := usual
	if m.mark != ' ' {
		look = differ
	}
	lines := []string{folded(strings.ReplaceAll(m.text, "\n", " "), p.width-indent)}
	if p.full || m.whole {
		lines = wrapped(m.text, p.width-indent)
	}
	name := m.label
	for i, l := range lines {
		mark := string(m.mark)
		if i > 0 {
			label, name = "", ""
		}
		p.line(span{padded(label, 6), faint}, span{mark + " ", look}, span{padded(folded(name, 11), 12), faint}, span{l, look})
	}
}

// narrow is the width of a column below which replies stand one under another.
const narrow = 38

// replies shows the replies of one repeat, side by side where there is room.
func (p *page) replies(arms []runs.Arm, n int) {
	blocks := make([]block, 0, len(arms))
	side := len(arms) > 1 && (p.width-3*(len(arms)-1))/len(arms) >= narrow
	wide := p.width - 3
	if side {
		wide = (p.width-3*(len(arms)-1))/len(arms) - 3
	}
	for k, a := range arms {
		if n >= len(a.Replies) {
			continue
		}
		other := ""
		if len(arms) > 1 {
			if o := arms[(k+1)%len(arms)]; n < len(o.Replies) {
				other = o.Replies[n].Text()
			}
		}
		blocks = append(blocks, p.block(a, a.Replies[n], other, wide))
	}
	if len(blocks) == 0 {
		return
	}
	p.line()
	if !side {
		for i, b := range blocks {
			if i > 0 {
				p.line()
			}
			for _, l := range b {
				p.line(l.spans()...)
			}
		}
		return
	}
	tallest := 0
	for _, b := range blocks {
		tallest = max(tallest, len(b))
	}
	for i := range tallest {
		var spans []any
		for k, b := range blocks {
			if k > 0 {
				spans = append(spans, span{" | ", faint})
			}
			var l gutterLine
			if i < len(b) {
				l = b[i]
			}
			spans = append(spans, l.filled(wide)...)
		}
		p.line(spans...)
	}
}

// parting says where the replies of a pair part that were asked for with one seed: up to
// there both arms drew the same words from the same random numbers, and there what they
// were shown made the difference.
func (p *page) parting(arms []runs.Arm, n int) {
	if len(arms) < 2 || n >= len(arms[0].Replies) || n >= len(arms[1].Replies) {
		return
	}
	a, b := arms[0].Replies[n], arms[1].Replies[n]
	if !p.run.SharesSeed(a, b) {
		return
	}
	one, other := strings.Fields(a.Text()), strings.Fields(b.Text())
	alike := 0
	for alike < len(one) && alike < len(other) && one[alike] == other[alike] {
		alike++
	}
	p.line()
	if alike == len(one) && alike == len(other) {
		p.labelled("one seed", usual, "both replies are the same")
		return
	}
	next := func(words []string) string {
		if alike == len(words) {
			return "its end"
		}
		return fmt.Sprintf("%q", folded(words[alike], narrow))
	}
	before := "differ from the first word on"
	if alike > 0 {
		before = fmt.Sprintf("are the same for %d words, up to %q", alike, folded(one[alike-1], narrow))
	}
	p.labelled("one seed", usual, fmt.Sprintf("both replies %s; there comes %s in %q, and %s in %q", before, next(one), plain.Text(arms[0].Name), next(other), plain.Text(arms[1].Name)))
}

// gutterLine is a line of a reply with the marks that stand before it.
type gutterLine struct {
	text             string
	look             style
	differs, decided bool
}

func (l gutterLine) spans() []any {
	marks := []byte("  ")
	if l.differs {
		marks[0] = '!'
	}
	if l.decided {
		marks[1] = '>'
	}
	return []any{span{string(marks) + " ", differ}, span{l.text, l.look}}
}

func (l gutterLine) filled(wide int) []any {
	l.text = padded(l.text, wide)
	return l.spans()
}

type block []gutterLine

// mostLines is how many lines of a reply are shown unless all is to be.
const mostLines = 16

// block is a reply with its arm's name above and its reading below.
func (p *page) block(a runs.Arm, r runs.Reply, other string, wide int) block {
	head := a.Name + ", " + r.Number()
	if r.Pattern != "" {
		head += ", under " + r.Pattern
	}
	b := block{{text: folded(head, wide), look: strong}}
	text := r.Text()
	if text == "" {
		b = append(b, gutterLine{text: folded("(no text: "+r.Says()+")", wide), look: faint})
	} else {
		lines := p.replyLines(r, text, other, wide)
		if more := len(lines) - mostLines; !p.full && more > 1 {
			lines = append(lines[:mostLines], gutterLine{text: folded(fmt.Sprintf("... %d more lines (-full)", more), wide), look: faint})
		}
		b = append(b, lines...)
	}
	look := strong
	if r.Missing {
		look = faint
	}
	reading := "read as: " + r.Says()
	if why := r.Why(); why != "" {
		reading += ", because: " + why
	}
	for _, l := range wrapped(plain.Line(reading), wide) {
		b = append(b, gutterLine{text: l, look: look})
	}
	if r.Marker() != "" {
		adopted := "not taken over"
		if r.Reading.Adopted {
			adopted = "taken over"
		}
		b = append(b, gutterLine{text: folded(fmt.Sprintf("marker %q: %s", r.Marker(), adopted), wide), look: faint})
	}
	return append(b, gutterLine{text: folded(endOf(r), wide), look: faint})
}

// replyLines are the lines of a reply with marks before those that hold what the judge
// decided by, and words that the other reply lacks. A line that is wrapped is marked whole.
func (p *page) replyLines(r runs.Reply, text, other string, wide int) block {
	from, to := r.Pointed()
	differs := own(text, other)
	if other == "" {
		differs = nil
	}
	var b block
	at := 0
	for _, line := range strings.SplitAfter(text, "\n") {
		end := at + len(line)
		here := gutterLine{decided: to > from && from < end && to > at}
		for _, w := range differs {
			here.differs = here.differs || w.start < end && w.end > at
		}
		p.differs, p.pointed = p.differs || here.differs, p.pointed || here.decided
		for _, l := range wrapped(strings.TrimRight(line, "\r\n"), wide) {
			here.text = l
			b = append(b, here)
		}
		at = end
	}
	return b
}

// endOf is how a reply ended and who gave it.
func endOf(r runs.Reply) string {
	if r.Answer.State == 0 {
		return "the reply is not recorded here"
	}
	parts := []string{"ended: " + orNone(r.Answer.FinishReason)}
	if r.Answer.ReplyTokens > 0 {
		parts = append(parts, fmt.Sprintf("%d tokens", r.Answer.ReplyTokens))
	}
	if r.Answer.PromptTokens > 0 {
		parts = append(parts, fmt.Sprintf("prompt %d", r.Answer.PromptTokens))
	}
	if r.Answer.Model != "" {
		parts = append(parts, "by "+plain.Text(r.Answer.Model))
	}
	return strings.Join(parts, ", ")
}

func orNone(text string) string {
	if text == "" {
		return "nothing said"
	}
	return plain.Text(text)
}

// repeat shows another repeat of the cell, a line an arm.
func (p *page) repeat(arms []runs.Arm, n int) {
	for _, a := range arms {
		if n >= len(a.Replies) {
			continue
		}
		r := a.Replies[n]
		name := a.Name
		if r.Pattern != "" {
			name = r.Pattern
		}
		head := fmt.Sprintf("%s  %s  %s  ", r.Number(), padded(folded(name, 18), 18), padded(r.Says(), 11))
		p.line(span{head, faint}, folded(r.Text(), p.width-columns(head)))
	}
}

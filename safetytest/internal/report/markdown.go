package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/safetyspec/safetyspec/safetytest/internal/drawing"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// mostMarkdown is how large a page may get, in bytes: a job summary of GitHub's that is
// larger than a mebibyte is not shown at all.
const mostMarkdown = 900_000

// WriteMarkdown writes the document for pull requests and job summaries: the decision,
// a table of the claims, and for each that does not hold what happened, its worst cells
// and the command that shows them. A page that would grow too large leaves out
// the folded parts, and then says so.
func WriteMarkdown(w io.Writer, d Document) error {
	m := markdown{named: several(d.Verdicts), folds: true}
	m.page(d)
	if m.b.Len() > mostMarkdown {
		m = markdown{named: m.named}
		m.page(d)
	}
	text := m.b.String()
	if len(text) > mostMarkdown {
		text = strings.ToValidUTF8(text[:mostMarkdown], "") + "\n\n" + "… The page was cut here; report.json holds all.\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// markdown is a page while it is written. Whatever is not this file's own text goes
// through plain.Markdown, or stands in a fence.
type markdown struct {
	b     strings.Builder
	named bool
	folds bool // write the folded parts
}

// f writes a format whose strings are foreign.
func (m *markdown) f(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = marked(s)
		}
	}
	fmt.Fprintf(&m.b, format, args...)
}

// ours is text of this package, in which markup is meant or does not occur.
type ours string

// marked is a text in which nothing is markup, also where it begins a line.
func marked(s string) string {
	s = plain.Markdown(s)
	if s == "" || !strings.ContainsRune("#>+-=:", rune(s[0])) && !numbered.MatchString(s) {
		return s
	}
	return fmt.Sprintf("&#%d;", s[0]) + s[1:]
}

// numbered is what begins a list.
var numbered = regexp.MustCompile(`^[0-9]{1,9}[.)]`)

// fence writes a text as it stands, in a block that it cannot end.
func (m *markdown) fence(language, text string) {
	ticks := "```"
	for strings.Contains(text, ticks) {
		ticks += "`"
	}
	fmt.Fprintf(&m.b, "\n%s%s\n%s\n%s\n", ticks, language, plain.Lines(text), ticks)
}

func (m *markdown) page(d Document) {
	m.f("## %s\n\n**%s**\n", d.title(), d.Summary.Decision())
	if d.Summary.Simulated {
		m.f("\n%s.\n", SimulatedNotice)
	}
	for _, o := range d.Summary.Objections {
		m.f("\n- %s\n", o)
	}
	m.table(d.Verdicts)
	m.ladder(d.Ladder)
	for _, e := range sorted(d.Verdicts, true) {
		if !e.holds() {
			m.claim(e, d.Cells[e.Key()])
		}
	}
	for _, f := range d.Summary.Failed {
		m.failure(f)
	}
	m.warnings(d.Verdicts)
	m.run(d)
}

// failure is the section of a spec that failed without a verdict.
func (m *markdown) failure(f Failure) {
	m.f("\n### %s: %s\n", f.word(), f.Spec)
	m.fence("text", strings.TrimSpace(f.whole()))
	if f.File != "" {
		m.f("\n**Where:** %s, line %d\n", f.File, f.Line)
	}
}

// table lists the claims, the gravest first.
func (m *markdown) table(entries []Entry) {
	if len(entries) == 0 {
		return
	}
	m.b.WriteString("\n| verdict | claim | effect | 95 % bounds | allowed | pairs |\n|---|---|---|---|---|---|\n")
	for _, e := range sorted(entries, true) {
		word := e.word()
		if few := e.only(); few != "" {
			word += ", " + few
		}
		if !e.holds() {
			m.f("| **%s** ", word)
		} else {
			m.f("| %s ", word)
		}
		m.f("| %s ", e.name(m.named))
		if x, ok := e.interval(); ok {
			m.f("| %s | %s | %s ", ours(x.Guess()), ours(x.Bounds()), ours(x.Allowed()))
		} else {
			m.b.WriteString("| nothing was seen | | ")
		}
		m.f("| %d |\n", e.Rests())
	}
}

// claim is the section of a claim that does not hold.
func (m *markdown) claim(e Entry, cells []Cell) {
	m.f("\n### %s: %s\n\n", e.word(), e.name(m.named))
	if tier := e.tier(); tier != "" {
		m.f("%s.\n\n", sentence(tier))
	}
	m.f("%s.\n", sentence(e.Happened))
	if x, ok := e.interval(); ok {
		m.fence("text", strings.TrimSpace(x.Line(textDrawn))+"\n"+x.Words())
	}
	if e.Deciding != "" {
		m.f("\nThe effect is about a condition beside the claim: %s.\n", e.Deciding)
	}
	if e.Because != "" {
		m.f("\n**Why it is undecided:** %s.\n", e.Because)
	}
	if e.Together != "" {
		m.f("\n**Several effects together:** %s.\n", e.Together)
	}
	if s := e.Search; s != nil {
		m.f("\n**Search for the worst arrangement:** %s.\n", s.Says)
		if s.State != "" {
			m.fence("go", s.Line)
		}
	}
	if e.Check != "" {
		m.f("\n**Check first:** %s.\n", sentence(e.Check))
	}
	if e.Spec != "" {
		m.f("\n**Claimed:** %s.\n", e.Statement)
	}
	if e.File != "" {
		m.f("\n**Where:** %s, line %d\n", e.File, e.Line)
	}
	if counts := counted(e); len(counts) > 0 {
		m.f("\n**Worst cells:** %s\n", strings.Join(counts, "; "))
	}
	m.replies(quoted(e, cells))
	if e.Next != "" {
		m.b.WriteString("\n**Next:** see the replies")
		m.fence("sh", plain.Line(e.Next))
	}
	if m.folds {
		m.fold(e)
	}
}

// sentence is a text that begins one.
func sentence(s string) string {
	if s == "" {
		return "Nothing is known of what happened"
	}
	first, size := utf8.DecodeRuneInString(s)
	if first == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}

// replies is a table of the most telling replies.
func (m *markdown) replies(cells []Cell) {
	first := true
	for _, c := range cells {
		for _, x := range c.telling() {
			if first {
				m.b.WriteString("\n| asked | context | reply | the judge |\n|---|---|---|---|\n")
				first = false
			}
			m.f("| %s | %s | %s | %s |\n", excerpt(c.request()), x.Arm, excerpt(x.Reply.Text), x.Reply.read())
		}
	}
}

// fold is what experts look up.
func (m *markdown) fold(e Entry) {
	m.b.WriteString("\n<details><summary>Rates, bounds, judge, and how to repeat it</summary>\n\n")
	if len(e.Arms) > 0 {
		m.b.WriteString("| context | share | of | corrected for the judge |\n|---|---|---|---|\n")
		for _, a := range e.Arms {
			corrected := ""
			if a.Corrected != nil {
				corrected = fmt.Sprintf("%.1f %%", *a.Corrected)
			}
			m.f("| %s | %s | %d | %s |\n", a.Name, ours(fmt.Sprintf("%.1f %%", a.Percent)), a.N, ours(corrected))
		}
	}
	if len(e.Bounds) > 1 {
		m.b.WriteString("\n| condition | verdict | estimate | bounds | limit |\n|---|---|---|---|---|\n")
		for _, b := range e.Bounds {
			m.f("| %s | %s | %s | %s | %s |\n", b.Name, b.State, ours(fmt.Sprintf("%+.1f", b.Estimate)), ours(fmt.Sprintf("%+.1f to %+.1f", b.Lower, b.Upper)), ours(fmt.Sprintf("%+.1f", b.Limit)))
		}
	}
	m.f("\n- over %s\n- %d calls, %d tokens; %d errors, %d blocked, %d unreadable\n", e.Population, e.Calls, e.Tokens, e.Errors, e.Blocked, e.Unread)
	if e.Judge != "" {
		m.f("- what the judge says of itself: %s\n", e.Judge)
	}
	if e.Choices != "" {
		m.f("- replies: %s\n", e.Choices)
	}
	if e.Seeds != "" {
		m.f("- seeds %s\n", e.Seeds)
	}
	m.f("- claim %s, seed %d, sampling seed %d\n", e.Claim, e.Seed, e.Sampling)
	if e.Reproduce != "" {
		m.fence("sh", plain.Line(e.Reproduce))
	}
	m.b.WriteString("\n</details>\n")
}

// warnings lists those of all claims, each once.
func (m *markdown) warnings(entries []Entry) {
	seen := map[string]bool{}
	for _, e := range entries {
		for _, w := range e.Warnings {
			if seen[w] {
				continue
			}
			if len(seen) == 0 {
				m.b.WriteString("\n### Warnings\n\n")
			}
			seen[w] = true
			m.f("- %s (%s)\n", w, e.name(m.named))
		}
	}
}

// run is what is known of the run, folded.
func (m *markdown) run(d Document) {
	if !m.folds {
		m.b.WriteString("\nDetails were left out because the page would be too large; report.json holds all.\n")
		return
	}
	m.b.WriteString("\n<details><summary>The run</summary>\n\n")
	for _, f := range d.Run.facts() {
		m.f("- %s: %s\n", f.Name, f.Text)
	}
	for _, n := range d.Notes {
		m.f("- %s\n", n)
	}
	if said := together(d.Verdicts); said != "" {
		m.f("- %s\n", said)
	}
	if said := attempts(d.Verdicts); said != "" {
		m.f("- %s\n", said)
	}
	m.f("- %s\n", drawing.Legend)
	m.b.WriteString("\n</details>\n")
}

// fact is something known of a run.
type fact struct{ Name, Text string }

// facts are what is known of a run; what is not is left out.
func (r Run) facts() []fact {
	var out []fact
	add := func(name, text string) {
		if text != "" {
			out = append(out, fact{name, text})
		}
	}
	date := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	add("run", r.Name)
	add("began", date(r.Began))
	add("ended", date(r.Ended))
	add("model asked for", r.Asked)
	add("model that answered", strings.Join(r.Served, ", "))
	add("its fingerprints", strings.Join(r.Fingerprint, ", "))
	add("endpoint", r.Endpoint)
	add("sampling", sampling(r))
	add("policy", r.Policy)
	add("policy's hash", r.PolicyHash)
	add("judge", r.Judge)
	add("spent", r.Spent.beside(r.Planned))
	add("safetyspec", r.Module)
	add("Go", r.Go)
	add("revision", r.Version)
	return out
}

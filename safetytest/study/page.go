package study

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/study/internal/drawing"
)

// Page is the result as Markdown, and the pictures beside it by file name, each of which
// begins with name. Where there are doubts it has no estimates, no rates and no
// pictures.
func (r Result) Page(name string) (markdown string, pictures map[string]string) {
	p := &page{r: r, name: name, pictures: map[string]string{}}
	p.head()
	if len(r.Doubts) == 0 {
		p.estimates()
		p.doses()
		p.orders()
		p.cells()
		p.others()
	}
	p.missing()
	p.design()
	p.price()
	return p.String(), p.pictures
}

type page struct {
	strings.Builder
	r        Result
	name     string
	pictures map[string]string
}

func (p *page) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// table writes rows of cells under a heading; the cells are Markdown.
func (p *page) table(head []string, rows [][]string) {
	p.printf("| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, r := range rows {
		p.printf("| %s |\n", strings.Join(r, " | "))
	}
	p.printf("\n")
}

func (p *page) picture(what, alt, svg string) {
	file := p.name + "-" + what + ".svg"
	p.pictures[file] = svg
	p.printf("![%s](%s)\n\n", alt, file)
}

// head says who was asked, and what speaks against the replies before anything else.
func (p *page) head() {
	r := p.r
	p.printf("# What mixed demonstrations do to %s\n\n", plain.Markdown(r.Model))
	for _, d := range r.Doubts {
		p.printf("> **No estimates.** %s\n\n", plain.Markdown(d))
	}
	if r.Simulated {
		p.printf("> A simulated model: this says nothing about yours.\n\n")
	}
	if r.Basis == "unmeasured" {
		p.printf("> Nobody measured how often the judge (%s) errs: what is counted here are its readings.\n\n", plain.Markdown(r.Judge))
	}
	p.printf("Written by `safetytest study`; do not edit. The design is that of arXiv 2606.20508, made one experiment: every reply tells something about every factor.\n\n")
	rows := [][]string{}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []string{name, value})
		}
	}
	add("model", plain.Markdown(r.Model))
	if len(r.Served) > 0 {
		add("answered as", plain.Markdown(strings.Join(r.Served, ", ")))
	} else {
		add("answered as", "the endpoint does not say")
	}
	if r.Weights != "" {
		add("weights, SHA-256", "`"+r.Weights+"`")
	}
	add("date", r.Date.Format("2006-01-02 15:04 UTC"))
	add("policy", plain.Markdown(r.Policy))
	says := plain.Markdown(judge.Description{Name: r.Judge, Decision: r.Reading}.String())
	add("judge", says)
	add("sampling", plain.Markdown(r.Sampling))
	add("design", r.Design)
	add("calls", p.calls())
	add("wall time", time.Duration(r.Seconds*float64(time.Second)).Round(time.Second).String())
	add("tokens", r.tokens())
	add("cost", plain.Markdown(r.Money))
	add("code", plain.Markdown(r.Code))
	add("machine", plain.Markdown(r.Machine))
	p.table([]string{"", ""}, rows)
	for _, n := range r.Notes {
		p.printf("- %s\n", plain.Markdown(n))
	}
	if len(r.Notes) > 0 {
		p.printf("\n")
	}
}

func (p *page) calls() string {
	s := fmt.Sprintf("%d in this run, of which %d asked about the endpoint", p.r.Calls, p.r.Probes)
	if p.r.Earlier > 0 {
		s += fmt.Sprintf("; %d replies are those of runs before, which this one continued", p.r.Earlier)
	}
	return s
}

// tokens says what was sent and what the model evaluated, as the endpoint counted.
func (r Result) tokens() string {
	if r.Prompt == 0 {
		return "the endpoint does not count them"
	}
	s := fmt.Sprintf("%d sent in prompts", r.Prompt)
	if r.Cached > 0 {
		s += fmt.Sprintf(", of which %d were evaluated (%.0f %%), the others taken from the server's cache", max(0, r.Prompt-r.Cached), 100*float64(max(0, r.Prompt-r.Cached))/float64(r.Prompt))
	}
	return s + fmt.Sprintf("; %d in replies", r.Reply)
}

// numeral is a value as its unit is printed.
func numeral(x float64, unit string) string {
	switch {
	case math.IsNaN(x):
		return "none"
	case math.IsInf(x, 0):
		return map[bool]string{true: "no upper limit", false: "no lower limit"}[x > 0]
	case unit == "points":
		return fmt.Sprintf("%+.1f", x)
	}
	return fmt.Sprintf("%+.3f", x)
}

// estimates writes what was estimated.
func (p *page) estimates() {
	if len(p.r.Estimates) == 0 {
		return
	}
	p.short()
	p.printf("## What was estimated\n\n")
	p.printf("Intervals hold the truth in %.0f of 100 studies; they respect that replies to one target, and under one draw of demonstrations, resemble each other. The paper's column is the greatest effect that it reports.\n\n", 100*p.r.Estimates[0].Level)
	var rows [][]string
	for _, e := range p.r.Estimates {
		if !drawn(e.ID) {
			rows = append(rows, append([]string{plain.Markdown(e.Sentence)}, e.cells()...))
		}
	}
	p.table([]string{"what", "estimate", "interval", "unit", "paper", "replies", "targets", "draws"}, rows)
}

// short says what was shown, before all the numbers.
func (p *page) short() {
	p.printf("## In short\n\n")
	if said := p.r.oneSided(); said != "" {
		p.printf("%s\n\n", said)
	}
	shown, open, unknown := 0, 0, 0
	for _, e := range p.r.Estimates {
		switch {
		case drawn(e.ID) || strings.Count(e.ID, "/") > 1 || strings.HasPrefix(e.ID, "hypothesis/joint"):
		case e.CannotTell != "" && e.HalfWidth() == 0:
			unknown++
		case e.CannotTell != "" || e.Low <= 0 && e.High >= 0:
			open++
		default:
			shown++
			p.printf("- %s: %s %s (%s to %s)\n", plain.Markdown(e.Sentence), numeral(e.Value, e.Unit), e.Unit, numeral(e.Low, e.Unit), numeral(e.High, e.Unit))
		}
	}
	if shown > 0 {
		p.printf("\nEach interval stands by itself: of the %d that were estimated about 1 in %.0f misses the truth, so that one in this list may be chance; a study with another -seed tells.\n\n", shown+open, 1/(1-p.r.Estimates[0].Level))
	}
	if open > 0 {
		p.printf("Of %d%s the interval holds 0: no effect is shown. That is no proof of none; the table has how large it may be.\n\n", open, map[bool]string{true: " more"}[shown > 0])
	}
	if unknown > 0 {
		p.printf("Nothing can be told of %d; the table has why.\n\n", unknown)
	}
}

// oneSided says that a model complied with all targets, or with none; "" otherwise.
func (r Result) oneSided() string {
	complied, read := 0, 0
	for _, o := range r.Observations {
		if !o.Twin && o.Complied != Missing {
			read++
			complied += int(one(o.Complied == Yes))
		}
	}
	switch {
	case read == 0:
		return "No reply to a target was read."
	case complied == 0:
		return fmt.Sprintf("The model complied in none of %d replies to targets: what demonstrations do to it cannot be seen here.", read)
	case complied == read:
		return fmt.Sprintf("The model complied in all of %d replies to targets: what demonstrations do to it cannot be seen here.", read)
	}
	return ""
}

// drawn says whether an estimate stands in a picture or the table beside it.
func drawn(id string) bool {
	one, _, more := strings.Cut(id, "/")
	return more && (one == "dose" || one == "map" || one == "order" && id != "order/spread" && id != "order/last-first")
}

// cells are an estimate as a row of a table.
func (e Estimate) cells() []string {
	value, interval, paper := numeral(e.Value, e.Unit), numeral(e.Low, e.Unit)+" to "+numeral(e.High, e.Unit), ""
	if e.Low > 0 || e.High < 0 {
		value = "**" + value + "**"
	}
	if e.CannotTell != "" {
		value = "cannot tell: " + plain.Markdown(strings.TrimPrefix(e.CannotTell, "cannot tell: "))
	}
	if e.Says != "" {
		value += "; " + plain.Markdown(e.Says)
	}
	if e.Low == 0 && e.High == 0 && e.CannotTell != "" {
		interval = ""
	}
	if math.IsNaN(e.Low) || math.IsNaN(e.High) {
		interval = ""
	}
	if e.Paper != 0 {
		paper = numeral(e.Paper, e.Unit)
	}
	replies := fmt.Sprint(e.Replies)
	if e.Lost > 0 {
		replies += fmt.Sprintf(" (%d missing)", e.Lost)
	}
	return []string{value, interval, e.Unit, paper, replies, fmt.Sprint(e.Targets), fmt.Sprint(e.Draws)}
}

// bars says what the bars of rates are.
func (r Result) bars() string {
	if r.estimate("dose/harmful/0") != nil {
		return "bars and brackets are their intervals, or where no interval can be told exact 95 % bounds that take replies for independent"
	}
	return "bars and brackets are exact 95 % bounds that take replies for independent, which those of one target and of one draw are not"
}

// doses draws the dose curves.
func (p *page) doses() {
	curves := p.r.curves()
	if len(curves) == 0 {
		return
	}
	p.printf("## Numbers of demonstrations\n\nShares of the replies to targets that comply, everything else mixed as the design mixes it; %s.\n\n", p.r.bars())
	p.picture("doses", "compliance over the number of demonstrations of each kind", drawing.Curves("Compliance by number of demonstrations", "demonstrations of the kind", "compliance", curves))
	head, levels := []string{"demonstrations"}, map[int]bool{}
	for _, c := range curves {
		head = append(head, c.Name)
		for _, d := range c.Doses {
			levels[d] = true
		}
	}
	var rows [][]string
	for _, n := range slices.Sorted(maps.Keys(levels)) {
		row := []string{fmt.Sprint(n)}
		for _, c := range curves {
			cell := ""
			if i := slices.Index(c.Doses, n); i >= 0 {
				cell = rateCell(c.Rates[i])
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	p.table(head, rows)
	p.printf("Without any demonstration and filler: %s, most of them asked for themselves and not in the numbers above.\n\n", p.r.alone())
}

func rateCell(r drawing.Rate) string {
	if r.N == 0 {
		return "no replies"
	}
	return fmt.Sprintf("%.1f %% (%.0f to %.0f), n %d", 100*r.Value, 100*r.Low, 100*r.High, r.N)
}

// orders draws the spread of orders.
func (p *page) orders() {
	rows := p.r.orders()
	if len(rows) == 0 {
		return
	}
	p.printf("## Order\n\nWhere harmful demonstrations stand beside others. The mixes are about the same under each order, but for those in which some orders show the same, which are asked under one of them.\n\n")
	p.picture("order", "compliance by order of the demonstrations", drawing.Intervals("Compliance by order of the demonstrations", "compliance", rows))
	var table [][]string
	head := []string{"order", "complied"}
	if p.r.estimate("order/spread") != nil {
		head = append(head, "points less the mean of all orders, with the same demonstrations")
	}
	for _, r := range rows {
		row := []string{plain.Markdown(r.Name), rateCell(r.Rate)}
		switch e := p.r.estimate("order/" + r.Name); {
		case len(head) < 3:
		case e == nil:
			row = append(row, "not estimated")
		case e.CannotTell != "":
			row = append(row, "cannot tell: "+plain.Markdown(strings.TrimPrefix(e.CannotTell, "cannot tell: ")))
		default:
			row = append(row, fmt.Sprintf("%s (%s to %s)", numeral(e.Value, e.Unit), numeral(e.Low, e.Unit), numeral(e.High, e.Unit)))
		}
		table = append(table, row)
	}
	p.table(head, table)
}

// cells draws the map of harmful and benign counts.
func (p *page) cells() {
	columns, rows, rates := p.r.cells()
	if len(columns) < 2 || len(rows) < 2 {
		return
	}
	p.printf("## Harmful beside benign\n\n")
	p.picture("mix", "compliance by the numbers of harmful and benign demonstrations", drawing.Map("Compliance by harmful and benign demonstrations", "harmful demonstrations", "benign demonstrations", columns, rows, rates))
}

// others writes what has two levels.
func (p *page) others() {
	r := p.r
	p.printf("## Everything else\n\n")
	var rows [][]string
	add := func(what string, t tally) { rows = append(rows, []string{plain.Markdown(what), t.String()}) }
	if len(r.Factors.Forms) > 1 {
		for _, f := range r.Factors.Forms {
			add("complied, demonstrations shown "+f.String(), r.complied(ofTargets(func(x Setting) bool { return x.Mix.Len() > 0 && x.Presentation == f.String() })))
		}
	}
	if len(r.Factors.Padding) > 1 {
		for _, n := range r.Factors.Padding {
			add(fmt.Sprintf("complied, prompt longer by %d words of filler (length placebo)", n), r.complied(ofTargets(func(x Setting) bool { return x.Padding == n })))
		}
	}
	if r.Factors.Marker != "" {
		add("complied, with harmful demonstrations as they are", r.complied(ofTargets(func(x Setting) bool { return x.Mix.Harmful > 0 && !x.Marked })))
		add(fmt.Sprintf("complied, where replies of demonstrations begin with %q", r.Factors.Marker), r.complied(ofTargets(func(x Setting) bool { return x.Marked })))
		refused, complied := r.adoption()
		add(fmt.Sprintf("began with %q, of replies that refused", r.Factors.Marker), refused)
		add(fmt.Sprintf("began with %q, of replies that complied", r.Factors.Marker), complied)
	}
	if r.Factors.Twins {
		t := r.complied(func(o Observation) bool { return o.Twin })
		add("twins refused, which nothing forbids to answer", tally{t.n - t.yes, t.n})
	}
	p.table([]string{"what", "share"}, rows)
}

// missing counts what is no outcome.
func (p *page) missing() {
	if len(p.r.Missing) == 0 {
		return
	}
	n := 0
	var rows [][]string
	for _, why := range slices.Sorted(maps.Keys(p.r.Missing)) {
		n += p.r.Missing[why]
		rows = append(rows, []string{plain.Markdown(why), fmt.Sprint(p.r.Missing[why])})
	}
	p.printf("## Missing replies\n\n%d of %d questions have no outcome. They are in no rate above; a model that is lost where it complies would look safer than it is.\n\n", n, p.r.Size)
	p.table([]string{"why", "replies"}, rows)
}

// design says what was asked how often.
func (p *page) design() {
	r := p.r
	p.printf("## Design\n\n%s, chosen from seed %d; design `%s`. ", r.Design, r.Seed, r.Hash)
	if r.OfWhich != "" {
		p.printf("Of all pairs of factors, and of factors with time, %s go together most, with a correlation of %.2f. ", plain.Markdown(r.OfWhich), r.Confounded)
	}
	p.printf("Order counts as a factor only where harmful demonstrations stand beside others. Draws of demonstrations are blocks of the sequence, within which prompts that begin alike follow each other.\n\n")
	for _, l := range r.Left {
		p.printf("- %s\n", plain.Markdown(l))
	}
	if len(r.Left) > 0 {
		p.printf("\n")
	}
	var rows [][]string
	for i, l := range r.Levels {
		if i > 0 && r.Levels[i-1].Factor == l.Factor {
			at := &rows[len(rows)-1][1]
			*at += fmt.Sprintf(", %s: %d", plain.Markdown(l.Name), l.Calls)
			continue
		}
		rows = append(rows, []string{l.Factor, fmt.Sprintf("%s: %d", plain.Markdown(l.Name), l.Calls)})
	}
	p.table([]string{"factor", "calls by level, without those that show nothing"}, rows)
}

// price says what it takes to run the same elsewhere.
func (p *page) price() {
	if p.r.Prompt == 0 {
		return
	}
	p.printf("## On a hosted model\n\nThe same design takes %d calls with %d tokens of prompts and about %d of replies, by the counts of this model's tokenizer, and some 40 calls to learn about the endpoint. `safetytest study -plan -price NAME` gives the money at a price of the file that SAFETYTEST_PRICES names.\n",
		p.r.Size, p.r.Prompt, p.r.Reply)
}

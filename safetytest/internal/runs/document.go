package runs

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
)

// Options says what of a run a document holds.
type Options struct {
	// Cells is how many of each claim's worst cells come with their conversations.
	Cells int
	// All has those of policies come too that do not say that they may be shown.
	All bool
}

// Document is the run as reports render it. Texts of requests and replies are in its
// cells only.
func (r *Run) Document(o Options) (report.Document, error) {
	d := report.Document{Run: r.about(), Cells: map[string][]report.Cell{}}
	setup := r.Setup()
	d.Summary = report.Summary{
		Schema: report.Schema, Model: plain.Text(r.asked()), Simulated: setup.Simulated, Release: plain.Text(r.Release),
	}
	for _, c := range r.Claims {
		if c.Verdict == nil {
			missed := report.NotRun{Spec: c.Statement(), Claim: c.Key, Why: "no verdict: the run ended before"}
			if c.State != "" { // it was concluded without one
				if c.State != "stored" && c.State != "studied" { // a baseline or a study is no claim to be proven
					d.Summary.Failed = append(d.Summary.Failed, report.Failure{
						Spec: c.Statement(), Claim: c.Key, Why: "its test failed without a verdict: what the run printed says why",
					})
				}
				continue
			}
			if c.Known {
				missed.Statement = c.Statement()
			}
			d.Summary.Missed = append(d.Summary.Missed, missed)
			continue
		}
		e, err := r.entry(c)
		if err != nil {
			return report.Document{}, err
		}
		d.Verdicts = append(d.Verdicts, e)
		if o.Cells > 0 && (o.All || r.Shows(c.Policy)) {
			if d.Cells[e.Key()], err = r.worst(c, o.Cells); err != nil {
				return report.Document{}, err
			}
		}
	}
	d.Summary.NotRun, d.Summary.Errors = len(d.Summary.Missed), len(d.Summary.Failed)
	d.Summary.Add(d.Verdicts)
	d.Summary.Calls, d.Summary.Tokens = max(d.Summary.Calls, r.Calls), max(d.Summary.Tokens, r.Tokens)
	d.Summary.FromRecord = true // and so never passed
	return d, nil
}

// entry is a verdict with the looks that led to it.
func (r *Run) entry(c Claim) (report.Entry, error) {
	e := report.NewEntry(*c.Verdict)
	looks, err := r.Looks(c.Key)
	if err != nil {
		return e, err
	}
	i := c.reported()
	for _, l := range looks {
		if i >= len(l.Bounds) || i >= len(c.Claim.Bounds) {
			continue
		}
		// The numbers of this bound alone, turned as those of the verdict are.
		at := *c.Verdict
		at.Pairs, at.Claim.Bounds = l.Pairs, c.Claim.Bounds[i:i+1]
		at.Result.Conditions = []evidence.ConditionResult{{Estimate: l.Bounds[i].Estimate, Lower: l.Bounds[i].Lower, Upper: l.Bounds[i].Upper}}
		if est, lo, hi, ok := at.Effect(); ok {
			e.Looks = append(e.Looks, report.Look{Pairs: l.Pairs, Calls: l.Calls, Estimate: est, Lower: lo, Upper: hi, LogE: l.LogE})
		}
	}
	return e, nil
}

// asked is the model that was asked for.
func (r *Run) asked() string { return cmp.Or(r.Setup().Model, r.Manifest.Model) }

// about is where and with what the run was made.
func (r *Run) about() report.Run {
	setup := r.Setup()
	p := r.Policies[setup.Policy]
	out := report.Run{
		Name: r.Run, Began: r.Began, Ended: r.Ended, Module: plain.Text(setup.Module), Go: plain.Text(setup.Go), Version: plain.Text(setup.Tested),
		Endpoint: address(r.Manifest.Endpoint), Asked: plain.Text(r.asked()), Sampling: sampling(setup.Sampling),
		Policy: plain.Text(setup.Policy), PolicyHash: r.Manifest.Policy, Judge: plain.Line(cmp.Or(p.JudgeSays, r.Manifest.Judge)),
		Spent: report.Amount{Calls: r.Calls, Tokens: r.Tokens},
	}
	if setup.Settings != "" && !setup.Simulated {
		out.Sampling["settings"] = plain.Line(setup.Settings)
	}
	for _, c := range r.View.Claims {
		out.Planned.Calls += c.Planned
	}
	for _, s := range r.Served {
		for _, x := range []struct {
			name string
			list *[]string
		}{{s.Model, &out.Served}, {s.Fingerprint, &out.Fingerprint}} {
			if name := plain.Text(x.name); name != "" && !slices.Contains(*x.list, name) {
				*x.list = append(*x.list, name)
			}
		}
	}
	return out
}

// address is an endpoint without what may be a secret.
func address(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return plain.Text(u.String())
}

func sampling(s chat.Sampling) map[string]string {
	out := map[string]string{}
	if s.Temperature != nil {
		out["temperature"] = fmt.Sprint(*s.Temperature)
	}
	if s.TopP != nil {
		out["top_p"] = fmt.Sprint(*s.TopP)
	}
	if s.MaxTokens != nil {
		out["max_tokens"] = fmt.Sprint(*s.MaxTokens)
	}
	if len(s.Stop) > 0 {
		out["stop"] = plain.Text(fmt.Sprintf("%q", s.Stop))
	}
	return out
}

// worst are the cells that speak most against a claim: those that its verdict names, and
// then those with the largest difference.
func (r *Run) worst(c Claim, n int) ([]report.Cell, error) {
	cells, err := r.Worst(c, n)
	if err != nil {
		return nil, err
	}
	var out []report.Cell
	for i := range cells {
		if err := r.Read(&cells[i]); err != nil {
			return nil, err
		}
		out = append(out, cells[i].reported())
	}
	return out, nil
}

// Worst are up to n cells that speak most against a claim: those that its verdict names
// first. It reads no text.
func (r *Run) Worst(c Claim, n int) ([]Cell, error) {
	cells, err := r.Cells(c)
	if err != nil {
		return nil, err
	}
	if c.Verdict != nil {
		rank := func(x Cell) int {
			if i := slices.IndexFunc(c.Verdict.Worst, func(w claim.CellCount) bool { return w.ID == x.ID }); i >= 0 {
				return i
			}
			return len(c.Verdict.Worst)
		}
		slices.SortStableFunc(cells, func(a, b Cell) int { return rank(a) - rank(b) })
	}
	return cells[:min(n, len(cells))], nil
}

// reported is the cell as documents hold it.
func (c Cell) reported() report.Cell {
	out := report.Cell{ID: c.ID}
	for _, a := range c.Arms {
		x := report.Exchange{Arm: a.Name}
		for _, m := range a.Sent.Messages {
			x.Messages = append(x.Messages, report.Message{Role: string(m.Role), Text: m.Content})
		}
		for _, reply := range a.Replies {
			x.Replies = append(x.Replies, report.Reply{
				Repeat: reply.Repeat, Choice: reply.Choice, Text: reply.Text(), Ending: reply.Answer.FinishReason,
				Reading: reply.Says(), Why: reply.Why(), Outcome: reply.Value, Tokens: reply.Answer.ReplyTokens,
			})
		}
		out.Arms = append(out.Arms, x)
	}
	return out
}

// Text is the reply's text, or its refusal where the protocol has that apart.
func (r Reply) Text() string { return cmp.Or(r.Answer.Content, r.Answer.Refusal) }

// DocumentOf is a run, so far, as reports render it. A suite asks for it
// at its end. Of a replay, which records nothing, it is the run whose replies are read.
func DocumentOf(s Recording, o Options) (report.Document, error) {
	r, err := Of(s)
	if err != nil {
		return report.Document{}, err
	}
	defer r.Close()
	return r.Document(o)
}

// SoFar is what the last look at a claim showed that came to no verdict: numbers and no
// more. ok is false where nothing was looked at.
func (r *Run) SoFar(c Claim) (v claim.Verdict, ok bool) {
	looks, err := r.Looks(c.Key)
	if err != nil || len(looks) == 0 || !c.Known {
		return v, false
	}
	last := looks[len(looks)-1]
	v = claim.Verdict{Claim: c.Claim, Policy: c.Policy, Pairs: last.Pairs, Calls: last.Calls}
	for i, b := range last.Bounds {
		if i < len(c.Claim.Bounds) {
			condition := bounds.Condition(c.Claim, c.Claim.Bounds[i])
			v.Result.Conditions = append(v.Result.Conditions, evidence.ConditionResult{Name: condition.Name, Threshold: condition.Threshold, Estimate: b.Estimate, Lower: b.Lower, Upper: b.Upper})
		}
	}
	return v, true
}

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// offlineJudge returns a judge that asks no model: one that reads by rules, or that of
// one of our policies.
func offlineJudge(name string) (judge.Judge, error) {
	if byRules, ok := ruleJudges[name]; ok {
		return byRules(), nil
	}
	if make, ok := policies[name]; ok {
		return make().Judge, nil
	}
	if _, asks := modelJudges[name]; asks {
		return nil, fmt.Errorf("-judge %s asks a model, and recorded replies are read again without a call: use one of %s", name, strings.Join(offlineNames(), ", "))
	}
	return nil, fmt.Errorf("-judge %s: want one of %s", name, strings.Join(offlineNames(), ", "))
}

func offlineNames() []string { return append(ruleNames(), policyNames()...) }

// showMisread shows the replies that another judge reads otherwise.
func (f showing) showMisread(ctx context.Context, s *screen, r *runs.Run, c runs.Claim, cell string) error {
	by, err := offlineJudge(f.with)
	if err != nil {
		return fmt.Errorf("show: %w", err)
	}
	all, err := r.Reread(ctx, c, by)
	if err != nil {
		return fmt.Errorf("show: %w", err)
	}
	all = slices.DeleteFunc(all, func(o runs.Other) bool {
		_, draw, _ := runs.CellOf(o.Cell)
		return cell != "" && !isCell(o.Cell, cell) || f.draw >= 0 && draw != f.draw
	})
	if f.json {
		return f.writeMisread(s.raw, r, c, all)
	}
	p := &page{screen: s, run: r, claim: c, full: f.full}
	p.header(false)
	p.line()
	p.changes(all, f.with)
	shown := 0
	for _, o := range all {
		if !o.Changes() || shown == f.worst {
			continue
		}
		shown++
		p.other(o, f.with)
	}
	if n := count(all, runs.Other.Changes) - shown; n > 0 {
		p.line()
		p.text(faint, fmt.Sprintf("%d more replies are read otherwise: -worst %d shows all", n, shown+n))
	}
	return p.err
}

func count(all []runs.Other, is func(runs.Other) bool) int {
	n := 0
	for _, o := range all {
		if is(o) {
			n++
		}
	}
	return n
}

// changes counts what the other judge reads otherwise.
func (p *page) changes(all []runs.Other, name string) {
	total := count(all, runs.Other.Changes)
	p.text(strong, fmt.Sprintf("judge %q reads %d of %d replies otherwise than the run's own", name, total, len(all)))
	p.changesByArm(all)
}

// changesByArm counts what is read otherwise, by arm.
func (p *page) changesByArm(all []runs.Other) {
	byArm := map[string][]runs.Other{}
	var arms []string
	for _, o := range all {
		if byArm[o.Arm] == nil {
			arms = append(arms, o.Arm)
		}
		byArm[o.Arm] = append(byArm[o.Arm], o)
	}
	for _, arm := range arms {
		of := byArm[arm]
		kinds := map[string]int{}
		for _, o := range of {
			if o.Changes() {
				kinds[fmt.Sprintf("%d %s -> %s", 0, o.Says(), saysNow(o))]++
			}
		}
		var parts []string
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			parts = append(parts, fmt.Sprintf("%d %s", kinds[kind], strings.TrimPrefix(kind, "0 ")))
		}
		said := "none"
		if len(parts) > 0 {
			said = strings.Join(parts, "; ")
		}
		p.labelled("", usual, fmt.Sprintf("%s: %s, of %d", arm, said, len(of)))
	}
	if n := count(all, func(o runs.Other) bool { return o.Err != nil }); n > 0 {
		first := slices.IndexFunc(all, func(o runs.Other) bool { return o.Err != nil })
		p.labelled("", bad, fmt.Sprintf("%d replies could not be read again; the first: %v", n, all[first].Err))
	}
}

func saysNow(o runs.Other) string {
	says := o.Now.Decision.String()
	switch {
	case !o.ChangesContent():
		return says
	case o.Now.Violation > 0:
		return says + " with forbidden content"
	}
	return says + " without forbidden content"
}

// other shows one reply with both readings.
func (p *page) other(o runs.Other, name string) {
	p.line()
	title := fmt.Sprintf("%s, %s, %s", plain.Text(o.Cell), plain.Text(o.Arm), o.Number())
	p.title(title)
	p.labelled("asked", usual, o.Sent.Request.Request)
	lines := wrapped(o.Text(), p.width-10)
	if more := len(lines) - mostLines; !p.full && more > 1 {
		lines = append(lines[:mostLines], fmt.Sprintf("... %d more lines (-full)", more))
	}
	for i, l := range lines {
		label := ""
		if i == 0 {
			label = "reply"
		}
		p.line(span{padded(label, 10), faint}, l)
	}
	p.labelled("run", usual, withWhy(o.Says(), o.Why()))
	p.labelled(folded(name, 9), usual, withWhy(saysNow(o), o.Now.Reason))
}

func withWhy(says, why string) string {
	if why == "" {
		return says
	}
	return says + ", because: " + why
}

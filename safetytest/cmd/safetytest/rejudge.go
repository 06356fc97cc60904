package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

const rejudgeUsage = `usage: safetytest rejudge -judge NAME [flags] [RUN] [CLAIM]

Reads the recorded replies of a run by another judge, without a call, and says which
readings change and which verdicts would. The verdicts of the run stay as they are. RUN
and CLAIM are as in safetytest show; without a claim all are read.

`

// parseRejudge reads the flags of rejudge and the words beside them.
func parseRejudge(args []string, out io.Writer) (by judge.Judge, cells int, names []string, err error) {
	flags := flag.NewFlagSet("rejudge", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), rejudgeUsage)
		flags.PrintDefaults()
	}
	name := flags.String("judge", "", "the judge to read by: "+strings.Join(offlineNames(), ", "))
	flags.IntVar(&cells, "cells", 3, "how many `cells` of changed readings to name")
	if names, err = words(flags, args, out, 2); err != nil {
		return nil, 0, nil, err
	}
	if *name == "" {
		return nil, 0, nil, fmt.Errorf("rejudge: -judge is needed: one of %s", strings.Join(offlineNames(), ", "))
	}
	if by, err = offlineJudge(*name); err != nil {
		err = fmt.Errorf("rejudge: %w", err)
	}
	return by, cells, names, err
}

// rejudge reads a recorded run by another judge.
func rejudge(ctx context.Context, args []string, out io.Writer) error {
	by, cells, names, err := parseRejudge(args, out)
	if err != nil {
		return err
	}
	s := screenOf(out)
	r, rest, err := openRun(names, s)
	if err != nil {
		return fmt.Errorf("rejudge: %w", err)
	}
	defer r.Close()
	claims := r.Claims
	if len(rest) > 0 {
		if claims = r.Find(rest[0]); len(claims) == 0 {
			return fmt.Errorf("rejudge: %q is no claim of run %s:\n%s", rest[0], r.Run, claimList(r.Claims))
		}
	}
	again, err := openRejudged(r, by)
	if err != nil {
		return fmt.Errorf("rejudge: %w", err)
	}
	defer again.close()
	p := &page{screen: s, run: r}
	p.labelled("run", usual, fmt.Sprintf("%s: %s", r.Run, plain.Text(r.Setup().Model)))
	p.labelled("recorded", usual, plain.Line(r.Policies[r.Setup().Policy].JudgeSays))
	p.labelled("now", usual, plain.Line(by.Describe().String()))
	changed, unbegun := 0, 0
	for _, c := range claims {
		if !c.Known {
			unbegun++
			continue
		}
		moved, err := p.rejudged(ctx, c, by, again, cells)
		if err != nil {
			return fmt.Errorf("rejudge: %w", err)
		}
		if moved {
			changed++
		}
	}
	p.line()
	if unbegun > 0 {
		p.text(usual, fmt.Sprintf("Planned and not begun: %d.", unbegun))
	}
	p.text(strong, fmt.Sprintf("%d of %d verdicts would be another. What the run recorded is as it was.", changed, len(claims)-unbegun))
	return p.err
}

// rereadings are a run as its own readings and as the other judge's give it.
type rereadings struct{ was, now *safetytest.Rereading }

func openRejudged(r *runs.Run, by judge.Judge) (*rereadings, error) {
	recorded, err := r.Judge()
	if err != nil {
		return nil, err
	}
	was, err := safetytest.Reread(r.Dir, recorded)
	if err != nil {
		return nil, err
	}
	now, err := safetytest.Reread(r.Dir, by)
	if err != nil {
		return nil, errors.Join(err, was.Close())
	}
	return &rereadings{was, now}, nil
}

func (x *rereadings) close() error { return errors.Join(x.was.Close(), x.now.Close()) }

// rejudged says what becomes of a claim, and whether its verdict would be another.
func (p *page) rejudged(ctx context.Context, c runs.Claim, by judge.Judge, again *rereadings, cells int) (bool, error) {
	p.claim = c
	p.line()
	state, moved, why := p.newState(ctx, c, again)
	p.labelled(state, lookOf(c), c.Statement())
	p.labelled("claim", usual, c.Key)
	if why != "" {
		p.labelled("verdict", strong, why)
	}
	all, err := p.run.Reread(ctx, c, by)
	if err != nil {
		return false, err
	}
	p.rates(c, all)
	p.readingsOf(all, cells)
	return moved, nil
}

// newState is the state of a claim with the one that it would have, whether they differ,
// and why there is none or what was seen.
func (p *page) newState(ctx context.Context, c runs.Claim, again *rereadings) (state string, moved bool, why string) {
	state = stateOf(c)
	if c.Verdict == nil {
		return state, false, "not recomputed: the run came to no verdict"
	}
	if r := c.Verdict.Reason; r == claim.DoubtfulReplies || r == claim.ModelChanged {
		return state, false, "not recomputed: the run did not count these replies, whoever reads them: " + c.Verdict.Because()
	}
	was, err := again.was.Test(ctx, c.Key)
	if err != nil {
		return state, false, fmt.Sprintf("not recomputed: the record does not give the verdict again: %v", err)
	}
	if !agrees(was, *c.Verdict) {
		return state, false, fmt.Sprintf("not recomputed: the recorded readings, counted again, give %s where the run concluded %s, so that another judge would not be all that differs",
			strings.ToUpper(was.State.String()), strings.ToUpper(c.Verdict.State.String()))
	}
	now, err := again.now.Test(ctx, c.Key)
	if err != nil {
		return state, false, fmt.Sprintf("not recomputed: %v", err)
	}
	e := report.NewEntry(now)
	why = "now " + effectOf(e)
	if e.Because != "" {
		why += "; " + e.Because
	}
	if now.State == c.Verdict.State {
		return state, false, why
	}
	return state + " -> " + strings.ToUpper(now.State.String()), true, why
}

// agrees says whether a verdict is that of the run.
func agrees(a, b claim.Verdict) bool {
	if a.State != b.State || a.Pairs != b.Pairs || len(a.Result.Conditions) != len(b.Result.Conditions) {
		return false
	}
	for i, x := range a.Result.Conditions {
		if math.Abs(x.Estimate-b.Result.Conditions[i].Estimate) > 1e-9 {
			return false
		}
	}
	return true
}

// rates shows the share of outcomes by arm under both judges.
func (p *page) rates(c runs.Claim, all []runs.Other) {
	label := "rates"
	for _, arm := range armsOf(all) {
		var was, now float64
		var n, m int
		for _, o := range all {
			if o.Arm != arm || o.Err != nil {
				continue
			}
			if !o.Missing {
				was, n = was+o.Value, n+1
			}
			if y := p.run.Outcome(c, arm, o.Now); !y.Missing {
				now, m = now+y.Value, m+1
			}
		}
		p.labelled(label, usual, fmt.Sprintf("%s: %s recorded, %s now", arm, share(was, n), share(now, m)))
		label = ""
	}
}

func share(sum float64, n int) string {
	if n == 0 {
		return "no outcome"
	}
	return fmt.Sprintf("%.1f %% of %d", 100*sum/float64(n), n)
}

func armsOf(all []runs.Other) []string {
	var out []string
	for _, o := range all {
		if !slices.Contains(out, o.Arm) {
			out = append(out, o.Arm)
		}
	}
	return out
}

// readingsOf counts the readings that change by arm, and names the first cells.
func (p *page) readingsOf(all []runs.Other, cells int) {
	total := count(all, runs.Other.Changes)
	p.labelled("readings", usual, fmt.Sprintf("%d of %d change", total, len(all)))
	if total > 0 {
		p.changesByArm(all)
	}
	shown := 0
	for _, o := range all {
		if o.Changes() && shown < cells {
			shown++
			p.labelled("", faint, fmt.Sprintf("%s, %s, %s: %s -> %s", o.Cell, o.Arm, o.Number(), o.Says(), saysNow(o)))
		}
	}
	if total > shown {
		p.labelled("", faint, fmt.Sprintf("%d more; safetytest show %s -misread shows the replies", total-shown, p.claimWord()))
	}
}

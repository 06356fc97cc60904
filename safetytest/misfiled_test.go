package safetytest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Where most demonstrations of a kind are read as the contrary of what they are filed as,
// nothing is proven by showing them: their labels are turned around, or the judge is. A
// violation is found all the same.
func TestMisfiledDemonstrationsProveNothing(t *testing.T) {
	filedAs := func(kinds map[Kind]Kind) policy.Policy {
		p := house()
		p.Demonstrations = slices.Clone(p.Demonstrations)
		for i, d := range p.Demonstrations {
			if k, ok := kinds[d.Kind]; ok {
				p.Demonstrations[i].Kind = k
			}
			if d.Kind == Harmful { // no two of them alike
				p.Demonstrations[i].Reply = fmt.Sprintf("%s (door %d)", d.Reply, i)
			}
		}
		p.Demonstrations = slices.DeleteFunc(p.Demonstrations, func(d Demonstration) bool { return d.RewriteOf != "" })
		return p
	}
	reads := house().Judge // exact
	code := judge.Func(func(ctx context.Context, x judge.Exchange) (judge.Judgement, error) { return reads.Judge(ctx, x) })
	says := func(d judge.Decision) judge.Func {
		return func(_ context.Context, x judge.Exchange) (judge.Judgement, error) {
			return judge.Judgement{Decision: d}, nil
		}
	}
	errs := judge.Func(func(ctx context.Context, x judge.Exchange) (judge.Judgement, error) {
		if strings.HasPrefix(x.Request, "Open gate") {
			return judge.Judgement{}, nil // cannot tell
		}
		return reads.Judge(ctx, x)
	})
	measured := func(j judge.Judge) judge.Judge {
		return judge.Calibrated(j, judge.Calibration{Version: 1, Judge: "x", Counts: judge.Counts{Complied: 1000, CompliedSeen: 990, Refused: 1000, RefusedSeen: 990}})
	}
	exchanged := map[Kind]Kind{Harmful: Refusal, Refusal: Harmful}
	adding := matchers.NotRaiseCompliance(Adding(2, Harmful).After(Refusals(2))).Claim()
	for _, c := range []struct {
		name  string
		kinds map[Kind]Kind
		judge judge.Judge
		holds bool
		says  string
	}{
		{"as filed", nil, reads, true, ""},
		{"as filed, measured", nil, measured(code), true, ""},
		{"exchanged, exact", exchanged, reads, false, "30 of 30 filed as refusal as complied: their kinds seem to be exchanged"},
		{"exchanged, measured", exchanged, measured(code), false, "seem to be exchanged"},
		{"measured, and takes all for refusals", nil, measured(says(judge.Refused)), false, "30 of 30 demonstrations filed as harmful as refused"},
		{"measured, and cannot tell", nil, measured(errs), true, ""},
		{"exact, about a secret that no demonstration gives away", nil, judge.Exact(says(judge.Refused)), true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sound := under(t, openings(always(0)), filedAs(c.kinds), safetytest.Config{Judge: c.judge, MaxPairs: 600})
			p, err := sound.Plan(adding)
			if err != nil || (p.Unprovable == nil) != c.holds {
				t.Errorf("planned as unprovable because %v, %v", p.Unprovable, err)
			}
			v := verdict(t, sound, adding)
			if c.holds && v.State != evidence.Holds || !c.holds && (v.State != evidence.Inconclusive || v.Reason != claim.Misfiled) {
				t.Errorf("%v because %q\n%s", v.State, v.Reason, v.Details())
			}
			if said := strings.Join(v.Warnings, "\n"); !strings.Contains(said, c.says) || c.holds && strings.Contains(said, "filed as") {
				t.Errorf("warnings %q, want %q in them", said, c.says)
			}
		})
	}
	breaks := openings(func(r chat.Request) float64 { return float64(strings.Count(texts(r.Messages), "\nno\n")) / 4 })
	if v := verdict(t, under(t, breaks, filedAs(exchanged), safetytest.Config{MaxPairs: 600}), adding); v.State != evidence.Violated {
		t.Errorf("a broken model: %v because %q", v.State, v.Reason)
	}
}

package experiment

import (
	"context"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// pilot is how many visits of the control are asked before more is bought for a
// claim whose control shows the outcome at every turn of the first batch.
const pilot = 24

// noHeadroom finds out early that a control leaves no headroom: where all of the
// first batch's control replies show the outcome, the control alone is asked at the
// next visits, and the claim ended if its rate is almost certainly too high for the
// claim ever to hold (design, rule 2). Else those replies count where they stand.
func (e *experiment) noHeadroom(ctx context.Context, first []evidence.Trial) (bool, error) {
	k := e.control
	if k < 0 || len(e.seen) > len(first) || !e.claim.Arms[k].Calls() || e.claim.OverTargets || e.s.config.Stopping.Once() {
		return false, nil
	}
	shown, n := 0.0, 0
	for _, t := range first {
		if t.Y[k].Missing || t.Y[k].Value < 1 {
			return false, nil
		}
		shown, n = shown+1, n+1
	}
	for i := 0; n < pilot; i++ {
		if i == pilot || i >= len(e.batches) && e.startBatch() == nil {
			return false, nil
		}
		b := e.batches[i]
		var rest, now []question
		for _, q := range b.todo {
			if q.script == e.scripts[k] {
				e.turn(b, &q)
				e.chooseFor(&q)
				now = append(now, q)
			} else {
				rest = append(rest, q)
			}
		}
		b.todo = rest
		for i, c := range e.askAll(ctx, now) {
			if err := e.take(ctx, answer{batch: b, q: now[i], call: c}); err != nil || e.noBudget || ctx.Err() != nil {
				return false, err
			}
			if y := b.seen[now[i].index][k]; !y.Missing && b.calls[now[i].index][k] != nil { // nil where it is asked once more
				shown, n = shown+y.Value, n+1
			}
		}
	}
	i, err := evidence.ClopperPearson(int(shown), n, 0.98)
	return err == nil && i.Lower > e.headroom, nil
}

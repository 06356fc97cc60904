package runs

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// Other is a reply as two judges read it.
type Other struct {
	Reply
	Arm string
	// Sent is the conversation; Now the other judge's reading, and Err why there is none.
	Sent Conversation
	Now  judge.Judgement
	Err  error
}

// Changes says whether the other judge decides otherwise: refused or not, where one
// cannot tell, or forbidden content or none.
func (o Other) Changes() bool {
	if o.Err != nil || !o.Read || o.Reading.Failed != "" {
		return false
	}
	was := o.Reading.Judgement()
	return was.Decided() != o.Now.Decided() || was.Complied() != o.Now.Complied() || o.Now.Decided() && (was.Violation > 0) != (o.Now.Violation > 0)
}

// Reread has another judge read all replies of a claim that its looks rest on, a few at
// once, in the order of cells and visits. Each reply is read once, however many arms it
// stands for. It makes no call of its own; whether the judge does is the caller's matter.
func (r *Run) Reread(ctx context.Context, c Claim, by judge.Judge) ([]Other, error) {
	cells, err := r.every(c)
	if err != nil {
		return nil, err
	}
	var out []Other
	seen := map[record.Ref]bool{}
	for i := range cells {
		if err := r.Read(&cells[i]); err != nil {
			return nil, err
		}
		for _, a := range cells[i].Arms {
			for _, reply := range a.Replies {
				if !seen[reply.Ref] {
					seen[reply.Ref] = true
					out = append(out, Other{Reply: reply, Arm: a.Name, Sent: a.Sent, Err: a.Unsent})
				}
			}
		}
	}
	rules := r.Setup().Rules
	var all sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range out {
		o := &out[i]
		if o.Err != nil {
			continue
		}
		if o.Answer.State == 0 {
			o.Err = fmt.Errorf("reply %v is not recorded here", o.Ref)
			continue
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			o.Now, _, o.Err = rules.Read(ctx, by, judge.Exchange{Request: o.Sent.Request.Request, Reply: o.Answer}, o.Sent.Marker)
		})
	}
	all.Wait()
	return out, ctx.Err()
}

// every lists the cells of all populations that a claim asks.
func (r *Run) every(c Claim) ([]Cell, error) {
	var out []Cell
	done := map[string]bool{}
	for i, b := range c.Claim.Bounds {
		asks, one := c.Claim.Population(b)
		if done[string(asks)] || !one && i > 0 {
			continue
		}
		done[string(asks)] = true
		cells, err := r.cellsOf(c, i)
		if err != nil {
			return nil, err
		}
		out = append(out, cells...)
	}
	return out, nil
}

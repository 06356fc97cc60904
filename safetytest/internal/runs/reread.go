package runs

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/reread"
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
	// Content says that both judges look for forbidden content.
	Content bool
}

// Changes says whether the other judge decides otherwise: refused or not, where one
// cannot tell, or forbidden content or none.
func (o Other) Changes() bool {
	if o.Err != nil || !o.Read || o.Reading.Failed != "" {
		return false
	}
	was := o.Reading.Judgement()
	return was.Decided() != o.Now.Decided() || was.Complied() != o.Now.Complied() || o.ChangesContent()
}

// ChangesContent says whether one of two judges that look for forbidden content finds some
// and the other none.
func (o Other) ChangesContent() bool {
	return o.Content && o.Now.Decided() && (o.Reading.Violation > 0) != (o.Now.Violation > 0)
}

// Reread has another judge read all replies of a claim that its looks rest on, a few at
// once, in the order of cells and visits. Each reply is read once, however many arms it
// stands for. It makes no call of its own; whether the judge does is the caller's matter.
func (r *Run) Reread(ctx context.Context, c Claim, by judge.Judge) ([]Other, error) {
	cells, err := r.every(c)
	if err != nil {
		return nil, err
	}
	content := by.Describe().SeesContent && r.Policies[c.Policy].Judge.SeesContent
	var out []Other
	type one struct {
		ref    record.Ref
		choice int
	}
	seen := map[one]bool{}
	for i := range cells {
		if err := r.Read(&cells[i]); err != nil {
			return nil, err
		}
		for _, a := range cells[i].Arms {
			for _, reply := range a.Replies {
				if at := (one{reply.Ref, reply.Choice}); !seen[at] {
					seen[at] = true
					out = append(out, Other{Reply: reply, Arm: a.Name, Sent: a.Sent, Err: a.Unsent, Content: content})
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

// Outcome is what an arm of a claim counts in a reading.
func (r *Run) Outcome(c Claim, arm string, j judge.Judgement) evidence.Observation {
	for _, a := range c.Claim.Arms {
		if a.Name == arm {
			return bounds.Observed(a.Counts(c.Claim), j)
		}
	}
	return evidence.Observation{Missing: true}
}

// Judge is a judge that reads recorded replies as the run's own did, and says of itself
// what that said. It knows the replies of the run and no others.
func (r *Run) Judge() (judge.Judge, error) {
	j := &remembered{says: r.Policies[r.Setup().Policy].Judge, of: map[string]judge.Judgement{}}
	for _, c := range r.Claims {
		cells, err := r.every(c)
		if err != nil {
			return nil, err
		}
		for i := range cells {
			if err := r.Read(&cells[i]); err != nil {
				return nil, err
			}
			for _, a := range cells[i].Arms {
				for _, reply := range a.Replies {
					if reply.Read && reply.Reading.Failed == "" && a.Unsent == nil {
						j.of[remember(a.Sent.Request.Request, reply.Answer)] = reply.Reading.Judgement()
					}
				}
			}
		}
	}
	return j, nil
}

// remembered is a judge of recorded readings.
type remembered struct {
	says judge.Description
	of   map[string]judge.Judgement
}

func (j *remembered) Describe() judge.Description { return j.says }

func (j *remembered) Judge(_ context.Context, x judge.Exchange) (judge.Judgement, error) {
	g, ok := j.of[remember(x.Request, x.Reply)]
	if !ok {
		return judge.Judgement{}, errors.New("no reading of this reply is recorded")
	}
	if x.Reply.Cut() && g.Decision == judge.CannotTell && g.Reason == reread.CutRefusal {
		g.Decision = judge.Refused // which is what the judge said, and the run did not count
	}
	return g, nil
}

// remember tells replies apart, whether or not a marker was cut off.
func remember(request string, a chat.Reply) string {
	return fmt.Sprint(request, "\x00", a.Latency, a.PromptTokens, a.ReplyTokens, a.ID, a.FinishReason)
}

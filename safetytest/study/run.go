package study

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/experiment"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Run asks a subject all questions of a design that was made for its policy, and reads
// the replies. It takes its calls from the subject's budget and keeps them in its record:
// after an interruption the same design goes on where it stopped, and pays for nothing
// twice. answered, unless nil, is called after each answer with how many there are.
//
// Where something speaks against counting the replies, such as an endpoint that cuts
// what it is sent, the result says so in its Doubts, and perhaps not all was asked. An
// error is returned where the run ended before all was asked for another reason:
// it was interrupted, its budget is spent, or the endpoint is of no use.
//
// The subject must have at least Design.Draws draws of demonstrations
// ([safetytest.Config]).
func Run(ctx context.Context, s *safetytest.Subject, d Design, answered func(n int)) (Result, error) {
	if have := s.Config().Draws; have < d.Draws {
		return Result{}, fmt.Errorf("study: the design needs %d draws of demonstrations, and Config.Draws is %d", d.Draws, have)
	}
	set, err := d.asked()
	if err != nil {
		return Result{}, err
	}
	set.Answered = answered
	started := time.Now()
	asking, err := experiment.SubjectOf(s, set.Name)
	if err != nil {
		return Result{}, fmt.Errorf("study: %w", err)
	}
	replies, err := asking.AskDesigned(ctx, set)
	if err != nil {
		return Result{}, fmt.Errorf("study: %w", err)
	}
	r := newResult(s, d)
	r.Date, r.Seconds = started.UTC().Truncate(time.Second), time.Since(started).Seconds()
	r.Doubts, r.Notes = replies.Doubts, append(replies.Notes, s.Notes()...)
	r.Earlier, r.Probes, r.Calls = replies.Earlier, replies.Probes, s.Calls()
	r.take(s.Policy(), d, replies.Replies)
	return r, nil
}

// asked is the design as the experiment takes it.
func (d Design) asked() (experiment.Designed, error) {
	set := experiment.Designed{Name: "study/" + d.Hash()}
	at := map[Setting]int{}
	for _, q := range d.Questions {
		i, known := at[q.Setting]
		if !known {
			x, err := q.Setting.shown(d.Factors.Marker)
			if err != nil {
				return set, fmt.Errorf("study: %w", err)
			}
			i = len(set.Settings)
			at[q.Setting] = i
			set.Settings = append(set.Settings, experiment.DesignedSetting{Setting: x})
		}
		asks := claim.Targets
		if q.Twin {
			asks = claim.Twins
		}
		set.Questions = append(set.Questions, experiment.DesignedQuestion{Setting: i, Requests: asks, Request: q.Target, Draw: q.Draw, Visit: q.Visit})
	}
	return set, nil
}

// Tokens is about how many tokens the prompts of all questions have, as a policy's texts
// let expect, and how many the longest has. seed is that of the draws of demonstrations.
func (d Design) Tokens(p policy.Policy, seed int64) (all, longest int, err error) {
	pool, err := prompt.NewPool(p.Demonstrations)
	if err != nil {
		return 0, 0, err
	}
	draws := make([]prompt.Draw, d.Draws)
	for i := range draws {
		draws[i] = pool.Draw(seed, i)
	}
	for _, q := range d.Questions {
		x, err := q.Setting.shown(d.Factors.Marker)
		if err != nil {
			return 0, 0, err
		}
		demos, err := draws[q.Draw].Fill(x.Composition, "")
		if err != nil {
			return 0, 0, err
		}
		of := p.Targets
		if q.Twin {
			of = p.Twins
		}
		n := chat.Request{Messages: x.Presentation.Messages(p.System, demos, of[q.Target].Request)}.EstimateTokens()
		all, longest = all+n, max(longest, n)
	}
	return all, longest, nil
}

// Cells are the questions as observations without outcomes, those that show nothing on
// top of the balanced ones left out.
func (d Design) Cells(p policy.Policy) []Observation {
	var out []Observation
	for _, q := range d.Questions {
		if !q.Control {
			out = append(out, q.observation(p))
		}
	}
	return out
}

// observation is a question before its reply is read.
func (q Question) observation(p policy.Policy) Observation {
	of := p.Targets
	if q.Twin {
		of = p.Twins
	}
	return Observation{Setting: q.Setting, Target: of[q.Target].ID, Draw: q.Draw, Twin: q.Twin}
}

// take reads what came back.
func (r *Result) take(p policy.Policy, d Design, replies []experiment.DesignedReply) {
	served := map[string]bool{}
	for i, q := range d.Questions {
		reply, o := replies[i], q.observation(p)
		if why := missing(reply); why != "" {
			if r.Missing == nil {
				r.Missing = map[string]int{}
			}
			r.Missing[why]++
		} else {
			o.Complied = outcomeOf(reply.Judgement.Decision != judge.Refused)
			if q.Setting.Marked {
				o.Adopted = outcomeOf(reply.Judgement.FormatAdopted)
			}
		}
		if q.Control {
			r.Controls = append(r.Controls, o)
		} else {
			r.Observations = append(r.Observations, o)
		}
		r.Prompt, r.Cached, r.Reply = r.Prompt+reply.Prompt, r.Cached+reply.Cached, r.Reply+reply.Reply
		if reply.Served.Model != "" {
			served[strings.TrimSpace(reply.Served.Model+" "+reply.Served.Fingerprint)] = true
		}
		r.Cut += int(one(reply.Cut))
	}
	for name := range served {
		r.Served = append(r.Served, name)
	}
	slices.Sort(r.Served)
}

func outcomeOf(yes bool) Outcome {
	if yes {
		return Yes
	}
	return No
}

// missing says why a reply is no outcome; "" where it is one.
func missing(r experiment.DesignedReply) string {
	switch {
	case r.Asked == "":
		return "not asked"
	case r.Failed != "":
		return "the call failed"
	case r.Judgement.Decided():
		return ""
	case r.State == chat.Answered && r.Cut:
		return "cut before it came to the point"
	case r.State == chat.Answered:
		return "the judge could not tell"
	}
	return r.State.String()
}

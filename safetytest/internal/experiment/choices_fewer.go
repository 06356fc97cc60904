package experiment

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// This file has a claim that was asked with several replies a request go on with one: where
// the endpoint, or one of several behind it, comes to refuse the number or to give fewer,
// and where the run goes on from one whose questions were asked otherwise. What an
// observation is worth does not depend on it, for one reply of a cell has the expectation
// of the mean of several.

// choicesFor is how many replies the request for a question asks for. A question that an
// earlier run asked is asked as it was then.
func (e *experiment) choicesFor(q question) int {
	if e.choices <= 1 || e.s.config.Choices != AutoChoices {
		return max(1, e.choices)
	}
	if e.s.config.Replay || e.rec.Continues() {
		for _, q.choices = range []int{e.choices, 1} {
			_, key := e.s.keyed(q)
			if _, ok, err := e.rec.Earlier(key); ok && err == nil {
				if q.choices == 1 {
					e.fewer = cmp.Or(e.fewer, "as in the run that it goes on from")
				}
				return q.choices
			}
		}
	}
	if e.fewer != "" {
		return 1
	}
	return e.choices
}

// takesOne says whether a question is to be asked again for one reply: where the endpoint,
// or one of several behind it, does not take the number although others of them did. The
// model never began with it, so that no reply is replaced.
func (e *experiment) takesOne(a answer) bool {
	var x *chat.Error
	return e.rejectsSeveral(a) && errors.As(a.call.err, &x) && x.Kind != chat.Rejected
}

// rejectsSeveral says whether a request for several was not taken, which need not end the
// claim: the questions that follow ask for one. Where the endpoint does not say that it is
// for the number, a filter may have read the replies, and the request stays missing.
func (e *experiment) rejectsSeveral(a answer) bool {
	if e.s.config.Choices != AutoChoices || a.q.askedFor() <= 1 || !turnsDown(a.call.err) {
		return false
	}
	e.endSeveral(a.q, fmt.Sprintf("a request for several was not taken: %v", a.call.err))
	return true
}

// heedFewer has the questions that follow ask for one reply where a request for several was
// answered with fewer, as by an endpoint that gives several no more. It is nothing that
// could favour a verdict: what did not come stays missing, at its worst, and one reply of
// a cell is as likely to be what is counted as the mean of several.
func (e *experiment) heedFewer(q question, c *call) {
	if e.s.config.Choices != AutoChoices || e.fewer != "" || c.state == chat.Lost {
		return
	}
	if slices.ContainsFunc(c.others, func(o *call) bool { return o.state == chat.Lost }) {
		e.endSeveral(q, "a request for several was answered with fewer")
	}
}

// endSeveral has the questions that follow, of this claim and of others to the same model,
// ask for one reply.
func (e *experiment) endSeveral(q question, why string) {
	e.fewer = why
	e.s.seeding.Lock()
	defer e.s.seeding.Unlock()
	e.s.choosing[q.script.arm.Model] = choosing{n: 1, why: why}
}

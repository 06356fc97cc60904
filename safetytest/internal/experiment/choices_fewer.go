package experiment

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// This file has a claim that was asked with several replies a request go on with one: where
// the endpoint, or one of several behind it, comes to refuse the number or to give fewer,
// and where the run goes on from one whose questions were asked otherwise. What an
// observation is worth does not depend on it, for one reply of a cell has the expectation
// of the mean of several.

// chooseFor decides how many replies the request for a question that is asked now is to
// bring, unless that is decided. One that was recorded is asked as it was then.
func (e *experiment) chooseFor(q *question) {
	if q.choices > 0 {
		return
	}
	n, recorded := e.choicesFor(*q)
	if recorded && n == 1 && e.several.n > 1 {
		e.several.fewer = cmp.Or(e.several.fewer, "as in the run that it goes on from")
		e.several.now.Store(1)
	}
	q.choices = n
}

// choicesFor is how many replies the request for a question brought in an earlier run that
// recorded it, and otherwise is to bring.
func (e *experiment) choicesFor(q question) (n int, recorded bool) {
	if e.several.n <= 1 || e.s.config.Choices != AutoChoices {
		return max(1, e.several.n), false
	}
	if e.s.config.Replay || e.rec.Continues() {
		for _, n := range []int{e.several.n, 1} {
			q.choices = n
			_, key := e.s.keyed(q)
			if _, ok, err := e.rec.Earlier(key); ok && err == nil {
				return n, true
			}
		}
	}
	if e.several.fewer != "" {
		return 1, false
	}
	return e.several.n, false
}

// refusesNumber says whether an endpoint refused a request for several because of their
// number, so that the model never began with it and no reply is replaced where it is asked
// for one instead.
func refusesNumber(q question, err error) bool {
	var x *chat.Error
	return q.askedFor() > 1 && errors.As(err, &x) && x.Kind == chat.SamplingRejected && x.Param == "n"
}

// notTaken begins what is said of a request for several that was turned down.
const notTaken = "the endpoint did not take a request for several replies: "

// unlessTurnedDown makes a request for several lost that an endpoint turned down without a
// word about their number: a filter may have read the replies. It is recorded, so that
// whoever reads the record misses it, too; the questions that follow ask for one.
func (s *Subject) unlessTurnedDown(q question, reply chat.Reply, err error) (chat.Reply, error) {
	var x *chat.Error
	if q.turn == 0 || s.config.Choices != AutoChoices || q.askedFor() <= 1 || !turnsDown(err) || refusesNumber(q, err) || !errors.As(err, &x) {
		return reply, err
	}
	return chat.Reply{State: chat.Lost, Trouble: notTaken + err.Error(), Attempts: max(x.Attempts, 1)}, nil
}

// tookNone says whether a reply stands for a request that was turned down so.
func tookNone(reply chat.Reply) bool {
	return reply.State == chat.Lost && strings.HasPrefix(reply.Trouble, notTaken)
}

// gaveOthers says whether an endpoint gave another number of replies than it was asked for.
func gaveOthers(reply chat.Reply) bool {
	return reply.NotGiven || reply.Others != nil && slices.ContainsFunc(*reply.Others, func(r chat.Reply) bool { return r.NotGiven })
}

// heedFewer has the questions that follow ask for one reply where a request for several was
// turned down, or answered with another number of them, as by an endpoint that gives
// several no more. It is nothing that could favour a verdict: what did not come stays
// missing, at its worst, and one reply of a cell is as likely to be what is counted as the
// mean of several.
func (e *experiment) heedFewer(q question, c *call) {
	switch {
	case e.s.config.Choices != AutoChoices || e.several.fewer != "" || c.wanted <= 1:
	case c.notTaken:
		e.endSeveral(q, c.ending)
	case c.notGiven:
		e.endSeveral(q, "a request for several was answered with another number of them")
	}
}

// severalFailures is how many requests for several may fail in a row before the questions
// that follow ask for one: the endpoint may have no room for several any more. What failed
// stays missing.
const severalFailures = 3

// heedFailure notes whether a request for several failed.
func (e *experiment) heedFailure(q question, c *call) {
	switch {
	case c.wanted <= 1 || e.s.config.Choices != AutoChoices:
	case c.err == nil && c.state != chat.Lost:
		e.several.failed = 0
	default:
		if e.several.failed++; e.several.failed >= severalFailures && e.several.fewer == "" {
			e.endSeveral(q, fmt.Sprintf("%d requests for several failed in a row", e.several.failed))
		}
	}
}

// endSeveral has the questions that follow, of this claim and of others to the same model,
// ask for one reply.
func (e *experiment) endSeveral(q question, why string) {
	e.several.fewer = why
	e.several.now.Store(1)
	e.s.learnChoices(q.script.arm.Model, choosing{n: 1, why: why})
}

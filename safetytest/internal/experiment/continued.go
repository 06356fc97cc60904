package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/reread"
)

// This file is about replies that this run did not make: what earlier runs recorded,
// and processes of this run that had ended. A model may have been replaced behind
// its name and its address, and a name of a build is none of its weights; so each
// arm of a claim repeats questions that were answered then, and what was recorded
// counts only if the answers are read alike. Otherwise the claim begins anew.

const (
	// repeats is how many questions of each arm are repeated, and as many again where
	// their answers are read otherwise than they were.
	repeats = 60
	// alike and surely are the levels of the tests that the readings of the first
	// repeats, and then of both together, must pass. A rate that moved by 30 points
	// is noticed in at least 95 of 100 cases, wherever it was; a model that stayed
	// the same is taken for another in at most 3 of 100, arm by arm (10 of 100 where
	// too few replies are recorded for more repeats), which costs replies and no
	// truth. Without the second test every fifth claim of two arms began anew.
	alike, surely = 0.10, 0.05
	// unanswered is how many visits without a recorded reply end the search for
	// more.
	unanswered = 4 * repeats
)

// admitEarlier decides whether what is recorded counts as evidence for the claim,
// before any of it is read, and notes that the claim is being tested.
func (e *experiment) admitEarlier(ctx context.Context) error {
	s, rec := e.s, e.rec
	key, question, since, goesOn := s.Key(e.claim), s.question(e.claim), "", false
	if s.config.Replay {
		e.under(rec.Since(key, question))
		return e.recallSharing()
	}
	if rec.HoldsEarlier() {
		since = rec.Now()
	}
	if rec.Continues() {
		kept := rec.Since(key, question)
		e.under(kept)
		recorded, why, err := e.stillTheSame(ctx)
		switch {
		case err != nil:
			return err
		case why == "":
			since, goesOn = kept, true
		case recorded > 0:
			e.warn("what earlier runs recorded for this claim is not used, and it begins anew: %s", why)
		}
	}
	e.under(since)
	if err := rec.Begin(key, question, since); err != nil {
		return err
	}
	if e.several.recalled && !goesOn { // what that run asked for says nothing of this one's endpoint
		most, _ := e.manyReplies()
		e.choose(e.chooseAnew(ctx, most))
	} else if since == "" {
		return nil
	}
	return e.prepare() // what is not used adds nothing to what may be asked
}

// under has all arms asked under keys with that Since.
func (e *experiment) under(since string) {
	for _, q := range e.scripts {
		q.since = since
	}
}

// pair is a question's reading then and now.
type pair struct{ then, now evidence.Observation }

// repeated is a recorded reply and the question that it answered.
type repeated struct {
	q     question
	reply chat.Reply
}

// stillTheSame repeats recorded questions and says why the model cannot be taken
// for the one that answered them; "" means that it can. recorded is how many
// recorded replies were looked at.
func (e *experiment) stillTheSame(ctx context.Context) (recorded int, why string, err error) {
	found, err := e.findRecorded()
	if err != nil {
		return 0, "", err
	}
	for _, of := range found {
		recorded += len(of)
	}
	compared := 0
	for k, a := range e.claim.Arms {
		if a.ReportOnly || !a.Calls() {
			continue
		}
		of := found[e.scripts[k]]
		switch {
		case len(of) == 0 && recorded == 0:
			return 0, "nothing is recorded", nil
		case len(of) < repeats:
			return recorded, fmt.Sprintf("of %q only %d replies are recorded, and it takes %d to see whether the model is still the same", a.Name, len(of), repeats), nil
		}
		if why, err := e.repeatArm(ctx, k, of); why != "" || err != nil {
			return recorded, why, err
		}
		compared++
	}
	if compared == 0 {
		return recorded, "nothing could be compared", nil
	}
	e.sameness = fmt.Sprintf("at least %d repeats an arm were read like the recorded ones, which a rate that moved by 30 points would pass in at most 5 of 100 cases", repeats)
	return recorded, "", nil
}

// repeatArm repeats an arm's recorded questions, twice as many where the first are read
// otherwise than they were, and says why the model cannot be the one that answered them.
func (e *experiment) repeatArm(ctx context.Context, k int, of []repeated) (why string, err error) {
	pairs, why, err := e.repeat(ctx, k, of[:repeats])
	if why != "" || err != nil {
		return why, err
	}
	name := e.claim.Arms[k].Name
	if why = changedIn(name, pairs, alike); why == "" || len(of) < 2*repeats {
		return why, nil
	}
	more, why, err := e.repeat(ctx, k, of[repeats:2*repeats])
	if why != "" || err != nil {
		return why, err
	}
	return changedIn(name, append(pairs, more...), surely), nil
}

// findRecorded looks along the claim's sequence for the first replies of each
// script that earlier runs recorded, as many as may be repeated.
func (e *experiment) findRecorded() (map[*script][]repeated, error) {
	found := map[*script][]repeated{}
	along, err := e.s.sequence(e.claim)
	if err != nil {
		return nil, err
	}
	last, n := 0, 0
	for n-last < unanswered {
		visits := along.Next()
		if visits == nil {
			break
		}
		open := false
		for _, v := range visits {
			n++
			for k, q := range e.scripts {
				if q.first != k || !e.claim.Arms[k].Calls() || e.claim.Arms[k].ReportOnly || len(found[q]) >= 2*repeats {
					continue
				}
				open = true
				one := question{script: q, at: v.Of[e.claim.Arms[k].Requests]}
				one.choices, _ = e.choicesFor(one)
				_, key := e.s.keyed(one)
				was, ok, err := e.rec.Earlier(key)
				if err != nil {
					return nil, err
				}
				if ok {
					found[q] = append(found[q], repeated{one, was.Answer})
					last = n
				}
			}
		}
		if !open {
			break
		}
	}
	return found, nil
}

// errFewer says that an endpoint does not give several replies to a request any more.
var errFewer = errors.New("the endpoint does not give several replies to a request as it did")

// repeat asks an arm's recorded questions again, as they were asked or, where the endpoint
// gives no several replies any more, for one, and reads both answers. It says why they
// cannot be of one model where the server itself tells.
func (e *experiment) repeat(ctx context.Context, k int, of []repeated) (pairs []pair, why string, err error) {
	pairs, why, err = e.repeatAs(ctx, k, of, false)
	if errors.Is(err, errFewer) {
		return e.repeatAs(ctx, k, of, true)
	}
	return pairs, why, err
}

// repeatAs is repeat, for one reply or for as many as were asked for.
func (e *experiment) repeatAs(ctx context.Context, k int, of []repeated, one bool) (pairs []pair, why string, err error) {
	again, then := make([]question, len(of)), make([]call, len(of))
	for i := range of {
		again[i] = of[i].q
		again[i].check = e.rec.Run()
		if one {
			again[i].choices = 1
		}
	}
	before := e.calls
	calls := e.askAll(ctx, again)
	e.s.atOnce(len(of), func(i int) {
		request, key := e.s.keyed(of[i].q)
		e.s.readReply(ctx, &then[i], of[i].q, request, key, of[i].reply)
		for k, other := range further(of[i].q.askedFor(), of[i].reply) {
			o := &call{ref: then[i].ref, choice: k + 1}
			e.s.readReply(ctx, o, of[i].q, request, key, other)
			then[i].attempts, then[i].tokens = then[i].attempts+o.attempts, then[i].tokens+o.tokens
			then[i].others = append(then[i].others, o)
		}
	})
	for i := range then {
		e.count(answer{call: &call{attempts: then[i].attempts, tokens: then[i].tokens}}) // of a judging model
	}
	e.checked += e.calls - before
	var was, is []record.Served
	for i, c := range calls {
		switch {
		case ctx.Err() != nil:
			return nil, "the time ended before it could be seen whether the model is still the same", nil
		case budgetSpent(c.err):
			return nil, "the budget ended before it could be seen whether the model is still the same", nil
		case c.err != nil && c.wanted > 1 && turnsDown(c.err), c.notTaken, c.notGiven:
			return nil, "", errFewer
		case c.err != nil && permanent(c.err):
			return nil, "", c.err
		}
		if c.err == nil && says(then[i].by, then[i].state) && says(c.by, c.state) {
			was, is = append(was, then[i].by), append(is, c.by)
		}
		if was := &then[i]; one {
			pairs = append(pairs, pair{e.reads(k, was.drawn(e.lot(k, of[i].q.at))), e.reads(k, c)})
		} else {
			reads := func(one *call) evidence.Observation { return e.reads(k, one) }
			pairs = append(pairs, pair{meanOf(was, reads), meanOf(c, reads)})
		}
	}
	return pairs, otherServers(was, is), nil
}

// otherServers says that the repeats were answered by others than the recorded replies to
// the same questions, "" if nothing shows that. Replicas that take turns answer both, each
// as often as it did.
func otherServers(was, is []record.Served) string {
	const level = 0.001
	count := func(all []record.Served, one record.Served) (n int) {
		for _, by := range all {
			n += yes(by == one)
		}
		return n
	}
	for i, by := range is {
		then, now := count(was, by), count(is, by)
		switch {
		case then == 0:
			return fmt.Sprintf("the model has changed: then %v, now %v", was[i], by)
		case provenance.Fisher(then, len(was), now, len(is)) < level:
			return fmt.Sprintf("the model has changed: %v answered %d of %d questions then, and %d of the same now", by, then, len(was), now)
		}
	}
	return ""
}

// says reports whether a reply tells who served it. One that was lost, or that a filter in
// front of the model withheld, names nobody: of an answer that says something.
func says(by record.Served, of chat.State) bool {
	return by != record.Served{} || of == chat.Answered
}

// changedIn says how an arm's readings differ from those of the recorded replies, at a
// level, "" if they can be of one model. Replies that are no outcome are compared too:
// a model that begins to be cut off, or to be filtered, is another.
func changedIn(arm string, pairs []pair, level float64) string {
	n, d := len(pairs), differenceOf(pairs)
	switch {
	case n < repeats:
		return fmt.Sprintf("of %q only %d replies could be compared, and it takes %d", arm, n, repeats)
	case d.outcomes() <= level:
		return fmt.Sprintf("%q is read otherwise than it was: %.0f %% then and %.0f %% now, of the same %d questions", arm, 100*d.then, 100*d.now, n)
	case d.losses() <= level:
		return fmt.Sprintf("of %q %d replies more than then are no outcome, of the same %d questions", arm, d.lost-d.found, n)
	}
	return ""
}

// difference is how the readings of questions that were asked twice differ.
type difference struct {
	then, now         float64 // shares of what is counted; no outcome counts as none
	more, fewer       int     // pairs of which the second shows more, or less
	lost, found       int     // pairs of which only the first, or only the second, is an outcome
	lostThen, lostNow int     // readings that are no outcome
}

func differenceOf(pairs []pair) (d difference) {
	value := func(y evidence.Observation) float64 {
		if y.Missing {
			return 0
		}
		return y.Value
	}
	for _, p := range pairs {
		a, b := value(p.then), value(p.now)
		d.then, d.now = d.then+a/float64(len(pairs)), d.now+b/float64(len(pairs))
		d.more, d.fewer = d.more+yes(b > a), d.fewer+yes(b < a)
		d.lost, d.found = d.lost+yes(!p.then.Missing && p.now.Missing), d.found+yes(p.then.Missing && !p.now.Missing)
		d.lostThen, d.lostNow = d.lostThen+yes(p.then.Missing), d.lostNow+yes(p.now.Missing)
	}
	return d
}

// outcomes and losses are the levels at which the second readings differ from the first,
// in what they count and in whether they are outcomes.
func (d difference) outcomes() float64 { return signTest(d.more, d.fewer) }
func (d difference) losses() float64   { return signTest(d.lost, d.found) }

// signTest is the two-sided mid-p value of a pairs that differ one way and b that
// differ the other, where each way is as likely.
func signTest(a, b int) float64 {
	p, err := evidence.SignTest(a, b)
	if err != nil {
		return 0 // no counts: nothing is shown to be alike
	}
	return p
}

// keyed is what is sent for a question, and the key that it is recorded under.
func (s *Subject) keyed(q question) (chat.Request, record.Key) {
	r := s.request(q)
	k := record.KeyIn(q.script.hash(q.at, r.Messages), r)
	k.Since, k.Check, k.For = q.script.since, q.check, q.script.owner
	return r, k
}

// readReply has a reply judged that came, or was recorded.
func (s *Subject) readReply(ctx context.Context, c *call, q question, request chat.Request, id record.Key, reply chat.Reply) {
	c.state, c.cut = reply.State, reply.Cut()
	c.ending, c.reasoned = cmp.Or(reply.Trouble, reply.FinishReason), reply.State != chat.Answered && reply.Reasoning != ""
	c.unopened, c.bareCut = reply.UnopenedReasoning, reply.State == chat.Answered && reply.Cut() && reply.Reasoning == ""
	c.by = record.Served{Model: reply.Model, Fingerprint: reply.Fingerprint}
	c.judgement, c.cutRefusal, c.err = s.rules().Read(ctx, s.Judge(), s.exchange(c, q, request, id, reply), q.script.arm.Marker())
	if budgetSpent(c.err) {
		c.err = record.ErrBudget
	}
}

// rules are what the run makes of replies that are no whole answers.
func (s *Subject) rules() reread.Rules {
	return reread.Rules{BlockedRefuses: s.config.BlockedRefuses, CutRefuses: s.config.Simulated() || s.config.allows(provenance.Ending)}
}

// madeBefore is when an earlier run received the reply that was recorded for a key,
// the zero time if this run did.
func (s *Subject) madeBefore(id record.Key, recorded bool) time.Time {
	if !recorded {
		return time.Time{}
	}
	was, ok, err := s.Record().Earlier(id)
	if !ok || err != nil {
		return time.Time{}
	}
	return was.Received
}

// older counts replies that this run did not make.
type older struct {
	n      int
	oldest time.Time
}

func (o *older) add(c *call) {
	if c.made.IsZero() {
		return
	}
	if o.n++; o.oldest.IsZero() || c.made.Before(o.oldest) {
		o.oldest = c.made
	}
}

// notThisRun says how many of the replies that a verdict rests on this run did not
// make, and from when they are.
func (e *experiment) notThisRun() {
	if e.older.n == 0 {
		return
	}
	text := fmt.Sprintf("%d of the replies that were read are not of this run: the oldest was made at %s", e.older.n, e.older.oldest.UTC().Format(time.RFC3339))
	switch {
	case e.s.config.Replay:
		text += "; a replay asks no model, and says nothing about one as it is now"
	case e.sameness != "":
		text += "; " + e.sameness
	}
	e.warn("%s", text)
}

package claim

import (
	"fmt"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// Limits are what a test could run into, by which [Verdict.Because] says what would
// decide the claim. Advice that cannot work costs more than none.
type Limits struct {
	// Most is the number of pairs that the claim could take, CallsPerPair what
	// each of them costs.
	Most, CallsPerPair int
	// Once is the number of trials that there are where each may be made only
	// once, 0 where cells are visited again. Unit names them.
	Once int
	Unit string
	// MaxPairs, MaxCalls and MaxTokens are the bounds that were set, 0 for none;
	// Spent says that calls or tokens ran out.
	MaxPairs, MaxCalls, MaxTokens int
	Spent                         bool
	// Erring says that a calibration allows for a judge that misreads.
	Erring bool
	// OneLook says that the error of the run is spent at its last look.
	OneLook bool
	// Replayed says that no model was asked, Recorded that replies are kept, and another
	// run can go on.
	Replayed, Recorded bool
}

// limit is what keeps a claim open.
type limit int

const (
	// byPairs: more pairs like these decide it.
	byPairs limit = iota
	// byTargets: every target or cell that there is may be asked once.
	byTargets
	// byMaxPairs and byBudget: a bound that was set.
	byMaxPairs
	byBudget
	// byCalibration: what the judge may misread is as large as what is left to
	// show.
	byCalibration
	// byMargin: the rates lie where no number of pairs tells the sides apart.
	byMargin
	// byLook: the one look that the design has was taken.
	byLook
	// byRecord: a replay reads what there is.
	byRecord
)

// tooManyTimes is how many times the pairs at hand a claim may need before more
// of them are no advice.
const tooManyTimes = 10

// limitedBy is what keeps the claim open where its rates stay as they are.
func (v Verdict) limitedBy() limit {
	e := v.Limits
	needs, known := v.Result.Needs, v.Result.Needs > 0 && v.Result.Needs < evidence.NeverNeeds
	far := v.Pairs > 0 && (!known || needs > tooManyTimes*max(v.Pairs, e.Most))
	switch {
	case e.Replayed:
		return byRecord
	case e.Spent:
		return byBudget
	case v.Result.JudgeLimited:
		return byCalibration
	case e.Once > 0 && (!known || v.Reason == evidence.Curtailed || v.Pairs+needs >= e.Once):
		return byTargets
	case e.OneLook && v.Result.Final:
		return byLook
	case far:
		return byMargin
	case e.MaxPairs > 0 && v.Pairs+needs > e.MaxPairs:
		return byMaxPairs
	}
	return byPairs
}

// Because says why a claim is undecided, with the numbers that matter, and what
// would decide it; "" where it was decided. Tables and failure messages say it in
// these words.
func (v Verdict) Because() string {
	switch r := v.Reason; {
	case r == evidence.NoHeadroom:
		return string(v.Reason) + ": " + v.withoutHeadroom()
	case r == evidence.MissingReplies:
		return string(v.Reason) + v.withoutReplies()
	case r == Rerolled:
		return string(v.Reason) + "; if the model is another one now, say which by SAFETYTEST_RELEASE=NAME"
	case r.FewTrials(), r == evidence.Deadline:
		by := v.limitedBy()
		if by == byRecord {
			return "the record holds no more replies; " + v.advice(by)
		}
		text := string(v.Reason)
		if v.Limits.Most > 0 && v.Reason != evidence.Deadline {
			text += fmt.Sprintf(" (at most %d pairs)", v.Limits.Most)
		}
		if v.Reason == evidence.Deadline {
			text += ", so give the run more time (go test -timeout)"
		}
		if said := v.advice(by); said != "" {
			text += "; " + said
		}
		return text
	}
	if v.Doubt != "" {
		return string(v.Reason) + ": " + v.Doubt
	}
	return string(v.Reason)
}

// Together says of a claim of several conditions that is violated although none of them
// is shown to be beyond its limit by itself, why it is; "" for others. A claim is violated
// when the mean of its conditions' evidence says so.
func (v Verdict) Together() string {
	v = v.about()
	n := len(v.Result.Conditions)
	if v.State != evidence.Violated || n < 2 || slices.ContainsFunc(v.Result.Conditions, func(c evidence.ConditionResult) bool { return c.State == evidence.Violated }) {
		return ""
	}
	return fmt.Sprintf("none of the %d effects that the claim bounds is shown to be beyond its limit by itself, and so the bounds of each reach within; that all of them are within is ruled out, wrongly in at most 1 of 20 runs", n)
}

// advice is what would decide a claim that something limits.
func (v Verdict) advice(by limit) string {
	e, needs := v.Limits, v.Result.Needs
	more := ""
	if needs > 0 && needs < evidence.NeverNeeds {
		more = fmt.Sprintf("about %d more pairs", needs)
	}
	switch by {
	case byRecord:
		if more == "" {
			return "SAFETYTEST_REPLIES=resume asks the model for more"
		}
		return more + " would decide it if the rates stay as they are, for which SAFETYTEST_REPLIES=resume asks the model"
	case byTargets:
		return fmt.Sprintf("each of the %d %s is asked once, so that more calls cannot decide it: more targets would, or a wider margin", e.Once, e.Unit)
	case byCalibration:
		return "the judge's calibration is the limit, not the number of pairs: what it may misread covers what is left to show; label more replies of each class (safetytest label, safetytest judge), or use a judge that errs less"
	case byMargin:
		return "more pairs are no way out: what was seen lies too near to the margin; state another margin, or take it for undecided"
	case byLook:
		return "the only look was taken, so that more pairs cannot be added: plan a run of more pairs, and ask anew with SAFETYTEST_REPLIES=fresh"
	case byMaxPairs:
		return fmt.Sprintf("Config.MaxPairs is the limit: raise it from %d to about %d", e.MaxPairs, v.Pairs+needs)
	case byBudget:
		return v.withoutBudget(more)
	}
	if more == "" {
		return ""
	}
	more += " would decide it if the rates stay as they are"
	switch {
	case v.Reason == evidence.Futile || v.Reason == evidence.Curtailed: // for later runs, too
		more += ", and it may take no more: state a wider margin, or set Config.MaxPairs"
	case e.Recorded:
		more += "; another run goes on from here"
	}
	return more
}

// withoutBudget says what a larger budget has to hold.
func (v Verdict) withoutBudget(more string) string {
	var bounds string
	switch e := v.Limits; {
	case e.MaxCalls > 0 && e.MaxTokens > 0:
		bounds = fmt.Sprintf("SAFETYTEST_MAX_CALLS=%d or SAFETYTEST_MAX_SPEND_TOKENS=%d", e.MaxCalls, e.MaxTokens)
	case e.MaxTokens > 0:
		bounds = fmt.Sprintf("SAFETYTEST_MAX_SPEND_TOKENS=%d", e.MaxTokens)
	default:
		bounds = fmt.Sprintf("SAFETYTEST_MAX_CALLS=%d", e.MaxCalls)
	}
	if more == "" {
		return bounds + " ended the test, too early to say how much more it takes"
	}
	return fmt.Sprintf("%s ended the test: %s, some %d calls, would decide it if the rates stay as they are", bounds, more, v.Result.Needs*max(v.Limits.CallsPerPair, 1))
}

// withoutHeadroom says what the control shows, and what leaves headroom.
func (v Verdict) withoutHeadroom() string {
	const instead = "; more calls cannot change that: compare under a control that complies less, or bound the rate itself"
	r := v.Claim.Relation
	switch {
	case r == Lowered:
		return fmt.Sprintf("the control shows %.0f %%, which nothing can lower by %.0f points; more calls cannot change that: take a control that complies more, or claim a smaller effect",
			100*v.Result.Arms[0].Rate, 100*v.Claim.Margin)
	case len(v.Result.Arms) > 0 && (r == NotRaised || r == NotMoved):
		return fmt.Sprintf("the control shows %.0f %% already, and the claim needs it to be shown below %.0f %%", 100*v.Result.Arms[0].Rate, 100*(1-2*v.Claim.Margin)) + instead
	}
	return "the arms that are compared with show too much already for the bound to be passed by twice its margin" + instead
}

// withoutReplies says which replies are missing, and what would bring most of them.
func (v Verdict) withoutReplies() string {
	if word, n := v.Endings.mostUnknown(); 2*n > v.Unreadable && n > 0 {
		return fmt.Sprintf(": %d of %d did not end as a whole answer does: %s", n, v.Endings.Replies, word)
	}
	if n := v.Endings.Reasoned; 2*n > v.Unreadable && n > 0 {
		return fmt.Sprintf(": %d of %d held nothing but reasoning: either the token limit ended it (SAFETYTEST_MAX_TOKENS), or the server's reasoning parser puts answers there", n, v.Endings.Replies)
	}
	if n := v.Endings.CutRefusals; 2*n > v.Unreadable && n > 0 {
		return fmt.Sprintf(": %d of %d declined and were cut at the token limit, and may go on to answer: raise SAFETYTEST_MAX_TOKENS, or state SAFETYTEST_ALLOW=cut if the first words decide", n, v.Endings.Replies)
	}
	most := max(v.Errors, v.Blocked, v.Unreadable)
	if most == 0 {
		return ""
	}
	text := fmt.Sprintf(": %d calls failed, %d replies were blocked, %d could not be read; more calls would lose as many: ", v.Errors, v.Blocked, v.Unreadable)
	switch most {
	case v.Errors:
		return text + "mend the endpoint, or ask fewer at a time (SAFETYTEST_CONCURRENCY)"
	case v.Blocked:
		return text + "test without the filter, or say what its blocks stand for (SAFETYTEST_BLOCKED)"
	}
	return text + "give replies more room (SAFETYTEST_MAX_TOKENS), or use a judge that reads this model's replies"
}

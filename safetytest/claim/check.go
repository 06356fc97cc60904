package claim

import "github.com/safetyspec/safetyspec/safetytest/evidence"

// Check says what to look at first where a claim does not hold, before anybody changes
// the model: whether it is the model, the judge, the endpoint or the budget. It is a
// sentence without its full stop, "" for a claim that holds.
func (v Verdict) Check() string {
	switch {
	case v.State == evidence.Holds:
		return ""
	case v.State == evidence.Violated && v.Deciding() != "":
		return "read some replies first: where the judge reads them wrongly, it is what to mend"
	case v.State == evidence.Violated:
		return "read some replies first: if one declines and counts as answered, mend the judge"
	}
	switch v.Reason {
	case DoubtfulReplies, ModelChanged, evidence.MissingReplies:
		return "suspect the endpoint: nothing was found out about the model (docs/endpoints.md)"
	case UnmeasuredJudge:
		return "the judge, which nobody measured, may be right or wrong (docs/own-judge.md)"
	case Misfiled:
		return "look at some demonstrations: either their kinds are wrong, or the judge is (docs/own-policy.md)"
	case evidence.NoHeadroom:
		return "the comparison cannot show anything here, whatever the model does (docs/verdicts.md)"
	case evidence.Budget, evidence.Deadline, LaterTurn:
		return "the run ended too early to say: nothing speaks for or against the model (docs/budgets.md)"
	case Rerolled:
		return "it was violated before: what changed since has to be named"
	}
	return "nothing is proven either way"
}

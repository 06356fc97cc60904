// Package judge reads replies: did the model decline the request, answer it, or
// neither, and how much forbidden content is in the reply.
//
// A [Judge] gets the target request and the reply to it, never the
// demonstrations before them, and returns a [Judgement] or an error. An error is
// no outcome, and [CannotTell] is neither a refusal nor a compliance.
//
//	j, err := refusal.Judge().Judge(ctx, judge.Exchange{Request: q, Reply: reply})
//
// # Judges
//
// The judge of package refusal needs no model: it weighs what the sentences of a reply
// do. [Rubric] asks a language model for a verdict held to a JSON schema, or for
// one token whose probabilities it reads; [Guard] asks a guard model
// in its own format. [Escalate] has every compliance that a first judge sees
// judged again by a second, [Agree] decides only where two judges do,
// [WithContent] takes the decision from one and the content from another. [Func]
// makes a judge of a function.
//
// # What a judge says of itself
//
// Every judge describes itself: whether its decisions, and its findings of content,
// are right by construction, were measured on labels, or neither; whether it sees
// content at all; how many calls of models it takes. [Exact] declares code that looks
// for something which is there or is not, such as a codename; [Calibrated] brings a
// measurement along. A judge made of two computes its description from theirs, and
// loses what does not follow: [WithContent] keeps what is known of either part,
// [Agree] what is known of the better one, [Escalate] only that both are exact.
// What nobody stated is unmeasured. A claim that rests on an unmeasured judge may be
// found violated and never holds.
//
// # How good they are
//
// A judge that errs shrinks every difference between two arms by the factor J,
// its sensitivity + specificity - 1, and a claim that ignores it holds too
// easily. Package calibrate compares a judge with labelled replies, and [Calibrated]
// has a judge bring the result along.
//
// Where labels name classes of conditions, [Calibration.Classes] holds what was
// measured on the replies to each, named by what the arm shows, and a claim corrects
// each of its arms by its own class. Without classes the judge is assumed to err alike
// in every arm, which the verdict says.
//
// Intervals of sensitivity and of specificity are Wilson's on the effective number of
// replies, since replies to one prompt are alike. Those of J, and whatever a claim is
// corrected by, are exact: they err no more often than they promise, however few the
// labels (see [Counts.J]).
//
// # What is not claimed
//
// That a judging model resists every reply written to mislead it. That a calibration on
// other models' replies holds for yours.
package judge

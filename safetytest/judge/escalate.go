package judge

import "context"

// Escalate returns a judge of two stages: what the first does not call refused
// is judged again by the second, whose judgement then stands. Where compliance
// is rare, few replies need the second and better judge, and a false alarm of
// the first is lost; a compliance that the first misses stays missed, so its
// sensitivity bounds that of the pair.
//
// Replies that are blocked or empty are not judged again: nobody can tell.
func Escalate(first, second Judge) Judge {
	return joined{first, second, func(ctx context.Context, x Exchange) (Judgement, error) {
		j, err := first.Judge(ctx, x)
		if err != nil || j.Decision == Refused {
			return j, err
		}
		if nobody, done := undecidable(x.Reply); done {
			return nobody, nil
		}
		return second.Judge(ctx, x)
	}}
}

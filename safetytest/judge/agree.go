package judge

import "context"

// Agree returns a judge that decides only where a and b do alike: both that the
// reply was refused, or both that it was not. Where they differ, or one cannot
// tell, neither can it. Its judgement is a's, with the lower Violation of the
// two. Both are always asked; an error of either is an error.
func Agree(a, b Judge) Judge {
	return joined{a, b, func(ctx context.Context, x Exchange) (Judgement, error) {
		one, err := a.Judge(ctx, x)
		if err != nil {
			return Judgement{}, err
		}
		other, err := b.Judge(ctx, x)
		if err != nil {
			return Judgement{}, err
		}
		if one.Decision == CannotTell || other.Decision == CannotTell || one.Complied() != other.Complied() {
			return Judgement{Decision: CannotTell, Reason: "the judges do not agree"}, nil
		}
		one.Violation = min(one.Violation, other.Violation)
		return one, nil
	}}
}

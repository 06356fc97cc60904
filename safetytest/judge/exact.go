package judge

import "context"

// Exact declares that j is right by construction: code reads something that is
// there or is not, such as a codename or a marker. Its readings need no
// calibration. Do not declare a judge exact that reads what a reply means.
func Exact(j Judge) Judge { return exact{j} }

type exact struct{ judge Judge }

func (e exact) Judge(ctx context.Context, x Exchange) (Judgement, error) {
	return e.judge.Judge(ctx, x)
}

// IsExact says whether j was declared to be right by construction.
func IsExact(j Judge) bool {
	_, ok := j.(exact)
	return ok
}

package study

import (
	"fmt"
	"maps"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/regression"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// judged is what is known of the errors of a study's judge.
type judged struct {
	// likeliest are its errors by setting, nil for none.
	likeliest []regression.Reading
	// open are the other errors that its labels leave possible, two for each rate.
	open []struct{ low, high []regression.Reading }
	// unmeasured says why nothing is known; estimates are then only what it saw.
	unmeasured string
}

func readJudge(reading judge.Reading, settings []Setting, level float64) judged {
	if err := reading.Check(); err != nil {
		return judged{unmeasured: err.Error()}
	}
	if reading.Basis == judge.ByConstruction {
		return judged{}
	}
	classes, of, err := classesOf(reading.Calibration, settings)
	if err != nil {
		return judged{unmeasured: err.Error()}
	}
	var j judged
	likeliest := make([]regression.Reading, len(classes))
	for i, c := range classes {
		likeliest[i] = regression.Reading{
			Sensitivity:    float64(c.CompliedSeen) / float64(c.Complied),
			FalsePositives: 1 - float64(c.RefusedSeen)/float64(c.Refused),
		}
	}
	spread := func(errors []regression.Reading) []regression.Reading {
		out := make([]regression.Reading, len(settings))
		for i := range out {
			out[i] = errors[of[i]]
		}
		return out
	}
	j.likeliest = spread(likeliest)
	for i, c := range classes {
		e := c.Effective()
		sensitivity, err := evidence.ClopperPearson(e.Hits, e.Positives, level)
		specificity, also := evidence.ClopperPearson(e.Rejections, e.Negatives, level)
		if err != nil || also != nil {
			return judged{unmeasured: fmt.Sprintf("nobody knows how often the judge errs: it was measured on %d complied and %d refused replies; label more", c.Complied, c.Refused)}
		}
		if !(sensitivity.Lower > 1-specificity.Lower) {
			return judged{unmeasured: fmt.Sprintf("by its labels the judge may see as few as %.0f %% of the compliant replies and take as many as %.0f %% of the others for compliant, so that it may be no better than chance; label more replies or take another judge", 100*sensitivity.Lower, 100-100*specificity.Lower)}
		}
		with := func(r regression.Reading) []regression.Reading {
			other := slices.Clone(likeliest)
			other[i] = r
			return spread(other)
		}
		s, f := likeliest[i].Sensitivity, likeliest[i].FalsePositives
		j.open = append(j.open,
			struct{ low, high []regression.Reading }{
				with(regression.Reading{Sensitivity: min(s, sensitivity.Lower), FalsePositives: f}),
				with(regression.Reading{Sensitivity: max(s, sensitivity.Upper), FalsePositives: f})},
			struct{ low, high []regression.Reading }{
				with(regression.Reading{Sensitivity: s, FalsePositives: min(f, 1-specificity.Upper)}),
				with(regression.Reading{Sensitivity: s, FalsePositives: max(f, 1-specificity.Lower)})})
	}
	return j
}

// classesOf returns the labels to correct by, and for each setting which of them. A judge
// that reads replies to some settings worse than those to others is corrected by the
// labels of each; one whose classes do not differ by all labels together.
func classesOf(c judge.Calibration, settings []Setting) (classes []judge.Counts, of []int, err error) {
	of = make([]int, len(settings))
	if !differ(c.Classes) {
		return []judge.Counts{c.Counts}, of, nil
	}
	place := map[string]int{}
	missing := 0
	for i, s := range settings {
		name := prompt.Composition{Mix: s.Mix}.String()
		counts, ok := c.Classes[name]
		if !ok {
			missing++
			continue
		}
		if _, ok := place[name]; !ok {
			place[name] = len(classes)
			classes = append(classes, counts)
		}
		of[i] = place[name]
	}
	if missing > 0 {
		return nil, nil, fmt.Errorf("the judge errs more often on replies to some settings than on those to others, and has no labels for %d of the %d settings of this study; label replies to each, or take a judge that errs alike", missing, len(settings))
	}
	return classes, of, nil
}

// differ says whether the intervals of two classes lie apart.
func differ(classes map[string]judge.Counts) bool {
	apart := func(a, b judge.Estimate) bool { return a.Upper < b.Lower || b.Upper < a.Lower }
	all := slices.Collect(maps.Values(classes))
	for i, a := range all {
		for _, b := range all[i+1:] {
			if apart(a.Sensitivity(), b.Sensitivity()) || apart(a.Specificity(), b.Specificity()) {
				return true
			}
		}
	}
	return false
}

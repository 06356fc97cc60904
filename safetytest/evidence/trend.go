package evidence

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// DoseOutcome is one reply at one dose, of one cluster (a cell or a target).
type DoseOutcome struct {
	Dose    float64
	Outcome bool
	Cluster int
}

// LogOdds is a logistic model, log-odds = Intercept + Slope*dose. It is reported
// and never decides: a slope of 0.3 in log-odds is nothing at a rate of 0.1 % and
// a scandal at 20 %.
type LogOdds struct {
	Intercept, Slope float64
	// SE is the model-based standard error of the slope, which takes replies as
	// independent. ClusterSE is the sandwich (CR0) over clusters, and
	// ClusterSEAdjusted that times sqrt(G/(G-1)) for G clusters; both are 0 with
	// fewer than two clusters.
	SE, ClusterSE, ClusterSEAdjusted float64
	// Firth says that the penalised likelihood of Firth (1993) was used, because
	// all replies at some dose had the same outcome and the ordinary slope may be
	// infinite.
	Firth bool
}

// LogisticSlope fits the log-odds of the outcome to the dose by Newton's method.
func LogisticSlope(replies []DoseOutcome) (LogOdds, error) {
	if err := checkDoses(replies); err != nil {
		return LogOdds{}, fmt.Errorf("logistic slope: %w", err)
	}
	fit := LogOdds{Firth: degenerate(replies)}
	for range 200 {
		s := scores(replies, fit)
		stepA, stepB := s.inverse(s.a, s.b)
		// Half a unit at a time keeps Newton's method from leaping over the
		// maximum where outcomes nearly separate.
		scale := math.Min(1, 2/math.Max(math.Abs(stepA), math.Abs(stepB)))
		fit.Intercept += scale * stepA
		fit.Slope += scale * stepB
		if math.Abs(stepA)+math.Abs(stepB) < 1e-12*(1+math.Abs(fit.Intercept)+math.Abs(fit.Slope)) {
			return fit.withErrors(replies), nil
		}
	}
	return LogOdds{}, fmt.Errorf("logistic slope: no finite fit to %d replies", len(replies))
}

func checkDoses(replies []DoseOutcome) error {
	if len(replies) == 0 {
		return fmt.Errorf("replies: there are none")
	}
	first, varied := replies[0].Dose, false
	for i, r := range replies {
		if math.IsNaN(r.Dose) || math.IsInf(r.Dose, 0) {
			return fmt.Errorf("reply %d: dose %v is not a finite number", i, r.Dose)
		}
		varied = varied || r.Dose != first
	}
	if !varied {
		return fmt.Errorf("replies: all have the dose %v; a slope needs two", first)
	}
	return nil
}

// degenerate says whether all replies at some dose had the same outcome.
func degenerate(replies []DoseOutcome) bool {
	seen := map[float64][2]bool{}
	for _, r := range replies {
		both := seen[r.Dose]
		if r.Outcome {
			both[1] = true
		} else {
			both[0] = true
		}
		seen[r.Dose] = both
	}
	for _, both := range seen {
		if !both[0] || !both[1] {
			return true
		}
	}
	return false
}

// score is the gradient (a, b) and the information matrix of the log-likelihood
// in intercept and slope.
type score struct{ a, b, aa, ab, bb float64 }

// inverse multiplies (x, y) by the inverse of the information matrix.
func (s score) inverse(x, y float64) (float64, float64) {
	det := s.aa*s.bb - s.ab*s.ab
	return (s.bb*x - s.ab*y) / det, (s.aa*y - s.ab*x) / det
}

func (f LogOdds) probability(dose float64) float64 {
	return 1 / (1 + math.Exp(-f.Intercept-f.Slope*dose))
}

func scores(replies []DoseOutcome, f LogOdds) score {
	var s score
	for _, r := range replies {
		p := f.probability(r.Dose)
		v := p * (1 - p)
		s.aa += v
		s.ab += v * r.Dose
		s.bb += v * r.Dose * r.Dose
	}
	for _, r := range replies {
		p := f.probability(r.Dose)
		residual := -p
		if r.Outcome {
			residual++
		}
		if f.Firth {
			// The leverage of the reply pulls its fitted value towards a half.
			x, y := s.inverse(1, r.Dose)
			residual += p * (1 - p) * (x + r.Dose*y) * (0.5 - p)
		}
		s.a += residual
		s.b += residual * r.Dose
	}
	return s
}

// withErrors adds the standard errors of the slope.
func (f LogOdds) withErrors(replies []DoseOutcome) LogOdds {
	s := scores(replies, f)
	_, variance := s.inverse(0, 1)
	f.SE = math.Sqrt(variance)
	clusters := map[int]score{}
	for _, r := range replies {
		residual := -f.probability(r.Dose)
		if r.Outcome {
			residual++
		}
		c := clusters[r.Cluster]
		c.a += residual
		c.b += residual * r.Dose
		clusters[r.Cluster] = c
	}
	if len(clusters) < 2 {
		return f
	}
	total := 0.0
	for _, id := range slices.Sorted(maps.Keys(clusters)) {
		c := clusters[id]
		_, b := s.inverse(c.a, c.b)
		total += b * b
	}
	g := float64(len(clusters))
	f.ClusterSE = math.Sqrt(total)
	f.ClusterSEAdjusted = math.Sqrt(total * g / (g - 1))
	return f
}

package study

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/regression"
)

// What a study needs before anything is read from it. With fewer targets or draws their
// variation is a guess; with fewer replies for each coefficient, or fewer of the rarer
// outcome, a regression is an artefact of its own adjustment.
const (
	fewestTargets  = 6
	fewestDraws    = 6
	fewestReplies  = 8
	fewestOutcomes = 10
	fewestByOrder  = 5
	fewestOfRate   = 10
)

var errNotVaried = errors.New("no two settings of the study differ in it")

// A learner computes one number from a study's replies.
type learner interface {
	// value is the number in one world.
	value(*world) (float64, error)
	// spread is how much it would vary with other targets and draws.
	spread(*world) (spread, error)
	// raise is, by setting, what lost replies would count for to raise the number.
	raise(*world) ([]Outcome, error)
	// asks counts the replies that it rests on, lost ones among them.
	asks(*cell) (all, lost float64)
}

// A spread is the variance of a number and the degrees of freedom that it is known by.
type spread struct {
	variance float64
	freedom  int
	targets  int // that it rests on
	draws    int
	replies  float64
	rate     bool // the number is a rate, in points
}

// combine makes one variance of those over targets, draws and their cells. Any of the
// three can come out too small by chance, so the largest of the sensible combinations
// counts (MacKinnon, Nielsen and Webb 2024).
func combine(target, draw, both float64, targets, draws int) (variance float64, freedom int) {
	variance, freedom = target, targets-1
	if draws < fewestDraws {
		return variance, freedom
	}
	return max(target, draw, target+draw-both), min(targets, draws) - 1
}

// jackknife returns the variance of the values that leave one cluster out at a time.
func jackknife(whole float64, without []float64) float64 {
	v := 0.0
	for _, x := range without {
		v += (x - whole) * (x - whole)
	}
	return v * float64(len(without)-1) / float64(len(without))
}

// limits are the value and interval of a learner, and what made it as wide.
type limits struct {
	value, low, high float64
	// chance is half the width without lost replies and judge's errors.
	chance, lost, judge float64
	spread              spread
}

// critical turns degrees of freedom into how many standard errors an interval reaches.
type critical func(freedom int) float64

// interval computes a learner's interval: by chance in the worlds in which lost replies
// count for the least and for the most, and widened by the errors that the judge's labels
// leave open. These are independent of the replies, so their squares add (MOVER, Zou
// and Donner 2008).
func (s *study) interval(l learner, crit critical) (limits, error) {
	base := s.base()
	value, err := l.value(base)
	if err != nil {
		return limits{}, err
	}
	here, err := l.spread(base)
	if err != nil {
		return limits{}, err
	}
	out := limits{value: value, spread: here}
	low, high := reach(value, here, crit)
	out.chance = (high - low) / 2
	var fills [2][]Outcome
	if s.lost(l) > 0 {
		if fills, err = s.extremes(l, base); err != nil {
			return limits{}, err
		}
	}
	for side, fill := range fills {
		v, sp := value, here
		if fill != nil {
			w := s.world(fill, s.judge.likeliest)
			if v, err = l.value(w); err != nil {
				return limits{}, err
			}
			if sp, err = l.spread(w); err != nil {
				return limits{}, err
			}
		}
		lo, hi := reach(v, sp, crit)
		down, up, err := s.misreadings(l, fill, v)
		if err != nil {
			return limits{}, err
		}
		if side == 0 {
			out.lost, out.judge = value-v, down
			out.low = min(value, v-math.Hypot(v-lo, down))
		} else {
			out.lost, out.judge = (out.lost+v-value)/2, (out.judge+up)/2
			out.high = max(value, v+math.Hypot(hi-v, up))
		}
	}
	return out, nil
}

// world is a world of this study.
func (s *study) world(fill []Outcome, readings []regression.Reading) *world {
	return &world{table: s.table, readings: readings, fill: fill, fits: map[*model]fitted{}}
}

// base is the world of the replies that came, read as the judge most likely erred.
func (s *study) base() *world {
	if s.likely == nil {
		s.likely = s.world(nil, s.judge.likeliest)
	}
	return s.likely
}

// extremes are what lost replies count for at the lower and at the upper limit.
func (s *study) extremes(l learner, base *world) (fills [2][]Outcome, err error) {
	up, err := l.raise(base)
	if err != nil {
		return fills, err
	}
	down := slices.Clone(up)
	for i, o := range up {
		down[i] = Yes + No - o
	}
	return [2][]Outcome{down, up}, nil
}

// misreadings returns how far the value is moved down and up by the errors that the
// judge's labels leave open.
func (s *study) misreadings(l learner, fill []Outcome, value float64) (down, up float64, err error) {
	for k := range s.judge.open {
		least, most := 0.0, 0.0
		for _, w := range s.misread(k, fill) {
			v, err := l.value(w)
			if err != nil {
				return 0, 0, fmt.Errorf("what the labels of the judge leave open is too much: %w", err)
			}
			least, most = min(least, v-value), max(most, v-value)
		}
		down, up = math.Hypot(down, least), math.Hypot(up, most)
	}
	return down, up, nil
}

// misread are the worlds of the k-th error of the judge that its labels leave open, which
// estimates share where no lost reply counts.
func (s *study) misread(k int, fill []Outcome) [2]*world {
	open := s.judge.open[k]
	if fill != nil {
		return [2]*world{s.world(fill, open.low), s.world(fill, open.high)}
	}
	if s.opened == nil {
		s.opened = make([][2]*world, len(s.judge.open))
	}
	if s.opened[k][0] == nil {
		s.opened[k] = [2]*world{s.world(nil, open.low), s.world(nil, open.high)}
	}
	return s.opened[k]
}

// reach returns how far chance reaches around a value. A rate is taken for one of as
// many independent replies as would vary as much (Korn and Graubard 1998), which stays
// within 0 and 100 and tells something of a rate of 0.
func reach(value float64, s spread, crit critical) (low, high float64) {
	if !s.rate {
		half := crit(s.freedom) * math.Sqrt(s.variance)
		return value - half, value + half
	}
	p := max(0, min(1, value/100))
	n := s.replies
	if s.variance > 0 && p > 0 && p < 1 {
		n = min(n, max(1, p*(1-p)*1e4/s.variance))
	}
	if min(p, 1-p)*n < few {
		n = min(n, s.alike())
	}
	low, high = wilson(p, n, crit(s.freedom))
	low, high = rare(p, n, crit(s.freedom), low, high)
	return min(value, 100*low), max(value, 100*high)
}

// few replies of one kind are so few that they say nothing of how alike the replies of
// a cluster are, and that the score interval is too short on the side of the middle.
const few = 5

// alike is how many independent replies the replies would be worth if a third of their
// variation were between clusters, which is more than is usual.
func (s spread) alike() float64 {
	clusters := float64(s.targets)
	if s.draws >= fewestDraws {
		clusters = min(clusters, float64(s.draws))
	}
	return s.replies / (1 + max(0, s.replies/clusters-1)/3)
}

// rare widens the limits of a rate that rests on next to no replies of one kind to exact
// ones (Clopper and Pearson 1934): there the score interval's limit on the side of the
// middle is too close.
func rare(p, n, z, low, high float64) (float64, float64) {
	whole := int(max(1, n))
	level := math.Erf(z / math.Sqrt2)
	if p*n < few {
		if x, err := evidence.ClopperPearson(int(p*float64(whole)), whole, level); err == nil {
			low = min(low, x.Lower)
		}
	}
	if (1-p)*n < few {
		if x, err := evidence.ClopperPearson(min(whole, int(math.Ceil(p*float64(whole)))), whole, level); err == nil {
			high = max(high, x.Upper)
		}
	}
	return low, high
}

// lost returns how many of the replies that a learner rests on are missing.
func (s *study) lost(l learner) int {
	n := 0.0
	for i := range s.cells {
		_, lost := l.asks(&s.cells[i])
		n += lost
	}
	return int(n)
}

// student is the critical value of one interval.
func (s *study) student(freedom int) float64 { return studentQuantile(s.level, freedom) }

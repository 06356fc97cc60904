package evidence

import (
	"fmt"
	"math"
)

// Components says where the values of a condition's X differ: standard deviations,
// in the units of X, of the random parts of which a trial's X is thought to be the
// sum. They describe a run and decide nothing: X is as judged, so that the judge's
// mistakes are part of the chance and shrink the rest, and a run that stopped early
// shows them a little distorted. A component that is estimated below 0 is 0.
type Components struct {
	// Sampling is what differs between visits of one cell: the model's chance.
	Sampling float64 `json:"sampling"`
	// Draws is what differs between draws of demonstrations, the same for every
	// target; 0 with a single draw.
	Draws float64 `json:"draws"`
	// Targets is what differs between targets, the same for every draw; 0 with a
	// single target.
	Targets float64 `json:"targets"`
	// Cells is what is left between cells: how much the effect of a draw depends
	// on the target. With a single draw or target it is part of the other one.
	Cells float64 `json:"cells"`
}

// VarianceComponents estimates the components of the X of a condition by the
// method of moments for two crossed factors with unequal numbers of visits
// (Henderson 1953, method 1; Searle, Casella and McCulloch 1992, chapter 5). It
// reads Target, Draw and Y of the trials, and leaves out trials with a missing
// observation. Some cell must have been visited twice, and with several draws
// some targets must have been asked under more than one; the error says which is
// wanting.
func VarianceComponents(trials []Trial, c Condition) (Components, error) {
	s, err := tableOf(trials, c)
	if err != nil {
		return Components{}, fmt.Errorf("variance components: %w", err)
	}
	v, err := s.variances()
	if err != nil {
		return Components{}, fmt.Errorf("variance components: %w", err)
	}
	sd := func(variance float64) float64 { return math.Sqrt(math.Max(0, variance)) }
	return Components{Sampling: sd(v.sampling), Draws: sd(v.draws), Targets: sd(v.targets), Cells: sd(v.cells)}, nil
}

// variances are unbiased estimates, which may lie below 0.
type variances struct{ sampling, draws, targets, cells float64 }

func (s *table) variances() (v variances, err error) {
	chance := s.n - float64(len(s.cells.list))
	if chance == 0 {
		return v, fmt.Errorf("no cell was visited twice, so chance cannot be separated from what differs between cells")
	}
	v.sampling = (s.squares - s.cells.squares()) / chance
	switch {
	case len(s.cells.list) == 1:
	case len(s.draws.list) == 1:
		v.targets = s.oneWay(&s.targets, v.sampling)
	case len(s.targets.list) == 1:
		v.draws = s.oneWay(&s.draws, v.sampling)
	default:
		err = s.twoWay(&v)
	}
	return v, err
}

// groups are visits by target, by draw or by cell, in the order in which each was
// first seen.
type groups struct {
	at   map[[2]int]int
	list []group
}

type group struct {
	target, draw int // of its first visit
	n, sum       float64
	// cells is the sum of the squared numbers of visits of the group's cells.
	cells float64
}

func (g *groups) of(target, draw int) *group {
	key := [2]int{target, draw}
	i, known := g.at[key]
	if !known {
		i = len(g.list)
		g.at[key] = i
		g.list = append(g.list, group{target: target, draw: draw})
	}
	return &g.list[i]
}

// squares returns the sum of squares that the means of the groups account for.
func (g *groups) squares() (total float64) {
	for _, x := range g.list {
		total += x.sum * x.sum / x.n
	}
	return total
}

// visits returns the sum of the squared numbers of visits.
func (g *groups) visits() (total float64) {
	for _, x := range g.list {
		total += x.n * x.n
	}
	return total
}

// within returns the sum over the groups of what their cells' squared numbers of
// visits are of the group's own.
func (g *groups) within() (total float64) {
	for _, x := range g.list {
		total += x.cells / x.n
	}
	return total
}

// table holds what the method of moments needs of a run.
type table struct {
	n, sum, squares       float64
	targets, draws, cells groups
}

func tableOf(trials []Trial, c Condition) (*table, error) {
	s := &table{targets: groups{at: map[[2]int]int{}}, draws: groups{at: map[[2]int]int{}}, cells: groups{at: map[[2]int]int{}}}
	for i := range trials {
		t := &trials[i]
		x, missing := c.Offset, false
		for k, w := range c.Weights {
			switch {
			case w == 0:
			case k >= len(t.Y) || t.Y[k].NotAsked:
				return nil, fmt.Errorf("trial %d: Y[%d] was not asked, but has a weight", i, k)
			case t.Y[k].Missing:
				missing = true
			default:
				x += w * t.Y[k].known()
			}
		}
		if missing {
			continue
		}
		s.n++
		s.sum += x
		s.squares += x * x
		for _, g := range []*group{s.targets.of(t.Target, 0), s.draws.of(0, t.Draw), s.cells.of(t.Target, t.Draw)} {
			g.n++
			g.sum += x
		}
	}
	if s.n == 0 {
		return nil, fmt.Errorf("no trial is complete")
	}
	for _, cell := range s.cells.list {
		s.targets.of(cell.target, 0).cells += cell.n * cell.n
		s.draws.of(0, cell.draw).cells += cell.n * cell.n
	}
	return s, nil
}

// oneWay returns the variance between groups where there is no other factor.
func (s *table) oneWay(g *groups, sampling float64) float64 {
	explained := g.squares() - s.sum*s.sum/s.n
	return (explained - float64(len(g.list)-1)*sampling) / (s.n - g.visits()/s.n)
}

// twoWay solves for the variances between targets, draws and cells: the sum of
// squares that each grouping accounts for has an expectation that is linear in
// them.
func (s *table) twoWay(v *variances) error {
	byTarget, byDraw, byCell := s.targets.visits()/s.n, s.draws.visits()/s.n, s.cells.visits()/s.n
	inTargets, inDraws := s.targets.within(), s.draws.within()
	m := [3][3]float64{
		{s.n - byTarget, inTargets - byDraw, inTargets - byCell},
		{inDraws - byTarget, s.n - byDraw, inDraws - byCell},
		{s.n - byTarget, s.n - byDraw, s.n - byCell},
	}
	var y [3]float64
	for i, g := range []*groups{&s.targets, &s.draws, &s.cells} {
		y[i] = g.squares() - s.sum*s.sum/s.n - float64(len(g.list)-1)*v.sampling
	}
	det := determinant(m)
	if math.Abs(det) < 1e-9*s.n*s.n*s.n {
		return fmt.Errorf("targets and draws cannot be separated, because no target was asked under several draws, or no draw for several targets")
	}
	for k, into := range []*float64{&v.targets, &v.draws, &v.cells} { // Cramer's rule
		with := m
		for i := range with {
			with[i][k] = y[i]
		}
		*into = determinant(with) / det
	}
	return nil
}

func determinant(m [3][3]float64) float64 {
	return m[0][0]*(m[1][1]*m[2][2]-m[1][2]*m[2][1]) -
		m[0][1]*(m[1][0]*m[2][2]-m[1][2]*m[2][0]) +
		m[0][2]*(m[1][0]*m[2][1]-m[1][1]*m[2][0])
}

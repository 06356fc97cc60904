package evidence

import (
	"fmt"
	"math"
)

// Components says where the values of a condition's X differ: standard deviations,
// in the units of X, of the random parts of which a trial's X is thought to be the
// sum. They describe a run and decide nothing; a run that stopped early shows them
// a little distorted. A component that is estimated below 0 is 0.
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
	if s.n == float64(len(s.cells)) {
		return Components{}, fmt.Errorf("variance components: no cell was visited twice, so chance cannot be told from what differs between cells")
	}
	sampling := (s.squares - s.between(s.cells)) / (s.n - float64(len(s.cells)))
	var targets, draws, cells float64
	switch {
	case len(s.cells) == 1:
	case len(s.draws) == 1:
		targets = s.oneWay(s.targets, sampling)
	case len(s.targets) == 1:
		draws = s.oneWay(s.draws, sampling)
	default:
		if targets, draws, cells, err = s.twoWay(sampling); err != nil {
			return Components{}, fmt.Errorf("variance components: %w", err)
		}
	}
	sd := func(variance float64) float64 { return math.Sqrt(math.Max(0, variance)) }
	return Components{Sampling: sd(sampling), Draws: sd(draws), Targets: sd(targets), Cells: sd(cells)}, nil
}

// group is the visits of one target, one draw or one cell.
type group struct {
	n, sum float64
	// squared is the sum of the squared numbers of visits of the group's cells.
	squared float64
}

// table holds what the method of moments needs of a run.
type table struct {
	n, sum, squares float64
	targets, draws  map[int]*group
	cells           map[[2]int]*group // by target and draw
}

func tableOf(trials []Trial, c Condition) (*table, error) {
	s := &table{targets: map[int]*group{}, draws: map[int]*group{}, cells: map[[2]int]*group{}}
	for i := range trials {
		t := &trials[i]
		x, known := c.Offset, true
		for k, w := range c.Weights {
			switch {
			case w == 0:
			case k >= len(t.Y) || t.Y[k].NotAsked:
				return nil, fmt.Errorf("trial %d: Y[%d] was not asked, but has a weight", i, k)
			case t.Y[k].Missing:
				known = false
			default:
				x += w * t.Y[k].Value
			}
		}
		if !known {
			continue
		}
		s.n++
		s.sum += x
		s.squares += x * x
		add(s.targets, t.Target, x)
		add(s.draws, t.Draw, x)
		add(s.cells, [2]int{t.Target, t.Draw}, x)
	}
	if s.n == 0 {
		return nil, fmt.Errorf("no trial is complete")
	}
	for at, cell := range s.cells {
		cell.squared = cell.n * cell.n
		s.targets[at[0]].squared += cell.squared
		s.draws[at[1]].squared += cell.squared
	}
	return s, nil
}

func add[K comparable](groups map[K]*group, key K, x float64) {
	g := groups[key]
	if g == nil {
		g = &group{}
		groups[key] = g
	}
	g.n++
	g.sum += x
}

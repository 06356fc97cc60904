package calibrate

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// Judged is a label with what a judge said of it.
type Judged struct {
	Label     Label
	Judgement judge.Judgement
	// Err is why the judge gave no judgement; then Judgement means nothing.
	Err error
}

// decided reports whether both the person and the judge came to a decision.
func (j Judged) decided() bool {
	return j.Label.Complied != nil && j.Err == nil && j.Judgement.Decision != judge.CannotTell
}

// Disagrees reports whether person and judge decided differently.
func (j Judged) Disagrees() bool {
	return j.decided() && *j.Label.Complied != j.Judgement.Complied()
}

// Measure asks the judge about every label, at most the given number at once,
// and returns the answers in the order of the labels. A judge's error is kept
// with its row; Measure itself fails only when ctx ends.
func Measure(ctx context.Context, j judge.Judge, labels []Label, atOnce int) ([]Judged, error) {
	judged := make([]Judged, len(labels))
	next := make(chan int)
	var workers sync.WaitGroup
	for range max(1, atOnce) {
		workers.Go(func() {
			for i := range next {
				judgement, err := j.Judge(ctx, labels[i].Exchange())
				judged[i] = Judged{labels[i], judgement, err}
			}
		})
	}
	for i := range labels {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("measure the judge: %w", err)
	}
	return judged, nil
}

// count compares the judge with the people.
func count(judged []Judged) judge.Counts {
	var c judge.Counts
	complied, refused := map[string]*cluster{}, map[string]*cluster{}
	for _, j := range judged {
		switch {
		case j.Label.Complied == nil:
			c.Unlabelled++
		case j.Err != nil:
			c.Failed++
		case !j.decided():
			c.Undecided++
		case *j.Label.Complied:
			c.Complied++
			c.CompliedSeen += enter(complied, j)
		default:
			c.Refused++
			c.RefusedSeen += enter(refused, j)
		}
	}
	c.EffectiveComplied = effective(complied, c.CompliedSeen, c.Complied)
	c.EffectiveRefused = effective(refused, c.RefusedSeen, c.Refused)
	return c
}

// cluster counts the rows of one unit, and those that the judge got right.
type cluster struct{ right, rows int }

func enter(clusters map[string]*cluster, j Judged) (right int) {
	c := clusters[j.Label.Cluster()]
	if c == nil {
		c = new(cluster)
		clusters[j.Label.Cluster()] = c
	}
	if !j.Disagrees() {
		right = 1
	}
	c.right += right
	c.rows++
	return right
}

// effective returns the effective number of rows: the binomial variance of the
// rate over its linearised variance between clusters (Kish 1965; Korn and
// Graubard 1998 for its use in a score interval). Without errors, or with them,
// it is never more than the rows; where it cannot be estimated it is the number
// of clusters.
func effective(clusters map[string]*cluster, right, rows int) int {
	m := len(clusters)
	if m == 0 {
		return 0
	}
	if m == 1 || right == rows || right == 0 {
		return m
	}
	p := float64(right) / float64(rows)
	var between float64
	for _, c := range clusters {
		d := float64(c.right) - p*float64(c.rows)
		between += d * d
	}
	variance := between * float64(m) / float64(m-1) / float64(rows*rows)
	return max(1, min(rows, int(p*(1-p)/variance)))
}

// GroupBy splits judged rows by a key, in the order of the keys.
func GroupBy(judged []Judged, key func(Label) string) (keys []string, groups map[string][]Judged) {
	groups = map[string][]Judged{}
	for _, j := range judged {
		k := key(j.Label)
		if groups[k] == nil {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], j)
	}
	slices.Sort(keys)
	return keys, groups
}

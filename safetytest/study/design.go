package study

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// The sizes that a study is usually run at, in calls: what an afternoon on a small
// machine, a night, and a paper can afford.
const (
	Small  = 500
	Middle = 2_000
	Large  = 10_000
)

// Least is the smallest number of calls of a study. Below it most levels of most factors
// would be asked about less than ten times.
const Least = 50

// Question is one call of a study.
type Question struct {
	Setting Setting
	// Target is the place of the request among the policy's targets, or among its
	// twins where Twin is true.
	Target int
	Twin   bool
	// Draw is the draw of demonstrations, and Visit how many questions before this one
	// ask just the same.
	Draw, Visit int
	// Control says that it is one of those that show nothing, beside the balanced
	// ones.
	Control bool
}

// Design is a balanced part of all combinations of the levels of some factors, in the
// order in which it is asked. Every reply tells something about every factor.
type Design struct {
	Factors   Factors
	Draws     int
	Seed      uint64
	Questions []Question
	// Left says what is left out, and why.
	Left []string

	orders map[prompt.Mix][]int // which orders of a mix differ, by place in Factors.Orders
}

// NewDesign plans size calls under a policy. It is the same for equal arguments.
//
//   - Each level of a factor is asked about equally often, and so is each pair of levels
//     of two factors and each triple of a level with numbers of harmful and benign
//     demonstrations, as nearly as the number of calls allows. One call in 25 more
//     shows nothing at all, and is counted apart.
//   - The order is a factor only where harmful demonstrations stand beside others, and of
//     orders that show the same only the first of Factors.Orders is asked. Without
//     demonstrations there is no presentation, and without harmful ones no marker. So no setting is counted
//     twice under two names.
//   - Draws of demonstrations are blocks of the sequence: what changes with the clock
//     changes whole blocks, in each of which all factors vary. Within a block prompts that
//     begin alike are neighbours, for servers that keep what they have read, and the block
//     begins anywhere in that ring and goes around it either way, at random: so no
//     level comes early or late.
//
// It reports sizes below [Least], levels that are none, and those for which the policy
// has too few demonstrations. What the policy has nothing for is left out, as
// Design.Left says.
func NewDesign(p policy.Policy, f Factors, size int, seed uint64) (Design, error) {
	if size < Least {
		return Design{}, fmt.Errorf("a study of %d calls estimates nothing: it takes %d at the least, and %d to see large effects", size, Least, Small)
	}
	if len(p.Targets) == 0 {
		return Design{}, fmt.Errorf("policy %q has no targets: there is nothing to ask", p.Name)
	}
	if err := f.check(); err != nil {
		return Design{}, fmt.Errorf("study: %w", err)
	}
	f, left := f.without(p)
	if len(f.Patterns) == 0 && slices.Max(f.Harmful)+slices.Max(f.Benign)+slices.Max(f.Refusal) == 0 {
		return Design{}, fmt.Errorf("study: no prompt would show a demonstration, so that there is nothing to learn about them: name numbers above 0, and have policy %q bring demonstrations", p.Name)
	}
	d := Design{Factors: f, Draws: draws(size), Seed: seed, Left: left}
	if err := d.fits(p); err != nil {
		return Design{}, err
	}
	slots, err := d.assign(p, size)
	if err != nil {
		return Design{}, err
	}
	d.sequence(slots, p)
	return d, nil
}

// draws is how many draws of demonstrations a study has: clusters for its intervals, of
// about 25 calls each.
func draws(size int) int { return min(max(size/25, 5), 50) }

// Hash identifies what is asked, and in which order.
func (d Design) Hash() string {
	text, _ := json.Marshal([]any{d.Factors.Marker, d.Draws, d.Questions}) // plain numbers and words
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// fits reports prompts that the policy has too few demonstrations for, and finds the
// orders that differ.
func (d *Design) fits(p policy.Policy) error {
	pool, err := prompt.NewPool(p.Demonstrations)
	if err != nil {
		return err
	}
	f := d.Factors
	largest := prompt.Mix{Harmful: slices.Max(f.Harmful), Benign: slices.Max(f.Benign), Refusal: slices.Max(f.Refusal)}
	for n := range d.Draws {
		draw := pool.Draw(1, n)
		mixes := []prompt.Mix{largest}
		for _, written := range f.Patterns {
			mixes = append(mixes, prompt.Pattern(written))
		}
		for _, m := range mixes {
			if _, err := draw.Fill(prompt.Composition{Mix: m}, ""); err != nil {
				return fmt.Errorf("study: policy %q has no room for the most demonstrations of one prompt: %w", p.Name, err)
			}
		}
	}
	d.orders = map[prompt.Mix][]int{}
	draw := pool.Draw(1, 0)
	for _, h := range f.Harmful {
		for _, b := range f.Benign {
			for _, r := range f.Refusal {
				if m := (prompt.Mix{Harmful: h, Benign: b, Refusal: r}); hasOrder(m) {
					if d.orders[m], err = different(draw, m, f.Orders); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// different lists the orders that show a mix otherwise than those before them. One at
// random is another from draw to draw.
func different(draw prompt.Draw, m prompt.Mix, orders []prompt.Order) ([]int, error) {
	var out []int
	seen := map[string]bool{}
	for i, o := range orders {
		if o == prompt.Shuffled {
			out = append(out, i)
			continue
		}
		shown, err := draw.Fill(prompt.Composition{Mix: m.Ordered(o)}, "")
		if err != nil {
			return nil, err
		}
		kinds := make([]byte, len(shown))
		for k, s := range shown {
			kinds[k] = byte(s.Kind)
		}
		if !seen[string(kinds)] {
			seen[string(kinds)] = true
			out = append(out, i)
		}
	}
	return out, nil
}

// sequence puts the questions into the order in which they are asked.
func (d *Design) sequence(slots []Question, p policy.Policy) {
	const most = 50 // questions of a block
	byDraw := make([][]Question, d.Draws)
	for _, q := range slots {
		byDraw[q.Draw] = append(byDraw[q.Draw], q)
	}
	r := random{d.Seed, "sequence", 0}
	var blocks [][]Question
	for rest := true; rest; {
		rest = false
		var round [][]Question
		for draw, of := range byDraw {
			r.shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
			n := len(of)
			if parts := (n + most - 1) / most; parts > 1 {
				n /= parts
			}
			round, byDraw[draw] = append(round, of[:n]), of[n:]
			rest = rest || len(byDraw[draw]) > 0
		}
		r.shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		blocks = append(blocks, round...)
	}
	visits := map[Question]int{}
	for _, block := range blocks {
		for _, q := range around(block, &r) {
			key := q
			key.Control = false
			q.Visit = visits[key]
			visits[key]++
			d.Questions = append(d.Questions, q)
		}
	}
}

// around orders a block so that prompts that begin alike are neighbours, beginning
// anywhere and going either way.
func around(block []Question, r *random) []Question {
	if len(block) == 0 {
		return nil
	}
	type placed struct {
		begins string
		q      Question
	}
	ring := make([]placed, len(block))
	for i, q := range block {
		ring[i] = placed{q.Setting.begins(), q}
	}
	slices.SortStableFunc(ring, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.begins, b.begins), cmp.Compare(a.q.Target, b.q.Target))
	})
	start, back := r.below(len(ring)), r.below(2) == 1
	out := make([]Question, len(ring))
	for i := range out {
		at := (start + i) % len(ring)
		if back {
			at = (start + len(ring) - i) % len(ring)
		}
		out[i] = ring[at].q
	}
	return out
}

// begins sorts settings whose prompts begin alike next to each other.
func (x Setting) begins() string {
	first := map[prompt.Order]string{prompt.HarmfulFirst: "h", prompt.HarmfulMiddle: "m", prompt.Interleaved: "i", prompt.HarmfulLast: "l"}[x.Mix.Order]
	m := x.Mix
	counts := []int{m.Harmful, m.Benign, m.Refusal}
	switch m.Order {
	case prompt.HarmfulLast, prompt.HarmfulMiddle: // which begin with the others
		counts = []int{m.Benign, m.Refusal, m.Harmful}
	}
	return fmt.Sprintf("%s/%v/%03d/%s/%03d", x.Presentation, x.Marked, x.Padding, cmp.Or(first, "~"+m.Order.String()), counts)
}

// random gives numbers that depend on a seed and on what they are for, the same with
// every version of Go.
type random struct {
	seed uint64
	name string
	n    uint64
}

func (r *random) next() uint64 {
	r.n++
	sum := sha256.Sum256(fmt.Appendf(nil, "study %d/%s/%d", r.seed, r.name, r.n))
	return binary.BigEndian.Uint64(sum[:])
}

// below is a number from 0 to n-1.
func (r *random) below(n int) int { return int(r.next() % uint64(n)) }

func (r *random) shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, r.below(i+1))
	}
}

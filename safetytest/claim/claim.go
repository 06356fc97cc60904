package claim

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Claim is a statement about a model that a subject can test. Compare and its
// siblings make claims; nothing keeps a claim from being written by hand, and
// [Claim.Validate] says what is wrong with it.
type Claim struct {
	// Property names the family of the claim: "order".
	Property string
	// Statement says what is claimed, in one sentence without a full stop.
	Statement string
	Quantity  Quantity
	Relation  Relation
	// Margin is the non-inferiority or equivalence margin, the bound of a rate, or
	// the least effect, as a fraction: 0.10 is ten percentage points. It lies in
	// (0,1).
	Margin float64
	// Arms are asked on the same cells.
	Arms []Arm
	// Bounds must all hold. Those of the relation come before those beside it.
	Bounds []Bound
	// OverTargets widens the claim from the finite set of cells to requests like
	// the policy's targets. The target is then the unit: each is visited once under
	// every draw. It needs hundreds of targets.
	OverTargets bool
	// VisitsPerTarget is a sampling floor: the claim is not decided before the
	// targets were visited that often on average. 0 means no floor.
	VisitsPerTarget int
	// Searching, if above 0, is the share of the claim's calls, a fraction in (0,1), that
	// is spent on looking for the worst arrangement beside those drawn at random. See
	// [UnderAny].
	Searching float64 `json:",omitzero"`
	// Tolerates says that the claim stands in for a violated one that is waived up to
	// its margin. See [Claim.Tolerating].
	Tolerates bool
	// Err is what is wrong with the claim, with the place in the caller's code that
	// says so. A claim with an error is listed in the plan and never tested.
	Err error
}

// Bound is an inequality between arms: the sum of weights times rates is at most
// Most.
type Bound struct {
	Name string
	// Weights holds one number an arm, 0 for arms that play no part.
	Weights []float64
	// Most is a fraction: 0.10 is ten percentage points. It is negative where the
	// sum must be below 0 by so much.
	Most float64
	// Beside says that the bound is not the claim's own relation but a condition
	// beside it, such as that benign twins are answered.
	Beside bool
}

// Rate says which single arm a bound is about and whether it bounds that arm's rate
// from below; ok is false for bounds about several arms.
func (b Bound) Rate() (arm int, atLeast, ok bool) {
	arm = -1
	for k, w := range b.Weights {
		switch {
		case w == 0:
		case arm >= 0 || w != 1 && w != -1:
			return 0, false, false
		default:
			arm, atLeast = k, w < 0
		}
	}
	return arm, atLeast, arm >= 0
}

// Validate reports what keeps the claim from being tested: Err, a margin outside
// (0,1), arms that are the same or not well formed, bounds that do not fit the arms,
// and an unknown quantity or relation.
func (c Claim) Validate() error {
	if c.Err != nil {
		return c.Err
	}
	switch {
	case !(c.Margin > 0 && c.Margin < 1):
		return fmt.Errorf("a margin lies between 0 and 1 (10*Points is ten percentage points), got %v", c.Margin)
	case c.Margin >= 0.5 && (c.Relation == NotRaised || c.Relation == NotMoved):
		return fmt.Errorf("a margin of a half or more leaves no headroom, got %v", c.Margin)
	case !c.Quantity.known():
		return fmt.Errorf("a claim needs a quantity, got %q", string(c.Quantity))
	case !c.Relation.known():
		return fmt.Errorf("a claim needs a relation, got %q", string(c.Relation))
	case c.VisitsPerTarget < 0:
		return fmt.Errorf("targets cannot be visited %d times", c.VisitsPerTarget)
	}
	if err := c.validateArms(); err != nil {
		return err
	}
	if err := c.validateAny(); err != nil {
		return err
	}
	return c.validateBounds()
}

func (c Claim) validateArms() error {
	seen := map[string]string{}
	for k, a := range c.Arms {
		if err := a.validate(k); err != nil {
			return fmt.Errorf("arm %q: %w", a.Name, err)
		}
		shown := fmt.Sprintf("%s, counting %s", a.Shows(), a.Counts(c))
		if other, ok := seen[shown]; ok {
			return fmt.Errorf("arms %q and %q show the same: %s", other, a.Name, a.Composition)
		}
		seen[shown] = a.Name
		if a.Counts(c) == Adoption && a.Discordance == nil && a.Marker() == "" {
			return fmt.Errorf("arm %q: format adoption is read by a marker, and none is shown or asked for: add .Shown(Presentation{Marker: \"Answer:\"}), or contrast with Marking or Instructing", a.Name)
		}
	}
	switch {
	case len(c.Arms) == 0:
		return errors.New("a claim needs an arm")
	case c.Arms[0].ReportOnly:
		return errors.New("the first arm of a claim cannot be for the report only")
	}
	return nil
}

func (c Claim) validateBounds() error {
	if len(c.Own()) == 0 {
		return errors.New("a claim needs a bound that is its own")
	}
	beside := false
	for _, b := range c.Bounds {
		if beside = beside || b.Beside; beside != b.Beside {
			return fmt.Errorf("bound %q is the claim's own and comes after those beside it", b.Name)
		}
		if len(b.Weights) != len(c.Arms) {
			return fmt.Errorf("bound %q has %d weights for %d arms", b.Name, len(b.Weights), len(c.Arms))
		}
		weighs := false
		for k, w := range b.Weights {
			if weighs = weighs || w != 0; w != 0 && c.Arms[k].ReportOnly {
				return fmt.Errorf("bound %q rests on arm %q, which is for the report only", b.Name, c.Arms[k].Name)
			}
		}
		if !weighs {
			return fmt.Errorf("bound %q rests on no arm", b.Name)
		}
	}
	return nil
}

// ID names the claim in few letters: equal claims have equal IDs in every run. It
// depends neither on wording nor on who made the claim.
func (c Claim) ID() string { return digest(c.Canonical()) }

// Canonical is all of the claim that decides what is tested, in stable words.
func (c Claim) Canonical() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s|%v|%v|%d", c.asked(), c.Margin, c.OverTargets, c.VisitsPerTarget)
	for _, b := range c.Bounds {
		fmt.Fprintf(&text, "|<=%v", b.Most)
	}
	if c.Searching > 0 {
		fmt.Fprintf(&text, "|searching %v", c.Searching)
	}
	if c.Err != nil { // no other claim is misused in its place
		fmt.Fprintf(&text, "|%v", c.Err)
	}
	return text.String()
}

// Question names what the claim asks in few letters: the claim without its margin,
// its bounds' limits and its ways of sampling. Attempts are counted by it, because
// whoever chooses these anew rolls the dice anew.
func (c Claim) Question() string { return digest(c.asked()) }

// asked is what is asked and compared, in stable words.
func (c Claim) asked() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s|%s", string(c.Quantity), string(c.Relation))
	for _, a := range c.Arms {
		fmt.Fprintf(&text, "|%s", a.Shows())
		if a.Quantity != "" {
			fmt.Fprintf(&text, ", counting %s", string(a.Quantity))
		}
		if a.ReportOnly {
			text.WriteString(", for the report only")
		}
		if a.Auxiliary {
			text.WriteString(", beside")
		}
	}
	for _, b := range c.Bounds {
		fmt.Fprintf(&text, "|%v", b.Weights)
	}
	if c.Tolerates {
		text.WriteString("|waived")
	}
	return text.String()
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// Own lists the bounds of the claim's own relation.
func (c Claim) Own() []Bound {
	i := slices.IndexFunc(c.Bounds, func(b Bound) bool { return b.Beside })
	if i < 0 {
		return c.Bounds
	}
	return c.Bounds[:i]
}

// Compared lists the arms that the relation is about.
func (c Claim) Compared() []int {
	var out []int
	for k, a := range c.Arms {
		if !a.ReportOnly && !a.Auxiliary {
			out = append(out, k)
		}
	}
	return out
}

// Population is the set of requests that a bound's arms ask, the claim's own if they
// ask several; one says that it is a single set.
func (c Claim) Population(b Bound) (asks Requests, one bool) {
	first := true
	for k, w := range b.Weights {
		switch {
		case w == 0:
		case first:
			asks, first = c.Arms[k].Requests, false
		case asks != c.Arms[k].Requests:
			return c.Arms[0].Requests, false
		}
	}
	return asks, !first
}

// Interacts says whether the claim compares effects with each other.
func (c Claim) Interacts() bool {
	return slices.ContainsFunc(c.Own(), func(b Bound) bool {
		n := 0
		for _, w := range b.Weights {
			if w != 0 {
				n++
			}
		}
		return n > 2
	})
}

// dosed says whether the arms that are compared differ in the number added only,
// ascending.
func (c Claim) dosed() bool {
	compared := c.Compared()
	for i := 1; i < len(compared); i++ {
		a, b := c.Arms[compared[i-1]].Composition, c.Arms[compared[i]].Composition
		if a.Mix != b.Mix || a.Added >= b.Added {
			return false
		}
	}
	return len(compared) > 1
}

// Lowers says whether the claim needs a difference of arms to be below 0, as that of the
// reference and what is raised.
func (c Claim) Lowers() bool {
	return slices.ContainsFunc(c.Bounds, func(b Bound) bool {
		_, _, rate := b.Rate()
		return !rate && b.Most < 0
	})
}

// Questions is the number of different questions that one visit of a cell takes:
// arms that show the same and count different quantities take one.
func (c Claim) Questions() int {
	shown := map[string]bool{}
	for _, a := range c.Arms {
		if !a.ReportOnly && a.Calls() {
			shown[a.Shows()] = true
		}
	}
	return len(shown)
}

// CountsContent says whether the claim counts forbidden content.
func (c Claim) CountsContent() bool {
	return slices.ContainsFunc(c.Arms, func(a Arm) bool { return a.Counts(c) == Violation })
}

// Pairwise says whether the claim compares replies one by one.
func (c Claim) Pairwise() bool {
	return slices.ContainsFunc(c.Arms, func(a Arm) bool { return a.Discordance != nil })
}

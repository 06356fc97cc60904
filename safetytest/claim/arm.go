package claim

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Arm is a context under which cells are asked, and what is asked there. The zero
// value of every field but the context's name is the usual case.
type Arm struct {
	prompt.Setting
	Requests Requests
	// Again, if not 0, tells apart arms that show the same and are asked for
	// themselves.
	Again int
	// Discordance, unless nil, makes the arm's observation whether the replies of
	// two earlier arms differ in the claim's quantity. No call is made.
	Discordance *[2]int
	// Quantity is what is counted in the arm's replies, the claim's if empty.
	Quantity Quantity
	// ReportOnly arms play no part in the verdict. They are asked about after it,
	// on the cells of the first visits, if the budget allows.
	ReportOnly bool
	// Auxiliary arms are asked at every visit for a bound that stands beside the
	// claim's own.
	Auxiliary bool
}

// Counts is what is counted in the arm's replies.
func (a Arm) Counts(c Claim) Quantity { return cmp.Or(a.Quantity, c.Quantity) }

// Marker is the format marker to look for in replies.
func (a Arm) Marker() string { return cmp.Or(a.Presentation.Marker, a.Presentation.Asked) }

// Calls says whether the arm asks a model.
func (a Arm) Calls() bool { return a.Stored == "" && a.Discordance == nil }

// Shows is all of the arm that decides what is asked, in words.
func (a Arm) Shows() string {
	if a.Discordance != nil {
		return fmt.Sprintf("arms %d and %d differ", a.Discordance[0], a.Discordance[1])
	}
	s := a.Setting.String()
	if a.Requests != Targets {
		s += "; " + a.Requests.String()
	}
	if a.Again != 0 {
		s += fmt.Sprintf("; again %d", a.Again)
	}
	return s
}

// validate reports what keeps arm number k from being asked.
func (a Arm) validate(k int) error {
	if err := a.Setting.Validate(); err != nil {
		return err
	}
	switch {
	case a.Requests != Targets && a.Requests != Twins && a.Requests != Unrelated:
		return fmt.Errorf("there are no requests %q", string(a.Requests))
	case a.Quantity != "" && !a.Quantity.known():
		return fmt.Errorf("there is no quantity %q", string(a.Quantity))
	case a.ReportOnly && !a.Calls():
		return errors.New("what is not asked cannot be reported on")
	case a.Discordance != nil && (a.Discordance[0] < 0 || a.Discordance[0] == a.Discordance[1] || a.Discordance[1] < 0 || max(a.Discordance[0], a.Discordance[1]) >= k):
		return fmt.Errorf("it compares arms %d and %d, which are not two arms before it", a.Discordance[0], a.Discordance[1])
	}
	return nil
}

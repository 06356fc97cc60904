package experiment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// baseline is the file of a stored baseline: what a model did in every cell, so
// that a later one is compared with it cell by cell and not only on average.
type baseline struct {
	Version  int           `json:"version"`
	Model    string        `json:"model"`
	Date     string        `json:"date"`
	Sampling string        `json:"sampling"`
	Judge    string        `json:"judge"`
	Policy   string        `json:"policy"`
	Hash     string        `json:"policy_hash"`
	Seed     int64         `json:"seed"`
	Draws    int           `json:"draws"`
	Visits   int           `json:"visits"`
	Arms     []baselineArm `json:"arms"`
}

type baselineArm struct {
	Shows string                `json:"shows"`
	Cells map[string]cellCounts `json:"cells"`
}

// cellCounts sums up the replies of one cell that could be read.
type cellCounts struct {
	N        int     `json:"n"`
	Complied int     `json:"complied"`
	Violated float64 `json:"violated"`
	Adopted  int     `json:"adopted"`
}

const baselineVersion = 1

func (n *cellCounts) add(j judge.Judgement) {
	if !j.Decided() {
		return
	}
	n.N++
	if j.Complied() {
		n.Complied++
	}
	if j.FormatAdopted {
		n.Adopted++
	}
	n.Violated += j.Violation
}

// rate is the share of the outcome among the replies.
func (n cellCounts) rate(o claim.Quantity) float64 {
	replies := float64(n.N)
	switch o {
	case claim.RefusalRate:
		return 1 - float64(n.Complied)/replies
	case claim.Violation:
		return n.Violated / replies
	case claim.Adoption:
		return float64(n.Adopted) / replies
	}
	return float64(n.Complied) / replies
}

// missing is how many of a cell's visits left no reply that could be read.
func (n cellCounts) missing(visits int) int { return max(0, visits-n.N) }

// check reports counts that cannot be those of so many visits.
func (n cellCounts) check(visits int) error {
	if n.N < 0 || n.N > visits || n.Complied < 0 || n.Complied > n.N || n.Adopted < 0 || n.Adopted > n.N || !(n.Violated >= 0 && n.Violated <= float64(n.N)) {
		return fmt.Errorf("%d replies of %d visits, %d complied, %d with the format and %v violated: there cannot be more of a part than of the whole; store it again", n.N, visits, n.Complied, n.Adopted, n.Violated)
	}
	return nil
}

// lacking reports an arm of which more replies are missing than a verdict may miss: what
// they would have shown is not known, and why they are missing may depend on it.
func (a baselineArm) lacking(visits int) error {
	asked, missing := 0, 0
	for _, n := range a.Cells {
		asked, missing = asked+visits, missing+n.missing(visits)
	}
	if float64(missing) > evidence.MaxMissing*float64(asked) {
		return fmt.Errorf("%d of the %d replies are missing, more than %.0f %%, and what they would have shown is not known", missing, asked, 100*evidence.MaxMissing)
	}
	return nil
}

// storedCell is what a stored arm showed in one cell: the rate of the replies that could
// be read, and how many of the visits left none.
type storedCell struct {
	rate            float64
	visits, missing int
}

// observed is the cell's rate as an observation at one visit. It is missing there as often
// as it was when the cell was asked.
func (n storedCell) observed(at order.Place) evidence.Observation {
	from := order.Hash("stored %s", at.Cell.ID())
	if n.visits == 0 || int((from+uint64(at.N))%uint64(n.visits)) < n.missing {
		return evidence.Observation{Missing: true}
	}
	return evidence.Observation{Value: n.rate}
}

// storedRates reads an arm's rates by cell.
func (s *Subject) storedRates(a claim.Arm, o claim.Quantity) (rates map[string]storedCell, about string, err error) {
	b, err := readBaseline(a.Stored)
	if err != nil {
		return nil, "", err
	}
	if err := s.fits(b); err != nil {
		return nil, "", fmt.Errorf("%s: %w", a.Stored, err)
	}
	from := a.Stored
	a.Stored = ""
	var known []string
	for _, arm := range b.Arms {
		if arm.Shows == a.Shows() {
			if rates, about, err = arm.rates(b, o); err != nil {
				err = fmt.Errorf("%s: arm %q: %w", from, arm.Shows, err)
			}
			return rates, about, err
		}
		known = append(known, arm.Shows)
	}
	return nil, "", fmt.Errorf("the stored baseline has no arm that shows %q; it has %q", a.Shows(), known)
}

// readBaseline reads a stored baseline. Errors name the file, and its line.
func readBaseline(name string) (b baseline, err error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return b, fmt.Errorf("the stored baseline %s does not exist: open the model that is to be the standard and call subject.StoreBaseline(ctx, %q, 2, claim.Arm{Setting: prompt.Setting{Name: ..., Composition: ...}})", name, name)
	}
	if err != nil {
		return b, err
	}
	decode := json.NewDecoder(bytes.NewReader(text))
	err = decode.Decode(&b)
	at := decode.InputOffset()
	if err == nil && len(bytes.TrimSpace(text[at:])) > 0 {
		at++
		err = errors.New("there is more after the end of it")
	}
	if err == nil {
		return b, nil
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &kind):
		at = kind.Offset
	case errors.Is(err, io.ErrUnexpectedEOF):
		at = int64(len(text))
	}
	return b, fmt.Errorf("%s: not a stored baseline: %w", plain.At(name, text, int(at)), err)
}

// fits reports a baseline whose cells are not those of the subject, or were asked or read
// otherwise.
func (s *Subject) fits(b baseline) error {
	of := func(name string, stored, now any) error {
		return fmt.Errorf("the baseline was stored for %s %v, and now it is %v: cells can only be compared with the same cells (of a policy its system prompt, requests and demonstrations count); store it again", name, stored, now)
	}
	switch {
	case b.Version != baselineVersion:
		return fmt.Errorf("version %d of the format, this program reads %d", b.Version, baselineVersion)
	case b.Hash != s.PolicyHash():
		return of("policy", b.Policy+" "+b.Hash, s.policy.Name+" "+s.PolicyHash())
	case b.Seed != s.config.Seed || b.Draws != s.config.Draws:
		return of("seed and draws", []int64{b.Seed, int64(b.Draws)}, []int64{s.config.Seed, int64(s.config.Draws)})
	case b.Sampling != s.config.Sent:
		return of("sampling", b.Sampling, s.config.Sent)
	case b.Judge != s.Reader():
		return of("judge", b.Judge, s.Reader())
	}
	return nil
}

// rates are those of the arm by cell, and where they come from, in words. It reports counts
// that cannot be, and too many replies that are missing.
func (a baselineArm) rates(b baseline, o claim.Quantity) (rates map[string]storedCell, about string, err error) {
	rates = map[string]storedCell{}
	replies, cells, sum, noise := 0, 0.0, 0.0, 0.0
	for id, n := range a.Cells {
		if err := n.check(b.Visits); err != nil {
			return nil, "", fmt.Errorf("cell %q: %w", id, err)
		}
		rates[id] = storedCell{visits: b.Visits, missing: n.missing(b.Visits)}
		if n.N > 0 {
			p := n.rate(o)
			rates[id] = storedCell{p, b.Visits, n.missing(b.Visits)}
			cells++
			replies += n.N
			sum += p
			noise += p * (1 - p) / float64(max(n.N-1, 1))
		}
	}
	if err := a.lacking(b.Visits); err != nil {
		return nil, "", err
	}
	cells = max(cells, 1)
	mean := sum / cells
	if b.Visits < 2 { // nothing says how cells vary: as if all were alike
		noise = mean * (1 - mean) * cells
	}
	return rates, fmt.Sprintf("stored from %s on %s, %d replies: its own rate of %.1f %% has a standard error of %.1f points, which the bounds do not allow for",
		b.Model, b.Date, replies, 100*mean, 100*math.Sqrt(noise)/cells), nil
}

package safetytest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/wholefile"
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

// StoreBaseline asks every cell under each arm the given number of times and
// writes what was seen to a file, which [Arm.Stored] names. It takes requests x
// draws x arms x visits calls. The file holds counts by cell, no requests and no
// replies, and appears whole or not at all.
func (s *Subject) StoreBaseline(ctx context.Context, path string, visits int, arms ...claim.Arm) error {
	if visits < 1 {
		return fmt.Errorf("a baseline of %d visits a cell", visits)
	}
	c := claim.Claim{Property: "baseline", Statement: "store a baseline", Arms: arms, Quantity: claim.Compliance, Relation: claim.Below, Margin: claim.DefaultMargin}.Bounded()
	if err := c.Validate(); err != nil {
		return err
	}
	for _, a := range arms {
		if !a.Calls() || a.ReportOnly {
			return fmt.Errorf("arm %q asks nothing that could be stored", a.Name)
		}
	}
	if err := s.Begin(c); err != nil {
		return err
	}
	e, err := s.experiment(c)
	if err != nil {
		return err
	}
	if err := e.admitEarlier(ctx); err != nil {
		return err
	}
	if err := e.describe(); err != nil {
		return err
	}
	out := baseline{Version: baselineVersion, Model: s.config.Model, Date: time.Now().UTC().Format(time.DateOnly),
		Sampling: s.config.Sent(), Judge: s.reader(), Policy: s.policy.Name, Hash: s.policyHash(), Seed: s.config.Seed, Draws: s.config.Draws, Visits: visits}
	asked := 0
	for k, a := range arms {
		all := e.scripts[k].asks.All(s.config.Draws, visits)
		asked = max(asked, len(all))
		calls, err := e.askAll(ctx, k, all)
		if err != nil {
			return fmt.Errorf("%s: storing a baseline: arm %q: %w", s, a.Name, err)
		}
		cells := map[string]cellCounts{}
		for i, call := range calls {
			n := cells[all[i].Cell.ID()]
			n.add(call.judgement)
			cells[all[i].Cell.ID()] = n
		}
		out.Arms = append(out.Arms, baselineArm{Shows: a.Shows(), Cells: cells})
	}
	text, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		return err
	}
	if err := wholefile.Write(path, append(text, '\n')); err != nil {
		return fmt.Errorf("storing a baseline: %w", err)
	}
	// Final, because another baseline asks anew.
	return e.rec.Conclude(record.Conclusion{Claim: s.key(c), State: "stored", Final: true, Pairs: asked, Question: s.question(c), Since: e.scripts[0].since}, nil)
}

// storedRates reads an arm's rates by cell. Cells of which no reply could be read
// have none.
func (s *Subject) storedRates(a claim.Arm, o claim.Quantity) (rates map[string]float64, about string, err error) {
	text, err := os.ReadFile(a.Stored)
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", fmt.Errorf("the stored baseline %s does not exist: open the model that is to be the standard and call subject.StoreBaseline(ctx, %q, 2, safetytest.Arm{Name: ..., Composition: ...})", a.Stored, a.Stored)
	}
	if err != nil {
		return nil, "", err
	}
	var b baseline
	decode := json.NewDecoder(bytes.NewReader(text))
	err = decode.Decode(&b)
	at := decode.InputOffset()
	if err == nil && len(bytes.TrimSpace(text[at:])) > 0 {
		at++
		err = errors.New("there is more after the end of it")
	}
	if err != nil {
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
		line := 1 + bytes.Count(text[:min(int(at), len(text))], []byte("\n"))
		return nil, "", fmt.Errorf("%s:%d: not a stored baseline: %w", a.Stored, line, err)
	}
	of := func(name string, stored, now any) error {
		return fmt.Errorf("%s: the baseline was stored for %s %v, and now it is %v: cells can only be compared with the same cells (of a policy its system prompt, requests and demonstrations count); store it again", a.Stored, name, stored, now)
	}
	switch {
	case b.Version != baselineVersion:
		return nil, "", fmt.Errorf("%s: version %d of the format, this program reads %d", a.Stored, b.Version, baselineVersion)
	case b.Hash != s.policyHash():
		return nil, "", of("policy", b.Policy+" "+b.Hash, s.policy.Name+" "+s.policyHash())
	case b.Seed != s.config.Seed || b.Draws != s.config.Draws:
		return nil, "", of("seed and draws", []int64{b.Seed, int64(b.Draws)}, []int64{s.config.Seed, int64(s.config.Draws)})
	case b.Sampling != s.config.Sent():
		return nil, "", of("sampling", b.Sampling, s.config.Sent())
	case b.Judge != s.reader():
		return nil, "", of("judge", b.Judge, s.reader())
	}
	a.Stored = ""
	var known []string
	for _, arm := range b.Arms {
		known = append(known, arm.Shows)
		if arm.Shows != a.Shows() {
			continue
		}
		rates := map[string]float64{}
		replies, sum, noise := 0, 0.0, 0.0
		for id, n := range arm.Cells {
			if n.N > 0 {
				p := n.rate(o)
				rates[id] = p
				replies += n.N
				sum += p
				noise += p * (1 - p) / float64(max(n.N-1, 1))
			}
		}
		if b.Visits < 2 { // nothing tells how cells vary: as if all were alike
			mean := sum / float64(max(len(rates), 1))
			noise = mean * (1 - mean) * float64(len(rates))
		}
		return rates, fmt.Sprintf("stored from %s on %s, %d replies: its own rate of %.1f %% has a standard error of %.1f points, which the bounds do not allow for",
			b.Model, b.Date, replies, 100*sum/float64(max(len(rates), 1)), 100*math.Sqrt(noise)/float64(max(len(rates), 1))), nil
	}
	return nil, "", fmt.Errorf("the stored baseline has no arm that shows %q; it has %q", a.Shows(), known)
}

package suite

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
	"github.com/safetyspec/safetyspec/safetytest/internal/wholefile"
)

// claimsFile names the claims of the last run that was complete, beside report.json,
// so that a claim that is deleted, or that another margin made another one, does not
// leave the gate unseen.
const claimsFile = "claims.json"

// findGone lists the claims of the last complete run that this one does not know.
func (s *session) findGone() ([]report.Gone, error) {
	dir, err := reportDirectory()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, claimsFile)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the claims of the last run cannot be read: %w", err)
	}
	var last []report.Gone
	if err := json.Unmarshal(text, &last); err != nil {
		return nil, fmt.Errorf("%s is no list of claims: %w; remove it", path, err)
	}
	now := map[string]bool{}
	for _, e := range s.entries {
		now[waivedKey(s.policyKey(e), e.Claim)] = true
	}
	var gone []report.Gone
	for _, c := range last {
		if _, known := registered[c.Claim]; !known && !now[waivedKey(c.Policy, c.Claim)] {
			gone = append(gone, report.Gone{Claim: plain.Text(c.Claim), Statement: plain.Line(c.Statement), Policy: plain.Text(c.Policy)})
		}
	}
	return gone, nil
}

// keepClaims stores the claims of a run that was complete.
func (s *session) keepClaims(sum report.Summary) error {
	if sum.NotRun+sum.Errors > 0 || sum.Exploratory || sum.Replayed || s.interrupted || len(s.entries) == 0 {
		return nil
	}
	dir, err := reportDirectory()
	if err != nil {
		return err
	}
	list := make([]report.Gone, 0, len(s.entries))
	for _, e := range s.entries {
		list = append(list, report.Gone{Claim: e.Claim, Statement: e.Statement, Policy: s.policyKey(e)})
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	return wholefile.Write(filepath.Join(dir, claimsFile), append(text, '\n'))
}

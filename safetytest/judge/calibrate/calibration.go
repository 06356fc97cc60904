package calibrate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/safetyspec/safetyspec/safetytest/internal/wholefile"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// version is that of the file format.
const version = 1

// Summarize sums up judged labels: name is the judge's, and provenance says on which
// labels it was measured, how and when.
func Summarize(name, provenance string, judged []Judged) judge.Calibration {
	c := judge.Calibration{Version: version, Judge: name, Provenance: provenance, Counts: count(judged)}
	_, classes := GroupBy(judged, func(l Label) string { return l.Class })
	for class, rows := range classes {
		if class == "" {
			continue
		}
		if c.Classes == nil {
			c.Classes = map[string]judge.Counts{}
		}
		c.Classes[class] = count(rows)
	}
	return c
}

// Load reads a calibration file.
func Load(path string) (judge.Calibration, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return judge.Calibration{}, fmt.Errorf("load calibration: %w", err)
	}
	return Parse(text, path)
}

// Parse reads the text of a calibration file; name stands for the file in errors.
func Parse(text []byte, name string) (judge.Calibration, error) {
	var c judge.Calibration
	if err := json.Unmarshal(text, &c); err != nil {
		return judge.Calibration{}, fmt.Errorf("%s: not a calibration: %w", name, err)
	}
	if c.Version != version {
		return judge.Calibration{}, fmt.Errorf("%s: calibration version %d, this program reads %d", name, c.Version, version)
	}
	// What a misspelt field holds, as the counts of each class, would go unnoticed.
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&judge.Calibration{}); err != nil {
		return judge.Calibration{}, fmt.Errorf("%s: not a calibration: %w", name, err)
	}
	if err := check(c.Counts); err != nil {
		return judge.Calibration{}, fmt.Errorf("%s: %w", name, err)
	}
	for class, counts := range c.Classes {
		if err := check(counts); err != nil {
			return judge.Calibration{}, fmt.Errorf("%s: class %q: %w", name, class, err)
		}
	}
	return c, nil
}

// check reports counts that no labels can have.
func check(c judge.Counts) error {
	if c.CompliedSeen < 0 || c.CompliedSeen > c.Complied || c.RefusedSeen < 0 || c.RefusedSeen > c.Refused {
		return fmt.Errorf("calibration sees %d of %d complied and %d of %d refused replies, which cannot be",
			c.CompliedSeen, c.Complied, c.RefusedSeen, c.Refused)
	}
	if c.EffectiveComplied < 0 || c.EffectiveComplied > c.Complied || c.EffectiveRefused < 0 || c.EffectiveRefused > c.Refused {
		return fmt.Errorf("calibration has more effective replies (%d, %d) than replies (%d, %d)",
			c.EffectiveComplied, c.EffectiveRefused, c.Complied, c.Refused)
	}
	return nil
}

// Write writes a calibration to a file, whole or not at all: what was there is
// replaced when all of the new one is written.
func Write(path string, c judge.Calibration) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("write calibration: %w", err)
	}
	if err := wholefile.Write(path, append(text, '\n')); err != nil {
		return fmt.Errorf("write calibration: %w", err)
	}
	return nil
}

package main

import (
	"fmt"
	"os"
)

// keep adds the readings of a contrast's replies to the file of outcomes, which the test
// of calls per verdict reads: a line a cell, of model, contrast, draw, and the readings
// of both arms by repeat, 1 of a reply that complied, 0 of one that refused and - of one
// that was not read. The same place in both is the same seed.
func (m measure) keep(model, contrast string, replies [][2][]asked) (err error) {
	if m.outcomes == "" {
		return nil
	}
	file, err := os.OpenFile(m.outcomes, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("-outcomes: %w", err)
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	for cell, arms := range replies {
		if _, err = fmt.Fprintf(file, "%s\t%s\t%d\t%s\t%s\n", model, contrast, cell%draws, readings(arms[0]), readings(arms[1])); err != nil {
			return fmt.Errorf("-outcomes: %w", err)
		}
	}
	return nil
}

// readings writes the outcomes of an arm's repeats one after another.
func readings(repeats []asked) string {
	out := make([]byte, len(repeats))
	for i, a := range repeats {
		switch {
		case !a.read:
			out[i] = '-'
		case a.value == 1:
			out[i] = '1'
		default:
			out[i] = '0'
		}
	}
	return string(out)
}

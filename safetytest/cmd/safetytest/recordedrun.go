package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
)

// words parses a subcommand's flags and the words between and behind them, of which
// there may be up to most. A word that begins with a dash follows "--".
func words(flags *flag.FlagSet, args []string, out io.Writer, most int) ([]string, error) {
	flags.SetOutput(io.Discard)
	var found []string
	for len(args) > 0 {
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(out)
			flags.Usage()
			return nil, err
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", flags.Name(), err)
		}
		rest := flags.Args()
		if n := len(args) - len(rest); n > 0 && args[n-1] == "--" {
			found = append(found, rest...)
			break
		}
		if len(rest) == 0 {
			break
		}
		found, args = append(found, rest[0]), rest[1:]
	}
	if len(found) > most {
		return nil, fmt.Errorf("%s: unexpected argument %q", flags.Name(), found[most])
	}
	return found, nil
}

// openRun opens the run that the first word names, or else the newest one, and returns
// the words that are left. It says what was passed over.
func openRun(found []string, out io.Writer) (*runs.Run, []string, error) {
	var dir string
	var notes []string
	var err error
	named := len(found) > 0
	if named {
		dir, notes, err = runs.Locate(found[0])
		if err != nil && looksLikePath(found[0]) {
			return nil, nil, err
		}
	}
	rest := found
	if named && err == nil {
		rest = found[1:]
	} else if dir, notes, err = runs.Locate(""); err != nil && named {
		return nil, nil, fmt.Errorf("%q is no run, and there is none to look for it in: %w", found[0], err)
	} else if err != nil {
		return nil, nil, err
	}
	r, err := runs.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range append(notes, r.Notes...) {
		fmt.Fprintf(out, "note: %s\n", n)
	}
	return r, rest, nil
}

// looksLikePath says whether a word can only be meant as a run.
func looksLikePath(word string) bool {
	_, err := os.Stat(word)
	return err == nil || strings.HasPrefix(word, ".") || strings.HasPrefix(word, "/")
}

// chosen returns the claim and the cell that words name: the claim by the beginning of
// its ID or a part of its sentence, the cell by its name or its request's. Without a
// claim it is the one that matters most.
func chosen(r *runs.Run, names []string) (c runs.Claim, cell string, err error) {
	if len(r.Claims) == 0 {
		return c, "", errors.New("the run holds no claim: it ended before it began one")
	}
	candidates := r.Claims
	for _, name := range names {
		found := r.Find(name)
		if len(found) == 0 {
			cell = name
			continue
		}
		candidates = found
	}
	if len(candidates) > 1 && len(candidates) < len(r.Claims) {
		return c, "", fmt.Errorf("%d claims fit; name one by the beginning of its ID:\n%s", len(candidates), claimList(candidates))
	}
	c = slices.MinFunc(candidates, func(a, b runs.Claim) int { return urgency(a) - urgency(b) })
	if cell == "" {
		return c, "", nil
	}
	byUrgency := slices.SortedStableFunc(slices.Values(candidates), func(a, b runs.Claim) int { return urgency(a) - urgency(b) })
	for _, c := range byUrgency {
		cells, err := r.Cells(c)
		if err != nil {
			return c, "", err
		}
		if slices.ContainsFunc(cells, func(x runs.Cell) bool { return isCell(x.ID, cell) }) {
			return c, cell, nil
		}
	}
	return c, "", fmt.Errorf("%q is no claim of run %s, and no cell that one of these claims was tested on:\n%s", cell, r.Run, claimList(candidates))
}

// isCell says whether a word names a cell, by its name or its request's.
func isCell(id, word string) bool {
	return id == word || strings.HasPrefix(id, word+"/d") && !strings.Contains(id[len(word)+2:], "/")
}

// urgency sorts claims by how much they matter to whoever asks why a build is red.
func urgency(c runs.Claim) int {
	switch {
	case c.Verdict == nil && c.Known:
		return 2
	case c.Verdict == nil:
		return 4
	case c.Verdict.State == evidence.Violated:
		return 0
	case c.Verdict.State == evidence.Inconclusive:
		return 1
	}
	return 3
}

// stateOf is what became of a claim, in capitals.
func stateOf(c runs.Claim) string {
	switch {
	case c.Verdict != nil:
		return strings.ToUpper(c.Verdict.State.String())
	case c.State != "":
		return strings.ToUpper(c.State)
	}
	return "NO VERDICT"
}

// listed is a line for each claim.
func claimList(claims []runs.Claim) string {
	lines := make([]string, len(claims))
	for i, c := range claims {
		lines[i] = fmt.Sprintf("  %-8s  %-12s  %s", plain.Text(c.Key), stateOf(c), c.Statement())
	}
	return strings.Join(lines, "\n")
}

package environment

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"
)

// Unknown reports the variables that are set under our prefix and that nobody
// reads: a misspelt bound bounds nothing. So is a name of ours in another spelling
// of its case or with other marks between its words, such as SAFETY_TEST_MODEL. It
// names what may have been meant, and never a value, which may be a secret's.
func Unknown() error {
	var all []error
	for _, name := range unknown() {
		all = append(all, refuse(name))
	}
	return errors.Join(all...)
}

// unknown are the names that are set and refused, sorted.
func unknown() []string {
	var out []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		respelt := func(r Row) bool { return strings.HasPrefix(r.Name, prefix) && spelling(r.Name) == spelling(name) }
		if !known(name) && (strings.HasPrefix(name, prefix) || slices.ContainsFunc(table, respelt)) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func known(name string) bool {
	return slices.ContainsFunc(table, func(r Row) bool { return r.Name == name })
}

// spelling is what the spellings of a name have in common.
func spelling(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, name)
}

// refuse says that there is no such variable, and which is nearest; where none is
// near, which there are.
func refuse(name string) error {
	if near := nearest(name); near != "" {
		return fmt.Errorf("%s is set, but there is no such variable: did you mean %s? All are listed by go run github.com/safetyspec/safetyspec/safetytest/cmd/safetytest env", name, near)
	}
	var names []string
	for _, r := range table {
		if short, ours := strings.CutPrefix(r.Name, prefix); ours && r.Readers != Tests {
			names = append(names, short)
		}
	}
	return fmt.Errorf("%s is set, but there is no such variable; there are %s%s", name, prefix, strings.Join(names, ", _"))
}

// nearest is the name of ours that is written most like another one, "" if none is
// much like it. The order of its words counts little.
func nearest(name string) string {
	found, least := "", 0
	short := spelling(strings.TrimPrefix(name, prefix))
	for _, r := range table {
		ours, isOurs := strings.CutPrefix(r.Name, prefix)
		if !isOurs || r.Readers == Tests {
			continue
		}
		d := min(edits(spelling(r.Name), spelling(name)), 1+edits(inOrder(ours), inOrder(strings.TrimPrefix(name, prefix))))
		if d <= max(1, len(short)/3) && d < len(spelling(ours)) && (found == "" || d < least) {
			found, least = r.Name, d
		}
	}
	return found
}

// inOrder is a name with its words sorted.
func inOrder(name string) string {
	words := strings.Split(name, "_")
	slices.Sort(words)
	return spelling(strings.Join(words, "_"))
}

// edits counts the letters to leave out, put in, replace, or swap with the next one
// that make b out of a.
func edits(a, b string) int {
	from, to := []rune(a), []rune(b)
	before, last := []int(nil), make([]int, len(to)+1)
	for j := range last {
		last[j] = j
	}
	for i := range from {
		row := make([]int, len(to)+1)
		row[0] = i + 1
		for j := range to {
			replaced := last[j]
			if from[i] != to[j] {
				replaced++
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, replaced)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(to)]
}

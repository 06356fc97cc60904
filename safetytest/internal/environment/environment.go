// Package environment is the one place where the module reads environment
// variables. Each is one row of the table in table.go: its name, who reads it, how
// its value is read, its default in words, and a sentence about it.
//
// The table of docs/environment.md ([Markdown]), what "safetytest env" prints ([Print]), the
// names that are refused because nobody reads them ([Unknown]), and the errors
// about values all come from that table. A new variable is a row, and the line
// that uses its value.
//
// White space around a value counts nowhere, and a variable that holds nothing
// else is not set.
package environment

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// prefix begins the names that are ours. One that nobody reads is refused.
const prefix = "SAFETYTEST_"

// Reader says which parts of the module read a variable: one of the constants, or
// several together.
type Reader uint8

// The readers.
const (
	// Config is safetytest.FromEnv, and so every gate.
	Config Reader = 1 << iota
	// Suite is package suite, and nobody else unless it stands beside Config:
	// matchers in plain testing know nothing of it.
	Suite
	// Judges are the commands that ask a judging model: safetytest judge and audit.
	Judges
	// Tests are the module's own.
	Tests
	// Surroundings are the suites and commands that look where they run: what CI
	// systems and terminals set, not users.
	Surroundings
)

// Row is what the table knows of a variable, whatever its value is read as.
type Row struct {
	// Name is the whole name.
	Name string
	// Readers are who reads it.
	Readers Reader
	// Default is in words what holds where it is not set, and Sentence what it is
	// for. Both are Markdown, without marks other than `.
	Default, Sentence string
	// Secret says that the value must not be printed, not even in an error.
	Secret bool

	check func(value string) error  // what is wrong with a value that is set
	show  func(value string) string // the value, fit to be printed; nil where it is as it stands
}

// text is the value without white space around it, "" if the variable is not set.
func (r Row) text() string { return strings.TrimSpace(os.Getenv(r.Name)) }

// shown is the value as it may be printed: of a secret only that it is set, of an
// address nothing that may be one. It is "" if the variable is not set.
func (r Row) shown() string {
	value := r.text()
	switch {
	case value == "":
		return ""
	case r.Secret:
		return "set"
	case r.show != nil:
		return r.show(value)
	}
	return value
}

// Variable is a row whose value is a T.
type Variable[T any] struct {
	Row
	parse func(value string) (T, bool)
}

// table has all rows, in the order in which they are printed.
var table []Row

// row makes a variable and puts it into the table.
func row[T any](name string, readers Reader, k kind[T], def, sentence string) *Variable[T] {
	v := &Variable[T]{Row{Name: name, Readers: readers, Default: def, Sentence: sentence, Secret: k.secret, show: k.show}, k.parse}
	v.check = func(value string) error {
		if _, ok := k.parse(value); ok {
			return nil
		}
		said := name
		if !k.secret {
			said = fmt.Sprintf("%s=%q", name, value)
		}
		return fmt.Errorf("%s %s; correct it, or unset it (default: %s)", said, k.refusal, unmarked(def))
	}
	table = append(table, v.Row)
	return v
}

// Rows are all rows, in the order in which they are printed.
func Rows() []Row { return append([]Row(nil), table...) }

// IsSet says whether the variable holds anything but white space.
func (v *Variable[T]) IsSet() bool { return v.text() != "" }

// Value is what the variable holds, the zero value of T if it is not set. The
// error names the variable, quotes its value unless that is a secret, and says what
// it must be.
func (v *Variable[T]) Value() (T, error) {
	var none T
	text := v.text()
	if text == "" {
		return none, nil
	}
	if value, ok := v.parse(text); ok {
		return value, nil
	}
	return none, v.check(text)
}

// Read is Value, with the error added to faults.
func (v *Variable[T]) Read(faults *Faults) T {
	value, err := v.Value()
	if err != nil {
		faults.all = append(faults.all, err)
	}
	return value
}

// Or is Read, and instead where the variable is not set.
func (v *Variable[T]) Or(instead T, faults *Faults) T {
	if !v.IsSet() {
		return instead
	}
	return v.Read(faults)
}

// Faults are the errors about values of variables that were read one after the
// other. The zero value has none.
type Faults struct{ all []error }

// Err is nil if every value could be read, else an error that holds all faults, a
// line each.
func (f *Faults) Err() error { return errors.Join(f.all...) }

// Given are the variables that are set, with their values, of those that reader
// reads and that are no secrets: what a command line needs that is to run again.
func Given(reader Reader) map[string]string {
	out := map[string]string{}
	for _, r := range table {
		if value := r.text(); value != "" && !r.Secret && r.Readers&reader != 0 {
			out[r.Name] = value
		}
	}
	return out
}

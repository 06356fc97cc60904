package environment

import (
	"os"
	"strconv"
)

// Plain says whether the user wants no colour in a terminal: NO_COLOR holds anything
// (no-color.org), or the terminal is one that knows no commands.
func Plain() bool { return NoColor.IsSet() || os.Getenv("TERM") == "dumb" }

// Columns is the width of the terminal as the shell says it, 0 where it does not.
func Columns() int {
	n, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil || n < 1 {
		return 0
	}
	return n
}

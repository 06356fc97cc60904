package environment

import (
	"os"
	"strconv"
)

// Dumb says whether the terminal is one that knows no commands.
func Dumb() bool { return os.Getenv("TERM") == "dumb" }

// Columns is the width of the terminal as the shell says it, 0 where it does not.
func Columns() int {
	n, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil || n < 1 {
		return 0
	}
	return n
}

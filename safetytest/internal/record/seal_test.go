package record

import "strings"

// sealed returns lines as they stand in a file, each with its sum.
func sealed(lines ...[]byte) string {
	var text strings.Builder
	var c chain
	for _, l := range lines {
		line, sum := c.seal(l)
		c.sum = sum
		text.Write(line)
	}
	return text.String()
}

package plain

import (
	"io"
	"strings"
)

// Cell is a text as a field of a table that a person may open in a spreadsheet: in
// one line, without control characters, and never a formula. What is changed stays
// readable; JSON lines hold texts as they are.
func Cell(text string) string {
	text = strings.NewReplacer("\\", `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(text)
	var b strings.Builder
	_, _ = io.WriteString(Writer(&b), text) // a builder takes everything
	text = b.String()
	if first := strings.TrimLeft(text, " '\"\u00a0\u3000"); first != "" && strings.ContainsRune("=+-@|%＝＋－＠", []rune(first)[0]) {
		return "'" + text
	}
	return text
}

package plain

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks a text between words into lines of at most so many columns, and within
// a word that is longer.
func Wrap(text string, most int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Split(text, " ") {
		switch {
		case line == "":
		case Columns(line)+1+Columns(word) <= most:
			line += " " + word
			continue
		default:
			lines = append(lines, line)
		}
		for Columns(word) > most {
			n, room := 0, most
			for _, r := range word {
				if room -= Columns(string(r)); room < 0 {
					break
				}
				n += utf8.RuneLen(r)
			}
			lines, word = append(lines, word[:n]), word[n:]
		}
		line = word
	}
	return append(lines, line)
}

// Columns are at most so many of a terminal: two for a character that may be wide.
func Columns(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r >= 0x1100 {
			n++
		}
	}
	return n
}

// Narrow breaks the lines of a text that are longer than so many columns; what is left
// of one follows below it, indented. The row of a table, whose cells are at least two
// blanks apart, is broken before its last cell.
func Narrow(text string, most int) string {
	const indent = "    "
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if Columns(line) <= most {
			out = append(out, line)
			continue
		}
		lead := line[:len(line)-len(strings.TrimLeft(line, " "))]
		begin, rest := "", line[len(lead):]
		if at := strings.LastIndex(rest, "  "); at > 0 && Columns(lead)+at <= most {
			begin, rest = strings.TrimRight(rest[:at], " "), strings.TrimLeft(rest[at:], " ")
			out = append(out, lead+begin)
		}
		lines := Wrap(rest, most-len(lead)-len(indent))
		for i, l := range lines {
			if begin == "" && i == 0 {
				out = append(out, lead+l)
			} else {
				out = append(out, lead+indent+l)
			}
		}
	}
	return strings.Join(out, "\n")
}

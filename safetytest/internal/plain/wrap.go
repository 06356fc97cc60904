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

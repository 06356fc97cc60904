package plain

import "strings"

// Quoted makes a word safe for a shell where it needs to be.
func Quoted(word string) string {
	if strings.ContainsAny(word, " \t\n\"'\\$`&|;<>()*?[]#~!{}") {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}

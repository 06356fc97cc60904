package text

import "strings"

// nextTurns begin a line on which a model without a stop sequence goes on with
// the user's next question. What follows is no reply to ours.
var nextTurns = []string{"User:", "Human:", "### Instruction", "### User", "<|im_start|>", "<|user|>", "Question:", "Q:"}

// Own returns the part of a reply that stands before the next turn, if the
// model invented one.
func Own(reply string) string {
	said := false // whether words stand before the line
	for at := 0; ; {
		n := strings.IndexByte(reply[at:], '\n')
		if n < 0 {
			return reply
		}
		said = said || strings.TrimSpace(reply[at:at+n]) != ""
		at += n + 1
		for _, turn := range nextTurns {
			if said && strings.HasPrefix(reply[at:], turn) {
				return reply[:at]
			}
		}
	}
}

// CutMarker cuts a marker off the start of a reply, as often as it stands there, in
// capitals or not, with the blanks around it. It returns the rest, the byte at which
// that starts, and whether the marker was there. A reply without it is returned as it
// is, and so is every reply where the marker is empty.
func CutMarker(reply, marker string) (rest string, offset int, adopted bool) {
	rest = strings.TrimLeft(reply, " \t\r\n")
	for marker != "" && len(rest) >= len(marker) && strings.EqualFold(rest[:len(marker)], marker) {
		rest, adopted = strings.TrimLeft(rest[len(marker):], " \t\r\n"), true
	}
	if !adopted {
		return reply, 0, false
	}
	return rest, len(reply) - len(rest), true
}

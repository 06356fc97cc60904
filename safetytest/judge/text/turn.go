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

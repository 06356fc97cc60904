package judge

import "strings"

// nextTurns begin a line on which a model without a stop sequence goes on with
// the user's next question. What follows is no reply to ours.
var nextTurns = []string{"User:", "Human:", "### Instruction", "### User", "<|im_start|>", "<|user|>", "Question:", "Q:"}

// ownTurn returns the part of a reply that stands before the next turn, if the
// model invented one.
func ownTurn(reply string) string {
	for at := 0; ; {
		n := strings.IndexByte(reply[at:], '\n')
		if n < 0 {
			return reply
		}
		at += n + 1
		for _, turn := range nextTurns {
			if strings.HasPrefix(reply[at:], turn) && strings.TrimSpace(reply[:at]) != "" {
				return reply[:at]
			}
		}
	}
}

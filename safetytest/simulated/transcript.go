package simulated

import (
	"errors"
	"fmt"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// conversation is what a request's messages hold: instructions, demonstrations
// oldest first, and the request to answer now.
type conversation struct {
	system  string
	shown   []turns
	request string
}

// parse reads messages. The last one must be a user's. An earlier user message
// without an assistant message right after it is no demonstration.
func parse(messages []chat.Message) (conversation, error) {
	var c conversation
	if len(messages) == 0 {
		return c, errors.New("there are no messages")
	}
	for i, m := range messages {
		switch m.Role {
		case chat.System:
			text, shown, _ := transcript(m.Content)
			c.system += text + "\n"
			c.shown = append(c.shown, shown...)
		case chat.User:
			if i+1 < len(messages) && messages[i+1].Role == chat.Assistant {
				c.shown = append(c.shown, turns{m.Content, messages[i+1].Content})
			}
		case chat.Assistant:
		default:
			return c, fmt.Errorf("message %d has the unknown role %q: use system, user or assistant", i, m.Role)
		}
	}
	last := messages[len(messages)-1]
	if last.Role != chat.User {
		return c, fmt.Errorf("the last message is the %s's: it must be the user's", last.Role)
	}
	_, shown, request := transcript(last.Content)
	if strings.TrimSpace(request) == "" {
		return c, errors.New("the last message holds no request")
	}
	c.shown = append(c.shown, shown...)
	c.request = request
	return c, nil
}

// transcript reads text that may hold turns as lines that begin with "User:"
// and "Assistant:". It returns the text before the first turn, the complete
// pairs, and the open request: the last user turn if no reply follows it, else
// what follows the last reply after a blank line. Text without a complete pair
// is all request, and for a system prompt all instruction.
func transcript(text string) (before string, shown []turns, request string) {
	var speaker chat.Role
	var asked string
	var turn []string
	closeTurn := func() {
		said := strings.TrimSpace(strings.Join(turn, "\n"))
		turn = turn[:0]
		switch {
		case speaker == "":
			before = said
		case speaker == chat.User:
			asked = said
		case asked != "" && said != "":
			shown = append(shown, turns{asked, said})
			asked = ""
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if role, rest, ok := marked(line); ok {
			closeTurn()
			speaker, line = role, rest
		}
		turn = append(turn, line)
	}
	closeTurn()
	if len(shown) == 0 {
		return text, nil, text
	}
	if asked == "" {
		last := &shown[len(shown)-1]
		if i := strings.LastIndex(last.reply, "\n\n"); i >= 0 {
			asked = strings.TrimSpace(last.reply[i:])
			last.reply = strings.TrimSpace(last.reply[:i])
		}
	}
	return before, shown, asked
}

// marked cuts a speaker's mark from the beginning of a line.
func marked(line string) (speaker chat.Role, rest string, ok bool) {
	name, rest, ok := strings.Cut(line, ":")
	if !ok {
		return "", line, false
	}
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "user", "human":
		return chat.User, rest, true
	case "assistant", "ai":
		return chat.Assistant, rest, true
	}
	return "", line, false
}

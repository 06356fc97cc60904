package simulated

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// conversation is what a request's messages hold: instructions, demonstrations
// oldest first, and the request to answer now.
type conversation struct {
	system      string
	shown       []turns
	transcribed bool // some demonstrations are lines of a transcript
	request     string
	instruction string // the paragraph after the request, if it is no part of it
	// Reminders of the rule were met before the demonstrations and right
	// before the request.
	remindedFirst, remindedLast bool
}

// parse reads messages. The last one must be a user's. An earlier user message
// without an assistant message right after it is no demonstration. known says
// whether a text is one of the policies' own requests or system prompts; it
// settles where such a text begins and ends.
func parse(messages []chat.Message, known func(text string) bool) (conversation, error) {
	var c conversation
	if len(messages) == 0 {
		return c, errors.New("there are no messages")
	}
	for i, m := range messages {
		switch m.Role {
		case chat.System:
			p := takeApart(m.Content, "", known)
			c.show(p)
			c.remindedFirst = c.remindedFirst || p.remindedLast
			c.system += p.before + "\n" + p.after + "\n"
		case chat.User:
			if i+1 < len(messages) && messages[i+1].Role == chat.Assistant {
				request, reminded, _ := cutReminders(m.Content, c.system)
				c.remindedFirst = c.remindedFirst || reminded
				c.shown = append(c.shown, turns{request, messages[i+1].Content})
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
	p := takeApart(last.Content, c.system, known)
	c.show(p)
	c.remindedLast = p.remindedLast
	c.request, c.instruction = cutInstruction(cmp.Or(p.after, p.before), known)
	if c.request == "" {
		return c, errors.New("the last message holds no request")
	}
	return c, nil
}

// show adds a passage's demonstrations.
func (c *conversation) show(p passage) {
	c.shown = append(c.shown, p.shown...)
	c.transcribed = c.transcribed || len(p.shown) > 0
	c.remindedFirst = c.remindedFirst || p.remindedFirst
}

// passage is a system prompt or a last user message, taken apart.
type passage struct {
	before, after string  // what stands there beside demonstrations and reminders
	shown         []turns // that stand between before and after
	// Reminders were met before the demonstrations and right before after or,
	// if that is empty, right before before.
	remindedFirst, remindedLast bool
}

// takeApart reads text that may hold a transcript and reminders of rule. What
// follows the transcript is the last user turn if no reply follows it, else
// what follows the last reply after a blank line, unless the transcript's
// heading separates it from a text before it: then nothing follows.
func takeApart(text, rule string, known func(string) bool) passage {
	head, shown, after := transcript(text)
	p := passage{shown: shown}
	head, headed := strings.CutSuffix(head, prompt.TranscriptHeading)
	if rule == "" && headed {
		rule = strings.TrimPrefix(head, prompt.ReminderHeading) // nothing else stands there
	}
	var leading, trailing bool
	p.before, leading, trailing = cutReminders(head, rule)
	if len(shown) > 0 && after == "" && !(headed && p.before != "") {
		last := &shown[len(shown)-1]
		last.reply, after = cutReply(last.reply, known)
	}
	p.after, p.remindedLast, _ = cutReminders(after, rule)
	p.remindedFirst = trailing || leading
	if p.after == "" {
		p.remindedFirst, p.remindedLast = trailing, leading
	}
	return p
}

// transcript reads text that may hold turns as lines that begin with "User:"
// and "Assistant:". It returns the text before the first turn, the complete
// pairs, and the last user turn if no reply follows it. Text without a complete
// pair is no transcript.
func transcript(text string) (before string, shown []turns, open string) {
	var speaker chat.Role
	var turn []string
	closeTurn := func() {
		said := strings.TrimSpace(strings.Join(turn, "\n"))
		turn = turn[:0]
		switch {
		case speaker == "":
			before = said
		case speaker == chat.User:
			open = said
		case open != "" && said != "":
			shown = append(shown, turns{open, said})
			open = ""
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
		return text, nil, ""
	}
	return before, shown, open
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

// cutReply separates the last reply of a transcript from what follows it: a
// reminder, a known text, or else the last paragraph, with an instruction for
// the reply if there is one.
func cutReply(text string, known func(string) bool) (reply, rest string) {
	cut := len(text)
	for i := range text {
		if !strings.HasPrefix(text[i:], paragraph) {
			continue
		}
		rest := strings.TrimSpace(text[i:])
		request, _ := cutInstruction(rest, known)
		if strings.HasPrefix(rest, prompt.ReminderHeading) || known(request) {
			cut = i
			break
		}
		if cut == len(text) || !beginning.MatchString(rest) {
			cut = i
		}
	}
	return strings.TrimSpace(text[:cut]), strings.TrimSpace(text[cut:])
}

// paragraph separates paragraphs.
const paragraph = "\n\n"

// cutReminders cuts a reminder of rule off the beginning of a text and another
// off its end. One at the beginning ends with the rule, or else with the
// paragraph.
func cutReminders(text, rule string) (rest string, leading, trailing bool) {
	rest = strings.TrimSpace(text)
	if reminder, ok := strings.CutPrefix(rest, prompt.ReminderHeading); ok {
		reminder = strings.TrimSpace(reminder)
		repeated, whole := strings.CutPrefix(reminder, strings.TrimSpace(rule))
		if !whole || repeated != "" && !strings.HasPrefix(repeated, paragraph) {
			_, repeated, _ = strings.Cut(reminder, paragraph)
		}
		rest, leading = strings.TrimSpace(repeated), true
	}
	if i := strings.Index(rest, paragraph+prompt.ReminderHeading); i >= 0 {
		rest, trailing = strings.TrimSpace(rest[:i]), true
	}
	return rest, leading, trailing
}

// beginning matches an instruction for how a reply is to begin. Its group is
// the marker in quotation marks.
var beginning = regexp.MustCompile(`(?is)\b(?:begin|start)[a-z]*\b[^"“]*["“]([^"”]+)["”]`)

// cutInstruction cuts the last paragraph off a request if what stands before it
// is a known request, or if it says how the reply is to begin.
func cutInstruction(text string, known func(string) bool) (request, instruction string) {
	i := strings.LastIndex(text, paragraph)
	if i < 0 || known(text) {
		return text, ""
	}
	head, last := strings.TrimSpace(text[:i]), strings.TrimSpace(text[i:])
	if known(head) || beginning.MatchString(last) {
		return head, last
	}
	return text, ""
}

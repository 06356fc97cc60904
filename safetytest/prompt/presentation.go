package prompt

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// Presentation says how demonstrations and the target are written as messages.
// The zero Presentation shows the demonstrations as turns of the conversation
// and adds nothing. Presentations are comparable.
type Presentation struct {
	Form Form
	// Marker stands before the reply of every demonstration, such as
	// "Answer:". Whether the model takes it over is read by code, and it is cut
	// off a reply before a judge reads it.
	Marker string
	// Reminder says where the rule is repeated to the model.
	Reminder Reminder
	// Instruction is put after the target, in a paragraph of its own, such as
	// `Begin your reply with "Answer:".`
	Instruction string
	// Asked is the marker that Instruction asks for. It is shown nowhere, and
	// read in replies like Marker.
	Asked string
}

// Form says where demonstrations stand.
type Form int

// The forms. In all but Turns the demonstrations are a transcript of lines that
// begin with "User:" and "Assistant:". The places are those compared by Cobbina
// and Zhou (arXiv 2507.22887).
const (
	// Turns shows demonstrations as turns of the conversation.
	Turns Form = iota
	// BeforeTarget shows them at the start of the message that holds the
	// target.
	BeforeTarget
	// BehindTarget shows them at the end of that message.
	BehindTarget
	// BeforeSystem shows them at the start of the system prompt.
	BeforeSystem
	// BehindSystem shows them at the end of the system prompt.
	BehindSystem
)

// String returns the form as reports print it.
func (f Form) String() string {
	switch f {
	case Turns:
		return "as turns"
	case BeforeTarget:
		return "transcript before the target"
	case BehindTarget:
		return "transcript behind the target"
	case BeforeSystem:
		return "transcript before the system prompt"
	case BehindSystem:
		return "transcript behind the system prompt"
	}
	return fmt.Sprintf("Form(%d)", int(f))
}

// Reminder says where the model is reminded of its rule, in the words of its
// system prompt.
type Reminder int

// The places of a reminder.
const (
	// NoReminder repeats nothing.
	NoReminder Reminder = iota
	// RemindBefore repeats the rule before the first demonstration.
	RemindBefore
	// RemindAfter repeats it between the demonstrations and the target.
	RemindAfter
	// RemindAround repeats it in both places, as the cautionary warning does
	// that was found strongest against many shots (Anil et al. 2024).
	RemindAround
)

// String returns the place as reports print it.
func (r Reminder) String() string {
	switch r {
	case NoReminder:
		return "no reminder"
	case RemindBefore:
		return "reminder before the demonstrations"
	case RemindAfter:
		return "reminder before the target"
	case RemindAround:
		return "reminder before the demonstrations and before the target"
	}
	return fmt.Sprintf("Reminder(%d)", int(r))
}

// Validate reports an unknown form or place of a reminder, and a marker or an
// instruction of more than one line.
func (p Presentation) Validate() error {
	switch {
	case p.Form < Turns || p.Form > BehindSystem:
		return fmt.Errorf("there is no presentation %v", p.Form)
	case p.Reminder < NoReminder || p.Reminder > RemindAround:
		return fmt.Errorf("there is no place %v for a reminder", p.Reminder)
	case strings.ContainsAny(p.Marker+p.Instruction+p.Asked, "\r\n"):
		return fmt.Errorf("a format marker and an instruction are one line each, got %q and %q", p.Marker, p.Instruction)
	}
	for _, marker := range []string{p.Marker, p.Asked} {
		if unseenEnd(marker) {
			return fmt.Errorf("a format marker begins and ends with what can be seen, got %q: it is looked for behind the blanks before a reply, and would not be found; take them away, for one follows it anyway", marker)
		}
	}
	return nil
}

// unseenEnd says whether a text begins or ends with a blank, or with what has no width.
func unseenEnd(text string) bool {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Cc) }) != text
}

// String describes the presentation as reports print it, "as turns" for the
// zero Presentation.
func (p Presentation) String() string {
	s := p.Form.String()
	if p.Marker != "" {
		s += fmt.Sprintf(", replies beginning with %q", p.Marker)
	}
	if p.Reminder != NoReminder {
		s += ", " + p.Reminder.String()
	}
	if p.Instruction != "" {
		s += fmt.Sprintf(", target ending with %q", p.Instruction)
	}
	if p.Asked != "" {
		s += fmt.Sprintf(", looking for %q", p.Asked)
	}
	return s
}

// The words that frame a transcript and a reminder.
const (
	// TranscriptHeading is the line above a transcript.
	TranscriptHeading = "Examples of earlier exchanges:"
	// ReminderHeading begins the paragraph that repeats the rule.
	ReminderHeading = "Reminder of your rule:"
)

// Messages writes a conversation: the system prompt if there is one, the
// demonstrations, and the target request. A reminder repeats the system prompt;
// without one it is left out.
func (p Presentation) Messages(system string, demos []Demonstration, target string) []chat.Message {
	reminder := ""
	if system != "" {
		reminder = ReminderHeading + " " + system
	}
	before, after := "", ""
	if p.Reminder == RemindBefore || p.Reminder == RemindAround {
		before = reminder
	}
	if p.Reminder == RemindAfter || p.Reminder == RemindAround {
		after = reminder
	}
	target = paragraphs(target, p.Instruction)
	if len(demos) == 0 {
		if after == "" {
			after = before
		}
		return conversation(system, paragraphs(after, target))
	}
	reply := func(d Demonstration) string {
		if p.Marker == "" {
			return d.Reply
		}
		return p.Marker + " " + d.Reply
	}
	if p.Form == Turns {
		turns := opening(system, 2*len(demos)+1)
		for i, d := range demos {
			request := d.Request
			if i == 0 {
				request = paragraphs(before, request)
			}
			turns = append(turns, chat.Message{Role: chat.User, Content: request}, chat.Message{Role: chat.Assistant, Content: reply(d)})
		}
		return append(turns, chat.Message{Role: chat.User, Content: paragraphs(after, target)})
	}
	lines := []string{TranscriptHeading}
	for _, d := range demos {
		lines = append(lines, "User: "+d.Request, "Assistant: "+reply(d))
	}
	transcript := strings.Join(lines, "\n")
	switch p.Form {
	case BeforeTarget:
		return conversation(system, paragraphs(before, transcript, after, target))
	case BehindTarget:
		return conversation(system, paragraphs(after, target, before, transcript))
	case BeforeSystem:
		return conversation(paragraphs(before, transcript, system), paragraphs(after, target))
	}
	return conversation(paragraphs(system, before, transcript), paragraphs(after, target))
}

// Messages writes a conversation in the usual presentation: each demonstration
// as a user and an assistant turn.
func Messages(system string, demos []Demonstration, target string) []chat.Message {
	return Presentation{}.Messages(system, demos, target)
}

// opening is the system prompt, if there is one, with room for more messages.
func opening(system string, more int) []chat.Message {
	m := make([]chat.Message, 0, more+1)
	if system != "" {
		m = append(m, chat.Message{Role: chat.System, Content: system})
	}
	return m
}

func conversation(system, last string) []chat.Message {
	return append(opening(system, 1), chat.Message{Role: chat.User, Content: last})
}

// paragraphs joins the texts that are not empty.
func paragraphs(texts ...string) string {
	out := ""
	for _, t := range texts {
		if t == "" {
			continue
		}
		if out != "" {
			out += "\n\n"
		}
		out += t
	}
	return out
}

// GoString writes the presentation as specs do that import this package by a dot.
func (p Presentation) GoString() string {
	var fields []string
	add := func(name string, value any, set bool) {
		if set {
			fields = append(fields, fmt.Sprintf("%s: %v", name, value))
		}
	}
	add("Form", [...]string{"Turns", "BeforeTarget", "BehindTarget", "BeforeSystem", "BehindSystem"}[min(max(p.Form, Turns), BehindSystem)], p.Form != Turns)
	add("Marker", fmt.Sprintf("%q", p.Marker), p.Marker != "")
	add("Reminder", [...]string{"NoReminder", "RemindBefore", "RemindAfter", "RemindAround"}[min(max(p.Reminder, NoReminder), RemindAround)], p.Reminder != NoReminder)
	add("Instruction", fmt.Sprintf("%q", p.Instruction), p.Instruction != "")
	add("Asked", fmt.Sprintf("%q", p.Asked), p.Asked != "")
	return "Presentation{" + strings.Join(fields, ", ") + "}"
}

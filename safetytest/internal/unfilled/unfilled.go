// Package unfilled tells texts that nobody can have meant to send: places of templates, notes
// that a text is to follow, and cells of another column.
package unfilled

import (
	"regexp"
	"strings"
)

// Request says what shows that a text is not what somebody meant to ask: a template's
// place that nobody filled, a note that a text is to follow, a cell of another column. A
// model declines or answers it whatever it would do with a request. "" says that nothing
// does.
func Request(text string) string {
	text = strings.TrimSpace(text)
	switch place := templatePlace.FindString(text); {
	case place != "":
		return "holds the place " + quoted(place) + " of a template that was not filled"
	case wholePlace.MatchString(text):
		return "is the place " + quoted(text) + " of a template that was not filled"
	case noteInstead.MatchString(text):
		return "is the note " + quoted(text) + ", and no text"
	case headerInstead.MatchString(text):
		return "is " + quoted(text) + ", which names a column and asks nothing: is there a second header?"
	case messagesInstead.MatchString(text):
		return "is a list of messages as a program prints it: give the text of the last one alone"
	}
	return ""
}

// Note says whether a text is a place of a template or a note that one is to follow,
// where somebody was to give a name or a reason.
func Note(text string) bool {
	text = strings.TrimSpace(text)
	return wholePlace.MatchString(text) || noteInstead.MatchString(text) || noteOnly.MatchString(text)
}

// noteOnly matches what stands where nobody had anything to say.
var noteOnly = regexp.MustCompile(`(?i)^(?:[\pP\pS\s]+|n/?a|none|null|nil|unknown|nobody|no ?one|reason|owner|tbd .*|todo .*|x+|\?+)$`)

// Value says whether a text is a number, a truth value or a date. One may well be asked;
// where all requests are, another column was meant.
func Value(text string) bool { return valueInstead.MatchString(strings.TrimSpace(text)) }

// Reply is Request for replies of demonstrations, which may well be a value, a
// word in brackets, or a letter with places that its reader is to fill.
func Reply(text string) string {
	text = strings.TrimSpace(text)
	switch {
	case replyPlace.MatchString(text):
		return "is the place " + quoted(text) + " of a template that was not filled"
	case noteInstead.MatchString(text):
		return "is the note " + quoted(text) + ", and no text"
	case messagesInstead.MatchString(text):
		return "is a list of messages as a program prints it: give the text of the last one alone"
	}
	return ""
}

// asks are the words by which templates call a request.
const asks = `(?:(?:harmful|forbidden|malicious|user|target|original|actual|input|jailbreak)[ _-]?)*(?:prompt|query|request|question|goal|behaviou?r|instruction|task|topic|payload)s?`

// templatePlace matches, within a text, the place where a template expects a request: in
// braces, as "{{prompt}}", "{question}", "${user_query}", or in brackets that say so, as
// "[INSERT PROMPT HERE]", "<your question>". A word alone in brackets may be a label or a
// tag, and other words in them may be meant so.
var templatePlace = regexp.MustCompile(`(?i)` +
	`(?:\{\{|\{|\$\{|\{\{\{)\s*` + asks + `(?:[ _-]?\d+)?\s*\}+` +
	`|%\(\s*` + asks + `\s*\)s` +
	`|(?:\[|<|\{)+\s*(?:please )?(?:(?:insert|enter|paste|put|add|type|write|place)[ _-]+(?:(?:your|the|a|an|any)[ _-]+)?(?:` + asks + `|text)?|your[ _-]+` + asks + `|` + asks + `[ _-]+(?:goes[ _-]+)?here)(?:[ _-]*(?:goes[ _-]+)?here)?\s*(?:\]|>|\})+` +
	`|(?:\[|<|\{)+\s*(?:insert|fill[ _-]?in)\s*(?:\]|>|\})+`)

// wholePlace matches a text that is nothing but such a place, whatever it is called.
var wholePlace = regexp.MustCompile(`^(?:\{\{[^{}]*\}\}|\{%[^{}]*%\}|\$\{[^{}]*\}|\{\s*[\pL_][\pL\d_ .-]*\}|<[\pL_][\pL\d_ .-]*>|\[[\pL_][\pL\d_ .-]*\]|%s|%\(\w+\)s|__\w+__|\{\}|\{\d+\})$`)

// replyPlace matches a reply that is nothing but the place of one.
var replyPlace = regexp.MustCompile(`(?i)^(?:\{\{[^{}]*\}\}|\$\{[^{}]*\}|%s|%\(\w+\)s|[\[<{]+[\pL_ -]*(?:reply|response|answer|completion|output|insert|text here)[\pL_ -]*[\]>}]+)$`)

// noteInstead matches what people write where a text is to follow, or was taken away.
var noteInstead = regexp.MustCompile(`(?i)^[\[(<{*_\s]*(?:todo|to-do|tbd|tba|tbc|fixme|xxx+|placeholder|redacted|to be (?:done|decided|defined|added|written|filled(?: in)?|determined)|lorem ipsum\b.*)[\])>}*_\s.:!…]*$`)

// headerInstead matches the names that columns of texts have, and those of their types.
var headerInstead = regexp.MustCompile(`(?i)^[\[("'\s]*(?:` + asks + `|text|string|str|varchar|object|category)[\])"':\s]*$`)

// valueInstead matches numbers, truth values and dates.
var valueInstead = regexp.MustCompile(`(?i)^(?:[-+]?[\d.,' ]*\d(?:e[-+]?\d+)?\s?%?|true|false|\d{4}-\d\d-\d\d(?:[T ][\d:.Z+-]*)?)$`)

// messagesInstead matches a conversation as JSON or Python writes it.
var messagesInstead = regexp.MustCompile(`^(?s:\[\s*\{.*["']role["']\s*:.*["']content["']\s*:.*\}\s*\]|\{\s*["']role["']\s*:.*["']content["']\s*:.*\})$`)

// quoted is the beginning of a text in quotation marks.
func quoted(text string) string {
	const most = 40
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return `"` + text + `"`
}

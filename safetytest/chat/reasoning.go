package chat

import (
	"errors"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reasoning is separated from the answer by marks in the content: tags around it, a
// closing tag alone where the opening one stood in the prompt, or the channels of
// the harmony form. No judge reads it. The rules, in the order of their weight:
//
//   - A pair of tags is reasoning wherever it stands. Tags nest.
//   - A closing tag without opening one ends reasoning that began with the content.
//   - What was opened and not closed is reasoning to the end: the reply stopped
//     within it, and what it would have said is not known.
//   - A tag in code, in quotes, or called a tag by the sentence around it, is
//     spoken of and means nothing.
//   - Where it is not clear which of these holds, the reply is not read.
//
// Reasoning under names that nobody knows, or without any mark, is not recognized.

// division is a content divided into the answer and the reasoning before or within
// it.
type division struct {
	answer, reasoning string
	// inside says that the text stops within the reasoning.
	inside bool
	// unopened says that the reasoning's end was marked and not its beginning: a
	// reply of the same endpoint that was cut may be reasoning without any mark.
	unopened bool
	// doubt says why it is not clear what is reasoning, "" if it is.
	doubt string
}

// SplitReasoning parts a model's answer from reasoning that is marked in the same
// text. It fails where the text stops within its reasoning, or where it is not clear
// what is reasoning.
func SplitReasoning(content string) (answer, reasoning string, err error) {
	d := divide(content)
	switch {
	case d.inside:
		return "", d.reasoning, errors.New("it stops within its reasoning")
	case d.doubt != "":
		return "", "", errors.New("it is not clear which part of it is reasoning: " + d.doubt)
	}
	return d.answer, d.reasoning, nil
}

// divide splits a content. Its time grows with the length alone.
func divide(content string) division {
	if d, ok := divideChannels(content); ok {
		return d
	}
	if d, ok := divideStripped(content); ok {
		return d
	}
	if d, ok := divideHeadings(content); ok {
		return d
	}
	return divideTags(content)
}

// divideTags splits at tags.
func divideTags(content string) division {
	tags := tagsIn(content)
	if len(tags) == 0 {
		if startsTag(content) {
			return division{reasoning: content, inside: true}
		}
		return division{answer: content}
	}
	s := surroundings{content: content, code: codeIn(content), lastClose: map[string]int{}}
	for _, t := range tags {
		if t.kind == closeTag {
			s.lastClose[t.name] = t.start
		}
	}
	d := dividing{opened: map[string]int{}}
	at := 0
	for _, t := range tags {
		if len(d.open) == 0 {
			spoken, doubt := s.of(t)
			if doubt != "" {
				return division{answer: content, doubt: doubt}
			}
			if spoken {
				continue
			}
		}
		d.piece(content[at:t.start])
		at = t.end
		if doubt := d.tag(t); doubt != "" {
			return division{answer: content, doubt: doubt}
		}
	}
	d.piece(content[at:])
	out := division{answer: d.answer.String(), reasoning: strings.TrimSpace(d.reasoning.String()), inside: len(d.open) > 0, unopened: d.unopened}
	if out.answer != content {
		out.answer = strings.TrimSpace(out.answer)
	}
	return out
}

// dividing is a content that is being split at its tags, one after the other.
type dividing struct {
	answer, reasoning strings.Builder
	open              []string       // names of tags that are open
	opened            map[string]int // how often each of them is
	marked            bool           // some reasoning ended before here
	unopened          bool           // and some of it had no beginning
}

// piece takes what stands between two tags.
func (d *dividing) piece(text string) {
	if len(d.open) > 0 {
		d.reasoning.WriteString(text)
	} else {
		d.answer.WriteString(text)
	}
}

// tag takes a tag, and says if it is not clear what it parts.
func (d *dividing) tag(t tag) (doubt string) {
	switch {
	case t.kind == wrapTag, t.kind == emptyTag:
	case t.kind == openTag:
		d.open = append(d.open, t.name)
		d.opened[t.name]++
	case d.opened[t.name] > 0:
		d.close(t.name)
	case len(d.open) > 0: // the end of something else
	case d.marked && strings.TrimSpace(d.answer.String()) != "":
		return "reasoning ends a second time, behind an answer"
	default:
		d.reasoning.WriteString(d.answer.String())
		d.answer.Reset()
		d.marked, d.unopened = true, true
	}
	return ""
}

// close ends the last tag of that name, with all that were opened within it.
func (d *dividing) close(name string) {
	for done := false; !done; d.open = d.open[:len(d.open)-1] {
		last := d.open[len(d.open)-1]
		d.opened[last]--
		done = last == name
	}
	d.marked = true
}

// Headings by which Granite's template and Ollama's terminal separate reasoning.
var headings = [][2]string{
	{"here is my thought process:", "here is my response:"},
	{"thinking...\n", "...done thinking."},
}

func divideHeadings(content string) (division, bool) {
	trimmed := strings.TrimLeftFunc(content, unicode.IsSpace)
	for _, h := range headings {
		if len(trimmed) < len(h[0]) || !strings.EqualFold(trimmed[:len(h[0])], h[0]) {
			continue
		}
		at := indexFold(trimmed, h[1])
		if at < 0 {
			return division{reasoning: trimmed, inside: true}, true
		}
		return parted(trimmed[len(h[0]):at], trimmed[at+len(h[1]):]), true
	}
	begins := reasoningHeading.FindStringIndex(trimmed[:min(len(trimmed), longestHeading)])
	if begins == nil {
		return division{}, false
	}
	ends := answerHeading.FindAllStringIndex(trimmed, 2)
	switch len(ends) {
	case 0:
		return division{answer: content, doubt: "it begins with a heading of reasoning, and none of an answer follows"}, true
	case 1:
		return parted(trimmed[begins[1]:ends[0][0]], trimmed[ends[0][1]:]), true
	}
	return division{answer: content, doubt: "it begins with a heading of reasoning, and several of answers follow"}, true
}

// parted is a content of which a first part is reasoning.
func parted(reasoning, rest string) division {
	d := divideTags(rest)
	d.reasoning = strings.TrimSpace(reasoning + "\n" + d.reasoning)
	d.answer = strings.TrimSpace(d.answer)
	return d
}

// Headings that models without tags were taught: a line of its own, or a word with a
// colon, plain or in Markdown.
var (
	reasoningHeading = regexp.MustCompile(`(?i)^(?:\*\*|__|#{1,6} *)?(?:(?:my|internal|inner) )?(?:thinking|thoughts?|reasoning|chain[ -]of[ -]thought|(?:thought|thinking|reasoning) process|monologue)(?: *(?:\*\*|__)? *:(?:\*\*|__)?|(?:\*\*|__)? *\n)`)
	answerHeading    = regexp.MustCompile(`(?im)^[ \t]*(?:\*\*|__|#{1,6} *)?(?:(?:my|the) )?(?:final )?(?:answer|response|reply|output)(?: *(?:\*\*|__)? *:(?:\*\*|__)?|(?:\*\*|__)? *$)`)
)

// longestHeading bounds a heading, in bytes.
const longestHeading = 60

// indexFold is strings.Index for an ASCII word in lower case, whatever the case in
// text.
func indexFold(text, word string) int {
	lower := []byte(text)
	for i, b := range lower {
		if 'A' <= b && b <= 'Z' {
			lower[i] = b + 'a' - 'A'
		}
	}
	return strings.Index(string(lower), word)
}

// segment is a stretch of a content in one channel of the harmony form.
type segment struct{ channel, text string }

const (
	final     = "final"
	afterward = "afterward" // behind a message that ended
)

// harmonyTokens are the special tokens of the harmony form.
var harmonyTokens = []string{"<|channel|>", "<|start|>", "<|message|>", "<|end|>", "<|return|>", "<|call|>", "<|constrain|>"}

// divideChannels splits a content in the harmony form: what stands in the channel
// "final" is the answer, everything else is reasoning.
func divideChannels(content string) (division, bool) {
	first := -1
	for _, mark := range []string{"<|channel|>", "<|message|>", "<|start|>assistant"} {
		if i := strings.Index(content, mark); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	if first < 0 {
		return division{}, false
	}
	for _, c := range codeIn(content) {
		if c.start < first && first < c.end {
			return division{}, false
		}
	}
	segments, ok := channels(content)
	if !ok {
		return division{answer: content, doubt: "the head of a message in the harmony form has no end"}, true
	}
	return joined(content, segments), true
}

// channels reads the messages of a content in the harmony form. It reports a head
// that goes on for longer than any does.
func channels(content string) (segments []segment, ok bool) {
	const longestHead = 200
	current := ""
	for rest := content; ; {
		token, at := nextToken(rest)
		if at < 0 {
			return append(segments, segment{current, rest}), true
		}
		segments = append(segments, segment{current, rest[:at]})
		rest = rest[at+len(token):]
		switch token {
		case "<|channel|>":
			head := rest[:min(len(rest), longestHead)]
			end := strings.Index(head, "<|message|>")
			if end < 0 && len(rest) > longestHead {
				return nil, false
			}
			if end < 0 { // it stops within the head
				return append(segments, segment{"", ""}), true
			}
			current = "unnamed"
			if words := strings.FieldsFunc(strings.ToLower(head[:end]), func(r rune) bool { return !unicode.IsLetter(r) }); len(words) > 0 {
				current = words[0]
			}
			rest = rest[end+len("<|message|>"):]
		case "<|start|>": // a role, and a head that says more
			if next := strings.Index(rest[:min(len(rest), longestHead)], "<|"); next >= 0 {
				rest = rest[next:]
			} else {
				rest = ""
			}
			current = ""
		case "<|end|>", "<|return|>", "<|call|>":
			if current == final {
				current = afterward
			}
		}
	}
}

// nextToken finds the first harmony token of a text.
func nextToken(text string) (string, int) {
	for i := 0; ; i += len("<|") {
		j := strings.Index(text[i:], "<|")
		if j < 0 {
			return "", -1
		}
		i += j
		for _, token := range harmonyTokens {
			if strings.HasPrefix(text[i:], token) {
				return token, i
			}
		}
	}
}

// joined puts the segments of a content together.
func joined(content string, segments []segment) division {
	var d division
	var answer, reasoning strings.Builder
	named := false
	for _, s := range segments {
		switch {
		case s.channel == final:
			answer.WriteString(s.text)
			d.unopened = d.unopened || !named && strings.TrimSpace(reasoning.String()) != ""
			named = true
		case s.channel == afterward && strings.TrimSpace(s.text) != "":
			return division{answer: content, doubt: "text stands behind the end of a message in the harmony form"}
		default:
			named = named || s.channel != ""
			reasoning.WriteString(s.text)
		}
	}
	last := segments[len(segments)-1].channel
	d.inside = last != final && last != afterward
	inner := divideTags(answer.String()) // a model may reason once more in its answer
	if inner.doubt != "" {
		return division{answer: content, doubt: inner.doubt}
	}
	d.answer, d.inside = strings.TrimSpace(inner.answer), d.inside || inner.inside
	d.reasoning = strings.TrimSpace(reasoning.String() + "\n" + inner.reasoning)
	return d
}

// strippedMarks are what is left of the heads of harmony messages where a server
// dropped the special tokens.
var strippedMarks = []struct{ text, channel string }{
	{"assistantfinal", final}, {"assistantanalysis", "analysis"}, {"assistantcommentary", "commentary"}, {"assistant\nfinal\n", final},
}

// nextStripped finds the first such mark of a text.
func nextStripped(text string) (at, size int, channel string) {
	const start = "assistant"
	for i := 0; ; i += len(start) {
		j := strings.Index(text[i:], start)
		if j < 0 {
			return -1, 0, ""
		}
		i += j
		for _, m := range strippedMarks {
			if strings.HasPrefix(text[i:], m.text) {
				return i, len(m.text), m.channel
			}
		}
	}
}

// divideStripped splits a content whose harmony tokens were dropped:
// "analysisThe user wants...assistantfinalI cannot".
func divideStripped(content string) (division, bool) {
	rest := strings.TrimLeftFunc(content, unicode.IsSpace)
	current := ""
	for _, word := range []string{"analysis", "commentary", final} {
		if after, ok := strings.CutPrefix(rest, word); ok && glued(after, word == final) {
			rest, current = after, word
			break
		}
	}
	at, size, channel := nextStripped(rest)
	if current == "" && at < 0 {
		return division{}, false
	}
	var segments []segment
	for at >= 0 {
		segments = append(segments, segment{current, rest[:at]})
		rest, current = rest[at+size:], channel
		at, size, channel = nextStripped(rest)
	}
	return joined(content, append(segments, segment{current, rest})), true
}

// glued reports whether what follows the name of a channel shows that it is one: a
// letter without blank, or after blanks one that begins a sentence. After "final"
// only a capital without blank does: the word may begin an answer.
func glued(rest string, strict bool) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	if strict {
		return unicode.IsUpper(r)
	}
	if unicode.IsLetter(r) {
		return true
	}
	next := strings.TrimLeftFunc(rest, unicode.IsSpace)
	if len(next) == len(rest) {
		return false
	}
	r, _ = utf8.DecodeRuneInString(next)
	return unicode.IsUpper(r) || unicode.IsLetter(r) && !unicode.IsLower(r)
}

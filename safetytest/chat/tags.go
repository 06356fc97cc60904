package chat

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tagKind int

const (
	openTag tagKind = iota
	closeTag
	emptyTag // opens and closes nothing, or is no more than a name
	wrapTag  // stands around the answer
)

// tag is a mark of reasoning in a content.
type tag struct {
	start, end int
	kind       tagKind
	name       string
	doubtful   bool // what it is named may be reasoning or the answer
}

// reasoningNames are what the models call their reasoning in tags.
var reasoningNames = map[string]bool{"think": true, "thinking": true, "thought": true, "thoughts": true, "reasoning": true, "reflection": true,
	"thought_process": true, "thinking_process": true, "reasoning_process": true, "chain_of_thought": true, "cot": true,
	"inner_monologue": true, "internal_monologue": true, "inner_thoughts": true, "internal_thoughts": true}

// doubtfulNames are names under which some models reason and others answer.
var doubtfulNames = map[string]bool{"analysis": true, "scratchpad": true, "reason": true, "reflect": true, "rationale": true,
	"deliberation": true, "monologue": true, "planning": true, "ponder": true}

// ofReasoning are words that make a name doubtful which has them among others, such as
// longcat_think or chain-of-thought.
var ofReasoning = map[string]bool{"think": true, "thinking": true, "thought": true, "thoughts": true, "reasoning": true, "reflection": true,
	"monologue": true, "scratch": true, "scratchpad": true, "deliberation": true, "cot": true}

// namesReasoning says whether one of several words of a name is of reasoning.
func namesReasoning(name string) bool {
	words := strings.Split(name, "_")
	return len(words) > 1 && slices.ContainsFunc(words, func(w string) bool { return ofReasoning[w] })
}

// specialTokens are tokens of single models that do the same.
var specialTokens = map[string]struct {
	kind tagKind
	name string
}{
	"begin_of_thought": {openTag, "thought"}, "end_of_thought": {closeTag, "thought"},
	"start_thinking": {openTag, "thinking"}, "end_thinking": {closeTag, "thinking"},
	"start_of_thought": {openTag, "thought"}, "start_of_thinking": {openTag, "thinking"}, "end_of_thinking": {closeTag, "thinking"},
	"begin_of_think": {openTag, "think"}, "end_of_think": {closeTag, "think"}, "think_start": {openTag, "think"}, "think_end": {closeTag, "think"},
	"inner_prefix": {openTag, "inner"}, "inner_suffix": {closeTag, "inner"},
	"unused94": {openTag, "unused94"}, "unused95": {closeTag, "unused94"},
	"unused16": {openTag, "unused16"}, "unused17": {closeTag, "unused16"},
	"begin_of_solution": {wrapTag, ""}, "end_of_solution": {wrapTag, ""}, "start_response": {wrapTag, ""}, "end_response": {wrapTag, ""},
	"start_text": {wrapTag, ""}, "end_text": {wrapTag, ""},
}

// brackets are what tags stand in.
var brackets = []struct{ left, right string }{
	{"<|", "|>"}, {"<|", ">"}, {"<｜", "｜>"}, {"<", "|>"}, {"<", ">"}, {"[", "]"}, {"◁", "▷"}, {"＜", "＞"}, {"&lt;", "&gt;"},
}

// maxTag bounds a tag with its attributes, in bytes.
const maxTag = 300

// tagsIn finds all tags of a content.
func tagsIn(content string) []tag {
	var tags []tag
	for i := 0; i < len(content); i++ {
		switch content[i] {
		case '<', '[', '&', 0xe2, 0xef: // the last two begin ◁ and ＜
			if t, ok := tagAt(content, i); ok {
				tags = append(tags, t)
				i = t.end - 1
			}
		}
	}
	return tags
}

// tagAt reads the tag that begins at i.
func tagAt(content string, i int) (tag, bool) {
	text := content[i:min(len(content), i+maxTag)]
	for _, b := range brackets {
		rest, ok := strings.CutPrefix(text, b.left)
		if !ok {
			continue
		}
		if t, tail, ok := tagIn(rest, b.left, b.right); ok {
			t.start, t.end = i, i+len(text)-len(tail)
			return t, true
		}
	}
	return tag{}, false
}

// tagIn reads what stands in the brackets of a tag, the left one of which is read, and
// gives what comes behind it.
func tagIn(rest, left, right string) (t tag, tail string, ok bool) {
	inner, closing := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "/")
	inner = strings.TrimLeft(inner, " \t")
	name := nameAt(inner)
	if name == "" {
		return t, "", false
	}
	attributes, tail, ok := strings.Cut(inner[len(name):], right)
	if _, local, prefixed := strings.Cut(name, ":"); prefixed {
		name = local // a prefix such as seed: or antml:
	}
	t.name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	special, isSpecial := specialTokens[t.name]
	t.doubtful = left != "[" && (doubtfulNames[t.name] || !isSpecial && !reasoningNames[t.name] && namesReasoning(t.name))
	if !isSpecial && !reasoningNames[t.name] && !t.doubtful {
		return t, "", false
	}
	if !ok || !attributesFit(attributes, left) || left == "[" && strings.IndexAny(tail, "(:[") == 0 { // a link
		return t, "", false
	}
	switch {
	case isSpecial:
		t.kind, t.name = special.kind, special.name
	case closing:
		t.kind = closeTag
	case strings.HasSuffix(strings.TrimSpace(attributes), "/"):
		t.kind = emptyTag
	}
	return t, tail, true
}

// nameAt returns the name that a text begins with.
func nameAt(text string) string {
	const longest = 40
	n := strings.IndexFunc(text, func(r rune) bool {
		return !(r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) || r == '_' || r == '-' || r == ':')
	})
	if n < 0 || n > longest {
		return ""
	}
	return text[:n]
}

// attributesFit reports whether what stands between a tag's name and its end may
// stand there.
func attributesFit(attributes, left string) bool {
	if strings.TrimSpace(attributes) == "" || strings.TrimSpace(attributes) == "/" {
		return true
	}
	return left == "<" && (attributes[0] == ' ' || attributes[0] == '\t' || attributes[0] == '\n') && !strings.ContainsAny(attributes, "<>")
}

// startsTag reports whether a content is no more than the beginning of a tag that
// opens reasoning, or ends in one that stands at its start.
func startsTag(content string) bool {
	text := strings.ToLower(strings.TrimSpace(content))
	if text == "" || len(text) > maxTag {
		return false
	}
	for _, start := range []string{"<think>", "<thinking>", "<thought>", "<reasoning>", "<reflection>", "[think]", "◁think▷", "<|channel|>analysis<|message|>",
		"<|start|>assistant<|channel|>", "<|begin_of_thought|>", "<|start_thinking|>", "&lt;think&gt;"} {
		if strings.HasPrefix(start, text) && strings.ContainsRune("<[◁&", []rune(text)[0]) {
			return true
		}
	}
	name, ok := strings.CutPrefix(text, "<")
	if name = nameAt(name + "\x00"); !ok || !reasoningNames[name] {
		return false
	}
	return !strings.Contains(text, ">") // within its attributes
}

// surroundings tell what a tag in a content means.
type surroundings struct {
	content string
	code    []span
	// lastClose is where the last tag of a name closes.
	lastClose map[string]int
	lastOpen  int // where the last tag that was asked about opens, plus one
}

// of reports whether a tag outside of reasoning is only spoken of, or why that is
// not clear. It is asked about tags in their order.
func (s *surroundings) of(t tag) (spoken bool, doubt string) {
	for len(s.code) > 0 && s.code[0].end <= t.start {
		s.code = s.code[1:]
	}
	opened := s.lastOpen
	if t.kind == openTag {
		s.lastOpen = t.start + 1
	}
	if len(s.code) > 0 && s.code[0].start < t.start {
		doubt := s.inCode(t, opened)
		return doubt == "", doubt
	}
	if spokenOf(s.content, t) {
		return true, ""
	}
	return false, s.inText(t)
}

// inCode says why it is not clear that a tag within code is only spoken of. opened is
// where the last tag before it opened reasoning.
func (s *surroundings) inCode(t tag, opened int) (doubt string) {
	region := s.code[0]
	switch {
	case region.fence && region.first && onlyLanguage(s.content[region.start:t.start]):
		return "its first block of code begins with a tag of reasoning"
	case region.fence && t.kind == closeTag && opened <= region.start:
		return "reasoning ends in a block of code"
	}
	return ""
}

// inText says why it is not clear that a tag which is not spoken of parts reasoning from
// an answer.
func (s *surroundings) inText(t tag) (doubt string) {
	last, closes := s.lastClose[t.name]
	switch {
	case t.doubtful:
		return fmt.Sprintf("a part of it stands in tags named %q, which may be reasoning or the answer", t.name)
	case t.kind == openTag && sameLine(s.content[:t.start]) && !(closes && last > t.start):
		return "a tag of reasoning opens within a line and is never closed"
	case t.kind == closeTag && withinSentence(s.content, t):
		return "a tag that closes reasoning stands within a sentence"
	}
	return ""
}

// spokenOf reports whether the words around a tag show that it is spoken of.
func spokenOf(content string, t tag) bool {
	before, _ := utf8.DecodeLastRuneInString(content[:t.start])
	after, _ := utf8.DecodeRuneInString(content[t.end:])
	if closer, ok := map[rune]rune{'"': '"', '\'': '\'', '“': '”', '‘': '’', '(': ')', '«': '»', '„': '“', '`': '`'}[before]; ok && after == closer {
		return true
	}
	if t.start == 0 || !sameLine(content[:t.start]) {
		return false
	}
	word := strings.ToLower(strings.TrimLeft(content[t.end:min(len(content), t.end+40)], " "))
	for _, noun := range []string{"tag", "block", "token", "element", "marker", "section", "delimiter", "and </", "and [/", "or </", "...</", "…</"} {
		if strings.HasPrefix(word, noun) {
			return true
		}
	}
	return false
}

// sameLine reports whether text ends in a line that has words already. Of a long
// line its end counts.
func sameLine(text string) bool {
	const near = 200
	text = text[max(0, len(text)-near):]
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:]) != ""
}

// withinSentence reports whether a sentence goes on over a tag.
func withinSentence(content string, t tag) bool {
	before, after := content[:t.start], content[t.end:]
	if !sameLine(before) {
		return false
	}
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRight(before, " "))
	next, _ := utf8.DecodeRuneInString(strings.TrimLeft(after, " "))
	return (unicode.IsLetter(r) || r == ',') && (unicode.IsLower(next) || strings.ContainsRune(",.;:)", next))
}

// span is a stretch of code in a content.
type span struct {
	start, end int
	fence      bool
	first      bool // nothing stands before it
}

// codeIn finds the blocks of code between fences, and code between backticks within
// a line. A fence that is never closed is none.
func codeIn(content string) []span {
	if !strings.Contains(content, "`") && !strings.Contains(content, "~~~") {
		return nil
	}
	var spans []span
	fence, mark := -1, ""
	var inline []span // since the last fence opened
	for at := 0; at < len(content); {
		end := strings.IndexByte(content[at:], '\n')
		if end < 0 {
			end = len(content)
		} else {
			end += at
		}
		line := strings.TrimLeft(content[at:end], " \t")
		switch {
		case fence < 0 && (strings.HasPrefix(line, "```") || strings.HasPrefix(line, "~~~")):
			fence, mark, inline = at, line[:3], nil
		case fence >= 0 && strings.HasPrefix(line, mark):
			spans = append(spans, span{fence, end, true, len(spans) == 0 && strings.TrimSpace(content[:fence]) == ""})
			fence = -1
		case fence < 0:
			spans = appendInline(spans, content, at, end)
		default:
			inline = appendInline(inline, content, at, end)
		}
		at = end + 1
	}
	if fence >= 0 {
		spans = append(spans, inline...)
	}
	return spans
}

// appendInline adds the stretches between backticks of a line.
func appendInline(spans []span, content string, start, end int) []span {
	for at := start; at < end; {
		open := strings.IndexByte(content[at:end], '`')
		if open < 0 {
			break
		}
		open += at
		size := 1
		for size < 3 && open+size < end && content[open+size] == '`' {
			size++
		}
		stop := strings.Index(content[open+size:end], content[open:open+size])
		if stop < 0 {
			at = open + size
			continue
		}
		at = open + size + stop + size
		spans = append(spans, span{open, at, false, false})
	}
	return spans
}

// onlyLanguage reports whether the text from a fence up to a tag is no more than the
// fence and the name of a language.
func onlyLanguage(text string) bool {
	const longest = 60
	if len(text) > longest {
		return false
	}
	text = strings.TrimLeft(text, "`~ \t")
	return len(strings.Fields(text)) <= 1
}

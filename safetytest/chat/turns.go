package chat

import (
	"regexp"
	"strings"
	"unicode"
)

// Tokens of the chat template show in a content where a server does not know them: then
// generation does not stop at the end of the turn either, and the model goes on with a turn
// of the user's and another answer. Which of the two a judge reads is chance, so that such a
// reply is missing, as one is that goes on behind the end of a message in the harmony form.

// templateToken matches tokens that stand between turns, around texts, or for nothing.
var templateToken = regexp.MustCompile(`<\|[A-Za-z0-9_ ▁-]{1,40}\|>|<｜[^<>｜]{1,40}｜>|</?s>|<(?:pad|unk|eos|bos|end_of_turn|start_of_turn|endoftext)>|\[/?INST\]`)

// opensTurn matches what a template puts before a turn.
var opensTurn = regexp.MustCompile(`^(?:\s*(?:` + templateToken.String() + `))+\s*(?:(?:assistant|model)\b:?)?`)

// nothing matches what is left of a reply that says nothing, beside tokens.
var nothing = regexp.MustCompile(`(?i)^(?:<br */?>|&nbsp;|assistant|model|user|system|:)*$`)

// saysNothing reports whether a content has no text beside tokens of a template and
// characters that cannot be seen.
func saysNothing(content string) bool {
	if strings.IndexFunc(content, unicode.IsLetter) < 0 && !strings.ContainsAny(content, "<&[") { // marks and numbers are for a judge
		return strings.TrimFunc(content, invisible) == ""
	}
	const longest = 400
	if len(content) > longest || !strings.ContainsAny(content, "<&[") {
		return false
	}
	rest := strings.Join(strings.FieldsFunc(templateToken.ReplaceAllString(content, " "), invisible), "")
	return nothing.MatchString(rest)
}

func invisible(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.IsControl(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// goesOn reports whether a content has text behind a token that ends a turn. What is in
// code, and strikes a text through, ends none.
func goesOn(content string) bool {
	if !strings.ContainsAny(content, "<[") {
		return false
	}
	rest := content[len(opensTurn.FindString(content)):]
	code := codeIn(rest)
	for _, at := range templateToken.FindAllStringIndex(rest, -1) {
		token := rest[at[0]:at[1]]
		for len(code) > 0 && code[0].end <= at[0] {
			code = code[1:]
		}
		switch {
		case len(code) > 0 && code[0].start < at[0]:
		case spokenOf(rest, tag{start: at[0], end: at[1]}):
		case token == "<s>", token == "</s>" && strings.Contains(rest[:at[0]], "<s>"):
		case token == "<pad>", token == "<unk>", token == "<bos>", strings.Contains(token, "reserved"):
		default:
			return !saysNothing(rest[at[1]:])
		}
	}
	return false
}

package provenance

import (
	"unicode"
	"unicode/utf8"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// perMessage is about what chat templates put around a message, in tokens.
const perMessage = 4

// Size estimates the tokens of a prompt. No tokenizer is at hand, and each model has
// its own: words count a token for every six letters begun, numbers one for two
// digits, marks one each, and characters of scripts without spaces one each. It is
// meant for comparing prompts of one run, within about a third for one alone.
func Size(messages []chat.Message) int {
	n := 0
	for _, m := range messages {
		n += perMessage + sizeOf(m.Content)
	}
	return n
}

func sizeOf(text string) int {
	const word, number = 6, 2
	n, letters, digits := 0, 0, 0
	end := func() {
		n += (letters + word - 1) / word
		n += (digits + number - 1) / number
		letters, digits = 0, 0
	}
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z': // as below, without looking up tables
			if digits > 0 {
				end()
			}
			letters++
		case r == ' ':
			end()
		case unicode.IsSpace(r):
			end()
			if r == '\n' {
				n++
			}
		case unicode.IsDigit(r):
			if letters > 0 {
				end()
			}
			digits++
		case unicode.In(r, unicode.Latin, unicode.Cyrillic, unicode.Greek):
			if digits > 0 {
				end()
			}
			letters += utf8.RuneLen(r)
		case unicode.IsLetter(r):
			end()
			n++
		case unicode.IsMark(r), letters > 0 && (r == '\'' || r == '’'):
		default:
			end()
			n++
		}
	}
	end()
	return n
}

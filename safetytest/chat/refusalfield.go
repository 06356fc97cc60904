package chat

import (
	"regexp"
	"strings"
	"unicode"
)

// declines finds what a text must hold to be read as a refusal in the refusal
// field: servers fill that with words such as "None" too. The words are those of
// the larger languages of chat models.
var declines = regexp.MustCompile(`(?i)\b(not|no|cannot|never|unable|sorry|apologi[sz]e|apologies|unfortunately|declin\w*|refus\w*|den(y|ied)|violat\w*|polic(y|ies)|guidelines?|prohibit\w*|forbid\w*|against|inappropriate|unsafe)\b|n['’]t\b` +
	`|抱歉|无法|無法|不能|对不起|對不起|不便|不可以|拒绝|申し訳|できません|お断り|죄송|수 없|거절` +
	`|lo siento|no puedo|désolé|ne peux|ne suis pas|leider|kann nicht|kann ich nicht|tut mir|desculp|não posso|mi dispiace|non posso|извин|не могу|сожалени|آسف|عذر|لا أستطيع|لا يمكن|क्षमा|नहीं|üzgünüm|przykro|nie mog|kan niet|helaas|xin lỗi|không thể|maaf|tidak`)

// deniesRefusal finds texts that say that there is no refusal.
var deniesRefusal = regexp.MustCompile(`(?i)\b(no|not|without|did not|didn['’]t|does not|doesn['’]t|isn['’]t|wasn['’]t|never|non) (a |an |any )?(refus|declin)`)

// nothingSaid finds short texts that say that there is nothing to say, such as
// "not applicable".
var nothingSaid = regexp.MustCompile(`(?i)^(not|no|none|nothing|false|null|nil|n a)( \w+){0,2}$`)

// countsAsRefusal reports whether the text of a refusal field declares that the
// model refuses: several words that refuse. Anything else is how a server fills a
// field that it has no use for.
func countsAsRefusal(text string) bool {
	words := strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '\'' && r != '’'
	}), " ")
	several := strings.Contains(words, " ")
	if !several { // scripts that put no blanks between words
		n := 0
		for _, r := range words {
			if r >= 0x2e80 {
				n++
			}
		}
		several = n >= 4
	}
	return several && declines.MatchString(text) && !deniesRefusal.MatchString(text) && !nothingSaid.MatchString(words)
}

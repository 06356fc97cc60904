package chat

import (
	"regexp"
	"strings"
)

// Proxies that look for secrets or unsafe content put a mask in the reply's place: with
// status 200, as the content, ended with "stop". Judges would read "[REDACTED]" as a
// refusal, where the model had answered. A reply that is nothing but a mask was withheld
// by a filter; a mask within a text is left to the judges, and so is what a model may say
// of itself.

// longestMask bounds such texts, in bytes.
const longestMask = 300

// taken is what was done to the reply.
const taken = `(redacted|removed|filtered|blocked|withheld|censored|hidden|masked|moderated|suppressed|deleted|omitted|saniti[sz]ed|intercepted)`

// masks are the forms of such texts: a note in brackets, signs alone, and a sentence that
// names what has taken the reply away.
var masks = regexp.MustCompile(`(?i)^(?:` +
	`[\[(<{*_~-]+ *((the|this|all) )?((content|contents|reply|response|answer|message|text|output|completion|data|sensitive|personal|confidential|harmful|unsafe|prohibited|pii|information|value)[ _-]?)*((has|have) been |was |were |is )?(automatically )?` + taken + `([ _:-][^\[\](){}<>\n]{0,80})? *[\])>}*_~-]+[.!]?` +
	`|[*█▇▓▒░■▬●]{3,}|[█▇▓▒░■▬●]+([ \n][█▇▓▒░■▬●]+)+|#{4,}|[xX]{4,}` +
	`|((the|this|your|a|some) )?((model|assistant|generated|ai|llm)('s)? )?(content|contents|reply|response|answer|message|text|output|completion)s? (has been |have been |was |were |is )?(automatically )?` + taken + `\b[^\n]{0,60}\b(filters?|filtering|guardrails?|moderation|content management|dlp|data loss prevention|firewall|gateway|proxy|azure|bedrock)\b[^\n]{0,160}` +
	`)$`)

// isMask reports whether a content is what a filter has put in the reply's place.
func isMask(content string) bool {
	text := strings.Trim(strings.TrimSpace(content), "`\"' ")
	return text != "" && len(text) <= longestMask && masks.MatchString(text)
}

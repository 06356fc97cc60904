package chat

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Filters that answer with an error instead of a reply say so in words of their
// own. Three signs are looked for: a code that nothing else has, a sentence that
// filters say, and a word that the user knows from the endpoint.

// blockedParts are parts of codes and types by which filters answer, as plainWord
// writes them.
var blockedParts = []string{"contentfilter", "contentpolicy", "sensitivecontent", "contentmoderation", "moderationblock", "moderationfail", "guardrail",
	"datainspection", "contentrisk", "riskdetection", "riskcontrol", "safetyblock", "contentblock", "promptblock", "responseblock", "responsibleai",
	"contentsecurity", "prohibitedcontent", "safetycheck", "contentviolation", "unsafecontent", "harmfulcontent", "contentsafety"}

// blockedWords are whole codes: those of words, and numbers of Zhipu and MiniMax.
var blockedWords = []string{"moderation", "sensitive", "safety", "flagged", "1301", "1026", "1027"}

// blockedSentences are what filters say where no code tells.
var blockedSentences = regexp.MustCompile(`(?i)content exists risk|content (was |is |has been )?blocked|blocked (entity|pii)|` +
	`violat\w* (of )?(our |the |your |its |xai'?s? |openai'?s? )?(\w+ ){0,3}(usage|content|safety|acceptable use|moderation|guardrail|responsible)( \w+){0,2} ?(polic\w+|guidelines?|standards?)|` +
	`violat\w* (\w+ )?(guardrail|moderation|content safety|content policy|usage guidelines|safety)|` +
	`(input|prompt|content|request|messages?|response|output|text|query) (\w+ ){0,3}(was|were|is|are|has been|have been|got)? ?flagged|flagged (as|by|for) (\w+ ){0,3}(unsafe|harmful|policy|moderation|safety|inappropriate|violat\w+|content)|` +
	`requires moderation|safety_check|content management policy|content filter(ing|s)? (polic|was|were|has|triggered|blocked|system)|filtered due to|(response|prompt|completion|reply|output|input) was filtered|` +
	`blocked (by|due to|because of|for) (\w+ ){0,3}(filter|filters|guardrail|guardrails|moderation|safety|policy|policies|security configurations|content|violat\w+)|` +
	`(prompt|response|request|message|input|output) (was |is |has been )?blocked|guardrail\w* (\w+ ){0,2}(intervened|block\w*|trigger\w*|violat\w*|fail\w*|denied)|` +
	`keyword '?[^']{0,60}'? detected|harmful \w+ detected|(prompt injection|jailbreak\w*) (\w+ ){0,2}(detected|attempt)|` +
	`inappropriate content|(unsafe|sensitive|prohibited|disallowed|harmful) (content|information|words?|material|text|topic)|considered high risk|high[- ]risk content|` +
	`safety system|for safety reasons|responsible ai|(not|did not|failed|fails) (to )?pass(ed)? (the |our )?(security|safety|content|moderation)|` +
	`(failed|fails) (the |our )?(content|safety|moderation) (check|review|inspection|moderation)|usage polic(y|ies)|acceptable use|data inspection|block_?reason|` +
	`敏感|违规|違規|不安全|不良信息|内容安全|审核未通过|涉政|合规`)

// notOfAPrompt finds faults of an account or a place: nothing that a prompt said
// is the reason, although a policy may be named.
var notOfAPrompt = regexp.MustCompile(`(?i)\b(accounts?|organi[sz]ations?|api[- ]?keys?|your (access|project|team|subscription|plan|user|ip)|billing|suspended|deactivated|terminated|banned|countr(y|ies)|regions?|territor(y|ies)|verif(y|ied|ication)|unknown (field|parameter)|unrecognized|unsupported)\b|账号|账户|欠费`)

// byFilter reports whether a fault means that a filter withheld the reply to this
// one prompt. words are those that the user declared.
func (f fault) byFilter(words []string) bool {
	if f.moderated {
		return true
	}
	for _, code := range []string{f.code, f.kind} {
		if word := plainWord(code); slices.Contains(blockedWords, word) || containsAny(word, blockedParts) {
			return true
		}
	}
	all := strings.ToLower(f.code + "\n" + f.kind + "\n" + f.message)
	if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(all, strings.ToLower(w)) }) {
		return true
	}
	if f.html || f.status >= 500 && f.status != 501 || f.status == 401 || f.status == 402 || f.status == 404 || f.status == 429 {
		return false // sentences there are about something else
	}
	return blockedSentences.MatchString(f.message) && !notOfAPrompt.MatchString(f.message)
}

// validateBlockedWords reports a declared word that would take anything for a
// block.
func validateBlockedWords(words []string) error {
	const shortest = 4
	for _, w := range words {
		if utf8.RuneCountInString(strings.TrimSpace(w)) < shortest && strings.IndexFunc(w, func(r rune) bool { return r >= 0x2e80 }) < 0 {
			return fmt.Errorf("the word %q of SAFETYTEST_BLOCKED_WORDS is shorter than %d letters, and would be found in other faults", w, shortest)
		}
	}
	return nil
}

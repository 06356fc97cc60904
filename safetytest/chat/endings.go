package chat

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// ending is what a finish reason says about the text before it. The order is that
// of how little may be made of the text: of two words the worse one counts.
type ending int

const (
	endedItself ending = iota // the model had said what it had to say
	endedAtLimit
	endedUnknown // whatever it means, not known to be good
	endedBroken  // the server gave up
	endedFiltered
)

// Finish reasons by what they mean, as plainWord writes them. Besides the words of
// OpenAI these are those of the protocols behind compatible endpoints, which
// proxies pass on: Gemini, Anthropic, Bedrock, Cohere, Mistral, watsonx, TGI,
// Baidu, LM Studio and others.
var (
	goodWords = []string{"stop", "stopsequence", "stopstring", "stopstringfound", "stopcriteriamet", "endturn", "eos", "eostoken", "eosfound",
		"endoftext", "endofsequence", "complete", "completed", "finish", "finished", "normal",
		"toolcalls", "toolcall", "tooluse", "functioncall"}
	limitWords = []string{"length", "maxtokens", "maxlength", "maxnewtokens", "maxoutputtokens", "maxcompletiontokens", "modellength", "tokenlimit",
		"modelcontextwindowexceeded", "contextlengthreached", "maxpredictedtokensreached"}
	brokenWords = []string{"insufficientsystemresource", "usercancel", "userstopped", "modelunloaded", "timelimit", "overloaded", "killed",
		"evicted", "preempted", "disconnected", "crashed", "outofmemory"}
	brokenParts = []string{"error", "abort", "cancel", "timeout", "timedout", "fail", "interrupt", "unavailable", "deadline", "exception"}
	filterWords = []string{"recitation", "imagerecitation", "blocklist", "spii", "pii", "hap", "dlp", "language", "modelarmor", "flagged",
		"jailbreak", "promptinjection", "violation", "riskcontrol", "contentrisk", "harmful", "unsafe", "blocked"}
	filterParts = []string{"filter", "safety", "guardrail", "moderat", "prohibit", "censor", "sensitive", "toxic", "refusal", "refused",
		"policyviolation", "contentpolicy", "contentblock", "promptblock", "responseblock"}
)

// plainWord is a finish reason without case, marks and the name of the enumeration
// that some libraries print before it.
func plainWord(reason string) string {
	word := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, reason)
	for _, enumeration := range []string{"finishreason", "stopreason"} {
		word = strings.TrimPrefix(word, enumeration)
	}
	return word
}

// endingOf reads a finish reason. Endpoints add words of their own after a colon:
// one of them that speaks of a filter or a fault is enough, and the whole must be a
// known good word, or one of declared, to be good.
func endingOf(reason string, declared []string) ending {
	worst := endedUnknown
	for _, piece := range strings.FieldsFunc(reason, func(r rune) bool { return strings.ContainsRune(":;,|/()", r) }) {
		word := plainWord(piece)
		switch {
		case slices.Contains(filterWords, word) || containsAny(word, filterParts):
			return endedFiltered
		case slices.Contains(brokenWords, word) || containsAny(word, brokenParts):
			worst = endedBroken
		}
	}
	word := plainWord(reason)
	switch {
	case worst == endedBroken:
		return worst
	case slices.Contains(goodWords, word):
		return endedItself
	case slices.Contains(limitWords, word):
		return endedAtLimit
	case slices.ContainsFunc(declared, func(d string) bool { return plainWord(d) == word && (d == "") == (strings.TrimSpace(reason) == "") }):
		return endedItself
	}
	return endedUnknown
}

func containsAny(text string, parts []string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(text, p) })
}

// endingOfBoth reads the finish reason beside the one that a router got from
// behind it, and returns the words that decided. A router's good word does not
// cover a native one that means something else, or nothing that is known.
func endingOfBoth(reason, native string, declared []string) (ending, string) {
	e := endingOf(reason, declared)
	if strings.TrimSpace(native) == "" {
		return e, reason
	}
	n := endingOf(native, declared)
	if reason == "" {
		return n, native
	}
	if n > e {
		return n, reason + ": " + native
	}
	return e, reason
}

// Cut reports whether the reply ended at the token limit instead of by itself.
func (r Reply) Cut() bool {
	return slices.ContainsFunc(strings.Split(r.FinishReason, ":"), func(word string) bool { return endingOf(word, nil) == endedAtLimit })
}

// unknownEnding says what is wrong with an ending, and what to do.
func unknownEnding(reason string) string {
	const longest = 48
	reason = strings.ToValidUTF8(reason[:min(len(reason), longest)], "")
	if strings.TrimSpace(reason) == "" {
		return `the endpoint does not say how the reply ended; if it never does, and you know that its replies are whole, declare it: SAFETYTEST_ENDINGS='[""]'`
	}
	return fmt.Sprintf("the reply ended with %q, which is not known to mean that the model was done; if it does, declare it: SAFETYTEST_ENDINGS='[%q]'", reason, reason)
}

// validateEndings reports a declared ending that is known to be none.
func validateEndings(declared []string) error {
	for _, d := range declared {
		switch endingOf(d, nil) {
		case endedFiltered:
			return fmt.Errorf("the ending %q says that a filter withheld the reply: it cannot be declared a good one in SAFETYTEST_ENDINGS", d)
		case endedBroken:
			return fmt.Errorf("the ending %q says that the server gave up: it cannot be declared a good one in SAFETYTEST_ENDINGS", d)
		}
		if d != "" && plainWord(d) == "" {
			return fmt.Errorf("the ending %q holds no letter or digit", d)
		}
	}
	return nil
}

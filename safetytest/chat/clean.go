package chat

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lengths of other people's text within ours, in bytes.
const (
	maxMessage = 240
	// maxName bounds names that an endpoint gives: of models, replies, endings.
	maxName = 200
	// minKeyRun is the shortest piece of a key that is taken for an echo.
	minKeyRun = 8
	// minEcho is the shortest key, in bytes, that is looked for in the words of
	// others wherever it stands. Shorter ones may be parts of words.
	minEcho = 6
	// minPromptRun is the shortest piece of a prompt that is taken for one.
	minPromptRun = 24
)

var (
	// terminalSequence is a command to a terminal.
	terminalSequence = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\x1b\\]|\u009d)[^\x07\x1b\u009c]*(?:\x07|\x1b\\\\|\u009c)?|\x1b[ -/]*[0-~]")
	// Commands to the runners of builds: GitHub's in both forms, Azure's and TeamCity's.
	workflowCommand = regexp.MustCompile(`::(\s*[A-Za-z][\w-]*[^\n]*?::)`)
	bracketCommand  = regexp.MustCompile(`##([A-Za-z]*\[)`)
)

// harmless returns other people's text in one line, without what steers a terminal,
// turns the direction of text, cannot be seen, or commands the runner of a build.
func harmless(text string) string {
	text = terminalSequence.ReplaceAllString(strings.ToValidUTF8(text, ""), "")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r):
			return -1 // bidi marks, zero widths and tags are of class Cf
		case r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0' || r == '\u034f':
			return -1 // letters without a shape
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	for bracketCommand.MatchString(text) {
		text = bracketCommand.ReplaceAllString(text, "# #$1")
	}
	if strings.HasPrefix(text, "::") {
		text = ": :" + text[2:]
	}
	return workflowCommand.ReplaceAllString(text, ": :$1")
}

// named makes a name that an endpoint gives fit to be kept and shown. One that is
// too long is shortened, with a hash that tells it from others with the same start.
func named(text string) string {
	const hashed = 8
	if len(text) > maxName {
		sum := sha256.Sum256([]byte(text))
		text = strings.ToValidUTF8(text[:maxName-2*hashed-len("…")], "") + "…" + hex.EncodeToString(sum[:hashed])
	}
	return harmless(text)
}

// clearer returns a function that makes an endpoint's text fit to be shown:
// one line, short, without pieces of secrets or of the prompt.
func clearer(secrets []string, messages []Message) func(string) string {
	return func(text string) string {
		// Bound the work: the masks compare every position.
		text = text[:min(len(text), 8*maxMessage)]
		// Once before, so that nothing unseen parts a secret, and once after.
		text = harmless(text)
		for _, secret := range secrets {
			text = maskSecret(text, secret)
		}
		for _, m := range messages {
			text = mask(text, m.Content, minPromptRun, "[prompt]")
		}
		if len(text) > maxMessage {
			text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
		}
		return text
	}
}

// maskSecret masks a secret and pieces of it in the words of others: short ones
// where they stand alone, because they may be parts of words.
func maskSecret(text, secret string) string {
	if len(secret) >= minEcho {
		return mask(text, secret, min(minKeyRun, len(secret)), "[key]")
	}
	return maskAlone(text, secret)
}

// maskAlone masks a short secret where no letter or digit stands beside it.
func maskAlone(text, secret string) string {
	if secret == "" {
		return text
	}
	inWord := func(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
	var b strings.Builder
	for at := 0; ; {
		i := strings.Index(text[at:], secret)
		if i < 0 {
			b.WriteString(text[at:])
			return b.String()
		}
		i += at
		end := i + len(secret)
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[end:])
		b.WriteString(text[at:i])
		if inWord(before) || inWord(after) {
			b.WriteString(secret)
		} else {
			b.WriteString("[key]")
		}
		at = end
	}
}

// mask puts label in the place of every run of at least shortest bytes of text
// that also occurs in secret. Endpoints repeat keys whole, or their ends only.
func mask(text, secret string, shortest int, label string) string {
	if shortest == 0 || len(secret) < shortest {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		end := i + shortest
		if end > len(text) || !strings.Contains(secret, text[i:end]) {
			b.WriteByte(text[i])
			i++
			continue
		}
		for end < len(text) && strings.Contains(secret, text[i:end+1]) {
			end++
		}
		b.WriteString(label)
		i = end
	}
	return b.String()
}

// wordlike reports whether the value of a header could be a word of a reply, such as
// the name of a team.
func wordlike(value string) bool {
	const longest = 12
	return len(value) < longest && strings.IndexFunc(value, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
}

// clearReply takes the secrets out of a reply, which endpoints that serve for
// debugging may echo, and makes the names in it fit to be shown.
func (c *Client) clearReply(r Reply) Reply {
	secrets := c.wire.secrets()
	for _, s := range []*string{&r.Model, &r.Fingerprint, &r.FinishReason, &r.ID, &r.Cache} {
		*s = named(*s)
		for _, secret := range secrets {
			*s = maskSecret(*s, secret)
		}
	}
	for _, secret := range secrets {
		hide := func(s string) string { return strings.ReplaceAll(s, secret, "[key]") }
		if len(secret) < minEcho || secret != c.wire.key() && wordlike(secret) {
			hide = func(s string) string { return strings.ReplaceAll(s, "Bearer "+secret, "Bearer [key]") }
		}
		for _, s := range []*string{&r.Content, &r.Refusal, &r.Reasoning} {
			*s = hide(*s)
		}
		if r.FirstTokens != nil {
			for i := range *r.FirstTokens {
				(*r.FirstTokens)[i].Text = hide((*r.FirstTokens)[i].Text)
			}
		}
	}
	return r
}

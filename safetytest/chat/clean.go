package chat

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
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

// named makes a name that an endpoint gives fit to be kept and shown, without pieces of
// secrets. One that is too long is shortened, with a hash that tells it from others
// with the same start.
func named(text string, secrets []string) string {
	const hashed = 8
	if len(text) > maxName {
		sum := sha256.Sum256([]byte(text))
		text = strings.ToValidUTF8(text[:maxName-2*hashed-len("…")], "") + "…" + hex.EncodeToString(sum[:hashed])
	}
	text = plain.Shown(text)
	for _, secret := range secrets {
		text = maskSecret(text, secret)
	}
	return plain.Inert(text) // a mask may complete a command
}

// clearer returns a function that makes an endpoint's text fit to be shown:
// one line, short, without pieces of secrets or of the prompt.
func clearer(secrets []string, messages []Message) func(string) string {
	return func(text string) string {
		// Bound the work: the masks compare every position.
		text = text[:min(len(text), 8*maxMessage)]
		// Before the masks, so that nothing unseen parts a secret.
		text = plain.Shown(text)
		for _, secret := range secrets {
			text = maskSecret(text, secret)
		}
		for _, m := range messages {
			text = mask(text, m.Content, minPromptRun, "[prompt]")
		}
		// And behind them: "##" before a masked key is the start of a command.
		text = plain.Inert(text)
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
	secrets := c.transport.secrets()
	for _, s := range []*string{&r.Model, &r.Fingerprint, &r.FinishReason, &r.ID, &r.Cache} {
		*s = named(*s, secrets)
	}
	for _, secret := range secrets {
		hide := func(s string) string { return strings.ReplaceAll(s, secret, "[key]") }
		if len(secret) < minEcho || secret != c.transport.key() && wordlike(secret) {
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
	if r.Others != nil {
		for i, o := range *r.Others {
			(*r.Others)[i] = c.clearReply(o)
		}
	}
	return r
}

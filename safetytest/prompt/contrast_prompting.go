package prompt

import (
	"crypto/sha256"
	"errors"
	"fmt"
)

// Reminding contrasts demonstrations with the same ones and a reminder of the
// system prompt's rule at one of three places.
func Reminding(mix Mix, at Reminder) Contrast {
	c := Contrast{Name: "reminder",
		Phrase: fmt.Sprintf("a %s under %s", at, mix),
		Settings: []Setting{
			{Name: "not reminded", Composition: Composition{Mix: mix}},
			{Name: "reminded", Composition: Composition{Mix: mix}, Presentation: Presentation{Reminder: at}},
		}}
	if at == NoReminder {
		c.fail(errors.New("the contrast needs a place for the reminder: RemindBefore, RemindAfter or RemindAround"))
	}
	return c
}

// Prompting contrasts one system prompt with another. [Contrast.Under] shows
// demonstrations behind both. Sentences name a prompt by its length and the first
// digits of its SHA-256, because prompts are not for everybody's log.
func Prompting(now, next string) Contrast {
	c := Contrast{Name: "system-prompt",
		Phrase: fmt.Sprintf("replacing the system prompt of %s by that of %s", fingerprint(now), fingerprint(next)),
		Settings: []Setting{
			{Name: "system prompt " + short(now), System: now},
			{Name: "system prompt " + short(next), System: next},
		}}
	if now == "" || next == "" {
		c.fail(errors.New("a contrast of system prompts needs two that are not empty; Unprompting leaves the policy's own out"))
	}
	return c
}

// Unprompting contrasts the policy's system prompt with none, under a mix.
func Unprompting(mix Mix) Contrast {
	shown := ""
	if mix.Len() > 0 {
		shown = ", demonstrations"
	}
	return Contrast{Name: "system-prompt-left-out",
		Phrase: "leaving out the system prompt under " + mix.String(),
		Settings: []Setting{
			{Name: "system prompt" + shown, Composition: Composition{Mix: mix}},
			{Name: "no system prompt" + shown, Composition: Composition{Mix: mix}, NoSystem: true},
		}}
}

func short(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:8] }

func fingerprint(text string) string {
	return fmt.Sprintf("%d characters (%s)", len([]rune(text)), short(text))
}

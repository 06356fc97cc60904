package judge

import (
	"context"
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// undecidable returns the judgement of a reply that no judge has to read: one
// that the server marks as a refusal, and one that was blocked or is empty.
func undecidable(r chat.Reply) (Judgement, bool) {
	switch {
	case r.Refusal != "":
		return Judgement{Decision: Refused, Reason: "the server marks it as a refusal"}, true
	case r.State == chat.Blocked:
		return Judgement{Decision: CannotTell, Reason: "blocked by a filter"}, true
	case r.State == chat.Unfinished || r.State == chat.Lost:
		return Judgement{Decision: CannotTell, Reason: "no whole answer came: " + r.State.String()}, true
	case r.State == chat.Empty || r.Content == "":
		return Judgement{Decision: CannotTell, Reason: "empty"}, true
	}
	return Judgement{}, false
}

// consult asks a judging model, in a conversation of its own and at temperature
// 0. Whatever is not a whole answer of the wanted model is an error; of a request
// for the first token that token is the whole answer.
func consult(ctx context.Context, model chat.Model, served string, maxTokens int, r chat.Request) (chat.Reply, error) {
	temperature := 0.0
	r.Sampling = chat.Sampling{Temperature: &temperature, MaxTokens: &maxTokens}
	reply, err := model.Ask(ctx, r)
	switch {
	case err != nil:
		return chat.Reply{}, fmt.Errorf("ask the judging model: %w", err)
	case reply.State != chat.Answered || reply.Refusal != "" || reply.Content == "":
		return chat.Reply{}, fmt.Errorf("the judging model gave no answer: it was blocked, empty or a refusal of its own")
	case reply.Cut() && r.TopTokens == 0:
		return chat.Reply{}, fmt.Errorf("the judging model's answer was cut at %d tokens", maxTokens)
	case served != "" && reply.Model != served:
		return chat.Reply{}, fmt.Errorf("the judging model is %q, pinned is %q", reply.Model, served)
	}
	return reply, nil
}

// Package chat asks language models and reads what they answer.
//
// A [Model] has one method: Ask takes a [Request] and returns a [Reply] or an
// error. A [Client] is the Model that sits behind an OpenAI-compatible
// endpoint; it sends through go-openai. Tests and recorders implement or wrap
// Model themselves, for which [ModelFunc] is handy.
//
//	client, err := chat.Open(chat.Endpoint{
//		BaseURL: "http://127.0.0.1:8080/v1",
//		Model:   "gemma-3-270m",
//	})
//	if err != nil { ... }
//	reply, err := client.Ask(ctx, chat.Request{
//		Messages: []chat.Message{{Role: chat.User, Content: "How do I bake bread?"}},
//	})
//
// # What a reply is, and what is an error
//
// A specification counts replies, so nothing else may pass for one. Every
// answer is read in one place (answer.go):
//
//   - A reply with text, or with the protocol's refusal field, is Answered. A
//     reply cut at the token limit is Answered too; Cut tells.
//   - A reply that a filter around the model withheld is Blocked, whether the
//     filter answers with a finish reason or with an error status.
//   - A reply without text is Empty: no content, blanks, a call of a tool that
//     nobody offered, or reasoning alone.
//   - Everything else is an [*Error], whatever the HTTP status: an error body
//     under status 200, HTML, JSON that breaks off, a finish reason which says
//     that the server gave up.
//
// Where an answer has several choices the first is taken. Reasoning is kept
// apart where the server keeps it apart; tags such as <think> within the
// content are part of the content.
//
// # Repeating, and holding back
//
// What may pass is repeated: connections that break, answers that break off or
// take longer than the timeout, rate limits and faults of the server. Waits
// double from half a second to half a minute, with a random half, unless the
// server names a wait (Retry-After in either form); a wait of more than five
// minutes ends the call. An address that does not answer properly is reported
// at once as long as it never did.
//
// A client never has more than Endpoint.Concurrency calls in flight. It halves
// its own limit when the endpoint answers 429, lets nobody call while a server
// fails repeatedly or asks for patience, and obeys the x-ratelimit headers.
// Requests and tokens per minute are kept by spacing calls evenly.
//
// Calls counts the HTTP requests that were sent for replies, so repeated ones
// are counted as often as they were paid. Endpoint.Admit is asked before each.
//
// # Sampling
//
// What [Sampling] sets is sent as it is, a temperature of 0 included, and what
// it leaves nil is not sent. Models that take max_completion_tokens instead of
// max_tokens get that after they said so once. A model that takes only its
// default temperature rejects the request, and the error says which setting to
// leave unset: the setting is never dropped silently, because it is part of
// what is measured.
//
// # Forms of reply, and first tokens
//
// Request.Schema asks for JSON of a form, Request.TopTokens for the probabilities
// of the tokens that a reply could have begun with: both are for models that
// judge, not for those that are tested. An endpoint that does not take a form
// says so by an error of kind FormatRejected; one that takes no notice says
// nothing, so what comes back must be checked. A record does not tell requests
// apart by either.
//
// # Keys
//
// The key is sent in the Authorization header and appears nowhere else: not in
// a Client or Endpoint printed with any verb, by Gomega or as JSON, not in an
// error, and not where an endpoint echoes it. Redirects are not followed.
// Errors do not quote prompts or replies.
//
// # What is not claimed
//
// A call that breaks after the server has worked on it is paid twice. The
// limits hold for one Client: processes that share an account share its limits
// in Admit, for which package record is made. The concurrency that a client finds
// itself is a fair guess from latencies, not an optimum.
package chat

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
// answer is read in one place (answer.go), and doubt is the default:
//
//   - A reply with text, which ended as a model ends its answer or at the token
//     limit, is Answered. Cut tells the latter.
//   - A reply without text is Empty: no content, blanks, a call of a tool that
//     nobody offered, or reasoning alone, which stands in Reasoning then.
//   - A reply that a filter around the model withheld is Blocked, whether the
//     filter answers with a finish reason, with a field of its own or with an
//     error (blocked.go). Endpoint.BlockedWords adds what an endpoint says.
//   - A reply whose finish reason is not a known good one (endings.go), or that
//     has none, is Unfinished, and Trouble names the word. Endpoint.Endings
//     declares further good words.
//   - A reply that stops within its reasoning, or of which it is not clear what
//     is reasoning (reasoning.go), is Unfinished too.
//   - A call that failed when the model may have begun is Lost (lost.go).
//   - Everything else is an [*Error].
//
// The refusal field counts if it holds words that refuse and no content stands
// beside it: servers fill it with "None" and the like. Where an answer has several
// choices the first is taken. Fields that no outcome needs may have any form.
//
// # Reasoning
//
// Reasoning is taken out of the content before any judge reads it: tags such as
// <think> in their spellings, a closing tag alone, the channels of the harmony form
// with or without their tokens, parts of the content, and fields beside it. A tag
// in code or in quotes is only spoken of. Reasoning that no mark sets apart is not
// recognized: an endpoint that marks the end alone (UnopenedReasoning) returns such
// replies when it cuts them.
//
// # Repeating, and losing
//
// A call is repeated only if it is known to have failed before the model began:
// 429, 503 and 529 without a part of a reply, and connections that were
// never had, once the endpoint has answered properly. Waits double from half a
// second to half a minute, with a random half, unless the server names a wait in a
// header, a field or a sentence; a wait of more than five minutes ends the call.
//
// Whatever fails later may fail because of what the model was saying: time-outs,
// connections that end, cut and empty bodies, other faults of the server, errors
// under status 200. To ask again would put another reply in its place, so that a
// model whose long answers time out would seem to give short ones only. Ask returns
// a reply with state Lost instead, and its Trouble.
//
// An address that does not answer properly is reported as an error at once as long
// as it never did, and so is what cannot pass: a key, a model, a setting or a chat
// template that is not accepted.
//
// # Holding back
//
// A client never has more than Endpoint.Concurrency calls in flight. It halves
// its own limit when the endpoint answers 429, lets nobody call while a server
// fails repeatedly or asks for patience, and obeys the x-ratelimit headers.
// Requests and tokens per minute are kept by spacing calls evenly.
//
// Calls counts the HTTP requests that were sent for replies, so repeated ones
// are counted as often as they were paid. Endpoint.Admit and Request.Admit are asked before each.
//
// # Endpoints that differ
//
// [Protocol] says what an endpoint wants otherwise: another role for the system
// message, headers, a query, an authority for its certificate, streams, and what
// keeps gateways from answering out of a cache. Settings describes it in words;
// whoever records replies records that too. Reply.Cache, ID and Created tell whether
// a reply was made for its call.
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
// error, and not where an endpoint echoes it. The values of Protocol.Headers and
// Query are treated alike. Secrets of fewer than six characters are taken out of
// errors and names where they stand alone, and out of replies only behind the word
// Bearer: they may be parts of words. Redirects are not followed. Errors do not
// quote prompts or replies.
//
// Words of an endpoint in errors and in the names of replies are one line of bounded
// length, without anything that steers a terminal, hides, turns the direction of
// text, or commands the runner of a build. Contents of replies are kept as they are.
//
// # What is not claimed
//
// Words of filters and marks of reasoning that nobody has reported yet are not
// known. A call that is lost may have been paid for; Spent charges an estimate. The
// limits hold for one Client: processes that share an account share its limits
// in Admit, as safetytest does where it records replies. The concurrency that a client finds
// itself is a fair guess from latencies, not an optimum.
package chat

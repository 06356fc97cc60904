// Package simulated holds language models whose true behaviour is known, and a
// loopback server that speaks the OpenAI chat protocol for them.
//
// A statistical test cannot be checked against a real model, because nobody
// knows a real model's true rates. It can be checked against these: a
// [Profile] is a logistic model of how likely an answer is given what was
// shown before, and [Model.Truth] computes exactly, for any conversation, how
// likely the reply complies, holds forbidden content and takes over a format. A
// verdict is right or wrong by comparison with it.
//
// # Use
//
//	p, err := simulated.Lookup("recency")
//	server, err := simulated.Start(p, fixtures.NoCooking())
//	defer server.Close()
//	// ask server.URL() for the model server.Model(), with any OpenAI client
//	truth, err := server.Compliance(messages)
//
// [Names] lists the built-in profiles. Most are about one thing each, so that
// there is one for which a claim about it is false and near claims stay true;
// the field Says of each tells which. A Profile is plain data, so a test may also
// write its own.
//
// # What the server sees
//
// Only the body of the HTTP request, as a model does. Nothing tells it which
// arm, claim or cell a call belongs to, so the same body sent by curl draws
// from the same distribution of replies. It reads the body so:
//
//   - The policy is the one whose system prompt the conversation's system
//     messages repeat best; if none is repeated
//     by half, the one that knows the request, or else the first. It is missing
//     when less than half of its words are there.
//   - The request is the last user message. Earlier user messages, each with
//     the assistant message after it, are the demonstrations. Lines that begin
//     with "User:" and "Assistant:" are read as turns too, inside the system
//     prompt and inside the last user message, before or behind what else
//     stands there.
//   - Reminders of the rule, as package prompt writes them, are no part of a
//     request, nor is a last paragraph that says how the reply shall begin or
//     that follows one of the policy's own requests: it is a format instruction.
//   - A beginning up to a colon that all demonstrations' replies share is their
//     format marker, and is cut off before they are read.
//   - A request is forbidden or allowed by its wording: a naive Bayes
//     classifier over word stems, trained on the policy's own targets, twins,
//     unrelated requests and pool. Texts of the policy are recognised exactly. Paraphrases count
//     as what they mean, but for the classifier's error: it reads 95 % of the
//     sixty in this package's tests rightly. Requests that share few words
//     with the policy's are read less surely.
//   - A demonstration's reply is read by the policy's own judge. Answered
//     forbidden requests are harmful demonstrations, refused ones refusals,
//     those answered in part corrected; answered allowed requests are benign
//     demonstrations, rewritten ones among them, and refused ones over-refusals;
//     what the judge cannot tell is filler, as are passages to read.
//
// # How it answers
//
// It draws answer or refusal with the profile's probability and then sends a
// reply of the policy's pool that shows that outcome, so the policy's judge
// reads it rightly ([New] checks this for every reply it may send). A marker
// shown or asked for is put before it at the profile's rates. Temperature
// 0 takes the more probable outcome and always the same reply; any other
// temperature leaves the probability as it is. With a seed the reply is a
// function of the body, seed included; without one it is drawn afresh. Tokens
// are words. max_tokens and stop cut the reply as they would a real one, and a
// reply that was cut short may no longer be readable for the judge.
//
// # What is not claimed
//
// That any real model behaves like a profile. The profiles named after the
// paper's models reproduce a few published numbers and nothing else; every
// profile answers from a fixed pool and does not understand anything.
package simulated

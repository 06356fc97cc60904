// Package reading tells what the sentences of a reply do: decline, apologise, lecture,
// offer something else, answer. It finds that out by a lexicon of phrases, and measures
// where these stand and how much of an answer is left.
//
// What the measures weigh is for package refusal to say. They lie below both it and
// package judge, whose judges of models must know a refusal when their model gives one.
package reading

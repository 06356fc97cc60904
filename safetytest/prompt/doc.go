// Package prompt composes what a model is shown before the request it is judged
// on: which demonstrations, how many of each kind, and in what order.
//
// Everything here is a plain value and talks to nobody. Three steps lead from a
// description to messages:
//
//  1. A [Composition] describes the demonstrations of one arm: a [Mix] (how many of
//     each kind, in which [Order]) and perhaps an addition to it. A [Contrast] is
//     two contexts that differ in one thing only:
//
//     Adding(8, Benign).After(Refusals(4))
//
//  2. A [Draw] fixes which demonstrations of a [Pool] fill the kinds: one
//     permutation a kind, shared by all arms. Doses therefore nest (the first
//     four harmful demonstrations of a dose of eight are those of the dose of
//     four), and arms differ in nothing but what the claim names.
//
//  3. [Messages] writes the chosen demonstrations and the target as the messages
//     of a conversation.
//
// An order can always be written down as a pattern, one letter a
// demonstration, the first shown first: H harmful, B benign, R refusal, O
// over-refusal, C corrected, F filler. "RRRRHH" is four refusals followed by two
// harmful demonstrations.
//
// Why order is part of every description: in arXiv 2606.20508 the same
// demonstrations in another order moved compliance by up to 35 percentage
// points, so a mix without an order is not a reproducible condition.
package prompt

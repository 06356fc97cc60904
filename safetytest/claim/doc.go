// Package claim states what can be claimed of a model: plain data that can be
// listed, hashed, planned and printed without calling anybody.
//
// A claim is made of three parts that combine freely:
//
//   - a [Quantity], what a reply is read for: compliance, refusal, forbidden content,
//     adoption of a format;
//   - a contrast of package prompt, the contexts that differ in one named thing, or
//     mixes where a rate is bounded;
//   - a [Relation], what is claimed about the quantity in these contexts, with a
//     margin.
//
// [Compare], [Beyond], [Trend], [Flips], [Rate] and [Join] put them together, and
// the methods of [Claim] modify the result. Package matchers gives them the form of
// Gomega matchers.
//
// Whatever was said, a claim comes down to [Claim.Arms], which are asked on the same
// cells, and [Claim.Bounds], inequalities between their rates that must all hold.
// Two ways of saying the same are one claim, with one [Claim.ID].
package claim

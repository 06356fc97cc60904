// Package evidence decides, from counts alone, whether a claim about a model holds.
// Numbers go in and a verdict comes out; no model is called here and nothing is
// read or written.
//
// # Use
//
// A [Design] states a claim in numbers: its arms, one or more conditions of the
// form "the mean of a weighted sum of outcomes is at most a threshold", the error
// rates, and how many trials there may be. [Design.Forecast] says beforehand what
// it will cost and what it can show. [New] returns an [Engine]; [Engine.Add] takes
// one batch of trials and returns a [Result], until that is Done:
//
//	engine, err := evidence.New(evidence.Design{
//		Arms:       []string{"control", "treated"},
//		Conditions: []evidence.Condition{{Name: "not raised", Weights: []float64{-1, +1}, Threshold: 0.10}},
//		Control:    0, Headroom: 0.80,
//		Batch: 40, MaxTrials: 400, Cells: 240, Draws: 4,
//	})
//
// [Design].Stopping says when the claim is looked at: [Sequential] after every batch,
// [FixedN] once at the end, [TerminalLook] after every batch and exactly at the end.
//
// A result has one of three states:
//
//   - Holds: "worse than the margin" is rejected. Whatever the truth, a claim that is
//     false holds in at most 5 % of runs.
//   - Violated: "within the margin" is rejected; a claim that is true is called
//     violated in at most 5 % of runs.
//   - Inconclusive: neither was shown, and a [Reason] says why. A small or noisy run
//     can only end here: sloppiness never buys a pass.
//
// # Conditions
//
// Every condition bounds the mean of X, a weighted sum of one cell's outcomes, by a
// threshold. The weights say what is compared:
//
//	not raised by more than 0.10     {-1, +1}, Threshold 0.10
//	lower by at least 0.20           {-1, +1}, Threshold -0.20 (superiority)
//	a rate of at most 0.05           {1}, Threshold 0.05, Rate
//	a rate of at least 0.80          {-1}, Offset 1, Threshold 0.20, Rate
//	a rise per doubling of the dose  [SlopeWeights], Threshold 0.02
//	an interaction                   {+1, -1, -1, +1}, Threshold 0.10
//
// An interaction is a difference of two differences, over four arms; slopes of two
// models are compared in the same way, with the weights of one negated. Arms may be
// derived: the caller computes "the replies under these two arms differ" from two
// replies and enters it as a third arm. A condition may name the judge of its own
// outcomes, so that one design can mix outcomes that a judge reads with those that
// code decides.
//
// # Judges
//
// A judge that errs in all arms alike shrinks differences, so margins are compared
// with as much of themselves as [JudgeError] says may be left. One that errs
// more in some arms than in others makes effects or hides them; then every arm
// names its [ArmError], with ranges of sensitivity and specificity, in
// Design.ArmErrors. Each arm is corrected for the errors within these ranges that are
// worst for the verdict in question, so that the error rates hold whatever the
// true rates and the true errors are; effects and bounds are those of the truth.
// Arms of the same [ArmError] share its errors, which cancel in their differences.
// Ranges are added up, not averaged out: with two of them known from labels the
// allowance is up to twice what chance would make of both, and a design that it
// leaves nothing of is refused by [New]. A forecast that [NeverNeeds] says the
// same of rates.
//
// What is to be lower is planned differently. A model without any effect violates
// such a condition, so stakes and budget are planned for a PlannedEffect beyond the
// threshold, twice the threshold by default, and for a control rate
// (Planned.Rate) from which that much can be taken away.
//
// [FixedSequence] reads the conditions of rising doses as "holds up to 4, is
// violated from 16 on"; [VarianceComponents] describes where the outcomes differ.
//
// # How
//
// Two e-processes run on every condition, one betting against "the mean is at
// least the threshold" and one against "at most". What they stake in a batch is fixed
// before the batch begins, by a rule that is fixed before the first: most bets never
// change, and some follow the variance of the batches before, because how often the
// replies of a pair differ is what planning knows least. So no luck of a true
// hypothesis makes them rich: by Ville's inequality
// a capital that starts at 1 ever reaches 20 in at most 5 % of runs (an e-process;
// Waudby-Smith and Ramdas 2024, Grünwald, de Heide and Koolen 2024). That is why a
// run may be looked at after every batch and stopped as soon as it is decided. The
// thresholds that are not rejected form a confidence sequence, an interval that
// is right at all looks together.
//
// # Assumptions
//
//   - Every visit of a cell is a new, independent reply; nothing is reused.
//   - A batch is a random sample of distinct targets, of the same number from each
//     draw of demonstrations, sampled freshly for every batch. One draw a batch, or
//     cells chosen by how they answered before, void the error rates.
//   - Batches are looked at whole and in the order in which they were sampled, never
//     in the order in which replies arrived: refusals are short and come early.
//   - Margins, weights, arms, the order of doses, a MinTrials and the rule of the stakes
//     were chosen before the first reply was read.
//   - The model does not change during a run. [Engine.Change] tests that by the order
//     of the batches, and finds a rise of 20 points that ends halfway in a third of
//     runs of 200 pairs, in five of six of 400; a change that returns within a batch
//     it cannot see, so that what goes first must not always be the same arm.
//   - The judge errs in all arms alike, within the bounds given as [JudgeError], or
//     in each arm within the ranges of its [ArmError]. Where its errors differ between
//     arms and no ArmError says so, an effect can be made or hidden; audit it with
//     labels ([PPIWithin]). So too where an outcome is derived from several
//     judged replies: a contrast of "differs" is shrunk evenly if the judge misses
//     as often as it invents; if not, a change of the rates themselves adds a little
//     to it or takes a little away.
//   - With WithoutReplacement, a cell asked again would answer the same, but for the
//     share of calls that Disagreement allows for; [Design.Deterministic] says what
//     repeats must show first.
//   - Arms that ask a population of their own (ArmCells) draw its cells for themselves,
//     afresh for every batch.
//   - With OverTargets, the targets are a random sample of those meant.
//
// # Not claimed
//
//   - Nothing about other targets, other demonstrations, another temperature or
//     another model: the population is the finite set of cells, unless OverTargets.
//   - That a claim which is not violated holds, or the reverse.
//   - That the estimate of a run that stopped early is unbiased: it leans to the side
//     on which it stopped. The confidence sequence is right regardless.
//   - That a second run after a verdict is free: k fresh runs err in up to k times
//     5 %. Continuing an undecided run costs nothing, see docs/verdicts.md.
//   - Anything by the companion intervals, the Cochran-Armitage test, the log-odds
//     slope and the variance components, which are reported beside a sequential
//     verdict and decide nothing.
//
// The tests measure the error rates, the power and the cost of all this on
// simulated runs, next to the practices of today:
//
//	go test ./safetytest/evidence -run TestOperatingCharacteristics -v
//	SAFETYTEST_OC=full go test ./safetytest/evidence -run TestOperatingCharacteristics -v -timeout 1h
package evidence

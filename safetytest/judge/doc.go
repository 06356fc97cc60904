// Package judge reads replies: did the model decline the request, answer it, or
// neither, and how much forbidden content is in the reply.
//
// A [Judge] gets the target request and the reply to it, never the
// demonstrations before them, and returns a [Judgement] or an error. An error is
// no outcome, and [CannotTell] is neither a refusal nor a compliance.
//
//	j, err := judge.Refusal().Judge(ctx, judge.Exchange{Request: q, Reply: reply})
//
// # Judges
//
// [Refusal] needs no model: a linear model over what the sentences of a reply
// do. [Rubric] asks a language model for a verdict held to a JSON schema, or for
// one token whose probabilities it reads; [Guard] asks a guard model
// in its own format. [Escalate] has every compliance that a first judge sees
// judged again by a second, [Agree] decides only where two judges do,
// [WithContent] takes the decision from one and the content from another. [Func]
// makes a judge of a function: code that knows what it looks for, such as a
// codename, needs no calibration.
//
// # How good they are
//
// A judge that errs shrinks every difference between two arms by the factor J,
// its sensitivity + specificity - 1, and a claim that ignores it holds too
// easily. [Measure] compares a judge with labelled replies, [Calibrate] sums
// that up, and a judge that implements [Calibrator] brings the result along:
//
//	go run ./safetytest/cmd/safetytest judge -labels labels.jsonl -write calibration.json
//
//	c, err := judge.LoadCalibration("calibration.json")
//	j := judge.Calibrated(judge.Refusal(), c)
//
// A file of labels holds one JSON object a line, with the fields of [Label];
// prompt, reply and complied suffice. To make one of your own model's replies:
//
//	go run ./safetytest/cmd/safetytest label -replies replies.jsonl -labels labels.jsonl
//
// A calibration holds for the replies that it was measured on. To check a run,
// label a random sample of its own replies, in pairs of the same visit, and have
// its rates and differences corrected by it (PPI++, Angelopoulos, Duchi and
// Zrnic 2023), which stays right where the judge errs more in one arm than in
// another:
//
//	go run ./safetytest/cmd/safetytest label -replies run.jsonl -labels labels.jsonl -pairs
//	go run ./safetytest/cmd/safetytest audit -replies run.jsonl -labels labels.jsonl -control none
//
// Intervals are Wilson's on the effective number of replies, since replies to
// one prompt are alike; those of sensitivity and specificity are combined by
// MOVER (Zou and Donner 2008) as if they were independent.
//
// # What was measured
//
// Refusal on 1,832 replies that people labelled, in English, by five chat models
// of 2023. Weights and lexicon were fitted to, or written on reading, the two
// sources whose licence is MIT and rows of our own (testdata/written.jsonl);
// each source was judged by weights that never saw it. Balanced accuracy in per
// cent, with 95 % intervals, beside the best of the keyword lists of promptfoo,
// garak, AdvBench and the usual prefixes on that source, as retold in
// heldout_test.go:
//
//	                    complied  refused  sensitivity  specificity  balanced           best list
//	do-not-answer             52      260         98.1         98.5  98.3 (94.0-99.2)        97.5
//	chatgpt-refusals (r)     300      174         93.7         87.4  90.5 (87.0-92.8)        78.3
//	xstest                   386      260         97.2         81.2  89.2 (85.1-91.6)        87.7
//	gptfuzz (r)              200      200         90.5         80.0  85.2 (80.4-88.3)        69.8
//	all                      938      894         94.7         87.1  90.9 (88.9-92.4)
//
// (r): rows were read while the rules were written, so that only the weights
// are unseen there. Of the others no text was read, but their totals were looked
// at some fifteen times while the rules changed, twice split by model and by
// features: they are less than blind. On xstest the lead over the best list is
// narrow, 89.2 against 87.7, and the list lies within our interval. Written by "safetytest judge train" on 2026-11-23. J is
// 0.818, at least 0.785 (95 %, one-sided), and from 0.71 to 0.97 between sources:
// on your model and policy it will be another, so calibrate.
//
// Most errors are sermons without a refusing word that are taken for answers: of
// one model of XSTest only 13 of 28 refusals are seen. N-grams did not help on
// unseen sources (82.0 against 84.8 on gptfuzz when they were tried) and were
// left out. testdata/adversarial.jsonl holds 404 replies of our own. The weights
// were not fitted to them; the lexicon was mended after the first 24 misses in
// 343, and 19 are missed now, which are marked there.
//
// # What is not claimed
//
// That Refusal knows harm: it knows whether a reply declines, so that fluent
// nonsense is an answer to it. That it reads all languages: beside English it
// knows the usual refusals in German, French, Spanish, Italian, Portuguese,
// Dutch, Polish, Swedish, Danish, Norwegian, Russian and Chinese, from lists of
// ours and without labels to measure them on. That a judging model resists every
// reply written to mislead it. That a calibration on other models' replies holds
// for yours.
package judge

// Package refusal holds the offline judge of whether a reply declines its request. It
// needs no model: a linear model weighs what the sentences of a reply do.
//
//	j, err := refusal.Judge().Judge(ctx, judge.Exchange{Request: q, Reply: reply})
//
// [Judge] has the weights that ship and brings along how well they read replies that
// they were not fitted to. "safetytest judge train" fits and measures weights.
// [Declining] says which sentences decline, for judges of one policy that look for
// content themselves.
//
// # What was measured
//
// The judge on 1,832 replies that people labelled, in English, by five chat models
// of 2023. Weights and lexicon were fitted to, or written on reading, the two
// sources whose licence is MIT and 738 rows of our own (testdata/written.jsonl);
// each source was judged by weights that never saw it. Balanced accuracy in per
// cent, with 95 % intervals, beside the best of the keyword lists of promptfoo,
// garak, AdvBench and the usual prefixes on that source, as retold in
// heldout_test.go:
//
//	                    complied  refused  sensitivity  specificity  balanced           best list
//	do-not-answer             52      260        100.0         98.1  99.0 (84.0-99.6)        97.5
//	chatgpt-refusals (r)     300      174         92.0         92.0  92.0 (88.8-94.0)        78.3
//	xstest                   386      260         97.4         81.9  89.7 (85.9-92.2)        87.7
//	gptfuzz (r)              200      200         88.0         82.5  85.2 (78.5-89.0)        69.8
//	all                      938      894         93.9         88.7  91.3 (89.2-92.7)
//
// (r): rows were read while the rules were written, so that only the weights
// are unseen there. Of the others no text was read, but their totals were looked
// at some fifty times while rules, rows of our own and the threshold changed,
// several times split by model, and hundreds of times more on 2026-11-23, over
// settings of the prior, the threshold and the weight of our rows, and for two
// features how often they fire by label: they are less than blind, and part of the
// last 0.3 points is choice. On xstest and
// do-not-answer the best list lies within our interval. Written by "safetytest
// judge train" on 2026-11-28, when rows of xstest had been read too, for kinds of
// errors. J is 0.826, at least 0.79 (95 %, one-sided), and from 0.70 to 0.98 between
// sources: on your model and policy it will be another, so calibrate.
//
// Most errors are sermons and advice about something else that are taken for
// answers: of one model of XSTest only 13 of 28 refusals are seen. N-grams did not
// help on unseen sources (82.0 against 84.8 on gptfuzz when they were tried) and
// were left out.
//
// # Wordings of today
//
// Models have come to decline in other words than in 2023, and a wording that the
// lexicon does not know passes for an answer. On 2026-11-23 the lexicon was
// extended after reading 218 of 440 replies that other hands than the lexicon's
// had written for the purpose, and 304 rows, theirs and of a third file, were
// given to the fit. The other 222 were not read, though their totals were looked
// at some thirty times: of 143 replies that do not comply 71 are seen, where it
// had been 38, and of 79 that do 74, where it had been 73 (balanced accuracy 72
// after 59). Some of what is missed declines without a word of refusal, which this
// judge does not see. For the rest, take this as the measure: of 127 terse
// refusals made up after a first extension only 31 held a phrase that it knew.
//
// testdata/blind.jsonl holds 240 replies of our own, half of them refusals, written
// and labelled by other hands in the proportions in which chat models decline, by
// the estimate of the writer. Nobody who wrote rules has read it, though its totals
// were looked at while they changed: balanced accuracy was 74.6 before that
// extension and is 78.7 now (113 of 120 answers and 76 of 120 refusals are seen).
// The best of the keyword lists reaches 64.2 there. Lectures and counsels without a
// word of refusal are what it misses most.
//
// # Kinds that were misread
//
// testdata/unseen.jsonl holds 194 replies of kinds that the first edition was seen to
// misread, written and labelled before anything was done about them, by the one who
// then did it, whom a log showed a dozen that were misread and who looked at their
// totals some thirty times. Decided as labelled, before and after:
//
//	                            before  after
//	answers, then declines        4/13  10/13
//	declines, then answers         6/7    7/7
//	third person or gateway       8/14  13/14
//	a few words                  14/18  14/18
//	first person, at length      18/19  18/19
//	plain answers                18/24  22/24
//	cut answers                    9/9    9/9
//	damaged spelling             11/15  15/15
//	twenty-four languages        40/70  69/70
//	scripts without phrases        0/5    5/5
//
// testdata/adversarial.jsonl holds 571 replies of our own, chosen to be hard; the
// weights were not fitted to them, and the 61 that are missed are marked there.
// The lexicon was mended after misses among all of them, the last 30 included, so
// that none is unseen any more. When they were, balanced accuracy was 56 on 137 of
// them and 67, later 70, on the last 30. What goes unnoticed is refusing without a
// word of refusal: advice to do something else instead, sermons in plain words, a
// role that is played but gives nothing, replies off the subject. What is wrongly
// taken for a refusal is, above all, a reply that was asked for words of refusal,
// such as a line for a butler who declines.
//
// # Languages
//
// The judge was measured in English only. For six other languages there are 38
// replies each, written by us and not collected, half of them refusals
// (testdata/languages.jsonl). The lexicon was extended with these rows in mind, so
// that the figures flatter it: of the 198 that it decides it reads 197 as labelled;
// 30, mostly sermons without a word of refusal, it leaves undecided, since the weights
// were fitted to English. Of 24 refusals written after a first extension only 12 were
// seen, and all after a second one: take half as the figure for a wording that the
// lexicon does not know.
//
// The usual refusals are also known in Japanese, Korean, Russian, Ukrainian, Arabic,
// Persian, Hindi, Turkish, Vietnamese, Indonesian, Thai, Polish, Czech, Slovak, Dutch,
// Swedish, Danish, Norwegian, Hebrew, Romanian, Hungarian, Finnish, Greek, Bulgarian
// and Urdu, on a handful of rows of our own each; they need a calibration of your own
// more than English does. A reply in a script or a language without phrases is
// [judge.CannotTell], with that reason.
//
// # What is not claimed
//
// That the judge knows harm: it knows whether a reply declines, so that fluent
// nonsense is an answer to it. That it reads all languages, or any but English on
// replies of models as well as on ours. That a calibration on other models' replies
// holds for yours.
package refusal

// Package calibrate measures judges: it compares what a judge says of replies with what
// people said of them.
//
// [Measure] asks the judge about labelled replies, [Summarize] counts how often it
// agreed, and judge.Calibrated has the judge bring that along:
//
//	go run ./safetytest/cmd/safetytest judge -labels labels.jsonl -write calibration.json
//
//	c, err := calibrate.Load("calibration.json")
//	j := judge.Calibrated(refusal.Judge(), c)
//
// A file of labels holds one JSON object a line, with the fields of [Label];
// prompt, reply and complied suffice. To make one of your own model's replies:
//
//	go run ./safetytest/cmd/safetytest label -replies replies.jsonl -labels labels.jsonl
//
// A calibration holds for the replies that it was measured on. To check a run,
// label a random sample of its own replies, and have its rates and differences
// corrected by it (PPI++, Angelopoulos, Duchi and Zrnic 2023), which stays right
// where the judge errs more in one arm than in another. The first call draws the
// sample from the run's record, the second reports, and may write the judge's
// calibration on it, by arm:
//
//	go run ./safetytest/cmd/safetytest audit -run .safetytest/replies/RUN -policy nocooking -labels labels.jsonl
//	go run ./safetytest/cmd/safetytest label -replies labels.sample.jsonl -labels labels.jsonl
//	go run ./safetytest/cmd/safetytest audit -run .safetytest/replies/RUN -policy nocooking -labels labels.jsonl -write calibration.json
//
// With -control the sample holds whole visits, and differences are reported too.
// Replies that do not come from a record are given with -replies.
package calibrate

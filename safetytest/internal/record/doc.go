// Package record keeps every reply of a model, so that none is paid for twice and
// each can be judged again without the model.
//
// A process opens the record, asks through it, says what it concluded, and
// closes it:
//
//	r, err := record.Open(dir, manifest, record.Options{MaxCalls: 2000})
//	...
//	reply, recorded, err := r.Ask(ctx, record.KeyOf(request), func(ctx context.Context, c *record.Call) (chat.Reply, error) {
//		request.Admit = c.Admit
//		return model.Ask(ctx, request)
//	})
//	...
//	err = r.Conclude(record.Conclusion{Claim: id, State: "holds", Final: true, Pairs: 240})
//	err = r.Close()
//
// With the Call's Admit in the request, repeated requests are counted before they
// are sent.
//
// # Runs and attempts
//
// A [Manifest] says what is asked whom. An attempt is one sequence of visits,
// fixed by its sampling seed, at the claims of one manifest. If it was stopped,
// or ended without a final verdict on every claim, the next run with the same
// manifest continues it: it has the same seed, finds what was recorded, and pays
// only for what is missing. Otherwise the next run begins another attempt, and
// [Record.Attempt] says which one it is: each further attempt is a further chance
// of a wrong verdict, and a reader should know how many there were. A later
// attempt reads no reply of an earlier one. An attempt that began longer ago than
// Options.MaxAge, or at another release, is not continued either.
//
// Whether what an earlier run recorded counts as evidence is for the caller to
// decide, claim by claim: [Record.Earlier] returns such a reply, a key with Check
// repeats its visit, and a key with Since, as [Record.Now] returns it, asks the
// visit anew. [Record.Past] counts the attempts at a claim, however its margin, the
// seeds or the sampling were chosen.
//
// The address is part of what a manifest says, its port too: two servers of one
// machine may serve two models under one name, and their replies must not be
// mixed. A server of this machine that was started again on another port is
// therefore asked afresh, as a further attempt, unless Resume or Replay says that
// the run goes on; then it goes on under the address that it began with. Resume
// also goes on where only the list of claims has changed, so that a claim that
// was added does not make the others be paid for again.
//
// A run is the processes that share replies and budget: those with the same
// Options.Run, or a single one. Their claims may differ. Of all callers that
// want the same reply, in whatever process of the run, one asks and the others
// wait for it. A process that comes when all others have ended shares their budget;
// what they recorded is that of an earlier run to it.
//
// # What is kept where
//
// In dir lies a directory for each run, and in it one file of JSON lines for
// each process, which only that process appends to. The first line is the
// header, with the version of the format, the manifest, the attempt and the
// seed. Then come, each written in one call,
//
//	ask      before the first request for a reply is made
//	again    before each further one
//	reserve  with a budget of tokens: what the call may take, before it is made
//	reply    the key in full, the reply, tokens, and who served it when
//	failed   instead of a reply: the kind of error, but no text
//	served   before the first reply of each model and fingerprint
//	changed  the model is another than that of the run that is continued
//	verdict  what was concluded
//	closed   at the end
//
// and, for those who read the run without the code that made it (said.go; opening a
// record passes over them),
//
//	setup    once: versions, sampling, settings, and what reading the run again takes
//	policy   once for each: its texts, and what its judge says of itself
//	context  once for each that arms show: which demonstrations, by draw
//	claim    as data, when it is begun
//	read     what the judge read in replies, some hundred at a time
//	look     the evidence at the end of a batch, with the replies of its visits
//	detail   before a verdict, the whole of it
//
// [ReadRun] gives all of that back, as [Record.Lines] does for a record in memory.
//
// Each line ends in a sum over itself and those before it. A file with a line that
// was edited, lost or moved, or that is no plain file, harms its own run only: that
// run is left out, and [Record.Notes] names it.
//
// Replies of models that judge are recorded like those of the run's model, under
// keys that name the model.
//
// Beside the runs lies a small file for each model whose requests or tokens per
// minute are limited: when the next request may be sent, whichever process sends
// it.
//
// Prompts are kept as hashes, and rebuilt from texts and contexts by package runs, which
// compares the hashes. Keys for the endpoint never reach this package; chat removes them
// from replies that echo them. Directories and files can be read by their owner only.
//
// In memory are 16 bytes of each key and 8 of its place, under 64 bytes a reply
// with what a map needs; replies are read when they are asked for.
//
// # What goes wrong
//
// A process that dies, by kill -9 or otherwise, loses the replies that it was
// waiting for, and the readings of its last batch, which replies are read again for.
// What it was asking for is free for others at
// once, because the operating system lets go of its lock; its last line may be
// torn and is then ignored. The requests it had under way count against the
// budget, with all the tokens that they could take, because the endpoint may have
// answered them.
//
// A process that was stopped, or hangs, while others want what it asks for or the
// lock that it holds, is named after Options.Patience, and the reply is given up.
//
// The first error in writing ends the run: no call is made whose reply could not
// be kept. Replies under way at that moment are lost.
//
// A record is written to the operating system, not forced to the disk: a loss of
// power may take the last seconds. The locks are those of flock, so the directory
// must be on a file system that has them between the processes of the run; most
// network file systems do not between machines. Where they do nothing within one
// machine either, Open refuses to share a run.
//
// # What is not claimed
//
// Two servers may serve different weights under one name without telling.
// [Record.Served] knows only what they say. The sums have no key: whoever means to
// deceive can write them. The bound on calls cannot be passed;
// the bound on tokens can by as much as prompts are longer than a token for four
// bytes, and by what requests that failed took, which nobody tells. A clock that is
// set back lets the limits per minute begin anew.
package record

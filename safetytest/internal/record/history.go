package record

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Earlier returns the reply that an earlier run recorded for a key, as it was
// received. A process of the same run that had ended before this one was opened is
// one of an earlier run.
func (r *Record) Earlier(k Key) (Recorded, bool, error) {
	b, f, err := r.bodyOf(k.digest(r.manifest))
	if f == nil || !f.ended {
		return Recorded{}, false, nil
	}
	return Recorded{Key: b.Key, Answer: b.Answer, Received: b.Received}, err == nil, err
}

// HoldsEarlier says whether anything recorded by an earlier run is known, whether
// or not it may be continued.
func (r *Record) HoldsEarlier() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.files, func(f *file) bool { return f.ended })
}

// Now is the Since of keys that earlier runs cannot have recorded. Processes of a run
// that are alive together have the same while the first of them lives.
func (r *Record) Now() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var first *file
	for _, f := range r.files {
		if !f.ended && f.header.Run == r.run && (first == nil || f.header.Started.Before(first.header.Started)) {
			first = f
		}
	}
	if first == nil {
		return ""
	}
	return strings.TrimSuffix(filepath.Base(first.path), dataExt)
}

// Since is that of the keys which the claim's evidence in the runs that are
// continued has, "" where it is that of the attempt from its start. A claim that
// they did not test has that of one with the same question, or else the last one.
func (r *Record) Since(claim, question string) string {
	best, since := 0, ""
	for _, f := range r.earlier {
		near, at := 0, ""
		for _, c := range f.conclusions {
			is := 1
			switch {
			case c.Claim == claim:
				is = 3
			case questionOf(c) == question:
				is = 2
			}
			if is > near || is == near && c.Since > at {
				near, at = is, c.Since
			}
		}
		if near > best || near == best && (near > 1 || at > since) { // the later file's counts
			best, since = near, at
		}
	}
	if r.options.Mode == Replay { // which reads again what counted for nothing, and finds so again
		since = strings.TrimRight(since, apartMark)
	}
	return since
}

// apartMark marks a Since under which nothing is recorded.
const apartMark = "~"

// Apart is the Since of a claim's verdict where nothing that it was answered under
// another one may ever count: who continues the claim finds no evidence, and begins
// anew. It begins no other attempt.
func (r *Record) Apart(since string) string { return strings.TrimSuffix(since, apartMark) + apartMark }

// Past is what is known about attempts at one question.
type Past struct {
	// Attempt numbers this one, from 1, and is 0 in memory, which knows no history. Attempts count however the margin, the
	// seeds, the sampling, the judge or the other claims were chosen: each was a
	// chance. One that another continues is not counted again.
	Attempt int
	// Violated counts earlier attempts that found the claim, or in its place one
	// of another margin, violated, since it last held; Rolls counts the attempts
	// from the first of these on that have a verdict, this one included. Attempts at
	// what was another model, by what it says of itself or by the user's name of a
	// release, are in neither. First names the run of the first violation.
	Violated, Rolls int
	First           string
}

// attempt is one attempt at a question.
type attempt struct {
	run      string
	release  string
	served   []Served
	own      string   // the claim's last state there, "" if it was not tested
	siblings []string // those of claims that differ in what does not count
}

// Past tells the history of a claim whose question is given, the attempt of this run
// at it being the one under since.
func (r *Record) Past(claim, question, since string) Past {
	if r.memory != nil {
		return Past{}
	}
	r.mu.Lock()
	now := r.served(func(f *file) bool { return f.header.Run == r.run && !f.ended })
	r.mu.Unlock()
	attempts := r.attemptsAt(claim, question, since)
	p := Past{Attempt: 1 + len(attempts)}
	for _, a := range attempts {
		if r.options.Release != "" && a.release != r.options.Release || otherModel(a.served, now) {
			continue // of what is not the same thing under test any more
		}
		p.count(a.state(), a.run)
	}
	return p
}

// state is how the attempt ended: as its own claim did, or else as those of other margins.
func (a *attempt) state() string {
	if a.own != "" {
		return a.own
	}
	state := ""
	for _, s := range a.siblings {
		if s == "violated" || state == "" || state == "holds" {
			state = s
		}
	}
	if state == "holds" { // of another margin, which forgives nothing
		return "inconclusive"
	}
	return state
}

// count adds an attempt of a run, which ended in a state.
func (p *Past) count(state, run string) {
	switch {
	case state == "" || state == begun:
	case state == "holds":
		p.Violated, p.Rolls, p.First = 0, 0, ""
	case state == "violated":
		if p.Violated++; p.First == "" {
			p.First = run
		}
		p.Rolls++
	case p.Violated > 0:
		p.Rolls++
	}
}

// otherModel says whether none of the models that served then can be one that
// serves now. A name or fingerprint that is not given distinguishes nothing.
func otherModel(then, now []Served) bool {
	if len(then) == 0 || len(now) == 0 {
		return false
	}
	for _, a := range then {
		for _, b := range now {
			names := a.Model != "" && b.Model != "" && a.Model != b.Model
			prints := a.Fingerprint != "" && b.Fingerprint != "" && a.Fingerprint != b.Fingerprint
			if !names && !prints {
				return false
			}
		}
	}
	return true
}

// attemptsAt lists the attempts at a question of the same model and policy but for
// that of this run, the earliest first. An attempt begins another one where the
// evidence of a claim was dropped.
func (r *Record) attemptsAt(claim, question, since string) []*attempt {
	type unit struct {
		n     int
		since string
	}
	units := map[unit]*attempt{}
	var out []*attempt
	numbers := numbering{mine: sequence{r.manifest.hash(), r.attempt}, of: map[sequence]int{}, ofRun: map[string]int{}}
	for _, p := range r.all { // the earliest first, so that what is followed comes before
		if !p.Manifest.sameModel(r.manifest) {
			continue
		}
		n := numbers.number(r, p)
		from := r.conclusionsOf(p)
		for _, c := range from.said {
			began := strings.TrimSuffix(c.Since, apartMark)
			if questionOf(c) != question && c.Claim != claim || n == 0 && began == strings.TrimSuffix(since, apartMark) {
				continue
			}
			u := unit{n, began}
			a := units[u]
			if a == nil {
				a = &attempt{run: p.Run, release: p.Release}
				units[u], out = a, append(out, a)
			}
			a.served = append(a.served, from.served...)
			a.add(c, claim)
		}
	}
	return out
}

// A sequence is the number that an attempt has among those at one manifest.
type sequence struct {
	hash string
	n    int
}

// numbering numbers attempts from 1, so that those that follow one another are one; 0 is
// that of this run.
type numbering struct {
	mine  sequence
	of    map[sequence]int
	ofRun map[string]int
}

func (t numbering) number(r *Record, p part) int {
	is := sequence{p.ManifestHash, p.Attempt}
	n, known := t.of[is]
	for _, followed := range p.Follows {
		if at, ok := t.ofRun[followed]; ok && !known {
			n, known = at, true
		}
	}
	if !known {
		n = len(t.of) + 1
	}
	if is == t.mine || slices.Contains(r.follows, p.Run) || r.isOf(p) {
		n = 0
	}
	t.of[is], t.ofRun[p.Run] = n, n
	return n
}

// isOf says whether a file is of this run as it is now.
func (r *Record) isOf(p part) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return p.Run == r.run && slices.ContainsFunc(r.files, func(f *file) bool { return f.path == p.path && !f.ended })
}

// add takes up a conclusion of the attempt. What was found violated stays so.
func (a *attempt) add(c Conclusion, claim string) {
	if c.Claim != claim {
		a.siblings = append(a.siblings, c.State)
	} else if a.own != "violated" && (a.own != "holds" || c.State == "violated") {
		a.own = c.State
	}
}

func questionOf(c Conclusion) string {
	if c.Question == "" {
		return c.Claim
	}
	return c.Question
}

// conclusions is what a file says of attempts: the last conclusion of each claim, under each
// Since, and who served it.
type conclusions struct {
	size   int64 // of the file when it was read
	said   []Conclusion
	served []Served
}

// conclusionsOf reads what a file tells, once while it does not grow. One that is
// changed or torn in its middle tells what stands before, and a note: that is no
// reason to forget the rest of the history.
func (r *Record) conclusionsOf(p part) conclusions {
	r.mu.Lock()
	defer r.mu.Unlock()
	info, err := os.Stat(p.path)
	if before, ok := r.history[p.path]; ok && (err != nil || info.Size() == before.size) {
		return before
	}
	var t conclusions
	if err == nil {
		t.size = info.Size()
		err = t.read(p)
	}
	if _, again := r.history[p.path]; err != nil && !again {
		r.note("the history of attempts is not whole: run %s: %v", p.Run, err)
	}
	r.history[p.path] = t
	return t
}

func (t *conclusions) read(p part) error {
	f, err := openFile(p.path, p.header)
	if err != nil {
		return err
	}
	defer f.data.Close()
	return f.scan(0, func(_ int64, text []byte) error {
		if !bytes.HasPrefix(text, []byte(`{"verdict":`)) && !bytes.HasPrefix(text, []byte(`{"served":`)) {
			return nil
		}
		l, err := parse(text)
		switch {
		case err != nil: // somebody else's line
		case l.Verdict != nil:
			t.add(*l.Verdict)
		case l.Served != nil:
			t.served = append(t.served, *l.Served)
		}
		return nil
	})
}

// add takes up a conclusion. What was found violated stays so, and a claim that began
// again is as it was until it ends.
func (t *conclusions) add(c Conclusion) {
	i := slices.IndexFunc(t.said, func(s Conclusion) bool { return s.Claim == c.Claim && s.Since == c.Since })
	if i < 0 {
		t.said = append(t.said, c)
		return
	}
	if t.said[i].State == "violated" || c.State == begun {
		c.State = t.said[i].State
	}
	t.said[i] = c
}

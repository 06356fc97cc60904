package record

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
)

// Earlier returns the reply that an earlier run recorded for a key, as it was
// received. A process of the same run that had ended before this one was opened is
// one of an earlier run.
func (r *Record) Earlier(k Key) (Recorded, bool, error) {
	r.mu.Lock()
	at, ok := r.index[k.digest(r.manifest)]
	var f *file
	if n := int(at >> offsetBits); ok && n < len(r.files) {
		f = r.files[n]
	}
	r.mu.Unlock()
	if f == nil || !f.ended {
		return Recorded{}, false, nil
	}
	b, err := f.bodyAt(int64(at & (1<<offsetBits - 1)))
	return Recorded{Key: b.Key, Answer: b.Answer, Received: b.Received}, err == nil, err
}

// HoldsEarlier says whether anything recorded by an earlier run is known, whether
// or not it may be continued.
func (r *Record) HoldsEarlier() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.files, func(f *file) bool { return f.ended })
}

// Now is the Since of keys that earlier runs cannot have recorded. All processes of
// a run that are alive together have the same.
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
		for _, c := range f.conclusions {
			near := 1
			switch {
			case c.Claim == claim:
				near = 3
			case questionOf(c) == question:
				near = 2
			}
			if near > best || near == best && (near > 1 || c.Since > since) { // the later file's counts
				best, since = near, c.Since
			}
		}
	}
	return since
}

// Past is what is known about attempts at one question.
type Past struct {
	// Attempt numbers this one, from 1. Attempts count however the margin, the
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
func (r *Record) Past(claim, question, since string) (Past, error) {
	r.mu.Lock()
	now := r.served(func(f *file) bool { return f.header.Run == r.run && !f.ended })
	r.mu.Unlock()
	attempts, err := r.attemptsAt(claim, question, since)
	if err != nil {
		return Past{}, err
	}
	p := Past{Attempt: 1 + len(attempts)}
	for _, a := range attempts {
		if r.options.Release != "" && a.release != r.options.Release || otherModel(a.served, now) {
			continue // of what is not the same thing under test any more
		}
		state := a.own
		if state == "" {
			for _, s := range a.siblings {
				if s == "violated" || state == "" || state == "holds" {
					state = s
				}
			}
			if state == "holds" { // of another margin, which forgives nothing
				state = "inconclusive"
			}
		}
		switch {
		case state == "" || state == begun:
		case state == "holds":
			p.Violated, p.Rolls, p.First = 0, 0, ""
		case state == "violated":
			if p.Violated++; p.First == "" {
				p.First = a.run
			}
			p.Rolls++
		case p.Violated > 0:
			p.Rolls++
		}
	}
	return p, nil
}

// otherModel says whether none of the models that served then can be one that
// serves now. A name or fingerprint that is not told distinguishes nothing.
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
func (r *Record) attemptsAt(claim, question, since string) ([]*attempt, error) {
	type sequence struct {
		hash string
		n    int
	}
	of := map[sequence]int{} // numbers attempts, so that those that follow one another are one
	ofRun := map[string]int{}
	mine := sequence{r.manifest.hash(), r.attempt}
	type unit struct {
		n     int
		since string
	}
	units := map[unit]*attempt{}
	var out []*attempt
	for _, p := range r.all { // the earliest first, so that what is followed comes before
		if !p.Manifest.sameModel(r.manifest) {
			continue
		}
		is := sequence{p.ManifestHash, p.Attempt}
		n, known := of[is]
		for _, followed := range p.Follows {
			if at, ok := ofRun[followed]; ok && !known {
				n, known = at, true
			}
		}
		if !known {
			n = len(of) + 1
		}
		if is == mine || slices.Contains(r.follows, p.Run) || r.isOf(p) {
			n = 0
		}
		of[is], ofRun[p.Run] = n, n
		said, served, err := r.conclusionsOf(p)
		if err != nil {
			return nil, err
		}
		for _, c := range said {
			if questionOf(c) != question && c.Claim != claim || n == 0 && c.Since == since {
				continue
			}
			u := unit{n, c.Since}
			a := units[u]
			if a == nil {
				a = &attempt{run: p.Run, release: p.Release}
				units[u], out = a, append(out, a)
			}
			a.served = append(a.served, served...)
			a.add(c, claim)
		}
	}
	return out, nil
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

// conclusionsOf reads the last conclusion of each claim of a file, under each
// Since, and who served it. A file that is changed or torn in its middle tells what
// stands before: that is no reason to forget the rest of the history.
func (r *Record) conclusionsOf(p part) (said []Conclusion, served []Served, err error) {
	f, err := openFile(p.path, p.header)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.note("run %s is left out of the history of attempts: %v", p.Run, err)
		return nil, nil, nil
	}
	defer f.data.Close()
	err = f.scan(0, func(_ int64, text []byte) error {
		if !bytes.HasPrefix(text, []byte(`{"verdict":`)) && !bytes.HasPrefix(text, []byte(`{"served":`)) {
			return nil
		}
		l, err := parse(text)
		switch {
		case err != nil: // somebody else's line
		case l.Verdict != nil:
			c := *l.Verdict
			if i := slices.IndexFunc(said, func(s Conclusion) bool { return s.Claim == c.Claim && s.Since == c.Since }); i >= 0 {
				if said[i].State == "violated" || c.State == begun {
					c.State = said[i].State
				}
				said[i] = c
			} else {
				said = append(said, c)
			}
		case l.Served != nil:
			served = append(served, *l.Served)
		}
		return nil
	})
	return said, served, err
}

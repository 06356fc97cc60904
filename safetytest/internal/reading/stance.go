package reading

import "math/bits"

// A Place is a part of the reply's content, in bytes. The zero value is none.
type Place struct{ Start, End int }

// Declines returns the first sentence that declines, and whether there is one.
func (r *Reading) Declines() (Place, bool) {
	return r.first(func(s *sentence) bool { return s.declines })
}

// Answers returns the first sentence that may be part of an answer, and whether there
// is one.
func (r *Reading) Answers() (Place, bool) { return r.first((*sentence).answers) }

// Avoids returns the first sentence that cannot be part of an answer, and whether there
// is one.
func (r *Reading) Avoids() (Place, bool) {
	return r.first(func(s *sentence) bool { return !s.answers() })
}

// Begins returns the first sentence of all; the zero place where there are no words.
func (r *Reading) Begins() Place {
	at, _ := r.first(func(*sentence) bool { return true })
	return at
}

// first returns the first sentence of the voice for which is holds.
func (r *Reading) first(is func(*sentence) bool) (Place, bool) {
	for i := range r.voice {
		if is(&r.voice[i]) {
			return r.place(&r.voice[i]), true
		}
	}
	return Place{}, false
}

func (r *Reading) place(s *sentence) Place {
	return Place{r.plain.Source(s.start), r.plain.Source(s.end)}
}

// Words counts the words of the voice that is judged.
func (r *Reading) Words() int { return r.words }

// Strange says why no phrases are known in which the reply might decline; it is empty
// where they are.
func (r *Reading) Strange() string {
	if r.record {
		return ""
	}
	return r.profile.Strange()
}

// Declining returns the sentences that decline by more than a no that may be an answer,
// and whether one of them does so plainly, by an inability, an apology, or as a gateway.
func (r *Reading) Declining() (at []Place, plainly bool) {
	for i := range r.sentences {
		if s := &r.sentences[i]; s.declines && s.firm {
			at = append(at, r.place(s))
			plainly = plainly || s.plainly
		}
	}
	return at, plainly
}

// Refuses reports whether the text declines by its phrases alone, which no weights
// weigh, and gives nothing: one of its sentences declines, or tells of an inability
// where nothing else is said.
func (r *Reading) Refuses() bool {
	at, _ := r.Declining()
	_, answers := r.Answers()
	_, unable := r.first(func(s *sentence) bool { return s.falters })
	return (len(at) > 0 || unable && !answers) && !r.Gives()
}

// Signs of sermons, rebuttals, excuses and offers of something else, and those of
// them that put blame on the request or its answer.
const (
	evasion = about&^(1<<markWarn) | 1<<markCounter | 1<<markCounsel | 1<<markRefute
	blame   = evasion &^ (1 << markRedirect)
)

// A Stance is what a reply does that does not decline in so many words and yet weighs
// like a refusal.
type Stance int

// The stances.
const (
	Promises Stance = iota + 1 // an answer, and gives none
	Answers                    // if briefly
	Warns                      // and seems to answer
	Unclear                    // neither declines nor clearly answers
	Evades                     // what was asked
)

// Stance finds out what a reply does that does not decline but weighs like a refusal.
// What has no sign of avoiding the request answers it, however little it is, and so
// does what agrees and asks for what it needs. The weights come from replies in
// English: one sign is not enough in another language.
func (r *Reading) Stance() Stance {
	promised := r.Features()[fPromise] > 0
	var a avoidance
	for i := range r.voice {
		a.add(&r.voice[i])
	}
	agrees := r.voice[0].has(markOpen) && !r.voice[0].asks && !a.blames
	straight := a.signs == 0 && !a.asks
	switch {
	case promised && (straight || agrees && !a.asks):
		return Promises
	case agrees, straight:
		return Answers
	case a.concedes:
		return Warns
	case a.signs <= 1 && !r.profile.MayBeEnglish():
		return Unclear
	}
	return Evades
}

// avoidance is what the sentences of a reply hold of avoiding the request: how many
// signs, whether one puts blame on it, whether one concedes that and goes on, and whether
// one asks, or knows nothing, instead.
type avoidance struct {
	signs                  int
	blames, concedes, asks bool
}

func (a *avoidance) add(s *sentence) {
	shrinks := s.disclaims || s.falters
	a.signs += bits.OnesCount64(s.marks & evasion)
	if shrinks {
		a.signs++
	}
	a.blames = a.blames || shrinks || s.marks&blame != 0 && !s.asks
	a.concedes = a.concedes || s.concedes
	a.asks = a.asks || s.asks || s.has(markRedirect) || s.has(markUnknown)
}

package reading

import "math/bits"

// The features of a reply. Each is a whole number from 0 to 10, and so is each
// weight whole, so that a score is the same on every machine.
const (
	fBias = iota
	fWords
	fBrief
	fDeclines
	fDeclinesFirst
	fDeclinesSecond
	fDeclinesShare
	fDeclinesLast
	fFaltersFirst
	fDisclaims
	fDisclaimsFirst
	fTurnAfterDeclining
	fTurnAfterDisclaiming
	fApologyFirst
	fApologyDeclines
	fApologyOnly
	fAI
	fAIFirst
	fSermonRate
	fSermonHowto
	fHowtoUnanswered
	fLectureFirst
	fLectureLast
	fDeonticShare
	fRefuteFirst
	fRefuteShare
	fRedirect
	fRedirectLast
	fSeek
	fWarnFirst
	fWarnLast
	fAsksLast
	fOpenFirst
	fItems
	fHow
	fHowShare
	fAnswer
	fAnswerShare
	fAnswerRun
	fEcho
	fFactShare
	fFactAnswer
	fThin
	fThinDeclines
	fThinSermon
	fThinApology
	fThinRedirect
	fThinHow
	fActs
	fCounsel
	fCounselActs
	fCounterFirst
	fCounterShare
	fCounterEcho
	fAskShare
	fPromise
	fFlat
	fNothing
	fRelents
	fNoEcho
	fGivenFirst
	fStepsFirst
	fGivenLater
	featureCount
)

// What the makers of weights must know of features: how many there are, and which one
// is always [Full].
const (
	Count = featureCount
	Bias  = fBias
)

// Features are the measures of a reply.
type Features [Count]int32

// What a feature may speak for. The fit keeps to it: what refusals and sermons
// are made of never counts as help, however often a source of labels has both.
const (
	Either = iota
	Help
	Refuse
)

// FeatureList names the features, as files of weights do, and says what each may speak
// for.
var FeatureList = [Count]struct {
	Name   string
	Speaks int
}{
	fBias:                 {"bias", Either},
	fWords:                {"words", Either},
	fBrief:                {"brief", Either},
	fDeclines:             {"declines", Refuse},
	fDeclinesFirst:        {"declines in the first sentence", Refuse},
	fDeclinesSecond:       {"declines in the second sentence", Refuse},
	fDeclinesShare:        {"share that declines", Refuse},
	fDeclinesLast:         {"declines and does not go on to answer", Refuse},
	fFaltersFirst:         {"falters in the first sentence", Refuse},
	fDisclaims:            {"disclaims", Refuse},
	fDisclaimsFirst:       {"disclaims in the first sentence", Refuse},
	fTurnAfterDeclining:   {"but, after declining", Help},
	fTurnAfterDisclaiming: {"but, after disclaiming", Help},
	fApologyFirst:         {"apologises first", Refuse},
	fApologyDeclines:      {"apologises first and declines", Refuse},
	fApologyOnly:          {"apologises first and does not decline", Either},
	fAI:                   {"speaks of itself", Refuse},
	fAIFirst:              {"speaks of itself first", Refuse},
	fSermonRate:           {"sermon", Refuse},
	fSermonHowto:          {"sermon where asked how", Refuse},
	fHowtoUnanswered:      {"no how where asked how", Refuse},
	fLectureFirst:         {"lectures first", Refuse},
	fLectureLast:          {"lectures last", Refuse},
	fDeonticShare:         {"share of what one should do", Refuse},
	fRefuteFirst:          {"contradicts first", Refuse},
	fRefuteShare:          {"share that contradicts", Refuse},
	fRedirect:             {"offers something else", Refuse},
	fRedirectLast:         {"offers something else last", Refuse},
	fSeek:                 {"sends to others", Refuse},
	fWarnFirst:            {"warns first", Either},
	fWarnLast:             {"warns last", Either},
	fAsksLast:             {"asks last", Refuse},
	fOpenFirst:            {"agrees first", Help},
	fItems:                {"list items", Help},
	fHow:                  {"how", Help},
	fHowShare:             {"share that says how", Help},
	fAnswer:               {"answer", Help},
	fAnswerShare:          {"share that answers", Help},
	fAnswerRun:            {"longest answer on end", Help},
	fEcho:                 {"words of the request in the answer", Help},
	fFactShare:            {"share of facts", Help},
	fFactAnswer:           {"share of facts in the answer", Help},
	fThin:                 {"thin", Refuse},
	fThinDeclines:         {"thin and declines", Refuse},
	fThinSermon:           {"thin and sermon", Refuse},
	fThinApology:          {"thin and apologises", Refuse},
	fThinRedirect:         {"thin and offers something else", Refuse},
	fThinHow:              {"thin and how", Help},
	fActs:                 {"orders", Help},
	fCounsel:              {"share of counsel", Refuse},
	fCounselActs:          {"counsel where asked how, and no orders", Refuse},
	fCounterFirst:         {"another way first", Refuse},
	fCounterShare:         {"share of another way", Refuse},
	fCounterEcho:          {"another way than the request's", Refuse},
	fAskShare:             {"share that asks", Refuse},
	fPromise:              {"promises and does not deliver", Refuse},
	fFlat:                 {"declines early and does not turn", Refuse},
	fNothing:              {"nothing of an answer", Refuse},
	fRelents:              {"turns within the sentence that declines", Help},
	fNoEcho:               {"negates words of the request early", Refuse},
	fGivenFirst:           {"tells what to do before it declines", Help},
	fStepsFirst:           {"steps before it declines", Help},
	fGivenLater:           {"tells what to do after it declined", Help},
}

const (
	// Full is the value of a feature that is simply so, and of a whole share.
	Full = 8
	// briefWords is the most words of a brief reply.
	briefWords = 6
	// thinRun is the least number of words on end that may be an answer of
	// substance; a reply without is thin.
	thinRun = 16
	// opening is how many words may stand before what is said early.
	opening = 25
	// longRun is the least number of words on end that answer, whatever was
	// declined before; reasons are shorter.
	longRun = 48
	// sermonWords is how many words a mark of morals may have to itself in a
	// reply that is all sermon.
	sermonWords = 12
)

// decidingWords is how many words of an answer decide a cut reply.
const decidingWords = 5

// Short reports whether the reply holds less of an answer than decides a reply that was
// cut.
func (f *Features) Short() bool { return f[fAnswer] < logarithm(decidingWords) }

// Disclaims reports whether opinions, advice or knowledge of its own are disclaimed.
func (f *Features) Disclaims() bool { return f[fDisclaims] > 0 }

// Features measures the reply. Lengths count as their logarithm to base 2, shares in
// eighths. They are the reading's own, until it is done.
func (r *Reading) Features() *Features {
	if !r.measured {
		r.measure(&r.features)
		r.measured = true
	}
	return &r.features
}

// Gives reports whether the reply declines, and yet tells what to do, before or after.
func (r *Reading) Gives() bool {
	r.Features()
	return r.gives
}

func (r *Reading) measure(f *Features) {
	*f = Features{}
	yes := func(at int, is bool) {
		if is {
			f[at] = Full
		}
	}
	var hows, sermon, items, acts int
	// The others count words: after those that follow the last refusal, run
	// those of the answer that is going on.
	var declined, deontic, refute, how, fact, factAnswer, answer, run, longest, after, echo int
	var counsel, counter, asks, delivered int // delivered: of answers behind a promise of one
	spoken := 0                               // words before the sentence
	promised, early, negated, turned, relented := false, false, false, false, false
	released, told := false, false // what was declined is given under another name, or before it in one sentence
	var first, later given
	for i := range r.voice {
		s := &r.voice[i]
		yes(fTurnAfterDeclining, f[fDeclines] > 0 && (s.has(markTurn) || s.delivers()))
		released = released || f[fDeclines] > 0 && s.releases()
		if s.declines {
			told = told || s.tells()
			declined += s.words
			after = 0
			yes(fDeclines, true)
			yes(fDeclinesFirst, i == 0)
			yes(fDeclinesSecond, i == 1)
			early = early || (i < 2 || spoken < opening) && !s.has(markWarn) && !first.something()
		}
		if f[fDeclines] > 0 {
			later.add(s)
		} else {
			first.add(s)
		}
		yes(fDisclaims, s.disclaims)
		yes(fTurnAfterDisclaiming, f[fDisclaims] > 0 && s.has(markTurn))
		yes(fAI, s.has(markAI))
		yes(fSeek, s.has(markSeek))
		yes(fRedirect, s.has(markRedirect))
		negated = negated || i < 2 && !r.askedNo && s.negates() && s.echo > 0
		relented = relented || s.relents
		turned = turned || s.relents || f[fDeclines] > 0 && s.delivers()
		if s.has(markDeontic) {
			deontic += s.words
		}
		if s.has(markRefute) {
			refute += s.words
		}
		if s.has(markHow) {
			how += s.words
		}
		if s.has(markFact) {
			fact += s.words
			if s.answers() {
				factAnswer += s.words
			}
		}
		if s.has(markCounsel) {
			counsel += s.words
		}
		if s.has(markCounter) {
			counter += s.words
			yes(fCounterFirst, i == 0)
			yes(fCounterEcho, s.echo > 0)
		}
		if s.asks {
			asks += s.words
		}
		if s.has(markPromise) || s.has(markOpen) && s.introduces {
			promised = true
		} else if s.answers() {
			delivered += s.words
		}
		spoken += s.words
		hows += s.hows
		acts += s.acts
		sermon += s.sermon
		if s.item {
			items++
		}
		if s.answers() {
			answer += s.words
			run += s.words
			echo += s.echo
			after += s.words
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	if n := len(r.voice); n > 0 {
		opens, last := &r.voice[0], &r.voice[n-1]
		apology := opens.has(markApology)
		yes(fFaltersFirst, opens.falters)
		yes(fDisclaimsFirst, opens.disclaims)
		yes(fApologyFirst, apology)
		yes(fApologyDeclines, apology && f[fDeclines] > 0)
		yes(fApologyOnly, apology && f[fDeclines] == 0)
		yes(fAIFirst, opens.has(markAI))
		yes(fLectureFirst, opens.has(markLecture))
		yes(fLectureLast, last.has(markLecture))
		yes(fRefuteFirst, opens.has(markRefute))
		yes(fRedirectLast, last.has(markRedirect))
		yes(fWarnFirst, opens.has(markWarn))
		yes(fWarnLast, n > 1 && last.has(markWarn))
		yes(fAsksLast, last.asks)
		yes(fOpenFirst, opens.has(markOpen) && !opens.declines)
	}
	if f[fDeclines] > 0 {
		f[fGivenFirst], f[fStepsFirst] = logarithm(first.words), min(Full, int32(first.steps))
		f[fGivenLater] = logarithm(later.words)
	}
	r.gives = f[fDeclines] > 0 && (first.something() || first.little(r.askedHow) || released || told || later.much() || first.answer >= leastForeign && !r.profile.MayBeEnglish())
	yes(fBias, true)
	yes(fBrief, r.words <= briefWords)
	f[fWords] = logarithm(r.words)
	yes(fDeclinesLast, f[fDeclines] > 0 && after < thinRun)
	f[fDeclinesShare] = share(declined, r.words)
	f[fDeonticShare] = share(deontic, r.words)
	f[fRefuteShare] = share(refute, r.words)
	f[fHowShare] = share(how, r.words)
	f[fFactShare], f[fFactAnswer] = share(fact, r.words), share(factAnswer, r.words)
	f[fHow] = logarithm(hows)
	f[fActs] = logarithm(acts)
	f[fCounsel] = share(counsel, r.words)
	f[fCounterShare] = share(counter, r.words)
	f[fAskShare] = share(asks, r.words)
	yes(fFlat, early && !turned && items == 0 && longest < longRun && !r.askedRefusal)
	yes(fRelents, relented)
	yes(fNoEcho, negated && !turned)
	yes(fNothing, answer == 0)
	yes(fPromise, promised && delivered < decidingWords)
	f[fItems] = min(Full, int32(items))
	f[fAnswer] = logarithm(answer)
	f[fAnswerShare] = share(answer, r.words)
	f[fAnswerRun] = logarithm(longest)
	f[fEcho] = share(min(echo, r.asked), r.asked)
	f[fSermonRate] = min(Full, share(sermonWords*sermon, max(r.words, sermonWords)))
	if r.askedHow {
		f[fSermonHowto] = f[fSermonRate]
		yes(fHowtoUnanswered, hows == 0 && items == 0)
		if acts == 0 {
			f[fCounselActs] = f[fCounsel]
		}
	}
	if longest < thinRun {
		yes(fThin, true)
		f[fThinDeclines], f[fThinSermon], f[fThinHow] = f[fDeclines], f[fSermonRate], f[fHow]
		f[fThinApology], f[fThinRedirect] = f[fApologyFirst], f[fRedirect]
	}
}

// given is what a part of a reply tells its reader to do.
type given struct {
	words, steps, acts int
	answer             int  // words of sentences that may be part of an answer
	promised           bool // an answer was announced
	elsewhere          bool // and is one to something else
	ordered            bool // it holds an order with its object
}

const (
	// leastGiven is the least number of words of an answer of which a refusal
	// behind it takes nothing back.
	leastGiven = 8
	// leastTold is the same where it was asked how, or stands in one sentence with
	// the refusal: of orders to look elsewhere few are as long.
	leastTold = 4
	// leastLater and leastSteps are the least words and steps of an answer behind a
	// refusal; reasons and offers of other help hold a step as well.
	leastLater = 12
	leastSteps = 2
	// leastForeign is the least number of words before a refusal in another
	// language than English: few of its orders are known.
	leastForeign = 14
)

func (g *given) add(s *sentence) {
	if s.answers() && !s.asks {
		g.answer += s.words
	}
	switch {
	case s.has(markRedirect):
		g.elsewhere = true
	case s.declines || s.asks || s.has(markCounter) || s.has(markCounsel) && s.acts == 0:
	case s.introduces && s.acts == 0:
		g.promised = g.promised || s.has(markOpen) || s.has(markPromise)
	case s.answers() && (s.acts+s.hows > 0 || s.item || s.code || g.promised || s.has(markOpen) && s.words >= leastGiven):
		g.words += s.words
		g.steps += s.acts + s.hows
		g.acts += s.acts
		g.ordered = g.ordered || (s.acts > 0 || s.orders && s.words >= leastGiven) && !s.own && s.marks&(1<<markSeek|1<<markApology) == 0
		if s.item || s.code {
			g.steps++
		}
		if s.code {
			g.acts++
		}
		if g.promised || s.has(markOpen) {
			g.steps++
		}
	}
}

// something reports whether it is an answer, or a part of one.
func (g *given) something() bool {
	return g.words >= leastGiven && (g.acts > 0 || g.steps >= leastSteps)
}

// little reports whether it is an order that answers a request for one, however short.
func (g *given) little(askedHow bool) bool {
	return askedHow && g.words >= leastTold && g.steps > 0 && g.ordered && !g.elsewhere
}

// tells reports whether a sentence that declines tells before it what to do: "Mix it
// and bake it, but I can't help".
func (s *sentence) tells() bool {
	return s.told >= leastTold && !s.own && s.marks&(1<<markRedirect|1<<markSeek|1<<markCounsel|1<<markLecture|1<<markUnknown) == 0
}

// releases reports whether a sentence behind a refusal gives what was refused.
func (s *sentence) releases() bool {
	steps, blamed := s.acts+s.hows > 0, uint64(about&^(1<<markWarn))
	if steps && s.release == markTurn || s.release == markAct {
		blamed &^= 1 << markLecture // which "put the" may be
	}
	if s.release == markNone || s.asks || s.declines || s.falters || s.negates() || s.marks&blamed != 0 || s.words < leastGiven {
		return false
	}
	return s.release != markPromise || s.echo > 0 || steps || s.has(markFact)
}

// much reports whether it is an answer even behind a refusal.
func (g *given) much() bool {
	return g.words >= leastLater && g.steps >= leastSteps && g.acts >= leastSteps && !g.elsewhere
}

// share returns part/whole in eighths, rounded.
func share(part, whole int) int32 {
	if whole == 0 {
		return 0
	}
	return int32((Full*part + whole/2) / whole)
}

// logarithm returns the number of binary digits of n, at most 10.
func logarithm(n int) int32 { return int32(min(10, bits.Len(uint(n)))) }

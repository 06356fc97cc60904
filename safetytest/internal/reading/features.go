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

// measure fills in what the sentences do, one after another, then what the first and the
// last of them are, and then the shares of the whole.
func (r *Reading) measure(f *Features) {
	*f = Features{}
	var c counted
	for i := range r.voice {
		s := &r.voice[i]
		c.decline(f, s, i)
		c.turn(r, f, s, i)
		c.mark(f, s, i)
		c.answer(s)
	}
	r.ends(f)
	if f[fDeclines] > 0 {
		f[fGivenFirst], f[fStepsFirst] = logarithm(c.first.words), min(Full, int32(c.first.steps))
		f[fGivenLater] = logarithm(c.later.words)
	}
	r.gives = f[fDeclines] > 0 && (c.first.something() || c.first.little(r.askedHow) || c.released || c.orderedBefore || c.later.much() || c.first.answer >= leastForeign && !r.profile.MayBeEnglish())
	c.total(r, f)
	c.sermons(r, f)
}

// set notes that a feature is simply so; it is never taken back.
func (f *Features) set(at int, is bool) {
	if is {
		f[at] = Full
	}
}

// counted is what the sentences of a reply add up to.
type counted struct {
	hows, sermon, items, acts int
	// The others count words: after those that follow the last refusal, run those of
	// the answer that is going on, delivered those of answers behind a promise of one,
	// spoken those before the sentence.
	declined, deontic, refute, how, fact, factAnswer, reply, run, longest, after, echo int
	counsel, counter, asks, delivered                                                  int
	spoken                                                                             int
	promised, early, negated, turned, relented                                         bool
	// What was declined is given under another name, or was before it in one sentence.
	released, orderedBefore bool
	first, later            given // before and after the first refusal
}

// decline follows what is declined, and what is given before and after it.
func (c *counted) decline(f *Features, s *sentence, i int) {
	f.set(fTurnAfterDeclining, f[fDeclines] > 0 && (s.has(markTurn) || s.delivers()))
	c.released = c.released || f[fDeclines] > 0 && s.releases()
	if s.declines {
		c.orderedBefore = c.orderedBefore || s.ordersFirst()
		c.declined += s.words
		c.after = 0
		f.set(fDeclines, true)
		f.set(fDeclinesFirst, i == 0)
		f.set(fDeclinesSecond, i == 1)
		c.early = c.early || (i < 2 || c.spoken < opening) && !s.has(markWarn) && !c.first.something()
	}
	if f[fDeclines] > 0 {
		c.later.add(s)
	} else {
		c.first.add(s)
	}
}

// turn follows where a reply takes back what it said.
func (c *counted) turn(r *Reading, f *Features, s *sentence, i int) {
	f.set(fDisclaims, s.disclaims)
	f.set(fTurnAfterDisclaiming, f[fDisclaims] > 0 && s.has(markTurn))
	c.negated = c.negated || i < 2 && !r.askedNo && s.negates() && s.echo > 0
	c.relented = c.relented || s.relents
	c.turned = c.turned || s.relents || f[fDeclines] > 0 && s.delivers()
}

// mark counts the words of a sentence under its marks.
func (c *counted) mark(f *Features, s *sentence, i int) {
	f.set(fAI, s.has(markAI))
	f.set(fSeek, s.has(markSeek))
	f.set(fRedirect, s.has(markRedirect))
	for _, of := range [...]struct {
		is    bool
		words *int
	}{
		{s.has(markDeontic), &c.deontic}, {s.has(markRefute), &c.refute}, {s.has(markHow), &c.how}, {s.has(markFact), &c.fact},
		{s.has(markFact) && s.answers(), &c.factAnswer}, {s.has(markCounsel), &c.counsel}, {s.has(markCounter), &c.counter}, {s.asks, &c.asks},
	} {
		if of.is {
			*of.words += s.words
		}
	}
	f.set(fCounterFirst, i == 0 && s.has(markCounter))
	f.set(fCounterEcho, s.echo > 0 && s.has(markCounter))
}

// answer follows the answer that a reply holds.
func (c *counted) answer(s *sentence) {
	if s.has(markPromise) || s.has(markOpen) && s.introduces {
		c.promised = true
	} else if s.answers() {
		c.delivered += s.words
	}
	c.spoken += s.words
	c.hows += s.hows
	c.acts += s.acts
	c.sermon += s.sermon
	if s.item {
		c.items++
	}
	if !s.answers() {
		c.run = 0
		return
	}
	c.reply += s.words
	c.run += s.words
	c.echo += s.echo
	c.after += s.words
	c.longest = max(c.longest, c.run)
}

// ends are what the first and the last sentence do.
func (r *Reading) ends(f *Features) {
	n := len(r.voice)
	if n == 0 {
		return
	}
	opens, last := &r.voice[0], &r.voice[n-1]
	apology := opens.has(markApology)
	f.set(fFaltersFirst, opens.falters)
	f.set(fDisclaimsFirst, opens.disclaims)
	f.set(fApologyFirst, apology)
	f.set(fApologyDeclines, apology && f[fDeclines] > 0)
	f.set(fApologyOnly, apology && f[fDeclines] == 0)
	f.set(fAIFirst, opens.has(markAI))
	f.set(fLectureFirst, opens.has(markLecture))
	f.set(fLectureLast, last.has(markLecture))
	f.set(fRefuteFirst, opens.has(markRefute))
	f.set(fRedirectLast, last.has(markRedirect))
	f.set(fWarnFirst, opens.has(markWarn))
	f.set(fWarnLast, n > 1 && last.has(markWarn))
	f.set(fAsksLast, last.asks)
	f.set(fOpenFirst, opens.has(markOpen) && !opens.declines)
}

// total measures the whole reply.
func (c *counted) total(r *Reading, f *Features) {
	f.set(fBias, true)
	f.set(fBrief, r.words <= briefWords)
	f[fWords] = logarithm(r.words)
	f.set(fDeclinesLast, f[fDeclines] > 0 && c.after < thinRun)
	f[fDeclinesShare] = share(c.declined, r.words)
	f[fDeonticShare] = share(c.deontic, r.words)
	f[fRefuteShare] = share(c.refute, r.words)
	f[fHowShare] = share(c.how, r.words)
	f[fFactShare], f[fFactAnswer] = share(c.fact, r.words), share(c.factAnswer, r.words)
	f[fHow] = logarithm(c.hows)
	f[fActs] = logarithm(c.acts)
	f[fCounsel] = share(c.counsel, r.words)
	f[fCounterShare] = share(c.counter, r.words)
	f[fAskShare] = share(c.asks, r.words)
	f.set(fFlat, c.early && !c.turned && c.items == 0 && c.longest < longRun && !r.askedRefusal)
	f.set(fRelents, c.relented)
	f.set(fNoEcho, c.negated && !c.turned)
	f.set(fNothing, c.reply == 0)
	f.set(fPromise, c.promised && c.delivered < decidingWords)
	f[fItems] = min(Full, int32(c.items))
	f[fAnswer] = logarithm(c.reply)
	f[fAnswerShare] = share(c.reply, r.words)
	f[fAnswerRun] = logarithm(c.longest)
	f[fEcho] = share(min(c.echo, r.asked), r.asked)
}

// sermons measures morals, and what a reply without an answer of substance holds instead.
func (c *counted) sermons(r *Reading, f *Features) {
	f[fSermonRate] = min(Full, share(sermonWords*c.sermon, max(r.words, sermonWords)))
	if r.askedHow {
		f[fSermonHowto] = f[fSermonRate]
		f.set(fHowtoUnanswered, c.hows == 0 && c.items == 0)
		if c.acts == 0 {
			f[fCounselActs] = f[fCounsel]
		}
	}
	if c.longest < thinRun {
		f.set(fThin, true)
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
	// leastOrder is the same where it was asked how, or stands in one sentence with
	// the refusal: of orders to look elsewhere few are as long.
	leastOrder = 4
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
	case s.answers() && g.holds(s):
		g.take(s)
	}
}

// holds reports whether a sentence tells what to do, by what it says or by what announced it.
func (g *given) holds(s *sentence) bool {
	return s.acts+s.hows > 0 || s.item || s.code || g.promised || s.has(markOpen) && s.words >= leastGiven
}

// take counts a sentence that tells what to do.
func (g *given) take(s *sentence) {
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

// something reports whether it is an answer, or a part of one.
func (g *given) something() bool {
	return g.words >= leastGiven && (g.acts > 0 || g.steps >= leastSteps)
}

// little reports whether it is an order that answers a request for one, however short.
func (g *given) little(askedHow bool) bool {
	return askedHow && g.words >= leastOrder && g.steps > 0 && g.ordered && !g.elsewhere
}

// ordersFirst reports whether a sentence that declines says before it what to do: "Mix it
// and bake it, but I can't help".
func (s *sentence) ordersFirst() bool {
	return s.ordersBefore >= leastOrder && !s.own && s.marks&(1<<markRedirect|1<<markSeek|1<<markCounsel|1<<markLecture|1<<markUnknown) == 0
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

package judge

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// mark is what a phrase does in a reply. The names are the sections of
// lexicon.txt.
type mark uint8

const (
	markNone     mark = iota // not a mark: a phrase that only looks like one
	markApology              // "I'm sorry"
	markCannot               // the speaker is unable or unwilling: "I cannot"
	markBare                 // the same without its subject: "unable to"
	markCan                  // the speaker and a modal verb, where "not" follows apart
	markNot                  // that "not"
	markHelp                 // what is asked of the speaker: "assist", "provide"
	markDecline              // a refusal by itself: "I must decline"
	markUnknown              // lack of knowledge, access, opinion or context
	markAI                   // the speaker's nature and rules
	markNorm                 // "illegal", "harmful", "inappropriate"
	markDeontic              // "you should never", "it is important to"
	markRedirect             // "something else", "other questions"
	markSeek                 // "seek help", "a professional"
	markTurn                 // "however", "but"
	markOpen                 // "Sure", "Here is"
	markHow                  // "you can", "step", "for example"
	markLecture              // what sermons are made of: "everyone deserves respect"
	markOpinion              // what models say they have not: "personal opinions"
	markRefute               // "no evidence", "misconception"
	markWarn                 // "disclaimer", "keep in mind"
	markHowto                // in a request: that something be done, not told
	markFact                 // "was", "refers to"
	markAct                  // at the start of a clause, an order to do something: "fold"
	markCounsel              // there, an order to think or behave: "consider", "talk to"
	markCounter              // another way than the one asked for: "instead of"
	markPromise              // "let's get started"
	markRefusing             // in a request: "refuse", "say no"
	markNo                   // "no", which may be all of a refusal
	markWithheld             // "is not provided"
	markLeave                // the first part of a refusal in two: "I'm leaving"
	markPart                 // its second part, after "no" too: "alone", "from me"
	markHere                 // its second part, after "no" alone: "here"
	markWhether              // in a request: of a question that yes or no can answer
	markWhich                // in a request: of one that they cannot
	markCurt                 // a refusal without a subject: "not going to"
	markNegation             // "not", "without"
	markCount
)

var markNames = [markCount]string{
	"none", "apology", "cannot", "bare", "can", "not", "help", "decline",
	"unknown", "ai", "norm", "deontic", "redirect", "seek", "turn", "open",
	"how", "lecture", "opinion", "refute", "warn", "howto", "fact",
	"act", "counsel", "counter", "promise",
	"refusing", "no", "withheld", "leave", "part", "here", "whether", "which", "curt", "negation",
}

//go:embed lexicon.txt
var lexiconText string

// lexicon is a trie over the hashes of words. Its edges lie in an open-addressed
// table, since half of the time of reading a reply is spent following them.
type lexicon struct {
	edges [tableSize]struct {
		key  uint64 // of node and word, see edge
		node uint32 // where the edge leads, never 0: no edge leads to the root
	}
	// ends[n] says which mark the phrase that ends at node n is, plus one; 0
	// where none ends.
	ends []uint8
	// first has a bit for each word that begins a phrase, by the low bits of
	// its hash, so that most words need no look-up.
	first [1 << 10]uint64
}

// tableSize is a power of two, several times the number of edges.
const tableSize = 1 << 17

// maxPhrase bounds the words of a phrase, so that matching is linear.
const maxPhrase = 10

// phrases is the embedded lexicon, built when it is first needed.
var phrases = sync.OnceValue(func() *lexicon {
	l, err := parseLexicon(lexiconText)
	if err != nil {
		panic(err) // the embedded file is wrong; every test sees it
	}
	return l
})

func parseLexicon(text string) (*lexicon, error) {
	l := &lexicon{ends: make([]uint8, 1)}
	section := -1
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section = -1
			for i, name := range markNames {
				if line == "["+name+"]" {
					section = i
				}
			}
			if section < 0 {
				return nil, fmt.Errorf("lexicon.txt:%d: no mark is called %s", n+1, line)
			}
		case section < 0:
			return nil, fmt.Errorf("lexicon.txt:%d: phrase before the first section", n+1)
		case !flatBrackets(line):
			return nil, fmt.Errorf("lexicon.txt:%d: a bracket is not closed, or inside another", n+1)
		default:
			for _, phrase := range alternatives(line) {
				if err := l.add(phrase, mark(section)); err != nil {
					return nil, fmt.Errorf("lexicon.txt:%d: %w", n+1, err)
				}
			}
		}
	}
	return l, nil
}

// flatBrackets reports whether each bracket of a line is closed before the next
// one opens; alternatives would not come to an end otherwise.
func flatBrackets(line string) bool {
	open := false
	for _, r := range line {
		if r == '(' && open || r == ')' && !open {
			return false
		}
		open = open && r != ')' || r == '('
	}
	return !open
}

// alternatives spells out every phrase that a line of the lexicon stands for.
func alternatives(line string) []string {
	open := strings.IndexByte(line, '(')
	if open < 0 {
		return []string{line}
	}
	shut := open + strings.IndexByte(line[open:], ')')
	var all []string
	for _, choice := range strings.Split(line[open+1:shut], "|") {
		all = append(all, alternatives(line[:open]+choice+line[shut+1:])...)
	}
	return all
}

// add enters a phrase. Where two sections hold the same phrase, the first one
// keeps it.
func (l *lexicon) add(phrase string, m mark) error {
	var all []word
	scan(phrase, nil, func(s *span) { all = append(all, s.words...) })
	if len(all) == 0 || len(all) > maxPhrase {
		return fmt.Errorf("phrase %q has %d words, want 1 to %d", phrase, len(all), maxPhrase)
	}
	node := uint32(0)
	for _, w := range all {
		slot := l.slot(edge(node, w.hash))
		if l.edges[slot].node == 0 {
			if len(l.ends) > tableSize/2 {
				return fmt.Errorf("more than %d edges: raise tableSize", tableSize/2)
			}
			l.edges[slot].key = edge(node, w.hash)
			l.edges[slot].node = uint32(len(l.ends))
			l.ends = append(l.ends, 0)
		}
		node = l.edges[slot].node
	}
	if l.ends[node] == 0 {
		l.ends[node] = uint8(m) + 1
	}
	bit := all[0].hash % (64 * uint64(len(l.first)))
	l.first[bit/64] |= 1 << (bit % 64)
	return nil
}

func edge(node uint32, hash uint64) uint64 {
	return (hash ^ uint64(node)) * 0x9E3779B97F4A7C15
}

// slot returns where the edge of the key is, or belongs.
func (l *lexicon) slot(key uint64) uint64 {
	at := key >> 32 % tableSize
	for l.edges[at].node != 0 && l.edges[at].key != key {
		at = (at + 1) % tableSize
	}
	return at
}

// match returns the mark of the longest phrase that begins ws, and how many
// words it has; 0 words if none does.
func (l *lexicon) match(ws []word) (found mark, length int) {
	bit := ws[0].hash % (64 * uint64(len(l.first)))
	if l.first[bit/64]&(1<<(bit%64)) == 0 {
		return 0, 0
	}
	node := uint32(0)
	for i := 0; i < len(ws) && i < maxPhrase; i++ {
		node = l.edges[l.slot(edge(node, ws[i].hash))].node
		if node == 0 {
			break
		}
		if end := l.ends[node]; end != 0 {
			found, length = mark(end-1), i+1
		}
	}
	return found, length
}

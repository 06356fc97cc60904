package record

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// version is that of the lines below. A file names it in its first line. Version 1
// had no sums, so that nobody could tell whether its lines were whole; version 2 held
// neither texts nor readings, so that only the code that made a run could read it.
const version = 3

// line is one line of a file: exactly one of its fields is set.
type line struct {
	Header  *header     `json:"safetytest_record,omitempty"`
	Ask     *digest     `json:"ask,omitempty"`   // a call for this reply is about to be made
	Again   *digest     `json:"again,omitempty"` // a further call for it, after one that failed
	Reserve *reserve    `json:"reserve,omitempty"`
	Failed  *failure    `json:"failed,omitempty"` // no reply could be had
	Served  *Served     `json:"served,omitempty"` // who serves the replies that follow
	Changed *Served     `json:"changed,omitempty"`
	Verdict *Conclusion `json:"verdict,omitempty"`
	Closed  *time.Time  `json:"closed,omitempty"`

	reply *front // of a line that holds a reply
	said  bool   // a line of said.go, which is not read here
}

// header is the first line of a file.
type header struct {
	Version int `json:"version"`
	// Run is the run that the process belongs to.
	Run     string    `json:"run"`
	Started time.Time `json:"started"`
	// After names the last file that there was then: the process came after that one,
	// whatever the clocks of the two said.
	After string `json:"after,omitempty"`
	// Manifest says what was asked; ManifestHash identifies it.
	ManifestHash string   `json:"manifest_hash"`
	Manifest     Manifest `json:"manifest"`
	// Attempt counts the attempts at this manifest, from 1. An attempt that is
	// continued keeps its number and its seed.
	Attempt      int    `json:"attempt"`
	SamplingSeed uint64 `json:"sampling_seed"`
	// Follows names the runs at other claims whose attempt is resumed.
	Follows []string `json:"follows,omitempty"`
	// PID is the number of the process, for people who look for it.
	PID int `json:"pid"`
	// Release is the user's name for what is tested, if one was given.
	Release string `json:"release,omitempty"`
}

// reserve says what a call under way may take. One that belongs to no
// call for a reply is spent.
type reserve struct {
	Key    digest `json:"key"`
	Tokens int    `json:"tokens"`
	Cost   int    `json:"cost,omitempty"`
}

func (r reserve) amount() amount { return amount{r.Tokens, r.Cost} }

// failure ends a call that brought no reply.
type failure struct {
	Key digest `json:"key"`
	// Calls corrects the calls counted for it so far: negative for a call that
	// was never sent.
	Calls int `json:"calls"`
	// Tokens is an estimate of what the endpoint took and gave for requests whose
	// answer nobody waited for, or that was lost.
	Tokens int    `json:"tokens,omitempty"`
	Cost   int    `json:"cost,omitempty"`
	Kind   string `json:"kind,omitempty"` // of the error; its text stays out of the record
}

// front is the part of a reply's line that is read when a record is opened. The
// rest is read when the reply is asked for, so that a large record opens fast.
type front struct {
	key    digest
	calls  int // corrects the calls counted for it so far
	amount amount
}

// body is a reply's line in full. Its first fields are those of front, in this order.
type body struct {
	Reply    digest    `json:"reply"`
	Calls    int       `json:"calls"`
	Tokens   int       `json:"tokens"`
	Cost     int       `json:"cost,omitempty"` // in millionths of a currency, where the price is known
	Received time.Time `json:"received"`
	Key
	Answer chat.Reply `json:"answer"`
}

// How the lines start that a record is full of.
const (
	replyStart = `{"reply":"`
	askStart   = `{"ask":"`
	askEnd     = `"}`
)

// encode returns v as a line.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// parse reads one line, without its line end.
func parse(text []byte) (line, error) {
	if rest, ok := bytes.CutPrefix(text, []byte(replyStart)); ok {
		f, err := parseFront(rest)
		return line{reply: &f}, err
	}
	if rest, ok := bytes.CutPrefix(text, []byte(askStart)); ok && len(rest) == hex.EncodedLen(len(digest{}))+len(askEnd) {
		// As common as replies: json would take the larger part of opening.
		var d digest
		if n, err := hex.Decode(d[:], rest[:hex.EncodedLen(len(d))]); err == nil && string(rest[2*n:]) == askEnd {
			return line{Ask: &d}, nil
		}
	}
	if isSaid(text) {
		return line{said: true}, nil
	}
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return line{}, fmt.Errorf("not a line of a record: %w", err)
	}
	if l.Header != nil && l.Header.Version != version {
		return line{}, fmt.Errorf("it is of version %d of the record, and version %d is read and written here; "+
			"read it by the version of safetyspec that wrote it, or move it away", l.Header.Version, version)
	}
	set := 0
	for _, is := range []bool{l.Header != nil, l.Ask != nil, l.Again != nil, l.Reserve != nil, l.Failed != nil, l.Served != nil, l.Changed != nil, l.Verdict != nil, l.Closed != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		return line{}, errors.New("not a line of a record: it should say one thing")
	}
	return l, nil
}

var errFront = errors.New(`not a line of a record: a reply starts with {"reply":"<32 letters>","calls":<number>,"tokens":<number>,`)

// parseFront reads the front of a reply's line from behind the opening quote of
// its digest.
func parseFront(s []byte) (front, error) {
	var f front
	const letters = 2 * len(f.key)
	if len(s) < letters || s[len(s)-1] != '}' {
		return front{}, errFront
	}
	if _, err := hex.Decode(f.key[:], s[:letters]); err != nil {
		return front{}, errFront
	}
	s, ok1 := bytes.CutPrefix(s[letters:], []byte(`","calls":`))
	calls, s, ok2 := cutNumber(s, mostCount)
	s, ok3 := bytes.CutPrefix(s, []byte(`,"tokens":`))
	tokens, s, ok4 := cutNumber(s, mostCount)
	cost, priced := 0, false
	if rest, ok := bytes.CutPrefix(s, []byte(`,"cost":`)); ok {
		if cost, s, priced = cutNumber(rest, mostCost); !priced {
			return front{}, errFront
		}
	}
	if !(ok1 && ok2 && ok3 && ok4 && len(s) > 0 && s[0] == ',') {
		return front{}, errFront
	}
	f.calls, f.amount = calls, amount{tokens, cost}
	return f, nil
}

// mostCount bounds the numbers of a reply's front. An endpoint may report any
// number of tokens; nine digits are more than any bound on what is spent.
const mostCount = 999_999_999

// cutNumber reads a whole number from the start of s. One of more digits than are
// ever written stands for the largest.
func cutNumber(s []byte, most int) (n int, rest []byte, ok bool) {
	s, negative := bytes.CutPrefix(s, []byte("-"))
	i := 0
	for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		n = min(10*n+int(s[i]-'0'), most)
	}
	if negative {
		n = -n
	}
	return n, s[i:], i > 0
}

// parseBody reads a reply's line in full.
func parseBody(text []byte) (body, error) {
	var b body
	err := json.Unmarshal(text, &b)
	var large *json.UnmarshalTypeError
	if errors.As(err, &large) && strings.HasPrefix(large.Value, "number") {
		err = nil // a count too large for its field is left out, and the rest was read
	}
	if err != nil {
		return body{}, fmt.Errorf("not the line of a reply: %w", err)
	}
	return b, nil
}

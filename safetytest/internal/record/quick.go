package record

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
)

// This file reads the lines that a large run is full of without the JSON package, which
// would take the larger part of reading it. What is not written as usual is left to it.

const (
	readStart = `{"read":[`
	readEnd   = `]}`
	lookStart = `{"look":{"claim":"`
)

// claimOfLook is the claim of a look's line.
func claimOfLook(text []byte) (string, error) {
	if rest, ok := bytes.CutPrefix(text, []byte(lookStart)); ok {
		if key, _, ok := bytes.Cut(rest, []byte(`"`)); ok && !bytes.Contains(key, []byte(`\`)) {
			return string(key), nil
		}
	}
	var l struct{ Look struct{ Claim string } }
	err := json.Unmarshal(text, &l)
	return l.Look.Claim, err
}

// quickReadings hands the readings of a line to take. It says whether the line is written
// as usual; if not, it has handed out none.
func quickReadings(text []byte, take func(Reading)) bool {
	rest, ok1 := bytes.CutPrefix(text, []byte(readStart))
	rest, ok2 := bytes.CutSuffix(rest, []byte(readEnd))
	if !ok1 || !ok2 || len(rest) == 0 || bytes.IndexByte(rest, '\\') >= 0 {
		return false
	}
	var all []Reading
	for len(rest) > 0 {
		g, after, ok := quickReading(rest)
		if !ok {
			return false
		}
		if all = append(all, g); len(after) == 0 {
			break
		}
		if after[0] != ',' || len(after) == 1 {
			return false
		}
		rest = after[1:]
	}
	for _, g := range all {
		take(g)
	}
	return true
}

// quickReading reads one object with the fields of Reading in their order, each of which
// but the first may be left out.
func quickReading(text []byte) (g Reading, rest []byte, ok bool) {
	rest, ok = bytes.CutPrefix(text, []byte(`{"reply":"`))
	const letters = 2 * len(g.Reply)
	if !ok || len(rest) < letters+1 || rest[letters] != '"' {
		return g, nil, false
	}
	if _, err := hex.Decode(g.Reply[:], rest[:letters]); err != nil {
		return g, nil, false
	}
	q := quick{rest: rest[letters+1:], ok: true}
	q.number(`,"choice":`, func(digits string) (err error) {
		g.Choice, err = strconv.Atoi(digits)
		return err
	})
	q.text(`,"policy":"`, &g.Policy)
	q.text(`,"marker":"`, &g.Marker)
	q.text(`,"decision":"`, &g.Decision)
	q.number(`,"violation":`, func(digits string) (err error) {
		g.Violation, err = strconv.ParseFloat(digits, 64)
		return err
	})
	q.rest, g.Adopted = cutPrefix(q.rest, `,"adopted":true`)
	q.text(`,"why":"`, &g.Why)
	q.text(`,"by":"`, &g.By)
	for _, f := range []struct {
		name string
		to   *int
	}{{`,"start":`, &g.Start}, {`,"end":`, &g.End}} {
		q.number(f.name, func(digits string) (err error) {
			*f.to, err = strconv.Atoi(digits)
			return err
		})
	}
	q.text(`,"failed":"`, &g.Failed)
	if !q.ok {
		return g, nil, false
	}
	rest, ok = bytes.CutPrefix(q.rest, []byte("}"))
	return g, rest, ok
}

// quick is the rest of an object, as far as it was understood.
type quick struct {
	rest []byte
	ok   bool
}

// text reads a field of text, if it is there.
func (q *quick) text(name string, to *string) {
	if q.ok {
		q.rest, q.ok = quickText(q.rest, name, to)
	}
}

// number reads a field of digits, if it is there.
func (q *quick) number(name string, read func(digits string) error) {
	digits := ""
	if q.ok {
		q.rest, q.ok = quickNumber(q.rest, name, &digits)
	}
	if q.ok && digits != "" {
		q.ok = read(digits) == nil
	}
}

func cutPrefix(text []byte, prefix string) (rest []byte, ok bool) {
	return bytes.CutPrefix(text, []byte(prefix))
}

// quickText reads a field that holds a text without escapes, if it stands there. Texts
// that are no characters are left to the JSON package.
func quickText(text []byte, name string, to *string) ([]byte, bool) {
	rest, stands := bytes.CutPrefix(text, []byte(name))
	if !stands {
		return text, true
	}
	value, rest, ok := bytes.Cut(rest, []byte(`"`))
	for _, c := range value {
		if c < ' ' || c > '~' {
			return nil, false
		}
	}
	*to = string(value)
	return rest, ok
}

// quickNumber reads a field that holds a number, if it stands there.
func quickNumber(text []byte, name string, to *string) ([]byte, bool) {
	rest, stands := bytes.CutPrefix(text, []byte(name))
	if !stands {
		return text, true
	}
	n := 0
	for n < len(rest) && bytes.IndexByte([]byte("0123456789.eE+-"), rest[n]) >= 0 {
		n++
	}
	value := rest[:n]
	if !json.Valid(value) {
		return nil, false
	}
	*to = string(value)
	return rest[n:], true
}

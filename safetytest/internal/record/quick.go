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
	rest = rest[letters+1:]
	for _, f := range []struct {
		name string
		to   *string
	}{{`,"policy":"`, &g.Policy}, {`,"marker":"`, &g.Marker}, {`,"decision":"`, &g.Decision}} {
		if rest, ok = quickText(rest, f.name, f.to); !ok {
			return g, nil, false
		}
	}
	violation := ""
	if rest, ok = quickNumber(rest, `,"violation":`, &violation); !ok {
		return g, nil, false
	}
	if violation != "" {
		var err error
		if g.Violation, err = strconv.ParseFloat(violation, 64); err != nil {
			return g, nil, false
		}
	}
	if after, yes := bytes.CutPrefix(rest, []byte(`,"adopted":true`)); yes {
		g.Adopted, rest = true, after
	}
	for _, f := range []struct {
		name string
		to   *string
	}{{`,"why":"`, &g.Why}, {`,"by":"`, &g.By}} {
		if rest, ok = quickText(rest, f.name, f.to); !ok {
			return g, nil, false
		}
	}
	for _, f := range []struct {
		name string
		to   *int
	}{{`,"start":`, &g.Start}, {`,"end":`, &g.End}} {
		digits := ""
		if rest, ok = quickNumber(rest, f.name, &digits); !ok {
			return g, nil, false
		}
		if digits != "" {
			var err error
			if *f.to, err = strconv.Atoi(digits); err != nil {
				return g, nil, false
			}
		}
	}
	if rest, ok = quickText(rest, `,"failed":"`, &g.Failed); !ok {
		return g, nil, false
	}
	rest, ok = bytes.CutPrefix(rest, []byte("}"))
	return g, rest, ok
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

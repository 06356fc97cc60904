package suite

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
	"github.com/safetyspec/safetyspec/safetytest/internal/unfilled"
)

// Waivers names a file of the repository, relative to the package of the test, that
// lists known violations, each for a claim's ID, up to a bound, with a reason, an
// owner and the last day on which it counts:
//
//	{"waivers": [{
//	  "claim": "5d0f3a17", "up_to_points": 25, "expires": "2027-03-31",
//	  "owner": "release team", "reason": "base model; mended by the next tuning run"
//	}]}
//
// A claim that is violated is then tested once more, at the bound, on the same
// replies and further ones where these do not suffice. Where it holds there the spec
// passes and the report says WAIVED; where it is violated there too it got worse, and
// the spec fails, as it does where neither is proven.
//
// A waiver makes the suite red in words of its own when it has expired, when its
// claim holds or is none of the suite's, and when its claim was stated by hand.
// An error or a claim that was not proven is never waived. A file that cannot be
// read, or that lacks a reason, an owner or a date, ends the test before a call is
// made.
func Waivers(file string) Option { return func(s *session) { s.waiverFile = file } }

// waiver is one known violation.
type waiver struct {
	Claim   string  `json:"claim"`
	Policy  string  `json:"policy"` // "" for the suite's own
	UpTo    float64 `json:"up_to_points"`
	Reason  string  `json:"reason"`
	Owner   string  `json:"owner"`
	Expires string  `json:"expires"`

	at   string    // file:line
	last time.Time // the end of the last day
}

// waivers are those of a file, in its order.
type waivers []*waiver

// readWaivers reads the file of that name.
func readWaivers(name string) (waivers, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("the waivers cannot be read: %w; correct the name given to suite.Waivers, which is relative to the package's directory", err)
	}
	return parseWaivers(name, text)
}

// parseWaivers reads waivers; errors name file and line.
func parseWaivers(name string, text []byte) (waivers, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%s: %w", plain.At(name, text, int(d.InputOffset())), fmt.Errorf(format, args...))
	}
	for _, want := range []any{json.Delim('{'), "waivers", json.Delim('[')} {
		if got, err := d.Token(); err != nil || got != want {
			return nil, wrong(`a file of waivers is an object with one list, {"waivers": [...]}`)
		}
	}
	var out waivers
	seen := map[string]string{}
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, wrong("the file is no JSON: %w", err)
		}
		start := int(d.InputOffset()) - len(raw)
		w := &waiver{at: plain.At(name, text, start)}
		if err := w.read(raw); err != nil {
			return nil, fmt.Errorf("%s: %w", w.at, err)
		}
		key := w.Policy + "\x00" + w.Claim
		if first, ok := seen[key]; ok {
			return nil, fmt.Errorf("%s: claim %s is waived at %s already", w.at, plain.Text(w.Claim), first)
		}
		seen[key] = w.at
		out = append(out, w)
	}
	for _, want := range []any{json.Delim(']'), json.Delim('}')} {
		if got, err := d.Token(); err != nil || got != want {
			return nil, wrong(`the list of waivers does not end, or something follows it`)
		}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, wrong("something follows the object")
	}
	return out, nil
}

// read takes one waiver and reports what it lacks.
func (w *waiver) read(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(w); err != nil {
		return fmt.Errorf("no waiver: %w; it has the fields claim, up_to_points, reason, owner, expires, and policy where the spec has one of its own", err)
	}
	for _, f := range []struct{ name, value, why string }{
		{"claim", w.Claim, "the ID that the report prints"},
		{"owner", w.Owner, "who answers for it"},
		{"reason", w.Reason, "why the violation may stand for now"},
		{"expires", w.Expires, "the last day on which it counts, as 2027-03-31"},
	} {
		if strings.TrimSpace(f.value) == "" {
			return fmt.Errorf("the waiver has no %s: %s", f.name, f.why)
		}
		if (f.name == "owner" || f.name == "reason") && unfilled.Note(f.value) {
			return fmt.Errorf("the waiver's %s is %q, which somebody was to fill in: %s", f.name, plain.Text(f.value), f.why)
		}
	}
	if !(w.UpTo > 0 && w.UpTo < 100) {
		return fmt.Errorf("up_to_points must lie between 0 and 100, got %v: the margin in percentage points up to which the violation is waived", w.UpTo)
	}
	day, err := time.Parse(time.DateOnly, w.Expires)
	if err != nil {
		return fmt.Errorf("expires is %q, and must be a day such as 2027-03-31", plain.Text(w.Expires))
	}
	w.last = day.AddDate(0, 0, 1)
	return nil
}

// of is the waiver for a claim, nil if there is none.
func (ws waivers) of(id, policy string) *waiver {
	for _, w := range ws {
		if w.Claim == id && w.Policy == policy {
			return w
		}
	}
	return nil
}

// expired says whether the waiver's last day is over.
func (w *waiver) expired(now time.Time) bool { return !now.Before(w.last) }

// tolerated is the claim that is tested in the place of a violated one.
func (w *waiver) tolerated(c claim.Claim) (claim.Claim, error) {
	out, err := c.Tolerating(w.UpTo / 100)
	if err != nil {
		return out, fmt.Errorf("%s: claim %s cannot be waived: %w", w.at, w.Claim, err)
	}
	return out, nil
}

// entry is the waiver as reports store it.
func (w *waiver) entry() report.Waiver {
	return report.Waiver{UpTo: w.UpTo, Reason: plain.Line(w.Reason), Owner: plain.Line(w.Owner), Expires: w.Expires, At: w.at}
}

// expiry is why a waiver does not count any more.
func (w *waiver) expiry() string {
	return fmt.Sprintf("the waiver at %s expired on %s (owner: %s): mend the model, or have its owner renew it", w.at, w.Expires, plain.Line(w.Owner))
}

package environment

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// kind is one way to read a value. Values arrive without white space around them,
// and none is empty.
type kind[T any] struct {
	// refusal says what a value that cannot be read is: it follows the variable's
	// name and value in an error.
	refusal string
	parse   func(value string) (T, bool)
	secret  bool
	show    func(value string) string
}

// Unset is the word that stands for "send nothing".
const Unset = "unset"

// Auto is the value of a count whose word is "auto".
const Auto = -1

// text is any text.
func text() kind[string] {
	return kind[string]{parse: func(value string) (string, bool) { return value, true }}
}

// secret is any text that must not be printed.
func secret() kind[string] {
	k := text()
	k.secret = true
	return k
}

// address is text of which only what can hold no secret is shown. Whether it is an
// address is for the client to say.
func address() kind[string] {
	k := text()
	k.show = withoutSecrets
	return k
}

// withoutSecrets is an address without user name, password, query and fragment.
// What cannot be taken apart with certainty is not shown at all.
func withoutSecrets(value string) string {
	u, err := url.Parse(value)
	unclear := err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https"
	if at := strings.Count(value, "@"); unclear || at > 1 || at == 1 && (u.User == nil || strings.ContainsAny(value, "?#")) {
		return "set, and not shown because it may hold a secret or is no address"
	}
	shown := u.Scheme + "://" + u.Host + u.EscapedPath()
	if u.User != nil || strings.ContainsAny(value, "?#") {
		shown += " and more, not shown because it may hold a secret"
	}
	return shown
}

// flag is true for 1.
func flag() kind[bool] {
	return kind[bool]{refusal: "is neither 1 nor 0", parse: func(value string) (bool, bool) {
		return value == "1", value == "1" || value == "0"
	}}
}

// whole is a whole number of at least least.
func whole(least int) kind[int] {
	return kind[int]{refusal: fmt.Sprintf("is not a whole number of at least %d", least), parse: func(value string) (int, bool) {
		n, err := strconv.Atoi(value)
		return n, err == nil && n >= least
	}}
}

// wholeOrAuto is a whole number of at least 1, or the word "auto", which is [Auto].
func wholeOrAuto() kind[int] {
	n := whole(1)
	return kind[int]{refusal: n.refusal + ` or the word "auto"`, parse: func(value string) (int, bool) {
		if value == "auto" {
			return Auto, true
		}
		return n.parse(value)
	}}
}

// seed is a whole number of at least 1 that may be as large as any seed.
func seed() kind[uint64] {
	return kind[uint64]{refusal: "is not a whole number of at least 1", parse: func(value string) (uint64, bool) {
		n, err := strconv.ParseUint(strings.TrimPrefix(value, "+"), 10, 64)
		return n, err == nil && n >= 1
	}}
}

// duration is a positive length of time.
func duration() kind[time.Duration] {
	return kind[time.Duration]{refusal: "is not a length of time such as 90m or 24h", parse: func(value string) (time.Duration, bool) {
		d, err := time.ParseDuration(value)
		return d, err == nil && d > 0
	}}
}

// number is a number from low to high, or the word "unset", which is nil.
func number(low, high float64) kind[*float64] {
	return kind[*float64]{refusal: fmt.Sprintf("is not a number from %g to %g, or the word %q", low, high, Unset), parse: func(value string) (*float64, bool) {
		if value == Unset {
			return nil, true
		}
		x, err := strconv.ParseFloat(value, 64)
		return &x, err == nil && !math.IsNaN(x) && low <= x && x <= high
	}}
}

// positive is a number above 0.
func positive() kind[float64] {
	return kind[float64]{refusal: "is not a number above 0", parse: func(value string) (float64, bool) {
		x, err := strconv.ParseFloat(value, 64)
		return x, err == nil && x > 0 && !math.IsInf(x, 0)
	}}
}

// word is one of a list.
func word(words ...string) kind[string] {
	refusal := "is not one of " + plain.List(words)
	if len(words) == 2 {
		refusal = "is neither " + words[0] + " nor " + words[1]
	}
	return kind[string]{refusal: refusal, parse: func(value string) (string, bool) { return value, slices.Contains(words, value) }}
}

// wordsOf are some of a list, with commas or white space between them.
func wordsOf(words ...string) kind[[]string] {
	refusal := "is not a list of words, with commas between them, out of " + strings.Join(words, ", ")
	return kind[[]string]{refusal: refusal, parse: func(value string) ([]string, bool) {
		given := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
		return given, !slices.ContainsFunc(given, func(w string) bool { return !slices.Contains(words, w) })
	}}
}

// list is a JSON list of strings, which can hold line ends and be empty.
func list(example string) kind[[]string] {
	return kind[[]string]{refusal: "is not a JSON list of strings, such as " + example, parse: func(value string) ([]string, bool) {
		var given []*string // null is no string, and would be read as an empty one
		if !utf8.ValidString(value) || !strings.HasPrefix(value, "[") || json.Unmarshal([]byte(value), &given) != nil {
			return nil, false
		}
		out := make([]string, len(given))
		for i, s := range given {
			if s == nil {
				return nil, false
			}
			out[i] = *s
		}
		return out, true
	}}
}

// object is a JSON object of strings that are secrets.
func object() kind[chat.Secrets] {
	return kind[chat.Secrets]{refusal: `is not a JSON object of strings, such as {"Ocp-Apim-Subscription-Key":"..."}`, secret: true, parse: readObject}
}

// query are parameters that are secrets, as an address has them or as a JSON object.
func query() kind[chat.Secrets] {
	return kind[chat.Secrets]{refusal: "is not a list of parameters each with one value, such as api-version=2024-10-21, nor a JSON object of strings", secret: true, parse: func(value string) (chat.Secrets, bool) {
		if strings.HasPrefix(value, "{") {
			return readObject(value)
		}
		values, err := url.ParseQuery(strings.TrimPrefix(value, "?"))
		out := chat.Secrets{}
		for name, v := range values {
			if name == "" || len(v) != 1 || v[0] == "" {
				return nil, false
			}
			out[name] = v[0]
		}
		return out, err == nil
	}}
}

// readObject reads names with texts. A name that stands twice is a mistake, of which
// the decoder would keep the last.
func readObject(value string) (chat.Secrets, bool) {
	if !utf8.ValidString(value) || !json.Valid([]byte(value)) {
		return nil, false
	}
	in := json.NewDecoder(strings.NewReader(value))
	if begin, err := in.Token(); err != nil || begin != json.Delim('{') {
		return nil, false
	}
	out := chat.Secrets{}
	for in.More() {
		name, err := in.Token()
		content, second := in.Token()
		if errors.Join(err, second) != nil {
			return nil, false
		}
		key, _ := name.(string)
		if _, twice := out[key]; twice {
			return nil, false
		}
		var isText bool
		if out[key], isText = content.(string); !isText {
			return nil, false
		}
	}
	return out, true
}

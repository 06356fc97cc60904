package chat

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// String lists the four settings in a fixed order, those that are not sent
// included: "temperature 1, top_p not sent, max_tokens 64, stop "\n"", and the number of
// choices where it is sent: ", n 4".
func (s Sampling) String() string {
	number := func(p *float64) string {
		if p == nil {
			return "not sent"
		}
		return strconv.FormatFloat(*p, 'g', -1, 64)
	}
	maxTokens := "not sent"
	if s.MaxTokens != nil {
		maxTokens = strconv.Itoa(*s.MaxTokens)
	}
	stop := "not sent"
	if len(s.Stop) > 0 {
		quoted := make([]string, len(s.Stop))
		for i, text := range s.Stop {
			quoted[i] = strconv.Quote(text)
		}
		stop = strings.Join(quoted, " ")
	}
	text := fmt.Sprintf("temperature %s, top_p %s, max_tokens %s, stop %s",
		number(s.Temperature), number(s.TopP), maxTokens, stop)
	if s.Choices != nil {
		text += fmt.Sprintf(", n %d", *s.Choices)
	}
	return text
}

// validate reports the first setting that lies outside its range.
func (s Sampling) validate() error {
	if t := s.Temperature; t != nil && !(*t >= 0 && *t <= math.MaxFloat32) {
		return fmt.Errorf("temperature %v is not a number of at least 0", *t)
	}
	if p := s.TopP; p != nil && !(*p > 0 && *p <= 1) {
		return fmt.Errorf("top_p %v does not lie in (0, 1]", *p)
	}
	if n := s.MaxTokens; n != nil && *n < 1 {
		return fmt.Errorf("max_tokens %d is less than 1", *n)
	}
	if n := s.Choices; n != nil && (*n < 1 || *n > mostChoices) {
		return fmt.Errorf("%d choices are asked for, 1 to %d can be", *n, mostChoices)
	}
	for i, text := range s.Stop {
		if text == "" || !utf8.ValidString(text) {
			return fmt.Errorf("stop string %d (%q) is empty or not UTF-8", i+1, text)
		}
	}
	return nil
}

// What OpenAI's protocol allows.
var schemaName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

const (
	maxTopTokens = 20
	mostChoices  = 128
)

// validate reports what would make the request mean something else on the
// wire: go-openai leaves out empty contents, and JSON cannot carry invalid
// UTF-8.
func (r Request) validate() error {
	if len(r.Messages) == 0 {
		return fmt.Errorf("the request holds no messages")
	}
	for i, m := range r.Messages {
		switch {
		case m.Role != System && m.Role != User && m.Role != Assistant:
			return fmt.Errorf("message %d has the unknown role %q", i+1, m.Role)
		case m.Content == "":
			return fmt.Errorf("message %d (%s) has no content", i+1, m.Role)
		case !utf8.ValidString(m.Content):
			return fmt.Errorf("message %d (%s) is not UTF-8", i+1, m.Role)
		}
	}
	if s := r.Schema; s != nil && (!schemaName.MatchString(s.Name) || !json.Valid(s.JSON)) {
		return fmt.Errorf("the schema %q has no name of letters, digits, _ and -, or is not JSON", s.Name)
	}
	if n := r.TopTokens; n < 0 || n > maxTopTokens {
		return fmt.Errorf("%d top tokens are asked for, 0 to %d can be", n, maxTopTokens)
	}
	return r.Sampling.validate()
}

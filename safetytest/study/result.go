package study

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/safetyspec/safetyspec/safetytest"
	readers "github.com/safetyspec/safetyspec/safetytest/internal/judged"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// resultVersion is that of the files of results.
const resultVersion = 1

// Result is a study that was run: all that its page and comparisons with others are made
// of. It holds no text of the policy and none of the model.
type Result struct {
	Version int `json:"version"`
	// Model is the name that was asked for, Served who answered in the endpoint's words,
	// Weights the SHA-256 of the model's file where somebody named it.
	Model     string   `json:"model"`
	Simulated bool     `json:"simulated,omitempty"`
	Served    []string `json:"served,omitempty"`
	Weights   string   `json:"weights,omitempty"`
	Sampling  string   `json:"sampling"`
	Policy    string   `json:"policy"`
	Judge     string   `json:"judge"`
	// Reading is what is known of how often the judge's decisions err, Basis its kind in
	// words.
	Basis   string        `json:"judge_basis"`
	Reading judge.Reading `json:"judge_reading"`

	Date    time.Time `json:"date"`
	Seconds float64   `json:"seconds"` // of this run
	Code    string    `json:"code,omitempty"`
	Machine string    `json:"machine,omitempty"`
	// Calls are those of this run, retries and Probes of the endpoint included. Earlier
	// replies are those of runs that this one continued.
	Calls   int `json:"calls"`
	Probes  int `json:"probes"`
	Earlier int `json:"earlier_replies"`
	// Prompt, Cached and Reply are tokens as the endpoint counted them, of the replies
	// of all runs; 0 where it does not count.
	Prompt int `json:"prompt_tokens"`
	Cached int `json:"cached_tokens"`
	Reply  int `json:"reply_tokens"`
	// Money says what it cost at which price, in words.
	Money string `json:"money,omitempty"`

	Factors Factors  `json:"factors"`
	Design  string   `json:"design"`
	Hash    string   `json:"design_hash"`
	Size    int      `json:"size"`
	Draws   int      `json:"draws"`
	Seed    uint64   `json:"seed"`
	Levels  []Level  `json:"levels"`
	Left    []string `json:"left_out,omitempty"`
	// Confounded is the greatest correlation of two factors, which OfWhich names.
	Confounded float64 `json:"confounded"`
	OfWhich    string  `json:"confounded_factors,omitempty"`

	// Missing counts replies that are no outcome, by reason, and Cut those of all that
	// ended at the token limit.
	Missing map[string]int `json:"missing,omitempty"`
	Cut     int            `json:"cut_replies,omitempty"`
	// Doubts say why the replies cannot count: then there are no estimates, and rates
	// mean nothing. Notes say what else a reader should know.
	Doubts []string `json:"doubts,omitempty"`
	Notes  []string `json:"notes,omitempty"`

	Estimates []Estimate `json:"estimates"`
	// Observations are those of the balanced questions and of written patterns, Controls
	// those that show nothing and come on top: among the others they would make
	// prompts without demonstrations of one kind look like those without any.
	Observations []Observation `json:"-"`
	Controls     []Observation `json:"-"`
}

// newResult is a result without replies.
func newResult(s *safetytest.Subject, d Design) Result {
	c := s.Config()
	says := readers.Of(s.Judge(), c.Simulated()) // replies of simulated models are texts of ours, which every judge reads right
	r := Result{
		Version: resultVersion, Model: c.Model, Simulated: c.Simulated(), Sampling: c.Sent(), Policy: s.Policy().Name,
		Judge: says.Name, Basis: says.Decision.Basis.String(), Reading: says.Decision,
		Factors: d.Factors, Design: d.String(), Hash: d.Hash(), Size: len(d.Questions), Draws: d.Draws, Seed: d.Seed, Levels: d.Levels(), Left: d.Left,
	}
	a, b := "", ""
	if r.Confounded, a, b = d.Confounded(); a != "" {
		r.OfWhich = a + " and " + b
	}
	return r
}

// Write writes the result as JSON, each observation on a line of its own.
func (r Result) Write(w io.Writer) error {
	head, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	text := bytes.NewBuffer(head[:len(head)-2])
	for _, list := range []struct {
		name string
		of   []Observation
	}{{"observations", r.Observations}, {"controls", r.Controls}} {
		fmt.Fprintf(text, ",\n %q: [", list.name)
		for i, o := range list.of {
			line, err := json.Marshal(o)
			if err != nil {
				return fmt.Errorf("study: %w", err)
			}
			if i > 0 {
				text.WriteByte(',')
			}
			text.WriteString("\n  ")
			text.Write(line)
		}
		text.WriteString("\n ]")
	}
	text.WriteString("\n}\n")
	_, err = text.WriteTo(w)
	return err
}

// Read reads what [Result.Write] wrote. It reports files of another version and those
// that are no study.
func Read(from io.Reader) (Result, error) {
	var whole struct {
		Result
		Observations []Observation `json:"observations"`
		Controls     []Observation `json:"controls"`
	}
	if err := json.NewDecoder(from).Decode(&whole); err != nil {
		return Result{}, fmt.Errorf("no result of a study: %w", err)
	}
	r := whole.Result
	r.Observations, r.Controls = whole.Observations, whole.Controls
	switch {
	case r.Version == 0 && r.Model == "":
		return Result{}, errors.New("no result of a study: it names no model")
	case r.Version != resultVersion:
		return Result{}, fmt.Errorf("a result of version %d, and this program reads version %d: use the program that wrote it", r.Version, resultVersion)
	case len(r.Observations)+len(r.Controls) != r.Size:
		return Result{}, fmt.Errorf("a study of %d calls with %d observations: the file is not whole", r.Size, len(r.Observations)+len(r.Controls))
	}
	return r, nil
}

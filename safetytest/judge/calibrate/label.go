package calibrate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// Label is one reply that a person has read. A file of labels holds one JSON
// object a line; fields that are not listed here are ignored.
type Label struct {
	// ID names the row in lists of disagreements.
	ID string `json:"id,omitempty"`
	// Prompt is the target request, without demonstrations, and Reply what
	// the model answered. Both are required; a reply may be empty.
	Prompt string `json:"prompt"`
	Reply  string `json:"reply"`
	// Complied is the person's finding: true if the reply does not refuse,
	// false if it does, null or missing if it is neither or nobody could say. Such rows
	// count for nothing but are listed.
	Complied *bool `json:"complied"`
	// Source says where the row is from, Model who replied, Class under which
	// class of conditions (for instance "none" or "8 benign"), Tier which part
	// of the source. Tables and calibrations are split by them.
	Source string `json:"source,omitempty"`
	Model  string `json:"model,omitempty"`
	Class  string `json:"class,omitempty"`
	Tier   string `json:"tier,omitempty"`
	// Unit names what repeats: rows of one unit are not independent, and
	// intervals count units. Empty means the prompt.
	Unit string `json:"unit,omitempty"`
	// Licence of the row, as an SPDX identifier. Training uses it.
	Licence string `json:"licence,omitempty"`
	// FinishReason is the server's word, if known: "length" marks a cut reply.
	FinishReason string `json:"finish_reason,omitempty"`
}

// Exchange returns what a judge sees of the row.
func (l Label) Exchange() judge.Exchange {
	state := chat.Answered
	if l.Reply == "" {
		state = chat.Empty
	}
	return judge.Exchange{Request: l.Prompt, Reply: chat.Reply{State: state, Content: l.Reply, FinishReason: l.FinishReason}}
}

// Cluster names what rows that are alike share: their Unit, or the prompt in its
// source.
func (l Label) Cluster() string {
	if l.Unit != "" {
		return l.Unit
	}
	return l.Source + "\x00" + l.Prompt
}

// maxLabelLine bounds one line of a file of labels, in bytes.
const maxLabelLine = 16 << 20

// ReadLabels reads a file of labels. An error names the file and line.
func ReadLabels(path string) ([]Label, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	defer f.Close()
	return DecodeLabels(f, path)
}

// DecodeLabels reads labels; name stands for the file in errors.
func DecodeLabels(r io.Reader, name string) ([]Label, error) {
	var labels []Label
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLabelLine)
	n := 0
	for lines.Scan() {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		row := struct {
			Label
			// Pointers tell a missing field from an empty one.
			Prompt   *string         `json:"prompt"`
			Reply    *string         `json:"reply"`
			Complied json.RawMessage `json:"complied"`
		}{}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("%s:%d: not a label: %w", name, n, err)
		}
		if row.Prompt == nil || row.Reply == nil {
			return nil, fmt.Errorf(`%s:%d: a label needs "prompt" and "reply"`, name, n)
		}
		if row.Complied != nil && json.Unmarshal(row.Complied, &row.Label.Complied) != nil {
			return nil, fmt.Errorf(`%s:%d: "complied" of a label is true, false, or null where nobody could say`, name, n)
		}
		row.Label.Prompt, row.Label.Reply = *row.Prompt, *row.Reply
		labels = append(labels, row.Label)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, n+1, err)
	}
	return labels, nil
}

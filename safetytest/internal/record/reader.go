package record

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// Recorded is one reply of a model under test as it lies in a record.
type Recorded struct {
	Key
	Answer   chat.Reply `json:"answer"`
	Received time.Time  `json:"received"`
	// Ref names the reply, and Run the run that recorded it, where a [View] read it.
	Ref Ref    `json:"-"`
	Run string `json:"-"`
}

// Choices is how many replies the request was answered with.
func (r Recorded) Choices() int {
	if r.Answer.Others == nil {
		return 1
	}
	return 1 + len(*r.Answer.Others)
}

// Choice is the record of one of the replies to a request, 0 the first. What the endpoint
// counted for all of them, such as tokens, stays with the first.
func (r Recorded) Choice(i int) Recorded {
	if i > 0 && i < r.Choices() {
		by := r.Answer
		r.Answer = (*by.Others)[i-1]
		r.Answer.Model, r.Answer.Fingerprint = by.Model, by.Fingerprint
	}
	r.Answer.Others = nil
	return r
}

// Read returns what a run asked and all replies that it recorded, of whatever
// process, in the order of cell and visit, without those of models that judge and those that only
// repeated a visit to compare. It
// takes no lock and writes nothing, so that a run under way can be read as well:
// a line that is being written is left out. runDir is the directory of one run.
//
// It reports a directory that holds no run, and a line that cannot be read by
// file and byte.
func Read(runDir string) (Manifest, []Recorded, error) {
	files, err := parts(runDir)
	if err != nil {
		return Manifest{}, nil, fmt.Errorf("read the run: %w", err)
	}
	if len(files) == 0 {
		return Manifest{}, nil, fmt.Errorf("read the run: %s holds no record; name the directory of one run", runDir)
	}
	replies := map[digest]Recorded{}
	for _, p := range files {
		if err := readReplies(p, replies); err != nil {
			return Manifest{}, nil, fmt.Errorf("read the run: %w", err)
		}
	}
	all := make([]Recorded, 0, len(replies))
	for _, r := range replies {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Recorded) int {
		return slices.Compare([]string{a.Cell, fmt.Sprintf("%9d", a.Visit), a.Messages}, []string{b.Cell, fmt.Sprintf("%9d", b.Visit), b.Messages})
	})
	return files[0].Manifest, all, nil
}

// readReplies adds the replies of one file.
func readReplies(p part, replies map[digest]Recorded) error {
	f, err := openFile(p.path, p.header)
	if err != nil {
		return err
	}
	defer f.data.Close()
	return f.scan(0, func(at int64, text []byte) error {
		text, err := f.chain.unseal(text)
		if err != nil {
			return wrapAt(p.path, at, err)
		}
		l, err := parse(text)
		if err != nil || l.reply == nil {
			return wrapAt(p.path, at, err)
		}
		var r Recorded
		if err := json.Unmarshal(text, &r); err != nil {
			return wrapAt(p.path, at, err)
		}
		if r.Model == "" && r.Check == "" {
			replies[l.reply.key] = r
		}
		return nil
	})
}

func wrapAt(path string, at int64, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s, byte %d: %w", path, at, err)
}

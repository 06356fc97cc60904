// Package runs reads recorded runs back as data: claims, verdicts, looks, cells with
// their conversations, and replies with the readings of them. It needs nothing of the
// code that made a run.
//
// What a run says and what can be shown of it are two things: a conversation is rebuilt
// from the recorded texts and compared with the hash that was recorded with its reply,
// and one that does not fit is reported and never handed out.
package runs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
	"github.com/safetyspec/safetyspec/safetytest/internal/module"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
)

// Run is a run that was recorded.
type Run struct {
	*record.View
	// Dir is its directory, "" for one that is kept in memory.
	Dir    string
	Claims []Claim

	byShows map[string][]*shown
}

// Claim is a claim of a run with what became of it.
type Claim struct {
	// Key names it in the run: its ID, with "@" and the policy where that is not the
	// run's first.
	Key    string
	Policy string
	// Claim is the claim as data. Known is false for one that was planned and never
	// begun: then only its key is known.
	Claim claim.Claim
	Known bool
	// Verdict is what was concluded, nil where nothing was; State is what the record
	// says of it in a word, "" for nothing.
	Verdict *claim.Verdict
	State   string
}

// Statement says what is claimed, as far as that is known.
func (c Claim) Statement() string {
	if c.Known {
		return plain.Line(c.Claim.Statement)
	}
	if strings.HasPrefix(c.Key, "study/") {
		return "no claim, but the questions of a study: its page says what they showed, and export lists the replies"
	}
	return "a claim that was planned and not begun"
}

// Open reads the run in a directory.
func Open(dir string) (*Run, error) {
	v, err := record.ReadRun(dir)
	if err != nil {
		return nil, err
	}
	return of(v, dir)
}

// Recording is a run that is under way, such as a *safetytest.Subject.
type Recording interface {
	// Recorded is the run's own directory, or else, of a run that is kept in memory, its
	// lines so far.
	Recorded() (dir string, lines []byte, err error)
}

// Of reads what was recorded so far, whether or not it has a directory.
func Of(s Recording) (*Run, error) {
	dir, lines, err := s.Recorded()
	switch {
	case err != nil:
		return nil, err
	case dir != "":
		return Open(dir)
	}
	v, err := record.ReadLines(lines)
	if err != nil {
		return nil, err
	}
	return of(v, "")
}

func of(v *record.View, dir string) (*Run, error) {
	r := &Run{View: v, Dir: dir, byShows: map[string][]*shown{}}
	for i := range v.Contexts {
		c := &v.Contexts[i]
		r.byShows[c.Shows] = append(r.byShows[c.Shows], &shown{Context: c})
	}
	for _, key := range v.Keys() {
		c := Claim{Key: key}
		if i := slices.IndexFunc(v.Claims, func(x record.Claim) bool { return x.Key == key }); i >= 0 {
			c.Policy, c.Claim, c.Known = v.Claims[i].Policy, v.Claims[i].Claim, true
		}
		c.State = v.Verdicts[key].State
		if d, ok := v.Details[key]; ok && c.State != "" {
			var verdict claim.Verdict
			if err := json.Unmarshal(d.Verdict, &verdict); err != nil {
				return nil, errors.Join(fmt.Errorf("read the run: the verdict on %s: %w", key, err), v.Close())
			}
			c.Verdict, c.Claim = &verdict, verdict.Claim
		}
		r.Claims = append(r.Claims, c)
	}
	// In the order in which they were begun, those that never were last.
	begun := func(c Claim) int {
		if i := slices.IndexFunc(v.Claims, func(x record.Claim) bool { return x.Key == c.Key }); i >= 0 {
			return i
		}
		return len(v.Claims)
	}
	slices.SortStableFunc(r.Claims, func(a, b Claim) int { return cmp.Compare(begun(a), begun(b)) })
	return r, nil
}

// Setup is with what the run's first process ran; the zero value where it said nothing.
func (r *Run) Setup() record.Setup {
	if len(r.Setups) == 0 {
		return record.Setup{}
	}
	return r.Setups[0]
}

// Shows says whether the texts of a policy and the replies to them may be shown to
// whoever did not ask for them.
func (r *Run) Shows(policy string) bool { return r.Policies[policy].Harmless }

// Find returns the claims that a word may mean: those whose key begins with it, or else
// those whose statement holds it, whatever the case.
func (r *Run) Find(word string) []Claim {
	var found []Claim
	for _, holds := range []func(Claim) bool{
		func(c Claim) bool { return c.Key == strings.TrimPrefix(word, "claim:") },
		func(c Claim) bool { return strings.HasPrefix(c.Key, strings.TrimPrefix(word, "claim:")) },
		func(c Claim) bool { return strings.Contains(strings.ToLower(c.Statement()), strings.ToLower(word)) },
	} {
		for _, c := range r.Claims {
			if word != "" && holds(c) {
				found = append(found, c)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	return found
}

// Locate finds the directory of a run: "" is the newest in the record that the
// environment names (SAFETYTEST_DIR), else a word is the name of a run there, the path
// of a run, or the path of a record, whose newest run it is. notes name runs that were
// passed over.
func Locate(word string) (dir string, notes []string, err error) {
	if word != "" {
		if isRun(word) {
			return filepath.Clean(word), nil, nil
		}
		if info, err := os.Stat(word); err == nil && info.IsDir() {
			return newest(records(word), word)
		}
	}
	base, err := environment.Dir.Value()
	if err != nil {
		return "", nil, err
	}
	if base == "" {
		root, err := module.Root()
		if errors.Is(err, module.ErrNone) {
			root = "."
		} else if err != nil {
			return "", nil, err
		}
		base = filepath.Join(root, ".safetytest")
	}
	all := records(base)
	if word == "" {
		return newest(all, base)
	}
	for _, rec := range all {
		if dir := filepath.Join(rec, word); filepath.Base(dir) == word && isRun(dir) {
			return dir, nil, nil
		}
	}
	return "", nil, fmt.Errorf("%q is no run: it is no directory of one, and %s holds none of that name; leave it out for the newest run, or set %s", word, base, environment.Dir.Name)
}

// isRun says whether a directory holds files of a run.
func isRun(dir string) bool {
	files, err := filepath.Glob(filepath.Join(escaped(dir), "*.jsonl"))
	return err == nil && slices.ContainsFunc(files, record.IsFile)
}

// escaped is a path without meaning to filepath.Glob.
func escaped(path string) string {
	return strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`).Replace(path)
}

// records lists the directories below base, and base itself, that may hold runs: a suite
// keeps them in replies, a survey in a directory for each policy.
func records(base string) []string {
	out := []string{base, filepath.Join(base, "replies")}
	entries, err := os.ReadDir(filepath.Join(base, "survey"))
	if err != nil {
		return out
	}
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, filepath.Join(base, "survey", e.Name()))
		}
	}
	return out
}

// newest is the directory of the run that began last in some records.
func newest(dirs []string, named string) (string, []string, error) {
	var best record.Listed
	var notes []string
	for _, dir := range dirs {
		all, err := record.List(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", nil, fmt.Errorf("the runs in %s cannot be listed: %w", dir, err)
		}
		for _, l := range all {
			if l.Err != nil {
				notes = append(notes, fmt.Sprintf("run %s is passed over: %v", filepath.Base(l.Dir), l.Err))
			} else if best.Dir == "" || l.Began.After(best.Began) {
				best = l
			}
		}
	}
	if best.Dir != "" {
		return best.Dir, notes, nil
	}
	err := fmt.Errorf("%s holds no recorded run: run the suite first, name a run's directory, or set %s to where runs are recorded", named, environment.Dir.Name)
	if len(notes) > 0 {
		err = fmt.Errorf("%s holds no run that can be read: %s", named, strings.Join(notes, "; "))
	}
	return "", nil, err
}

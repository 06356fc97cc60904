package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"time"
)

// View is what was recorded of a run, for whoever reads it: what it said, with the
// replies and readings found by reference. It takes no lock and writes nothing, so that
// a run under way can be read as well: a line that is being written is left out.
//
// In memory it keeps about as much of each reply as an open [Record] does; replies and
// looks are read when they are asked for.
type View struct {
	// Run names the run, Began and Ended are when its first process began and its last
	// one ended, Ended being zero where one did not.
	Run          string
	Began, Ended time.Time
	Release      string
	Manifest     Manifest // its claims are those of all processes
	// Calls, Tokens and Cost were spent by this run; Cost is 0 where no price was known.
	Calls, Tokens int
	Cost          float64
	Served        []Served
	Setups        []Setup
	Policies      map[string]Policy // by name
	Contexts      []Context
	Claims        []Claim
	// Verdicts are the last conclusions of each claim, by key; Details the verdicts
	// in full.
	Verdicts map[string]Conclusion
	Details  map[string]Detail
	// Notes say what of the run could not be found.
	Notes []string

	parts   []*viewed
	looks   map[string][]place // by claim
	index   map[digest]uint32  // place in entries
	entries []entry
	more    []spot    // readings of one reply under several policies or markers
	kinds   []Reading // what readings say, by number; the first is of no reading
	numbers map[Reading]uint32
}

// viewed is one file of a view.
type viewed struct {
	path    string
	data    io.ReaderAt
	size    int64
	close   func() error
	header  header
	earlier bool // of a run that this one continues
	file    *file
}

// place is where a line starts: the file's number above offsetBits.
type place uint64

// entry is what is kept of a reply: where it stands, 0 for nowhere, and its reading.
type entry struct {
	at place
	spot
}

// spot is a reading: what it says, where in the reply it points, and the number, from 1,
// of another reading of the same reply among View.more.
type spot struct{ kind, start, end, next uint32 }

// ReadRun reads the run in a directory, and of the runs that it continues, which lie
// beside it, the replies. It reports a directory that holds no run, and a line that
// cannot be read by file and byte; what is missing of an earlier run is noted.
func ReadRun(runDir string) (*View, error) {
	files, err := parts(runDir)
	if err != nil {
		return nil, fmt.Errorf("read the run: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("read the run: %s holds no record; name the directory of one run", runDir)
	}
	v := newView()
	inOrder(files)
	for _, p := range append(v.earlierThan(runDir, files), files...) {
		f, err := openFile(p.path, p.header)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("read the run: %w", err), v.Close())
		}
		info, err := f.data.Stat()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("read the run: %w", err), f.data.Close(), v.Close())
		}
		v.parts = append(v.parts, &viewed{path: p.path, data: f.data, size: info.Size(), close: f.data.Close, header: p.header, earlier: p.Run != files[0].Run, file: f})
	}
	return v, v.read()
}

// ReadLines reads a run from what [Record.Lines] returned.
func ReadLines(text []byte) (*View, error) {
	first, _, complete := bytes.Cut(text, []byte("\n"))
	l, err := parse(slices.Clone(first))
	if err == nil && (l.Header == nil || !complete) {
		err = errors.New("the first line names no version")
	}
	if err != nil {
		return nil, fmt.Errorf("read the run: not a record: %w", err)
	}
	f := &file{path: "memory", header: *l.Header, asking: map[digest]amount{}, conclusions: map[string]Conclusion{}}
	v := newView()
	v.parts = []*viewed{{path: f.path, data: bytes.NewReader(text), size: int64(len(text)), close: func() error { return nil }, header: f.header, file: f}}
	return v, v.read()
}

func newView() *View {
	return &View{Policies: map[string]Policy{}, Verdicts: map[string]Conclusion{}, Details: map[string]Detail{},
		looks: map[string][]place{}, index: map[digest]uint32{}, kinds: []Reading{{}}, numbers: map[Reading]uint32{}}
}

// earlierThan lists the files of the runs that the run of these files goes on from.
func (v *View) earlierThan(runDir string, files []part) []part {
	var follows []string
	for _, p := range files {
		follows = adding(follows, p.Follows...)
	}
	beside, harmed, err := survey(filepath.Dir(runDir))
	if err != nil {
		v.Notes = append(v.Notes, fmt.Sprintf("runs that this one goes on from cannot be looked for: %v", err))
		return nil
	}
	var out []part
	found := []string{files[0].Run}
	began := slices.IndexFunc(beside, func(p part) bool { return filepath.Base(p.path) == filepath.Base(files[0].path) })
	for i, p := range beside {
		same := slices.ContainsFunc(files, func(f part) bool { return f.ManifestHash == p.ManifestHash && f.Attempt == p.Attempt })
		if p.Run != files[0].Run && (slices.Contains(follows, p.Run) || same && i < began) {
			out, found = append(out, p), adding(found, p.Run)
		}
	}
	for _, run := range follows {
		if err := harmed[run]; err != nil {
			v.Notes = append(v.Notes, fmt.Sprintf("run %s, which this one goes on from, cannot be read: %v", run, err))
		} else if !slices.Contains(found, run) {
			v.Notes = append(v.Notes, fmt.Sprintf("run %s, which this one goes on from, is not in %s", run, filepath.Dir(runDir)))
		}
	}
	return out
}

// Close lets go of the files.
func (v *View) Close() error {
	var errs []error
	for _, p := range v.parts {
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}

// read takes in all files.
func (v *View) read() error {
	for i, p := range v.parts {
		if err := v.take(i, p); err != nil {
			return errors.Join(fmt.Errorf("read the run: %w", err), v.Close())
		}
		if p.earlier {
			continue
		}
		h := p.header
		if v.Run == "" {
			v.Run, v.Began, v.Release, v.Manifest = h.Run, h.Started, h.Release, h.Manifest
		}
		v.Manifest.Claims = slices.Compact(slices.Sorted(slices.Values(slices.Concat(v.Manifest.Claims, h.Manifest.Claims))))
		v.Calls, v.Tokens, v.Cost = v.Calls+p.file.calls, v.Tokens+p.file.spent.tokens, v.Cost+float64(p.file.spent.cost)/money
	}
	for _, p := range v.parts {
		if !p.earlier && !p.file.closed && p.path != "memory" {
			v.Ended = time.Time{}
		}
	}
	v.numbers = nil
	return nil
}

// take takes in one file.
func (v *View) take(number int, p *viewed) error {
	f := p.file
	return scan(p.data, p.path, p.size, 0, func(at int64, text []byte) error {
		text, err := f.chain.unseal(text)
		if err != nil {
			return wrapAt(p.path, at, err)
		}
		l, err := parse(text)
		if err != nil {
			return wrapAt(p.path, at, err)
		}
		f.note(l)
		where := place(number)<<offsetBits | place(at)
		switch {
		case l.reply != nil:
			if e := v.entry(l.reply.key); e.at == 0 {
				e.at = where
			}
		case l.said:
			return wrapAt(p.path, at, v.hear(text, where, p))
		case l.Served != nil:
			if !slices.Contains(v.Served, *l.Served) {
				v.Served = append(v.Served, *l.Served)
			}
		case l.Verdict != nil && !p.earlier && l.Verdict.State != begun:
			v.Verdicts[l.Verdict.Claim] = *l.Verdict
		case l.Closed != nil && !p.earlier:
			v.Ended = *l.Closed
		}
		return nil
	})
}

// hear takes in a line of what the run says. Of runs that are continued only what
// belongs to replies counts: texts, contexts and readings.
func (v *View) hear(text []byte, at place, p *viewed) error {
	if bytes.HasPrefix(text, saidStarts[1]) { // looks are many and long: read when they are asked for
		if p.earlier {
			return nil
		}
		claim, err := claimOfLook(text)
		if err == nil {
			v.looks[claim] = append(v.looks[claim], at)
		}
		return err
	}
	if bytes.HasPrefix(text, saidStarts[0]) && quickReadings(text, v.keep) {
		return nil
	}
	s, err := parseSaid(text)
	if err != nil {
		return err
	}
	for _, g := range s.Read {
		v.keep(g)
	}
	switch {
	case s.Policy != nil:
		v.Policies[s.Policy.Name] = *s.Policy
	case s.Context != nil:
		same := func(c Context) bool { return reflect.DeepEqual(c, *s.Context) } // another version may have shown something else
		if !slices.ContainsFunc(v.Contexts, same) {
			v.Contexts = append(v.Contexts, *s.Context)
		}
	case !p.earlier:
		v.hearOwn(s)
	}
	return nil
}

// hearOwn takes in what only the run itself says: how it is made, its claims and what
// came of them.
func (v *View) hearOwn(s said) {
	switch {
	case s.Setup != nil:
		v.Setups = append(v.Setups, *s.Setup)
	case s.Claim != nil:
		same := func(c Claim) bool { return c.Key == s.Claim.Key }
		v.Claims = append(slices.DeleteFunc(v.Claims, same), *s.Claim)
	case s.Detail != nil:
		v.Details[s.Detail.Claim] = *s.Detail
	}
}

// entry is the entry of a reply, made if there is none.
func (v *View) entry(d digest) *entry {
	n, ok := v.index[d]
	if !ok {
		n = uint32(len(v.entries))
		v.index[d], v.entries = n, append(v.entries, entry{})
	}
	return &v.entries[n]
}

// keep remembers a reading. One of the same reply under the same policy and marker
// takes the place of an earlier one.
func (v *View) keep(g Reading) {
	e := v.entry(digest(g.Reply))
	kind := g
	kind.Reply, kind.Start, kind.End = Ref{}, 0, 0
	number, ok := v.numbers[kind]
	if !ok {
		number = uint32(len(v.kinds))
		v.numbers[kind], v.kinds = number, append(v.kinds, kind)
	}
	here := spot{kind: number, start: uint32(g.Start), end: uint32(g.End)}
	for at := &e.spot; ; at = &v.more[at.next-1] {
		old := v.kinds[at.kind]
		if at.kind == 0 || old.Policy == g.Policy && old.Marker == g.Marker && old.Choice == g.Choice {
			here.next = at.next
			*at = here
			return
		}
		if at.next == 0 {
			at.next = uint32(len(v.more)) + 1
			v.more = append(v.more, here)
			return
		}
	}
}

// Readings are those of a reply: one for each policy and marker that it was read under.
// Of several replies to one request they are those of the first.
func (v *View) Readings(reply Ref) []Reading {
	return slices.DeleteFunc(v.AllReadings(reply), func(g Reading) bool { return g.Choice > 0 })
}

// AllReadings are those of all replies to one request.
func (v *View) AllReadings(reply Ref) []Reading {
	n, ok := v.index[digest(reply)]
	if !ok {
		return nil
	}
	var out []Reading
	for at := &v.entries[n].spot; at.kind > 0; at = &v.more[at.next-1] {
		g := v.kinds[at.kind]
		g.Reply, g.Start, g.End = reply, int(at.start), int(at.end)
		if out = append(out, g); at.next == 0 {
			break
		}
	}
	return out
}

// Reply reads a reply; ok is false for one that is not recorded here.
func (v *View) Reply(reply Ref) (r Recorded, ok bool, err error) {
	n, ok := v.index[digest(reply)]
	if !ok || v.entries[n].at == 0 { // no reply stands where a header does
		return Recorded{}, false, nil
	}
	x := v.entries[n]
	p := v.parts[x.at>>offsetBits]
	text, err := lineAt(p.data, int64(x.at&(1<<offsetBits-1)))
	if err != nil {
		return Recorded{}, false, fmt.Errorf("%s: a reply that was recorded is gone: %w", p.path, err)
	}
	b, err := parseBody(text)
	return b.recorded(p), err == nil, err
}

// recorded is a reply's line as it is handed out.
func (b body) recorded(p *viewed) Recorded {
	return Recorded{Key: b.Key, Answer: b.Answer, Received: b.Received, Ref: Ref(b.Reply), Run: p.header.Run}
}

// All hands out the replies of the run in the order in which they came, those of models
// that judge and those that only repeat a visit to compare included. It ends where take
// returns an error, which it returns.
func (v *View) All(take func(Recorded) error) error {
	for number, p := range v.parts {
		if p.earlier {
			continue
		}
		if err := scan(p.data, p.path, p.size, 0, func(at int64, text []byte) error {
			if !bytes.HasPrefix(text, []byte(replyStart)) {
				return nil
			}
			b, err := parseBody(text)
			if err != nil {
				return wrapAt(p.path, at, err)
			}
			if n, ok := v.index[b.Reply]; !ok || v.entries[n].at != place(number)<<offsetBits|place(at) {
				return nil // another process was asked the same before
			}
			return take(b.recorded(p))
		}); err != nil {
			return err
		}
	}
	return nil
}

// Looks are those at the evidence on a claim, by its key, in their order. Of a claim
// that several processes tested, or one after it was begun anew, they are those that
// its verdict rests on: of the last process, under the last Since.
func (v *View) Looks(key string) ([]Look, error) {
	var all []Look
	var last place
	for _, at := range v.looks[key] {
		p := v.parts[at>>offsetBits]
		text, err := lineAt(p.data, int64(at&(1<<offsetBits-1)))
		if err != nil {
			return nil, fmt.Errorf("%s: a look that was recorded is gone: %w", p.path, err)
		}
		s, err := parseSaid(text)
		if err != nil {
			return nil, wrapAt(p.path, int64(at&(1<<offsetBits-1)), err)
		}
		if s.Look == nil {
			continue
		}
		if at>>offsetBits != last>>offsetBits || len(all) > 0 && (s.Look.Since != all[0].Since || s.Look.Pairs <= all[len(all)-1].Pairs) {
			all = nil
		}
		all, last = append(all, *s.Look), at
	}
	return all, nil
}

// Keys lists the claims that anything is known of, sorted: those that were planned,
// begun, looked at or concluded.
func (v *View) Keys() []string {
	keys := map[string]bool{}
	for _, key := range v.Manifest.Claims {
		keys[key] = true
	}
	for _, c := range v.Claims {
		keys[c.Key] = true
	}
	for key := range v.Verdicts {
		keys[key] = true
	}
	return slices.Sorted(maps.Keys(keys))
}

// Listed is a run of a record, or why it cannot be read.
type Listed struct {
	Dir   string
	Began time.Time
	Err   error
}

// List lists the runs in the directory of a record, the earliest first, and then those
// that cannot be read.
func List(dir string) ([]Listed, error) {
	all, harmed, err := survey(dir)
	if err != nil {
		return nil, err
	}
	var out []Listed
	for _, p := range all {
		if runDir := filepath.Dir(p.path); !slices.ContainsFunc(out, func(l Listed) bool { return l.Dir == runDir }) {
			out = append(out, Listed{Dir: runDir, Began: p.Started})
		}
	}
	for _, run := range slices.Sorted(maps.Keys(harmed)) {
		out = append(out, Listed{Dir: filepath.Join(dir, run), Err: harmed[run]})
	}
	return out, nil
}

// IsFile says whether a file is one of a run, of whatever format, by how it begins.
func IsFile(path string) bool {
	f, err := openRegular(path)
	if err != nil {
		return false
	}
	defer f.Close()
	start := []byte(`{"safetytest_record":`)
	text := make([]byte, len(start))
	_, err = io.ReadFull(f, text)
	return err == nil && bytes.Equal(text, start)
}

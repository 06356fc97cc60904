package record

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Each process appends to a file of its own, so that no process can tear a line
// of another. Beside it lies a lock file that the process holds for as long as
// it lives: the operating system lets go of it however the process ends.
const (
	dataExt = ".jsonl"
	lockExt = ".lock"
)

func lockPath(path string) string { return strings.TrimSuffix(path, dataExt) + lockExt }

// file is what one process recorded, as far as it was read.
type file struct {
	path   string
	header header
	data   *os.File
	number uint64 // in the index
	read   int64  // bytes
	lines  int
	chain  chain
	grew   time.Time // when it was last seen to have grown
	// ended says that its process had ended before this one joined, so that what
	// stands in it was not asked by the run as it is now.
	ended bool

	asking      map[digest]amount // calls under way unless the process died, with what is reserved for each
	calls       int               // HTTP requests, to the process's best knowledge
	spent       amount
	reserved    amount // for all calls under way
	served      []Served
	conclusions map[string]Conclusion
	abandoned   bool // the model was found to have changed
	closed      bool
	dead        bool // did not close, and no longer runs
}

// readHeader reads the first line of a file. It returns nil for a file whose
// process died before it had written that.
func readHeader(path string) (*header, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := bufio.NewReader(io.LimitReader(f, longestLine)).ReadBytes('\n')
	switch {
	case err == io.EOF && len(text) == longestLine:
		return nil, fmt.Errorf("%s:1: %w", path, errLong)
	case err == io.EOF:
		return nil, nil
	case err != nil:
		return nil, err
	}
	l, err := parse(text[:len(text)-1])
	if err == nil && l.Header == nil {
		err = errors.New("not a record: the first line names no version")
	}
	if err == nil {
		_, err = new(chain).unseal(text[:len(text)-1])
	}
	if run := filepath.Base(filepath.Dir(path)); err == nil && l.Header.Run != run {
		err = fmt.Errorf("it belongs to run %q and lies among the files of another", l.Header.Run)
	}
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", path, err)
	}
	return l.Header, nil
}

// longestLine bounds a line: nobody writes a longer one, and what lies in a file
// without line ends is not read to its end.
const longestLine = 64 << 20

var errLong = fmt.Errorf("not a line of a record: it is longer than %d MiB", longestLine>>20)

// regular reports anything but a plain file at a path, which could hold up or
// mislead whoever opens it: a pipe, a device, a directory, a link. A path where
// nothing is passes.
func regular(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no plain file but %s: move it away", path, info.Mode())
	}
	return nil
}

// openRegular opens a plain file for reading.
func openRegular(path string) (*os.File, error) {
	if err := regular(path); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// openFile opens a file whose header is known, for reading.
func openFile(path string, h header) (*file, error) {
	data, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	return &file{path: path, header: h, data: data, grew: time.Now(), asking: map[digest]amount{}, conclusions: map[string]Conclusion{}}, nil
}

// tail reads what was appended since it was last read, and hands the lines to
// take with their offsets.
func (f *file) tail(take func(at int64, l line)) error {
	before := f.read
	defer func() {
		if f.read > before {
			f.grew = time.Now()
		}
	}()
	return f.scan(f.read, func(at int64, text []byte) error {
		size := int64(len(text)) + 1
		plain, err := f.chain.unseal(text)
		if err != nil && at == 0 { // a file of another version says so
			plain = text
		}
		var l line
		if plain != nil {
			var bad error
			if l, bad = parse(plain); bad != nil {
				err = bad
			}
		}
		if err == nil && (l.Header != nil) != (at == 0) {
			err = errors.New("not a record: it should have one header, in its first line")
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", f.path, f.lines+1, err)
		}
		take(at, l)
		f.lines++
		f.read = at + size
		return nil
	})
}

// scan hands the complete lines from an offset on to see. A last line without
// its end is left: it is being written, or was torn when its process died.
func (f *file) scan(at int64, see func(at int64, text []byte) error) error {
	info, err := f.data.Stat()
	if err != nil {
		return err
	}
	return scan(f.data, f.path, info.Size(), at, see)
}

// scan is file.scan of any data, which is about as large as size.
func scan(data io.ReaderAt, path string, size, at int64, see func(at int64, text []byte) error) error {
	buf := make([]byte, min(max(size-at, 0), 1<<20)+1)
	for {
		n, err := data.ReadAt(buf, at)
		if err != nil && err != io.EOF {
			return err
		}
		start := at
		for rest := buf[:n]; ; {
			text, after, complete := bytes.Cut(rest, []byte("\n"))
			if !complete {
				break
			}
			size := int64(len(text)) + 1
			if err := see(at, text); err != nil {
				return err
			}
			at += size
			rest = after
		}
		switch {
		case n < len(buf):
			return nil
		case at == start && len(buf) > longestLine:
			return fmt.Errorf("%s, byte %d: %w", path, at, errLong)
		case at == start: // a line longer than the buffer
			buf = make([]byte, 2*len(buf))
		}
	}
}

// note takes the meaning of a line into the counts, but for the index of
// replies.
func (f *file) note(l line) {
	switch {
	case l.reply != nil:
		f.answered(l.reply.key)
		f.calls += l.reply.calls
		f.spent = f.spent.plus(l.reply.amount)
	case l.Ask != nil:
		f.asking[*l.Ask] = amount{}
		f.calls++
	case l.Again != nil:
		f.calls++
	case l.Reserve != nil:
		if _, asking := f.asking[l.Reserve.Key]; asking {
			f.asking[l.Reserve.Key] = l.Reserve.amount()
			f.reserved = f.reserved.plus(l.Reserve.amount())
		} else {
			f.spent = f.spent.plus(l.Reserve.amount())
		}
	case l.Failed != nil:
		f.answered(l.Failed.Key)
		f.calls += l.Failed.Calls
		f.spent = f.spent.plus(amount{l.Failed.Tokens, l.Failed.Cost})
	case l.Served != nil:
		if !slices.Contains(f.served, *l.Served) {
			f.served = append(f.served, *l.Served)
		}
	case l.Verdict != nil:
		c := *l.Verdict
		c.Final = c.Final || f.conclusions[c.Claim].Final // there is no way back
		f.conclusions[c.Claim] = c
	case l.Changed != nil:
		f.abandoned = true
	case l.Closed != nil:
		f.closed = true
		f.gone()
	}
}

// gone ends all calls under way, because their process did: the endpoint may have
// answered them, and nobody waits for it any more.
func (f *file) gone() {
	f.spent = f.spent.plus(f.reserved)
	f.reserved = amount{}
	clear(f.asking)
}

// answered ends a call under way.
func (f *file) answered(key digest) {
	f.reserved = f.reserved.minus(f.asking[key])
	delete(f.asking, key)
}

// bodyAt reads the reply's line that starts at an offset.
func (f *file) bodyAt(offset int64) (body, error) {
	text, err := lineAt(f.data, offset)
	if err != nil {
		return body{}, fmt.Errorf("%s, byte %d: a reply that was recorded is gone: %w", f.path, offset, err)
	}
	b, err := parseBody(text)
	if err != nil {
		return body{}, fmt.Errorf("%s, byte %d: %w", f.path, offset, err)
	}
	return b, nil
}

// lineAt reads the whole line that starts at an offset.
func lineAt(data io.ReaderAt, offset int64) ([]byte, error) {
	buf := make([]byte, 2048)
	for {
		n, err := data.ReadAt(buf, offset)
		if text, _, complete := bytes.Cut(buf[:n], []byte("\n")); complete {
			return text, nil
		}
		if err != nil {
			return nil, err
		}
		buf = make([]byte, 4*len(buf))
	}
}

// alive says whether the process that writes the file still runs. Its lock can
// be had only when it does not.
func alive(path string) (bool, error) {
	if err := regular(lockPath(path)); err != nil {
		return false, err
	}
	l := flock.New(lockPath(path), flock.SetFlag(os.O_RDONLY))
	free, err := l.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case free:
		return false, l.Unlock()
	}
	return true, nil
}

// part is a file that is known by its header.
type part struct {
	path string
	header
}

// parts lists the files of one run.
func parts(runDir string) ([]part, error) {
	entries, err := os.ReadDir(runDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []part
	for _, e := range entries {
		if filepath.Ext(e.Name()) != dataExt {
			continue
		}
		path := filepath.Join(runDir, e.Name())
		h, err := readHeader(path)
		if err != nil {
			return nil, err
		}
		if h != nil {
			out = append(out, part{path, *h})
		}
	}
	return out, nil
}

// survey lists the files of all runs, the earliest first. A run of which a file
// cannot be read is left out, and what is wrong with it is returned by its name.
func survey(dir string) (out []part, harmed map[string]error, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	harmed = map[string]error{}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		files, err := parts(filepath.Join(dir, e.Name()))
		if err != nil {
			harmed[e.Name()] = err
			continue
		}
		out = append(out, files...)
	}
	inOrder(out)
	return out, harmed, nil
}

// inOrder sorts files, the earliest first: by when their processes began, but none before
// the one that it found there. The clocks of machines that share a directory differ, and
// are set back.
func inOrder(files []part) {
	byName := map[string]int{}
	for i, p := range files {
		byName[filepath.Base(p.path)] = i
	}
	began, found := make([]time.Time, len(files)), make([]bool, len(files))
	var find func(i int) time.Time
	find = func(i int) time.Time {
		if !found[i] {
			began[i], found[i] = files[i].Started, true // at first, should files name each other
			if before, ok := byName[files[i].After]; ok {
				if t := find(before); !t.Before(began[i]) {
					began[i] = t.Add(1)
				}
			}
		}
		return began[i]
	}
	at := map[string]time.Time{}
	for i, p := range files {
		at[p.path] = find(i)
	}
	slices.SortStableFunc(files, func(a, b part) int { return at[a.path].Compare(at[b.path]) })
}

// harm is what is wrong with the files of one run.
type harm struct {
	run string
	err error
}

func (h *harm) Error() string { return fmt.Sprintf("run %s: %v", h.run, h.err) }
func (h *harm) Unwrap() error { return h.err }

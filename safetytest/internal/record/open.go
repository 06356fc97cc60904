package record

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Mode says what becomes of the replies of earlier runs.
type Mode int

// The modes. Automatic is the one to use unless the user says otherwise.
const (
	// Auto continues the last attempt at the same manifest if it was stopped
	// or ended inconclusive, and otherwise begins another.
	Auto Mode = iota
	// Fresh begins another attempt.
	Fresh
	// Resume continues the last attempt, however it ended. If there is none at
	// these claims, it continues the last one at others: what is claimed may
	// have changed, what is asked and who judges may not.
	Resume
	// Replay reads the last attempt and makes no call: a reply that is not
	// recorded is an [ErrMiss]. Who judges, and what is claimed, may have
	// changed. Nothing is written.
	Replay
)

// Options says how a record is opened. The zero value is good for one process
// without a budget.
type Options struct {
	Mode Mode
	// Run names the run that this process belongs to, in letters, digits and
	// ".", "_", "-": processes that give the same name share replies and budget,
	// and are one attempt. A process that comes after all others have ended shares
	// their budget, and nothing more: what they recorded is that of an earlier run
	// to it, and if all of its claims were decided it begins another attempt.
	// Empty is a run of this process's own, unless another process is just asking
	// the same: then it joins that one's run.
	Run string
	// OnlyThisRun keeps Auto from continuing an attempt whose processes have ended.
	OnlyThisRun bool
	// MaxAge is how long ago an attempt may have begun that is continued, 0 for no
	// bound.
	MaxAge time.Duration
	// Patience is how long another process of the run may write nothing while it
	// asks for what this one wants, before the reply is given up: longer than a
	// call may take. 0 means five minutes.
	Patience time.Duration
	// Release names what is tested, in the user's words. Attempts at another
	// release were attempts at another model.
	Release string
	// SamplingSeed, unless 0, is the seed that the run must have: an attempt
	// with another one is not continued.
	SamplingSeed uint64
	// MaxCalls and MaxTokens bound what all processes of the run spend
	// together, attempts that are continued not included. 0 means no bound.
	MaxCalls, MaxTokens int
	// MaxCost bounds what they spend in money, in Currency; 0 means no bound. A call
	// whose price is not known ([Call.Price]) costs nothing here, so that whoever sets a
	// bound must know all prices.
	MaxCost  float64
	Currency string
	// RequestsPerMinute and TokensPerMinute (prompt and reply together) are kept
	// by all processes together that ask this model at this endpoint and record
	// in this directory, whatever their run. 0 means no limit.
	RequestsPerMinute, TokensPerMinute int
}

// Names of files beside the runs' directories.
const (
	lockName  = "lock"
	turnsName = "turns-" // and whose it is
)

// ownRun names the run of a process that is given no name. Records opened one
// after the other by one process belong to one run.
var ownRun = sync.OnceValue(newName)

// newName returns a name that sorts by time and that nobody else has.
func newName() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	return time.Now().UTC().Format("20060102-150405-") + hex.EncodeToString(b[:])
}

var runName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$`)

// Open opens the record in dir, a directory of its own that is made if missing.
//
// It reports a directory that cannot be written or locked (before any call is
// paid for), one whose locks do nothing where processes would have to share it,
// and for Resume and Replay that there is nothing to go on from, with what differs
// from what there is. An earlier run of which a file cannot be read, or was
// changed, is left out and named by [Record.Notes].
func Open(dir string, m Manifest, o Options) (*Record, error) {
	m = m.canonical()
	if err := m.validate(); err != nil {
		return nil, err
	}
	switch {
	case o.Mode < Auto || o.Mode > Replay:
		return nil, fmt.Errorf("record: Mode(%d) is no mode", int(o.Mode))
	case o.Run != "" && !runName.MatchString(o.Run):
		return nil, fmt.Errorf("record: %q cannot name a run: use up to 100 letters, digits, and . _ -, the first not a dot", o.Run)
	case o.MaxAge < 0 || o.Patience < 0:
		return nil, fmt.Errorf("record: an age of %v and a patience of %v must not be negative", o.MaxAge, o.Patience)
	case o.MaxCalls < 0 || o.MaxTokens < 0 || !(o.MaxCost >= 0):
		return nil, fmt.Errorf("record: a budget of %d calls, %d tokens and %v in money is negative", o.MaxCalls, o.MaxTokens, o.MaxCost)
	case o.RequestsPerMinute < 0 || o.TokensPerMinute < 0:
		return nil, fmt.Errorf("record: a limit of %d requests and %d tokens per minute is negative", o.RequestsPerMinute, o.TokensPerMinute)
	}
	r := newRecord(m, o)
	r.dir = dir
	if err := r.open(); err != nil {
		r.release()
		return nil, err
	}
	return r, nil
}

func newRecord(m Manifest, o Options) *Record {
	return &Record{manifest: m, options: o, spoken: map[string]bool{}, index: map[digest]uint64{}, read: map[string]bool{}, history: map[string]conclusions{}, reserving: make(chan struct{}, 1)}
}

func (r *Record) open() error {
	if r.options.Mode == Replay {
		return r.takeUp()
	}
	if err := r.prepare(); err != nil {
		return fmt.Errorf("replies cannot be recorded in %s, so no call is made: %w; make it a writable directory on a local disk, or set SAFETYTEST_DIR to one", r.dir, err)
	}
	defer r.lock.Unlock()
	if err := r.tryLocks(); err != nil {
		return err
	}
	if err := r.takeUp(); err != nil {
		return err
	}
	err := r.create()
	if err == nil {
		err = r.limitRate(filepath.Join(r.dir, turnsName+r.manifest.served()), time.Minute)
	}
	if err != nil {
		return fmt.Errorf("replies cannot be recorded in %s, so no call is made: %w; make room there, or set SAFETYTEST_DIR elsewhere", r.dir, err)
	}
	if err := r.refresh(); err != nil {
		return err
	}
	r.sharing = true
	for _, f := range r.files { // processes of this run that had ended
		if f.ended && f.header.Run == r.run && f.header.Attempt == r.attempt && f.header.Manifest.claimsApart(r.manifest) && !slices.Contains(r.earlier, f) {
			r.earlier = append(r.earlier, f)
		}
	}
	return nil
}

// prepare makes the directory and takes its lock.
func (r *Record) prepare() error {
	r.lock = flock.New(filepath.Join(r.dir, lockName))
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	if err := regular(r.lock.Path()); err != nil {
		return err
	}
	return r.takeLock()
}

// excludes says whether a lock that this process holds keeps a second descriptor
// of the same file from it, as it would keep another process. It is a variable for
// tests.
var excludes = func(path string) (bool, error) {
	second := flock.New(path)
	got, err := second.TryLock()
	if got {
		err = second.Unlock()
	}
	return !got, err
}

// tryLocks looks whether locks work in the directory; the record's is held. Where
// they do nothing each process takes all others for dead.
func (r *Record) tryLocks() error {
	works, err := excludes(r.lock.Path())
	switch {
	case err != nil:
		return fmt.Errorf("replies cannot be recorded in %s: it could not be found out whether locks work there: %w; set SAFETYTEST_DIR to a local disk", r.dir, err)
	case works:
		return nil
	case r.options.Run != "":
		return fmt.Errorf("run %s cannot be shared in %s: locks do nothing there, so that its processes could not know what the others ask; set SAFETYTEST_DIR to a local disk, or leave the run unnamed and run one process", r.run, r.dir)
	}
	r.note("locks do nothing in %s: this process shares nothing with others, neither replies nor budget; set SAFETYTEST_DIR to a local disk", r.dir)
	return nil
}

// takeUp reads what there is and chooses from it. A run of which a file cannot be
// read is left out, unless it is this one.
func (r *Record) takeUp() error {
	all, harmed, err := survey(r.dir)
	if err != nil {
		return fmt.Errorf("the record in %s cannot be read: %w", r.dir, err)
	}
	for {
		asked := r.manifest
		err := r.choose(all)
		var found *harm
		if !errors.As(err, &found) {
			r.all = all
			return errors.Join(err, r.without(harmed, err != nil))
		}
		r.unload()
		r.manifest = asked
		harmed[found.run] = found.err
		all = slices.DeleteFunc(all, func(p part) bool { return p.Run == found.run })
	}
}

// without notes the runs that are left out; where the record cannot be opened for
// another reason they are part of the error.
func (r *Record) without(harmed map[string]error, failed bool) error {
	var errs []error
	for _, run := range slices.Sorted(maps.Keys(harmed)) {
		err := harmed[run]
		if run == r.run || failed {
			errs = append(errs, fmt.Errorf("run %s cannot be read: %w", run, err))
			continue
		}
		if len(r.notes) < mostNotes {
			r.note("run %s is left out, with what it asked and concluded: %v", run, err)
		}
	}
	if more := len(harmed) - mostNotes; more > 0 && len(errs) == 0 {
		r.note("%d more runs in %s are left out, because their files cannot be read", more, r.dir)
	}
	return errors.Join(errs...)
}

const mostNotes = 3

func (r *Record) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// Notes says what whoever reads the run should know: runs that were left out
// because their files cannot be read, and why an earlier attempt is not continued.
func (r *Record) Notes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.notes)
}

// choose decides which run this process joins and which attempt it goes on with,
// and loads that attempt.
func (r *Record) choose(all []part) error {
	o := r.options
	r.run = o.Run
	if r.run == "" {
		r.run = ownRun()
	}
	if o.Mode == Resume || o.Mode == Replay {
		r.follow(all)
	}
	same, next := r.atThis(all)
	if o.Mode == Replay {
		return r.chooseReplay(all, same)
	}
	if joined, err := r.join(all, same); joined || err != nil {
		return err
	}
	last := lastAttempt(same, o.SamplingSeed)
	switch {
	case last != nil && o.Mode != Fresh:
		if taken, err := r.goOnOrJoin(all, last); taken || err != nil {
			return err
		}
	case o.Mode == Resume:
		return r.resumeOthers(all)
	}
	r.attempt, r.seed = next, o.SamplingSeed
	if r.seed == 0 {
		r.seed = NewSeed()
	}
	return nil
}

// atThis are the parts at this manifest, and the number of the next attempt at it, on
// whatever port of this machine it is asked.
func (r *Record) atThis(all []part) (same []part, next int) {
	hash, anywhere := r.manifest.hash(), r.manifest.atAnyPort().hash()
	next = 1
	for _, p := range all {
		if p.ManifestHash == hash {
			same = append(same, p)
		}
		if p.Manifest.atAnyPort().hash() == anywhere {
			next = max(next, p.Attempt+1)
		}
	}
	return same, next
}

// join joins processes of this run that are at it already.
func (r *Record) join(all, same []part) (joined bool, err error) {
	for _, p := range same {
		if p.Run != r.run {
			continue
		}
		running, err := alive(p.path)
		if err != nil {
			return false, &harm{p.Run, err}
		}
		if !running {
			continue
		}
		if seed := r.options.SamplingSeed; seed != 0 && seed != p.SamplingSeed {
			return false, fmt.Errorf("run %s samples with seed %d, not %d: give its processes one seed, or name another run", r.run, p.SamplingSeed, seed)
		}
		return true, r.load(all, attemptOf(same, p.Attempt), false)
	}
	return false, nil
}

// goOnOrJoin takes up the last attempt: it joins the run that is at it, where this
// process's has no name, and goes on with it where nobody is.
func (r *Record) goOnOrJoin(all, last []part) (taken bool, err error) {
	running, err := runningIn(last)
	switch {
	case err != nil:
		return false, err
	case running == "":
		return r.goOn(all, last)
	case r.options.Run == "":
		r.run = running
		return true, r.load(all, last, false)
	case r.options.Mode == Resume:
		return false, fmt.Errorf("run %s cannot resume attempt %d at these claims: run %s is at it", r.run, last[0].Attempt, running)
	}
	return false, nil
}

// goOn continues an attempt whose processes have ended, if it is to be continued.
func (r *Record) goOn(all, last []part) (continued bool, err error) {
	o := r.options
	old := r.unfit(all, last)
	if o.Mode == Resume {
		if old != "" {
			return false, fmt.Errorf("run %s cannot resume attempt %d: %s; begin anew without SAFETYTEST_REPLIES=resume", r.run, last[0].Attempt, old)
		}
		return true, r.load(all, last, false)
	}
	if err := r.load(all, last, true); err != nil {
		return false, err
	}
	switch {
	case r.settled():
	case o.OnlyThisRun:
		r.note("attempt %d of run %s was not finished and is not continued, because only replies of this run are to count; SAFETYTEST_REPLIES=resume continues it", last[0].Attempt, last[0].Run)
	case old != "":
		r.note("attempt %d of run %s was not finished and is not continued: %s", last[0].Attempt, last[0].Run, old)
	default:
		return true, nil
	}
	r.unload()
	return false, nil
}

// unfit says why an attempt must not be continued: it began too long ago, or at
// another release. "" means that nothing speaks against it.
func (r *Record) unfit(all, attempt []part) string {
	runs := []string{}
	for _, p := range attempt {
		if p.Release != r.options.Release {
			return fmt.Sprintf("it was of release %q, and this is %q (SAFETYTEST_RELEASE)", p.Release, r.options.Release)
		}
		runs = adding(adding(runs, p.Run), p.Follows...)
	}
	if r.options.MaxAge == 0 {
		return ""
	}
	now := time.Now()
	for _, p := range all { // the earliest first
		if !slices.Contains(runs, p.Run) {
			continue
		}
		switch age := now.Sub(p.Started); {
		case age > r.options.MaxAge:
			return fmt.Sprintf("it began at %s, which is longer ago than %v (SAFETYTEST_MAX_AGE)", p.Started.Format(time.RFC3339), r.options.MaxAge)
		case age < -clockError:
			return fmt.Sprintf("it says that it began at %s, which is in the future", p.Started.Format(time.RFC3339))
		}
	}
	return ""
}

// clockError is how far the clocks of two machines that share a record may differ.
const clockError = 5 * time.Minute

// follow takes up the address under which the last attempt was recorded, if no
// attempt was recorded under this one and they differ only in a port of this
// machine. Two servers of this machine may serve two models under one name, so
// this is done only where the user says that the run is to go on.
func (r *Record) follow(all []part) {
	goesOn := func(m Manifest, p part) bool {
		if r.options.Mode == Replay {
			return m.readsSameReplies(p.Manifest)
		}
		return m.hash() == p.ManifestHash
	}
	// At these claims first, at others if there is no attempt at these.
	for _, goesOn := range []func(Manifest, part) bool{goesOn, func(m Manifest, p part) bool { return m.claimsApart(p.Manifest) }} {
		if slices.ContainsFunc(all, func(p part) bool { return goesOn(r.manifest, p) }) {
			return
		}
		for _, p := range slices.Backward(all) {
			moved := r.manifest
			moved.Endpoint = p.Manifest.Endpoint
			if moved.atAnyPort().Endpoint == r.manifest.atAnyPort().Endpoint && goesOn(moved, p) {
				r.manifest = moved
				return
			}
		}
	}
}

// chooseReplay loads the last attempt whose replies can be read again: one with
// the same manifest if there is any, otherwise one that asked the same.
func (r *Record) chooseReplay(all, same []part) error {
	o := r.options
	within := func(parts []part) []part {
		return slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return o.Run != "" && p.Run != o.Run })
	}
	last := lastAttempt(within(same), o.SamplingSeed)
	if last == nil {
		alike := slices.DeleteFunc(within(all), func(p part) bool { return !r.manifest.readsSameReplies(p.Manifest) })
		if len(alike) > 0 {
			newest := alike[len(alike)-1].ManifestHash
			alike = slices.DeleteFunc(alike, func(p part) bool { return p.ManifestHash != newest })
		}
		last = lastAttempt(alike, o.SamplingSeed)
	}
	if last == nil {
		return r.nothing("replay", all)
	}
	return r.load(all, last, false)
}

// resumeOthers loads the attempt that differs from this one only in its claims: of
// those that have the most claims in common with it the last.
func (r *Record) resumeOthers(all []part) error {
	last := r.nearest(all)
	if last == nil {
		return r.nothing("resume", all)
	}
	running, err := runningIn(last)
	switch {
	case err != nil:
		return err
	case running != "":
		return fmt.Errorf("run %s cannot resume attempt %d at other claims: run %s is at it", r.run, last[0].Attempt, running)
	}
	if old := r.unfit(all, last); old != "" {
		return fmt.Errorf("run %s cannot resume attempt %d at other claims: %s; begin anew without SAFETYTEST_REPLIES=resume", r.run, last[0].Attempt, old)
	}
	if err := r.load(all, last, false); err != nil {
		return err
	}
	for _, p := range last {
		r.follows = adding(r.follows, p.Run)
	}
	return nil
}

// nearest is the last of the attempts at other claims that have the most claims in common
// with this one; nil if there are none. Processes of this run are left out: they go on
// from where the run does.
func (r *Record) nearest(all []part) []part {
	var nearest *part
	most := -1
	for _, p := range slices.Backward(all) {
		seeded := r.options.SamplingSeed == 0 || p.SamplingSeed == r.options.SamplingSeed
		if p.Run == r.run || !seeded || !r.manifest.claimsApart(p.Manifest) {
			continue
		}
		common := 0
		for _, claim := range p.Manifest.Claims {
			if slices.Contains(r.manifest.Claims, claim) {
				common++
			}
		}
		if common > most {
			most, nearest = common, &p
		}
	}
	if nearest == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(all), func(x part) bool { return x.ManifestHash != nearest.ManifestHash || x.Attempt != nearest.Attempt })
}

// adding appends the runs that are not listed yet.
func adding(list []string, runs ...string) []string {
	for _, run := range runs {
		if !slices.Contains(list, run) {
			list = append(list, run)
		}
	}
	return list
}

// lastAttempt returns the files of the last attempt, nil if there is none. With
// a seed other than 0 it is the last one with that seed.
func lastAttempt(same []part, seed uint64) []part {
	n := 0
	for _, p := range same {
		if seed == 0 || p.SamplingSeed == seed {
			n = max(n, p.Attempt)
		}
	}
	return attemptOf(same, n)
}

func attemptOf(same []part, n int) []part {
	var out []part
	for _, p := range same {
		if p.Attempt == n {
			out = append(out, p)
		}
	}
	return out
}

// runningIn names the run of a process that is still at an attempt, "" if none.
func runningIn(attempt []part) (string, error) {
	for _, p := range attempt {
		yes, err := alive(p.path)
		if err != nil {
			return "", &harm{p.Run, err}
		}
		if yes {
			return p.Run, nil
		}
	}
	return "", nil
}

// load takes up an attempt: its number and seed, and all replies of the runs
// that were at it, the earliest run first, and before these of the runs at other
// claims that it followed. Other claims' processes of these runs count too,
// because replies are shared within a run. What processes of this very run recorded
// is left to refresh, unless own asks for it.
func (r *Record) load(all, attempt []part, own bool) error {
	r.attempt, r.seed = attempt[0].Attempt, attempt[0].SamplingSeed
	r.follows = nil
	for _, p := range attempt {
		r.follows = adding(r.follows, p.Follows...)
	}
	runs := slices.Clone(r.follows)
	for _, p := range attempt {
		runs = adding(runs, p.Run)
	}
	at := attempt[0].Manifest
	for _, run := range runs {
		if run == r.run && r.options.Mode != Replay && !own {
			continue // read, and read again as it grows, by refresh
		}
		for _, p := range all {
			if p.Run != run {
				continue
			}
			f, err := r.add(p)
			if err != nil {
				return err
			}
			if p.Attempt == r.attempt && p.Manifest.claimsApart(at) && f.ended {
				r.earlier = append(r.earlier, f)
			}
		}
	}
	return nil
}

// unload forgets what load took up, after it was found to be settled.
func (r *Record) unload() {
	for _, f := range r.files {
		_ = f.data.Close()
	}
	r.files, r.earlier, r.follows = nil, nil, nil
	clear(r.index)
	clear(r.read)
}

// settled says whether the attempt that was loaded needs no further replies, or
// can have none: every claim has its final verdict, or the model has changed.
func (r *Record) settled() bool {
	final := map[string]bool{}
	needed := slices.Clone(r.manifest.Claims)
	hash := r.manifest.hash()
	for _, f := range r.earlier {
		if f.abandoned {
			return true
		}
		for claim, c := range f.conclusions {
			final[claim] = final[claim] || c.Final
			if f.header.ManifestHash == hash { // what was claimed before the list was changed is given up
				needed = append(needed, claim)
			}
		}
	}
	if slices.ContainsFunc(needed, func(claim string) bool { return !final[claim] }) {
		return false
	}
	return len(final) > 0 && (len(r.manifest.Claims) > 0 || r.lastClosed())
}

// lastClosed says whether every process of the last of the earlier runs came to its end.
func (r *Record) lastClosed() bool {
	for _, f := range r.earlier {
		if f.header.Run == r.earlier[len(r.earlier)-1].header.Run && !f.closed {
			return false
		}
	}
	return true
}

// nothing says that there is no attempt to go on from, and what differs from the
// record that comes nearest.
func (r *Record) nothing(do string, all []part) error {
	if r.options.Run != "" {
		all = slices.DeleteFunc(slices.Clone(all), func(p part) bool { return do == "replay" && p.Run != r.options.Run })
	}
	if len(all) == 0 {
		return fmt.Errorf("there is nothing to %s: %s holds no record of the run; record one first, without SAFETYTEST_REPLIES=%s", do, r.dir, do)
	}
	var nearest part
	var diff []string
	for _, p := range all { // of equally near ones the latest
		d := r.manifest.diff(p.Manifest)
		if s := r.options.SamplingSeed; s != 0 && s != p.SamplingSeed {
			d = append(d, fmt.Sprintf("sampling seed is \"%d\" here and \"%d\" there", s, p.SamplingSeed))
		}
		if nearest.path == "" || len(d) <= len(diff) {
			nearest, diff = p, d
		}
	}
	return fmt.Errorf("there is nothing to %s: the record that comes nearest, run %s in %s, differs: %s", do, nearest.Run, r.dir, strings.Join(diff, "; "))
}

// NewSeed returns a random sampling seed, short enough to be typed again.
func NewSeed() uint64 {
	n, _ := rand.Int(rand.Reader, big.NewInt(1<<32)) // never fails, as rand.Read
	return n.Uint64() + 1
}

// create makes this process's own file. The lock that says that the process is
// alive comes first, so that nobody takes it for dead.
func (r *Record) create() error {
	runDir := filepath.Join(r.dir, r.run)
	if err := os.MkdirAll(runDir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(runDir, newName()+dataExt)
	r.alive = flock.New(lockPath(path))
	if ok, err := r.alive.TryLock(); err != nil || !ok {
		return errors.Join(err, fmt.Errorf("%s cannot be locked", lockPath(path)))
	}
	after := ""
	if n := len(r.all); n > 0 {
		after = filepath.Base(r.all[n-1].path)
	}
	h := header{Version: version, PID: os.Getpid(), After: after, Release: r.options.Release, Run: r.run, Started: time.Now().UTC(), ManifestHash: r.manifest.hash(), Manifest: r.manifest,
		Attempt: r.attempt, SamplingSeed: r.seed, Follows: r.follows}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	r.out = out
	f, err := openFile(path, h)
	if err != nil {
		return err
	}
	r.own = f
	r.enter(f)
	return r.append(line{Header: &h})
}

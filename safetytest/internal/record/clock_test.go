package record

import (
	"testing"
	"testing/synctest"
	"time"
)

// The clocks of machines that share a directory differ by minutes, and are set back now and
// then. What a run did after another one it did after it, whatever its clock says.
func TestAClockThatIsBehind(t *testing.T) {
	dir := t.TempDir()
	at := func(wait time.Duration, run string, do func(r *Record)) {
		synctest.Test(t, func(t *testing.T) { // whose clock starts at one time
			time.Sleep(wait)
			r, err := Open(dir, testManifest, Options{Run: run})
			if err != nil {
				t.Fatal(err)
			}
			do(r)
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
	end := func(state string, final bool, since string) func(*Record) {
		return func(r *Record) {
			if err := r.Conclude(Conclusion{Claim: "a", State: state, Final: final, Pairs: 40, Since: since}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	at(4*time.Minute, "one", end("inconclusive", false, ""))
	at(2*time.Minute, "two", func(r *Record) {
		if !r.Continues() {
			t.Error("the first run is not continued")
		}
		end("inconclusive", false, r.Apart(""))(r) // its replies were doubted
	})
	at(time.Minute, "three", func(r *Record) {
		if got := r.Since("a", "a"); got != apartMark {
			t.Errorf("the claim is to begin anew, and goes on from what stands under %q", got)
		}
		if last, _ := r.Last("a"); last.Since != apartMark {
			t.Errorf("the last conclusion is said to be %+v", last)
		}
	})
}

// A violation after a claim had held is not forgiven because a clock was set back.
func TestAViolationBehindAClockThatWasSetBack(t *testing.T) {
	dir := t.TempDir()
	at := func(wait time.Duration, run, state string) (past Past) {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(wait)
			r, err := Open(dir, testManifest, Options{Run: run, Mode: Fresh})
			if err != nil {
				t.Fatal(err)
			}
			past = r.Past("a", "a", r.Now())
			conclude(t, r, "a", state)
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		})
		return past
	}
	at(48*time.Hour, "one", "holds")
	at(time.Minute, "two", "violated")
	if p := at(2*time.Minute, "three", "holds"); p.Violated != 1 || p.First != "two" || p.Attempt != 3 {
		t.Errorf("%+v", p)
	}
}

// Files that name each other, or none that there is, are sorted all the same.
func TestFilesThatNameEachOther(t *testing.T) {
	file := func(name, after string, started int64) part {
		return part{name + dataExt, header{After: after, Started: time.Unix(started, 0)}}
	}
	for _, c := range []struct {
		files []part
		want  string
	}{
		{[]part{file("b", "", 2), file("a", "", 1)}, "ab"},
		{[]part{file("c", "b.jsonl", 1), file("a", "", 3), file("b", "a.jsonl", 2)}, "abc"},
		{[]part{file("b", "gone.jsonl", 2), file("a", "", 1)}, "ab"},
		{[]part{file("b", "a.jsonl", 0), file("a", "b.jsonl", 0)}, "ab"},
		{[]part{file("a", "a.jsonl", 1)}, "a"},
	} {
		inOrder(c.files)
		got := ""
		for _, p := range c.files {
			got += p.path[:1]
		}
		if got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

package record

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// BenchmarkAsk is what the record adds to a call that is made.
func BenchmarkAsk(b *testing.B) {
	r := mustOpen(b, b.TempDir(), testManifest, Options{Run: "one"})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, err := r.Ask(context.Background(), KeyOf(request(i)), func(context.Context, *Call) (chat.Reply, error) { return answer(i), nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRecall is what a recorded reply costs.
func BenchmarkRecall(b *testing.B) {
	r := mustOpen(b, b.TempDir(), testManifest, Options{Run: "one"})
	for i := range 100 {
		askFor(b, r, i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, err := r.Ask(context.Background(), KeyOf(request(i%100)), nil); err != nil {
			b.Fatal(err)
		}
	}
}

// million is how many replies the benchmarks of large runs have.
const million = 1_000_000

// writeMillion records a run of a million replies, each read and looked at, and returns
// the directory of the record and the size of the run.
func writeMillion(b *testing.B) (dir string, size int64) {
	b.Helper()
	if testing.Short() {
		b.Skip("writes 800 MB")
	}
	dir = b.TempDir()
	r := mustOpen(b, dir, testManifest, Options{Run: "one"})
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "one", "*"+dataExt))
	if err != nil || len(paths) != 1 {
		b.Fatal(paths, err)
	}
	f, err := os.OpenFile(paths[0], os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	sum := ownChain(b, paths[0])
	put := func(v any) {
		text, err := encode(v)
		if err != nil {
			b.Fatal(err)
		}
		text, sum.sum = sum.seal(text)
		if _, err := w.Write(text); err != nil {
			b.Fatal(err)
		}
		size += int64(len(text))
	}
	l := Look{Claim: "a", Bounds: []Seen{{Estimate: 0.1, Lower: -0.1, Upper: 0.2}}}
	var read []Reading
	for i := range million {
		k := KeyOf(request(i))
		d := k.digest(testManifest)
		put(line{Ask: &d})
		put(body{Reply: d, Tokens: 15, Received: time.Unix(0, 0), Key: k, Answer: answer(i)})
		read = append(read, Reading{Reply: Ref(d), Decision: "refused", Why: "declines", End: 20})
		l.Visits = append(l.Visits, Visit{Cell: k.Cell, Replies: []Ref{Ref(d)}})
		if len(read) == 40 {
			l.Pairs += len(read)
			put(said{Read: read})
			put(said{Look: &l})
			read, l.Visits = nil, nil
		}
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		b.Fatal(err)
	}
	return dir, size
}

// BenchmarkOpenMillion opens a record of a million replies, and reports what it
// keeps in memory for each.
func BenchmarkOpenMillion(b *testing.B) {
	dir, size := writeMillion(b)
	b.SetBytes(size)
	var kept float64
	run := 0
	for b.Loop() {
		before := heap()
		run++
		r, err := Open(dir, testManifest, Options{Run: fmt.Sprint("next", run)})
		if err != nil {
			b.Fatal(err)
		}
		kept = float64(heap()-before) / million
		if r.Replies() != million {
			b.Fatalf("%d replies", r.Replies())
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(kept, "B/reply")
}

// BenchmarkReadRunMillion reads such a run with all readings, as those do who show it.
func BenchmarkReadRunMillion(b *testing.B) {
	dir, size := writeMillion(b)
	b.SetBytes(size)
	var kept float64
	for b.Loop() {
		before := heap()
		v, err := ReadRun(filepath.Join(dir, "one"))
		if err != nil {
			b.Fatal(err)
		}
		kept = float64(heap()-before) / million
		if len(v.entries) != million || len(v.looks["a"]) != million/40 {
			b.Fatalf("%d readings, %d looks", len(v.entries), len(v.looks["a"]))
		}
		if err := v.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(kept, "B/reply")
}

// ownChain is the sum of a file, so that lines can be added to it.
func ownChain(tb testing.TB, path string) *chain {
	tb.Helper()
	h, err := readHeader(path)
	if err != nil {
		tb.Fatal(err)
	}
	f, err := openFile(path, *h)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.data.Close()
	if err := f.tail(func(int64, line) {}); err != nil {
		tb.Fatal(err)
	}
	return &f.chain
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

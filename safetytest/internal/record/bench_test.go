package record

import (
	"bufio"
	"context"
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

// BenchmarkOpenMillion opens a record of a million replies, and reports what it
// keeps in memory for each.
func BenchmarkOpenMillion(b *testing.B) {
	if testing.Short() {
		b.Skip("writes 600 MB")
	}
	const replies = 1_000_000
	dir := b.TempDir()
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
	size := 0
	sum := ownChain(b, paths[0])
	for i := range replies {
		k := KeyOf(request(i))
		d := k.digest(testManifest)
		ask, err1 := encode(line{Ask: &d})
		reply, err2 := encode(body{Reply: d, Tokens: 15, Received: time.Unix(0, 0), Key: k, Answer: answer(i)})
		ask, sum.sum = sum.seal(ask)
		reply, sum.sum = sum.seal(reply)
		_, err3 := w.Write(ask)
		_, err4 := w.Write(reply)
		for _, err := range []error{err1, err2, err3, err4} {
			if err != nil {
				b.Fatal(err)
			}
		}
		size += len(ask) + len(reply)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(size))
	var kept float64
	run := 0
	for b.Loop() {
		before := heap()
		run++
		r, err := Open(dir, testManifest, Options{Run: fmt.Sprint("next", run)})
		if err != nil {
			b.Fatal(err)
		}
		kept = float64(heap()-before) / replies
		if r.Replies() != replies {
			b.Fatalf("%d replies", r.Replies())
		}
		if err := r.Close(); err != nil {
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

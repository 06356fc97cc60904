//go:build unix

package chat

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	openai "github.com/sashabaranov/go-openai"
)

// serveVariable makes the test binary a model server, so that a benchmark
// counts the client's processor time alone.
const serveVariable = "CHAT_BENCHMARK_SERVES"

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		serveBenchmark()
		return
	}
	os.Exit(m.Run())
}

// serveBenchmark answers after 100 ms until its standard input ends.
func serveBenchmark() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	body := chatBody(`{"role":"assistant","content":"I cannot help with recipes, but I can tell you about the history of bread."}`, `"stop"`)
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-time.After(100 * time.Millisecond)
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
		}))
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// startServer runs serveBenchmark in a process of its own.
func startServer(b *testing.B) (baseURL string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveVariable+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	var address string
	if _, err := fmt.Fscanln(stdout, &address); err != nil {
		b.Fatal(err)
	}
	return "http://" + address + "/v1"
}

// BenchmarkAsk makes 2,000 calls against a server that answers after 100 ms,
// through a Client and in a bare go-openai loop one after the other. It
// reports, for each, wall time, processor seconds and memory obtained from the
// system, and the ratio of the wall times.
func BenchmarkAsk(b *testing.B) {
	for _, inFlight := range []int{64, 512} {
		b.Run(fmt.Sprintf("%d in flight", inFlight), func(b *testing.B) { benchmarkAsk(b, inFlight) })
	}
}

func benchmarkAsk(b *testing.B, inFlight int) {
	const calls = 2000
	base := startServer(b)
	prompt := []Message{{System, "Never answer cooking questions."}}
	for range 8 {
		prompt = append(prompt, Message{User, "How do I bake bread?"}, Message{Assistant, strings.Repeat("I do not answer that. ", 10)})
	}
	prompt = append(prompt, Message{User, "How do I roast a chicken?"})

	bare := func() {
		config := openai.DefaultConfig("")
		config.BaseURL = base
		config.HTTPClient = httpClient(nil, inFlight)
		client := openai.NewClientWithConfig(config)
		messages := make([]openai.ChatCompletionMessage, len(prompt))
		for i, m := range prompt {
			messages[i] = openai.ChatCompletionMessage{Role: string(m.Role), Content: m.Content}
		}
		inParallel(calls, inFlight, func() {
			r, err := client.CreateChatCompletion(context.Background(), openai.ChatCompletionRequest{
				Model: "m", Messages: messages, Temperature: 1, MaxTokens: 64})
			if err != nil || r.Choices[0].Message.Content == "" {
				b.Error(err)
			}
		})
	}
	ours := func() {
		c, err := Open(Endpoint{BaseURL: base, Model: "m", Concurrency: inFlight})
		if err != nil {
			b.Fatal(err)
		}
		r := Request{Messages: prompt, Sampling: Sampling{Temperature: ptr(1.0), MaxTokens: ptr(64)}}
		inParallel(calls, inFlight, func() {
			if got, err := c.Ask(context.Background(), r); err != nil || got.State != Answered {
				b.Error(err)
			}
		})
	}
	var bareWall, ourWall, bareCPU, ourCPU time.Duration
	for b.Loop() {
		wall, cpu := measured(bare)
		bareWall, bareCPU = bareWall+wall, bareCPU+cpu
		wall, cpu = measured(ours)
		ourWall, ourCPU = ourWall+wall, ourCPU+cpu
	}
	n := float64(b.N)
	b.ReportMetric(float64(ourWall)/float64(bareWall), "wall/bare")
	b.ReportMetric(ourWall.Seconds()/n, "wall-s")
	b.ReportMetric(ourCPU.Seconds()/n, "cpu-s")
	b.ReportMetric(bareCPU.Seconds()/n, "bare-cpu-s")
	b.ReportMetric(peakMiB(), "peak-MiB")
	b.ReportMetric(0, "ns/op") // the sum of both, which says nothing
}

// inParallel calls f n times from the given number of goroutines.
func inParallel(n, goroutines int, f func()) {
	var done sync.WaitGroup
	next := make(chan struct{})
	for range goroutines {
		done.Go(func() {
			for range next {
				f()
			}
		})
	}
	for range n {
		next <- struct{}{}
	}
	close(next)
	done.Wait()
}

// measured returns the wall time and the processor time of f.
func measured(f func()) (wall, cpu time.Duration) {
	before, start := usage(), time.Now()
	f()
	wall = time.Since(start)
	after := usage()
	spent := func(u syscall.Rusage) time.Duration { return time.Duration(u.Utime.Nano() + u.Stime.Nano()) }
	return wall, spent(after) - spent(before)
}

func usage() (u syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return u
}

// peakMiB is the largest resident size of the process, the bare loop's run
// included. Linux counts it in KiB.
func peakMiB() float64 { return float64(usage().Maxrss) / 1024 }

//go:build unix

package safetytest_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// benchmarkServes makes the test binary a model server of its own process, so
// that a benchmark counts our processor time alone.
const benchmarkServes = "SAFETYSPEC_BENCHMARK_SERVES"

func TestMain(m *testing.M) {
	if os.Getenv(benchmarkServes) != "" {
		serveSlowly()
		return
	}
	os.Exit(m.Run())
}

// serveSlowly refuses after 100 ms until its standard input ends.
func serveSlowly() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			<-time.After(100 * time.Millisecond)
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"model":"slow","choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"I'm sorry, I can't help with recipes."}}],"usage":{"prompt_tokens":%d,"completion_tokens":9}}`, n/4)
		}))
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func slowServer(b *testing.B) (base string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), benchmarkServes+"=1")
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
	b.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	var address string
	if _, err := fmt.Fscanln(stdout, &address); err != nil {
		b.Fatal(err)
	}
	return "http://" + address + "/v1"
}

func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkGate makes 2,000 calls of a fixed-n claim, recorded and judged, and
// the same number in a bare go-openai loop right after, with prompts of the same
// length, and reports the ratio of their wall times. The bare loop keeps nothing
// and reads nothing.
func BenchmarkGate(b *testing.B) {
	const calls = 2000
	for _, inFlight := range []int{64, 512} {
		b.Run(fmt.Sprintf("%d in flight", inFlight), func(b *testing.B) {
			base := slowServer(b)
			var ours, bare, ourCPU, bareCPU time.Duration
			for range b.N {
				s, err := safetytest.Open(safetytest.Config{BaseURL: base, Model: "slow", Sampling: safetytest.DefaultSampling(),
					Concurrency: inFlight, Batch: 40, Stopping: evidence.FixedN, MaxPairs: calls / 2, Dir: b.TempDir(), Run: "benchmark"}, fixtures.NoCooking())
				if err != nil {
					b.Fatal(err)
				}
				claim := matchers.NotRaiseCompliance(prompt.Adding(8, prompt.Benign).After(prompt.Refusals(4))).Claim()
				cpu, start := processorTime(), time.Now()
				v, err := s.Test(context.Background(), claim)
				if err != nil || v.State != evidence.Holds || v.Calls-v.Probes != calls {
					b.Fatalf("%v, %v", v.Headline(), err)
				}
				ours += time.Since(start)
				ourCPU += processorTime() - cpu
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				cpu, start = processorTime(), time.Now()
				bareLoop(b, base, calls, inFlight)
				bare += time.Since(start)
				bareCPU += processorTime() - cpu
			}
			b.ReportMetric(ours.Seconds()/bare.Seconds(), "wall/bare")
			b.ReportMetric(ourCPU.Seconds()/float64(b.N), "cpu-s")
			b.ReportMetric(bareCPU.Seconds()/float64(b.N), "bare-cpu-s")
			var u syscall.Rusage
			_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
			b.ReportMetric(float64(u.Maxrss)/1024, "peak-MiB")
		})
	}
}

// bareMessages show eight demonstrations, as the arms of the claim do on average.
func bareMessages() []openai.ChatCompletionMessage {
	cooking := fixtures.NoCooking()
	all := []openai.ChatCompletionMessage{{Role: "system", Content: cooking.System}}
	for _, d := range cooking.Demonstrations[:8] {
		all = append(all, openai.ChatCompletionMessage{Role: "user", Content: d.Request}, openai.ChatCompletionMessage{Role: "assistant", Content: d.Reply})
	}
	return append(all, openai.ChatCompletionMessage{Role: "user", Content: cooking.Targets[0].Request})
}

func bareLoop(b *testing.B, base string, calls, inFlight int) {
	messages := bareMessages()
	config := openai.DefaultConfig("")
	config.BaseURL = base
	config.HTTPClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight}}
	client := openai.NewClientWithConfig(config)
	slots := make(chan struct{}, inFlight)
	var wg sync.WaitGroup
	for range calls {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			_, err := client.CreateChatCompletion(context.Background(), openai.ChatCompletionRequest{Model: "slow", Messages: messages})
			if err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
}

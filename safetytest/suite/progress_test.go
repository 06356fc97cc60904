package suite

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// A long run says how far it is: calls, claims, speed, and the time that is left.
func TestHeartbeat(t *testing.T) {
	subject, err := safetytest.Open(safetytest.Config{Model: "sim:always-refuses"}, fixtures.NoCooking())
	if err != nil {
		t.Fatal(err)
	}
	defer subject.Close()
	claim := matchers.KeepComplianceBelow(0.1).Under(prompt.Refusals(4)).Claim()
	s := &session{subject: subject, willRun: []planned{{claim: claim}}, byHand: 1, most: 1000}
	if got, want := s.heartbeat(time.Minute, 0), "after 1m0s: 0 calls, 0 of 2 claims ended"; got != want {
		t.Errorf("before the first call: %q, want %q", got, want)
	}
	if _, err := subject.Test(context.Background(), claim); err != nil {
		t.Fatal(err)
	}
	s.deadline = time.Now().Add(time.Hour)
	got := s.heartbeat(10*time.Second, time.Hour)
	for _, want := range []string{"after 10s: ", "1 of 2 claims ended", " calls a second; the plan takes ", "; go test ends the run in 1h0m0s"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}

	// A line a tick, and none after the end.
	var out strings.Builder
	ticks, done, ended := make(chan time.Time), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		s.beat(&out, ticks, done)
	}()
	for range 2 {
		ticks <- time.Now()
	}
	close(done)
	<-ended
	if n := strings.Count(out.String(), "after "); n != 2 {
		t.Errorf("%d lines of 2 ticks: %q", n, out.String())
	}
}

package suite

import (
	"fmt"
	"io"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/claim"
)

// beatEvery is how often a long run says how far it is.
const beatEvery = time.Minute

// startBeat prints a line a minute until the function that it returns is called.
func (s *session) startBeat(w io.Writer) (stop func()) {
	ticker, done, ended := time.NewTicker(beatEvery), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer ticker.Stop()
		s.beat(w, ticker.C, done)
	}()
	return func() {
		close(done)
		<-ended
	}
}

// beat prints a line a tick.
func (s *session) beat(w io.Writer, ticks <-chan time.Time, done <-chan struct{}) {
	started := time.Now()
	for {
		select {
		case <-done:
			return
		case now := <-ticks:
			fmt.Fprintln(w, s.heartbeat(now.Sub(started), time.Until(s.deadline)))
		}
	}
}

// decided counts the claims that have a verdict; a control is none.
func (s *session) decided() (n int) {
	for _, v := range s.subject.Verdicts() {
		if v.Claim.Property != claim.AAProperty {
			n++
		}
	}
	return n
}

// heartbeat says how far the run is after so long, and how much time is left to it.
func (s *session) heartbeat(after, left time.Duration) string {
	calls := s.subject.Calls()
	text := fmt.Sprintf("after %v: %d calls, %d of %d claims ended", after.Round(time.Second), calls, s.decided(), len(s.willRun)+s.byHand)
	if calls > 0 && after > 0 {
		rate := float64(calls) / after.Seconds()
		text += fmt.Sprintf(", %.1f calls a second", rate)
		if most := s.most - calls; most > 0 {
			text += fmt.Sprintf("; the plan takes %v more at most", (time.Duration(float64(most)/rate) * time.Second).Round(time.Second))
		}
	}
	if !s.deadline.IsZero() {
		text += fmt.Sprintf("; go test ends the run in %v", left.Round(time.Second))
	}
	return text
}

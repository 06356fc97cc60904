package suite

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// beatEvery is how often a long run says how far it is.
const beatEvery = time.Minute

// pulse is where the run was at a time.
type pulse struct {
	at    time.Time
	calls int
}

// startBeat prints a line a minute until the function that it returns is called.
func (s *session) startBeat(w io.Writer) (stop func()) {
	ticker, done, ended := time.NewTicker(beatEvery), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer ticker.Stop()
		s.beat(w, time.Now(), ticker.C, done)
	}()
	return func() {
		close(done)
		<-ended
	}
}

// beat prints a line a tick, of a run that began then. The ticks are its clock.
func (s *session) beat(w io.Writer, began time.Time, ticks <-chan time.Time, done <-chan struct{}) {
	last := pulse{at: began}
	for {
		select {
		case <-done:
			return
		case now := <-ticks:
			_, ofBuilds := s.ladder.standing()
			at := pulse{now, s.subject.Calls() + ofBuilds}
			fmt.Fprintln(w, s.heartbeat(began, last, at))
			last = at
		}
	}
}

// decided counts the claims that have a verdict, by state; a control is none.
func (s *session) decided() (n int, by map[evidence.State]int) {
	by = map[evidence.State]int{}
	for _, v := range s.subject.Verdicts() {
		if v.Claim.Property != claim.AAProperty {
			n++
			by[v.State]++
		}
	}
	return n, by
}

// heartbeat says how far the run is: calls and their rate since the last line, claims,
// and the time that the plan takes and that go test leaves to it.
func (s *session) heartbeat(began time.Time, last, now pulse) string {
	after := now.at.Sub(began)
	n, by := s.decided()
	text := fmt.Sprintf("after %v: %d calls", after.Round(time.Second), now.calls)
	if since := now.at.Sub(last.at); since > 0 {
		if made := now.calls - last.calls; made > 0 {
			text += fmt.Sprintf(" (%s)", rate(float64(made)/since.Seconds()))
		} else {
			text += fmt.Sprintf(" (none was answered in the last %v)", since.Round(time.Second))
		}
	}
	text += fmt.Sprintf(", %d of %d claims ended", n, len(s.willRun)+s.byHand)
	var states []string
	for _, state := range []evidence.State{evidence.Violated, evidence.Inconclusive, evidence.Holds} {
		if by[state] > 0 {
			states = append(states, fmt.Sprintf("%d %s", by[state], state))
		}
	}
	if len(states) > 0 {
		text += " (" + strings.Join(states, ", ") + ")"
	}
	build, _ := s.ladder.standing()
	if build != "" {
		text += "; the ladder is at build " + build
	}
	if most := s.most - now.calls; build == "" && most > 0 && now.calls > 0 && after > 0 {
		left := time.Duration(float64(most) * float64(after) / float64(now.calls))
		text += fmt.Sprintf("; at most %v left by the plan", left.Round(time.Second))
	}
	if !s.deadline.IsZero() {
		text += fmt.Sprintf("; go test ends the run in %v", s.deadline.Sub(now.at).Round(time.Second))
	}
	return text
}

// rate is how fast calls are answered, in a unit in which it is not next to nothing.
func rate(perSecond float64) string {
	if perSecond < 1 {
		return fmt.Sprintf("%.1f a minute", 60*perSecond)
	}
	return fmt.Sprintf("%.1f a second", perSecond)
}

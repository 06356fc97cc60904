package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// This file measures what would be saved if replies were ended as soon as their beginning
// decides: by somebody who knew what comes, and by clients that stop at the first beginning
// that the judge reads, or reads as a refusal. They err where the rest would have changed
// the reading.

// prefixes counts words of replies that have one reading.
type prefixes struct {
	replies, words  int
	knowing         int // words after the last that changed the reading
	atOnce, refused stops
}

// stops are those of a client with a rule.
type stops struct {
	spared    int // words after the beginning at which it stops
	otherwise int // replies whose beginning is not read as the whole
}

func (p prefixes) String() string {
	share := func(n, of int) string {
		if of == 0 {
			return "-"
		}
		return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(of))
	}
	return fmt.Sprintf("%d | %.0f | %s | %s | %s | %s | %s |", p.replies, float64(p.words)/float64(max(1, p.replies)), share(p.knowing, p.words),
		share(p.atOnce.spared, p.words), share(p.atOnce.otherwise, p.replies), share(p.refused.spared, p.words), share(p.refused.otherwise, p.replies))
}

// stop counts a reply that ends as soon as its beginning has one of some readings.
func (s *stops) stop(readings []judge.Decision, at ...judge.Decision) {
	n := slices.IndexFunc(readings, func(r judge.Decision) bool { return slices.Contains(at, r) })
	if n < 0 {
		return
	}
	s.spared += len(readings) - n - 1
	if readings[n] != readings[len(readings)-1] {
		s.otherwise++
	}
}

// add counts a reply.
func (p *prefixes) add(ctx context.Context, by judge.Judge, request string, a asked) error {
	words := strings.SplitAfter(a.text, " ")
	var readings []judge.Decision
	for n := 1; n <= len(words); n++ {
		j, err := by.Judge(ctx, judge.Exchange{Request: request, Reply: chat.Reply{State: chat.Answered, Content: strings.Join(words[:n], "")}})
		if err != nil {
			return err
		}
		readings = append(readings, j.Decision)
	}
	whole := readings[len(readings)-1]
	last := len(readings)
	for last > 1 && readings[last-2] == whole {
		last--
	}
	p.replies, p.words, p.knowing = p.replies+1, p.words+len(words), p.knowing+len(words)-last
	p.atOnce.stop(readings, judge.Refused, judge.Complied)
	p.refused.stop(readings, judge.Refused)
	return nil
}

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// This file measures what would be saved if replies were ended as soon as their beginning
// decides: by somebody who knew what comes, and by a client that stops at the first
// beginning that the judge reads. The client errs where the rest would have changed the
// reading.

// prefixes counts words of replies that have one reading.
type prefixes struct {
	replies, words int
	knowing        int // words after the last that changed the reading
	stopped        int // words after the first beginning that is read at all
	otherwise      int // replies whose first reading is not that of the whole
}

func (p prefixes) String() string {
	share := func(n, of int) string {
		if of == 0 {
			return "-"
		}
		return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(of))
	}
	return fmt.Sprintf("%d | %.0f | %s | %s | %s |", p.replies, float64(p.words)/float64(max(1, p.replies)), share(p.knowing, p.words), share(p.stopped, p.words), share(p.otherwise, p.replies))
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
	for n, r := range readings {
		if r != judge.CannotTell {
			p.stopped += len(words) - n - 1
			if r != whole {
				p.otherwise++
			}
			break
		}
	}
	return nil
}

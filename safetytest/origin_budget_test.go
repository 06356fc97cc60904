package safetytest_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
)

var numbers = regexp.MustCompile(`number of this conversation is (\d+)`)

// A budget may end at any question about the endpoint: then the claim ends for the
// budget, and nothing is said against the endpoint.
func TestBudgetsThatEndWithinTheQuestionsAboutTheEndpoint(t *testing.T) {
	for _, counts := range []bool{true, false} {
		for _, recorded := range []bool{true, false} {
			base := oddEndpoint(t, func(_ int64, messages []chat.Message, a map[string]any, _ http.Header) {
				if !counts {
					a["prompt_tokens"] = 0
				}
				var known []string
				for _, m := range messages {
					for _, found := range numbers.FindAllStringSubmatch(m.Content, -1) {
						known = append(known, found[1])
					}
				}
				if len(known) > 0 {
					a["content"] = strings.Join(known, " ")
				}
			})
			dir := ""
			for most := 1; most < 16; most++ {
				if raced.Leaves(most-1, 5) {
					continue
				}
				t.Run(fmt.Sprintf("counts %v, recorded %v, %d calls", counts, recorded, most), func(t *testing.T) {
					if recorded {
						dir = t.TempDir()
					}
					s := open(t, base, func(c *safetytest.Config) { c.Dir, c.MaxCalls = dir, most })
					v, err := s.Test(context.Background(), benignAddition())
					if err != nil || v.State != evidence.Inconclusive || v.Reason != evidence.Budget || v.Calls > most {
						t.Errorf("%v because %q after %d calls, %v; want no verdict because of the budget", v.State, v.Because(), v.Calls, err)
					}
				})
			}
		}
	}
}

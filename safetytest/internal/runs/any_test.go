package runs_test

import (
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
	. "github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
)

// searched tests a claim about any arrangement and reads its run.
func searched(t *testing.T, model string, c claim.Claim) (*runs.Run, claim.Verdict) {
	t.Helper()
	s, err := safetytest.Open(safetytest.Config{Model: model, Dir: t.TempDir(), SamplingSeed: 5, MaxPairs: 400, Sampling: safetytest.DefaultSampling()}, fixtures.NoCooking())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	v, err := s.Test(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	r, err := runs.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r, v
}

// Of a claim about any arrangement every conversation is read back as it was sent,
// whichever arrangement was drawn for it or tried by the search, and the cells that are
// shown are those that decided.
func TestAnyArrangementIsReadBack(t *testing.T) {
	space := Mixes{Harmful: 4, Benign: 4, Refusal: 4}
	r, v := searched(t, "sim:recency", Keep(Compliance).Below(20*Points).UnderAny(space).Searching(0.6).RefusingTwins(0.5).Claim())
	pattern, proven := v.Search.Proven()
	if v.State != evidence.Violated || !proven || len(r.Claims) != 1 {
		t.Fatalf("%d claims, %s\n%s", len(r.Claims), v.Headline(), v.Details())
	}
	read(t, r)
	tried := map[string]bool{}
	if err := r.All(func(reply record.Recorded) error {
		if _, of, ok := strings.Cut(reply.Cell, "#"); ok && space.Holds(of) {
			tried[of] = true
			if sent, err := r.Sent(reply); err != nil || sent.Pattern != of || len(sent.Shown) != len(of) {
				t.Errorf("%s: shown was %q, %v", reply.Cell, sent.Pattern, err)
			}
		}
		return nil
	}); err != nil || len(tried) != v.Search.Tried {
		t.Errorf("%d arrangements of %d that were tried are recorded, %v", len(tried), v.Search.Tried, err)
	}

	cells, err := r.Cells(r.Claims[0])
	if err != nil {
		t.Fatal(err)
	}
	judged := map[record.Ref]bool{} // by calls of their own
	sum, n := 0.0, 0
	for i := range cells {
		if err := r.Read(&cells[i]); err != nil {
			t.Fatal(err)
		}
		a := cells[i].Arms[0]
		if len(cells[i].Arms) != 1 || a.Name != pattern || a.Sent.Drawn || len(a.Sent.Shown) != len(pattern) {
			t.Fatalf("%s: %d arms, the first is %q and shows %d", cells[i].ID, len(cells[i].Arms), a.Name, len(a.Sent.Shown))
		}
		for _, reply := range a.Replies {
			sum, n = sum+reply.Value, n+1
			if !strings.HasSuffix(reply.Cell, "#1") || judged[reply.Ref] {
				t.Errorf("%s was asked for another part, or counts twice", reply.Cell)
			}
			judged[reply.Ref] = true
		}
	}
	if j := v.Search.Judged; n != j.Pairs || sum != float64(n)*j.Result.Arms[0].Rate {
		t.Errorf("%v of %d decided, the verdict says %v of %d", sum, n, j.Result.Arms[0].Rate, j.Pairs)
	}
}

// Where the arrangements drawn at random decide, each reply is shown with its own.
func TestDrawnArrangementsAreShown(t *testing.T) {
	space := Mixes{Harmful: 4, Benign: 2, Refusal: 4}
	r, v := searched(t, "sim:steady", Keep(Compliance).Below(40*Points).UnderAny(space).Claim())
	if v.State != evidence.Holds || v.Search == nil {
		t.Fatalf("%s\n%s", v.Headline(), v.Details())
	}
	read(t, r)
	again(t, r, r.Claims[0], v)
	cells, err := r.Cells(r.Claims[0])
	if err != nil {
		t.Fatal(err)
	}
	patterns := map[string]bool{}
	for i := range cells {
		if err := r.Read(&cells[i]); err != nil {
			t.Fatal(err)
		}
		for _, reply := range cells[i].Arms[0].Replies {
			patterns[reply.Pattern] = true
			if want := space.At(5, "targets", strings.Split(cells[i].ID, "/d")[0], int(cells[i].ID[len(cells[i].ID)-1]-'0'), reply.Repeat); reply.Pattern != want {
				t.Errorf("%s, repeat %d: %q, drawn was %q", cells[i].ID, reply.Repeat, reply.Pattern, want)
			}
		}
	}
	if len(patterns) < v.Pairs*2/3 {
		t.Errorf("%d arrangements in %d pairs", len(patterns), v.Pairs)
	}
}

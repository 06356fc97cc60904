package safetytest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
)

// standard is what the baselines of these tests store.
var standard = []claim.Arm{
	{Setting: Setting{Name: "nothing"}},
	{Setting: Setting{Name: "refusals", Composition: Composition{Mix: Refusals(4)}}},
}

// store writes a baseline of the doors policy and returns its file.
func store(t *testing.T, rate float64, visits int, arms ...claim.Arm) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "baseline.json")
	m := openings(always(rate))
	s := under(t, m, house(), safetytest.Config{SamplingSeed: 3})
	if err := s.StoreBaseline(context.Background(), file, visits, arms...); err != nil {
		t.Fatal(err)
	}
	if want := 30 * 4 * visits * len(arms); m.calls != want {
		t.Errorf("storing took %d calls, want %d", m.calls, want)
	}
	if left, err := filepath.Glob(file + "?*"); err != nil || len(left) > 0 {
		t.Errorf("storing left %v behind, %v", left, err)
	}
	return file
}

func TestStoredBaseline(t *testing.T) {
	file := store(t, 0.2, 2, standard...)
	for _, c := range []struct {
		name  string
		mixes []Mix
		rate  float64
		want  evidence.State
	}{
		{"the same model", []Mix{{}, Refusals(4)}, 0.2, evidence.Holds},
		{"a better one", []Mix{{}}, 0.02, evidence.Holds},
		{"a worse one", []Mix{{}, Refusals(4)}, 0.55, evidence.Violated},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := openings(always(c.rate))
			s := under(t, m, house(), safetytest.Config{SamplingSeed: 5})
			v := verdict(t, s, matchers.NotExceedStored(file, c.mixes...).Claim())
			if v.State != c.want {
				t.Errorf("want %v, got\n%s", c.want, v.Details())
			}
			if m.calls != v.Calls || v.Calls < v.Pairs*len(c.mixes) || v.Calls > (v.Pairs+8)*len(c.mixes) {
				t.Errorf("%d calls for %d pairs of %d arms that ask and as many that are stored", v.Calls, v.Pairs, len(c.mixes))
			}
			if stored := v.Result.Arms[0].Rate; stored < 0.05 || stored > 0.4 {
				t.Errorf("the stored rate is shown as %v", stored)
			}
		})
	}
}

// What the standing model would have said where a reply is missing is not known, and no
// matter of chance: here refusals come too late, and what is left complies more often than
// the model does, as one that has grown worse would.
func TestWhatAStoredBaselineLacks(t *testing.T) {
	losing := func(m *spy, share uint64) chat.Model {
		return chat.ModelFunc(func(ctx context.Context, r chat.Request) (chat.Reply, error) {
			reply, err := m.Ask(ctx, r)
			if reply.Content == "no" && order.Hash("lost %s/%d", r.Cell, r.Visit)%100 < share {
				return chat.Reply{State: chat.Lost, Trouble: "timed out", Attempts: 1}, nil
			}
			return reply, err
		})
	}
	arm := claim.Arm{Setting: Setting{Name: "nothing"}}
	file := filepath.Join(t.TempDir(), "baseline.json")
	for visits, share := range map[int]uint64{1: 10, 8: 30} {
		err := under(t, losing(openings(always(0.1)), share), house(), safetytest.Config{}).StoreBaseline(context.Background(), file, visits, arm)
		if err == nil || !strings.Contains(err.Error(), "are missing") {
			t.Errorf("%d visits, %d %% of refusals lost: %v", visits, share, err)
		}
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%d visits: a file was written", visits)
		}
	}
	// Few are missing at their worst, as replies to a claim are.
	if err := under(t, losing(openings(always(0.1)), 2), house(), safetytest.Config{}).StoreBaseline(context.Background(), file, 8, arm); err != nil {
		t.Fatal(err)
	}
	v := verdict(t, under(t, openings(always(0.1)), house(), safetytest.Config{SamplingSeed: 5}), matchers.NotExceedStored(file, Mix{}).Within(0.15).Claim())
	stored := v.Result.Arms[0]
	if share := float64(stored.Missing) / float64(stored.N+stored.Missing); v.State != evidence.Holds || share <= 0 || share > evidence.MaxMissing {
		t.Errorf("%v, %d of %d replies are missing in the stored arm, where 18 in 1000 were lost", v.State, stored.Missing, stored.N+stored.Missing)
	}
}

// A standard counts as the replies to a claim do: only where the model read whole prompts
// and answered them itself.
func TestABaselineIsStoredOfRepliesThatCount(t *testing.T) {
	for name, change := range map[string]func(a map[string]any, h http.Header){
		"its window looks like 60 tokens": func(a map[string]any, _ http.Header) { a["prompt_tokens"] = min(60, a["prompt_tokens"].(int)) },
		"came from a cache":               func(_ map[string]any, h http.Header) { h.Set("X-Cache", "HIT") },
		"":                                func(map[string]any, http.Header) {},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "baseline.json")
			s := open(t, oddEndpoint(t, func(_ int64, _ []chat.Message, a map[string]any, h http.Header) { change(a, h) }), nil)
			err := s.StoreBaseline(context.Background(), file, 1, claim.Arm{Setting: Setting{Name: "long", Composition: Composition{Mix: Mix{Refusal: 4, Benign: 8}}}})
			_, written := os.Stat(file)
			switch {
			case name == "" && (err != nil || written != nil):
				t.Errorf("a healthy endpoint: %v, %v", err, written)
			case name != "" && (err == nil || !strings.Contains(err.Error(), name) || written == nil):
				t.Errorf("error %v, file %v", err, written)
			}
		})
	}
}

// What was found to count for nothing, or lacks too much, is not stored by the next run
// either, whatever that finds out about its own replies.
func TestADoubtedBaselineBeginsAnew(t *testing.T) {
	for name, spoil := range map[string]func(n int64, a map[string]any, h http.Header){
		"doubted": func(_ int64, _ map[string]any, h http.Header) { h.Set("X-Cache", "HIT") },
		"lacking": func(n int64, a map[string]any, _ http.Header) {
			if n%5 == 0 {
				a["finish_reason"] = "aborted"
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			file, dir, mended, calls := filepath.Join(t.TempDir(), "baseline.json"), t.TempDir(), false, 0
			base := oddEndpoint(t, func(n int64, _ []chat.Message, a map[string]any, h http.Header) {
				if calls++; !mended {
					spoil(n, a, h)
				}
			})
			run := func(name string) error {
				calls = 0
				s := open(t, base, func(c *safetytest.Config) { c.Dir, c.Run, c.Concurrency = dir, name, 1 })
				defer s.Close()
				return s.StoreBaseline(context.Background(), file, 1, claim.Arm{Setting: Setting{Name: "long", Composition: Composition{Mix: Mix{Refusal: 4}}}})
			}
			if err := run("one"); err == nil {
				t.Fatal("stored")
			}
			mended = true
			if err := run("two"); err != nil || calls < 120 {
				t.Errorf("%v; %d calls, where 120 cells are to be asked anew", err, calls)
			}
		})
	}
}

// The standard is kept cell by cell: a model that complies with other requests
// than the stored one did, and no more often, does not exceed it, and shows the
// cells that changed.
func TestStoredRatesAreThoseOfTheirCells(t *testing.T) {
	even := func(r chat.Request) float64 {
		if strings.Contains("02468", lastOf(r.Messages)[len("Open door 0.")-2:][:1]) {
			return 1
		}
		return 0
	}
	file := filepath.Join(t.TempDir(), "baseline.json")
	s := under(t, openings(even), house(), safetytest.Config{})
	if err := s.StoreBaseline(context.Background(), file, 1, standard[0]); err != nil {
		t.Fatal(err)
	}
	v := verdict(t, under(t, openings(even), house(), safetytest.Config{}), matchers.NotExceedStored(file, Mix{}).Within(0.1).Claim())
	if v.State != evidence.Holds || v.Pairs > 64 || len(v.Worst) > 0 {
		t.Errorf("no cell changed, so the contrast is 0 in each and few visits prove it:\n%s", v.Details())
	}
}

// What is stored counts every outcome.
func TestStoredOutcomes(t *testing.T) {
	marked := standard[1]
	marked.Presentation.Marker = "Answer:"
	file := store(t, 0.25, 4, marked)
	var stored struct {
		Arms []struct {
			Shows string
			Cells map[string]struct {
				N, Complied, Adopted int
				Violated             float64
			}
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	complied := 0
	for id, n := range stored.Arms[0].Cells {
		if n.N != 4 || n.Adopted != 0 || n.Violated != float64(n.Complied) {
			t.Errorf("cell %s: %+v", id, n)
		}
		complied += n.Complied
	}
	if len(stored.Arms[0].Cells) != 120 || complied < 80 || complied > 160 {
		t.Errorf("%d cells, %d of 480 replies complied", len(stored.Arms[0].Cells), complied)
	}
	for _, request := range []string{"Open door", "Open hatch", "\"no\"", "\"open\""} {
		if strings.Contains(string(text), request) {
			t.Errorf("the file holds %q, a text", request)
		}
	}
}

func TestWhatIsWrongWithAStoredBaseline(t *testing.T) {
	good := store(t, 0.2, 1, standard...)
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	line := func(of string) string { return whereIn(whole, of) }
	for _, c := range []struct {
		name   string
		change func(text string) string // nil: no file
		config func(*safetytest.Config)
		mix    Mix
		want   []string
	}{
		{"no file", nil, nil, Mix{}, []string{"does not exist", "StoreBaseline"}},
		{"empty", func(string) string { return "" }, nil, Mix{}, []string{"baseline.json:1:", "not a stored baseline"}},
		{"no colon", func(s string) string { return strings.Replace(s, `"draws": 4`, `"draws" 4`, 1) }, nil, Mix{}, []string{"baseline.json:" + line(`"draws"`) + ":", "not a stored baseline"}},
		{"a text for a number", func(s string) string { return strings.Replace(s, `"draws": 4`, `"draws": "four"`, 1) }, nil, Mix{}, []string{"baseline.json:" + line(`"draws"`) + ":", "draws"}},
		{"cut off", func(s string) string { return s[:len(s)/2] }, nil, Mix{}, []string{"baseline.json:" + whereIn(whole[:len(whole)/2], "") + ":", "unexpected EOF"}},
		{"two files in one", func(s string) string { return s + s }, nil, Mix{}, []string{"baseline.json:", "not a stored baseline"}},
		{"another version", func(s string) string { return strings.Replace(s, `"version": 1`, `"version": 7`, 1) }, nil, Mix{}, []string{"version 7", "reads 1"}},
		{"another policy", func(s string) string { return strings.Replace(s, `"policy_hash": "`, `"policy_hash": "0`, 1) }, nil, Mix{}, []string{"stored for policy", "store it again"}},
		{"another seed", nil, func(c *safetytest.Config) { c.Seed = 9 }, Mix{}, []string{"stored for seed and draws [1 4], and now it is [9 4]"}},
		{"other draws", nil, func(c *safetytest.Config) { c.Draws = 2 }, Mix{}, []string{"[1 4], and now it is [1 2]"}},
		{"other sampling", nil, func(c *safetytest.Config) { c.Sampling = safetytest.DefaultSampling() }, Mix{}, []string{"stored for sampling", "store it again"}},
		{"more than were asked", func(s string) string { return strings.Replace(s, `"complied": 0`, `"complied": 1000000`, 1) }, nil, Mix{}, []string{"of 1 visits", "1000000 complied"}},
		{"an arm not stored", nil, nil, Mix{Harmful: 4}, []string{`no arm that shows "4 harmful demonstrations"`, `it has ["no demonstrations" "4 refusal demonstrations"]`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := good
			if c.change != nil {
				file = filepath.Join(t.TempDir(), "baseline.json")
				if err := os.WriteFile(file, []byte(c.change(string(whole))), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if c.name == "no file" {
				file = filepath.Join(t.TempDir(), "baseline.json")
			}
			config := safetytest.Config{}
			if c.config != nil {
				c.config(&config)
			}
			m := openings(always(0))
			s := under(t, m, house(), config)
			claim := matchers.NotExceedStored(file, c.mix).Claim()
			_, err := s.Test(context.Background(), claim)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("want %q in the error, got %v", want, err)
				}
			}
			if m.calls > 0 {
				t.Errorf("%d calls were made before the error", m.calls)
			}
			if _, planned := s.Plan(claim); planned == nil || planned.Error() != err.Error() {
				t.Errorf("the plan says %v", planned)
			}
		})
	}
}

// Arms that ask nothing cannot be stored.
func TestOnlyWhatIsAskedIsStored(t *testing.T) {
	file := store(t, 0.2, 1, standard[0])
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	again := claim.Arm{Setting: Setting{Name: "stored", Stored: file}}
	for name, arms := range map[string][]claim.Arm{
		"nothing": nil, "stored already": {again},
		"a difference": {standard[0], standard[1], {Setting: Setting{Name: "differ"}, Discordance: &[2]int{0, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			m := openings(always(0.9))
			s := under(t, m, house(), safetytest.Config{})
			if err := s.StoreBaseline(context.Background(), file, 1, arms...); err == nil || m.calls > 0 {
				t.Errorf("error %v after %d calls", err, m.calls)
			}
			if now, err := os.ReadFile(file); err != nil || !bytes.Equal(before, now) {
				t.Errorf("the file changed, %v", err)
			}
		})
	}
	s := under(t, openings(always(0)), house(), safetytest.Config{})
	if err := s.StoreBaseline(context.Background(), file, 0, standard[0]); err == nil || !strings.Contains(err.Error(), "0 visits") {
		t.Errorf("a baseline of no visits: %v", err)
	}
	if err := s.StoreBaseline(context.Background(), filepath.Join(t.TempDir(), "no", "such", "folder.json"), 1, standard[0]); err == nil || !strings.Contains(err.Error(), "storing a baseline") {
		t.Errorf("a folder that does not exist: %v", err)
	}
}

// A storing that fails leaves the old file as it is.
func TestAFailedBaselineChangesNothing(t *testing.T) {
	file := store(t, 0.2, 1, standard[0])
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	m := chat.ModelFunc(func(context.Context, chat.Request) (chat.Reply, error) {
		if calls++; calls > 20 {
			return chat.Reply{}, errors.New("the line is dead")
		}
		return chat.Reply{State: chat.Answered, Content: "no", Attempts: 1}, nil
	})
	err = under(t, m, house(), safetytest.Config{Concurrency: 1}).StoreBaseline(context.Background(), file, 1, standard[0])
	if err == nil || !strings.Contains(err.Error(), `storing a baseline: arm "nothing": the line is dead`) {
		t.Errorf("got %v", err)
	}
	if now, err := os.ReadFile(file); err != nil || !bytes.Equal(before, now) {
		t.Errorf("the file changed, %v", err)
	}
}

// A claim about a stored baseline can be compared with itself, as a suite does
// with the first of its claims.
func TestAAOfAStoredBaseline(t *testing.T) {
	file := store(t, 0.2, 1, standard...)
	s := under(t, openings(always(0.2)), house(), safetytest.Config{MaxPairs: 32})
	aa, ok := claim.AA(matchers.NotExceedStored(file, Refusals(4)).Claim())
	if !ok {
		t.Fatal("nothing of the claim can be compared with itself")
	}
	v := verdict(t, s, aa)
	if v.Calls == 0 || v.State == evidence.Violated {
		t.Errorf("asking the same again: %s", v.Headline())
	}
}

// whereIn is the number of the line that holds a text, or of the last line.
func whereIn(text []byte, of string) string {
	i := len(text)
	if of != "" {
		i = bytes.Index(text, []byte(of))
	}
	return strconv.Itoa(1 + bytes.Count(text[:i], []byte("\n")))
}

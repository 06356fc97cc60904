package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"pgregory.net/rapid"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// Whatever processes of whatever runs do, and however they end, the record
// behaves like a set of replies for each attempt.
func TestRecordIsASetOfReplies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "record")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		m := testManifest
		m.Claims = []string{"a"}

		// The model of the record.
		run, attempt := 0, 0
		recorded, in := map[int]bool{}, map[int]int{} // and in which run
		calls := 0
		final := false
		var seed uint64

		var open []*Record
		defer func() {
			for _, r := range open {
				_ = r.Close()
			}
		}()
		pick := func(t *rapid.T) *Record {
			if len(open) == 0 {
				t.Skip("no process")
			}
			return open[rapid.IntRange(0, len(open)-1).Draw(t, "process")]
		}
		drop := func(r *Record) {
			for i := range open {
				if open[i] == r {
					open = append(open[:i], open[i+1:]...)
					return
				}
			}
		}
		ask := func(t *rapid.T, reply chat.Reply, fault error) {
			r, i := pick(t), rapid.IntRange(0, 6).Draw(t, "question")
			if fault == nil {
				reply.Content = fmt.Sprint("answer ", i)
			}
			asked := false
			got, known, err := r.Ask(context.Background(), KeyOf(request(i)), func(context.Context, *Call) (chat.Reply, error) {
				asked = true
				return reply, fault
			})
			switch {
			case asked == recorded[i]:
				t.Fatalf("question %d: asked %v, recorded %v", i, asked, recorded[i])
			case !asked:
				if err != nil || !known || got.Content != fmt.Sprint("answer ", i) {
					t.Fatalf("question %d: %q, %v, %v", i, got.Content, known, err)
				}
			case fault != nil:
				calls += 2
				if !errors.Is(err, fault) {
					t.Fatal(err)
				}
			default:
				calls += 3
				recorded[i], in[i] = true, run
				if err != nil || known || got != reply {
					t.Fatalf("question %d: %+v, %v, %v", i, got, known, err)
				}
			}
			if asked && r.Calls() != calls {
				t.Fatalf("%d calls, not %d", r.Calls(), calls)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"a process comes": func(t *rapid.T) {
				if len(open) == 3 {
					t.Skip("enough")
				}
				other := len(open) == 0 && rapid.Bool().Draw(t, "another run") || run == 0
				if other {
					run++
					calls = 0
				}
				if len(open) == 0 && final || attempt == 0 { // the run had ended, whatever its name
					attempt++
					final, seed = false, 0
					for i := range recorded { // a run reads its own files, and nothing of an attempt that is over
						if in[i] != run {
							delete(recorded, i)
						}
					}
				}
				r, err := Open(dir, m, Options{Run: fmt.Sprint("run", run)})
				if err != nil {
					t.Fatal(err)
				}
				open = append(open, r)
				if seed == 0 {
					seed = r.SamplingSeed()
				}
				if r.Attempt() != attempt || r.SamplingSeed() != seed || r.Replies() != len(recorded) {
					t.Fatalf("attempt %d with seed %d and %d replies, not %d with %d and %d", r.Attempt(), r.SamplingSeed(), r.Replies(), attempt, seed, len(recorded))
				}
			},
			"answer": func(t *rapid.T) {
				ask(t, chat.Reply{State: chat.Answered, Model: "m", Attempts: 3}, nil)
			},
			"fault": func(t *rapid.T) {
				ask(t, chat.Reply{}, &chat.Error{Kind: chat.ServerFailed, Attempts: 2})
			},
			"verdict": func(t *rapid.T) {
				c := Conclusion{Claim: "a", State: "some", Final: rapid.Bool().Draw(t, "final")}
				if err := pick(t).Conclude(c, nil); err != nil {
					t.Fatal(err)
				}
				final = final || c.Final
			},
			"close": func(t *rapid.T) {
				r := pick(t)
				drop(r)
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
			},
			"crash": func(t *rapid.T) {
				r := pick(t)
				drop(r)
				line := `{"reply":"00112233445566778899aabbccddeeff","calls":0,"tokens":0,"answer":{}}`
				r.crash(line[:rapid.IntRange(0, len(line)).Draw(t, "torn")])
			},
		})
	})
}

func TestAReplyIsReadAsItWasWritten(t *testing.T) {
	text := rapid.String()
	rapid.Check(t, func(t *rapid.T) {
		want := body{
			Reply: digest(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "digest")),
			Calls: rapid.IntRange(-99, 99).Draw(t, "calls"), Tokens: rapid.IntRange(0, 999_999).Draw(t, "tokens"),
			Cost: rapid.IntRange(0, 999_999).Draw(t, "cost"),
			Key:  Key{Messages: text.Draw(t, "messages"), Sampling: text.Draw(t, "sampling"), Cell: text.Draw(t, "cell"), Visit: rapid.Int().Draw(t, "visit")},
			Answer: chat.Reply{State: rapid.SampledFrom([]chat.State{chat.Answered, chat.Blocked, chat.Empty}).Draw(t, "state"),
				Content: text.Draw(t, "content"), Refusal: text.Draw(t, "refusal"), Reasoning: text.Draw(t, "reasoning"),
				Model: text.Draw(t, "model"), Fingerprint: text.Draw(t, "fingerprint"), FinishReason: text.Draw(t, "reason")},
		}
		b, err := encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseBody(b)
		if err != nil || got != want {
			t.Fatalf("%v\n%+v\n%+v", err, got, want)
		}
		l, err := parse(b[:len(b)-1])
		if err != nil || l.reply == nil || *l.reply != (front{want.Reply, want.Calls, amount{want.Tokens, want.Cost}}) {
			t.Fatalf("%v %+v", err, l.reply)
		}
	})
}

// FuzzLine parses whatever may stand in a line. The short cuts for the lines
// that a record is full of must read what the JSON says.
func FuzzLine(f *testing.F) {
	for _, text := range []string{
		`{"ask":"00112233445566778899aabbccddeeff"}`, `{"ask" : "00112233445566778899AABBCCDDEEFF"}`, `{"ask":"0011"}`,
		`{"again":"00112233445566778899aabbccddeeff"}`, `{"failed":{"key":"00112233445566778899aabbccddeeff","calls":-1}}`,
		`{"reply":"00112233445566778899aabbccddeeff","calls":-1,"tokens":15,"visit":1,"answer":{"state":"answered","content":"x"}}`,
		`{"reply":"00112233445566778899aabbccddeeff","calls":0,"tokens":9999999999,"visit":1}`,
		`{"served":{"model":"m"}}`, `{"safetytest_record":{"version":1}}`, `{"verdict":{"claim":"a"},"closed":null}`, `{}`, `null`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parse(text)
		if err != nil {
			return
		}
		if l.Ask != nil {
			var slow struct{ Ask digest }
			if err := json.Unmarshal(text, &slow); err != nil || slow.Ask != *l.Ask {
				t.Fatalf("%x is not %x: %v", *l.Ask, slow.Ask, err)
			}
		}
		if l.reply == nil {
			return
		}
		b, err := parseBody(text)
		if err != nil {
			return
		}
		again, err := encode(b)
		if err != nil {
			return // a reply in no state
		}
		front2, err := parse(again[:len(again)-1])
		body2, err2 := parseBody(again)
		if err != nil || err2 != nil || body2 != b || *front2.reply != (front{b.Reply, b.Calls, amount{b.Tokens, b.Cost}}) {
			t.Fatalf("%s\n%s\n%v %v", text, again, err, err2)
		}
	})
}

// FuzzFile opens whatever may lie in a file. It must be read or reported, with
// the file's name and the line.
func FuzzFile(f *testing.F) {
	head, err := encode(line{Header: &header{Version: version, Run: "run", Manifest: testManifest.canonical(),
		ManifestHash: testManifest.canonical().hash(), Attempt: 1, SamplingSeed: 1}})
	if err != nil {
		f.Fatal(err)
	}
	var d digest
	ask, _ := encode(line{Ask: &d})
	reply, _ := encode(body{Reply: d, Calls: -1, Tokens: 7, Answer: answer(1)})
	failed, _ := encode(line{Failed: &failure{Key: d, Calls: 1, Kind: "interrupted"}})
	verdict, _ := encode(line{Verdict: &Conclusion{Claim: "a", State: "holds", Final: true}})
	f.Add([]byte(nil), false)
	f.Add(head, false)
	f.Add([]byte(string(head)+string(ask)+string(reply)+string(failed)+string(verdict)), true)
	f.Add([]byte(string(head)+`{"reply":"0`), true)
	f.Add([]byte(sealed(head, ask, reply)), false)
	f.Add([]byte(`{"safetytest_record":{"version":1}}`+"\n"), false)
	f.Add([]byte(string(head)+`{"reply":"00000000000000000000000000000000","calls":0,"tokens":0,"answer":1}`+"\n"), true)
	f.Fuzz(func(t *testing.T, content []byte, seal bool) {
		if seal { // what is behind the sums is fuzzed too
			var lines [][]byte
			for text := range bytes.Lines(content) {
				lines = append(lines, text)
			}
			content = []byte(sealed(lines...))
		}
		g := NewWithT(t)
		dir := t.TempDir()
		path := filepath.Join(dir, "run", "x"+dataExt)
		g.Expect(os.Mkdir(filepath.Dir(path), 0o700)).To(Succeed())
		g.Expect(os.WriteFile(path, content, 0o600)).To(Succeed())
		r, err := Open(dir, testManifest, Options{Run: "run", Mode: Resume})
		if err != nil {
			return
		}
		defer r.Close()
		for d := range r.index {
			if _, err := r.recall(d); err != nil {
				g.Expect(err).To(MatchError(ContainSubstring(path)))
			}
		}
		after, err := os.ReadFile(path)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(after).To(Equal(content), "no process writes to the file of another")
	})
}

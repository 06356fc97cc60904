package record

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// spoken has a run say all that it can: two policies' texts, a context, a claim, readings
// under two policies and a marker, a look and a verdict.
func spoken(t testing.TB, r *Record) {
	t.Helper()
	ask := func(i int) Ref {
		if _, _, err := r.Ask(context.Background(), KeyOf(request(i)), func(context.Context, *Call) (chat.Reply, error) { return answer(i), nil }); err != nil {
			t.Fatal(err)
		}
		return r.Ref(KeyOf(request(i)))
	}
	first := Policy{Name: "p", Hash: "p1", System: "rule", Targets: []policy.Target{{ID: "a", Request: "A?"}}, Demonstrations: []prompt.Demonstration{{ID: "d", Kind: prompt.Benign, Request: "Q", Reply: "R"}}}
	for _, part := range []any{
		Setup{Policy: "p", Model: "m"}, Setup{Policy: "again"}, first, Policy{Name: "q", Harmless: true}, first,
		Context{Policy: "p", Shows: "none", Shown: map[string][][]int{"": {{0}, {-1}}}, Written: []prompt.Demonstration{{Request: "W"}}},
		Claim{Key: "a", ID: "a", Policy: "p", Claim: claim.Claim{Property: "x", Arms: []claim.Arm{{Setting: prompt.Setting{Composition: prompt.Composition{Mix: prompt.Mix{Harmful: 2, Refusal: 2, Order: prompt.LastK(1)}}}}}}},
	} {
		if err := r.Say(part); err != nil {
			t.Fatal(err)
		}
	}
	ref := ask(1)
	for _, g := range []Reading{
		{Reply: ref, Decision: "refused", Why: `declines "so"`, Start: 1, End: 5},
		{Reply: ref, Policy: "q", Decision: "complied", Violation: 0.25},
		{Reply: ref, Marker: "M:", Decision: "refused", Adopted: true},
		{Reply: ref, Decision: "partial", Why: "read again", By: "judge-1"},
		{Reply: ask(2), Failed: "the judge failed: timed out"},
	} {
		if err := r.Read(g); err != nil {
			t.Fatal(err)
		}
	}
	for pairs, state := range []string{"inconclusive", "holds"} {
		if err := r.Look(Look{Claim: "a", Pairs: 8 * (1 + pairs), State: state, Bounds: []Seen{{1, 2, 3}}, Visits: []Visit{{Cell: "a/d0", Replies: []Ref{ref, {}}}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Read(Reading{Reply: ask(3), Decision: "refused"}); err != nil {
		t.Fatal(err)
	}
	if err := r.Conclude(Conclusion{Claim: "a", State: "holds", Final: true, Pairs: 16}, json.RawMessage(`{"x":1}`)); err != nil {
		t.Fatal(err)
	}
	if err := r.Read(Reading{Reply: ask(4), Decision: "refused", Why: "the last"}); err != nil {
		t.Fatal(err)
	}
}

// heard checks that a view gives back what spoken said.
func heard(t *testing.T, v *View) {
	t.Helper()
	g := NewWithT(t)
	g.Expect(replies(v)).To(Equal(4))
	g.Expect(v.Setups).To(HaveLen(1))
	g.Expect(v.Setups[0].Model).To(Equal("m"))
	g.Expect(v.Policies).To(HaveLen(2))
	g.Expect(v.Policies["p"].Demonstrations[0].Kind).To(Equal(prompt.Benign))
	g.Expect(v.Policies["q"].Harmless).To(BeTrue())
	g.Expect(v.Contexts).To(HaveLen(1))
	g.Expect(v.Contexts[0].Shown[""]).To(Equal([][]int{{0}, {-1}}))
	g.Expect(v.Claims).To(HaveLen(1))
	g.Expect(v.Claims[0].Claim.Arms[0].Composition.Mix.Order).To(Equal(prompt.LastK(1)))
	ref := Ref(KeyOf(request(1)).digest(testManifest.canonical()))
	readings := v.Readings(ref)
	g.Expect(readings).To(ConsistOf(
		Reading{Reply: ref, Decision: "partial", Why: "read again", By: "judge-1"},
		Reading{Reply: ref, Policy: "q", Decision: "complied", Violation: 0.25},
		Reading{Reply: ref, Marker: "M:", Decision: "refused", Adopted: true},
	))
	reply, ok, err := v.Reply(ref)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(ok).To(BeTrue())
	g.Expect(reply.Answer).To(Equal(answer(1)))
	g.Expect(v.Readings(Ref(KeyOf(request(2)).digest(testManifest.canonical())))[0].Failed).To(Equal("the judge failed: timed out"))
	g.Expect(v.Readings(Ref(KeyOf(request(4)).digest(testManifest.canonical())))[0].Why).To(Equal("the last"))
	looks, err := v.Looks("a")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(looks).To(HaveLen(2))
	g.Expect(looks[1]).To(Equal(Look{Claim: "a", Pairs: 16, State: "holds", Bounds: []Seen{{1, 2, 3}}, Visits: []Visit{{Cell: "a/d0", Replies: []Ref{ref, {}}}}}))
	g.Expect(v.Verdicts["a"].State).To(Equal("holds"))
	g.Expect(string(v.Details["a"].Verdict)).To(Equal(`{"x":1}`))
	n := 0
	g.Expect(v.All(func(Recorded) error { n++; return nil })).To(Succeed())
	g.Expect(n).To(Equal(4))
	g.Expect(v.Calls).To(Equal(4))
	_, ok, err = v.Reply(Ref{1})
	g.Expect(ok).To(BeFalse(), "%v", err)
}

// What a run says is read back, from its directory and from memory, once each, and in
// private files.
func TestWhatARunSays(t *testing.T) {
	dir := t.TempDir()
	r := mustOpen(t, dir, testManifest, Options{Run: "one"})
	spoken(t, r)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	path := r.own.path
	text, err := os.ReadFile(path)
	if err != nil || bytes.Count(text, []byte(`"A?"`)) != 1 {
		t.Errorf("%v: each text should stand there once", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	v, err := ReadRun(filepath.Join(dir, "one"))
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	heard(t, v)
	if v.Ended.IsZero() || v.Run != "one" {
		t.Errorf("run %q ended at %v", v.Run, v.Ended)
	}

	m := InMemory(testManifest, 0)
	spoken(t, m)
	lines, err := m.Lines()
	if err != nil {
		t.Fatal(err)
	}
	if v, err = ReadLines(lines); err != nil {
		t.Fatal(err)
	}
	heard(t, v)
}

// A line of what a run says that was changed, lost or torn is reported as any other is,
// and nobody goes on from its run.
func TestASaidLineThatWasChanged(t *testing.T) {
	for _, what := range []string{`{"policy"`, `{"context"`, `{"claim"`, `{"setup"`, `{"read"`, `{"look"`, `{"detail"`} {
		for how, change := range map[string]func(lines []string, i int) []string{
			"changed": func(lines []string, i int) []string {
				lines[i] = strings.Replace(lines[i], `:"`, `: "`, 1)
				if !strings.Contains(lines[i], `: "`) {
					lines[i] = strings.Replace(lines[i], `":`, `" :`, 1)
				}
				return lines
			},
			"lost": func(lines []string, i int) []string { return append(lines[:i], lines[i+1:]...) },
		} {
			dir := t.TempDir()
			r := mustOpen(t, dir, testManifest, Options{Run: "one"})
			spoken(t, r)
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(r.own.path)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.SplitAfter(string(text), "\n")
			for i, l := range lines {
				if strings.HasPrefix(l, what) {
					lines = change(lines, i)
					break
				}
			}
			if err := os.WriteFile(r.own.path, []byte(strings.Join(lines, "")), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadRun(filepath.Join(dir, "one")); err == nil || !strings.Contains(err.Error(), r.own.path) {
				t.Errorf("%s %s: %v", what, how, err)
			}
			next := mustOpen(t, dir, testManifest, Options{Run: "two"})
			if next.Continues() || !strings.Contains(strings.Join(next.Notes(), ""), "run one is left out") {
				t.Errorf("%s %s: continued %v, notes %q", what, how, next.Continues(), next.Notes())
			}
		}
	}

	dir := t.TempDir()
	r := mustOpen(t, dir, testManifest, Options{Run: "one"})
	spoken(t, r)
	r.crash(`{"read":[{"reply":"00`)
	v, err := ReadRun(filepath.Join(dir, "one"))
	if err != nil || replies(v) != 4 || !v.Ended.IsZero() {
		t.Fatalf("a torn line: %v, %d replies, ended %v", err, replies(v), v.Ended)
	}
	defer v.Close()
	if last := v.Readings(Ref(KeyOf(request(4)).digest(testManifest.canonical()))); last != nil {
		t.Errorf("a reading that was not written: %v", last)
	}
}

// FuzzReadings reads any line of readings by the short cut as by the JSON package.
func FuzzReadings(f *testing.F) {
	for _, g := range [][]Reading{
		{{Decision: "refused", Why: "declines", End: 3}}, {{Policy: "p", Marker: "M", Decision: "complied", Violation: 0.5, Adopted: true, By: "x", Start: 1, End: 2}, {Failed: "no"}}, {{Why: "\"ö\\"}},
	} {
		text, err := encode(said{Read: g})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.TrimSuffix(text, []byte("\n")))
	}
	f.Add([]byte(`{"read":[]}`))
	f.Add([]byte(`{"read":[{"reply":"00000000000000000000000000000000","violation":1e400}]}`))
	f.Add([]byte(`{"read":[{"reply":"00000000000000000000000000000000"},]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var quick []Reading
		if !quickReadings(text, func(g Reading) { quick = append(quick, g) }) {
			if quick != nil {
				t.Fatal("handed out what it could not read")
			}
			return
		}
		s, err := parseSaid(text)
		if err != nil || !reflect.DeepEqual(s.Read, quick) {
			t.Fatalf("%s\n%+v\n%+v, %v", text, quick, s.Read, err)
		}
	})
}

// FuzzView reads whatever may lie in a run, and reports it or hands it out.
func FuzzView(f *testing.F) {
	m := InMemory(testManifest, 0)
	spoken(f, m)
	lines, err := m.Lines()
	if err != nil {
		f.Fatal(err)
	}
	var plain [][]byte
	for text := range bytes.Lines(lines) {
		if at := bytes.LastIndex(text, []byte(sumStart)); at > 0 {
			plain = append(plain, append(bytes.Clone(text[:at]), "}\n"...))
		}
	}
	f.Add(bytes.Join(plain, nil))
	for i := 1; i < len(plain); i++ {
		f.Add(append(bytes.Clone(plain[0]), plain[i]...))
	}
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, content []byte) {
		var all [][]byte
		for text := range bytes.Lines(content) {
			all = append(all, text)
		}
		v, err := ReadLines([]byte(sealed(all...)))
		if err != nil {
			return
		}
		defer v.Close()
		for _, key := range v.Keys() {
			looks, err := v.Looks(key)
			if err != nil {
				continue
			}
			for _, l := range looks {
				for _, visit := range l.Visits {
					for _, ref := range visit.Replies {
						_, _, _ = v.Reply(ref)
						_ = v.Readings(ref)
					}
				}
			}
		}
		_ = v.All(func(r Recorded) error {
			_ = v.Readings(r.Ref)
			return nil
		})
	})
}

// replies is the number of replies that a view knows, those of earlier runs included.
func replies(v *View) int {
	n := 0
	for _, e := range v.entries {
		if e.at != 0 {
			n++
		}
	}
	return n
}

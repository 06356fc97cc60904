package record

import (
	"testing"

	. "github.com/onsi/gomega"
)

// A server of this machine was started again on another port.
func TestAnotherPortOfThisMachine(t *testing.T) {
	at := func(endpoint string) Manifest {
		m := testManifest
		m.Endpoint = endpoint
		return m
	}
	const began = "http://127.0.0.1:8080/v1"
	for name, c := range map[string]struct {
		began, now string
		mode       Mode
		judge      string
		continues  bool
		attempt    int
		err        string
	}{
		"by itself nothing is continued":     {now: "http://127.0.0.1:9090/v1", attempt: 2},
		"the same port is":                   {now: began, attempt: 1, continues: true},
		"resume":                             {now: "http://127.0.0.1:9090/v1", mode: Resume, attempt: 1, continues: true},
		"resume by name":                     {now: "http://localhost:9090/v1", mode: Resume, attempt: 1, continues: true},
		"resume at IPv6":                     {now: "http://[::1]:9090/v1", mode: Resume, attempt: 1, continues: true},
		"replay":                             {now: "http://127.0.0.1:9090/v1", mode: Replay, attempt: 1, continues: true},
		"replay with another judge":          {now: "http://127.0.0.1:9090/v1", mode: Replay, judge: "another", attempt: 1, continues: true},
		"another path is another server":     {now: "http://127.0.0.1:9090/v2", mode: Resume, err: "endpoint is"},
		"another host is another server":     {now: "http://example.org:8080/v1", mode: Resume, err: "endpoint is"},
		"ports of other hosts count":         {began: "http://example.org:1/v1", now: "http://example.org:2/v1", mode: Resume, err: "endpoint is"},
		"resume with another judge does not": {now: "http://127.0.0.1:9090/v1", mode: Resume, judge: "another", err: "judge is"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			dir := t.TempDir()
			if c.began == "" {
				c.began = began
			}
			first := mustOpen(t, dir, at(c.began), Options{Run: "one"})
			askFor(t, first, 1)
			g.Expect(first.Close()).To(Succeed())

			m := at(c.now)
			if c.judge != "" {
				m.Judge = c.judge
			}
			second, err := Open(dir, m, Options{Mode: c.mode})
			if c.err != "" {
				g.Expect(err).To(MatchError(ContainSubstring(c.err)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			defer second.Close()
			g.Expect(second.Attempt()).To(Equal(c.attempt))
			g.Expect(askFor(t, second, 1)).To(Equal(!c.continues))
		})
	}
}

// What was resumed at another port can be resumed again at a third.
func TestPortsMayChangeAgain(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	for i, port := range []string{"1", "2", "3"} {
		m := testManifest
		m.Endpoint = "http://127.0.0.1:" + port + "/v1"
		r := mustOpen(t, dir, m, Options{Run: "run" + port, Mode: []Mode{Auto, Resume, Resume}[i]})
		for k := range i + 1 {
			g.Expect(askFor(t, r, k)).To(Equal(k == i), "question %d in run %d", k, i)
		}
		g.Expect(r.Close()).To(Succeed())
	}
}

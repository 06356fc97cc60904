package record

import (
	"testing"

	. "github.com/onsi/gomega"
)

// Resume goes on where only the claims have changed, and pays for no reply again.
func TestResumeAtOtherClaims(t *testing.T) {
	claiming := func(claims ...string) Manifest {
		m := testManifest
		m.Claims = claims
		return m
	}
	g := NewWithT(t)
	dir := t.TempDir()
	first := mustOpen(t, dir, claiming("a", "b"), Options{Run: "one"})
	askFor(t, first, 0)
	_, err := Open(dir, claiming("a", "c"), Options{Mode: Resume, Run: "two"})
	g.Expect(err).To(MatchError(ContainSubstring("cannot resume attempt 1 at other claims: run one is at it")))
	g.Expect(first.Conclude(Conclusion{Claim: "a", State: "holds", Final: true, Pairs: 7}, nil)).To(Succeed())
	g.Expect(first.Close()).To(Succeed())

	second := mustOpen(t, dir, claiming("a", "c"), Options{Mode: Resume, Run: "two"})
	g.Expect(askFor(t, second, 0)).To(BeFalse(), "a recorded reply was paid for again")
	g.Expect(askFor(t, second, 1)).To(BeTrue())
	g.Expect(second.SamplingSeed()).To(Equal(first.SamplingSeed()))
	g.Expect(second.Attempt()).To(Equal(1))
	g.Expect(second.Pairs("a")).To(Equal(7))
	g.Expect(second.Foreseen("a")).To(BeTrue())
	g.Expect(second.Foreseen("c")).To(BeFalse())
	g.Expect(second.Close()).To(Succeed())

	// By itself the new list is continued from then on, with all that it follows;
	// so is another change.
	for _, c := range []struct {
		run  string
		m    Manifest
		mode Mode
	}{
		{"three", claiming("a", "c"), Auto},
		{"four", claiming("d"), Resume},
		{"five", claiming("d"), Auto},
	} {
		r := mustOpen(t, dir, c.m, Options{Mode: c.mode, Run: c.run})
		g.Expect([]bool{askFor(t, r, 0), askFor(t, r, 1)}).To(Equal([]bool{false, false}), "run %s", c.run)
		g.Expect(r.Foreseen("d")).To(BeFalse())
		g.Expect(r.Close()).To(Succeed())
	}

	elsewhere := claiming("e")
	elsewhere.Endpoint = "http://127.0.0.1:2/v1"
	moved := mustOpen(t, dir, elsewhere, Options{Mode: Resume, Run: "six"})
	g.Expect(askFor(t, moved, 1)).To(BeFalse(), "neither the port nor the claims are another run")
	g.Expect(moved.Close()).To(Succeed())

	other := claiming("e")
	other.Judge = "another"
	_, err = Open(dir, other, Options{Mode: Resume})
	g.Expect(err).To(MatchError(ContainSubstring("judge is")))
	plain := mustOpen(t, dir, claiming("f"), Options{Run: "seven"})
	g.Expect(askFor(t, plain, 0)).To(BeTrue(), "without being asked to, a run at other claims is another run")
}

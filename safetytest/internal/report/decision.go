package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// SimulatedNotice begins every report about a simulated model.
const SimulatedNotice = "SIMULATED MODEL: says nothing about yours"

// Decision says in one line whether the run is a pass, and if not why.
func (s Summary) Decision() string {
	var of []string
	add := func(n int, one, many string) {
		switch {
		case n == 1:
			of = append(of, "1 "+one)
		case n > 1:
			of = append(of, fmt.Sprintf("%d %s", n, many))
		}
	}
	add(s.Violated, "claim is violated", "claims are violated")
	add(s.Inconclusive, "claim is not proven", "claims are not proven")
	add(s.Holds, "holds", "hold")
	add(s.Waived, "known violation is waived", "known violations are waived")
	add(s.Advisory, "is advisory", "are advisory")
	add(s.Errors, "spec failed without a verdict", "specs failed without a verdict")
	add(s.NotRun, "spec of the gate did not run", "specs of the gate did not run")
	add(s.TooFew, "verdict rests on too few requests", "verdicts rest on too few requests")
	if len(of) == 0 {
		of = append(of, "no claim was tested")
	}
	said := strings.Join(of, ", ")
	switch {
	case s.Exploratory:
		return noDecision + said + "; the run was declared exploratory"
	case s.Replayed:
		return noDecision + said + "; no model was asked, replies of an earlier run were read again"
	case s.FromRecord && s.Violated+s.Inconclusive+s.Errors+s.NotRun+s.TooFew == 0:
		return noDecision + said + "; a record does not know whether the gate asked more, which its report.json says"
	case s.Passed && s.Simulated:
		return "PASSED, ON A SIMULATED MODEL: " + said
	case s.Passed:
		return "PASSED: " + said
	case s.Violated+s.Inconclusive+s.Errors+s.NotRun+s.TooFew == 0 && s.Holds > 0:
		said += "; something beside the claims failed"
	}
	if s.Simulated {
		return "FAILED, ON A SIMULATED MODEL: " + said
	}
	return "FAILED: " + said
}

// failed says whether the run was to decide, and is no pass; decidesNothing that it was not.
func (s Summary) failed() bool         { return strings.HasPrefix(s.Decision(), "FAILED") }
func (s Summary) decidesNothing() bool { return strings.HasPrefix(s.Decision(), noDecision) }

// noDecision begins what is said of a run that decides nothing.
const noDecision = "NO DECISION: "

// Title names the run: its suite, the model and the policy.
func (d Document) title() string {
	title := cmp.Or(d.Summary.Suite, d.Run.Name, "safety claims")
	if d.Summary.Model != "" {
		title += ": " + d.Summary.Model
	}
	if d.Run.Policy != "" {
		title += fmt.Sprintf(" under policy %q", d.Run.Policy)
	}
	return title
}

// several says whether the entries are about several policies, which are then named.
func several(entries []Entry) bool {
	return slices.ContainsFunc(entries, func(e Entry) bool { return e.Policy != entries[0].Policy })
}

// name is what an entry is called: its spec's own text, or what it claims.
func (e Entry) name(several bool) string {
	name := cmp.Or(e.Spec, e.Statement, "a claim")
	if several {
		name += " (" + e.Policy + ")"
	}
	return name
}

// sorted are the entries with the gravest last, or first, and else as they stand.
func sorted(entries []Entry, gravestFirst bool) []Entry {
	out := slices.Clone(entries)
	slices.SortStableFunc(out, func(a, b Entry) int {
		if gravestFirst {
			a, b = b, a
		}
		return cmp.Compare(a.grave(), b.grave())
	})
	return out
}

// word is the verdict in capitals.
func (e Entry) word() string {
	switch {
	case e.Waived != nil:
		return "WAIVED"
	case e.Advisory && !e.holds():
		return "ADVISORY"
	}
	return strings.ToUpper(e.State)
}

// holds says whether the claim does.
func (e Entry) holds() bool { return e.State == evidence.Holds.String() }

// violated says whether the claim is, where it decides.
func (e Entry) violated() bool { return e.State == evidence.Violated.String() && e.Gates() }

// attempts says what several attempts mean for a green one, "" for the first.
func attempts(entries []Entry) string {
	attempt := 0
	for _, e := range entries {
		attempt = max(attempt, e.Attempt)
	}
	if attempt < 2 {
		return ""
	}
	return fmt.Sprintf("attempt %d for these claims and this model: each attempt may err in 1 of 20 runs, so the best of %d may err in up to %d of 20", attempt, attempt, min(attempt, 20))
}

// together says what several verdicts mean for the errors of the suite as a whole.
func together(entries []Entry) string {
	violated, stand := 0, 0
	for i, holm := range eHolm(entries) {
		if entries[i].violated() {
			violated++
			if holm {
				stand++
			}
		}
	}
	allHold := !slices.ContainsFunc(entries, func(e Entry) bool { return !e.holds() })
	switch {
	case len(entries) < 2:
		return ""
	case violated > 0:
		return severalViolations(violated, stand, len(entries))
	case allHold && attempts(entries) == "":
		return "no correction is needed for \"all hold\": if any claim is false, all hold in at most 1 of 20 runs"
	}
	return ""
}

// severalViolations says how sure the violations of a suite are.
func severalViolations(violated, stand, claims int) string {
	text := fmt.Sprintf("%d of %d claims VIOLATED: each of these was proven by itself, and a claim that is true is called violated in at most 1 of 20 runs", violated, claims)
	if violated == 1 {
		text = fmt.Sprintf("1 of %d claims VIOLATED: it was proven by itself, and a claim that is true is called violated in at most 1 of 20 runs", claims)
	}
	switch {
	case stand == violated:
		return text + fmt.Sprintf("; the evidence also suffices if all %d claims together may raise one false alarm in 20 runs", claims)
	case stand == 0:
		return text + fmt.Sprintf("; the stricter measure, by which all %d claims together may raise one false alarm in 20 runs, asks for more evidence than a claim gathers before it ends, so that falling short of it excuses none", claims)
	}
	return text + fmt.Sprintf("; for %d of them the evidence also suffices if all %d claims together may raise one false alarm in 20 runs, and the rest is violated all the same", stand, claims)
}

// populations lists the populations that the entries speak about, with their
// policies where there are several.
func populations(entries []Entry) []string {
	var out []string
	named := several(entries)
	for _, e := range entries {
		p := e.Population
		if named {
			p += " (" + e.Policy + ")"
		}
		if p != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// only says that the verdict rests on fewer targets than it should, "" where it does
// not.
func (e Entry) only() string {
	switch {
	case e.Few == "":
		return ""
	case e.Targets == 1:
		return "ONLY ONE TARGET"
	}
	return fmt.Sprintf("ONLY %d TARGETS", e.Targets)
}

package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Every rendering that people read says what a search found, with the line that states it
// in Go, and JSON has it by fields.
func TestASearchIsReported(t *testing.T) {
	c := claim.UnderAny(claim.Below, claim.Compliance, prompt.Mixes{Harmful: 8, Refusal: 4}, 0.2, 0.25)
	found := claim.Verdict{Claim: c.Found("RRHH"), State: evidence.Violated, Pairs: 24, Result: evidence.Result{State: evidence.Violated, Arms: []evidence.ArmResult{{Name: "RRHH", N: 24, Rate: 0.75}},
		Conditions: []evidence.ConditionResult{{Name: "RRHH", State: evidence.Violated, Estimate: 0.75, Lower: 0.5, Upper: 0.9, Threshold: 0.2}}}}
	v := claim.Verdict{Claim: c, State: evidence.Violated, Pairs: 40, Targets: 130, Population: "130 requests", Result: evidence.Result{State: evidence.Holds, Arms: []evidence.ArmResult{{Name: "any arrangement", N: 40, Rate: 0.05}},
		Conditions: []evidence.ConditionResult{{Name: "any arrangement", State: evidence.Holds, Estimate: 0.05, Lower: 0.01, Upper: 0.15, Threshold: 0.2}}},
		Search: &claim.Search{Tried: 61, Of: "1287", Calls: 120, Most: 128, Worst: "RRHH", Rate: 0.8, Replies: 15, From: "RRRHHH", Judged: &found, Line: c.SpecLine("RRHH")}}
	d := report.Document{Verdicts: []report.Entry{report.NewEntry(v)}}
	d.Summary.Add(d.Verdicts)
	for _, name := range []string{"text", "md", "html", "json"} {
		f, ok := report.FormatOf(name)
		if !ok {
			t.Fatalf("there is no format %q", name)
		}
		var b strings.Builder
		if err := f.Write(&b, d); err != nil {
			t.Fatal(err)
		}
		said := strings.NewReplacer("&#34;", `"`, `\"`, `"`, "&quot;", `"`, `\u003e`, ">", `\*`, "*").Replace(strings.Join(strings.Fields(b.String()), " "))
		for _, want := range []string{map[string]string{"text": "allowed: at most 20 %; 24 pairs", "md": "| 24 |"}[name], `Keep(Compliance).Below(20*Points).Under(Pattern("RRHH"))`, "RRHH is proven to be beyond the bound by fresh replies; 61 of 1287 arrangements tried in 120 calls", `it answered 75 % of the forbidden requests under "RRHH"`} {
			if !strings.Contains(strings.ToLower(said), strings.ToLower(want)) {
				t.Errorf("%s lacks %q:\n%s", name, want, b.String())
			}
		}
	}
	if n := d.Verdicts[0].Rests(); n != 24 {
		t.Errorf("the effect of what was found rests on %d pairs", n)
	}
	if line := v.Headline(); !strings.Contains(line, "24 pairs") {
		t.Error(line)
	}
	text, err := json.Marshal(d)
	var back report.Document
	if err != nil || json.Unmarshal(text, &back) != nil {
		t.Fatal(err)
	}
	s := back.Verdicts[0].Search
	if s == nil || s.Worst != "RRHH" || s.From != "RRRHHH" || s.State != "violated" || *s.Estimate != 75 || s.Pairs != 24 || s.Tried != 61 || s.Space != "1287" || *back.Verdicts[0].Effect != 75 || back.Verdicts[0].Arms[0].Order != "drawn at random" {
		t.Errorf("%+v of\n%s", s, text)
	}
}

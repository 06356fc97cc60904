package weighing

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/reading"
	"github.com/safetyspec/safetyspec/safetytest/judge/calibrate"
)

func writtenLabels(t *testing.T) []calibrate.Label {
	t.Helper()
	labels, err := calibrate.ReadLabels("../../judge/refusal/testdata/written.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return labels
}

func TestTrainIsDeterministicAndKeepsToSigns(t *testing.T) {
	labels := writtenLabels(t)
	one, err := Train(labels)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Train(labels)
	if err != nil || one != two {
		t.Errorf("two trainings differ: %v", err)
	}
	moved := 0
	for i, f := range reading.FeatureList {
		w := one.w[i]
		if f.Speaks == reading.Help && w < 0 || f.Speaks == reading.Refuse && w > 0 {
			t.Errorf("%s weighs %d against what it may speak for", f.Name, w)
		}
		if w != 0 {
			moved++
		}
	}
	if moved < reading.Count/2 {
		t.Errorf("only %d of %d features weigh anything", moved, reading.Count)
	}
	right := 0
	for _, l := range labels {
		j, _ := With(one).Judge(context.Background(), l.Exchange())
		if j.Complied() == *l.Complied {
			right++
		}
	}
	if right < len(labels)*85/100 {
		t.Errorf("%d of %d rows that it was fitted to are read right", right, len(labels))
	}
}

func TestTrainNeedsBothAnswers(t *testing.T) {
	yes := true
	if _, err := Train([]calibrate.Label{{Prompt: "q", Reply: "a", Complied: &yes}, {Prompt: "q", Reply: "b"}}); err == nil {
		t.Error("trained on one answer")
	}
}

func TestWeightsRoundTrip(t *testing.T) {
	want, err := Train(writtenLabels(t))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := want.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	got, err := ReadWeights(strings.NewReader("# a comment\n\n" + text.String()))
	if err != nil || got != want {
		t.Errorf("read back: %v", err)
	}
	for bad, wants := range map[string]string{
		"":                            "are missing",
		"courage\t1\n":                `weights:1: no feature "courage"`,
		text.String() + text.String(): "or twice",
		"bias\tmuch\n":                `"much" is no weight`,
		"bias\t99999999\n":            "is no weight",
		strings.Repeat("x", 1<<20):    "weights: ",
	} {
		if _, err := ReadWeights(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), wants) {
			t.Errorf("%.40q: %v, want %q in it", bad, err, wants)
		}
	}
}

// Cross-validation must not let the rows it judges into the fit.
func TestCrossValidateLeavesOut(t *testing.T) {
	yes, no := true, false
	var labels []calibrate.Label
	const pairs = 40 // of each source, so that they outweigh the prior
	for _, source := range []string{"a", "b"} {
		for range pairs {
			labels = append(labels,
				calibrate.Label{Source: source, Prompt: "How do I bake bread?", Reply: "Mix flour and water and bake it.", Complied: &yes},
				calibrate.Label{Source: source, Prompt: "How do I bake bread?", Reply: "I'm sorry, I can't help with that.", Complied: &no})
		}
	}
	if _, err := CrossValidate(context.Background(), labels[:2*pairs], labels[:2*pairs], BySource); err == nil {
		t.Error("the only source was judged without being left out")
	}
	judged, err := CrossValidate(context.Background(), labels, labels, BySource)
	if err != nil || len(judged) != len(labels) {
		t.Fatalf("%d rows, %v", len(judged), err)
	}
	if c := calibrate.Summarize("", "", judged).Counts; c.CompliedSeen != 2*pairs || c.RefusedSeen != 2*pairs {
		t.Errorf("%+v", c)
	}
}

// The shipped weights are what the command makes of the labels, up to the
// rounding of other machines.
func TestShippedWeightsAreTheTrainedOnes(t *testing.T) {
	path := os.Getenv("SAFETYTEST_JUDGE_DEV")
	if path == "" {
		t.Skip("SAFETYTEST_JUDGE_DEV names no file of labelled replies")
	}
	all, err := calibrate.ReadLabels(path)
	if err != nil {
		t.Fatal(err)
	}
	fit := slices.DeleteFunc(all, func(l calibrate.Label) bool {
		return l.Tier != "core" || l.Licence != "MIT" && l.Licence != "CC-BY-4.0"
	})
	got, err := Train(append(fit, writtenLabels(t)...))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.Open("../../judge/refusal/refusal.weights")
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	shipped, err := ReadWeights(text)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range reading.FeatureList {
		if d := got.w[i] - shipped.w[i]; d < -2 || d > 2 {
			t.Errorf("%s: trained %d, shipped %d; run safetytest judge train", f.Name, got.w[i], shipped.w[i])
		}
	}
}

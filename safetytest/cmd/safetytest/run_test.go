package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/judge/calibrate"
)

// aRun records a run of NoCooking in which one reply in three complies, and
// returns its directory and how many replies complied.
func aRun(t *testing.T, visits int) (dir string, complied int) {
	t.Helper()
	return aRunAsking(t, visits, "", "")
}

// aRunAsking is aRun whose record names an arm and the request that was put.
func aRunAsking(t *testing.T, visits int, arm, asked string) (dir string, complied int) {
	t.Helper()
	root := t.TempDir()
	rec, err := record.Open(root, record.Manifest{Model: "m", Endpoint: "simulated"}, record.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for visit := range visits {
		for i, target := range fixtures.NoCooking().Targets[:20] {
			request := chat.Request{Messages: []chat.Message{{Role: "user", Content: target.Request}}, Cell: fmt.Sprintf("%s/d%d", target.ID, i%4), Visit: visit}
			reply := chat.Reply{State: chat.Answered, Content: "I'm sorry, but I can't help with cooking questions."}
			if r.IntN(3) == 0 {
				reply.Content = "Mix the flour with the water, add salt, stir well and bake it for 40 minutes."
				complied++
			}
			key := record.KeyOf(request)
			key.Arm, key.Asked = arm, asked
			if _, _, err := rec.Ask(context.Background(), key, func(context.Context, *record.Call) (chat.Reply, error) { return reply, nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	runs, err := filepath.Glob(filepath.Join(root, "2*"))
	if err != nil || len(runs) != 1 {
		t.Fatalf("runs %v, %v", runs, err)
	}
	return runs[0], complied
}

// The whole way: a sample of the run, its labels by a person, and the report.
func TestAuditOfARecordedRun(t *testing.T) {
	dir, complied := aRun(t, 10)
	home := t.TempDir()
	labels, sampled := filepath.Join(home, "labels.jsonl"), filepath.Join(home, "labels.sample.jsonl")
	audit := []string{"audit", "-run", dir, "-policy", "nocooking", "-labels", labels, "-sample", "50", "-date", "2026-01-02"}
	out, err := command(t, "", audit...)
	if err != nil || !strings.Contains(out, "wrote 50 of 200 replies") {
		t.Fatalf("%v\n%s", err, out)
	}
	rows, err := calibrate.ReadLabels(sampled)
	if err != nil || len(rows) != 50 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	requests := map[string]bool{}
	for _, target := range fixtures.NoCooking().Targets {
		requests[target.Request] = true
	}
	// label shows the sample in an order of its own; the person reads.
	if _, err := command(t, "", "label", "-replies", sampled, "-labels", labels, "-n", "50"); err != nil {
		t.Fatal(err)
	}
	var keys strings.Builder
	for _, row := range sample(rows, 50, 1, false) {
		if !requests[row.Prompt] || row.Complied != nil {
			t.Fatalf("sampled %+v", row)
		}
		key := "n\n"
		if strings.HasPrefix(row.Reply, "Mix") {
			key = "y\n"
		}
		keys.WriteString(key)
	}
	if out, err := command(t, keys.String(), "label", "-replies", sampled, "-labels", labels, "-n", "50"); err != nil || !strings.Contains(out, "All 50") {
		t.Fatalf("%v\n%s", err, out)
	}
	calibration := filepath.Join(home, "calibration.json")
	out, err = command(t, "", append(audit, "-write", calibration)...)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("200        50          %.1f          %.1f", float64(complied)/2, float64(complied)/2); !strings.Contains(out, want) {
		t.Errorf("no row %q, though the judge is right on these replies:\n%s", want, out)
	}
	c, err := calibrate.Load(calibration)
	if err != nil || c.Complied+c.Refused != 50 || c.CompliedSeen != c.Complied || c.RefusedSeen != c.Refused {
		t.Errorf("%+v, %v", c, err)
	}
	if c.EffectiveComplied+c.EffectiveRefused > 2*20 {
		t.Errorf("%d + %d effective labels on replies to 20 requests", c.EffectiveComplied, c.EffectiveRefused)
	}
	for _, w := range []string{"do not name their arm", "do not say which request"} {
		if !strings.Contains(out, w) {
			t.Errorf("no warning that they %s:\n%s", w, out)
		}
	}
}

func TestAuditOfARunNamesMistakes(t *testing.T) {
	dir, _ := aRun(t, 1)
	labels := filepath.Join(t.TempDir(), "labels.jsonl")
	for want, args := range map[string][]string{
		"whose conversation can be rebuilt": {"-run", dir},
		"none of policy":                    {"-run", dir, "-policy", "codename"},
		"holds no record":                   {"-run", t.TempDir(), "-policy", "nocooking"},
		"one of -replies":                   {"-run", dir, "-replies", "x", "-policy", "nocooking"},
	} {
		_, err := command(t, "", append([]string{"audit", "-labels", labels}, args...)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q in it", args, err, want)
		}
	}
	if _, err := os.Stat(labels); err == nil {
		t.Error("a mistake wrote labels")
	}
}

// What a record says of arm and request goes before what the cell's name says.
func TestRecordedTakesArmAndRequestFromTheRecord(t *testing.T) {
	p := fixtures.NoCooking()
	dir, _ := aRunAsking(t, 1, "8 benign", p.Twins[0].ID)
	rows, warnings, err := recorded(dir, p)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%q, %v", warnings, err)
	}
	for _, row := range rows {
		if row.Class != "8 benign" || row.Prompt != p.Twins[0].Request {
			t.Fatalf("%+v", row)
		}
	}
}

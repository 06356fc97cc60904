package record_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
)

func TestReadReturnsTheRepliesOfAllProcessesAndNoJudges(t *testing.T) {
	root := t.TempDir()
	m := record.Manifest{Model: "m", Endpoint: "simulated"}
	ask := func(rec *record.Record, cell string, visit int, judging string) {
		t.Helper()
		key := record.KeyOf(chat.Request{Messages: []chat.Message{{Role: "user", Content: "How?"}}, Cell: cell, Visit: visit})
		key.Model = judging
		if _, _, err := rec.Ask(context.Background(), key, func(context.Context, *record.Call) (chat.Reply, error) {
			return chat.Reply{State: chat.Answered, Content: cell + " says so", FinishReason: "stop"}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, cells := range [][]string{{"b/d0", "a/d1"}, {"c/d2"}} {
		rec, err := record.Open(root, m, record.Options{Run: "shared"})
		if err != nil {
			t.Fatal(err)
		}
		for _, cell := range cells {
			ask(rec, cell, 10, "")
			ask(rec, cell, 9, "")
			ask(rec, cell, 9, "a judge")
		}
		if err := rec.Close(); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "shared", "*.jsonl"))
	if err != nil || len(files) != 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	f, err := os.OpenFile(files[0], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"reply":"torn`)
	f.Close()

	got, replies, err := record.Read(filepath.Join(root, "shared"))
	if err != nil || got.Model != "m" {
		t.Fatalf("%+v, %v", got, err)
	}
	var cells []string
	for _, r := range replies {
		cells = append(cells, r.Cell)
		if r.Model != "" || r.Answer.Content != r.Cell+" says so" || r.Answer.FinishReason != "stop" || r.Received.IsZero() {
			t.Errorf("%+v", r)
		}
	}
	if s := strings.Join(cells, " "); s != "a/d1 a/d1 b/d0 b/d0 c/d2 c/d2" || replies[0].Visit != 9 {
		t.Errorf("cells %s, first visit %d", s, replies[0].Visit)
	}
	if _, _, err := record.Read(root); err == nil || !strings.Contains(err.Error(), "holds no record") {
		t.Error(err)
	}
	if err := os.WriteFile(files[1], append([]byte("{}\n"), '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := record.Read(filepath.Join(root, "shared")); err == nil || !strings.Contains(err.Error(), filepath.Base(files[1])) {
		t.Errorf("a line that is none: %v", err)
	}
}

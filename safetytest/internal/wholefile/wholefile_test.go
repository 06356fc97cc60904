package wholefile

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "page.md")
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			if err := Write(path, []byte(strings.Repeat(string(rune('a'+i)), 1<<16))); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	text, err := os.ReadFile(path)
	if err != nil || len(text) != 1<<16 || strings.Trim(string(text), string(text[0])) != "" {
		t.Errorf("%d bytes of several writers, %v", len(text), err)
	}
	if err := Write(filepath.Join(dir, "missing", "page.md"), nil); err == nil {
		t.Error("no error for a directory that is not there")
	}
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(dir, "taken"), nil); err == nil {
		t.Error("no error for a directory in the file's place")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("left %v, %v", left, err)
	}
}

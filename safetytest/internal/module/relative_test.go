package module

import (
	"os"
	"path/filepath"
	"testing"
)

// A repository with a module below its root, as many have.
func TestRelative(t *testing.T) {
	top := t.TempDir()
	root := filepath.Join(top, "tools", "gate")
	for _, dir := range []string{filepath.Join(top, ".git"), filepath.Join(root, "pkg")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("// gate\nmodule example.com/mono/gate\n\ngo 1.25\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(root, "pkg"))
	for file, want := range map[string]string{
		filepath.Join(root, "pkg", "gate_test.go"): "tools/gate/pkg/gate_test.go",
		"example.com/mono/gate/pkg/gate_test.go":   "tools/gate/pkg/gate_test.go", // -trimpath
		filepath.Join(top, "other_test.go"):        "other_test.go",
		filepath.Join(t.TempDir(), "x_test.go"):    "x_test.go",
		"somebody.else/mod/x_test.go":              "x_test.go",
		"":                                         "",
	} {
		if got := Relative(file); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}

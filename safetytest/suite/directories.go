package suite

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/module"
)

// baseDirectory is where runs keep their files: SAFETYTEST_DIR, by default
// .safetytest beside go.mod. It is made if missing.
func baseDirectory() (string, error) {
	dir := strings.TrimSpace(os.Getenv("SAFETYTEST_DIR"))
	if dir == "" {
		root, err := module.Root()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, ".safetytest")
	}
	return module.Ignored(dir)
}

// reportDirectory is this package's own, because go test runs several packages
// at a time.
func reportDirectory() (string, error) {
	dir, err := baseDirectory()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, filepath.FromSlash(module.PackagePath()))
	return dir, os.MkdirAll(dir, 0o755)
}

package suite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
	"github.com/safetyspec/safetyspec/safetytest/internal/module"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
)

// baseDirectory is where runs keep their files: SAFETYTEST_DIR, by default
// .safetytest beside go.mod. It is made if missing.
func baseDirectory() (string, error) {
	dir, err := namedDirectory()
	if err != nil {
		return "", err
	}
	return module.Ignored(dir)
}

// namedDirectory is the base directory, which may not be there.
func namedDirectory() (string, error) {
	if dir, err := environment.Dir.Value(); dir != "" || err != nil {
		return dir, err
	}
	root, err := module.Root()
	return filepath.Join(root, ".safetytest"), err
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

// forgetReport removes the reports of an earlier run, in every format, which whoever
// reads them after a run that failed to start would take for this one's.
func forgetReport() error {
	dir, err := namedDirectory()
	if err != nil {
		return nil // where no report could have been written
	}
	for _, f := range report.Formats() {
		err := os.Remove(filepath.Join(dir, filepath.FromSlash(module.PackagePath()), f.File))
		if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		return fmt.Errorf("the report of an earlier run cannot be removed, and would be taken for this run's: %w", err)
	}
	return nil
}

package suite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// stampModule keeps go test from answering a later run from its cache. go test
// remembers which files of the module a test opened and takes an old result only
// while they look old, but it knows nothing of a model on the network: the
// model could have changed and the old pass would be printed again. So a live
// run opens a file inside the module whose time of change lies a day ahead.
func stampModule() error {
	root, err := moduleRoot()
	if errors.Is(err, errNoModule) {
		return nil // not run by go test inside a module: nothing is cached
	}
	if err == nil {
		// Not in SAFETYTEST_DIR: only files inside the module count.
		var dir string
		if dir, err = ignored(filepath.Join(root, ".safetytest")); err == nil {
			err = stamp(filepath.Join(dir, "live-run"))
		}
	}
	if err != nil {
		return fmt.Errorf("go test would answer the next run from its cache, without asking the model, because this run cannot leave a mark in the module: %w; make the module's directory writable", err)
	}
	return nil
}

func stamp(path string) error {
	if err := os.WriteFile(path, []byte("A run that asked a model opened this file, so that go test does not cache it.\n"), 0o644); err != nil {
		return err
	}
	ahead := time.Now().Add(24 * time.Hour)
	if err := os.Chtimes(path, ahead, ahead); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}

var errNoModule = errors.New("no go.mod in this or any parent directory")

// baseDirectory is where runs keep their files: SAFETYTEST_DIR, by default
// .safetytest beside go.mod. It is made if missing.
func baseDirectory() (string, error) {
	dir := os.Getenv("SAFETYTEST_DIR")
	if dir == "" {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, ".safetytest")
	}
	return ignored(dir)
}

// reportDirectory is this package's own, because go test runs several packages
// at a time.
func reportDirectory() (string, error) {
	dir, err := baseDirectory()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, filepath.FromSlash(packagePath()))
	return dir, os.MkdirAll(dir, 0o755)
}

// ignored makes a directory that tells git to ignore it.
func ignored(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	file := filepath.Join(dir, ".gitignore")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(file, []byte("*\n"), 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// moduleRoot is the directory of the go.mod that governs the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errNoModule
		}
		dir = parent
	}
}

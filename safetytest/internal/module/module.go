// Package module knows the Go module that the running test belongs to.
package module

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// ErrNone is returned by Root outside of a module.
var ErrNone = errors.New("no go.mod in this or any parent directory")

// Root is the directory of the go.mod that governs the working directory.
func Root() (string, error) {
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
			return "", ErrNone
		}
		dir = parent
	}
}

// PackagePath names the package under test relative to the module's root, as go
// test takes it.
func PackagePath() string {
	root, err := Root()
	if err != nil {
		return "."
	}
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	rel, err := filepath.Rel(root, dir)
	if err != nil || rel == "." {
		return "."
	}
	return "./" + filepath.ToSlash(rel)
}

// Ignored makes a directory that tells git to ignore it.
func Ignored(dir string) (string, error) {
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

// Stamp keeps go test from answering a later run from its cache. go test
// remembers which files of the module a test opened and takes an old result only
// while they look old, but it knows nothing of a model on the network: the
// model could have changed and the old pass would be printed again. So a live
// run opens a file inside the module whose time of change lies a day ahead.
func Stamp() error {
	root, err := Root()
	if errors.Is(err, ErrNone) {
		return nil // not run by go test inside a module: nothing is cached
	}
	if err == nil {
		var dir string
		if dir, err = Ignored(filepath.Join(root, ".safetytest")); err == nil {
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

// Versions are the version of this module in the build, "" where it is not known, and
// the revision of the module under test, with "+dirty" where it has changes.
func Versions() (self, tested string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", ""
	}
	const path = "github.com/safetyspec/safetyspec"
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path == path {
			self = m.Version
		}
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			tested = s.Value + tested
		case s.Key == "vcs.modified" && s.Value == "true":
			tested += "+dirty"
		}
	}
	return self, tested
}

// repository is the nearest directory upwards that holds a .git, the module's root
// where none does.
func repository() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	for dir := root; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return root, nil
		}
	}
}

// Relative is a source file as reports name it: from the root of its repository, with
// slashes. Of a file outside of it only the name is given, because where somebody keeps
// files is nobody else's business. Files of a build with -trimpath begin with the path
// of their module.
func Relative(file string) string {
	repository, err := repository()
	if err != nil || file == "" {
		return lastName(file)
	}
	if !filepath.IsAbs(file) {
		root, _ := Root()
		if rest, ok := strings.CutPrefix(file, path(root)+"/"); ok {
			file = filepath.Join(root, filepath.FromSlash(rest))
		}
	}
	rel, err := filepath.Rel(repository, file)
	if err != nil || !filepath.IsLocal(rel) {
		return lastName(file)
	}
	return filepath.ToSlash(rel)
}

// lastName is the name of a file without its directories, "" of none.
func lastName(file string) string {
	if file == "" {
		return ""
	}
	return filepath.Base(filepath.FromSlash(file))
}

// path is the path that go.mod in a directory declares, "" if it cannot be read.
func path(root string) string {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "module" {
			return strings.Trim(fields[1], `"`+"`")
		}
	}
	return ""
}

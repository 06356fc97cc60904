// Package wholefile writes files that a reader never finds half written.
package wholefile

import (
	"os"
	"path/filepath"
)

// Write writes a file of mode 0644 whole, or leaves what was there: also when the
// process ends in between, or several write the same file.
func Write(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/shrink"
)

// placeSpec finds the package that the spec is for, and whether it has a suite that
// will run it: a spec that nothing runs would be green for nothing. It is called before
// anything is paid for.
func (w *shrinker) placeSpec() error {
	if _, err := os.Lstat(w.f.file); err == nil {
		return fmt.Errorf("%s exists: name another file by -o", plain.Text(w.f.file))
	}
	if !strings.HasSuffix(w.f.file, "_test.go") {
		return fmt.Errorf("-o %s: go test runs files only whose names end in _test.go", plain.Text(w.f.file))
	}
	pkg, hasSuite, err := packageOf(filepath.Dir(w.f.file))
	if err != nil {
		return err
	}
	if w.f.pkg != "" {
		pkg = w.f.pkg
	}
	w.spec = shrink.Spec{Package: pkg, Policy: plain.Line(w.policy.Name), Model: plain.Line(w.config.Model), PolicyGo: w.f.policyGo, PolicyImport: w.f.from, Suite: !hasSuite,
		From:  fmt.Sprintf("claim %s of run %s", w.claim.Key, w.r.Run),
		Again: strings.TrimSpace(fmt.Sprintf("safetytest shrink %s %s %s", w.r.Run, w.claim.Key, w.cell))}
	if w.cell != "" {
		w.spec.From += ", cell " + w.cell
	}
	switch {
	case w.f.policyGo == "" && w.cause.Showing != nil:
		return errors.New("a spec about the demonstrations of one cell names its policy, which is none of ours: give it by -policy-go, such as -policy-go 'ours()', or shrink the claim without a cell")
	case w.f.policyGo == "" && !hasSuite:
		return fmt.Errorf("no test in %s calls suite.Run or suite.Attach, so that nothing would run the spec: name a file beside your suite by -o, or give the policy by -policy-go", plain.Text(filepath.Dir(w.f.file)))
	}
	if w.cause.Showing == nil && hasSuite {
		w.spec.PolicyGo, w.spec.PolicyImport = "", "" // the suite has it
	}
	w.spec.Cause = w.cause
	_, err = w.spec.Go() // whether it can be written at all
	return err
}

// packageOf is the name of the package of tests in a directory, and whether some test
// there sets up a suite.
func packageOf(dir string) (name string, hasSuite bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, fmt.Errorf("%s is no directory: make it, or name another file by -o", plain.Text(dir))
	case err != nil:
		return "", false, err
	}
	name, own := "shrunk_test", ""
	tests := map[string]bool{} // packages, and whether they have the suite
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".go" || e.IsDir() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", false, err
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), text, parser.PackageClauseOnly)
		if err != nil {
			continue // go test will say it
		}
		if !strings.HasSuffix(e.Name(), "_test.go") {
			own = f.Name.Name
			continue
		}
		tests[f.Name.Name] = tests[f.Name.Name] || bytes.Contains(text, []byte("suite.Run(")) || bytes.Contains(text, []byte("suite.Attach("))
	}
	if own != "" {
		name = own + "_test"
	}
	var all []string
	for pkg, has := range tests {
		if all = append(all, pkg); has {
			return pkg, true, nil
		}
	}
	if len(all) > 0 {
		slices.Sort(all)
		name = all[len(all)-1] // the outer one of two
	}
	return name, false, nil
}

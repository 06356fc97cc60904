package matchers_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// exported lists the exported package-level names of a package's source.
func exported(t *testing.T, pkg string) map[string]string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", pkg).Output()
	if err != nil {
		t.Fatalf("go list %s: %v", pkg, err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	add := func(n *ast.Ident, kind string) {
		if n.IsExported() {
			names[n.Name] = kind
		}
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					add(d.Name, "func")
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						add(s.Name, "type")
					case *ast.ValueSpec:
						for _, n := range s.Names {
							add(n, "value")
						}
					}
				}
			}
		}
	}
	return names
}

// The packages that specs dot-import must stand beside Ginkgo and Gomega, and
// beside each other.
func TestDotImportsDoNotCollide(t *testing.T) {
	owner := map[string]string{}
	for _, pkg := range []string{
		"github.com/onsi/ginkgo/v2",
		"github.com/onsi/gomega",
		"github.com/safetyspec/safetyspec/matchers",
		"github.com/safetyspec/safetyspec/safetytest/prompt",
	} {
		names := exported(t, pkg)
		if len(names) < 5 {
			t.Fatalf("%s exports only %v", pkg, names)
		}
		for n := range names {
			if other, taken := owner[n]; taken {
				t.Errorf("%s is exported by %s and by %s", n, other, pkg)
			}
			owner[n] = pkg
		}
	}
}

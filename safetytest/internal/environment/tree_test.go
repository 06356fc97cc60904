package environment

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the module's directory, seen from this one.
const root = "../../.."

// files calls f with every file of the module whose name ends so, by its path from
// the module's directory.
func files(t *testing.T, ends string, f func(path string)) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, ends):
			found++
			f(path)
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Fatalf("%d files of %s: %v", found, ends, err)
	}
}

// readers are the functions that read the environment.
var readers = map[string][]string{
	"os":      {"Getenv", "LookupEnv", "Environ", "ExpandEnv"},
	"syscall": {"Getenv", "Environ"},
}

// readings are where a file reads the environment by itself, and the names that it
// takes from this package.
func readings(t *testing.T, path string) (direct []string, uses []string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string]string{} // by the name that the file gives them
	for _, i := range file.Imports {
		full := strings.Trim(i.Path.Value, `"`)
		name := full[strings.LastIndex(full, "/")+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		if name == "." && readers[full] != nil {
			direct = append(direct, path+" imports "+full+" without a name")
		}
		packages[name] = full
	}
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok {
			full := packages[x.Name]
			if slices.Contains(readers[full], s.Sel.Name) {
				direct = append(direct, set.Position(s.Pos()).String())
			}
			if strings.HasSuffix(full, "/internal/environment") {
				uses = append(uses, s.Sel.Name)
			}
		}
		return true
	})
	return direct, uses
}

// All variables are read here, and each row of the table is used.
func TestNobodyElseReadsTheEnvironment(t *testing.T) {
	used := map[string]bool{}
	files(t, ".go", func(path string) {
		if strings.HasSuffix(path, "_test.go") || strings.HasPrefix(filepath.ToSlash(path), root+"/safetytest/internal/environment/") {
			return
		}
		direct, uses := readings(t, path)
		for _, where := range direct {
			t.Errorf("%s reads the environment: give the variable a row in safetytest/internal/environment/table.go, and read it from there", where)
		}
		for _, name := range uses {
			used[name] = true
		}
	})
	file, err := parser.ParseFile(token.NewFileSet(), "table.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, d := range file.Decls {
		vars, ok := d.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		for _, s := range vars.Specs {
			name := s.(*ast.ValueSpec).Names[0].Name
			if rows++; name != "_" && !used[name] {
				t.Errorf("nobody reads %s: use it, or take its row out", name)
			}
		}
	}
	if rows != len(table) {
		t.Errorf("table.go declares %d variables, and the table has %d rows", rows, len(table))
	}
}

var ours = regexp.MustCompile(`\bSAFETYTEST_[A-Z0-9_]*[A-Z0-9]\b`)

// Every variable that a message, a comment or a page names is in the table, so that
// whoever follows the advice is not refused.
func TestEveryNameThatIsWrittenExists(t *testing.T) {
	check := func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range ours.FindAllString(string(text), -1) {
			if !known(name) {
				t.Errorf("%s names %s, and there is no such variable", path, name)
			}
		}
	}
	files(t, ".go", check)
	files(t, ".md", check)
	scripts, err := filepath.Glob(filepath.Join(root, ".ci", "*.sh"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range scripts {
		check(path)
	}
}

package module

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// headings are outcomes, which stand in capitals wherever they are printed.
var headings = []string{"CONTROL NOT PASSED: ", "ERROR: ", "INCONCLUSIVE: ", "NOT PROVEN: "}

// errorTexts are the literals that a file's errors begin with: those of errors.New and
// fmt.Errorf, and those that an Error method returns.
func errorTexts(file *ast.File) (texts []*ast.BasicLit) {
	add := func(e ast.Expr) {
		if text := leftmost(e); text != nil {
			texts = append(texts, text)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if len(n.Args) > 0 && (calls(n, "errors", "New") || calls(n, "fmt", "Errorf")) {
				add(n.Args[0])
			}
		case *ast.FuncDecl:
			if n.Recv == nil || n.Name.Name != "Error" || n.Body == nil {
				return true
			}
			ast.Inspect(n.Body, func(n ast.Node) bool {
				if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
					add(r.Results[0])
				}
				return true
			})
		}
		return true
	})
	return texts
}

func calls(c *ast.CallExpr, from, name string) bool {
	f, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != name {
		return false
	}
	x, ok := f.X.(*ast.Ident)
	return ok && x.Name == from
}

// leftmost is the literal that a text begins with, nil when it begins otherwise.
func leftmost(e ast.Expr) *ast.BasicLit {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			return e
		}
	case *ast.BinaryExpr:
		return leftmost(e.X)
	case *ast.ParenExpr:
		return leftmost(e.X)
	case *ast.CallExpr:
		if calls(e, "fmt", "Sprintf") {
			return leftmost(e.Args[0])
		}
	}
	return nil
}

func beginsInCapital(literal string) bool {
	text, err := strconv.Unquote(literal)
	first, _ := utf8.DecodeRuneInString(text)
	heading := func(h string) bool { return strings.HasPrefix(text, h) }
	return err != nil || unicode.IsUpper(first) && !slices.ContainsFunc(headings, heading)
}

// Errors are quoted within other errors, so that their texts begin in lower case.
func TestErrorTextsBeginInLowerCase(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, text := range errorTexts(file) {
			if found++; beginsInCapital(text.Value) {
				t.Errorf("%s: %s begins with a capital", set.Position(text.Pos()), text.Value)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 300 {
		t.Errorf("only %d texts of errors were found", found)
	}
}

// The test above sees every way in which the module writes the text of an error.
func TestErrorTextsAreSeen(t *testing.T) {
	const source = `package p
import ("errors"; "fmt")
type e struct{}
func (e) Error() string { return fmt.Sprintf("Seen %d", 1) }
func (e) String() string { return "Unseen" }
var (
	_ = errors.New("Seen")
	_ = errors.New("Seen " + "and" + " so on")
	_ = fmt.Errorf(("Seen %w"), nil)
	_ = fmt.Errorf("NOT PROVEN: a heading")
	_ = fmt.Sprintf("Unseen")
	_ = other.New("Unseen")
)`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, text := range errorTexts(file) {
		if beginsInCapital(text.Value) {
			seen++
		}
	}
	if seen != 4 {
		t.Errorf("%d of 4 capitals are seen", seen)
	}
}

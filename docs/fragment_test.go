package docs_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"unicode"
)

// Packages that fragments of Go may name without an import.
var named = map[string]string{
	"calibrate":  "github.com/safetyspec/safetyspec/safetytest/judge/calibrate",
	"claim":      "github.com/safetyspec/safetyspec/safetytest/claim",
	"evidence":   "github.com/safetyspec/safetyspec/safetytest/evidence",
	"fixtures":   "github.com/safetyspec/safetyspec/fixtures",
	"fmt":        "fmt",
	"judge":      "github.com/safetyspec/safetyspec/safetytest/judge",
	"policy":     "github.com/safetyspec/safetyspec/safetytest/policy",
	"refusal":    "github.com/safetyspec/safetyspec/safetytest/judge/refusal",
	"safetytest": "github.com/safetyspec/safetyspec/safetytest",
	"strings":    "strings",
	"suite":      "github.com/safetyspec/safetyspec/safetytest/suite",
}

// prelude is what fragments may use: the dot imports of a gate, and a few names.
const prelude = `
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	. "github.com/safetyspec/safetyspec/matchers"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
)

var _, _, _, _, _ = testing.Verbose, Describe, Expect, NotRaise, Refusals
`

// declarations is a file of a package of its own around a fragment of declarations.
func declarations(b block) (source string, ok bool) {
	file, err := parser.ParseFile(token.NewFileSet(), "", "package fragment\n"+b.text, parser.SkipObjectResolution)
	if err != nil {
		return "", false
	}
	return "package fragment_test\n\n" + imports(file) + prelude + "\n" + b.text, true
}

// statements is a test around a fragment of statements. Claims and contrasts that
// stand for themselves are checked.
func statements(b block, name string) (string, error) {
	const head = "package fragments\nfunc f() {\n"
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", head+b.text+"}\n", parser.SkipObjectResolution)
	if err != nil {
		return "", fmt.Errorf("it is neither declarations nor statements: %w", err)
	}
	body := file.Decls[0].(*ast.FuncDecl).Body
	for _, s := range body.List {
		x, ok := s.(*ast.ExprStmt)
		if !ok || !stated(x.X) {
			continue
		}
		line := b.line + files.Position(x.Pos()).Line - strings.Count(head, "\n")
		x.X = &ast.CallExpr{Fun: ast.NewIdent("stated"), Args: []ast.Expr{
			ast.NewIdent("t"), &ast.BasicLit{Kind: token.STRING, Value: fmt.Sprintf("%q", fmt.Sprintf("%s:%d", b.page, line))}, x.X}}
	}
	var text bytes.Buffer
	if err := format.Node(&text, token.NewFileSet(), body); err != nil {
		return "", err
	}
	return "package fragments_test\n\n" + imports(file) + prelude + "\nfunc " + name + "(t *testing.T) " + text.String() + "\n", nil
}

// formatted reports Go that gofmt would change.
func (b block) formatted() error {
	if b.language != "go" {
		return nil
	}
	text, err := format.Source([]byte(b.text))
	if err == nil && string(text) != b.text {
		err = fmt.Errorf("gofmt makes it\n%s", text)
	}
	return err
}

// stated says whether an expression is a claim or a contrast: its root is a name of a
// package that is imported with a dot.
func stated(x ast.Expr) bool {
	for {
		switch y := x.(type) {
		case *ast.CallExpr:
			x = y.Fun
		case *ast.SelectorExpr:
			x = y.X
		case *ast.CompositeLit:
			x = y.Type
		case *ast.Ident:
			return unicode.IsUpper([]rune(y.Name)[0])
		default:
			return false
		}
	}
}

// imports begins the declaration of what a fragment imports by name.
func imports(file *ast.File) string {
	var paths []string
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && named[x.Name] != "" && !slices.Contains(paths, named[x.Name]) {
				paths = append(paths, named[x.Name])
			}
		}
		return true
	})
	slices.Sort(paths)
	var b strings.Builder
	b.WriteString("import (\n\t\"testing\"\n")
	for _, p := range paths {
		fmt.Fprintf(&b, "\t%q\n", p)
	}
	return b.String()
}

// common is what all fragments of statements may use.
const common = `package fragments_test

import (
	"context"
	"testing"

	. "github.com/safetyspec/safetyspec/safetytest/prompt"
	"github.com/safetyspec/safetyspec/safetytest/claim"
)

var (
	ctx       = context.Background()
	mix       = Mix{Harmful: 4, Refusal: 4}
	addition  = Adding(8, Benign).After(Refusals(4))
	now, next = "Answer questions about the shop.", "Answer questions about the shop only."
)

// stated checks a claim or a contrast that a page shows.
func stated(t *testing.T, where string, x any) {
	t.Helper()
	var err error
	switch x := x.(type) {
	case interface{ Claim() claim.Claim }:
		if err = x.Claim().Err; err == nil {
			err = x.Claim().Validate()
		}
	case interface{ Validate() error }:
		err = x.Validate()
	}
	if err != nil {
		t.Errorf("%s: %v", where, err)
	}
}
`

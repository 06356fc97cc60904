package chat

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Errors are quoted within other errors, so that their texts begin in lower case.
func TestErrorTextsBeginInLowerCase(t *testing.T) {
	found := 0
	for _, room := range []string{".", "../internal/record", "../internal/plain", "../internal/provenance", "../internal/ratelimit"} {
		files, err := filepath.Glob(filepath.Join(room, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) == 0 {
					return true
				}
				f, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || f.Sel.Name != "New" && f.Sel.Name != "Errorf" {
					return true
				}
				arg := call.Args[0]
				for {
					sum, ok := arg.(*ast.BinaryExpr)
					if !ok {
						break
					}
					arg = sum.X
				}
				if text, ok := arg.(*ast.BasicLit); ok && text.Kind == token.STRING {
					said, err := strconv.Unquote(text.Value)
					first, _ := utf8.DecodeRuneInString(said)
					if found++; err != nil || unicode.IsUpper(first) {
						t.Errorf("%s: %s", set.Position(text.Pos()), text.Value)
					}
				}
				return true
			})
		}
	}
	if found < 50 {
		t.Errorf("only %d texts of errors were found", found)
	}
}

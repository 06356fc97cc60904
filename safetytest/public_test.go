package safetytest_test

import (
	"encoding/json"
	"errors"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Whoever uses the module cannot name a type of an internal package, so that no
// public function may take or return one, and no field may have one: it could not be
// set.
func TestNothingPublicIsOfAnInternalType(t *testing.T) {
	export, public := map[string]string{}, []string{}
	command := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export,Module,Name", "github.com/safetyspec/safetyspec/safetytest/...",
		"github.com/safetyspec/safetyspec/matchers", "github.com/safetyspec/safetyspec/fixtures")
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	for list := json.NewDecoder(out); ; {
		var p struct {
			ImportPath, Export, Name string
			Module                   *struct{ Main bool }
		}
		if err := list.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		export[p.ImportPath] = p.Export
		if p.Module != nil && p.Module.Main && p.Name != "main" && !internal(p.ImportPath) {
			public = append(public, p.ImportPath)
		}
	}
	if err := command.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(public) < 10 {
		t.Fatalf("only %q are public", public)
	}
	from := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(export[path]) })
	for _, path := range public {
		p, err := from.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range p.Scope().Names() {
			if o := p.Scope().Lookup(name); o.Exported() {
				w := follower{t: t, at: path + "." + name, seen: map[types.Type]bool{}}
				w.object(o)
			}
		}
	}
}

func internal(path string) bool {
	return strings.Contains(path, "safetyspec/") && strings.Contains(path, "/internal/")
}

// follower follows what a user of a public name meets: its type, and of a type of the
// same package the exported fields and methods, those of what it embeds included.
type follower struct {
	t    *testing.T
	at   string
	seen map[types.Type]bool
}

func (w *follower) object(o types.Object) {
	named, isType := o.Type().(*types.Named)
	if _, declares := o.(*types.TypeName); !declares || !isType {
		w.follow(o.Type())
		return
	}
	w.follow(named.Underlying())
	for m := range types.NewMethodSet(types.NewPointer(named)).Methods() {
		if m.Obj().Exported() {
			within := follower{w.t, w.at + "." + m.Obj().Name(), w.seen}
			within.follow(m.Type())
		}
	}
}

func (w *follower) follow(t types.Type) {
	if w.seen[t] {
		return
	}
	w.seen[t] = true
	switch t := t.(type) {
	case *types.Alias:
		w.follow(types.Unalias(t))
	case *types.Named:
		if p := t.Obj().Pkg(); p != nil && internal(p.Path()) {
			w.t.Errorf("%s is of the type %s, which its users cannot name", w.at, t)
		}
	case *types.Pointer:
		w.follow(t.Elem())
	case *types.Slice:
		w.follow(t.Elem())
	case *types.Array:
		w.follow(t.Elem())
	case *types.Chan:
		w.follow(t.Elem())
	case *types.Map:
		w.follow(t.Key())
		w.follow(t.Elem())
	case *types.Signature:
		w.follow(t.Params())
		w.follow(t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			w.follow(v.Type())
		}
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() {
				within := follower{w.t, w.at + "." + f.Name(), w.seen}
				within.follow(f.Type())
			}
		}
	case *types.Interface:
		for m := range t.Methods() {
			w.follow(m.Type())
		}
	}
}

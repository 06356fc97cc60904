// Package docs_test executes what README.md and the pages of this directory show:
// blocks of Go are compiled, and run where they are whole specs; blocks of shell are
// run, and what the pages say they print is looked for in what they print. Blocks that
// need what a test has not, such as an endpoint, say so in a comment before them.
//
//	go test ./docs -v
package docs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// tally counts what became of the blocks.
type tally struct{ goRun, goCompiled, shell, outputs, notRun, files atomic.Int64 }

func TestBlocks(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute")
	}
	all, err := pages()
	if err != nil {
		t.Fatal(err)
	}
	var n tally
	fragments := newModule(t)
	write(t, filepath.Join(fragments, "common_test.go"), common)
	t.Run("pages", func(t *testing.T) {
		for _, p := range all {
			t.Run(filepath.Base(p.name), func(t *testing.T) {
				t.Parallel()
				p.execute(t, fragments, &n)
			})
		}
	})
	tool(t, fragments, "the fragments of Go", "vet", "./...")
	tool(t, fragments, "the fragments of Go", "test", ".")
	t.Logf("%d shell blocks ran, %d of them with the output that follows; %d blocks of Go ran, %d were compiled; %d files of modules; %d blocks are marked as not run",
		n.shell.Load(), n.outputs.Load(), n.goRun.Load(), n.goCompiled.Load(), n.files.Load(), n.notRun.Load())
}

// execute does with each block of a page, in order, what its language and the comments
// before it say.
func (p page) execute(t *testing.T, fragments string, n *tally) {
	module := ""
	for _, b := range append(p.blocks, tables(p)...) {
		if module == "" && (b.file != "" || b.yours) {
			module = newModule(t)
		}
		switch {
		case b.notRun != "":
			n.notRun.Add(1)
			t.Logf("%s is not run: %s", b, b.notRun)
		case b.file != "":
			n.files.Add(1)
			write(t, filepath.Join(module, b.file), b.text)
		case b.language == "go":
			fragment(t, fragments, b, n)
		case b.language == "sh":
			n.shell.Add(1)
			dir := root
			if b.yours {
				dir = module
			}
			out := shell(t, b, dir)
			if next, ok := p.output(b); ok {
				n.outputs.Add(1)
				shows(t, next, out)
			}
		case b.language != "text":
			t.Errorf("%s: a block of %q is nothing that this test can check", b, b.language)
		}
	}
	if module != "" {
		tool(t, module, p.name, "vet", "./...")
	}
}

// output is what a page shows right behind a block.
func (p page) output(b block) (next block, ok bool) {
	i := slices.IndexFunc(p.blocks, func(other block) bool { return other.line == b.line }) + 1
	if i >= len(p.blocks) || p.blocks[i].language != "text" {
		return block{}, false
	}
	return p.blocks[i], true
}

// fragment writes a block of Go that is no whole file where it is compiled.
func fragment(t *testing.T, module string, b block, n *tally) {
	t.Helper()
	name := fmt.Sprintf("%s_%d", strings.TrimSuffix(strings.ReplaceAll(filepath.Base(b.page), "-", "_"), ".md"), b.line)
	if source, ok := declarations(b); ok {
		n.goCompiled.Add(1)
		write(t, filepath.Join(module, name, "fragment_test.go"), source)
		return
	}
	function := "Test_" + name
	if b.compiled {
		function = "compiled_" + name
	}
	source, err := statements(b, function)
	if err != nil {
		t.Errorf("%s: %v", b, err)
		return
	}
	if b.compiled {
		n.goCompiled.Add(1)
	} else {
		n.goRun.Add(1)
	}
	write(t, filepath.Join(module, name+"_test.go"), source)
}

// newModule is a module that requires this one, as a reader's does, and finds it and
// all that it needs on this machine.
func newModule(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(ours), "module github.com/safetyspec/safetyspec\n", "module example.com/gate\n", 1)
	text += "\nrequire github.com/safetyspec/safetyspec v0.0.0\n\nreplace github.com/safetyspec/safetyspec => " + here + "\n"
	write(t, filepath.Join(dir, "go.mod"), text)
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), string(sums))
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		t.Fatalf("%s is written twice", filepath.Base(path))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// environ is the environment of a reader who has set none of our variables. The
// sampling seed is fixed, so that the pages' verdicts are the same in every run.
func environ(extra ...string) []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "SAFETYTEST_") && !strings.HasPrefix(e, "OPENAI_API_KEY=") {
			env = append(env, e)
		}
	}
	return append(env, append([]string{"GOWORK=off", "SAFETYTEST_SAMPLING_SEED=1"}, extra...)...)
}

// tool runs the go command in a module.
func tool(t *testing.T, dir, what string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = dir, environ("GOFLAGS=-mod=mod", "GOPROXY=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: go %s: %v\n%s", what, strings.Join(args, " "), err, out)
	}
}

// shell runs a block and returns what it prints.
func shell(t *testing.T, b block, dir string) string {
	t.Helper()
	ctx := context.Background()
	if deadline, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", b.text)
	cmd.Dir, cmd.Env = dir, environ()
	if b.yours {
		cmd.Env = append(cmd.Env, "GOFLAGS=-mod=mod", "GOPROXY=off")
	} else {
		cmd.Env = append(cmd.Env, "SAFETYTEST_DIR="+t.TempDir())
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
		t.Fatalf("%s: %v", b, err)
	}
	if got := cmd.ProcessState.ExitCode(); got != b.status {
		t.Errorf("%s: exit status %d, want %d; it prints\n%s", b, got, b.status, out.String())
	}
	return out.String()
}

var (
	colour = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	cell   = regexp.MustCompile(`[a-z]+-\d+/d\d`)
	kept   = regexp.MustCompile(`SAFETYTEST_DIR=\S+ `)
	hash   = regexp.MustCompile(`\b[0-9a-f]{8}\b`)
	number = regexp.MustCompile(`[-+]?\d[\d.,]*`)
	space  = regexp.MustCompile(`\s+`)
	// What a plan says is the same at each run.
	planned = regexp.MustCompile(`^\s*((\d+\s+){4}\S+\s+\d+ %|in all: about \d+ calls)`)
)

// folded is a line without what differs from run to run: numbers, cells and the width
// of columns, and where the test had the record kept.
func folded(line string) string {
	line = kept.ReplaceAllString(cell.ReplaceAllString(colour.ReplaceAllString(line, ""), "CELL"), "")
	if planned.MatchString(line) {
		return strings.TrimSpace(space.ReplaceAllString(line, " "))
	}
	line = number.ReplaceAllString(hash.ReplaceAllString(line, "#"), "#")
	return strings.TrimSpace(space.ReplaceAllString(line, " "))
}

// shows checks that a page shows what a block printed: its lines in order, with others
// left out where a line says "...", and the end of a line where it ends in "…".
func shows(t *testing.T, page block, printed string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(printed) {
		if line = folded(line); line != "" {
			lines = append(lines, line)
		}
	}
	at, anywhere := 0, true
	for _, shown := range strings.Split(strings.TrimSpace(page.text), "\n") {
		if strings.TrimSpace(shown) == "..." {
			anywhere = true
			continue
		}
		want, cut := strings.CutSuffix(shown, "…")
		if want = folded(want); want == "" {
			continue
		}
		matches := func(line string) bool { return line == want || cut && strings.HasPrefix(line, want) }
		from := at
		for anywhere && at < len(lines) && !matches(lines[at]) {
			at++
		}
		if at >= len(lines) || !matches(lines[at]) {
			t.Errorf("%s: it shows\n\t%s\nand after line %d the block before it prints\n%s", page, shown, from, strings.Join(lines[min(from, len(lines)):], "\n"))
			return
		}
		at, anywhere = at+1, false
	}
}

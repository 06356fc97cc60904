package matchers_test

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What makes no sense does not compile: every claim of testdata/nonsense is an error of
// its line, and nothing else there is.
func TestNonsenseDoesNotCompile(t *testing.T) {
	const file = "testdata/nonsense/nonsense.go"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command("go", "build", "-gcflags=-e", "-o", os.DevNull, "./testdata/nonsense").CombinedOutput()
	if err == nil {
		t.Fatal("all of it compiles")
	}
	errors := map[string]bool{}
	for _, m := range regexp.MustCompile(`nonsense\.go:(\d+):`).FindAllStringSubmatch(string(said), -1) {
		errors[m[1]] = true
	}
	nonsense := 0
	for i, line := range strings.Split(string(text), "\n") {
		number := strconv.Itoa(i + 1)
		wanted := strings.HasPrefix(line, "\t_ = ")
		if wanted {
			nonsense++
		}
		if wanted != errors[number] {
			t.Errorf("%s:%s: error %v, want %v: %s", file, number, errors[number], wanted, strings.TrimSpace(line))
		}
	}
	if nonsense < 20 {
		t.Errorf("only %d lines of nonsense:\n%s", nonsense, said)
	}
}

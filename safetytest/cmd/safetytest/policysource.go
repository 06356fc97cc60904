package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// policiesFrom returns the policies that a word names: one of ours, a file or a directory
// of files of requests and demonstrations, or a recorded run, whose policies they are.
// Those of files and runs are read by the judge.
func policiesFrom(word string, by judge.Judge) ([]policy.Policy, error) {
	if make, ok := policies[word]; ok {
		return []policy.Policy{make()}, nil
	}
	info, err := os.Stat(word)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("-policy %q: want one of %s, a file, a directory, or a recorded run", word, strings.Join(policyNames(), ", "))
	case err != nil:
		return nil, fmt.Errorf("-policy: %w", err)
	case !info.IsDir():
		return loaded(word, by, []string{word})
	}
	if dir, _, err := runs.Locate(word); err == nil {
		return ofRecord(dir, by)
	}
	entries, err := os.ReadDir(word)
	if err != nil {
		return nil, fmt.Errorf("-policy: %w", err)
	}
	var files []string
	for _, e := range entries {
		if _, isTable := stemOf(e.Name()); isTable && !e.IsDir() {
			files = append(files, filepath.Join(word, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("-policy: %s holds neither a recorded run nor tables (targets.csv, twins.csv, unrelated.csv, demonstrations.jsonl)", word)
	}
	return loaded(word, by, files)
}

// stemOf is the name of a table without its endings, and whether it is one.
func stemOf(name string) (string, bool) {
	stem := strings.TrimSuffix(strings.ToLower(name), ".gz")
	ext := filepath.Ext(stem)
	return strings.TrimSuffix(stem, ext), slices.Contains([]string{".csv", ".tsv", ".jsonl", ".ndjson", ".json"}, ext)
}

// holds are the kinds of rows of files that are named for them. In others the column kind
// says it.
var holds = map[string]string{"targets": "target", "twins": "twin", "unrelated": "unrelated"}

// loaded reads a policy from tables. Its system prompt is in system.txt beside them, if
// there is one.
func loaded(from string, by judge.Judge, files []string) ([]policy.Policy, error) {
	stem, isTable := stemOf(filepath.Base(from))
	if !isTable {
		stem = filepath.Base(from)
	}
	p := policy.Policy{Name: stem, Judge: by}
	system, err := os.ReadFile(filepath.Join(filepath.Dir(files[0]), "system.txt"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("-policy: %w", err)
	}
	p.System = strings.TrimSpace(string(system))
	var tables []fixtures.File
	for _, file := range files {
		stem, _ := stemOf(filepath.Base(file))
		tables = append(tables, fixtures.File{Path: file, Holds: holds[stem]})
	}
	p, err = fixtures.Load(p, tables...)
	return []policy.Policy{p}, err
}

// ofRecord are the policies of a recorded run.
func ofRecord(dir string, by judge.Judge) ([]policy.Policy, error) {
	r, err := runs.Open(dir)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []policy.Policy
	for _, p := range r.Policies {
		out = append(out, policy.Policy{Name: p.Name, System: p.System, Targets: p.Targets, Twins: p.Twins, Unrelated: p.Unrelated,
			Demonstrations: p.Demonstrations, Judge: by, Harmless: p.Harmless})
	}
	slices.SortFunc(out, func(a, b policy.Policy) int { return strings.Compare(a.Name, b.Name) })
	if len(out) == 0 {
		return nil, fmt.Errorf("-policy: run %s recorded no policy", r.Run)
	}
	return out, nil
}

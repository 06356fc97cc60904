package main

import (
	"slices"
	"testing"
)

// A judge by rules is known wherever one can be named, and is taken for no other.
func TestJudgesByRulesAreKnownEverywhere(t *testing.T) {
	for name, byRules := range ruleJudges {
		want := byRules().Describe()
		if want.AsksModel() {
			t.Errorf("%s asks a model", name)
		}
		opened, title, err := openJudge(name, judgeFlags{})
		if err != nil || title != name || opened.Describe().String() != want.String() {
			t.Errorf("%s is opened as %q, error %v", name, title, err)
		}
		if again, err := offlineJudge(name); err != nil || again.Describe().String() != want.String() {
			t.Errorf("%s does not read again: error %v", name, err)
		}
		if !slices.Contains(judgeNames(), name) || !slices.Contains(offlineNames(), name) {
			t.Errorf("%s is not listed: %q, %q", name, judgeNames(), offlineNames())
		}
		if _, twice := modelJudges[name]; twice || slices.Contains(policyNames(), name) {
			t.Errorf("%s is the name of another judge, too", name)
		}
	}
}

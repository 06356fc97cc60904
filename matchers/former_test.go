package matchers_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/claim"
)

// formerClaim is what one of the matchers before the algebra asked and compared.
type formerClaim struct {
	Arms []struct {
		Shows, Counts, Asks string
		ReportOnly          bool `json:"report_only"`
		Auxiliary           bool
	}
	Bounds []struct {
		Weights []float64
		Most    float64
	}
	Margin float64
}

// What the matchers before the algebra claimed is claimed by the same arms, bounds and
// margins: testdata/former_claims.json was written by the last version that had them.
func TestFormerClaimsCanBeStated(t *testing.T) {
	text, err := os.ReadFile("testdata/former_claims.json")
	if err != nil {
		t.Fatal(err)
	}
	var former map[string]formerClaim
	if err := json.Unmarshal(text, &former); err != nil {
		t.Fatal(err)
	}
	if len(former) < 28 {
		t.Fatalf("only %d former claims", len(former))
	}
	for name, was := range former {
		i := slices.IndexFunc(claims, func(c named) bool { return c.name == name })
		if i < 0 {
			t.Errorf("%s has no new form", name)
			continue
		}
		is := claims[i].matcher.(suiteMatcher).Claim()
		if got, want := asked(is), was.asked(); got != want {
			t.Errorf("%s: the new form is another claim\nformer:\n%s\nnow:\n%s", name, want, got)
		}
	}
}

// asked writes a claim's arms and bounds, whatever their sequence, in words.
func asked(c claim.Claim) string {
	var arms []string
	for _, a := range c.Arms {
		arms = append(arms, fmt.Sprintf("%s, counting %s of %s, reported %v, beside %v", a.Shows(), a.Counts(c), a.Requests, a.ReportOnly, a.Auxiliary))
	}
	var bounds []string
	for _, b := range c.Bounds {
		bounds = append(bounds, weighed(arms, b.Weights, b.Most))
	}
	return listing(arms, bounds, c.Margin)
}

func (was formerClaim) asked() string {
	var arms, bounds []string
	for _, a := range was.Arms {
		// The set of requests stood elsewhere in the words.
		shows := a.Shows
		arms = append(arms, fmt.Sprintf("%s, counting %s of %s, reported %v, beside %v", shows, a.Counts, a.Asks, a.ReportOnly, a.Auxiliary))
	}
	for _, b := range was.Bounds {
		bounds = append(bounds, weighed(arms, b.Weights, b.Most))
	}
	return listing(arms, bounds, was.Margin)
}

func weighed(arms []string, weights []float64, most float64) string {
	var terms []string
	for k, w := range weights {
		if w != 0 {
			terms = append(terms, fmt.Sprintf("%+.9g x (%s)", w, arms[k]))
		}
	}
	slices.Sort(terms)
	return fmt.Sprintf("%s <= %.9g", strings.Join(terms, " "), most)
}

func listing(arms, bounds []string, margin float64) string {
	slices.Sort(arms)
	slices.Sort(bounds)
	return fmt.Sprintf("%s\n%s\nmargin %g", strings.Join(arms, "\n"), strings.Join(bounds, "\n"), margin)
}

package simulated_test

import (
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// Every policy that comes with the module can be tried on a simulated model: it has
// a reply for each outcome that its judge reads so.
func TestShippedPoliciesServeSimulatedModels(t *testing.T) {
	profile, err := simulated.Lookup("steady")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []policy.Policy{fixtures.NoCooking(), fixtures.Codename(), fixtures.NoSummaries()} {
		if _, err := simulated.New(profile, p); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

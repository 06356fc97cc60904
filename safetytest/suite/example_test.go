package suite_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/safetyspec/safetyspec/fixtures"
	. "github.com/safetyspec/safetyspec/matchers"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
	"github.com/safetyspec/safetyspec/safetytest/suite"
)

// The test function and the specs of a suite that a team has already: the line with
// Attach and the spec with Check are new.
func ExampleAttach() {
	testShop := func(t *testing.T) { // func TestShop
		RegisterFailHandler(Fail)
		suite.Attach(t, fixtures.NoCooking(), suite.Fallback("sim:steady"))
		RunSpecs(t, "shop")
	}
	specs := func() { // var _ = Describe("shop", ...
		It("adds up", func() { Expect(1 + 1).To(Equal(2)) })
		It("order does not matter", suite.Check(BeOrderInvariant(Mix{Harmful: 4, Refusal: 4}).Within(10*Points)))
	}
	_, _ = testShop, specs
}

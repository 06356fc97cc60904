package suite

import (
	"fmt"
	"runtime"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
)

// Claims turns a list of claims into specs, one a claim, named by what it states:
//
//	var _ = suite.Claims("order",
//		BeOrderInvariant(Mix{Harmful: 4, Refusal: 4}),
//		NotFollowTheLast(Refusals(4)).Within(15*Points))
//
// It is used where Describe is: at the top level or inside a container. A list without a
// claim, as one that was made of an empty file, is a spec that fails.
func Claims(text string, claims ...Matcher) bool {
	_, file, line, _ := runtime.Caller(1)
	at := types.CodeLocation{FileName: file, LineNumber: line}
	return ginkgo.Describe(text, at, func() {
		if len(claims) == 0 {
			ginkgo.It("states no claim", at, ginkgo.Label("property:none"), func() {
				failHere(fmt.Sprintf("suite.Claims(%q) was given no claim, and so tests nothing: give it some, or take it away", text))
			})
		}
		for _, m := range claims {
			m = orNone(m)
			ginkgo.It(m.Claim().Statement, at, check(m, at))
		}
	})
}

// Entry is a claim as the entry of a table, part of the plan like any other:
//
//	DescribeTable("benign demonstrations must not raise compliance", suite.Table,
//		suite.Entry("after refusals", NotRaiseCompliance(Adding(8, Benign).After(Refusals(4)))),
//		suite.Entry("after nothing", NotRaiseCompliance(Adding(8, Benign).Alone())))
//
// An empty description stands for what the claim states.
func Entry(description string, m Matcher) ginkgo.TableEntry {
	_, file, line, _ := runtime.Caller(1)
	at := types.CodeLocation{FileName: file, LineNumber: line}
	if m = orNone(m); description == "" {
		description = m.Claim().Statement
	}
	return ginkgo.Entry(description, at, register(m, at), m)
}

// Table is the body of a table of claims, which [Entry] makes the entries of.
func Table(ctx ginkgo.SpecContext, m Matcher) {
	test(ctx, m)
}

package experiment

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// Parameters are what a run's configuration says about how its claims are tested.
// Each means what the field of safetytest.Config with its name does, defaults filled
// in; it holds no secret and no address.
type Parameters struct {
	// Model is the name of the model under test, Models are those of further ones, by
	// the name that claims give them.
	Model  string
	Models map[string]string
	// Sent says in words how the model is asked.
	Sent string
	// Settings is the part of Sent that is about the protocol, Stored what the record
	// keeps of the configuration, so that the run can be read again.
	Settings       string
	Stored         json.RawMessage
	Sampling       chat.Sampling
	Choices        int // or AutoChoices
	SendSeed       bool
	ShareSeeds     bool
	BlockedRefuses bool
	Concurrency    int
	Timeout        time.Duration
	// AdmitsItself says that the models ask for every HTTP request, retries included,
	// whether the budget allows it.
	AdmitsItself bool

	MaxPairs, MaxCalls, MaxSpendTokens int
	MaxCost                            float64
	Prices                             map[string]chat.Price
	Batch, Draws                       int
	Stopping                           evidence.StoppingRule
	Seed                               int64
	Census                             bool
	// Patient tests run to the end of their budget where the rest would probably not
	// decide them.
	Patient bool

	// Keeps says that replies are kept beyond the run, Replay that those of an earlier
	// run are read and no call is made.
	Keeps, Replay bool
	// Rereads says that another judge reads the replies of a replay.
	Rereads bool
	Rolls   int
	Allow   []string
	Judge   judge.Judge // in place of the policy's, unless nil

	OnPace    func(callsPerSecond float64)
	Reproduce func(claim.Claim) string
}

// Simulated says whether the model under test is one of ours.
func (p Parameters) Simulated() bool { return simulated.Named(p.Model) }

// allows says whether the configuration declares that a doubt does not apply.
func (p Parameters) allows(k provenance.Kind) bool { return slices.Contains(p.Allow, string(k)) }

// oneLook says whether some look spends what error is left, so that none may come
// after it.
func (p Parameters) oneLook() bool { return p.Stopping.Final() }

// LookedAt says in words when the evidence is looked at. A run that looks otherwise
// is not continued: each way has its own error rates.
func (p Parameters) LookedAt() string {
	text := fmt.Sprintf("batches of %d", p.Batch)
	if p.Stopping > evidence.Sequential {
		text += ", " + p.Stopping.String()
	}
	if p.oneLook() { // 0 pairs: as many as planned
		text += fmt.Sprintf(" after %d pairs", p.MaxPairs)
	}
	return text
}

// price is what the tokens of a model cost, which claims give the name; known is false
// where nobody said.
func (p Parameters) price(name string) (price chat.Price, known bool) {
	model := p.Model
	if name != "" {
		model = p.Models[name]
	}
	price, known = p.Prices[model]
	return price, known
}

// mostReply is how many tokens a reply may have, 0 where the endpoint decides.
func (p Parameters) mostReply() int {
	if p.Sampling.MaxTokens == nil {
		return 0
	}
	return *p.Sampling.MaxTokens
}

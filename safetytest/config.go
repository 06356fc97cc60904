package safetytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/address"
	"github.com/safetyspec/safetyspec/safetytest/internal/experiment"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/prices"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// Config says which model to ask and how. The zero value of every field but
// Model and BaseURL has a stated default; [FromEnv] reads it from the environment.
type Config struct {
	// BaseURL is the OpenAI-compatible endpoint, such as
	// http://127.0.0.1:8080/v1. Model is the name it serves, or "sim:NAME" for a
	// simulated model, which needs no BaseURL.
	BaseURL, Model string
	// APIKey is sent as the bearer token. It appears in no output.
	APIKey string
	// Models are further models that claims may name, such as the checkpoint
	// before this one under the name [claim.Baseline]. They are asked with the same
	// sampling, within the same budget.
	Models map[string]Endpoint
	// Protocol says where the endpoint differs from the plain protocol, such as
	// Protocol.SystemRole. Further models are asked in the same way; headers and
	// query go to those only that the same BaseURL serves, because they may hold
	// secrets, unless their own Endpoint names some.
	chat.Protocol
	// Sampling is sent with every request. What it leaves open is not sent, and
	// the endpoint chooses; FromEnv begins with DefaultSampling:
	// temperature 1 and 256 tokens a reply.
	Sampling chat.Sampling
	// Choices is how many replies one request asks for, 1 to 128, where a claim compares
	// contexts. The prompt is then sent once for all of them, and a pair is the mean of
	// its replies, which takes fewer pairs. The endpoint must give as many: replies that do
	// not come are missing. Claims of other kinds take one a request. With [AutoChoices]
	// the run asks the endpoint whether it gives several, mostly four calls a model, and
	// takes as many as pay, 4 at most, or one again where requests for several come to be refused
	// or answered with fewer; verdicts say how many and why. Default 1, and AutoChoices
	// by FromEnv.
	Choices int
	// BlockedRefuses counts a reply that a content filter withheld as a refusal,
	// which is what the users of such an endpoint meet. By default it is missing:
	// the filter is not the model. A verdict gives the rates either way.
	BlockedRefuses bool
	// Concurrency bounds the calls in flight. Default 8.
	Concurrency int
	// Timeout bounds one call. Default two minutes.
	Timeout time.Duration
	// AdaptConcurrency lets the client find the number of calls in flight by
	// itself, up to 64; Concurrency is then ignored.
	AdaptConcurrency bool
	// RequestsPerMinute and TokensPerMinute keep to an endpoint's limits. 0
	// means none that we know of. With Dir, all processes that record there and
	// ask the same keep to them together.
	RequestsPerMinute, TokensPerMinute int
	// MaxCalls and MaxSpendTokens bound what the run spends, all claims, processes
	// and retries together. 0 means no bound.
	MaxCalls, MaxSpendTokens int
	// Prices are what the tokens of models cost, by the name that the endpoint serves
	// them by, in Currency. No price is built in, and what is not known is not printed.
	// MaxCost bounds what the run spends, as MaxCalls does; 0 means no bound. It needs
	// Dir, and the price of every model that is asked, of judging ones too.
	Prices   map[string]chat.Price
	Currency string
	MaxCost  float64
	// Dir is where the run's record of replies is kept. Without it replies are
	// kept in memory only, and a run that ends undecided cannot be continued.
	Dir string
	// Run names a run that several processes share, in letters, digits and ".", "_",
	// "-": those that give the same name share replies and budget, and are one attempt.
	// Empty is a run of this process's own, unless another one is just asking the same.
	Run string
	// Replies says what becomes of the replies of earlier runs.
	Replies Replies
	// MaxAge is how long ago a run may have begun that is continued. Default a
	// day. Whatever its age, what it recorded counts only once repeats of 60
	// questions an arm, 120 where those differ, have been read like the recorded ones.
	MaxAge time.Duration
	// OnlyThisRun lets replies of earlier runs count only where Replies is Resume.
	// FromEnv sets it where SAFETYTEST_REQUIRE_MODEL=1.
	OnlyThisRun bool
	// Rolls is how many fresh attempts may count after one that found a claim
	// violated, default 1, negative for none. With more of them a claim that holds
	// is inconclusive until the model says that it is another one, by its name or
	// its fingerprint, or Release does. A violation and k rolls together pass a
	// model at the margin in at most (1+k) x 5 % of cases.
	Rolls int
	// Release names what is tested, for models that do not tell when they change.
	Release string
	// MaxPairs bounds the visits of one claim, those of runs that are continued
	// included. 0 leaves it to the planner, which does not grow it with the runs: as
	// many as the claim needs to hold with probability 0.99, so that a suite
	// of ten passes in nine runs of ten, if demonstrations change nothing and
	// the control complies with one request in ten.
	MaxPairs int
	// Batch is the number of cells between two looks at the evidence, rounded
	// up to a whole number of targets a draw. Default 4, one target of each of four
	// draws, so that little is asked after the evidence suffices; 40 suits servers that
	// keep the prefix of one prompt only, because a larger batch asks more targets
	// after the same demonstrations.
	Batch int
	// Stopping says when the evidence is looked at: 0 means [evidence.Sequential], at
	// the end of every batch. [evidence.FixedN] looks once, after MaxPairs, by exact
	// tests; [evidence.TerminalLook] spends on the very last look what error the looks
	// before it left over, and draws cells independently of each other. With either
	// the run cannot be continued.
	Stopping evidence.StoppingRule
	// Draws is the number of draws of demonstrations. Default 4.
	Draws int
	// Seed fixes the draws, and so belongs to what a claim says. Default 1.
	Seed int64
	// SamplingSeed fixes which cells are visited in which order. 0 chooses one
	// at random; the verdict prints it.
	SamplingSeed uint64
	// FewTargets lets a matcher pass on fewer than [claim.LeastTargets] distinct targets, for
	// exploration, and for suites, which mind that themselves.
	FewTargets bool
	// Census has every cell visited once at most where a temperature of 0 is asked
	// for and the answers to repeated questions agree. Otherwise a temperature of 0
	// is sampled like any other.
	Census bool
	// Allow lists the kinds of doubt about replies that do not apply to the
	// endpoint, because somebody has looked: "window", "cache", "clock", "served",
	// "reasoning". They are printed with every verdict. See docs/endpoints.md.
	Allow []string
	// SendSeed sends a seed with every request, a different one for each arm, cell
	// and visit. Some endpoints reject the field, so only simulated models get
	// it by default.
	SendSeed bool
	// ShareSeeds has the arms of a pair asked with one seed where the endpoint is seen, in
	// the run, to honour seeds and to heed the prompt at one seed: each arm answers as
	// ever, and the two differ less by chance where their prompts change little. It takes
	// up to 16 calls more an endpoint. Verdicts say whether it was done, and why not.
	ShareSeeds bool
	// System replaces the policy's system prompt unless nil.
	System *string
	// Judge replaces the policy's judge unless nil.
	Judge judge.Judge
	// patient tests run to the end of their budget where the rest would
	// probably not decide them.
	patient bool
	// OnPace is called once, when twice as many calls as may be in flight have
	// come back, with the calls that the endpoint answers a second.
	OnPace func(callsPerSecond float64)
	// OnVerdict is called with every verdict that Test returns, also when it was
	// reached before.
	OnVerdict func(claim.Verdict)
	// OnInconclusive is called with inconclusive verdicts before a matcher
	// returns them as errors.
	OnInconclusive func(claim.Verdict)
	// Reproduce returns the command line that runs a claim again, for the last
	// line of a failure. The default names the variables that matter.
	Reproduce func(claim.Claim) string
}

const defaultConcurrency = 8

// Endpoint says where a further model is served.
type Endpoint struct {
	// BaseURL and Model are as in Config. An empty BaseURL is that of the
	// model under test.
	BaseURL, Model string
	// APIKey is that of the model under test if both are served by the same
	// BaseURL and this is empty.
	APIKey string
	// Headers and Query are those of the model under test if both are served by the
	// same BaseURL and these are nil. Their values appear in no output.
	Headers, Query chat.Secrets
}

// String names the model and where it is served, and never the key.
func (e Endpoint) String() string { return Config{BaseURL: e.BaseURL, Model: e.Model}.String() }

// GoString is String: the key must not be printed.
func (e Endpoint) GoString() string { return e.String() }

// complete fills in defaults and reports values out of their range.
func (c *Config) complete() error {
	def := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	def(&c.Concurrency, defaultConcurrency)
	if c.AdaptConcurrency {
		c.Concurrency = chat.DefaultConcurrency
	}
	def(&c.Choices, 1)
	def(&c.Batch, 4)
	def(&c.Draws, 4)
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Minute
	}
	if c.Seed == 0 {
		c.Seed = 1
	}
	if c.MaxAge == 0 {
		c.MaxAge = 24 * time.Hour
	}
	def(&c.Rolls, 1)
	if c.SamplingSeed == 0 && c.Dir == "" { // the record has its own
		c.SamplingSeed = record.NewSeed()
	}
	return c.check()
}

// check reports values out of their range.
func (c Config) check() error {
	for _, f := range []struct {
		name  string
		value int
	}{{"Concurrency", c.Concurrency}, {"Batch", c.Batch}, {"Draws", c.Draws}} {
		if f.value < 1 {
			return fmt.Errorf("config: %s must be at least 1, got %d", f.name, f.value)
		}
	}
	switch {
	case c.Sampling.Choices != nil:
		return errors.New("config: Sampling.Choices is set, and would be sent where single replies are needed, too: set Config.Choices")
	case c.Choices != AutoChoices && (c.Choices < 1 || c.Choices > 128):
		return fmt.Errorf("config: Choices is %d, and must be 1 to 128, or AutoChoices", c.Choices)
	case c.Choices > 1 && c.Stream:
		return errors.New("config: Choices is above 1, and streams bring one reply: set SAFETYTEST_CHOICES=1 or unset SAFETYTEST_STREAM")
	}
	for _, kind := range c.Allow {
		if !slices.Contains(provenance.Kinds(), provenance.Kind(kind)) {
			return fmt.Errorf("config: Allow holds %q, and there are %q", kind, provenance.Kinds())
		}
	}
	if c.Replies < RepliesAuto || c.Replies > RepliesReplay {
		return fmt.Errorf("config: Replies is %d, and there are RepliesAuto, RepliesFresh, RepliesResume and RepliesReplay", c.Replies)
	}
	if (c.Replies == RepliesResume || c.Replies == RepliesReplay) && c.Dir == "" {
		return errors.New("config: RepliesResume and RepliesReplay need Dir, where the replies are that they go on from")
	}
	if c.MaxAge < 0 {
		return fmt.Errorf("config: MaxAge must not be negative, got %v", c.MaxAge)
	}
	if c.MaxCalls < 0 || c.MaxSpendTokens < 0 || c.MaxPairs < 0 {
		return fmt.Errorf("config: MaxCalls, MaxSpendTokens and MaxPairs must not be negative, got %d, %d and %d", c.MaxCalls, c.MaxSpendTokens, c.MaxPairs)
	}
	if c.MaxSpendTokens > 0 && c.Dir == "" {
		return errors.New("config: MaxSpendTokens needs Dir, because the record counts the tokens")
	}
	return c.checkPrices()
}

// checkPrices reports prices that are none, and a bound on money that could not be kept.
func (c Config) checkPrices() error {
	if len(c.Prices) > 0 {
		if err := (prices.Table{Currency: c.Currency, Models: c.Prices}).Check(); err != nil {
			return fmt.Errorf("config: %w", err)
		}
	}
	if c.MaxCost == 0 {
		return nil
	}
	if !(c.MaxCost > 0) || c.Dir == "" {
		return fmt.Errorf("config: MaxCost is %v, and must be above 0, with Dir, because the record counts the money", c.MaxCost)
	}
	asked := []string{c.Model}
	for _, e := range c.Models {
		asked = append(asked, e.Model)
	}
	slices.Sort(asked)
	for _, model := range asked {
		if _, known := c.Prices[model]; !known {
			return fmt.Errorf("config: SAFETYTEST_MAX_COST bounds the money of the run, and what %q costs is not known: add it to the file that SAFETYTEST_PRICES names", plain.Text(model))
		}
	}
	return nil
}

// String names the model and where it is served, and never the key.
func (c Config) String() string {
	switch {
	case c.BaseURL == "":
		return c.Model
	case address.Check(c.BaseURL) != nil: // it may hold a secret
		return c.Model + " at an invalid address"
	}
	return c.Model + " at " + c.BaseURL
}

// GoString is String: the key must not be printed.
func (c Config) GoString() string { return c.String() }

// GomegaString is String, for Gomega's printer.
func (c Config) GomegaString() string { return c.String() }

// AutoChoices has a run find out how many replies a request is to bring: see
// [Config.Choices].
const AutoChoices = experiment.AutoChoices

// choices is how many replies a request asks for, or AutoChoices. Streams bring one.
func (c Config) choices() int {
	if c.Choices == AutoChoices && c.Stream {
		return 1
	}
	return c.Choices
}

// DefaultSampling is temperature 1 and at most 256 tokens a reply, everything
// else left to the server.
func DefaultSampling() chat.Sampling {
	temperature, tokens := 1.0, 256
	return chat.Sampling{Temperature: &temperature, MaxTokens: &tokens}
}

// NotSimulated reports the first model of the configuration that is simulated, the
// one under test or another that claims may name.
func (c Config) NotSimulated() error {
	if c.Simulated() {
		return fmt.Errorf("%s is a simulated model, which says nothing about yours", c.Model)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Models)) {
		if simulated.Named(c.Models[name].Model) {
			return fmt.Errorf("%s, which is called %s, is a simulated model, and a comparison with it says nothing", c.Models[name].Model, name)
		}
	}
	return nil
}

// Simulated says whether the model is one of ours.
func (c Config) Simulated() bool { return simulated.Named(c.Model) }

// Sent says in words how the model is asked: the sampling, and where its protocol
// is not the plain one. It belongs to what is measured, and holds no secret.
func (c Config) Sent() string {
	text := c.Sampling.String()
	if settings := c.Settings(); settings != "" && !c.Simulated() {
		text += "; " + settings
	}
	switch {
	case c.choices() == AutoChoices && !c.Simulated():
		text += "; several replies a request where they pay"
	case c.Choices > 1:
		text += fmt.Sprintf("; %d replies a request where contexts are compared", c.Choices)
	}
	if c.ShareSeeds && !c.Simulated() {
		text += "; seeds shared where they are honoured"
	}
	return text
}

// parameters are what the configuration says about how claims are tested.
func (c Config) parameters() experiment.Parameters {
	models := map[string]string{}
	for name, e := range c.Models {
		models[name] = e.Model
	}
	stored, _ := json.Marshal(c.stored()) // of plain numbers and words, which cannot fail
	return experiment.Parameters{
		Model: c.Model, Models: models, Sent: c.Sent(), Settings: c.Settings(), Stored: stored, Sampling: c.Sampling, Choices: c.choices(), SendSeed: c.SendSeed, ShareSeeds: c.ShareSeeds, BlockedRefuses: c.BlockedRefuses,
		Concurrency: c.Concurrency, Timeout: c.Timeout,
		MaxPairs: c.MaxPairs, MaxCalls: c.MaxCalls, MaxSpendTokens: c.MaxSpendTokens, MaxCost: c.MaxCost, Prices: c.Prices,
		Batch: c.Batch, Draws: c.Draws, Stopping: c.Stopping, Seed: c.Seed, Census: c.Census, Patient: c.patient,
		Keeps: c.Dir != "", Replay: c.Replies == RepliesReplay, Rolls: c.Rolls, Allow: c.Allow, Judge: c.Judge,
		OnPace: c.OnPace, Reproduce: c.Reproduce,
	}
}

// storedConfig is what of the configuration decides how recorded replies are read and
// counted.
type storedConfig struct {
	Batch          int                   `json:"batch"`
	Draws          int                   `json:"draws"`
	Seed           int64                 `json:"seed"`
	SamplingSeed   uint64                `json:"sampling_seed"`
	MaxPairs       int                   `json:"max_pairs,omitempty"`
	Stopping       evidence.StoppingRule `json:"stopping,omitempty"`
	Rolls          int                   `json:"rolls,omitempty"`
	Census         bool                  `json:"census,omitempty"`
	Choices        int                   `json:"choices,omitempty"`
	BlockedRefuses bool                  `json:"blocked_refuses,omitempty"`
	SendSeed       bool                  `json:"send_seed,omitempty"`
	Allow          []string              `json:"allow,omitempty"`
	// Models are further models, without keys and headers.
	Models map[string]storedModel `json:"models,omitempty"`
}

type storedModel struct {
	BaseURL string `json:"base_url,omitempty"`
	Model   string `json:"model"`
}

func (c Config) stored() storedConfig {
	out := storedConfig{
		Batch: c.Batch, Draws: c.Draws, Seed: c.Seed, SamplingSeed: c.SamplingSeed, MaxPairs: c.MaxPairs, Stopping: c.Stopping, Rolls: c.Rolls,
		Census: c.Census, Choices: c.Choices, BlockedRefuses: c.BlockedRefuses, SendSeed: c.SendSeed, Allow: c.Allow, Models: map[string]storedModel{},
	}
	for name, e := range c.Models {
		out.Models[name] = storedModel{e.BaseURL, e.Model}
	}
	return out
}

// restored is the configuration of a recorded run, as far as it decides how its replies
// are counted.
func (c storedConfig) restored(setup record.Setup, m record.Manifest) Config {
	out := Config{
		Model: setup.Model, BaseURL: m.Endpoint, Sampling: setup.Sampling, Batch: c.Batch, Draws: c.Draws, Seed: c.Seed, MaxPairs: c.MaxPairs, Stopping: c.Stopping, Rolls: c.Rolls,
		Census: c.Census, Choices: c.Choices, BlockedRefuses: c.BlockedRefuses, SendSeed: c.SendSeed, Allow: c.Allow, FewTargets: true, Models: map[string]Endpoint{},
	}
	for name, e := range c.Models {
		out.Models[name] = Endpoint{BaseURL: e.BaseURL, Model: e.Model}
	}
	return out
}

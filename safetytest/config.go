package safetytest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
	"github.com/safetyspec/safetyspec/safetytest/internal/module"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// simPrefix marks the name of a simulated model.
const simPrefix = "sim:"

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
	// BlockedRefuses counts a reply that a content filter withheld as a refusal,
	// which is what the users of such an endpoint meet. By default it is missing:
	// the filter is not the model. A verdict tells the rates either way.
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
	// questions an arm have been read like the recorded ones.
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
	// included. 0 leaves it to the planner, for each run anew: as
	// many as the claim needs to hold with probability 0.99, so that a suite
	// of ten passes in nine runs of ten, if demonstrations change nothing and
	// the control complies with one request in ten.
	MaxPairs int
	// Batch is the number of cells between two looks at the evidence, rounded
	// up to a whole number of targets a draw. Default 8; 40 suits servers that
	// keep the prefixes of prompts, because a larger batch asks more targets
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
	// FewTargets lets a matcher pass on fewer than [LeastTargets] distinct targets, for
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
	// SendSeed sends a seed with every request, a different one for each cell
	// and visit. Some endpoints reject the field, so only simulated models get
	// it by default.
	SendSeed bool
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
	OnVerdict func(Verdict)
	// OnInconclusive is called with inconclusive verdicts before a matcher
	// returns them as errors.
	OnInconclusive func(Verdict)
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
	def(&c.Batch, 8)
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
	for _, f := range []struct {
		name  string
		value int
	}{{"Concurrency", c.Concurrency}, {"Batch", c.Batch}, {"Draws", c.Draws}} {
		if f.value < 1 {
			return fmt.Errorf("config: %s must be at least 1, got %d", f.name, f.value)
		}
	}
	for _, kind := range c.Allow {
		if !slices.Contains(provenance.Kinds(), provenance.Kind(kind)) {
			return fmt.Errorf("config: Allow holds %q, and there are %q", kind, provenance.Kinds())
		}
	}
	if c.Replies < 0 || int(c.Replies) >= len(modes) {
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
	return nil
}

// String names the model and where it is served, and never the key.
func (c Config) String() string {
	switch {
	case c.BaseURL == "":
		return c.Model
	case chat.CheckBaseURL(c.BaseURL) != nil: // it may hold a secret
		return c.Model + " at an invalid address"
	}
	return c.Model + " at " + c.BaseURL
}

// GoString is String: the key must not be printed.
func (c Config) GoString() string { return c.String() }

// GomegaString is String, for Gomega's printer.
func (c Config) GomegaString() string { return c.String() }

// DefaultSampling is temperature 1 and at most 256 tokens a reply, everything
// else left to the server.
func DefaultSampling() chat.Sampling {
	temperature, tokens := 1.0, 256
	return chat.Sampling{Temperature: &temperature, MaxTokens: &tokens}
}

// ErrNoModel is returned by [FromEnv] when the environment names no model.
var ErrNoModel = errors.New("no model is configured: set SAFETYTEST_BASE_URL and SAFETYTEST_MODEL to an OpenAI-compatible endpoint and the model it serves, or SAFETYTEST_MODEL=sim:steady for a simulated one")

// FromEnv reads the configuration from the SAFETYTEST_ variables that
// docs/environment.md lists, but for those of package suite. A value that does not parse is an error
// naming its variable, and so is a variable that does not exist. The error is
// [ErrNoModel], beside a configuration that is otherwise complete, when neither an
// endpoint nor a simulated model is named.
func FromEnv() (Config, error) {
	var faults environment.Faults
	c := read(&faults)
	baseline := Endpoint{
		BaseURL: environment.BaselineBaseURL.Read(&faults),
		Model:   environment.BaselineModel.Read(&faults),
		APIKey:  environment.BaselineAPIKey.Read(&faults),
	}
	openAIKey := environment.OpenAIKey.Read(&faults)
	required := environment.RequireModel.Read(&faults)
	if err := cmp.Or(environment.Unknown(), faults.Err()); err != nil {
		return Config{}, err
	}
	c.OnlyThisRun = required
	if required && c.Replies == RepliesReplay {
		return Config{}, errors.New("under SAFETYTEST_REQUIRE_MODEL=1: a replay asks no model: unset SAFETYTEST_REPLIES=replay")
	}
	if err := c.served(baseline); err != nil {
		return Config{}, err
	}
	if c.APIKey == "" && isOpenAI(c.BaseURL) {
		c.APIKey = openAIKey
	}
	if baseline.APIKey == "" && isOpenAI(baseline.BaseURL) {
		baseline.APIKey = openAIKey
	}
	if baseline.Model != "" {
		c.Models = map[string]Endpoint{claim.Baseline: baseline}
	}
	if err := c.NotSimulated(); err != nil && required {
		return Config{}, fmt.Errorf("under SAFETYTEST_REQUIRE_MODEL=1: %w", err)
	}
	if c.unnamed() {
		return c, ErrNoModel
	}
	return c, nil
}

// read says which variable fills which field. What is not set leaves a field zero,
// but for the sampling.
func read(faults *environment.Faults) Config {
	sampling := DefaultSampling()
	tokens := environment.MaxTokens.Or(*sampling.MaxTokens, faults)
	c := Config{
		BaseURL: environment.BaseURL.Read(faults),
		Model:   environment.Model.Read(faults),
		APIKey:  environment.APIKey.Read(faults),
		Sampling: chat.Sampling{
			Temperature: environment.Temperature.Or(sampling.Temperature, faults),
			TopP:        environment.TopP.Or(sampling.TopP, faults),
			MaxTokens:   &tokens,
			Stop:        environment.Stop.Read(faults),
		},
		Protocol: chat.Protocol{
			Endings:      environment.Endings.Read(faults),
			BlockedWords: environment.BlockedWords.Read(faults),
			SystemRole:   environment.SystemRole.Read(faults),
			Headers:      environment.Headers.Read(faults),
			Query:        environment.Query.Read(faults),
			CAFile:       environment.CAFile.Read(faults),
			Stream:       environment.Stream.Read(faults),
			NoCache:      environment.NoCache.Read(faults),
			Nonce:        environment.Nonce.Read(faults),
		},
		Concurrency:       environment.Concurrency.Read(faults),
		RequestsPerMinute: environment.RPM.Read(faults),
		TokensPerMinute:   environment.TPM.Read(faults),
		MaxCalls:          environment.MaxCalls.Read(faults),
		MaxSpendTokens:    environment.MaxSpendTokens.Read(faults),
		Dir:               environment.Dir.Read(faults),
		Run:               environment.Run.Read(faults),
		Replies:           repliesByWord[environment.Replies.Read(faults)],
		MaxAge:            environment.MaxAge.Read(faults),
		Rolls:             environment.Rolls.Read(faults),
		Release:           environment.Release.Read(faults),
		Batch:             environment.Batch.Read(faults),
		Seed:              int64(environment.Seed.Read(faults)),
		SamplingSeed:      environment.SamplingSeed.Read(faults),
		Census:            environment.Census.Read(faults),
		Allow:             environment.Allow.Read(faults),
		BlockedRefuses:    environment.Blocked.Read(faults) == "refused",
	}
	if c.Concurrency == environment.Auto {
		c.Concurrency, c.AdaptConcurrency = 0, true
	}
	if environment.Rolls.IsSet() && c.Rolls == 0 {
		c.Rolls = -1 // 0 is the default
	}
	return c
}

// unnamed says that there is neither an endpoint nor a model. Code may still name one.
func (c Config) unnamed() bool { return c.BaseURL == "" && c.Model == "" }

// served reports addresses that cannot be ones, before anything prints them, and
// models that nobody serves.
func (c Config) served(baseline Endpoint) error {
	for _, v := range []struct{ name, base string }{{environment.BaseURL.Name, c.BaseURL}, {environment.BaselineBaseURL.Name, baseline.BaseURL}} {
		if v.base != "" {
			if err := chat.CheckBaseURL(v.base); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
		}
	}
	switch {
	case c.unnamed():
	case c.Model == "":
		return errors.New("variable SAFETYTEST_BASE_URL is set without SAFETYTEST_MODEL: say which model the endpoint is to be asked for")
	case c.BaseURL == "" && !c.Simulated():
		return fmt.Errorf("variable SAFETYTEST_MODEL=%s is set without SAFETYTEST_BASE_URL: say where the model is served, for instance http://127.0.0.1:8080/v1 (only %sNAME needs no endpoint)", c.Model, simPrefix)
	case c.BaseURL != "" && c.Simulated():
		return fmt.Errorf("variable SAFETYTEST_MODEL=%s is a simulated model and has no endpoint: unset SAFETYTEST_BASE_URL", c.Model)
	}
	switch {
	case baseline.Model == "" && (baseline.BaseURL != "" || baseline.APIKey != ""):
		return errors.New("variable SAFETYTEST_BASELINE_BASE_URL or _API_KEY is set without SAFETYTEST_BASELINE_MODEL: say which model is the baseline")
	case baseline.Model != "" && baseline.BaseURL == "" && c.BaseURL == "" && !c.unnamed() && !strings.HasPrefix(baseline.Model, simPrefix):
		return fmt.Errorf("variable SAFETYTEST_BASELINE_MODEL=%s is set without SAFETYTEST_BASELINE_BASE_URL: say where it is served", baseline.Model)
	}
	return nil
}

// NotSimulated reports the first model of the configuration that is simulated, the
// one under test or another that claims may name.
func (c Config) NotSimulated() error {
	if c.Simulated() {
		return fmt.Errorf("%s is a simulated model, which says nothing about yours", c.Model)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Models)) {
		if strings.HasPrefix(c.Models[name].Model, simPrefix) {
			return fmt.Errorf("%s, which is called %s, is a simulated model, and a comparison with it says nothing", c.Models[name].Model, name)
		}
	}
	return nil
}

// isOpenAI says whether a base URL is OpenAI's own host, the only one that is
// ever sent OPENAI_API_KEY.
func isOpenAI(base string) bool {
	u, err := url.Parse(base)
	return err == nil && u.Scheme == "https" && u.Hostname() == "api.openai.com"
}

// Open makes the model that the configuration names and a subject that asks it
// about p. A simulated model is served on loopback until [Subject.Close]. Open
// calls no model. It leaves a mark in the module, so that go test does not answer
// a later run from its cache, and reports if it cannot.
func Open(c Config, p policy.Policy) (*Subject, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := module.Stamp(); err != nil {
		return nil, err
	}
	r := &run{config: c, models: map[string]chat.Model{}}
	all := map[string]Endpoint{"": {BaseURL: c.BaseURL, Model: c.Model, APIKey: c.APIKey, Headers: c.Headers, Query: c.Query}}
	for _, e := range slices.Concat([]Endpoint{all[""]}, slices.Collect(maps.Values(c.Models))) {
		if err := chat.CheckBaseURL(e.BaseURL); e.BaseURL != "" && err != nil {
			return nil, fmt.Errorf("config: %w", err) // before anything prints it
		}
	}
	for name, e := range c.Models {
		if !modelName.MatchString(name) || e.Model == "" {
			return nil, fmt.Errorf("config: Models[%q]: each needs a name of letters, digits, and . _ -, and a model", name)
		}
		if e.BaseURL == "" && !strings.HasPrefix(e.Model, simPrefix) {
			e.BaseURL = c.BaseURL
		}
		same := sameAddress(e.BaseURL, c.BaseURL)
		if same && e.APIKey == "" {
			e.APIKey = c.APIKey
		}
		if same && e.Headers == nil {
			e.Headers = c.Headers
		}
		if same && e.Query == nil {
			e.Query = c.Query
		}
		if same && e.Model == c.Model && !c.Simulated() {
			return nil, fmt.Errorf("config: %s is the model under test, %s: a comparison of it with itself proves nothing", name, e)
		}
		all[name] = e
	}
	for name, e := range all {
		m, err := r.connect(e, p)
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		r.models[name] = m
	}
	r.config.APIKey, r.config.Models, r.config.Protocol = "", maps.Clone(c.Models), c.Protocol.Public()
	for name, e := range r.config.Models {
		e.APIKey, e.Headers, e.Query = "", nil, nil
		r.config.Models[name] = e
	}
	r.admitsItself = true
	s, err := r.open(p, true)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return s, nil
}

// modelName is what a model may be called: the names of cells hold it.
var modelName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// sameAddress says whether two base URLs are one, however they are written.
func sameAddress(a, b string) bool {
	plain := func(text string) string {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return text // refused elsewhere, where no secret is repeated
		}
		host, port := strings.ToLower(u.Hostname()), u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
		}
		if host == "localhost" {
			host = "127.0.0.1"
		}
		return strings.ToLower(u.Scheme) + "://" + net.JoinHostPort(host, port) + path.Clean("/"+u.Path)
	}
	return plain(a) == plain(b)
}

// connect makes a model. A simulated one is served on loopback.
func (r *run) connect(e Endpoint, p policy.Policy) (chat.Model, error) {
	c := r.config
	endpoint := chat.Endpoint{BaseURL: e.BaseURL, Model: e.Model, APIKey: e.APIKey, Timeout: c.Timeout, Protocol: c.Protocol}
	endpoint.Headers, endpoint.Query = e.Headers, e.Query
	if c.Dir == "" { // otherwise the record keeps them, for all processes together
		endpoint.RequestsPerMinute, endpoint.TokensPerMinute = c.RequestsPerMinute, c.TokensPerMinute
	}
	if !c.AdaptConcurrency {
		endpoint.Concurrency = cmp.Or(c.Concurrency, defaultConcurrency)
	}
	if name, ok := strings.CutPrefix(e.Model, simPrefix); ok {
		profile, err := simulated.Lookup(name)
		if err != nil {
			return nil, err
		}
		server, err := simulated.Start(profile, p)
		if err != nil {
			return nil, fmt.Errorf("the simulated model cannot be served on loopback: %w", err)
		}
		endpoint.BaseURL, endpoint.Model, endpoint.APIKey, endpoint.Protocol = server.URL(), server.Model(), "", chat.Protocol{}
		r.config.SendSeed = r.config.SendSeed || c.Simulated()
		r.servers = append(r.servers, server)
	}
	return chat.Open(endpoint)
}

// Simulated says whether the model is one of ours.
func (c Config) Simulated() bool { return strings.HasPrefix(c.Model, simPrefix) }

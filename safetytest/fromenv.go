package safetytest

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/address"
	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
	"github.com/safetyspec/safetyspec/safetytest/internal/prices"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
)

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
	if file, _ := environment.Prices.Value(); file != "" {
		table, err := prices.Read(file)
		if err != nil {
			return Config{}, fmt.Errorf("%s: %w", environment.Prices.Name, err)
		}
		c.Prices, c.Currency = table.Models, table.Currency
	}
	c.OnlyThisRun = required
	if required && c.Replies == RepliesReplay {
		return Config{}, errors.New("under SAFETYTEST_REQUIRE_MODEL=1: a replay asks no model: unset SAFETYTEST_REPLIES=replay")
	}
	if err := c.served(baseline); err != nil {
		return Config{}, err
	}
	if c.APIKey == "" && address.IsOpenAI(c.BaseURL) {
		c.APIKey = openAIKey
	}
	if baseline.APIKey == "" && address.IsOpenAI(baseline.BaseURL) {
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
		MaxCost:           environment.MaxCost.Read(faults),
		Dir:               environment.Dir.Read(faults),
		Run:               environment.Run.Read(faults),
		Replies:           repliesByWord[environment.Replies.Read(faults)],
		MaxAge:            environment.MaxAge.Read(faults),
		Rolls:             environment.Rolls.Read(faults),
		Release:           environment.Release.Read(faults),
		Batch:             environment.Batch.Read(faults),
		Seed:              int64(environment.Seed.Read(faults)),
		SamplingSeed:      environment.SamplingSeed.Read(faults),
		ShareSeeds:        environment.SharedSeeds.Read(faults) == "auto",
		Census:            environment.Census.Read(faults),
		Allow:             environment.Allow.Read(faults),
		Choices:           environment.Choices.Read(faults),
		BlockedRefuses:    environment.Blocked.Read(faults) == "refused",
	}
	if c.Choices == environment.Auto || !environment.Choices.IsSet() {
		c.Choices = AutoChoices
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
			if err := address.Check(v.base); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
		}
	}
	switch {
	case c.unnamed():
	case c.Model == "":
		return errors.New("variable SAFETYTEST_BASE_URL is set without SAFETYTEST_MODEL: say which model the endpoint is to be asked for")
	case c.BaseURL == "" && !c.Simulated():
		return fmt.Errorf("variable SAFETYTEST_MODEL=%s is set without SAFETYTEST_BASE_URL: say where the model is served, for instance http://127.0.0.1:8080/v1 (only %sNAME needs no endpoint)", c.Model, simulated.Prefix)
	case c.BaseURL != "" && c.Simulated():
		return fmt.Errorf("variable SAFETYTEST_MODEL=%s is a simulated model and has no endpoint: unset SAFETYTEST_BASE_URL", c.Model)
	}
	return c.baselineServed(baseline)
}

// baselineServed reports a baseline that is no model, or that nobody serves.
func (c Config) baselineServed(baseline Endpoint) error {
	switch {
	case baseline.Model == "" && (baseline.BaseURL != "" || baseline.APIKey != ""):
		return errors.New("variable SAFETYTEST_BASELINE_BASE_URL or _API_KEY is set without SAFETYTEST_BASELINE_MODEL: say which model is the baseline")
	case baseline.Model == "" || baseline.BaseURL != "" || c.BaseURL != "" || c.unnamed() || simulated.Named(baseline.Model):
		return nil
	}
	return fmt.Errorf("variable SAFETYTEST_BASELINE_MODEL=%s is set without SAFETYTEST_BASELINE_BASE_URL: say where it is served", baseline.Model)
}

// repliesByWord are the values of SAFETYTEST_REPLIES.
var repliesByWord = map[string]Replies{"auto": RepliesAuto, "fresh": RepliesFresh, "resume": RepliesResume, "replay": RepliesReplay}

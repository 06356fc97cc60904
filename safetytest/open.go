package safetytest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/address"
	"github.com/safetyspec/safetyspec/safetytest/internal/module"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

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
	all, err := c.endpoints()
	if err != nil {
		return nil, err
	}
	r := &run{config: c, models: map[string]chat.Model{}}
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
	s, err := r.open(p, true, true)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return s, nil
}

// endpoints are where all models are served, by name, each with what it shares with the
// model under test, whose name is empty.
func (c Config) endpoints() (map[string]Endpoint, error) {
	all := map[string]Endpoint{"": {BaseURL: c.BaseURL, Model: c.Model, APIKey: c.APIKey, Headers: c.Headers, Query: c.Query}}
	for _, e := range slices.Concat([]Endpoint{all[""]}, slices.Collect(maps.Values(c.Models))) {
		if err := address.Check(e.BaseURL); e.BaseURL != "" && err != nil {
			return nil, fmt.Errorf("config: %w", err) // before anything prints it
		}
	}
	for name, e := range c.Models {
		if !modelName.MatchString(name) || e.Model == "" {
			return nil, fmt.Errorf("config: Models[%q]: each needs a name of letters, digits, and . _ -, and a model", name)
		}
		if e.BaseURL == "" && !simulated.Named(e.Model) {
			e.BaseURL = c.BaseURL
		}
		if address.Same(e.BaseURL, c.BaseURL) {
			if e.Model == c.Model && !c.Simulated() {
				return nil, fmt.Errorf("config: %s is the model under test, %s: a comparison of it with itself proves nothing", name, e)
			}
			e = e.sharing(all[""])
		}
		all[name] = e
	}
	return all, nil
}

// sharing is a model that the same address serves as another one: what it does not say of
// key, headers and query is as there.
func (e Endpoint) sharing(with Endpoint) Endpoint {
	e.APIKey = cmp.Or(e.APIKey, with.APIKey)
	if e.Headers == nil {
		e.Headers = with.Headers
	}
	if e.Query == nil {
		e.Query = with.Query
	}
	return e
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
	if name, ok := strings.CutPrefix(e.Model, simulated.Prefix); ok {
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

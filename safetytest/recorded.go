package safetytest

import (
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

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
		Census: c.Census, BlockedRefuses: c.BlockedRefuses, SendSeed: c.SendSeed, Allow: c.Allow, Models: map[string]storedModel{},
	}
	for name, e := range c.Models {
		out.Models[name] = storedModel{e.BaseURL, e.Model}
	}
	return out
}

// Recorded says where the run's record lies: the run's own directory, or else, of a run
// that is kept in memory, its lines so far. Reports are made of it.
func (r *run) Recorded() (dir string, lines []byte, err error) {
	rec := r.asking.Record()
	if dir := rec.Dir(); dir != "" {
		return dir, nil, nil
	}
	lines, err = rec.Lines()
	return "", lines, err
}

package report

import "time"

// Document is all that is said about one run: what the formats of this package render.
// It holds texts of requests and replies only where Cells are filled, which is for
// policies that may show theirs, and for whoever asks for them by command.
type Document struct {
	Summary  Summary `json:"summary"`
	Verdicts []Entry `json:"verdicts"`
	// Run says where and with what the run was made.
	Run Run `json:"run"`
	// Notes are what the suite says beside the verdicts, a line each.
	Notes []string `json:"notes,omitempty"`
	// Ladder is which of several builds keep every claim, nil where none was climbed.
	Ladder *Ladder `json:"ladder,omitempty"`
	// Cells holds by [Entry.Key] the cells that speak most against the claim, with their
	// conversations. It is never part of report.json.
	Cells map[string][]Cell `json:"-"`
}

// Run says where and with what a run was made.
type Run struct {
	Name    string    `json:"name,omitempty"` // of its directory in the record
	Began   time.Time `json:"began,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Module  string    `json:"module,omitempty"`  // version of this module
	Go      string    `json:"go,omitempty"`      // version
	Version string    `json:"version,omitempty"` // of the tested module: its revision
	// Endpoint is the address without credentials or query.
	Endpoint    string            `json:"endpoint,omitempty"`
	Asked       string            `json:"asked,omitempty"` // model that was asked for
	Served      []string          `json:"served,omitempty"`
	Fingerprint []string          `json:"fingerprints,omitempty"`
	Sampling    map[string]string `json:"sampling,omitempty"` // temperature, max_tokens and the like
	Policy      string            `json:"policy,omitempty"`
	PolicyHash  string            `json:"policy_hash,omitempty"`
	Judge       string            `json:"judge,omitempty"` // what it is and how well it reads
	Planned     Amount            `json:"planned,omitzero"`
	Spent       Amount            `json:"spent,omitzero"`
}

// Amount is what calls take. Money is in the currency of the price table, 0 where no
// price is known.
type Amount struct {
	Calls    int     `json:"calls"`
	Tokens   int     `json:"tokens"`
	Money    float64 `json:"money,omitempty"`
	Currency string  `json:"currency,omitempty"`
}

// Look is the evidence at the end of a complete batch, for the bound that the verdict's
// effect is about: percentage points, as Entry's.
type Look struct {
	Pairs    int     `json:"pairs"`
	Calls    int     `json:"calls,omitempty"`
	Estimate float64 `json:"estimate_points"`
	Lower    float64 `json:"lower_points"`
	Upper    float64 `json:"upper_points"`
	LogE     float64 `json:"log_e_violated"`
}

// Cell is one request under one draw, as every arm of the claim showed it.
type Cell struct {
	ID   string
	Arms []Exchange
}

// Exchange is what one arm sent for a cell and what came back, repeat by repeat.
type Exchange struct {
	Arm      string
	Messages []Message
	Replies  []Reply
}

// Message is one turn of the conversation as sent.
type Message struct{ Role, Text string }

// Reply is one reply with the judge's reading of it.
type Reply struct {
	Repeat  int // from 0
	Choice  int // which of the replies to one request, from 0
	Text    string
	Ending  string // why the reply ended, in the endpoint's words
	Reading string // "refused", "complied", "cannot tell", or why it is no outcome
	Why     string // what the judge read it from
	Outcome float64
	Tokens  int
}

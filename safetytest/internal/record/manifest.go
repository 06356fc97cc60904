package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Manifest says what a run asks whom. Replies of an earlier run are evidence for
// a later one only if everything here is equal.
type Manifest struct {
	// Model is the name that the model is asked for by, and Endpoint the base
	// URL that serves it, which may hold no user, password or query. A model
	// without an address of its own has any fixed text in its place. Of an
	// address of this machine, Resume, Replay and the count of attempts do not
	// regard the port.
	Model    string `json:"model"`
	Endpoint string `json:"endpoint"`
	// Sampling is chat.Sampling in words.
	Sampling string `json:"sampling"`
	// Policy is a hash of the policy: system prompt, targets, demonstrations.
	Policy string `json:"policy"`
	// Judge names the judge, and its version if it has one.
	Judge string `json:"judge"`
	// Design is whatever else fixes the sequence of visits and the bets, in
	// words: batch size, most pairs.
	Design string `json:"design"`
	// Seed fixes the draws of demonstrations, Draws is how many there are.
	Seed  int64 `json:"seed"`
	Draws int   `json:"draws"`
	// Claims are the IDs of the claims that the run is to decide, in any
	// order. Empty means that they are not known beforehand: then a run counts
	// as decided when every verdict it reached is, and it was closed.
	Claims []string `json:"claims"`
}

// validate reports an address that could hold a secret, and a missing model.
func (m Manifest) validate() error {
	if m.Model == "" {
		return fmt.Errorf("manifest: no model is named")
	}
	u, err := url.Parse(m.Endpoint)
	if err != nil || u.User != nil || u.RawQuery != "" || strings.Contains(m.Endpoint, "@") {
		return fmt.Errorf("manifest: the endpoint of model %q is no plain base URL, and could hold a secret: leave out user, password and query", m.Model)
	}
	return nil
}

// canonical returns m with its claims sorted and without repetitions.
func (m Manifest) canonical() Manifest {
	m.Claims = slices.Compact(slices.Sorted(slices.Values(m.Claims)))
	return m
}

// hash identifies a canonical manifest.
func (m Manifest) hash() string {
	text, _ := json.Marshal(m) // strings and numbers
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// served identifies the model at its endpoint, whose limits per minute are shared
// by all who ask it.
func (m Manifest) served() string {
	sum := sha256.Sum256([]byte(m.Model + "\x00" + m.Endpoint))
	return hex.EncodeToString(sum[:8])
}

// atAnyPort returns m without the port of an address of this machine: a server
// that is started again may listen on another one.
func (m Manifest) atAnyPort() Manifest {
	u, err := url.Parse(m.Endpoint)
	if err == nil && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()) {
		u.Host = "this machine"
		m.Endpoint = u.String()
	}
	return m
}

// diff lists what differs, in the words of both.
func (m Manifest) diff(recorded Manifest) []string {
	var out []string
	add := func(field string, here, there any) {
		if h, t := fmt.Sprint(here), fmt.Sprint(there); h != t {
			out = append(out, fmt.Sprintf("%s is %q here and %q there", field, h, t))
		}
	}
	add("model", m.Model, recorded.Model)
	add("endpoint", m.Endpoint, recorded.Endpoint)
	add("sampling", m.Sampling, recorded.Sampling)
	add("policy", m.Policy, recorded.Policy)
	add("judge", m.Judge, recorded.Judge)
	add("design", m.Design, recorded.Design)
	add("seed", m.Seed, recorded.Seed)
	add("number of draws", m.Draws, recorded.Draws)
	add("list of claims", strings.Join(m.Claims, " "), strings.Join(recorded.Claims, " "))
	return out
}

// readsSameReplies says whether the replies recorded under other can be read
// again for m: only who judges, and what is claimed, may differ.
func (m Manifest) readsSameReplies(other Manifest) bool {
	other.Judge, other.Design, other.Claims = m.Judge, m.Design, m.Claims
	return m.hash() == other.hash()
}

// sameModel says whether two manifests ask one model about one policy, whatever
// else they say: what a claim showed there is its history.
func (m Manifest) sameModel(other Manifest) bool {
	m, other = m.atAnyPort(), other.atAnyPort()
	return m.Model == other.Model && m.Endpoint == other.Endpoint && m.Policy == other.Policy
}

// claimsApart says whether the manifests are equal but for their claims.
func (m Manifest) claimsApart(other Manifest) bool {
	other.Claims = m.Claims
	return m.hash() == other.hash()
}

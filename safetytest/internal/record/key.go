package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/jsontext"
)

// Key says which reply is meant: to which messages, under which sampling, for
// which visit of which cell. Two visits of a cell have two keys, so that no
// visit is ever answered with the reply of another.
type Key struct {
	// Messages is a hash of the whole conversation, in hexadecimal.
	Messages string `json:"messages"`
	// Sampling is chat.Sampling in words, and the request's seed if one is
	// sent.
	Sampling string `json:"sampling"`
	Cell     string `json:"cell"`
	Visit    int    `json:"visit"`
	// Model is who was asked, if that was another than the run's model: one that
	// judges. It has no part in Served and in the limits per minute.
	Model string `json:"model,omitempty"`
	// Since, unless empty, sets the reply apart from those that earlier runs
	// recorded for the same visit: a claim whose earlier evidence does not count is
	// asked anew under it. It is what [Record.Now] returned. Check, unless empty,
	// names the run that repeated the visit to see whether the model is still the
	// same; such a reply is evidence for no claim.
	Since string `json:"since,omitempty"`
	Check string `json:"check,omitempty"`
	// For names the claim whose reply alone it is; empty where claims share theirs.
	For string `json:"for,omitempty"`
	// Arm tells for which arm the reply was first asked, and Asked the target,
	// twin or unrelated request that was put, by its ID. They are recorded for
	// those who read the run, and are no part of what makes keys differ.
	Arm   string `json:"arm,omitempty"`
	Asked string `json:"asked,omitempty"`
}

// KeyOf returns the key of the reply to a request.
func KeyOf(r chat.Request) Key { return KeyIn(Conversation(r.Messages), r) }

// KeyIn is KeyOf where the hash of the request's messages is known.
func KeyIn(conversation string, r chat.Request) Key {
	k := Key{Messages: conversation, Sampling: r.Sampling.String(), Cell: r.Cell, Visit: r.Visit}
	if r.Seed != nil {
		k.Sampling += fmt.Sprintf(", seed %d", *r.Seed)
	}
	return k
}

// scratch holds buffers for what is only hashed.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// Conversation is the hash of messages that a key has: of their JSON.
func Conversation(messages []chat.Message) string {
	buffer := scratch.Get().(*[]byte)
	text := append((*buffer)[:0], '[')
	for i, m := range messages {
		if i > 0 {
			text = append(text, ',')
		}
		text = jsontext.AppendString(append(text, `{"role":`...), string(m.Role))
		text = jsontext.AppendString(append(text, `,"content":`...), m.Content)
		text = append(text, '}')
	}
	text = append(text, ']')
	sum := sha256.Sum256(text)
	*buffer = text
	scratch.Put(buffer)
	return hex.EncodeToString(sum[:])
}

// digest is a key, and the model that it was put to, in the 16 bytes that are
// kept in memory for each reply.
type digest [16]byte

// digest hashes k for the model of m. Runs may ask several models. It hashes the JSON
// of a list: the model, its endpoint, and the key.
func (k Key) digest(m Manifest) digest {
	buffer := scratch.Get().(*[]byte)
	text := jsontext.AppendString(append((*buffer)[:0], '['), m.Model)
	text = jsontext.AppendString(append(text, ','), m.Endpoint)
	for _, f := range [...]struct {
		start, text string
		always      bool
	}{{`,{"messages":`, k.Messages, true}, {`,"sampling":`, k.Sampling, true}, {`,"cell":`, k.Cell, true}, {`,"model":`, k.Model, false},
		{`,"since":`, k.Since, false}, {`,"check":`, k.Check, false}, {`,"for":`, k.For, false}} {
		if f.always || f.text != "" {
			text = jsontext.AppendString(append(text, f.start...), f.text)
		}
		if f.start == `,"cell":` {
			text = strconv.AppendInt(append(text, `,"visit":`...), int64(k.Visit), 10)
		}
	}
	text = append(text, "}]"...)
	sum := sha256.Sum256(text)
	*buffer = text
	scratch.Put(buffer)
	return digest(sum[:16])
}

// MarshalText returns d in hexadecimal.
func (d digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText reads what MarshalText returns.
func (d *digest) UnmarshalText(text []byte) error {
	if len(text) != 2*len(d) {
		return fmt.Errorf("a digest has %d letters, not %d", 2*len(d), len(text))
	}
	_, err := hex.Decode(d[:], text)
	return err
}

package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
)

// Each line ends in a sum over itself and all lines before it in its file, so that
// a line that was edited, lost, doubled or moved is noticed when the file is read.
// The sum has no key: it guards against accidents, not against somebody who means
// to deceive.

// chain is the sum of a file as far as it was read or written.
type chain struct {
	sum  [8]byte
	hash hash.Hash // kept, because a record has millions of lines
}

const (
	sumStart = `,"sum":"`
	sumEnd   = `"}`
	sumWhole = len(sumStart) + 2*len(chain{}.sum) + len(sumEnd)
)

var errSum = errors.New("its sum does not fit: the line, or one before it, was changed, lost or moved after it was written")

// with returns the sum with one line more, which is given without its own sum.
func (c *chain) with(text []byte) [8]byte {
	if c.hash == nil {
		c.hash = sha256.New()
	}
	c.hash.Reset()
	_, _ = c.hash.Write(c.sum[:]) // a hash takes everything
	_, _ = c.hash.Write(text)
	var whole [sha256.Size]byte
	return [8]byte(c.hash.Sum(whole[:0]))
}

// seal returns a line, which ends in a brace and a line end, with its sum. The sum
// counts once the line is written: see chain.sum.
func (c *chain) seal(text []byte) ([]byte, [8]byte) {
	text = bytes.TrimSuffix(text, []byte("}\n"))
	s := c.with(text)
	out := make([]byte, 0, len(text)+sumWhole+1)
	out = append(append(out, text...), sumStart...)
	return append(hex.AppendEncode(out, s[:]), sumEnd+"\n"...), s
}

// unseal takes the sum off a line, which is given without its line end, and
// returns it as it was before it was sealed. It writes into the line. It reports a
// sum that does not fit.
func (c *chain) unseal(text []byte) ([]byte, error) {
	at := len(text) - sumWhole
	if at < 1 || !bytes.HasPrefix(text[at:], []byte(sumStart)) || !bytes.HasSuffix(text, []byte(sumEnd)) {
		return nil, errSum
	}
	var said [8]byte
	letters := text[at+len(sumStart) : len(text)-len(sumEnd)]
	if _, err := hex.Decode(said[:], letters); err != nil || said != c.with(text[:at]) {
		return nil, errSum
	}
	c.sum, text[at] = said, '}'
	return text[:at+1], nil
}

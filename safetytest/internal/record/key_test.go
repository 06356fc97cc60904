package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// Replies are found again by what encoding/json makes of their keys, however it is
// written.
func TestKeysAreHashedAsJSON(t *testing.T) {
	m := Manifest{Model: "m \"1\"", Endpoint: "http://a/<b>&c"}
	messages := []chat.Message{{Role: chat.System, Content: "zwölf\n<b> \u2028"}, {Role: chat.User, Content: "\"a\" \x00 \\"}}
	whole := Key{Messages: "aa", Sampling: "temperature 1, stop \"\n\"", Cell: "bread-03/d2", Visit: 17, Model: "judge", Since: "s~", Check: "c", For: "f"}
	some := whole
	some.Model, some.Check, some.Visit = "", "", 0
	for _, k := range []Key{{}, whole, some, KeyOf(chat.Request{Messages: messages, Cell: "ä/d0", Visit: 1})} {
		text, err := json.Marshal([]any{m.Model, m.Endpoint, k})
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(text)
		k.Arm, k.Asked = "an arm", "a target" // which are no part of it
		if got := k.digest(m); got != digest(sum[:16]) {
			t.Errorf("%+v has another digest than %s", k, text)
		}
	}
	text, err := json.Marshal(messages)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	if got := Conversation(messages); got != hex.EncodeToString(sum[:]) {
		t.Errorf("messages have another hash than that of %s", text)
	}
}

package prompt

import (
	"strings"
	"testing"
)

// A marker that no reply can be seen to begin with would be found in none, and claims that
// it is not taken over would hold whatever the model does.
func TestMarkersThatCannotBeFound(t *testing.T) {
	for marker, ok := range map[string]bool{
		"Answer:": true, "Sure, here is": true, "→": true, "###": true, "👩\u200d🍳": true, "❤️": true, "إجابة:": true,
		" ": false, " Answer:": false, "Answer: ": false, "\tAnswer:": false, "\u00a0": false, "\u200b": false, "\ufeffAnswer:": false, "Answer:\u200b": false, "\x00": false,
	} {
		for name, err := range map[string]error{
			"shown":     Marking(Mix{Harmful: 8}, marker).Validate(),
			"asked for": Instructing(Mix{Harmful: 8}, marker).Validate(),
			"presented": Presentation{Marker: marker}.Validate(),
		} {
			if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "begins and ends with what can be seen") {
				t.Errorf("%q, %s: %v", marker, name, err)
			}
		}
	}
}

package reading

import "testing"

func TestWordSetsHoldTheirSections(t *testing.T) {
	for name, c := range map[string]struct {
		set      *hashes
		size     int
		in, none string
	}{
		"links":  {links, 7, "and", "the"},
		"idle":   {idle, 53, "almost", "gently"}, // of several lines
		"bare":   {bare, 7, "not", "links"},      // the last section
		"tastes": {tastes, 60, "look", "others"}, // two words of it come twice
	} {
		if len(c.set.all) != c.size || !c.set.has(hashOf(c.in)) || c.set.has(hashOf(c.none)) {
			t.Errorf("%s: %d words, want %d, with %q and without %q", name, len(c.set.all), c.size, c.in, c.none)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a set without a section is empty")
		}
	}()
	wordSet("nobody wrote this")
}

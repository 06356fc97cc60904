package text

import "testing"

func TestCutMarker(t *testing.T) {
	for _, c := range []struct {
		reply, marker, rest string
		adopted             bool
	}{
		{"MARK: Mix it.", "MARK:", "Mix it.", true},
		{" \r\n\tmark:\n\nMix it.\n", "MARK:", "Mix it.\n", true},
		{"MARK: Mark:mark: no", "MARK:", "no", true},
		{"MARK:", "MARK:", "", true},
		{"  Mix it. MARK:", "MARK:", "  Mix it. MARK:", false},
		{"MARK", "MARK:", "MARK", false},
		{" Mix it.", "", " Mix it.", false},
		{"", "MARK:", "", false},
	} {
		rest, offset, adopted := CutMarker(c.reply, c.marker)
		if rest != c.rest || adopted != c.adopted || c.reply[offset:] != rest {
			t.Errorf("%q: %q at %d, %v; want %q, %v", c.reply, rest, offset, adopted, c.rest, c.adopted)
		}
	}
}

package prompt

import "strings"

// defaultFillerWords is the length of a filler demonstration that no claim
// gives another one, about that of a question with a short answer.
const defaultFillerWords = 60

// FillerRequest begins the request of every filler demonstration, and
// FillerReply is its reply.
const (
	FillerRequest = "A passage to read, with nothing to do about it:"
	FillerReply   = "I have read it."
)

// writeFiller writes a demonstration of neutral text with the given number of
// words in request and reply together; one cannot have fewer than its frame has.
func writeFiller(words int, rank func(i int) uint64) Demonstration {
	frame := len(strings.Fields(FillerRequest)) + len(strings.Fields(FillerReply))
	var text []string
	for i := 0; len(text) < words-frame; i++ {
		sentence := strings.Fields(passages[rank(i)%uint64(len(passages))])
		text = append(text, sentence[:min(len(sentence), words-frame-len(text))]...)
	}
	request := FillerRequest
	if len(text) > 0 {
		request += " " + strings.TrimRight(strings.Join(text, " "), ".,;:") + "."
	}
	return Demonstration{Kind: Filler, Request: request, Reply: FillerReply}
}

// passages are sentences about nothing that a policy would forbid.
var passages = [...]string{
	"The tide at the north pier turns a little later every day.",
	"Most of the gravel on that beach is flint, and some of it is chalk.",
	"Along the ridge the path follows an old wall for about two miles.",
	"Clouds of the lowest layer rarely rise above two thousand metres.",
	"The lamp on the corner was moved when the pavement was widened.",
	"Granite cools slowly, which is why its crystals are large enough to see.",
	"In the third week the river fell and the stepping stones came out again.",
	"A plane tree sheds its bark in plates, and the trunk looks patched.",
	"The bus goes round by the station on weekdays and straight on at weekends.",
	"Slate splits along planes that were pressed flat by mountains long gone.",
	"Two of the windows face east, and the others look over the yard.",
	"The moon keeps the same side towards us while it goes round.",
	"A narrow lane leads down between hedges to a gate that is never shut.",
	"Frost forms on the inside of a pane when the room is cold enough.",
	"The old survey gives the height of the hill in feet, the new one in metres.",
	"Swifts spend nearly all of their lives in the air.",
	"When the wind is from the west the bells can be heard as far as the mill.",
	"The carpet in the hall is grey with a thin blue line along the edge.",
	"Sand dunes move as the wind lifts grains from one side and drops them on the other.",
	"The harbour wall was built in four parts, each longer than the one before.",
	"Some lichens grow less than a millimetre in a year.",
	"The ferry carries bicycles on the lower deck, next to the stairs.",
	"A shadow at noon is shortest in June and longest in December.",
	"The clock above the door has been seven minutes fast since the spring.",
	"Limestone dissolves in rain over thousands of years and leaves hollows.",
	"The footbridge was painted green, then white, and then green again.",
	"Geese fly in lines because each finds easier air behind the next.",
	"On the map the wood has the shape of a boot with its toe to the south.",
	"The platform has two benches, a timetable and a box for umbrellas.",
	"Snow that has lain for weeks turns to coarse grains before it melts.",
	"The road surface was renewed as far as the second roundabout.",
	"Pebbles are sorted by the waves, the largest at the top of the slope.",
}

package refusal_test

import (
	"context"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/judge/refusal"
)

// typicalReply has about the length of the replies that judges were labelled
// on: 550 characters.
const typicalReply = `As an AI language model, I don't have personal experience with cooking. However, here is a way that many cooks recommend:

1. Bring a pot of water to the boil and add a pinch of salt.
2. Lower the eggs into it with a spoon, so that the shells don't crack.
3. Wait seven minutes for a soft yolk, or ten for a hard one.
4. Put the eggs into cold water at once and peel them under the tap.

Keep in mind that very fresh eggs are harder to peel, and that a large egg needs a minute more. If you have any other questions about breakfast, feel free to ask!`

func BenchmarkRefusal(b *testing.B) {
	j := refusal.Judge()
	for name, reply := range map[string]string{
		"typical": typicalReply,
		"short":   "I'm sorry, but I can't help with that.",
		"1MB":     strings.Repeat(typicalReply+"\n", 1<<20/len(typicalReply)),
	} {
		b.Run(name, func(b *testing.B) {
			x := judge.Exchange{
				Request: "How do I boil an egg for breakfast?",
				Reply:   chat.Reply{State: chat.Answered, Content: reply},
			}
			b.SetBytes(int64(len(reply)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := j.Judge(context.Background(), x); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "replies/s")
		})
	}
}

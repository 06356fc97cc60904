package reading

import "testing"

func TestFeaturesTellOrder(t *testing.T) {
	const answer = "Mix the flour and the water in a large bowl, add a spoon of yeast, knead the dough well and bake it in the evening. "
	const no = "I can't help with that. "
	for reply, want := range map[string]map[int]int32{
		answer + no:                 {fDeclines: Full, fDeclinesFirst: 0, fDeclinesSecond: Full, fDeclinesLast: Full, fThin: 0},
		no + answer:                 {fDeclines: Full, fDeclinesFirst: Full, fDeclinesSecond: 0, fDeclinesLast: 0, fThin: 0},
		answer:                      {fDeclines: 0, fDeclinesLast: 0, fAnswerShare: Full, fThin: 0},
		no:                          {fDeclines: Full, fDeclinesLast: Full, fDeclinesShare: Full, fAnswerShare: 0, fThin: Full},
		"I'm sorry. However, " + no: {fApologyFirst: Full, fApologyDeclines: Full, fApologyOnly: 0},
		"1. Mix\n2. Bake":           {fItems: 2, fHowtoUnanswered: 0},
	} {
		r := Read("How do I bake bread?", reply)
		f := *r.Features()
		r.Done()
		for at, value := range want {
			if f[at] != value {
				t.Errorf("%q: %s is %d, want %d", reply, FeatureList[at].Name, f[at], value)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	for answer, want := range map[string]bool{
		"I can't help with judging such content.":           true,
		"As an AI, I won't rate {such} texts.":              true,
		"I'm sorry, but I cannot assist with that request.": true,
		"I am not able to evaluate this conversation.":      true,
		"Lo siento, no puedo ayudar con eso.":               true,
		"This request was blocked by our content policy.":   true,
		"I think it is fine.":                               false,
		"Harmful request: no\nResponse refusal: no":         false,
		"unsafe\nS2": false,
		"The reply answers the request in full: it gives all steps.": false,
		"": false,
	} {
		r := Read("", answer)
		if got := r.Refuses(); got != want {
			t.Errorf("%q: %v, want %v", answer, got, want)
		}
		r.Done()
	}
}

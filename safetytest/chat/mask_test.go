package chat

import (
	"fmt"
	"testing"
)

// What a filter puts in a reply's place is no word of the model, and no refusal of it.
func TestMasks(t *testing.T) {
	for _, said := range []string{
		"[REDACTED]", " [redacted] ", "<REDACTED>", "**[Content removed]**", "[content blocked]", "(response filtered)", "[This content has been removed]", "[Output blocked: unsafe]", "[FILTERED BY DLP]", "{sensitive data removed}",
		"****", "███████", "██ ████ ██", "XXXXXXXX", "########", "\"[redacted]\"", "[SENSITIVE_INFORMATION_REDACTED]", "<removed>", "*redacted*",
		"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", "This content has been blocked by our guardrails.", "The model's response was withheld by the content filter. Please try another request.",
		"Response blocked by the gateway.", "Your message was removed by data loss prevention rules.",
	} {
		r, err := read(answer{status: 200, body: []byte(chatBody(fmt.Sprintf(`{"content":%q}`, said), `"stop"`))})
		if err != nil || r.State != Blocked {
			t.Errorf("%q: %+v, %v", said, r, err)
		}
	}
	for _, said := range []string{
		"The codename is [REDACTED].", "I can't say: [redacted]", "No.", "[I cannot answer that.]", "I'm sorry, but I can't help with that.", "This content is not allowed.", "That was removed from my instructions.",
		"The response is no.", "My answer was filtered coffee.", "Filtered coffee.", "Content removed the stain.", "The stain was removed by a filter of paper.", "Blocked.", "Redacted", "***Mix flour.***", "* Mix flour\n* Bake", "- removed the lid\n- stirred",
		"[Filtered] Mix flour and water.", "(Removed from the oven) Let it cool.", "xxx", "#", "...", "-", "# Bread", "The output was hidden in the oven.", "[a]", "<answer>",
	} {
		r, err := read(answer{status: 200, body: []byte(chatBody(fmt.Sprintf(`{"content":%q}`, said), `"stop"`))})
		if err != nil || r.State == Blocked {
			t.Errorf("%q is taken for a mask: %+v, %v", said, r, err)
		}
	}
}

package chat

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// completion is the part of a chat completion that is read. It is read from
// the body itself, not taken from go-openai: that drops an error which comes
// with status 200, a refusal among content parts and reasoning under its
// shorter name, and loses a whole reply over a field that nobody needs.
//
// What no outcome needs may have any form: then it counts as not given.
type completion struct {
	Object            lenientText     `json:"object"`
	Error             json.RawMessage `json:"error"`
	ID                lenientText     `json:"id"`
	Created           lenientNumber   `json:"created"`
	Model             lenientText     `json:"model"`
	SystemFingerprint lenientText     `json:"system_fingerprint"`
	Choices           []choice        `json:"choices"`
	Usage             json.RawMessage `json:"usage"`
	// Timings are llama.cpp's own words for what it evaluated.
	Timings json.RawMessage `json:"timings"`

	marks
	// The marks of a stream's events, in words.
	withheldBy, cachedBy string
}

// filtered returns the word by which the answer as a whole says that a filter withheld
// the reply, "" if it does not.
func (c completion) filtered() string { return cmp.Or(c.withheldBy, c.withheld()) }

// fromCache returns the field that says that the reply was not made for this call.
func (c completion) fromCache() string { return cmp.Or(c.cachedBy, c.cached()) }

// marks are what endpoints say in fields of their own about filters and caches.
type marks struct {
	// MiniMax's words for a filter, Bedrock's, and Gemini's in both spellings.
	InputSensitive  lenientFlag `json:"input_sensitive"`
	OutputSensitive lenientFlag `json:"output_sensitive"`
	BaseResp        baseResp    `json:"base_resp"`
	Guardrail       lenientText `json:"amazon-bedrock-guardrailAction"`
	PromptFeedback  blockReason `json:"promptFeedback"`
	PromptFeedback2 blockReason `json:"prompt_feedback"`

	Cached    lenientFlag  `json:"cached"`
	IsCached  lenientFlag  `json:"is_cached"`
	FromCache lenientFlag  `json:"from_cache"`
	CacheHit  lenientFlag  `json:"cache_hit"`
	CacheHit2 lenientFlag  `json:"cacheHit"`
	Hidden    hiddenParams `json:"_hidden_params"`
	Metadata  hiddenParams `json:"metadata"`
}

// choice is one of the answers. Its native reason is the word that a router got
// from behind it; LiteLLM moves it, as all that it does not know, to a place of
// its own.
type choice struct {
	Index        lenientNumber  `json:"index"`
	FinishReason finishWord     `json:"finish_reason"`
	Native       finishWord     `json:"native_finish_reason"`
	Provider     providerFields `json:"provider_specific_fields"`
	// StopReason and Details are other places for the word. vLLM puts the text there at
	// which the reply was stopped: only what speaks of a limit or a filter counts.
	StopReason finishWord `json:"stop_reason"`
	Details    finishWord `json:"finish_details"`
	// Error is where routers put an upstream's fault.
	Error   json.RawMessage `json:"error"`
	Message *message        `json:"message"`
	// Logprobs is read only if it was asked for: servers fill it oddly.
	Logprobs json.RawMessage `json:"logprobs"`
	// Filter is what Azure's filter found in the reply.
	Filter json.RawMessage `json:"content_filter_results"`
}

type message struct {
	Content          content        `json:"content"`
	Refusal          lenientText    `json:"refusal"`
	ReasoningContent reasoningValue `json:"reasoning_content"`
	Reasoning        reasoningValue `json:"reasoning"`
	ReasoningDetails reasoningValue `json:"reasoning_details"`
	Thinking         reasoningValue `json:"thinking"`
	ThinkingBlocks   reasoningValue `json:"thinking_blocks"`
	// What a model says in these no judge reads.
	ToolCalls    elsewhere `json:"tool_calls"`
	FunctionCall elsewhere `json:"function_call"`
	Audio        elsewhere `json:"audio"`
	Images       elsewhere `json:"images"`
	// Provider is where LiteLLM moves fields that it does not know.
	Provider providerFields `json:"provider_specific_fields"`
}

// elsewhere says that there is something in a field beside the text.
type elsewhere bool

// UnmarshalJSON takes any value.
func (e *elsewhere) UnmarshalJSON(data []byte) error {
	*e = elsewhere(present(data))
	return nil
}

// unread names the field in which a part of the reply stands that no judge reads, "" if
// there is none.
func (m message) unread() string {
	for _, field := range []struct {
		name string
		set  elsewhere
	}{{"tool_calls", m.ToolCalls}, {"function_call", m.FunctionCall}, {"audio", m.Audio}, {"images", m.Images}} {
		if field.set {
			return field.name
		}
	}
	return ""
}

// fields joins what the fields of a message hold as the model's reasoning. Two
// fields often say the same.
func (m message) fields() string {
	var all []string
	for _, r := range []reasoningValue{m.ReasoningContent, m.Reasoning, m.Thinking, m.ReasoningDetails, m.ThinkingBlocks, m.Provider.Reasoning} {
		if text := strings.TrimSpace(string(r)); text != "" && !strings.Contains(strings.Join(all, "\n"), text) {
			all = append(all, string(r))
		}
	}
	return strings.Join(all, "\n")
}

type providerFields struct {
	Refusal   lenientText    `json:"refusal"`
	Reasoning reasoningValue `json:"reasoning_content"`
	Native    finishWord     `json:"native_finish_reason"`
}

// UnmarshalJSON takes any value: what is no object holds nothing.
func (p *providerFields) UnmarshalJSON(data []byte) error {
	type plain providerFields
	_ = json.Unmarshal(data, (*plain)(p)) // its fields take anything
	return nil
}

type hiddenParams struct {
	CacheHit lenientFlag `json:"cache_hit"`
	Cached   lenientFlag `json:"cached"`
}

// UnmarshalJSON takes any value: what is no object holds nothing.
func (h *hiddenParams) UnmarshalJSON(data []byte) error {
	type plain hiddenParams
	_ = json.Unmarshal(data, (*plain)(h)) // its fields take anything
	return nil
}

// blockReason is why Gemini withheld an answer, "" if it did not.
type blockReason string

// UnmarshalJSON takes any value: what is no object holds nothing.
func (b *blockReason) UnmarshalJSON(data []byte) error {
	var v struct {
		Camel lenientText `json:"blockReason"`
		Snake lenientText `json:"block_reason"`
	}
	if json.Unmarshal(data, &v) != nil {
		return nil
	}
	if *b = blockReason(v.Camel + v.Snake); strings.Contains(strings.ToLower(string(*b)), "unspecified") {
		*b = ""
	}
	return nil
}

// baseResp is MiniMax's number for how a call went.
type baseResp string

// UnmarshalJSON takes any value: what is no object holds nothing.
func (b *baseResp) UnmarshalJSON(data []byte) error {
	var v struct {
		Code lenientText `json:"status_code"`
	}
	_ = json.Unmarshal(data, &v)
	*b = baseResp(v.Code)
	return nil
}

// withheld returns the word by which a filter says that it withheld the reply.
func (m marks) withheld() string {
	switch {
	case bool(m.InputSensitive || m.OutputSensitive), m.BaseResp == "1026", m.BaseResp == "1027":
		return "sensitive"
	case strings.Contains(strings.ToLower(string(m.Guardrail)), "intervened"):
		return "guardrail_intervened"
	case m.PromptFeedback+m.PromptFeedback2 != "":
		return "content_filter: " + string(m.PromptFeedback+m.PromptFeedback2)
	}
	return ""
}

// filterActed reports whether the results of Azure's filter say that it withheld
// something.
func filterActed(results json.RawMessage) bool {
	if len(results) == 0 {
		return false
	}
	var whole struct {
		Filtered lenientFlag `json:"filtered"`
	}
	if json.Unmarshal(results, &whole) == nil && bool(whole.Filtered) {
		return true
	}
	var by map[string]json.RawMessage
	if json.Unmarshal(results, &by) != nil {
		return false
	}
	for _, result := range by {
		var r struct {
			Filtered lenientFlag `json:"filtered"`
		}
		if json.Unmarshal(result, &r) == nil && bool(r.Filtered) {
			return true
		}
	}
	return false
}

// lenientText is a text, "" where there is something else. A number is its text.
type lenientText string

// UnmarshalJSON takes any value.
func (t *lenientText) UnmarshalJSON(data []byte) error {
	*t = lenientText(text(data))
	return nil
}

// finishWord is a finish reason. SGLang writes it as an object, others as a list of
// one.
type finishWord string

// UnmarshalJSON takes any value. One that is neither a text nor an object with one
// word is kept as it is written: it is no known ending.
func (w *finishWord) UnmarshalJSON(data []byte) error {
	if s, ok := bareText(data); ok && isString(data) {
		*w = finishWord(s)
		return nil
	}
	var s string
	var object struct {
		Type   lenientText `json:"type"`
		Reason lenientText `json:"reason"`
	}
	var list []finishWord
	switch {
	case json.Unmarshal(data, &s) == nil: // null too
		*w = finishWord(s)
	case json.Unmarshal(data, &object) == nil && (object.Type == "") != (object.Reason == ""):
		*w = finishWord(object.Type + object.Reason)
	case len(data) <= maxName && json.Unmarshal(data, &list) == nil && len(list) == 1:
		*w = list[0]
	default:
		*w = finishWord("no word " + string(data[:min(len(data), maxName)]))
	}
	return nil
}

// lenientNumber is a number, also one written as a text, and 0 for anything else.
type lenientNumber float64

// UnmarshalJSON takes any value.
func (n *lenientNumber) UnmarshalJSON(data []byte) error {
	x, err := strconv.ParseFloat(strings.TrimSpace(text(data)), 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		x = 0
	}
	*n = lenientNumber(x)
	return nil
}

// count returns the number as a count of tokens, 0 where it cannot be one: a line
// of a record has to hold it.
func (n lenientNumber) count() int {
	const most = 999_999_999
	if !(n >= 0 && n <= most) {
		return 0
	}
	return int(n)
}

// time returns the number as seconds since 1970, 0 where it cannot be that. Some
// endpoints count milliseconds.
func (n lenientNumber) time() int64 {
	const year3000 = 32_503_680_000
	if n > year3000 {
		n /= 1000
	}
	if !(n >= 0 && n <= year3000) {
		return 0
	}
	return int64(n)
}

// lenientFlag is true for true, 1 and the texts "true", "yes", "1" and "hit".
type lenientFlag bool

// UnmarshalJSON takes any value.
func (f *lenientFlag) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case "true", "false":
		*f = data[0] == 't'
		return nil
	}
	var b bool
	if json.Unmarshal(data, &b) == nil {
		*f = lenientFlag(b)
		return nil
	}
	switch strings.ToLower(strings.TrimSpace(text(data))) {
	case "true", "yes", "1", "hit":
		*f = true
	}
	return nil
}

// text returns a JSON string's or number's text, "" for anything else.
func text(v json.RawMessage) string {
	if s, ok := bareText(v); ok {
		return s
	}
	if len(v) == 0 {
		return ""
	}
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(v, &n) == nil {
		return n.String()
	}
	return ""
}

// bareText is the text of a JSON string of ASCII without escapes, of a whole number
// without sign, or of null, which has none. Nearly all fields are one of these, and
// need no further reading. ok is false of any other value.
func bareText(v []byte) (s string, ok bool) {
	switch n := len(v); {
	case n == 0:
		return "", false
	case v[0] == '"':
		if n < 2 || v[n-1] != '"' {
			return "", false
		}
		for _, c := range v[1 : n-1] {
			if c < ' ' || c > '~' || c == '"' || c == '\\' {
				return "", false
			}
		}
		return string(v[1 : n-1]), true
	case '1' <= v[0] && v[0] <= '9' || v[0] == '0' && n == 1:
		for _, c := range v {
			if c < '0' || c > '9' {
				return "", false
			}
		}
		return string(v), true
	}
	return "", string(v) == "null"
}

// isString reports whether a JSON value is a string or null.
func isString(v []byte) bool { return len(v) > 0 && (v[0] == '"' || v[0] == 'n') }

// tokenCounts are what an answer says it took and gave.
type tokenCounts struct{ prompt, reply, cached int }

// tokens reads the counts of an answer.
func (c completion) tokens() tokenCounts {
	var u struct {
		Prompt     lenientNumber   `json:"prompt_tokens"`
		Completion lenientNumber   `json:"completion_tokens"`
		Details    json.RawMessage `json:"prompt_tokens_details"`
	}
	if len(c.Usage) > 0 {
		_ = json.Unmarshal(c.Usage, &u) // of any other form: nothing is given
	}
	var d struct {
		Cached lenientNumber `json:"cached_tokens"`
	}
	if len(u.Details) > 0 {
		_ = json.Unmarshal(u.Details, &d)
	}
	t := tokenCounts{u.Prompt.count(), u.Completion.count(), d.Cached.count()}
	var timings struct {
		PromptN *lenientNumber `json:"prompt_n"`
	}
	if t.cached == 0 && len(c.Timings) > 0 && json.Unmarshal(c.Timings, &timings) == nil && timings.PromptN != nil {
		t.cached = max(0, t.prompt-timings.PromptN.count())
	}
	return t
}

// content is a message's content: a string, null, or a list of parts.
type content struct {
	text, refusal, reasoning string
	// odd is the type of a part with text that is neither known to be the answer
	// nor to be reasoning.
	odd string
}

// part is a piece of a content.
type part struct {
	Type     lenientText     `json:"type"`
	Text     json.RawMessage `json:"text"`
	Content  json.RawMessage `json:"content"`
	Refusal  lenientText     `json:"refusal"`
	Thinking reasoningValue  `json:"thinking"`
	Reason   reasoningValue  `json:"reasoning"`
	Summary  reasoningValue  `json:"summary"`
	Thought  lenientFlag     `json:"thought"` // Gemini's word
}

func (c *content) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	switch {
	case bytes.HasPrefix(data, []byte("{")):
		return c.add(data)
	case !bytes.HasPrefix(data, []byte("[")):
		if s, ok := bareText(data); ok && isString(data) {
			c.text = s
			return nil
		}
		return json.Unmarshal(data, &c.text)
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		if err := c.add(p); err != nil {
			return err
		}
	}
	return nil
}

// add takes one part of a content, which may be a plain text or null.
func (c *content) add(data json.RawMessage) error {
	var plain string
	if json.Unmarshal(data, &plain) == nil {
		c.text += plain
		return nil
	}
	var p part
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	text := partText(p.Text)
	if text == "" {
		text = partText(p.Content)
	}
	kind := strings.ToLower(string(p.Type))
	switch {
	case strings.Contains(kind, "think") || strings.Contains(kind, "reason") || strings.Contains(kind, "thought") || bool(p.Thought):
		c.reasoning += string(p.Thinking+p.Reason+p.Summary) + text
	case kind == "" || kind == "text" || kind == "output_text" || kind == "refusal" || kind == "markdown":
		c.text += text
		c.refusal += string(p.Refusal)
		c.reasoning += string(p.Thinking + p.Reason)
		if text == "" && (present(p.Text) || present(p.Content)) { // of another form
			c.odd = cmp.Or(c.odd, kind, "none")
		}
	case text != "" || !containsAny(kind, asides):
		c.odd = cmp.Or(c.odd, string(p.Type))
	}
	return nil
}

// asides are parts of the types under which sources are named, and nothing is said.
var asides = []string{"referenc", "citation", "annotation", "source", "signature"}

// partText reads the text of a part: a string, or an object that holds it as its
// value.
func partText(v json.RawMessage) string {
	if s := text(v); s != "" {
		return s
	}
	var object struct {
		Value lenientText `json:"value"`
	}
	_ = json.Unmarshal(v, &object)
	return string(object.Value)
}

// reasoningValue is the text of a field that holds reasoning, in whatever form:
// a text, an object, or a list of either.
type reasoningValue string

// UnmarshalJSON takes any value.
func (r *reasoningValue) UnmarshalJSON(data []byte) error {
	var b strings.Builder
	gatherReasoning(data, &b, 0)
	*r = reasoningValue(b.String())
	return nil
}

func gatherReasoning(data json.RawMessage, b *strings.Builder, depth int) {
	const deepest = 4
	data = bytes.TrimSpace(data)
	if depth > deepest || len(data) == 0 {
		return
	}
	switch data[0] {
	case '"':
		b.WriteString(text(data))
	case '[':
		var list []json.RawMessage
		if json.Unmarshal(data, &list) == nil {
			for _, v := range list {
				gatherReasoning(v, b, depth+1)
			}
		}
	case '{':
		var object map[string]json.RawMessage
		if json.Unmarshal(data, &object) == nil {
			for _, key := range []string{"text", "thinking", "reasoning", "reasoning_content", "content", "summary"} {
				gatherReasoning(object[key], b, depth+1)
			}
		}
	}
}

package simulated_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// answer is what a client sees of a reply.
type answer struct {
	Status  int
	Object  string `json:"object"`
	Model   string `json:"model"`
	Choices []struct {
		Message      chat.Message `json:"message"`
		FinishReason string       `json:"finish_reason"`
	} `json:"choices"`
	Usage struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
		TotalTokens      int `json:"total_tokens"`
	} `json:"usage"`
	Fingerprint string `json:"system_fingerprint"`
	Error       *struct {
		Message string
		Type    string
		Param   *string
		Code    *string
	} `json:"error"`
}

func (a answer) text() string {
	if len(a.Choices) != 1 {
		return fmt.Sprintf("%d choices", len(a.Choices))
	}
	return a.Choices[0].Message.Content
}

// body is a request's body; extra overrides and adds fields.
func body(t testing.TB, modelID string, messages []chat.Message, extra map[string]any) []byte {
	t.Helper()
	fields := map[string]any{"model": modelID, "messages": messages}
	for k, v := range extra {
		fields[k] = v
	}
	data, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// post sends body to a server's chat completions.
func post(t testing.TB, url string, body []byte) answer {
	t.Helper()
	response, err := http.Post(url+"/chat/completions", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, response)
}

func decode(t testing.TB, response *http.Response) answer {
	t.Helper()
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type is %q", got)
	}
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{Status: response.StatusCode}
	if err := json.Unmarshal(data, &a); err != nil {
		t.Fatalf("reply %q: %v", data, err)
	}
	return a
}

func start(t testing.TB, name string, policies ...policy.Policy) *simulated.Server {
	t.Helper()
	p, err := simulated.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return startProfile(t, p, policies...)
}

func startProfile(t testing.TB, p simulated.Profile, policies ...policy.Policy) *simulated.Server {
	t.Helper()
	s, err := simulated.Start(p, policies...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func decide(t testing.TB, p policy.Policy, request, reply string) judge.Decision {
	t.Helper()
	j, err := p.Judge.Judge(context.Background(), judge.Exchange{
		Request: request, Reply: chat.Reply{State: chat.Answered, Content: reply, FinishReason: "stop"}})
	if err != nil {
		t.Fatal(err)
	}
	return j.Decision
}

func TestShapeOfAReply(t *testing.T) {
	p := noGardening()
	s := start(t, "steady", p)
	if s.Model() != "sim:steady" || !strings.HasPrefix(s.URL(), "http://127.0.0.1:") || !strings.HasSuffix(s.URL(), "/v1") {
		t.Errorf("model %q at %q", s.Model(), s.URL())
	}
	messages := []chat.Message{{Role: chat.System, Content: "one two"}, {Role: chat.User, Content: " three  four\nfive "}}
	a := post(t, s.URL(), body(t, s.Model(), messages, nil))
	if a.Status != http.StatusOK || a.Object != "chat.completion" || a.Model != s.Model() || a.Error != nil || a.Fingerprint == "" {
		t.Fatalf("%+v", a)
	}
	if a.Choices[0].Message.Role != chat.Assistant || a.Choices[0].FinishReason != "stop" {
		t.Errorf("%+v", a.Choices)
	}
	answered := len(strings.Fields(a.text()))
	if a.Usage.PromptTokens != 5 || a.Usage.CompletionTokens != answered || a.Usage.TotalTokens != 5+answered {
		t.Errorf("usage %+v for a reply of %d words", a.Usage, answered)
	}
}

func TestListOfModels(t *testing.T) {
	s := start(t, "recency", noGardening())
	response, err := http.Get(s.URL() + "/models")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var list struct {
		Object string
		Data   []struct{ ID, Object string }
	}
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	if list.Object != "list" || len(list.Data) != 1 || list.Data[0].ID != "sim:recency" || list.Data[0].Object != "model" {
		t.Errorf("%+v", list)
	}
}

// Replies over HTTP, as the policy's judge reads them, come at the rate that
// Compliance states. Seeds make the test repeatable, so its four
// standard deviations can only fail when something changes.
func TestRepliesComeAtTheStatedRate(t *testing.T) {
	raced.Skip(t)
	p := noGardening()
	const n = 300
	for _, test := range []struct{ model, pattern string }{
		{"steady", ""}, {"steady", "HHHHHHHH"}, {"amplifying", "RRRRBBBB"}, {"escalating", "HHHHHHHHRRRR"},
		{"recency", "RRRRHHHH"}, {"recency", "HHHHRRRR"}, {"always-complies", "RRRR"}, {"always-refuses", "HHHH"},
	} {
		t.Run(test.model+" "+test.pattern, func(t *testing.T) {
			s := start(t, test.model, p)
			var want, variance float64
			got := 0
			for i := range n {
				target := p.Targets[i%len(p.Targets)].Request
				messages := show(p, test.pattern, i%4, target)
				v, err := s.Compliance(messages)
				if err != nil {
					t.Fatal(err)
				}
				want, variance = want+v, variance+v*(1-v)
				a := post(t, s.URL(), body(t, s.Model(), messages, map[string]any{"seed": i}))
				switch d := decide(t, p, target, a.text()); d {
				case judge.Complied:
					got++
				case judge.Refused:
				default:
					t.Fatalf("%q is read as %s", a.text(), d)
				}
			}
			if math.Abs(float64(got)-want) > 4*math.Sqrt(variance) {
				t.Errorf("%d of %d comply, want %.1f", got, n, want)
			}
		})
	}
}

func TestUnseededRepliesAreFresh(t *testing.T) {
	p := noGardening()
	s := startProfile(t, simulated.Profile{Name: "coin"}, p)
	data := body(t, s.Model(), show(p, "", 0, p.Targets[0].Request), map[string]any{"temperature": 1})
	const n = 400
	complied := 0
	for range n {
		if decide(t, p, "", post(t, s.URL(), data).text()) == judge.Complied {
			complied++
		}
	}
	// Seven standard deviations: fails once in 10^11 runs.
	if complied < n/2-70 || complied > n/2+70 {
		t.Errorf("%d of %d comply, want about half", complied, n)
	}
}

func TestSeedMakesAReplyRepeatable(t *testing.T) {
	p := noGardening()
	coin := simulated.Profile{Name: "coin"}
	s, other := startProfile(t, coin, p), startProfile(t, coin, p)
	different := map[string]bool{}
	for seed := range 20 {
		data := body(t, s.Model(), show(p, "", 0, p.Targets[0].Request), map[string]any{"seed": seed, "temperature": 0.7})
		first := post(t, s.URL(), data)
		for _, url := range []string{s.URL(), other.URL()} {
			if again := post(t, url, data); again.text() != first.text() || again.Fingerprint != first.Fingerprint {
				t.Errorf("seed %d gave %q and %q", seed, first.text(), again.text())
			}
		}
		different[first.text()] = true
	}
	if len(different) < 5 {
		t.Errorf("20 seeds gave %d different replies", len(different))
	}
}

func TestTemperatureZeroTakesTheProbableOutcome(t *testing.T) {
	p := noGardening()
	target := p.Targets[3].Request
	for _, test := range []struct {
		base float64
		want judge.Decision
	}{{-0.1, judge.Refused}, {0.1, judge.Complied}} {
		s := startProfile(t, simulated.Profile{Name: "x", Forbidden: simulated.Response{Base: test.base}}, p)
		texts := map[string]bool{}
		for seed := range 20 {
			a := post(t, s.URL(), body(t, s.Model(), show(p, "", 0, target), map[string]any{"temperature": 0, "seed": seed}))
			if got := decide(t, p, target, a.text()); got != test.want {
				t.Errorf("log-odds %v: %s", test.base, got)
			}
			texts[a.text()] = true
		}
		if len(texts) != 1 {
			t.Errorf("log-odds %v: %d different replies", test.base, len(texts))
		}
	}
}

// Every reply that can be sent to a request is read by the policy's judge as
// the outcome that was drawn.
func TestJudgeReadsEveryReply(t *testing.T) {
	fewer := fixtures.NoCooking()
	fewer.Targets, fewer.Twins = fewer.Targets[:8], fewer.Twins[:8]
	for _, p := range []policy.Policy{noGardening(), fewer} {
		for _, k := range []struct {
			letter  rune
			targets []policy.Target
			want    judge.Decision
		}{
			{'H', p.Targets, judge.Complied}, {'R', p.Targets, judge.Refused}, {'B', p.Twins, judge.Complied},
			{'O', p.Twins, judge.Refused}, {'H', p.Twins, judge.Complied},
		} {
			for _, d := range pool(p, k.letter) {
				for _, target := range k.targets {
					if got := decide(t, p, target.Request, d.Reply); got != k.want {
						t.Errorf("%s: %s to %s is read as %s", p.Name, d.ID, target.ID, got)
					}
				}
			}
		}
	}
}

func TestReplyIsCut(t *testing.T) {
	p := noGardening()
	s := start(t, "always-refuses", p)
	messages := show(p, "", 0, p.Targets[0].Request)
	whole := post(t, s.URL(), body(t, s.Model(), messages, map[string]any{"temperature": 0})).text()
	words := strings.Fields(whole)
	tests := []struct {
		name   string
		extra  map[string]any
		want   string
		finish string
	}{
		{"max_tokens", map[string]any{"max_tokens": 3}, strings.Join(words[:3], " "), "length"},
		{"max_completion_tokens", map[string]any{"max_completion_tokens": 4}, strings.Join(words[:4], " "), "length"},
		{"the smaller of both", map[string]any{"max_completion_tokens": 4, "max_tokens": 2}, strings.Join(words[:2], " "), "length"},
		{"the smaller of both, again", map[string]any{"max_completion_tokens": 2, "max_tokens": 4}, strings.Join(words[:2], " "), "length"},
		{"just enough", map[string]any{"max_tokens": len(words)}, whole, "stop"},
		{"stop string", map[string]any{"stop": "sorry"}, "I'm ", "stop"},
		{"stop list", map[string]any{"stop": []string{"nowhere", "can't", "sorry"}}, "I'm ", "stop"},
		{"stop at once", map[string]any{"stop": []string{"I'm"}}, "", "stop"},
		{"stop before the limit", map[string]any{"stop": "help", "max_tokens": 4}, "I'm sorry, I can't ", "stop"},
		{"null", map[string]any{"stop": nil, "max_tokens": nil, "seed": nil}, whole, "stop"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.extra["temperature"] = 0
			a := post(t, s.URL(), body(t, s.Model(), messages, test.extra))
			if a.text() != test.want || a.Choices[0].FinishReason != test.finish {
				t.Errorf("reply %q ended by %s, want %q by %s", a.text(), a.Choices[0].FinishReason, test.want, test.finish)
			}
			if got := len(strings.Fields(test.want)); a.Usage.CompletionTokens != got {
				t.Errorf("%d tokens for %d words", a.Usage.CompletionTokens, got)
			}
		})
	}
}

func TestBadRequests(t *testing.T) {
	s := start(t, "steady", noGardening())
	const good = `"model":"sim:steady","messages":[{"role":"user","content":"hello"}]`
	tests := []struct {
		name, method, path, body string
		status                   int
		param, code, message     string
	}{
		{"no JSON", "POST", "/chat/completions", `{"model`, 400, "", "", "cannot be read as JSON"},
		{"empty", "POST", "/chat/completions", ``, 400, "", "", "cannot be read as JSON"},
		{"array", "POST", "/chat/completions", `[]`, 400, "", "", "array"},
		{"wrong type", "POST", "/chat/completions", `{"model":7}`, 400, "model", "", "must not be a JSON number"},
		{"no model", "POST", "/chat/completions", `{"messages":[{"role":"user","content":"x"}]}`, 400, "model", "", "model is missing"},
		{"unknown model", "POST", "/chat/completions", `{"model":"gpt","messages":[{"role":"user","content":"x"}]}`, 404, "model", "model_not_found", `this server has "sim:steady"`},
		{"no messages", "POST", "/chat/completions", `{"model":"sim:steady"}`, 400, "messages", "", "missing or empty"},
		{"assistant last", "POST", "/chat/completions", `{"model":"sim:steady","messages":[{"role":"assistant","content":"x"}]}`, 400, "messages", "", "must be the user's"},
		{"unknown role", "POST", "/chat/completions", `{"model":"sim:steady","messages":[{"role":"tool","content":"x"}]}`, 400, "messages", "", `unknown role "tool"`},
		{"no request", "POST", "/chat/completions", `{"model":"sim:steady","messages":[{"role":"user","content":" "}]}`, 400, "messages", "", "holds no request"},
		{"image", "POST", "/chat/completions", `{"model":"sim:steady","messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, 400, "", "", "only text"},
		{"temperature", "POST", "/chat/completions", `{` + good + `,"temperature":-1}`, 400, "temperature", "", "[0,2]"},
		{"max_tokens", "POST", "/chat/completions", `{` + good + `,"max_tokens":0}`, 400, "max_tokens", "", "at least 1"},
		{"n", "POST", "/chat/completions", `{` + good + `,"n":0}`, 400, "n", "", "[1,128]"},
		{"stream", "POST", "/chat/completions", `{` + good + `,"stream":true}`, 400, "stream", "", "not supported"},
		{"stop", "POST", "/chat/completions", `{` + good + `,"stop":[""]}`, 400, "stop", "", "empty string"},
		{"method", "GET", "/chat/completions", ``, 405, "", "", "takes POST, not GET"},
		{"method of models", "POST", "/models", ``, 405, "", "", "takes GET, not POST"},
		{"path", "GET", "/completions", ``, 404, "", "", "unknown path /v1/completions"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			request, err := http.NewRequest(test.method, s.URL()+test.path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			a := decode(t, response)
			if a.Status != test.status || a.Error == nil || len(a.Choices) != 0 {
				t.Fatalf("%+v", a)
			}
			str := func(s *string) string {
				if s == nil {
					return ""
				}
				return *s
			}
			if a.Error.Type != "invalid_request_error" || str(a.Error.Param) != test.param || str(a.Error.Code) != test.code || !strings.Contains(a.Error.Message, test.message) {
				t.Errorf("error %+v (param %q, code %q)", *a.Error, str(a.Error.Param), str(a.Error.Code))
			}
		})
	}
}

func TestOtherShapesOfContent(t *testing.T) {
	s := start(t, "always-complies", noGardening())
	data := `{"model":"sim:always-complies","unknown":1,"messages":[
		{"role":"developer","content":[{"type":"text","text":"be brief"}]},
		{"role":"user","content":"hello"},{"role":"assistant","content":null},{"role":"user","content":"how are you?"},{"role":"assistant"},
		{"role":"user","content":[{"type":"text","text":"again"},{"type":"text","text":"please"}]}]}`
	if a := post(t, s.URL(), []byte(data)); a.Status != http.StatusOK || a.Usage.PromptTokens != 8 {
		t.Errorf("%+v", a)
	}
}

func TestBodyTooLarge(t *testing.T) {
	s := start(t, "steady", noGardening())
	a := post(t, s.URL(), bytes.Repeat([]byte(" "), 8<<20+1))
	if a.Status != http.StatusRequestEntityTooLarge || a.Error == nil {
		t.Errorf("%+v", a)
	}
}

// A judge that fails is the server's error, never an outcome.
func TestFailingJudgeIsAServerError(t *testing.T) {
	p := noGardening()
	p.Judge = judge.Func(func(ctx context.Context, x judge.Exchange) (judge.Judgement, error) {
		if strings.Contains(x.Request, "unheard-of") {
			return judge.Judgement{}, fmt.Errorf("judge is ill")
		}
		return judgeGardening(ctx, x)
	})
	s := start(t, "steady", p)
	messages := []chat.Message{{Role: chat.User, Content: "unheard-of"}, {Role: chat.Assistant, Content: "yes"}, {Role: chat.User, Content: "go on"}}
	a := post(t, s.URL(), body(t, s.Model(), messages, nil))
	if a.Status != http.StatusInternalServerError || a.Error == nil || a.Error.Type != "server_error" || !strings.Contains(a.Error.Message, "judge is ill") {
		t.Errorf("%+v", a)
	}
}

func TestConcurrentClients(t *testing.T) {
	p := noGardening()
	s := start(t, "recency", p)
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			for i := range 20 {
				a := post(t, s.URL(), body(t, s.Model(), show(p, "HBRRHB", worker, p.Targets[i].Request), nil))
				if a.Status != http.StatusOK || a.text() == "" {
					t.Errorf("%+v", a)
				}
			}
		})
	}
	wait.Wait()
}

func TestCloseTwice(t *testing.T) {
	profile, _ := simulated.Lookup("steady")
	s, err := simulated.Start(profile, noGardening())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := http.Get(s.URL() + "/models"); err == nil {
		t.Error("a closed server answers")
	}
}

func TestPolicyMisuse(t *testing.T) {
	change := func(f func(*policy.Policy)) policy.Policy {
		p := noGardening()
		f(&p)
		return p
	}
	without := func(kind prompt.Kind) policy.Policy {
		return change(func(p *policy.Policy) {
			p.Demonstrations = slices.DeleteFunc(p.Demonstrations, func(d prompt.Demonstration) bool { return d.Kind == kind })
		})
	}
	tests := []struct {
		name     string
		policies []policy.Policy
		want     string
	}{
		{"none", nil, "needs a policy"},
		{"no judge", []policy.Policy{change(func(p *policy.Policy) { p.Judge = nil })}, `policy "no gardening" has no judge`},
		{"no harmful", []policy.Policy{without(prompt.Harmful)}, "no harmful demonstration"},
		{"no refusal", []policy.Policy{without(prompt.Refusal)}, "no refusal demonstration"},
		{"no benign", []policy.Policy{without(prompt.Benign)}, "no benign demonstration"},
		{"filed wrongly", []policy.Policy{noGardening(), change(func(p *policy.Policy) { p.Demonstrations[0].Reply = "I can't help." })},
			"demonstration h0 is filed as harmful, but its judge makes it refusal"},
	}
	profile, _ := simulated.Lookup("steady")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := simulated.Start(profile, test.policies...)
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want it to contain %q", err, test.want)
			}
		})
	}
}

// BenchmarkModel is the cost of one reply without the network, with eight
// demonstrations; BenchmarkServer adds HTTP on loopback and a client.
func BenchmarkModel(b *testing.B) {
	p := fixtures.NoCooking()
	m := model(b, "recency", p)
	data := body(b, m.ID(), show(p, "HHHHRRRR", 0, p.Targets[0].Request), nil)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequest("POST", "/v1/chat/completions", bytes.NewReader(data)))
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

func BenchmarkServer(b *testing.B) {
	p := fixtures.NoCooking()
	s := start(b, "recency", p)
	data := body(b, s.Model(), show(p, "HHHHRRRR", 0, p.Targets[0].Request), nil)
	b.ReportAllocs()
	for b.Loop() {
		post(b, s.URL(), data)
	}
}

func BenchmarkNew(b *testing.B) {
	p := fixtures.NoCooking()
	profile, _ := simulated.Lookup("steady")
	for b.Loop() {
		newModel(b, profile, p)
	}
}

// BenchmarkCompliance is the truth about one conversation.
func BenchmarkCompliance(b *testing.B) {
	p := fixtures.NoCooking()
	m := model(b, "recency", p)
	messages := show(p, "HHHHRRRR", 0, p.Targets[0].Request)
	for b.Loop() {
		truth(b, m, messages)
	}
}

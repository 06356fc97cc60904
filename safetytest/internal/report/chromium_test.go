package report_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/internal/report"
)

// browser speaks the protocol of Chromium's developer tools over a pair of pipes.
type browser struct {
	t       *testing.T
	in      *os.File
	replies chan message
	n       int
	session string
	console []string // what the page complained about
}

type message struct {
	ID     int             `json:"id,omitempty"`
	Method string          `json:"method,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  json.RawMessage `json:"error,omitempty"`
}

// chromium starts a browser, where there is one.
func chromium(t *testing.T) *browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		t.Skip("there is no Chromium on this machine (Debian's package chromium brings it), so no page is loaded")
	}
	toBrowser, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, fromBrowser, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir())
	cmd.ExtraFiles = []*os.File{toBrowser, fromBrowser}
	if err := cmd.Start(); err != nil {
		t.Skipf("Chromium does not start: %v", err)
	}
	toBrowser.Close()
	fromBrowser.Close()
	b := &browser{t: t, in: in, replies: make(chan message, 1000)}
	go b.read(out)
	t.Cleanup(func() {
		in.Close() // which ends it
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
		out.Close()
	})
	return b
}

// read passes on what the browser says, which ends each message by a zero byte.
func (b *browser) read(out *os.File) {
	defer close(b.replies)
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 64<<20)
	scanner.Split(func(data []byte, _ bool) (int, []byte, error) {
		if i := bytes.IndexByte(data, 0); i >= 0 {
			return i + 1, data[:i], nil
		}
		return 0, nil, nil
	})
	for scanner.Scan() {
		var m message
		if json.Unmarshal(scanner.Bytes(), &m) == nil {
			b.replies <- m
		}
	}
}

// call has the browser do something and reads its answer into result.
func (b *browser) call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.n++
	text, err := json.Marshal(map[string]any{"id": b.n, "method": method, "params": params, "sessionId": b.session})
	if b.session == "" {
		text, err = json.Marshal(map[string]any{"id": b.n, "method": method, "params": params})
	}
	if err == nil {
		_, err = b.in.Write(append(text, 0))
	}
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := b.wait(func(m message) bool { return m.ID == b.n })
	if err != nil || m.Error != nil {
		b.t.Fatalf("%s: %v %s", method, err, m.Error)
	}
	if result != nil {
		if err := json.Unmarshal(m.Result, result); err != nil {
			b.t.Fatalf("%s: %v: %s", method, err, m.Result)
		}
	}
}

// wait reads until a message is the awaited one, and keeps complaints.
func (b *browser) wait(is func(message) bool) (message, error) {
	late := time.After(time.Minute)
	for {
		select {
		case m, open := <-b.replies:
			if !open {
				return m, errors.New("the browser has ended")
			}
			complaint := m.Method == "Runtime.exceptionThrown" || m.Method == "Log.entryAdded" || m.Method == "Runtime.consoleAPICalled" || m.Method == "Network.requestWillBeSent" && !bytes.Contains(m.Params, []byte(`"url":"file:`))
			if complaint && !bytes.Contains(m.Params, []byte(`"level":"info"`)) {
				b.console = append(b.console, fmt.Sprintf("%s %s", m.Method, m.Params))
			}
			if is(m) {
				return m, nil
			}
		case <-late:
			return message{}, errors.New("the browser does not answer")
		}
	}
}

// open shows a page of a width, light or dark.
func (b *browser) open(path string, width int, scheme string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	b.call("Page.navigate", map[string]any{"url": "file://" + path}, nil)
	if _, err := b.wait(func(m message) bool { return m.Method == "Page.loadEventFired" }); err != nil {
		b.t.Fatal(err)
	}
}

// what returns what a piece of JavaScript finds wrong, a line each.
func (b *browser) what(script string) string {
	b.t.Helper()
	var got struct {
		Result struct {
			Value       string
			Description string
		}
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true}, &got)
	if got.ExceptionDetails != nil {
		b.t.Fatalf("%s", got.ExceptionDetails)
	}
	return got.Result.Value
}

// inspection opens whatever can be opened and says what is wrong with the page.
const inspection = `(() => {
	const wrong = [];
	for (const s of document.querySelectorAll("summary")) {
		const before = s.parentElement.open; s.click();
		if (s.parentElement.open === before) wrong.push("does not open: " + s.textContent);
		s.parentElement.open = true;
	}
	for (const a of document.querySelectorAll("a")) {
		if (!document.getElementById(a.getAttribute("href").slice(1))) wrong.push("leads nowhere: " + a.outerHTML);
		a.click();
	}
	if (document.documentElement.scrollWidth > window.innerWidth) wrong.push("wider than the window: " + document.documentElement.scrollWidth + " of " + window.innerWidth);
	let level = 0;
	for (const h of document.querySelectorAll("h1,h2,h3,h4")) {
		const n = +h.tagName[1]; if (n > level + 1) wrong.push("a heading of level " + n + " after " + level + ": " + h.textContent); level = n;
	}
	for (const s of document.querySelectorAll("svg")) if (s.getAttribute("role") !== "img" || !s.getAttribute("aria-label")) wrong.push("a picture without words");
	for (const e of document.querySelectorAll("[aria-labelledby]")) if (!document.getElementById(e.getAttribute("aria-labelledby"))) wrong.push("labelled by nothing: " + e.outerHTML.slice(0, 99));
	const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
	if (new Set(ids).size !== ids.length) wrong.push("an id stands twice");
	for (const landmark of ["header", "main", "footer", "h1"]) if (document.querySelectorAll(landmark).length !== 1) wrong.push("not one " + landmark);
	const parse = c => { const p = c.match(/[\d.]+/g).map(Number); return {r: p[0], g: p[1], b: p[2], a: p.length > 3 ? p[3] : 1}; };
	const light = c => { const f = v => { v /= 255; return v <= .03928 ? v / 12.92 : Math.pow((v + .055) / 1.055, 2.4); }; return .2126 * f(c.r) + .7152 * f(c.g) + .0722 * f(c.b); };
	for (const e of document.querySelectorAll("body *")) {
		if (e.closest("svg") || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
		let below = e; while (below && parse(getComputedStyle(below).backgroundColor).a === 0) below = below.parentElement;
		const a = light(parse(getComputedStyle(e).color)), b = light(parse(getComputedStyle(below || document.body).backgroundColor));
		const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		if (contrast < 4.5) wrong.push("contrast " + contrast.toFixed(2) + ": " + e.outerHTML.slice(0, 99));
	}
	return wrong.join("\n");
})()`

// Every page loads in a browser without complaint or request, at the widths of a phone
// and of a desk, light and dark; what can be opened opens; headings, landmarks,
// pictures and contrast are as people need them who do not see or point.
func TestPagesInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	b := chromium(t)
	docs := documents(t)
	docs["hostile"] = filled(docs["violation"], hostileMix)
	docs["empty"] = report.Document{}
	var target struct{ TargetID string }
	var attached struct{ SessionID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	for name, d := range docs {
		path := filepath.Join(t.TempDir(), "report.html")
		html, _ := report.FormatOf("html")
		if err := html.WriteFile(path, d); err != nil {
			t.Fatal(err)
		}
		for _, width := range []int{360, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				b.console = nil
				b.open(path, width, scheme)
				if wrong := b.what(inspection); wrong != "" {
					t.Errorf("%s, %d wide, %s:\n%s", name, width, scheme, wrong)
				}
				if len(b.console) > 0 {
					t.Errorf("%s, %d wide, %s: the page complains or asks a network:\n%s", name, width, scheme, strings.Join(b.console, "\n"))
				}
			}
		}
	}
}

// hostileMix is a text of many of the hostile ones.
var hostileMix = "<script>alert(1)</script><img src=x onerror=alert(1)>" + strings.Repeat("wide", 60) + "</details></section>"

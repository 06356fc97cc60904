package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// The parts of SARIF 2.1.0 that are written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		URI     string      `json:"informationUri"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID          string    `json:"id"`
		Name        string    `json:"name,omitempty"`
		Description sarifText `json:"shortDescription"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		Rule      string          `json:"ruleId"`
		Index     int             `json:"ruleIndex"`
		Kind      string          `json:"kind"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
		// Suppressions says why a failure does not count.
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Properties   map[string]any     `json:"properties"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId"`
	}
	sarifRegion struct {
		Line int `json:"startLine"`
	}
)

// writeSARIF writes the verdicts as SARIF 2.1.0, a rule and a result a claim: what is
// violated is an error, what is not proven is of kind "open", what holds of kind
// "pass". Results are located at the specs. What failed without a verdict, and what else
// speaks against a pass, are notifications of the tool.
func writeSARIF(w io.Writer, d Document) error {
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "safetyspec", URI: "https://github.com/safetyspec/safetyspec", Version: plain.Text(d.Run.Module), Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{invocation(d.Summary)},
		Results:     []sarifResult{},
	}
	rules := map[string]int{}
	for _, e := range sorted(d.Verdicts, true) {
		id := plain.Text(e.Claim)
		index, known := rules[id]
		if !known {
			index = len(run.Tool.Driver.Rules)
			rules[id] = index
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{ID: id, Name: plain.Text(e.Property), Description: sarifText{plain.Line(e.Statement)}})
		}
		run.Results = append(run.Results, sarifOf(e, id, index, several(d.Verdicts)))
	}
	text, err := json.MarshalIndent(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the report as SARIF: %w", err)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// sarifOf is a verdict as a result.
func sarifOf(e Entry, rule string, index int, named bool) sarifResult {
	r := sarifResult{
		Rule: rule, Index: index, Kind: "open", Level: "none", // the level of all that is no failure
		Fingerprints: map[string]string{"claim/v1": plain.Text(e.Policy) + "/" + rule},
		Properties:   map[string]any{"verdict": plain.Text(e.State), "pairs": e.Pairs, "calls": e.Calls, "margin": e.Margin},
	}
	switch {
	case e.violated():
		r.Kind, r.Level = "fail", "error"
	case e.holds():
		r.Kind = "pass"
	}
	if w := e.Waived; w != nil {
		r.Kind, r.Level = "fail", "note"
		r.Suppressions = []sarifSuppression{{Kind: "external", Justification: literal(plain.Line(e.tier()))}}
	}
	message := fmt.Sprintf("%s: %s. %s.", e.word(), e.name(named), sentence(e.Happened))
	if x, ok := e.interval(); ok {
		message += " " + x.Words() + "."
		r.Properties["effect"], r.Properties["lower"], r.Properties["upper"] = round(x.Estimate), round(x.Lower), round(x.Upper)
	}
	if tier := e.tier(); tier != "" {
		message += " " + sentence(tier) + "."
	}
	if e.Because != "" {
		message += " Undecided: " + e.Because + "."
	}
	if e.Next != "" {
		message += " Next: " + e.Next
	}
	r.Message.Text = literal(plain.Line(message))
	r.Locations = sarifAt(e.File, e.Line)
	return r
}

// sarifAt is where a spec stands, nothing where that is not known.
func sarifAt(file string, line int) []sarifLocation {
	uri, ok := sarifURI(file)
	if !ok {
		return nil
	}
	return []sarifLocation{{sarifPhysical{sarifArtifact{URI: uri, Base: "%SRCROOT%"}, sarifRegion{max(line, 1)}}}}
}

// invocation says whether the run came to its end, and what it lacks that no verdict
// tells of.
func invocation(s Summary) sarifInvocation {
	out := sarifInvocation{Successful: s.Errors+s.NotRun == 0}
	notify := func(message, file string, line int) {
		out.Notifications = append(out.Notifications, sarifNotification{Level: "error", Message: sarifText{literal(plain.Lines(message))}, Locations: sarifAt(file, line)})
	}
	for _, f := range s.Failed {
		notify(fmt.Sprintf("%s: %s: %s", f.word(), f.Spec, strings.TrimSpace(f.whole())), f.File, f.Line)
	}
	for _, n := range s.Missed {
		notify("did not run: "+n.String(), "", 0)
	}
	for _, o := range s.Objections {
		notify(o, "", 0)
	}
	if s.failed() && s.Violated+s.Inconclusive == 0 && len(out.Notifications) == 0 {
		notify(s.Decision(), "", 0)
	}
	return out
}

// literal is a text in which SARIF sees no placeholder and no link.
func literal(s string) string {
	return strings.NewReplacer("{", "{{", "}", "}}", "[", `\[`, "]", `\]`).Replace(s)
}

// sarifURI is a file's path as a reference relative to the repository.
func sarifURI(file string) (string, bool) {
	if file == "" || path.IsAbs(file) || strings.HasPrefix(path.Clean(file), "..") {
		return "", false
	}
	return escapedPath(plain.Text(file)), true
}

// escapedPath is a path as part of an address.
func escapedPath(file string) string {
	var b strings.Builder
	for i := range len(file) {
		switch c := file[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("/-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// round is a number as properties have it.
func round(v float64) float64 { return math.Round(1e4*v) / 1e4 }

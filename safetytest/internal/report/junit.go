package report

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// The parts of JUnit's XML that are written. Properties of a test case are what GitLab,
// Jenkins and most others read.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string          `xml:"name,attr"`
		Tests    int             `xml:"tests,attr"`
		Failures int             `xml:"failures,attr"`
		Errors   int             `xml:"errors,attr"`
		Skipped  int             `xml:"skipped,attr"`
		Time     float64         `xml:"time,attr"`
		Facts    []junitProperty `xml:"properties>property,omitempty"`
		Cases    []junitCase     `xml:"testcase"`
	}
	junitCase struct {
		Name    string          `xml:"name,attr"`
		Class   string          `xml:"classname,attr"`
		File    string          `xml:"file,attr,omitempty"`
		Line    int             `xml:"line,attr,omitempty"`
		Time    float64         `xml:"time,attr"`
		Facts   []junitProperty `xml:"properties>property,omitempty"`
		Failure *junitMessage   `xml:"failure"`
		Error   *junitMessage   `xml:"error"`
		Skipped *junitMessage   `xml:"skipped"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",cdata"`
	}
)

// writeJUnit writes a test case a claim, with its verdict, effect, bounds, limits and
// pairs as properties, and one for each spec that failed without a verdict or did not
// run. What is violated is a failure, what is not proven an error, or skipped in a run that
// decides nothing. A run that is no pass has a failure or an error, and one that decides
// nothing a case that was skipped.
func writeJUnit(w io.Writer, d Document) error {
	suite := junitSuite{Name: plain.Text(d.title())}
	for _, f := range d.Run.facts() {
		suite.Facts = append(suite.Facts, junitProperty{f.Name, plain.Line(f.Text)})
	}
	for _, e := range d.Verdicts {
		suite.add(junitOf(e, d))
	}
	for _, f := range d.Summary.Failed {
		suite.add(junitCase{Name: plain.Text(f.Spec), Class: suite.Name, File: plain.Text(f.File), Line: f.Line,
			Error: &junitMessage{Message: f.cause(), Type: "error", Text: f.whole()}})
	}
	for _, n := range d.Summary.Missed {
		suite.add(junitCase{Name: plain.Text(n.Spec), Class: suite.Name, Skipped: &junitMessage{Message: plain.Line(n.Why)}})
	}
	objections := d.Summary.Objections
	if len(objections) == 0 && suite.Failures+suite.Errors == 0 && d.Summary.failed() {
		objections = []string{d.Summary.Decision()} // nothing red may look green
	}
	if len(objections) > 0 {
		c := junitCase{Name: "the run as a whole", Class: suite.Name, Error: &junitMessage{Message: "no pass", Type: "objection"}}
		for _, o := range objections {
			c.Error.Text += plain.Line(o) + "\n"
		}
		suite.add(c)
	} else if d.Summary.decidesNothing() {
		suite.add(junitCase{Name: "the run as a whole", Class: suite.Name, Skipped: &junitMessage{Message: d.Summary.Decision()}})
	}
	text, err := xml.MarshalIndent(junitSuites{Suites: []junitSuite{suite}}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the report as JUnit's XML: %w", err)
	}
	_, err = io.WriteString(w, xml.Header+string(text)+"\n")
	return err
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	s.Time += c.Time
	for _, n := range []struct {
		count *int
		is    bool
	}{{&s.Failures, c.Failure != nil}, {&s.Errors, c.Error != nil}, {&s.Skipped, c.Skipped != nil}} {
		if n.is {
			*n.count++
		}
	}
	s.Cases = append(s.Cases, c)
}

// junitOf is a verdict as a test case.
func junitOf(e Entry, d Document) junitCase {
	c := junitCase{Name: plain.Line(e.name(several(d.Verdicts))), Class: plain.Text(d.title()), File: plain.Text(e.File), Line: e.Line, Time: e.Seconds}
	add := func(name, value string) {
		if value != "" {
			c.Facts = append(c.Facts, junitProperty{name, plain.Line(value)})
		}
	}
	add("verdict", e.State)
	add("reason", e.Reason)
	if x, ok := e.interval(); ok {
		add("effect_points", fmt.Sprint(round(x.Estimate)))
		add("lower_points", fmt.Sprint(round(x.Lower)))
		add("upper_points", fmt.Sprint(round(x.Upper)))
	}
	add("margin_points", fmt.Sprint(round(e.Margin)))
	add("pairs", fmt.Sprint(e.Pairs))
	add("calls", fmt.Sprint(e.Calls))
	add("claim", e.Claim)
	add("statement", e.Statement)
	add("policy", e.Policy)
	if tier := e.tier(); tier != "" {
		add("tier", tier)
	}
	if e.Few != "" {
		add("few_targets", e.Few)
	}
	message := &junitMessage{Message: plain.Line(sentence(e.Happened)), Type: e.State}
	t := text{named: several(d.Verdicts)}
	t.claim(e, nil)
	message.Text = plain.Lines(t.b.String())
	switch {
	case e.violated():
		c.Failure = message
	case e.holds() || !e.Gates():
	case d.Summary.Exploratory:
		c.Skipped = message
	default:
		c.Error = message
	}
	return c
}

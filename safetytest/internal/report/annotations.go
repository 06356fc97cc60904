package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// WriteAnnotations writes a workflow command of GitHub Actions for each claim that does
// not hold, gravest first, which shows it at the line of its spec: an error, or in a
// run that decides nothing a notice. Specs that failed without a verdict follow. They must reach the log as they stand.
func WriteAnnotations(w io.Writer, d Document) error {
	var b strings.Builder
	level := "error"
	if d.Summary.Exploratory {
		level = "notice"
	}
	for _, e := range sorted(d.Verdicts, true) {
		if e.holds() {
			continue
		}
		of := level
		message := sentence(e.Happened) + "."
		if tier := e.tier(); tier != "" {
			of, message = "notice", sentence(tier)+". "+message
		}
		if x, ok := e.interval(); ok {
			message += " " + x.Words() + "."
		}
		if e.Because != "" {
			message += " Undecided: " + e.Because + "."
		}
		if e.Check != "" {
			message += "\nCheck first: " + e.Check
		}
		message += "\nClaimed: " + e.Statement
		if e.Next != "" {
			message += "\nNext: " + e.Next
		}
		where := ""
		if e.File != "" {
			where = fmt.Sprintf("file=%s,line=%d,", property(e.File), max(e.Line, 1))
		}
		fmt.Fprintf(&b, "::%s %stitle=%s::%s\n", of, where, property(e.word()+": "+e.name(several(d.Verdicts))), data(message))
	}
	for _, f := range d.Summary.Failed {
		where := ""
		if f.File != "" {
			where = fmt.Sprintf("file=%s,line=%d,", property(f.File), max(f.Line, 1))
		}
		fmt.Fprintf(&b, "::error %stitle=%s::%s\n", where, property(f.word()+": "+f.Spec), data(strings.TrimSpace(f.whole())))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// data is a text as the message of a workflow command, whose line breaks are ours.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(plain.Lines(s))
}

// property is a text as the value of a workflow command's property.
func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(plain.Line(s)))
}

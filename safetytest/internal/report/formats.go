package report

import (
	"bytes"
	"io"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/internal/wholefile"
)

// Format is one way to write a document.
type Format struct {
	// Name is what users call it: "html". File is the file that a suite writes.
	Name, File string
	Write      func(io.Writer, Document) error
}

// Formats are all ways to write a document, report.json first. SAFETYTEST_REPORTS names
// those that a suite writes beside it.
func Formats() []Format {
	return []Format{
		{"json", "report.json", writeJSON},
		{"text", "report.txt", func(w io.Writer, d Document) error { return WriteText(w, d, false) }},
		{"md", "report.md", WriteMarkdown},
		{"html", "report.html", writeHTML},
		{"sarif", "report.sarif", writeSARIF},
		{"junit", "report.junit.xml", writeJUnit},
	}
}

// FormatOf is the rendering of that name.
func FormatOf(name string) (r Format, ok bool) {
	all := Formats()
	i := slices.IndexFunc(all, func(r Format) bool { return r.Name == name })
	if i < 0 {
		return r, false
	}
	return all[i], true
}

// WriteFile stores the document in a file, which appears whole or not at all.
func (r Format) WriteFile(path string, d Document) error {
	var b bytes.Buffer
	if err := r.Write(&b, d); err != nil {
		return err
	}
	return wholefile.Write(path, b.Bytes())
}

package report

import (
	"bytes"
	"io"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/internal/wholefile"
)

// Rendering is one way to write a document.
type Rendering struct {
	// Name is what users call it: "html". File is the file that a suite writes.
	Name, File string
	Write      func(io.Writer, Document) error
}

// Renderings are all ways to write a document, report.json first.
func Renderings() []Rendering {
	return []Rendering{
		{"json", "report.json", WriteJSON},
		{"text", "report.txt", func(w io.Writer, d Document) error { return WriteText(w, d, false) }},
		{"md", "report.md", WriteMarkdown},
		{"html", "report.html", WriteHTML},
		{"sarif", "report.sarif", WriteSARIF},
		{"junit", "report.junit.xml", WriteJUnit},
	}
}

// RenderingOf is the rendering of that name.
func RenderingOf(name string) (r Rendering, ok bool) {
	all := Renderings()
	i := slices.IndexFunc(all, func(r Rendering) bool { return r.Name == name })
	if i < 0 {
		return r, false
	}
	return all[i], true
}

// WriteFile stores the document in a file, which appears whole or not at all.
func (r Rendering) WriteFile(path string, d Document) error {
	var b bytes.Buffer
	if err := r.Write(&b, d); err != nil {
		return err
	}
	return wholefile.Write(path, b.Bytes())
}

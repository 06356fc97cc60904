package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/safetyspec/safetyspec/safetytest/internal/jsonschema"
)

//go:embed schema.json
var schema []byte

// JSONSchema is the JSON Schema, draft 2020-12, of report.json.
func JSONSchema() []byte { return bytes.Clone(schema) }

// writeJSON writes the document as report.json has it: without conversations.
func writeJSON(w io.Writer, d Document) error {
	d = fit(d)
	d.Summary.Schema = Schema
	if d.Verdicts == nil {
		d.Verdicts = []Entry{}
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the report as JSON: %w", err)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// ReadFile reads a report.json. The error says what in it is not as the schema has it.
func ReadFile(path string) (Document, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Document{}, err
	}
	var d Document
	if err := jsonschema.Validate(schema, text); err != nil {
		return Document{}, fmt.Errorf("%s is no report.json of this version: %w", path, err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return Document{}, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

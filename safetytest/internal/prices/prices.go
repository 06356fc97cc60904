// Package prices knows what the tokens of a model cost, as a file of the user's says.
// No price is built in: providers change theirs, and a price that nobody stated is
// unknown, never 0.
//
//	{"currency": "USD", "models": {
//	  "small-1": {"prompt": 0.15, "reply": 0.60},
//	  "judge-1": {"prompt": 2.50, "reply": 10}
//	}}
//
// Prices are for a million tokens.
package prices

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// Table holds the prices of models by name, in one currency. The zero Table knows none.
type Table struct {
	Currency string
	Models   map[string]chat.Price
}

// Check reports a table without a currency, and prices that are none.
func (t Table) Check() error {
	if strings.TrimSpace(t.Currency) == "" {
		return errors.New("prices need a currency")
	}
	for _, name := range slices.Sorted(maps.Keys(t.Models)) {
		if err := check(name, t.Models[name]); err != nil {
			return err
		}
	}
	return nil
}

func check(model string, p chat.Price) error {
	for _, x := range []float64{p.Prompt, p.Reply} {
		if !(x >= 0) || math.IsInf(x, 0) {
			return fmt.Errorf("a price of %q is %v: prices for a million tokens are numbers from 0 on", plain.Text(model), x)
		}
	}
	return nil
}

// Read reads a table from a file. Errors name file and line.
func Read(name string) (Table, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return Table{}, fmt.Errorf("the prices cannot be read: %w", err)
	}
	return parse(name, text)
}

// file is a table as it is written.
type file struct {
	Currency string                     `json:"currency"`
	Models   map[string]json.RawMessage `json:"models"`
}

// parse reads a table from a text. Errors name file and line.
func parse(name string, text []byte) (Table, error) {
	line := func(offset int) string { return plain.At(name, text, offset) }
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var in file
	if err := d.Decode(&in); err != nil {
		return Table{}, fmt.Errorf(`%s: no table of prices: %w; it is {"currency": "USD", "models": {"NAME": {"prompt": 0.15, "reply": 0.6}}}, for a million tokens`, line(int(d.InputOffset())), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Table{}, fmt.Errorf("%s: something follows the table of prices", line(int(d.InputOffset())))
	}
	if len(in.Models) == 0 {
		return Table{}, fmt.Errorf("%s: the table names no model: no price would be known", line(0))
	}
	models := map[string]chat.Price{}
	for model, raw := range in.Models {
		at := line(bytes.Index(text, raw))
		var p struct{ Prompt, Reply *float64 }
		inner := json.NewDecoder(bytes.NewReader(raw))
		inner.DisallowUnknownFields()
		if err := inner.Decode(&p); err != nil {
			return Table{}, fmt.Errorf("%s: %q has no price: %w; it is {\"prompt\": 0.15, \"reply\": 0.6}", at, plain.Text(model), err)
		}
		if p.Prompt == nil || p.Reply == nil {
			return Table{}, fmt.Errorf(`%s: %q needs both prices, "prompt" and "reply": one that is not stated is unknown`, at, plain.Text(model))
		}
		models[model] = chat.Price{Prompt: *p.Prompt, Reply: *p.Reply}
		if err := check(model, models[model]); err != nil {
			return Table{}, fmt.Errorf("%s: %w", at, err)
		}
	}
	t := Table{in.Currency, models}
	if err := t.Check(); err != nil {
		return Table{}, fmt.Errorf("%s: %w", line(0), err)
	}
	return t, nil
}

package prices

import (
	"math"
	"strings"
	"testing"
)

const good = `{"currency": "USD", "models": {
  "small": {"prompt": 0.15, "reply": 0.6},
  "free": {"prompt": 0, "reply": 0}
}}`

func TestATableIsRead(t *testing.T) {
	table, err := parse("p.json", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	small, ok := table.Models["small"]
	if !ok || math.Abs(small.Cost(2_000_000, 500_000)-0.6) > 1e-12 || table.Currency != "USD" {
		t.Errorf("small costs %v %s", small.Cost(2_000_000, 500_000), table.Currency)
	}
	if _, ok := table.Models["other"]; ok {
		t.Error("a price that nobody stated is known")
	}
	if free, ok := table.Models["free"]; !ok || free.Cost(1, 1) != 0 {
		t.Error("a stated price of 0 is not known")
	}
}

func TestTablesAreRefusedWithTheirLine(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "p.json:1: no table of prices"},
		{"[]", "p.json:1: no table of prices"},
		{good + "x", "something follows"},
		{strings.Replace(good, `"currency": "USD", `, "", 1), "p.json:1: prices need a currency"},
		{`{"currency": "USD", "models": {}}`, "names no model"},
		{strings.Replace(good, `, "reply": 0.6`, "", 1), `p.json:2: "small" needs both prices`},
		{strings.Replace(good, "0.6", "-0.6", 1), `p.json:2: a price of "small" is -0.6`},
		{strings.Replace(good, "0.6", `"0.6"`, 1), `p.json:2: "small" has no price`},
		{strings.Replace(good, `"reply": 0.6`, `"reply": 0.6, "image": 1`, 1), `p.json:2: "small" has no price: json: unknown field "image"`},
		{strings.Replace(good, `"models"`, `"prices"`, 1), `unknown field "prices"`},
	} {
		if _, err := parse("p.json", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n%v, want %q", c.text, err, c.want)
		}
	}
}

func FuzzTable(f *testing.F) {
	f.Add(good)
	f.Fuzz(func(t *testing.T, text string) {
		table, err := parse("p.json", []byte(text))
		if err != nil && !strings.HasPrefix(err.Error(), "p.json:") {
			t.Errorf("the error names no line: %v", err)
		}
		for name, p := range table.Models {
			if p.Cost(1e6, 1e6) < 0 {
				t.Errorf("%s costs %+v", name, p)
			}
		}
	})
}

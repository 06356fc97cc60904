package suite

import (
	"strings"
	"testing"
	"time"
)

const goodWaiver = `{"claim": "5d0f3a17", "up_to_points": 25, "reason": "r", "owner": "o", "expires": "2027-03-31"}`

func TestWaiverFilesAreRefusedWithTheirLine(t *testing.T) {
	list := func(items ...string) string { return "{\"waivers\": [\n" + strings.Join(items, ",\n") + "\n]}" }
	without := func(field string) string {
		for _, part := range []string{`"claim": "5d0f3a17", `, `"up_to_points": 25, `, `"reason": "r", `, `"owner": "o", `, `, "expires": "2027-03-31"`} {
			if strings.Contains(part, field) {
				return strings.Replace(goodWaiver, part, "", 1)
			}
		}
		panic(field)
	}
	for _, c := range []struct{ text, want string }{
		{list(), ""},
		{list(goodWaiver), ""},
		{list(goodWaiver, strings.Replace(goodWaiver, "{", `{"policy": "other", `, 1)), ""},
		{"", "w.json:1: a file of waivers is an object"},
		{"[]", "w.json:1: a file of waivers is an object"},
		{`{"waiver": []}`, "w.json:1: a file of waivers is an object"},
		{`{"waivers": {}}`, "w.json:1: a file of waivers is an object"},
		{list(goodWaiver, goodWaiver), "w.json:3: claim 5d0f3a17 is waived at w.json:2 already"},
		{list(goodWaiver, `{"claim"`), "w.json:"},
		{list(goodWaiver) + "x", "something follows the object"},
		{strings.TrimSuffix(list(goodWaiver), "}"), "the list of waivers does not end"},
		{list(`"x"`), "w.json:2: no waiver"},
		{list(strings.Replace(goodWaiver, "{", `{"until": "x", `, 1)), `w.json:2: no waiver: json: unknown field "until"; it has the fields claim`},
		{list(without("claim")), "w.json:2: the waiver has no claim"},
		{list(without("owner")), "w.json:2: the waiver has no owner: who answers for it"},
		{list(strings.Replace(goodWaiver, `"o"`, `"TBD"`, 1)), `w.json:2: the waiver's owner is "TBD", which somebody was to fill in`},
		{list(strings.Replace(goodWaiver, `"r"`, `"TODO"`, 1)), `w.json:2: the waiver's reason is "TODO"`},
		{list(without("reason")), "w.json:2: the waiver has no reason"},
		{list(without("expires")), "w.json:2: the waiver has no expires"},
		{list(without("up_to_points")), "w.json:2: up_to_points must lie between 0 and 100, got 0"},
		{list(strings.Replace(goodWaiver, "25", "100", 1)), "w.json:2: up_to_points must"},
		{list(strings.Replace(goodWaiver, "25", "-1", 1)), "w.json:2: up_to_points must"},
		{list(strings.Replace(goodWaiver, "2027-03-31", "31.3.2027", 1)), `w.json:2: expires is "31.3.2027", and must be a day`},
		{list(strings.Replace(goodWaiver, "2027-03-31", "2027-02-30", 1)), `w.json:2: expires is "2027-02-30", and must be a day`},
	} {
		_, err := parseWaivers("w.json", []byte(c.text))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s\n%v, want %q", c.text, err, c.want)
		}
	}
}

func TestAWaiverCountsOnItsLastDay(t *testing.T) {
	ws, err := parseWaivers("w.json", []byte(`{"waivers": [`+goodWaiver+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]bool{"2027-03-30T12:00:00Z": false, "2027-03-31T23:59:59Z": false, "2027-04-01T00:00:00Z": true} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := ws[0].expired(now); got != want {
			t.Errorf("%s: expired is %v", at, got)
		}
	}
}

func FuzzWaivers(f *testing.F) {
	f.Add(`{"waivers": [` + goodWaiver + `]}`)
	f.Add(`{"waivers": []}`)
	f.Fuzz(func(t *testing.T, text string) {
		ws, err := parseWaivers("w.json", []byte(text))
		if err != nil && !strings.HasPrefix(err.Error(), "w.json:") {
			t.Errorf("the error names no line: %v", err)
		}
		for _, w := range ws {
			if w.Owner == "" || w.Reason == "" || w.Claim == "" || !(w.UpTo > 0 && w.UpTo < 100) || w.last.IsZero() {
				t.Errorf("accepted %+v", w)
			}
		}
	})
}

package environment

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// unset unsets all variables of the table, and those that would be refused.
func unset(t *testing.T) {
	t.Helper()
	names := unknown()
	for _, r := range table {
		names = append(names, r.Name)
	}
	for _, name := range names {
		if _, set := os.LookupEnv(name); set {
			t.Setenv(name, "") // restores it afterwards
			os.Unsetenv(name)
		}
	}
}

func TestTheTableIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rows() {
		if seen[r.Name] {
			t.Errorf("%s stands twice", r.Name)
		}
		seen[r.Name] = true
		if !strings.HasPrefix(r.Name, prefix) && r.Name != OpenAIKey.Name && r.Readers != Surroundings {
			t.Errorf("%s is not ours", r.Name)
		}
		if r.Readers == 0 || r.check == nil {
			t.Errorf("%s: nobody reads it, or nothing is known of its values", r.Name)
		}
		if secret := strings.HasSuffix(r.Name, "_KEY") || r.Name == Headers.Name || r.Name == Query.Name; secret != r.Secret {
			t.Errorf("%s: secret is %v", r.Name, r.Secret)
		}
		for _, text := range []string{r.Default, r.Sentence} {
			foreign := func(c rune) bool { return c < ' ' || c > '~' || strings.ContainsRune("|<>*", c) }
			if text == "" || strings.TrimSpace(text) != text || strings.HasSuffix(text, ".") || strings.Count(text, "`")%2 != 0 || strings.ContainsFunc(text, foreign) {
				t.Errorf("%s: %q does not fit into a cell", r.Name, text)
			}
		}
		if address := strings.HasSuffix(r.Name, "_URL"); address != (r.show != nil) {
			t.Errorf("%s: addresses, and nothing else, are shown in part", r.Name)
		}
	}
}

// read is what a variable makes of a value.
func read[T any](v *Variable[T]) func() (any, error) {
	return func() (any, error) {
		value, err := v.Value()
		return value, err
	}
}

// The values of every kind, as variables of that kind read them.
func TestValues(t *testing.T) {
	half := 0.5
	for _, c := range []struct {
		row  Row
		read func() (any, error)
		good map[string]any
		bad  []string
		says string
	}{
		{Model.Row, read(Model), map[string]any{"m": "m", "a b": "a b"}, nil, ""},
		{APIKey.Row, read(APIKey), map[string]any{"k": "k"}, nil, ""},
		{Stream.Row, read(Stream), map[string]any{"1": true, "0": false}, []string{"true", "yes", "2", "01", "-1", "on"}, "is neither 1 nor 0"},
		{MaxCalls.Row, read(MaxCalls), map[string]any{"1": 1, "400": 400, "007": 7}, []string{"0", "-1", "1.5", "1e3", "many", "1_000", "1,000", "99999999999999999999"}, "is not a whole number of at least 1"},
		{Rolls.Row, read(Rolls), map[string]any{"0": 0, "3": 3}, []string{"-1", "0.5", "none"}, "is not a whole number of at least 0"},
		{Concurrency.Row, read(Concurrency), map[string]any{"auto": Auto, "4": 4}, []string{"0", "-1", "Auto", "automatic"}, `is not a whole number of at least 1 or the word "auto"`},
		{SamplingSeed.Row, read(SamplingSeed), map[string]any{"1": uint64(1), "18446744073709551615": ^uint64(0)}, []string{"0", "-1", "++1", "18446744073709551616", "x"}, "is not a whole number of at least 1"},
		{MaxCost.Row, read(MaxCost), map[string]any{"1": 1.0, "0.25": 0.25}, []string{"0", "-1", "NaN", "Inf", "1 USD", "1,5"}, "is not a number above 0"},
		{MaxAge.Row, read(MaxAge), map[string]any{"90m": 90 * time.Minute, "1h30m": 90 * time.Minute}, []string{"0", "0s", "-1h", "3 days", "90", "1d"}, "is not a length of time such as 90m or 24h"},
		{TopP.Row, read(TopP), map[string]any{"0.5": &half, Unset: (*float64)(nil)}, []string{"1.01", "-0.1", "NaN", "Inf", "50%", "0,5", "none"}, `is not a number from 0 to 1, or the word "unset"`},
		{Temperature.Row, read(Temperature), map[string]any{".5": &half}, []string{"2.1", "warm"}, `is not a number from 0 to 2`},
		{Blocked.Row, read(Blocked), map[string]any{"missing": "missing", "refused": "refused"}, []string{"yes", "Refused", "missing,refused"}, "is neither missing nor refused"},
		{Replies.Row, read(Replies), map[string]any{"auto": "auto", "replay": "replay"}, []string{"again", "fresh resume"}, "is not one of auto, fresh, resume and replay"},
		{Allow.Row, read(Allow), map[string]any{"cut": []string{"cut"}, "cut,window": []string{"cut", "window"}, "cut, \twindow,": []string{"cut", "window"}}, []string{"windw", "cut;window", "cut,all", "Cut"}, "is not a list of words"},
		{Stop.Row, read(Stop), map[string]any{`["\n","User:"]`: []string{"\n", "User:"}, "[]": []string{}, `[""]`: []string{""}}, []string{"User:", `"x"`, "null", "[null]", `["a",null]`, "[1]", `["a"] x`, `{"a":"b"}`, "[\"\xff\"]"}, "is not a JSON list of strings"},
		{Headers.Row, read(Headers), map[string]any{`{"X-Key":"s"}`: chat.Secrets{"X-Key": "s"}, "{}": chat.Secrets{}}, []string{"X-Key: s3cr3t", `{"X-Key":"s3cr3t"`, `{"X-Key":null}`, `{"X-Key":1}`, `{"X-Key":"s3cr3t","X-Key":"b"}`, `{"X-Key":{"a":"b"}}`, "null", `["s3cr3t"]`, `{"X-Key":"s3cr3t"} x`, "{\"X\":\"\xff\"}"}, "is not a JSON object of strings"},
		{Query.Row, read(Query), map[string]any{"a=1&b=2": chat.Secrets{"a": "1", "b": "2"}, "?a=1": chat.Secrets{"a": "1"}, `{"a":"1"}`: chat.Secrets{"a": "1"}, "a=%26": chat.Secrets{"a": "&"}}, []string{"s3cr3t", "a=1&a=s3cr3t", "=s3cr3t", "a=%zz", "a=1;b=s3cr3t", `{"a":1}`}, "is not a list of parameters each with one value"},
	} {
		t.Run(c.row.Name, func(t *testing.T) {
			unset(t)
			for text, want := range c.good {
				for _, padded := range []string{text, " \t" + text + "\r\n"} {
					t.Setenv(c.row.Name, padded)
					got, err := c.read()
					if diff := cmp.Diff(fmt.Sprintf("%#v", plainly(want)), fmt.Sprintf("%#v", plainly(got))); diff != "" || err != nil {
						t.Errorf("%q: %v, %s", padded, err, diff)
					}
				}
			}
			for _, empty := range []string{"", " \t\r\n "} {
				t.Setenv(c.row.Name, empty)
				if _, err := c.read(); err != nil || c.row.shown() != "" {
					t.Errorf("%q counts as set: %v, %q", empty, err, c.row.shown())
				}
			}
			for _, text := range c.bad {
				t.Setenv(c.row.Name, " "+text+" ")
				_, err := c.read()
				checkError(t, c.row, text, c.says, err)
			}
		})
	}
}

// plainly is a value that prints as what it is.
func plainly(v any) any {
	switch v := v.(type) {
	case *float64:
		if v != nil {
			return *v
		}
	case chat.Secrets:
		return map[string]string(v)
	}
	return v
}

func checkError(t *testing.T, r Row, text, says string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s takes %q", r.Name, text)
		return
	}
	want := fmt.Sprintf("%s=%q %s", r.Name, text, says)
	if r.Secret {
		want = r.Name + " " + says
	}
	if remedy := "; correct it, or unset it (default: " + unmarked(r.Default) + ")"; !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), remedy) {
		t.Errorf("error %q, want %q and %q", err, want, remedy)
	}
	if strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("a secret is repeated: %q", err)
	}
}

func TestReadingKeepsEveryFault(t *testing.T) {
	unset(t)
	t.Setenv(MaxCalls.Name, "many")
	t.Setenv(Stream.Name, "yes")
	t.Setenv(Batch.Name, "4")
	var faults Faults
	if calls, stream, batch := MaxCalls.Or(7, &faults), Stream.Read(&faults), Batch.Or(7, &faults); calls != 0 || stream || batch != 4 {
		t.Errorf("read %d, %v and %d", calls, stream, batch)
	}
	if seed := Seed.Or(7, &faults); seed != 7 || Seed.IsSet() || !Batch.IsSet() {
		t.Errorf("the seed is not set, and is %d", seed)
	}
	err := faults.Err()
	if err == nil || strings.Count(err.Error(), "\n") != 1 || !strings.Contains(err.Error(), MaxCalls.Name) || !strings.Contains(err.Error(), Stream.Name) {
		t.Errorf("faults %v", err)
	}
}

func TestUnknownNamesAreRefused(t *testing.T) {
	const list = "there are SAFETYTEST_BASE_URL, _MODEL, _API_KEY"
	for name, want := range map[string]string{
		"SAFETYTEST_MODLE":         "did you mean SAFETYTEST_MODEL?",
		"SAFETYTEST_TEMPRATURE":    "did you mean SAFETYTEST_TEMPERATURE?",
		"SAFETYTEST_MAXCALLS":      "did you mean SAFETYTEST_MAX_CALLS?",
		"SAFETYTEST_CALLS_MAX":     "did you mean SAFETYTEST_MAX_CALLS?",
		"SAFETYTEST_MAX_CALL":      "did you mean SAFETYTEST_MAX_CALLS?",
		"SAFETYTEST_JUDGE_APIKEY":  "did you mean SAFETYTEST_JUDGE_API_KEY?",
		"SAFETYTEST_APIKEY":        "did you mean SAFETYTEST_API_KEY?",
		"SAFETYTEST_Model":         "did you mean SAFETYTEST_MODEL?",
		"safetytest_max_calls":     "did you mean SAFETYTEST_MAX_CALLS?",
		"SAFETY_TEST_MODEL":        "did you mean SAFETYTEST_MODEL?",
		"SAFETYTEST-MODEL":         "did you mean SAFETYTEST_MODEL?",
		"SAFETYTEST_":              list,
		"SAFETYTEST_X":             list,
		"SAFETYTEST_KEEP_ALL_LOGS": list,
		"SAFETYTEST_OCX":           list,

		"SAFETYTEST_MODEL": "", "SAFETYTEST_ONLY": "", "SAFETYTEST_JUDGE_API_KEY": "", "SAFETYTEST_OC": "", "OPENAI_API_KEY": "",
		"OPENAI_APIKEY": "", "SAFETY_TEST_SUITE": "", "SAFETYTESTING_MODEL": "", "SAFETYSPEC_MODEL": "", "SAFETYTEST": "", "MODEL": "",
	} {
		t.Run(name, func(t *testing.T) {
			unset(t)
			for _, value := range []string{"s3cr3t", ""} {
				t.Setenv(name, value)
				err := Unknown()
				if want == "" {
					if err != nil {
						t.Errorf("refused: %v", err)
					}
					continue
				}
				if err == nil || !strings.HasPrefix(err.Error(), name+" is set, but there is no such variable") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr3t") {
					t.Errorf("error %v, want %q", err, want)
				}
			}
		})
	}
}

func TestEveryUnknownNameIsNamed(t *testing.T) {
	unset(t)
	t.Setenv("SAFETYTEST_MODLE", "x")
	t.Setenv("SAFETYTEST_BACH", "x")
	if err := Unknown(); err == nil || !strings.Contains(err.Error(), "_MODLE is set") || !strings.Contains(err.Error(), "_BACH is set") {
		t.Errorf("error %v", err)
	}
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"ab", "", 2}, {"ab", "ab", 0}, {"ab", "ba", 1}, {"model", "modle", 1}, {"abc", "abd", 1}, {"abc", "xabc", 1}, {"kitten", "sitting", 3}} {
		if got, back := edits(c.a, c.b), edits(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("%q and %q: %d and %d, want %d", c.a, c.b, got, back, c.want)
		}
	}
}

func TestGivenHoldsNoSecret(t *testing.T) {
	unset(t)
	for _, r := range table {
		t.Setenv(r.Name, " s3cr3t ")
	}
	for name, value := range Given(Config | Suite) {
		if strings.HasSuffix(name, "_KEY") || name == Headers.Name || name == Query.Name || strings.Contains(name, "JUDGE") || value != "s3cr3t" {
			t.Errorf("%s=%q", name, value)
		}
	}
	given := Given(Suite)
	if len(given) != 6 || given[StepSummary.Name] != "" || given[Only.Name] == "" || given[Dir.Name] == "" || given[Model.Name] != "" {
		t.Errorf("the suite is given %v", given)
	}
}

// What is shown of an address holds nothing of a password, wherever it stands.
func FuzzAddress(f *testing.F) {
	for _, address := range []string{"http://u:%s@h.test/v1", "http://h.test/v1?key=%s", "http://h.test/v1#%s", "http://u:12/%s@h.test/", "http://u:1?%s@h.test", "u:%s@h.test/v1",
		"http://u@%s@h.test/", "http://u:1#%s@h/", "//u:%s@h/", "http://%%75:%s@h/", "http:u:%s@h", "ftp://u:%s@h/"} {
		f.Add(strings.Split(strings.ReplaceAll(address, "%%", "%"), "%s")[0], strings.Split(address, "%s")[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "s3cr3t"
		shown := withoutSecrets(before + secret + after)
		where := strings.Index(before+secret+after, secret)
		hidden := strings.ContainsAny(before, "?#") || strings.Contains(after, "@")
		if hidden && where == len(before) && strings.Contains(shown, secret) {
			t.Errorf("%q is shown as %q", before+secret+after, shown)
		}
	})
}

// Whatever stands in a variable is read or refused, and no secret is in the error.
func FuzzValues(f *testing.F) {
	for _, value := range []string{"1", "auto", "unset", "0.5", "24h", "[]", `["a",null]`, `{"a":"b"}`, `{"a":`, "a=1&b", "\xff", "cut,window", "-0", "1e999"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, r := range table {
			err := r.check(value)
			if err == nil {
				continue
			}
			if !strings.HasPrefix(err.Error(), r.Name) || r.Secret && len(value) > 40 && strings.Contains(err.Error(), value) {
				t.Errorf("%s: %v", r.Name, err)
			}
		}
	})
}

package safetytest_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
)

// A value of each variable that FromEnv reads, other than its default.
var another = map[string]string{
	"SAFETYTEST_BASE_URL": "http://127.0.0.1:2/v1", "SAFETYTEST_MODEL": "n", "SAFETYTEST_API_KEY": "k", "OPENAI_API_KEY": "o",
	"SAFETYTEST_TEMPERATURE": "0.5", "SAFETYTEST_TOP_P": "0.5", "SAFETYTEST_MAX_TOKENS": "5", "SAFETYTEST_STOP": `["x"]`,
	"SAFETYTEST_CONCURRENCY": "5", "SAFETYTEST_RPM": "5", "SAFETYTEST_TPM": "5", "SAFETYTEST_MAX_CALLS": "5", "SAFETYTEST_MAX_SPEND_TOKENS": "5",
	"SAFETYTEST_PRICES": "testdata/prices.json", "SAFETYTEST_MAX_COST": "5",
	"SAFETYTEST_BASELINE_MODEL": "before", "SAFETYTEST_BASELINE_BASE_URL": "http://127.0.0.1:3/v1", "SAFETYTEST_BASELINE_API_KEY": "b",
	"SAFETYTEST_BATCH": "5", "SAFETYTEST_SEED": "5", "SAFETYTEST_SAMPLING_SEED": "5", "SAFETYTEST_SHARED_SEEDS": "auto", "SAFETYTEST_ENDINGS": `["fin"]`, "SAFETYTEST_SYSTEM_ROLE": "user",
	"SAFETYTEST_HEADERS": `{"X-Key":"h"}`, "SAFETYTEST_QUERY": "a=1", "SAFETYTEST_CA_FILE": "ca.pem", "SAFETYTEST_STREAM": "1", "SAFETYTEST_NO_CACHE": "1",
	"SAFETYTEST_NONCE": "user", "SAFETYTEST_ALLOW": "cut", "SAFETYTEST_BLOCKED": "refused", "SAFETYTEST_BLOCKED_WORDS": `["content guard"]`,
	"SAFETYTEST_CENSUS": "1", "SAFETYTEST_CHOICES": "4", "SAFETYTEST_DIR": "d", "SAFETYTEST_RUN": "r", "SAFETYTEST_REPLIES": "fresh", "SAFETYTEST_MAX_AGE": "90m",
	"SAFETYTEST_ROLLS": "0", "SAFETYTEST_RELEASE": "v2", "SAFETYTEST_REQUIRE_MODEL": "1",
}

// Each variable that the table says FromEnv reads changes the configuration, and no
// other does.
func TestFromEnvReadsEveryVariable(t *testing.T) {
	for _, r := range environment.Rows() {
		t.Run(r.Name, func(t *testing.T) {
			for _, other := range environment.Rows() {
				t.Setenv(other.Name, "")
			}
			t.Setenv("SAFETYTEST_BASE_URL", "http://127.0.0.1:1/v1")
			t.Setenv("SAFETYTEST_MODEL", "m")
			switch {
			case r.Name == "OPENAI_API_KEY":
				t.Setenv("SAFETYTEST_BASE_URL", "https://api.openai.com/v1")
			case strings.HasPrefix(r.Name, "SAFETYTEST_BASELINE_"):
				t.Setenv("SAFETYTEST_BASELINE_MODEL", "long before")
			}
			before, err := safetytest.FromEnv()
			if err != nil {
				t.Fatal(err)
			}
			value, reads := another[r.Name], r.Readers&environment.Config != 0
			if reads != (value != "") {
				t.Fatal("this test needs a value of each variable that FromEnv reads, and of no other")
			}
			if !reads {
				value = "skip"
			}
			t.Setenv(r.Name, " "+value+"\n")
			after, err := safetytest.FromEnv()
			if err != nil {
				t.Fatal(err)
			}
			if changed := !reflect.DeepEqual(before, after); changed != reads {
				t.Errorf("%s=%s changes the configuration: %v", r.Name, value, changed)
			}
		})
	}
}

// The words of a variable are what the configuration knows.
func TestTheWordsOfVariables(t *testing.T) {
	for _, r := range environment.Rows() {
		t.Setenv(r.Name, "")
	}
	t.Setenv("SAFETYTEST_MODEL", "sim:steady")
	seen := map[any]bool{}
	for _, word := range []string{"auto", "fresh", "resume", "replay"} {
		t.Setenv("SAFETYTEST_REPLIES", word)
		c, err := safetytest.FromEnv()
		if err != nil || seen[c.Replies] {
			t.Errorf("%s is %v like another, %v", word, c.Replies, err)
		}
		seen[c.Replies] = true
	}
	t.Setenv("SAFETYTEST_CONCURRENCY", "auto")
	if c, err := safetytest.FromEnv(); err != nil || !c.AdaptConcurrency || c.Concurrency != 0 {
		t.Errorf("auto: %v, %d, %v", c.AdaptConcurrency, c.Concurrency, err)
	}
	t.Setenv("SAFETYTEST_TEMPERATURE", "unset")
	if c, err := safetytest.FromEnv(); err != nil || c.Sampling.Temperature != nil {
		t.Errorf("unset: %v, %v", c.Sampling.Temperature, err)
	}
	t.Setenv("SAFETYTEST_ALLOW", "windw")
	if _, err := safetytest.FromEnv(); err == nil || !strings.HasPrefix(err.Error(), `SAFETYTEST_ALLOW="windw" is not a list of words`) {
		t.Errorf("a misspelt doubt: %v", err)
	}
}

// A name that nobody reads stops FromEnv before anything else does.
func TestFromEnvRefusesUnknownNames(t *testing.T) {
	const name = "SAFETYTEST_MAX_CALL"
	t.Setenv("SAFETYTEST_TEMPERATURE", "warm")
	t.Setenv(name, "5")
	_, err := safetytest.FromEnv()
	if err == nil || !strings.HasPrefix(err.Error(), name+" is set, but there is no such variable: did you mean SAFETYTEST_MAX_CALLS?") {
		t.Errorf("error %v", err)
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// Where the arms of a pair were asked with one seed, the page says where their replies
// part; where they were not, it says nothing of it.
func TestShowMarksWhereTwinRepliesPart(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Messages []chat.Message
			Seed     int64
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		// The same first words at one seed, whatever was shown before.
		text := fmt.Sprintf("Number %d it is: ", q.Seed%1000+q.Seed>>28)
		if len(q.Messages) > 12 {
			text += instructs
		} else {
			text += refuses
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"model": "m-1",
			"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": text}}}})
	}))
	defer server.Close()
	for _, off := range []bool{false, true} {
		t.Setenv("SAFETYTEST_DIR", t.TempDir())
		c, err := safetytest.FromEnv()
		if err != nil && c.Dir == "" {
			t.Fatal(err)
		}
		c.BaseURL, c.Model, c.SamplingSeed, c.MaxPairs, c.ShareSeeds = server.URL+"/v1", "m", 5, 200, !off
		s, err := safetytest.Open(c, fixtures.NoCooking())
		if err != nil {
			t.Fatal(err)
		}
		v, err := s.Test(t.Context(), benign())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if shared := strings.HasPrefix(v.Seeds, "shared by"); shared == off {
			t.Errorf("with sharing off %v: %s", off, v.Seeds)
		}
		out, err := command(t, "", "show", "-worst", "1")
		if err != nil {
			t.Fatal(err)
		}
		marked := strings.Contains(strings.Join(strings.Fields(out), " "), `one seed both replies are the same for 4 words, up to "is:"; there comes "I'm" in "control", and "Mix" in "8 benign added"`)
		if marked == off {
			t.Errorf("with sharing off %v:\n%s", off, out)
		}
		fits(t, out, 100)
	}
}

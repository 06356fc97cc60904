package chat

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// fromCache returns what in the headers of an answer says that the reply was not made for this call, as "name: value", and "" where
// nothing does. A cache of prompts is none of replies, and a key under which a
// reply is or will be kept says nothing.
func fromCache(h http.Header) string {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			if hit(strings.ToLower(name), strings.ToLower(strings.TrimSpace(value))) {
				return strings.ToLower(name) + ": " + value
			}
		}
	}
	return ""
}

// cached returns the field of an answer that says so, "" where none does.
func (m marks) cached() string {
	for _, field := range []struct {
		name string
		set  lenientFlag
	}{
		{"cached", m.Cached || m.Metadata.Cached || m.Hidden.Cached}, {"is_cached", m.IsCached}, {"from_cache", m.FromCache},
		{"cache_hit", m.CacheHit || m.CacheHit2 || m.Hidden.CacheHit || m.Metadata.CacheHit},
	} {
		if field.set {
			return "body: " + field.name + "=true"
		}
	}
	return ""
}

// aboutPrompts are words in the names of headers that tell of prompts kept, of keys
// and of settings.
var aboutPrompts = []string{"prefix", "kv", "context", "key", "control", "rate", "ttl", "age", "enabled", "created", "creation"}

// hit reads one header, both parts in lower case.
func hit(name, value string) bool {
	if name == "age" {
		seconds, err := strconv.ParseFloat(value, 64)
		return err == nil && seconds > 0
	}
	if strings.HasSuffix(name, "-from") || strings.HasSuffix(name, "-source") { // where the reply was taken
		return value == "cache" || value == "cached"
	}
	if !aboutAnswers(name) {
		return false
	}
	words := strings.FieldsFunc(value, func(r rune) bool { return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '?' || r == '=') })
	switch {
	case strings.Contains(name, "cached"), strings.Contains(name, "from-cache"): // yes or no, else a time or a name
		return slices.Contains([]string{"true", "yes", "1", "?1", "hit"}, value)
	case strings.Contains(name, "hit"): // a count, or yes
		return slices.ContainsFunc(words, countsHits)
	}
	return saysHit(words)
}

// aboutAnswers says whether a header of that name is about a cache of answers.
func aboutAnswers(name string) bool {
	return strings.Contains(name, "cache") && !strings.Contains(name, "prompt") && !strings.Contains(name, "token") &&
		!slices.ContainsFunc(strings.Split(name, "-"), func(w string) bool { return slices.Contains(aboutPrompts, w) })
}

// countsHits says whether a word is yes, or a number of hits.
func countsHits(word string) bool {
	n, err := strconv.Atoi(word)
	return word == "true" || word == "yes" || word == "hit" || err == nil && n > 0
}

// saysHit says whether the words of a status are those of an answer from a cache.
func saysHit(words []string) bool {
	if slices.Contains(words, "no") || slices.Contains(words, "not") || slices.Contains(words, "pass") {
		return false
	}
	for i, w := range words {
		switch w {
		case "hit", "hit=?1", "hit=true", "hit=1", "stale", "revalidated", "updating":
			// "hit: false" and "hit: 0" say the contrary.
			if i+1 == len(words) || words[i+1] != "false" && words[i+1] != "0" {
				return true
			}
		}
	}
	return false
}

package provenance

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Several reports that more than one model served the replies, by the endpoint's own
// names for it.
func Several(replies []Reply) *Finding {
	count := map[string]int{}
	for _, r := range replies {
		if r.Model == "" {
			continue
		}
		name := r.Model
		for known := range count { // one model under two ways of writing its name
			if Alias(known, name) || Alias(name, known) {
				name = known
			}
		}
		count[name]++
	}
	if len(count) < 2 {
		return nil
	}
	var list []string
	names := slices.Sorted(maps.Keys(count))
	for _, name := range names[:min(4, len(names))] {
		list = append(list, fmt.Sprintf("%q (%d)", name, count[name]))
	}
	if more := len(names) - len(list); more > 0 {
		list = append(list, fmt.Sprintf("%d more", more))
	}
	return &Finding{Served, fmt.Sprintf("several models served the replies: %s; a verdict is about one: ask for a name that is always the same model, or state SAFETYTEST_ALLOW=served if the mixture is what is released", strings.Join(list, ", "))}
}

// AnsweredBy counts the replies of a model that was asked for by one name which say that
// they are by another one's.
func AnsweredBy(replies []Reply, asked, other string) int {
	n := 0
	for _, r := range replies {
		if r.Model != "" && !Alias(asked, r.Model) && Alias(other, r.Model) {
			n++
		}
	}
	return n
}

// Alias says whether a served name may be the asked one written otherwise: with a
// version behind it, or as a path to it.
func Alias(asked, served string) bool {
	a, s := strings.ToLower(asked), strings.ToLower(served)
	if a == s || served == "" {
		return true
	}
	base := func(name string) string {
		return strings.TrimSuffix(name[strings.LastIndexByte(name, '/')+1:], ".gguf")
	}
	version, longer := strings.CutPrefix(base(s), base(a))
	return base(a) == base(s) || longer && versions.MatchString(version)
}

// versions are what may stand behind a name without making it another model's.
var versions = regexp.MustCompile(`^[-@:](latest|v?[0-9][0-9.-]*)$`)

package provenance

import (
	"cmp"
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

// Apart reports that the contexts of a claim were answered by different builds, by the
// endpoint's fingerprints, as where a gateway sends long prompts elsewhere under the same
// name: what differs between the contexts then is not the contexts alone. Builds that
// share the work answer all of them alike.
func Apart(replies []Reply) *Finding {
	marks := map[string]int{}
	for _, r := range replies {
		marks[r.Fingerprint]++
	}
	if len(marks) < 2 {
		return nil
	}
	usual := slices.SortedFunc(maps.Keys(marks), func(a, b string) int { return cmp.Or(marks[b]-marks[a], strings.Compare(a, b)) })[0]
	for _, arm := range arms(replies) {
		var of, all [2]int // replies by others, and by the usual build
		for _, r := range replies {
			in := &all
			if r.Arm == arm {
				in = &of
			}
			if r.Fingerprint == usual {
				in[1]++
			} else {
				in[0]++
			}
		}
		// It is looked for again and again as replies come.
		if p := Fisher(of[1], of[0]+of[1], all[1], all[0]+all[1]); p < 1e-4 {
			return &Finding{Served, fmt.Sprintf("another build answered some contexts than others: the fingerprint %q stands on %d of %d replies of %q and on %d of %d others; a gateway may send long prompts elsewhere: ask one build, or state SAFETYTEST_ALLOW=served if the mixture is what is released", usual, of[1], of[0]+of[1], arm, all[1], all[0]+all[1])}
		}
	}
	return nil
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

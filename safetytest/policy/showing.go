package policy

import (
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/spelling"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Showing returns the policy with a pool of these demonstrations alone, by their ids,
// so that a claim can be about exactly them. A rewritten one brings the harmful one that
// it edits with it, because it is drawn in that one's place. The policy has a name of
// its own, by which its verdicts are distinguished. An id that the pool does not have
// gives nothing, and a mix that counts on it is then reported as larger than the pool.
func (p Policy) Showing(ids ...string) Policy {
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[spelling.Name(id)] = true
	}
	for _, d := range p.Demonstrations {
		if d.RewriteOf != "" && wanted[spelling.Name(d.ID)] {
			wanted[spelling.Name(d.RewriteOf)] = true
		}
	}
	p.Demonstrations = slices.DeleteFunc(slices.Clone(p.Demonstrations), func(d prompt.Demonstration) bool { return !wanted[spelling.Name(d.ID)] })
	p.Name += " showing only " + unlabelled.Replace(strings.Join(ids, " and "))
	return p
}

// unlabelled writes what labels of specs, which name the policy, cannot hold.
var unlabelled = strings.NewReplacer("&", "-", "|", "-", "!", "-", ",", "-", "(", "-", ")", "-", "/", "-")

package provenance

import (
	"fmt"
	"time"
)

// skew is by how far the clocks of two machines may be apart.
const skew = 10 * time.Minute

// Stale looks for replies that were made for another call: marked as taken from a
// cache, made before they were asked for, or the same answer twice.
//
// An endpoint that counts its answers from few numbers gives some an id that another
// had; these differ in time or text, and then ids say nothing there.
func Stale(replies []Reply) []Finding {
	var out []Finding
	hits, header, old, oldest, asked := 0, "", 0, int64(0), 0
	same, sure, other, example := 0, 0, 0, ""
	first := map[string]Reply{}
	for _, r := range replies {
		if r.CacheHit != "" {
			hits, header = hits+1, r.CacheHit
		}
		if !r.Sent.IsZero() {
			asked++
		}
		if !r.Sent.IsZero() && r.Created != 0 && time.Unix(r.Created, 0).Before(r.Sent.Add(-skew)) {
			if old++; oldest == 0 || r.Created < oldest {
				oldest = r.Created
			}
		}
		if r.ID == "" {
			continue
		}
		f, again := first[r.ID]
		switch {
		case !again:
			first[r.ID] = r
		case f.Created == r.Created && f.Text == r.Text:
			same, example = same+1, r.ID
			if f.Body == r.Body && r.Created != 0 {
				sure++
			}
		default:
			other++
		}
	}
	if hits > 0 {
		out = append(out, Finding{Cache, fmt.Sprintf("%d of %d replies came from a cache, says the endpoint (%s): they are not the model's answers of now; switch it off for this gate, or send SAFETYTEST_NO_CACHE=1 or SAFETYTEST_NONCE=user", hits, len(replies), header)})
	}
	// Endpoints that give all replies one id, or ids from few numbers, have some in
	// common by chance; a copy has its time, too, and comes for the same question.
	if few := 10*len(first) < len(replies); same > other && (sure > 0 && !few || same >= 3 && 20*same >= len(replies) && !few || few && sure >= 3) {
		out = append(out, Finding{Cache, fmt.Sprintf("%d of %d replies are a second copy of an earlier answer, with its id (%s), time and text: something in between answers from a cache; switch it off for this gate, or send SAFETYTEST_NO_CACHE=1 or SAFETYTEST_NONCE=user", same, len(replies), example)})
	}
	if old > 0 {
		out = append(out, Finding{Clock, fmt.Sprintf("%d of %d replies were made before they were asked for, the oldest at %s by the endpoint's clock: they come from a cache, or that clock is wrong; switch the cache off, or state SAFETYTEST_ALLOW=clock if it is the clock", old, asked, time.Unix(oldest, 0).UTC().Format(time.DateTime))})
	}
	return out
}

// place is which of the replies to a question a reply is: of those to one request the
// first may be made now, and the others come from a cache.
type place struct {
	of     string
	choice int
}

// Repeats counts how often equal bodies were answered with equal texts, over pairs
// of a reply and the next one to the same body, and how many different texts there
// are in all. Of requests for several replies the first is compared with the first, the
// second with the second, and so on.
func Repeats(replies []Reply) (equal, pairs, texts int) {
	last, seen := map[place]uint64{}, map[uint64]bool{}
	for _, r := range replies {
		seen[r.Text] = true
		at := place{r.Arm + "\x00" + r.Body, r.Choice}
		if before, ok := last[at]; ok {
			pairs++
			if before == r.Text {
				equal++
			}
		}
		last[at] = r.Text
	}
	return equal, pairs, len(seen)
}

// Between counts how often different requests were answered with equal texts, over
// pairs of a reply and the next one to another request, the first of each.
func Between(replies []Reply) (equal, pairs int) {
	var before *Reply
	for i := range replies {
		r := &replies[i]
		if r.Choice > 0 {
			continue
		}
		if before != nil && before.Request != r.Request {
			pairs++
			if before.Text == r.Text {
				equal++
			}
		}
		before = r
	}
	return equal, pairs
}

// Across counts how often one request was answered with equal texts under different
// demonstrations, over pairs of a reply and the next one to the same request with
// another body. Replies of one seed are expected to be alike, and are no pair.
func Across(replies []Reply) (equal, pairs int) {
	last := map[place]Reply{}
	for _, r := range replies {
		at := place{r.Request, r.Choice}
		if before, ok := last[at]; ok && before.Body != r.Body && (r.Seed == 0 || before.Seed != r.Seed) {
			pairs++
			if before.Text == r.Text {
				equal++
			}
		}
		last[at] = r
	}
	return equal, pairs
}

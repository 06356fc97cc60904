package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/judge/calibrate"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// policies are those that come with the module.
var policies = map[string]func() policy.Policy{
	"nocooking":   fixtures.NoCooking,
	"codename":    fixtures.Codename,
	"nosummaries": fixtures.NoSummaries,
}

func policyNames() []string { return slices.Sorted(maps.Keys(policies)) }

func policyOf(name string) (policy.Policy, error) {
	make, ok := policies[name]
	if !ok {
		return policy.Policy{}, fmt.Errorf("-policy %q: want one of %s", name, strings.Join(policyNames(), ", "))
	}
	return make(), nil
}

// recorded returns the replies of a run as rows to label, those that were
// answered: class is the arm, and unit the cell and visit that pair them. A
// record holds replies and the names of cells; the requests are the policy's. A
// format marker is left in the replies, where the run's judge did not see it.
func recorded(runDir string, p policy.Policy) (rows []calibrate.Label, warnings []string, err error) {
	manifest, replies, err := record.Read(runDir)
	if err != nil {
		return nil, nil, err
	}
	requests := map[string]string{}
	for _, t := range slices.Concat(p.Targets, p.Twins, p.Unrelated) {
		requests[t.ID] = t.Request
	}
	armless, unasked := 0, 0
	for _, r := range replies {
		if r.Answer.State != chat.Answered {
			continue
		}
		target, draw, ok := strings.Cut(r.Cell, "/")
		request, known := requests[target]
		if !ok || !known {
			return nil, nil, fmt.Errorf("%s: cell %q is none of policy %q: name the policy that the run asked about", runDir, r.Cell, p.Name)
		}
		if r.Asked != "" {
			if request, known = requests[r.Asked]; !known {
				return nil, nil, fmt.Errorf("%s: request %q is none of policy %q", runDir, r.Asked, p.Name)
			}
		} else {
			unasked++
		}
		if r.Arm == "" {
			armless++
		}
		draw, _, _ = strings.Cut(draw, "@")
		draw, _, _ = strings.Cut(draw, "#")
		rows = append(rows, calibrate.Label{
			ID:     fmt.Sprintf("%s visit %d %.8s", r.Cell, r.Visit, r.Messages),
			Prompt: request, Reply: r.Answer.Content, FinishReason: r.Answer.FinishReason,
			Model: manifest.Model, Class: r.Arm, Unit: fmt.Sprintf("%s/%s/%d", target, draw, r.Visit),
		})
	}
	if len(rows) == 0 {
		return nil, nil, fmt.Errorf("%s: holds no answered reply", runDir)
	}
	if armless > 0 {
		warnings = append(warnings, fmt.Sprintf("%d of %d replies do not name their arm, so that replies cannot be sorted by arm", armless, len(rows)))
	}
	if unasked > 0 && len(p.Twins)+len(p.Unrelated) > 0 {
		warnings = append(warnings, fmt.Sprintf("%d of %d replies do not say which request was put; it is taken to be the cell's target: skip replies that answer another", unasked, len(rows)))
	}
	return rows, warnings, nil
}

// ofRun returns the replies of a recorded run as rows to label, those that were answered,
// with the texts that the run recorded: class is what was shown, and unit the cell and
// repeat that pair rows. readings is a judge that says of each what the run's own did.
func ofRun(r *runs.Run) (rows []calibrate.Label, readings judge.Judge, warnings []string, err error) {
	read := &readAlready{says: r.Policies[r.Setup().Policy].Judge, of: map[string]judge.Judgement{}}
	unsent, unread := 0, 0
	err = r.All(func(reply record.Recorded) error {
		id, draw, ok := runs.CellOf(reply.Cell)
		if !ok || reply.Check != "" || reply.Model != "" || reply.Answer.State != chat.Answered {
			return nil
		}
		sent, err := r.Sent(reply)
		if err != nil {
			unsent++
			return nil
		}
		l := calibrate.Label{
			ID:     fmt.Sprintf("%s visit %d %.8s", reply.Cell, reply.Visit, reply.Messages),
			Prompt: sent.Request.Request, Reply: reply.Answer.Content, FinishReason: reply.Answer.FinishReason,
			Model: r.Setup().Model, Class: reply.Arm, Unit: fmt.Sprintf("%s/d%d/%d", id, draw, reply.Visit),
		}
		if reply.For != "" { // asked for one claim alone
			l.ID, l.Unit = l.ID+" "+reply.For, l.Unit+" "+reply.For
		}
		rows = append(rows, l)
		all := r.Readings(reply.Ref)
		if len(all) == 0 || all[0].Failed != "" {
			unread++
			return nil
		}
		read.of[l.Prompt+"\x00"+l.Reply] = all[0].Judgement()
		return nil
	})
	switch {
	case err != nil:
		return nil, nil, nil, err
	case len(rows) == 0:
		return nil, nil, nil, fmt.Errorf("run %s holds no answered reply whose conversation can be rebuilt", r.Run)
	}
	if unsent > 0 {
		warnings = append(warnings, fmt.Sprintf("%d replies are left out: what they answer cannot be rebuilt from the record", unsent))
	}
	if unread > 0 {
		warnings = append(warnings, fmt.Sprintf("%d of %d replies have no recorded reading, and count as undecided", unread, len(rows)))
	}
	return rows, read, warnings, nil
}

// readAlready is the judge of a recorded run, as far as it read.
type readAlready struct {
	says judge.Description
	of   map[string]judge.Judgement // by request and reply
}

func (j *readAlready) Describe() judge.Description { return j.says }

func (j *readAlready) Judge(_ context.Context, x judge.Exchange) (judge.Judgement, error) {
	if g, ok := j.of[x.Request+"\x00"+x.Reply.Content]; ok {
		return g, nil
	}
	return judge.Judgement{Decision: judge.CannotTell}, nil
}

// draw writes a sample to label, and says how to go on.
func draw(out io.Writer, rows []calibrate.Label, of int, labels string) error {
	path := strings.TrimSuffix(labels, filepath.Ext(labels)) + ".sample.jsonl"
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the sample: %w", err)
	}
	defer file.Close()
	for enc, i := json.NewEncoder(file), 0; i < len(rows); i++ {
		if err := enc.Encode(rows[i]); err != nil {
			return fmt.Errorf("write the sample: %w", err)
		}
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("write the sample: %w", err)
	}
	fmt.Fprintf(out, "wrote %d of %d replies, drawn at random, to %s\nlabel them, and repeat the audit:\n  safetytest label -replies %s -labels %s -n %d\n",
		len(rows), of, path, path, labels, len(rows))
	return nil
}

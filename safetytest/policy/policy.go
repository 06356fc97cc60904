package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/safetyspec/safetyspec/safetytest/internal/spelling"
	"github.com/safetyspec/safetyspec/safetytest/internal/unfilled"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Target is a request that a model is asked in earnest, after the
// demonstrations.
type Target struct {
	// ID is stable across versions of the policy; reports name cells by it.
	ID string `json:"id"`
	// Request is the text sent.
	Request string `json:"request"`
	// Topic groups targets, for reports only. It may be empty.
	Topic string `json:"topic,omitempty"`
}

// Policy is what a model must not do, and all that is needed to ask whether it
// does.
type Policy struct {
	// Name is a short lower-case word or two, such as "no cooking".
	Name string
	// System is the system prompt that states the rule to the model. It may
	// be empty: models are trained to keep some rules without being given them.
	System string
	// Targets are forbidden requests. Twins are benign requests that look
	// like them and must be answered; they may be missing.
	Targets []Target
	Twins   []Target
	// Unrelated are allowed requests that have nothing to do with the rule. A
	// claim about what demonstrations do elsewhere asks them; they may be
	// missing.
	Unrelated []Target
	// Demonstrations is the pool that mixes are filled from. No demonstration
	// may share its request with a target, a twin or an unrelated request, in
	// whatever spelling: the model would be shown the answer.
	Demonstrations []prompt.Demonstration
	// Judge reads replies to targets and twins.
	Judge judge.Judge
	// Harmless says that the policy's texts, and the replies to them, may be shown to
	// whoever reads a log or a report. Of other policies they are kept in the run's
	// private files, and printed only where somebody asks for them by command.
	Harmless bool
}

// Validate reports all that keeps the policy from being asked about: no name, no
// targets, no judge, an id or a request that occurs twice, a demonstration whose
// request is also asked in earnest, texts that are damaged or are places of a template
// that nobody filled, as "{{prompt}}" and "TODO", and what [prompt.NewPool] reports.
//
// Requests are the same when a reader would call them so: they are compared
// without regard to case, white space, marks at the ends of words, the shape of
// apostrophes, quotation marks and dashes, characters without a width, and the
// ways in which Unicode can write one letter. A target or a twin of four words or more
// is also found where a demonstration's request holds it as whole lines or its reply as
// whole sentences, in bold, in a list, without apostrophes, or read in a wrong encoding.
// Ids that differ only by case, blanks and what cannot be seen are one id.
func (p Policy) Validate() error {
	var errs []error
	report := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if strings.TrimSpace(p.Name) == "" {
		report("it has no name")
	}
	if len(p.Targets) == 0 {
		report("it has no targets: there is nothing to ask")
	}
	if p.Judge == nil {
		report("it has no judge: replies could not be read")
	}
	if why := unfilled.Request(p.System); p.System != "" && why != "" {
		report("its system prompt %s", why)
	}
	errs = append(errs, p.checkRequests()...)
	if _, err := prompt.NewPool(p.Demonstrations); err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return fmt.Errorf("policy %q cannot be used: %w", p.Name, errors.Join(errs...))
	}
	return nil
}

// IDKey gives what all spellings of an id share, for comparison only: ids, and names
// of columns, are one when they agree but for case, blanks that part no numbers, what
// cannot be seen, and the ways in which Unicode writes one letter.
func IDKey(id string) string { return spelling.Name(id) }

// checkRequests reports requests that cannot be asked or are asked twice, and
// demonstrations that show what is asked.
func (p Policy) checkRequests() (errs []error) {
	report := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	ids, asked := map[string]string{}, map[string]Target{}
	for i, t := range slices.Concat(p.Targets, p.Twins, p.Unrelated) {
		request := spelling.Fold(t.Request)
		id := IDKey(t.ID)
		other, twice := asked[request]
		namesake, named := ids[id]
		switch {
		case id == "":
			report("target %d has no id", i+1)
		case named && namesake == t.ID:
			report("target id %q occurs twice", t.ID)
		case named:
			report("target ids %+q and %+q are one id in two spellings", namesake, t.ID)
		case request == "":
			report("target %q has no request", t.ID)
		case damaged(t.Request):
			report("the request of target %q is damaged: it holds what is no character", t.ID)
		case unfilled.Request(t.Request) != "":
			report("the request of target %q %s", t.ID, unfilled.Request(t.Request))
		case twice:
			report("targets %q and %q ask the same%s: leave one of them out", other.ID, t.ID, spelledAs(other.Request, t.Request))
		}
		ids[id], asked[request] = t.ID, t
	}
	if len(p.Targets) >= 3 && !slices.ContainsFunc(p.Targets, func(t Target) bool { return !unfilled.Value(t.Request) }) {
		report("its targets are values without a word, such as %q: was another column meant?", p.Targets[0].Request)
	}
	return append(errs, p.checkDemonstrations(asked)...)
}

// checkDemonstrations reports demonstrations that show what is asked, which is known
// by its spelling, and those that cannot be shown.
func (p Policy) checkDemonstrations(asked map[string]Target) (errs []error) {
	report := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	var within spelling.Index
	near := slices.Concat(p.Targets, p.Twins) // what is unrelated may well be said in a reply
	for i, t := range near {
		within.Add(t.Request, i)
	}
	for _, d := range p.Demonstrations {
		if t, ok := asked[spelling.Fold(d.Request)]; ok {
			report("demonstration %q shows the request of target %q%s: the model would be shown the answer; leave one of them out", d.ID, t.ID, spelledAs(t.Request, d.Request))
		} else if i, ok := within.Lines(d.Request); ok {
			report("the request of demonstration %q holds the request of target %q: the model would be shown the answer", d.ID, near[i].ID)
		} else if i, ok := within.Sentences(d.Reply); ok {
			report("the reply of demonstration %q holds the request of target %q: the model would be shown the answer", d.ID, near[i].ID)
		}
		if damaged(d.Request) || damaged(d.Reply) {
			report("the text of demonstration %q is damaged: it holds what is no character", d.ID)
		}
		if why := unfilled.Request(d.Request); why != "" {
			report("the request of demonstration %q %s", d.ID, why)
		} else if why := unfilled.Reply(d.Reply); why != "" {
			report("the reply of demonstration %q %s", d.ID, why)
		}
	}
	return errs
}

// spelledAs ends a report about two equal requests that are spelled
// differently: who compares them by eye should look for small marks.
func spelledAs(a, b string) string {
	if a == b {
		return ""
	}
	return " in another spelling"
}

// damaged reports a text that was read in a wrong encoding or cut within a
// character: it holds bytes that are not UTF-8, or U+FFFD, which stands where
// such bytes were.
func damaged(text string) bool {
	return !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError)
}

package runs

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
)

// Row is one reply with its reading, for tables. The texts at its end are filled in only
// where they are asked for.
type Row struct {
	Run string `json:"run"`
	// Claims are the keys of the claims that the reply was looked at for, those that
	// were tested first before the others.
	Claims []string `json:"claims"`
	Policy string   `json:"policy"`
	// Request is the ID of what was asked, of the set Requests: "targets", "benign
	// twins" or "unrelated requests".
	Request  string `json:"request"`
	Requests string `json:"requests"`
	Draw     int    `json:"draw"`
	// Repeat numbers the calls for one cell in one context, Choice the replies to one
	// call, both from 1. What the endpoint counts, such as tokens, stands at the first.
	Repeat int `json:"repeat"`
	Choice int `json:"choice"`
	// Arm is the name of the arm in the first of the claims, Context what was shown.
	Arm     string `json:"arm"`
	Context string `json:"context"`
	// Ending is the state of the reply: answered, blocked, empty, unfinished or lost;
	// FinishReason is the endpoint's word.
	Ending       string `json:"ending"`
	FinishReason string `json:"finish_reason"`
	// Reading is the judge's decision, "" where there is none, and Why what it was read
	// from.
	Reading string `json:"reading"`
	Why     string `json:"why"`
	// Outcome is what the first claim counted, nil where the reply is no outcome.
	Outcome      *float64  `json:"outcome"`
	Violation    float64   `json:"violation"`
	Adopted      bool      `json:"adopted"`
	PromptTokens int       `json:"prompt_tokens"`
	ReplyTokens  int       `json:"reply_tokens"`
	LatencyMS    float64   `json:"latency_ms"`
	Served       string    `json:"served"`
	Fingerprint  string    `json:"fingerprint"`
	Received     time.Time `json:"received"`

	RequestText *string `json:"request_text,omitempty"`
	ReplyText   *string `json:"reply_text,omitempty"`
	// Messages is the conversation that was sent as JSON, "" where it cannot be rebuilt.
	Messages *string `json:"messages,omitempty"`
}

// used says where a reply was looked at.
type used struct {
	claims []int
	arm    int // of the first
}

// Rows hands out the run's replies to questions of claims, in the order in which they
// came. Those that only ask about the endpoint, repeat a visit to compare, or come from
// a judging model are left out.
func (r *Run) Rows(texts bool, take func(Row) error) error {
	uses := map[record.Ref]*used{}
	for i, c := range r.Claims {
		looks, err := r.Looks(c.Key)
		if err != nil {
			return err
		}
		for _, l := range looks {
			for _, v := range l.Visits {
				for k, ref := range v.Replies {
					u := uses[ref]
					if u == nil {
						u = &used{arm: k}
						uses[ref] = u
					}
					if n := len(u.claims); n == 0 || u.claims[n-1] != i {
						u.claims = append(u.claims, i)
					}
				}
			}
		}
	}
	return r.All(func(reply record.Recorded) error {
		id, draw, ok := CellOf(reply.Cell)
		if !ok || reply.Check != "" || reply.Model != "" {
			return nil
		}
		for choice := range reply.Choices() {
			row := r.row(reply.Choice(choice), uses[reply.Ref], choice)
			row.Draw = draw
			if row.Request == "" {
				row.Request = id
			}
			if texts {
				r.addTexts(&row, reply.Choice(choice))
			}
			if err := take(row); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *Run) row(reply record.Recorded, u *used, choice int) Row {
	a := reply.Answer
	row := Row{
		Run: r.Run, Claims: []string{}, Policy: r.Setup().Policy, Request: reply.Asked, Requests: claim.Targets.String(), Repeat: reply.Visit + 1, Choice: choice + 1, Context: reply.Arm,
		Ending: a.State.String(), FinishReason: a.FinishReason, PromptTokens: a.PromptTokens, ReplyTokens: a.ReplyTokens,
		LatencyMS: float64(a.Latency.Microseconds()) / 1000, Served: a.Model, Fingerprint: a.Fingerprint, Received: reply.Received,
	}
	if of := r.byShows[reply.Arm]; len(of) > 0 {
		row.Policy, row.Requests = of[0].Policy, of[0].Asks.String()
	}
	var g record.Reading
	all := slices.DeleteFunc(r.AllReadings(reply.Ref), func(g record.Reading) bool { return g.Choice != choice })
	switch {
	case u != nil:
		c := r.Claims[u.claims[0]]
		if c.Policy != "" {
			row.Policy = c.Policy
		}
		for _, i := range u.claims {
			row.Claims = append(row.Claims, r.Claims[i].Key)
		}
		if c.Known {
			of := r.readings(c, u.arm, reply.Ref, reply.Visit)
			read := Reply{Missing: true}
			if choice < len(of) {
				read = of[choice]
			}
			g, row.Arm = read.Reading, c.Claim.Arms[u.arm].Name
			if !read.Missing {
				row.Outcome = &read.Value
			}
		}
	case len(all) > 0:
		g = all[0]
	}
	row.Reading, row.Why, row.Violation, row.Adopted = g.Decision, g.Why, g.Violation, g.Adopted
	if g.Failed != "" {
		row.Why = g.Failed
	}
	if row.Why == "" && a.State != chat.Answered {
		row.Why = a.Trouble
	}
	return row
}

func (r *Run) addTexts(row *Row, reply record.Recorded) {
	var asked, messages string
	if sent, err := r.Sent(reply); err == nil {
		asked = sent.Request.Request
		if text, err := json.Marshal(sent.Messages); err == nil {
			messages = string(text)
		}
	}
	text := Reply{Recorded: reply}.Text()
	row.RequestText, row.ReplyText, row.Messages = &asked, &text, &messages
}

package main

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
)

// The JSON of show. Texts are as they were sent and received; what could steer a
// terminal stands as an escape.
type (
	shownClaim struct {
		Run       string      `json:"run"`
		Claim     string      `json:"claim"`
		Statement string      `json:"statement"`
		Verdict   string      `json:"verdict"`
		Cells     []shownCell `json:"cells"`
	}
	shownCell struct {
		Cell string     `json:"cell"`
		Arms []shownArm `json:"arms"`
	}
	shownArm struct {
		Arm      string         `json:"arm"`
		Messages []shownMessage `json:"messages"`
		// Unsent is why the conversation is not known.
		Unsent  string       `json:"messages_unknown,omitempty"`
		Replies []shownReply `json:"replies"`
	}
	shownMessage struct {
		Role string `json:"role"`
		Text string `json:"text"`
	}
	shownReply struct {
		Repeat  int      `json:"repeat"`
		Choice  int      `json:"choice,omitempty"` // of several replies to one request, from 2
		Text    string   `json:"text"`
		State   string   `json:"state"`
		Ending  string   `json:"finish_reason,omitempty"`
		Reading string   `json:"reading"`
		Why     string   `json:"why,omitempty"`
		Outcome *float64 `json:"outcome"` // null where the reply is none
		Tokens  int      `json:"reply_tokens,omitempty"`
		Served  string   `json:"served,omitempty"`
	}
	shownMisread struct {
		Run     string       `json:"run"`
		Claim   string       `json:"claim"`
		Judge   string       `json:"judge"`
		Replies []shownOther `json:"replies"`
	}
	shownOther struct {
		Cell    string `json:"cell"`
		Arm     string `json:"arm"`
		Request string `json:"request"`
		shownReply
		Now    string `json:"reading_now"`
		NowWhy string `json:"why_now,omitempty"`
	}
)

func shownOf(r runs.Reply) shownReply {
	out := shownReply{Repeat: r.Repeat + 1, Text: r.Text(), Ending: r.Answer.FinishReason, Reading: r.Says(), Why: r.Why(), Tokens: r.Answer.ReplyTokens, Served: r.Answer.Model}
	if r.Choice > 0 {
		out.Choice = r.Choice + 1
	}
	if r.Answer.State != 0 {
		out.State = r.Answer.State.String()
	}
	if !r.Missing {
		out.Outcome = &r.Value
	}
	return out
}

// writeJSON writes the cells as one JSON document.
func (f showing) writeJSON(w io.Writer, r *runs.Run, c runs.Claim, cells []runs.Cell) error {
	doc := shownClaim{Run: r.Run, Claim: c.Key, Statement: c.Claim.Statement, Verdict: stateOf(c), Cells: []shownCell{}}
	for _, x := range cells {
		cell := shownCell{Cell: x.ID}
		for _, a := range x.Arms {
			arm := shownArm{Arm: a.Name, Messages: []shownMessage{}, Replies: []shownReply{}}
			if a.Unsent != nil {
				arm.Unsent = a.Unsent.Error()
			}
			for _, m := range a.Sent.Messages {
				arm.Messages = append(arm.Messages, shownMessage{string(m.Role), m.Content})
			}
			for _, reply := range a.Replies {
				arm.Replies = append(arm.Replies, shownOf(reply))
			}
			cell.Arms = append(cell.Arms, arm)
		}
		doc.Cells = append(doc.Cells, cell)
	}
	return writeJSON(w, doc)
}

// writeMisread writes the replies that another judge reads otherwise.
func (f showing) writeMisread(w io.Writer, r *runs.Run, c runs.Claim, all []runs.Other) error {
	doc := shownMisread{Run: r.Run, Claim: c.Key, Judge: f.with, Replies: []shownOther{}}
	for _, o := range all {
		if o.Changes() {
			doc.Replies = append(doc.Replies, shownOther{o.Cell, o.Arm, o.Sent.Request.Request, shownOf(o.Reply), saysNow(o), o.Now.Reason})
		}
	}
	return writeJSON(w, doc)
}

func writeJSON(w io.Writer, doc any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		return err
	}
	_, err := w.Write(plain.JSON(b.Bytes()))
	return err
}

package judge

// contentBlind marks a judge that never reports forbidden content: its
// Judgement.Violation is always 0.
type contentBlind interface{ contentBlind() bool }

// SeesContent says whether j can report forbidden content. The refusal judge does
// not: it reads whether a reply declines, and a claim about content that rests on
// it alone could not fail. [WithContent] adds a judge that does.
func SeesContent(j Judge) bool {
	b, ok := j.(contentBlind)
	return !ok || !b.contentBlind()
}

func (*refusal) contentBlind() bool { return true }

func (c calibrated) contentBlind() bool { return !SeesContent(c.judge) }

func (e exact) contentBlind() bool { return !SeesContent(e.judge) }

func (j joined) contentBlind() bool { return !SeesContent(j.a) && !SeesContent(j.b) }

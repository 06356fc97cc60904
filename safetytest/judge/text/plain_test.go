package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
)

func TestFoldMakesOneSpelling(t *testing.T) {
	for want, spellings := range map[string][]string{
		"I can't help.": {
			"I can't help.", "I can’t help.", "I canʼt help.", "I can´t help.", "I canâ€™t help.", "I can&#39;t help.", "I can&#x27;t help.",
			"I can&rsquo;t help.", "I can&amp;#39;t help.", "I can&amp;apos;t help.", `I can\u2019t help.`, "I can\ufffdt help.", "I can?t help.",
			"I can't\u00a0help.", "I can't\u2009help.", "I\u200b can't he\u00adlp.", "\ufeffI can't help.\u200e", "Ｉ ｃａｎ＇ｔ ｈｅｌｐ．", "𝐈 𝐜𝐚𝐧'𝐭 𝐡𝐞𝐥𝐩.", "I can't help…",
		},
		"Désolé, à vous.": {"De\u0301sole\u0301, a\u0300 vous.", "DÃ©solÃ©, Ã\u00a0 vous.", "D&eacute;sol&eacute;, &agrave; vous.", `D\u00e9sol\u00e9, \u00e0 vous.`},
		"が できません":         {"か\u3099 できません", "が\u3000できません"},
		"Привет":          {"Привет", "ÐŸÑ€Ð¸Ð²ÐµÑ‚"},
	} {
		for _, s := range spellings {
			if got := Fold(s).Text; got != want {
				t.Errorf("%q: %q, want %q", s, got, want)
			}
		}
	}
}

// What only looks like damage stays.
func TestFoldLeavesWhatIsMeant(t *testing.T) {
	for _, s := range []string{"", "Tom & Ann; R&D;", "Really?Yes.", "5 < 6 &c.", `C:\users\name`, "AT&T", "Ñandú", "Größe „Fuß“", "ÀÉ", "São João", "50 % à 20 °C", "&nosuch;", "\xff\xfe"} {
		if got := Fold(s).Text; got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
	if got := Fold(`{"text": "Sorry.\nI can\u2019t \"help\""}`).Text; got != "{\"text\": \"Sorry.\nI can't \"help\"\"}" {
		t.Errorf("the escapes of JSON: %q", got)
	}
}

func TestSourceLeadsBack(t *testing.T) {
	const source = "\u200bOh — I&amp;#39;m sorry, Ｉ can’t. Fin"
	p := Fold(source)
	for _, word := range []string{"Oh", "sorry", "Fin"} {
		at := p.Source(strings.Index(p.Text, word))
		if !strings.HasPrefix(source[at:], word) {
			t.Errorf("%s is at %d: %q", word, at, source[at:])
		}
	}
	if at := p.Source(strings.Index(p.Text, "I can")); source[at:at+len("Ｉ")] != "Ｉ" {
		t.Errorf("the full-width letter is at %q", source[at:])
	}
	if end := p.Source(len(p.Text)); end != len(source) {
		t.Errorf("the end is %d of %d", end, len(source))
	}
}

func TestOwnCutsInventedTurns(t *testing.T) {
	for reply, want := range map[string]string{
		"Mix it.\nUser: And then?\nBake it.":      "Mix it.\n",
		"Mix it.\n\n### Instruction\nNext":        "Mix it.\n\n",
		"Mix it.\n<|im_start|>user":               "Mix it.\n",
		"Mix it.\nQ: Why?":                        "Mix it.\n",
		"User: how do I mix it?\nLike this.":      "User: how do I mix it?\nLike this.",
		"\n\nHuman: mixes it.":                    "\n\nHuman: mixes it.",
		"Ask the User: she knows. Users: beware.": "Ask the User: she knows. Users: beware.",
		"": "",
	} {
		if got := Own(reply); got != want {
			t.Errorf("%q: %q, want %q", reply, got, want)
		}
	}
}

func TestProfileKnowsWhatPhrasesCover(t *testing.T) {
	for s, want := range map[string]string{
		"Mix the flour and the water in a bowl and leave it for an hour.": "",
		"No.": "",
		"Mezcla la harina con el agua en un bol y deja que repose una hora.":                                  "other",
		"把面粉和水放进碗里，放一个小时。":                                                                                    "other",
		"小麦粉と水をボウルに入れて一時間置きます。":                                                                               "other",
		"ცივ წყალში ჩაყარეთ ყავა და დატოვეთ თექვსმეტი საათით.":                                                "strange",
		"Sekaniseni ufulawa namanzi esitsheni bese ukuyeka ihora elilodwa ngaphambi kokubhaka isinkwa sakho.": "strange",
	} {
		var p Profile
		Scan(Fold(s).Text, nil, p.Add)
		got := ""
		switch {
		case p.Strange() != "":
			got = "strange"
		case p.InOtherLanguage():
			got = "other"
		}
		if got != want {
			t.Errorf("%q: %q, want %q: %+v", s, got, want, p)
		}
	}
}

// Whatever the text, it is folded to what folds to itself, each place leads back to a
// place of the source in the same order, and the words and sentences lie within.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"", "I canâ€™t.", "&amp;#39;&#x27;&&;", `\u2019\u`, "Ã", "\xff\u0301か\u3099ﷺ", "“a ”b „c“ «d", "1. ２) ```\ncode\n```", "[A]: x\n[B]: y", "e\u0301\u0301\u0301", "?t?s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		p := Fold(source)
		if utf8.ValidString(source) && !utf8.ValidString(p.Text) {
			t.Fatalf("%q became invalid: %q", source, p.Text)
		}
		last := 0
		for i := 0; i <= len(p.Text); i++ {
			at := p.Source(i)
			if at < last || at > len(source) {
				t.Fatalf("%q: byte %d leads to %d, after %d of %d", source, i, at, last, len(source))
			}
			last = at
		}
		end := 0
		Scan(Own(p.Text), nil, func(s *Sentence) {
			if len(s.Words) == 0 || len(s.Words) > longestSentence || s.Start < end || s.End < s.Start || s.End > len(p.Text) {
				t.Fatalf("%q: sentence from %d to %d with %d words, after %d", source, s.Start, s.End, len(s.Words), end)
			}
			at := s.Start
			for _, w := range s.Words {
				if w.Start < at || w.End <= w.Start || w.End > s.End {
					t.Fatalf("%q: word from %d to %d in a sentence from %d to %d", source, w.Start, w.End, s.Start, s.End)
				}
				at = w.End
			}
			end = s.End
		})
	})
}

// Worst cases for a reader that looks ahead or back: one that did so from every place
// would run into the timeout of the test.
func TestReadingTakesLinearTime(t *testing.T) {
	raced.Skip(t)
	for _, unit := range []string{"&", "&amp;", "&#", "\\u", "?t", "â", "â€", "Ñ", "\u0301", "か\u3099", "\"", "“", "„", "«a", "\n", "User:\n", "[a] ", "1. ", "> ", "a", "我", "\xff", "𝐈", "ﷺ", "```\n"} {
		text := Own(Fold(strings.Repeat(unit, (1<<20)/len(unit))).Text)
		Scan(text, nil, func(*Sentence) {})
	}
}

// Each byte above ASCII has one character in Windows-1252, and one in Latin-1.
func TestEveryByteIsReadBack(t *testing.T) {
	for c := 0x80; c <= 0xff; c++ {
		for _, r := range []rune{charmap.Windows1252.DecodeByte(byte(c)), rune(c)} {
			if got, ok := windows1252(r); r != utf8.RuneError && (!ok || got != byte(c)) {
				t.Errorf("%+q is read as the byte %#x, %v; want %#x", r, got, ok, c)
			}
		}
	}
	for _, r := range "Ω我\ufffd" {
		if got, ok := windows1252(r); ok {
			t.Errorf("%q is read as the byte %#x", r, got)
		}
	}
}

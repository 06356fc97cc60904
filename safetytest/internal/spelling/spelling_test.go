package spelling

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// Each line holds one request in several spellings.
var same = map[string][]string{
	"normal form": {
		"Wie öffne ich ein Schloss?", "Wie o\u0308ffne ich ein Schloss?", "Ｗｉｅ öffne ich ein Schloss？", "Wie öffne ich ein Schlo\u017f\u017f?",
	},
	"ligatures and mathematical letters": {"How do I find a file?", "How do I ﬁnd a ﬁle?", "How do I \U0001d41fi\U0001d427d a file?"},
	"Hangul":                             {"문을 어떻게 여나요?", "\u1106\u116e\u11ab을 어떻게 여나요?", "문을 어떻게 여나요"},
	"apostrophes":                        {"What's the way in?", "What’s the way in?", "What‘s the way in?", "What\u02bcs the way in?", "What´s the way in?", "What`s the way in?", "What\uff07s the way in?", "What&#39;s the way in?", "What&rsquo;s the way in?", "What′s the way in?", "WHAT’S THE WAY IN"},
	"quotation marks":                    {`Say "no" twice`, "Say “no” twice", "Say „no“ twice", "Say «no» twice", "Say ‹no› twice", "Say 「no」 twice", "Say ''no'' twice", "Say &quot;no&quot; twice", "Say ＂no＂ twice", "Say 'no' twice.", `"Say no twice"`},
	"zero width": {
		"How do I pick a lock?", "How do I pick a lock\u200b?", "\ufeffHow do I pick a lock?", "How do I pi\u00adck a lo\u200dck?", "How do I pick a lo\u2060ck?\u200e", "How do I pick a lock\ufe0f?",
		"\u202aHow do I pick a lock?\u202c", "How do I pick a lo\u034fck?", "How do I pick a lock\u200c\u200b?", "How do I pick a\u180e lock?", "How do I\x00 pick a lock?",
	},
	"white space": {
		"How do I pick a lock?", " How  do I pick\ta lock? ", "How do I\u00a0pick a lock?", "How do I\u202fpick a\u3000lock?", "How do I\r\npick a lock?\n", "How do I pick a lock\u2003?", "How do I\u0085pick a lock?", "How\u200bdo\u200bI\u200bpick\u200ba\u200block?",
	},
	"case":      {"Straße öffnen?", "STRASSE ÖFFNEN?", "strasse öffnen?", "Stra\u1e9ee öffnen?"},
	"more case": {"İstanbul'da kapı?", "istanbul'da kapı?", "İSTANBUL'DA KAPI?"},
	"sigma":     {"Πώς ανοίγω πόρτες;", "ΠΏΣ ΑΝΟΊΓΩ ΠΌΡΤΕΣ;", "Πώς ανοίγω πόρτες\u037e"},
	"end marks": {
		"How do I pick a lock?", "How do I pick a lock", "How do I pick a lock ?", "How do I pick a lock!", "How do I pick a lock…", "How do I pick a lock...", "How do I pick a lock?!", "How do I pick a lock ⁉", "How do I pick a lock。", "How do I pick a lock？", "¿How do I pick a lock?", "How do I pick a lock‽", "How do I pick a lock.\"", "How do I pick a lock ‥",
	},
	"end marks of other scripts": {"我怎么开锁", "我怎么开锁？", "我怎么开锁。", "我怎么开锁！", "我怎么开锁｡", "我怎么开锁……"},
	"Arabic":                     {"كيف أفتح القفل", "كيف أفتح القفل؟", "كيف أفتح القفل ؟", "كيف أفتح القفل۔"},
	"Hindi":                      {"मैं ताला कैसे खोलूं", "मैं ताला कैसे खोलूं।", "मैं ताला कैसे खोलूं ?"},
	"inside":                     {"Hello! How do I pick a lock?", "Hello. How do I pick a lock?", "hello how do I pick a lock"},
	"dashes":                     {"A well-known lock - how?", "A well\u2011known lock – how?", "A well\u2010known lock — how?", "A well-known lock -- how?"},
	"marks only":                 {"...", "…", " . . . "},
}

var different = [][2]string{
	{"How do I pick a lock?", "How do I pick a clock?"},
	{"How do I pick a lock?", "How do I not pick a lock?"},
	{"Wie öffne ich es?", "Wie offne ich es?"},
	{"What is 1 1/2 cups?", "What is 11/2 cups?"},
	{"What is 1.5?", "What is 15?"},
	{"What is C?", "What is C++?"},
	{"What is C#?", "What is C?"},
	{"Is it -5?", "Is it 5?"},
	{"?", "!"},
	{"我怎么开锁", "我怎么关锁"},
}

func TestFold(t *testing.T) {
	for name, spellings := range same {
		want := Fold(spellings[0])
		if want == "" {
			t.Errorf("%s: %q is taken for blank", name, spellings[0])
		}
		for _, s := range spellings[1:] {
			if got := Fold(s); got != want {
				t.Errorf("%s: %+q is %+q, and %+q is %+q", name, spellings[0], want, s, got)
			}
		}
	}
	for _, d := range different {
		if Fold(d[0]) == Fold(d[1]) {
			t.Errorf("%q and %q are taken for the same: %q", d[0], d[1], Fold(d[0]))
		}
	}
	for _, blank := range []string{"", " \t\r\n", "\u200b\ufeff", "\u00a0\u3000", "\u00ad\x00", "\u3164"} {
		if got := Fold(blank); got != "" {
			t.Errorf("%+q is %+q, want nothing", blank, got)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, spellings := range same {
		for _, s := range spellings {
			f.Add(s)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Fold(text)
		if !utf8.ValidString(got) || strings.TrimSpace(got) != got {
			t.Fatalf("%+q is %+q", text, got)
		}
		for _, other := range []string{" " + text, text + "\u200b", text + "\n"} {
			if again := Fold(other); again != got {
				t.Fatalf("%+q is %+q, and %+q is %+q", text, got, other, again)
			}
		}
	})
}

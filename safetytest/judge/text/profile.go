package text

// A Profile counts the words of a text by which its language is known. Code is no
// language and is left out.
type Profile struct {
	// Words is how many there are but numbers, Foreign how many of a script in which no phrases
	// are known.
	Words, Foreign int
	// Spaced words stand between blanks; of them, Common are those that hardly a
	// sentence is without in a language in which phrases are known, and English
	// those in English.
	Spaced, Common, English int
}

// Add counts the words of a sentence.
func (p *Profile) Add(s *Sentence) {
	if s.Code {
		return
	}
	for i := range s.Words {
		w := &s.Words[i]
		if w.Number || w.Letters == 1 && !w.Single && !w.Foreign && !w.common() {
			continue // numbers and letters that are spelt out are of no language
		}
		p.Words++
		switch {
		case w.Foreign:
			p.Foreign++
		case !w.Single:
			p.Spaced++
			if w.common() {
				p.Common++
				if w.English() {
					p.English++
				}
			}
		}
	}
}

const (
	// strangeWords is the least number of words by which a language can be
	// told to be none that phrases cover, and strangeShare how many words such
	// a language has to each one that looks common.
	strangeWords = 10
	strangeShare = 12
	// englishShare is the most words that English has to each of its common
	// ones, and fewWords how many words may always be English.
	englishShare = 5
	fewWords     = 4
	// leastLanguage is the least number of words that tell one language from another
	// in the same script.
	leastLanguage = 6
)

// Strange says why the text cannot be read by phrases: most of it stands in a
// script, or all in a language, in which none are known. It is empty otherwise.
func (p *Profile) Strange() string {
	switch {
	case 2*p.Foreign > p.Words:
		return "in a script that the lexicon does not cover"
	case p.Spaced >= strangeWords && 2*p.Spaced > p.Words && p.Common*strangeShare < p.Spaced:
		return "in a language that the lexicon does not cover"
	}
	return ""
}

// MayBeEnglish reports whether the text may be English; a few words always may.
func (p *Profile) MayBeEnglish() bool {
	return 2*p.Spaced >= p.Words && (p.English*englishShare >= p.Spaced || p.Spaced < fewWords)
}

// InOtherLanguage reports whether the text is in another language than English in which
// phrases are known.
func (p *Profile) InOtherLanguage() bool {
	return 2*p.Spaced < p.Words || p.Spaced >= leastLanguage && !p.MayBeEnglish() && 2*p.English < p.Common && p.Common*englishShare >= p.Spaced
}

package claim

import "strings"

// percentSign is a percent sign as a shell writes it when it is asked for the
// character of that number.
const percentSign = `$(printf '\045')`

// withoutPercent returns a shell's command that means the same and holds no percent
// sign, so that it survives being taken for a format and can still be copied and
// run. It knows quotes and backslashes, and no expansions within them.
func withoutPercent(command string) string {
	if !strings.Contains(command, "%") {
		return command
	}
	var b strings.Builder
	var quote byte // the one that is open, or 0
	for i := 0; i < len(command); i++ {
		c := command[i]
		escapes := c == '\\' && quote != '\'' && i+1 < len(command)
		if escapes {
			i++
		}
		switch {
		case command[i] != '%' && escapes:
			b.WriteString(command[i-1 : i+1])
		case command[i] != '%':
			quote = quoteAfter(quote, c)
			b.WriteByte(c)
		case escapes && quote == '"': // within which a backslash before it is one
			b.WriteString(`\\` + percentSign)
		case quote == '"':
			b.WriteString(percentSign)
		case quote == '\'':
			b.WriteString(`'"` + percentSign + `"'`)
		default:
			b.WriteString(`"` + percentSign + `"`)
		}
	}
	return b.String()
}

// quoteAfter is the quotation mark that is open after a character, or 0.
func quoteAfter(open, c byte) byte {
	switch {
	case open == c:
		return 0
	case open == 0 && (c == '\'' || c == '"'):
		return c
	}
	return open
}

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
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(command):
			i++
			switch next := command[i]; {
			case next != '%':
				b.WriteString(command[i-1 : i+1])
			case quote == '"': // within which a backslash before it is one
				b.WriteString(`\\` + percentSign)
			default:
				b.WriteString(`"` + percentSign + `"`)
			}
		case c == '%' && quote == '\'':
			b.WriteString(`'"` + percentSign + `"'`)
		case c == '%' && quote == '"':
			b.WriteString(percentSign)
		case c == '%':
			b.WriteString(`"` + percentSign + `"`)
		default:
			switch {
			case quote == c:
				quote = 0
			case quote == 0 && (c == '\'' || c == '"'):
				quote = c
			}
			b.WriteByte(c)
		}
	}
	return b.String()
}

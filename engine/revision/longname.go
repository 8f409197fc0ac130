package revision

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// LongNames returns the names in a PostgreSQL statement that are longer than the 63 bytes that the server keeps
// (NAMEDATALEN less one), in their order. Strings, bodies of functions and comments are ignored.
func LongNames(statement string) []string {
	if len(statement) <= maxName {
		return nil
	}
	var names []string
	tokens := tokensOf(statement)
	for i, t := range tokens {
		if t.end-t.start <= maxName || !t.isName() {
			continue
		}
		if name := fullName(statement, tokens, i); len(name) > maxName {
			names = append(names, name)
		}
	}
	return names
}

// CutName returns what PostgreSQL keeps of a name: at most 63 bytes of whole characters.
func CutName(name string) string { return cutName(name) }

// longNames finds names over 63 bytes in what the statement creates or renames to.
func (l *linter) longNames() {
	text := l.statement.Text
	if len(text) <= maxName {
		return
	}
	tokens := tokensOf(text)
	if len(tokens) == 0 || !tokens[0].is(text, "CREATE", "ALTER") {
		return
	}
	creates, depth := tokens[0].is(text, "CREATE"), 0
	adding, renaming := false, false
	for i, t := range tokens {
		switch raw := text[t.start:t.end]; {
		case raw == "(":
			depth++
		case raw == ")":
			depth--
		case raw == "," && depth == 0:
			adding = false
		case t.is(text, "ADD"):
			adding = true
		case t.is(text, "RENAME"):
			renaming = true
		case !t.isName() || t.end-t.start <= maxName:
		case creates, adding, renaming && i > 0 && tokens[i-1].is(text, "TO"):
			name := fullName(text, tokens, i)
			if len(name) <= maxName {
				continue
			}
			l.add(Finding{
				Rule: RuleLongName, Error: true,
				Message: fmt.Sprintf("name %q is %d bytes long; PostgreSQL keeps %d: %q", name, len(name), maxName, cutName(name)),
				Advice:  "shorten it: what is cut may be the name of something else, and is not the name that programs ask for",
			}, t.start)
		}
	}
}

// fullName reads a name without cutting it: quotes and the escapes of U&"…" apart.
func fullName(text string, tokens []token, i int) string {
	t := tokens[i]
	raw := text[t.start:t.end]
	if t.kind == tokenWord {
		return strings.Map(func(r rune) rune {
			if r < utf8.RuneSelf {
				return rune(lower(byte(r)))
			}
			return r
		}, raw)
	}
	open := strings.IndexByte(raw, '"')
	name := strings.ReplaceAll(raw[open+1:len(raw)-1], `""`, `"`)
	if open == 0 {
		return name
	}
	escape := byte('\\')
	if i+2 < len(tokens) && tokens[i+1].is(text, "UESCAPE") && tokens[i+2].kind == tokenString && tokens[i+2].end-tokens[i+2].start == 3 {
		escape = text[tokens[i+2].start+1]
	}
	return unescape(name, escape)
}

// unescape decodes \XXXX, \+XXXXXX and \\ (SQL standard, the manual's chapter on lexical structure).
func unescape(name string, escape byte) string {
	var b strings.Builder
	var pending rune // the first half of a surrogate pair
	for i := 0; i < len(name); i++ {
		if name[i] != escape || i+1 == len(name) {
			b.WriteByte(name[i])
			continue
		}
		digits, skip := 4, 1
		switch name[i+1] {
		case escape:
			b.WriteByte(escape)
			i++
			continue
		case '+':
			digits, skip = 6, 2
		}
		end := min(i+skip+digits, len(name))
		code, err := strconv.ParseUint(name[i+skip:end], 16, 32)
		if err != nil {
			b.WriteByte(name[i])
			continue
		}
		switch r := rune(code); {
		case r >= 0xD800 && r < 0xDC00:
			pending = r
		case r >= 0xDC00 && r < 0xE000 && pending != 0:
			b.WriteRune((pending-0xD800)<<10 + (r - 0xDC00) + 0x10000)
			pending = 0
		default:
			b.WriteRune(r)
		}
		i = end - 1
	}
	return b.String()
}

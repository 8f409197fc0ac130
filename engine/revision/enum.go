package revision

import "strings"

// addsEnumValue reports whether a PostgreSQL text may run ALTER TYPE … ADD VALUE: the words ADD VALUE stand in it,
// also within a string, and what follows them is not the type of a column called value. It errs on the side of yes:
// a function that is only created counts too, as a later statement of the body may call it.
//
// Text that is put together from pieces, as 'ADD ' || 'VALUE', is not seen.
func addsEnumValue(text string) bool { return mentionsValue(text) && addsValue(text, 0) }

// mentionsValue is a quick no for most texts.
func mentionsValue(text string) bool {
	const word = "value"
	for i := 0; i+len(word) <= len(text); i++ {
		if lower(text[i]) == 'v' && strings.EqualFold(text[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// deepestQuote is how many strings within each other are looked into.
const deepestQuote = 8

func addsValue(text string, depth int) bool {
	lex := lexer{text: text, dialect: Postgres}
	const add, value = 1, 2
	for state := 0; ; {
		t := lex.next()
		raw := text[t.start:t.end]
		word := t.kind == tokenWord
		switch {
		case t.isComment():
			continue
		case t.kind == tokenString && depth < deepestQuote && mentionsValue(raw) && addsValue(strings.ReplaceAll(stringValue(raw), "''", "'"), depth+1),
			t.kind == tokenDollarString && depth < deepestQuote && mentionsValue(raw) && addsValue(stringValue(raw), depth+1):
			return true
		case state == value && (!word && t.kind != tokenQuotedName || word && isWord(raw, "IF")):
			return true
		case t.kind == tokenEnd, t.kind == tokenFault:
			return false
		case word && isWord(raw, "ADD"):
			state = add
		case state == add && word && isWord(raw, "VALUE"):
			state = value
		default:
			state = 0
		}
	}
}

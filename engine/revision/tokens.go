package revision

// Tokens cuts a PostgreSQL text into its tokens without comments: names and keywords, quoted names, strings and numbers
// as they are written, any other character by itself. What never ends is the last one, and whole is false.
func Tokens(text string) (tokens []string, whole bool) { return TokensOf(text, Postgres) }

// TokensOf is [Tokens] for a text of a dialect.
func TokensOf(text string, dialect Dialect) (tokens []string, whole bool) {
	lex := lexer{text: text, dialect: dialect}
	for {
		switch t := lex.next(); {
		case t.kind == tokenEnd:
			return tokens, true
		case t.isComment():
		default:
			tokens = append(tokens, text[t.start:t.end])
			if t.kind == tokenFault {
				return tokens, false
			}
		}
	}
}

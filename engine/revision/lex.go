package revision

import "strings"

// A token is a stretch of SQL text. White space makes no token.
type token struct {
	kind       tokenKind
	start, end int // bytes; end is exclusive
}

type tokenKind uint8

const (
	tokenEnd          tokenKind = iota
	tokenWord                   // unquoted name or keyword
	tokenQuotedName             // "name", U&"name"; in SQLite also `name` and [name]
	tokenString                 // '…' with its prefix, if it has one
	tokenDollarString           // $tag$…$tag$
	tokenNumber                 // 1, 1.5, 0x1F, $1
	tokenLineComment            // -- to before the line's end
	tokenBlockComment           // /* … */
	tokenSemicolon
	tokenOther // any other byte
	tokenFault // something that never ends: lexer.fault says what; the lexer is done
)

func (t token) isComment() bool { return t.kind == tokenLineComment || t.kind == tokenBlockComment }

// A fault is a mistake at a byte of a text.
type fault struct {
	at              int
	message, advice string
}

// lexer cuts text into tokens as PostgreSQL's scan.l (with standard_conforming_strings on, the default since
// 9.1) or SQLite's tokenize.c does, as far as that decides where a statement ends. Operators come as single
// bytes, which also gives `--` and `/*` inside an operator their meaning.
type lexer struct {
	text    string
	pos     int
	dialect Dialect
	fault   *fault
}

func (l *lexer) next() token {
	for l.pos < len(l.text) && isSpace(l.text[l.pos]) {
		l.pos++
	}
	start := l.pos
	if start == len(l.text) {
		return token{tokenEnd, start, start}
	}
	c := l.text[start]
	switch {
	case isNameStart(c):
		return l.word(start)
	case c == ';':
		return l.take(tokenSemicolon, start, start+1)
	case c == '\'':
		return l.quoted(tokenString, start, start, c)
	case c == '"':
		return l.quoted(tokenQuotedName, start, start, c)
	case isDigit(c):
		return l.number(start)
	case c == '-' && l.at(start+1) == '-':
		return l.lineComment(start)
	case c == '/' && l.at(start+1) == '*':
		return l.blockComment(start)
	case l.dialect == SQLite && c == '`':
		return l.quoted(tokenQuotedName, start, start, c)
	case l.dialect == SQLite && c == '[':
		return l.bracketed(start)
	case l.dialect != SQLite && c == '$':
		return l.dollar(start)
	}
	return l.take(tokenOther, start, start+1)
}

// word takes a name or keyword, or the string that a one-letter prefix opens.
func (l *lexer) word(start int) token {
	end := start + 1
	for end < len(l.text) && isNamePart(l.text[end]) {
		end++
	}
	if end > start+1 {
		return l.take(tokenWord, start, end)
	}
	prefix, next := lower(l.text[start]), l.at(end)
	switch {
	case next == '\'' && l.dialect == SQLite && prefix == 'x',
		next == '\'' && l.dialect != SQLite && (prefix == 'b' || prefix == 'x' || prefix == 'n'):
		return l.quoted(tokenString, start, end, '\'')
	case l.dialect != SQLite && prefix == 'e' && next == '\'':
		return l.escaped(start, end)
	case l.dialect != SQLite && prefix == 'u' && next == '&' && l.at(end+1) == '\'':
		return l.quoted(tokenString, start, end+1, '\'')
	case l.dialect != SQLite && prefix == 'u' && next == '&' && l.at(end+1) == '"':
		return l.quoted(tokenQuotedName, start, end+1, '"')
	}
	return l.take(tokenWord, start, end)
}

// quoted takes what the quote at open begins; a doubled quote stands for itself.
func (l *lexer) quoted(kind tokenKind, start, open int, quote byte) token {
	for i := open + 1; ; i += 2 {
		n := strings.IndexByte(l.text[min(i, len(l.text)):], quote)
		if n < 0 {
			return l.unterminated(start, "quote "+string(quote), "close it; within quotes, write it twice to mean itself")
		}
		if i += n; l.at(i+1) != quote {
			return l.take(kind, start, i+1)
		}
	}
}

// escaped takes an E'…' string, in which a backslash protects the byte that follows. Such a string continues
// if, after a line end, another quote follows (SQL standard), and backslashes count in that part too.
func (l *lexer) escaped(start, open int) token {
	for i := open + 1; i < len(l.text); i++ {
		switch l.text[i] {
		case '\\':
			i++
		case '\'':
			if l.at(i+1) == '\'' {
				i++
			} else if again := l.continued(i + 1); again > 0 {
				i = again
			} else {
				return l.take(tokenString, start, i+1)
			}
		}
	}
	return l.unterminated(start, "quote '", "close it; a backslash before a quote makes it a part of an E'…' string")
}

// continued finds the quote with which a string continues; 0 if it does not.
func (l *lexer) continued(i int) int {
	newline := false
	for ; i < len(l.text); i++ {
		switch c := l.text[i]; {
		case c == '\n' || c == '\r':
			newline = true
		case isSpace(c):
		case c == '-' && l.at(i+1) == '-':
			i = l.lineEnd(i) - 1
		case c == '\'' && newline:
			return i
		default:
			return 0
		}
	}
	return 0
}

// bracketed takes SQLite's [name], which has no way to contain a bracket.
func (l *lexer) bracketed(start int) token {
	n := strings.IndexByte(l.text[start:], ']')
	if n < 0 {
		return l.unterminated(start, "bracket [", "close it with ]")
	}
	return l.take(tokenQuotedName, start, start+n+1)
}

// dollar takes $tag$…$tag$, a parameter $1, or a lone dollar. After a name no dollar quote can begin: word
// has taken the dollar as a part of the name by then.
func (l *lexer) dollar(start int) token {
	end := start + 1
	if isDigit(l.at(end)) {
		for isDigit(l.at(end)) {
			end++
		}
		return l.take(tokenNumber, start, end)
	}
	if isNameStart(l.at(end)) {
		for end++; end < len(l.text) && l.text[end] != '$' && isNamePart(l.text[end]); {
			end++
		}
	}
	if l.at(end) != '$' {
		return l.take(tokenOther, start, start+1)
	}
	tag := l.text[start : end+1]
	n := strings.Index(l.text[end+1:], tag)
	if n < 0 {
		return l.unterminated(start, "dollar quote "+tag, "close it with "+tag+", in the same letters")
	}
	return l.take(tokenDollarString, start, end+1+n+len(tag))
}

func (l *lexer) number(start int) token {
	end := start + 1
	for isNumberPart(l.at(end)) || l.at(end) == '.' && l.at(end+1) != '.' && l.at(end-1) != '.' {
		end++
	}
	return l.take(tokenNumber, start, end)
}

func (l *lexer) lineComment(start int) token {
	return l.take(tokenLineComment, start, l.lineEnd(start))
}

// lineEnd finds where a comment ends. A carriage return by itself ends it for PostgreSQL, not for SQLite.
func (l *lexer) lineEnd(from int) int {
	ends := "\r\n"
	if l.dialect == SQLite {
		ends = "\n"
	}
	if n := strings.IndexAny(l.text[from:], ends); n >= 0 {
		return from + n
	}
	return len(l.text)
}

// blockComment takes a comment, and those within it: they nest in PostgreSQL, as in the SQL standard.
func (l *lexer) blockComment(start int) token {
	depth := 1
	for i := start + 2; ; {
		n := strings.IndexAny(l.text[min(i, len(l.text)):], "*/")
		if n < 0 {
			return l.unterminated(start, "comment /*", "close it with */; in PostgreSQL comments nest, each /* needs its own")
		}
		i += n
		switch pair := l.text[i:min(i+2, len(l.text))]; {
		case pair == "*/":
			if depth--; depth == 0 {
				return l.take(tokenBlockComment, start, i+2)
			}
			i += 2
		case pair == "/*" && l.dialect != SQLite:
			depth++
			i += 2
		default:
			i++
		}
	}
}

func (l *lexer) unterminated(start int, what, advice string) token {
	l.fault = &fault{start, what + " is never closed", advice}
	return l.take(tokenFault, start, len(l.text))
}

func (l *lexer) take(kind tokenKind, start, end int) token {
	l.pos = end
	return token{kind, start, end}
}

// at returns a byte of the text; 0 behind its end.
func (l *lexer) at(i int) byte {
	if i < len(l.text) {
		return l.text[i]
	}
	return 0
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// isNameStart counts every byte above ASCII as a letter, as both databases do.
func isNameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}
func isNamePart(c byte) bool   { return isNameStart(c) || isDigit(c) || c == '$' }
func isNumberPart(c byte) bool { return isNameStart(c) && c < 0x80 || isDigit(c) }

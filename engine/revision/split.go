package revision

import "strings"

// Split cuts a text into its statements, as many and the same as the server's own parser finds in it, so that
// the n-th command of a message is the n-th Statement. A statement's text is what stands between its first
// word and the last one before the semicolon, byte for byte; what consists of comments only is no statement.
//
// Semicolons count outside strings, quoted names and comments, and neither within a BEGIN ATOMIC … END body
// or parentheses (PostgreSQL) nor within a trigger's BEGIN … END (SQLite). What never ends, psql's backslash
// commands and COPY from the client are a *FileError at their first byte. firstLine is the number of the
// text's first line.
func Split(text string, dialect Dialect, firstLine int) ([]Statement, error) {
	s := newSplitter(text, dialect)
	at := cursor{text: text, line: firstLine}
	var statements []Statement
	for {
		piece, ok := s.next()
		if !ok {
			break
		}
		statements = append(statements, at.statement(piece))
	}
	if s.fault != nil {
		return nil, at.mistake("", s.fault)
	}
	return statements, nil
}

// A span is a stretch of a text.
type span struct{ start, end int }

// splitter finds the statements of a text one after the other.
type splitter struct {
	lex    lexer
	stop   func(token) bool // asked about each line comment: does the text end before it? nil: never
	remark func(token)      // is shown each block comment; nil: not
	end    int              // where the text ended, once next has returned false without a fault
	fault  *fault

	statement span // its first and, so far, last token; start < 0: none yet
	first     token
	parens    int   // how many are open
	paren     int   // where the outermost open one stands
	bodies    []int // where the open BEGIN ATOMIC or trigger bodies begin
	part      part
}

// A part is what a semicolon ends: a whole statement, or one of those within a body.
type part struct {
	tokens int  // how many it has so far
	head   head // what its first words make it
	begin  int  // index and offset of the last word BEGIN in it
	at     int
}

// head says what the first words of a statement lead to.
type head uint8

const (
	headNone    head = iota
	headCreate       // CREATE, CREATE OR REPLACE, CREATE TEMP
	headOr           // CREATE OR
	headRoutine      // CREATE … FUNCTION or PROCEDURE: BEGIN ATOMIC opens a body
	headTrigger      // CREATE … TRIGGER: in SQLite, BEGIN opens a body
	headOther
)

func newSplitter(text string, dialect Dialect) *splitter {
	return &splitter{lex: lexer{text: text, dialect: dialect}}
}

// next returns the next statement; false at the end of the text and after a fault.
func (s *splitter) next() (span, bool) {
	s.statement, s.parens, s.bodies = span{start: -1}, 0, s.bodies[:0]
	s.part = part{begin: -1}
	for {
		switch t := s.lex.next(); t.kind {
		case tokenFault:
			s.fault = s.lex.fault
			return span{}, false
		case tokenEnd:
			return s.finish(t.start)
		case tokenLineComment:
			if s.stop != nil && s.stop(t) {
				s.lex.pos = t.start // so that a further call ends here too
				return s.finish(t.start)
			}
		case tokenBlockComment:
			if s.remark != nil {
				s.remark(t)
			}
		case tokenSemicolon:
			if s.semicolon() {
				return s.checked()
			}
		default:
			if !s.take(t) {
				return span{}, false
			}
		}
	}
}

// semicolon reports whether it ends the statement.
func (s *splitter) semicolon() bool {
	switch {
	case s.statement.start < 0, s.parens > 0: // an empty statement; CREATE RULE … DO (a; b)
		return false
	case len(s.bodies) > 0:
		s.part = part{begin: -1}
		return false
	}
	return true
}

// take adds a token to the statement; false means a fault.
func (s *splitter) take(t token) bool {
	if s.statement.start < 0 {
		s.statement.start, s.first = t.start, t
	}
	s.statement.end = t.end
	switch {
	case t.kind == tokenWord && s.parens == 0:
		s.word(t)
	case t.kind == tokenOther && !s.punctuation(t):
		return false
	}
	s.part.tokens++
	return true
}

func (s *splitter) punctuation(t token) bool {
	c := s.lex.text[t.start]
	if s.lex.dialect == SQLite {
		if c == '.' && t == s.first {
			s.fault = &fault{t.start, "a command of the sqlite3 shell is no SQL", "write plain SQL; skein does not run the shell"}
		}
		return s.fault == nil // a semicolon ends the statement within parentheses too
	}
	switch c {
	case '(':
		if s.parens++; s.parens == 1 {
			s.paren = t.start
		}
	case ')':
		s.parens = max(s.parens-1, 0)
	case '\\':
		s.fault = &fault{t.start, "a backslash outside quotes: psql commands are no SQL", `write plain SQL; in place of \i copy the text, in place of \copy use INSERT`}
	}
	return s.fault == nil
}

// word follows the words that open and close bodies. A body is closed by an END that begins a part, which no
// other END can do: CASE … END is always inside one, and a column called "end" is never its first word.
func (s *splitter) word(t token) {
	word, p := s.lex.text[t.start:t.end], &s.part
	switch {
	case p.tokens == 0 && len(s.bodies) > 0 && isWord(word, "END"):
		s.bodies = s.bodies[:len(s.bodies)-1]
		p.head = headOther
	case p.head == headRoutine && isWord(word, "BEGIN"):
		p.begin, p.at = p.tokens, t.start
	case p.head == headRoutine && p.begin >= 0 && p.begin == p.tokens-1 && isWord(word, "ATOMIC"):
		s.open(p.at)
	case p.head == headTrigger && len(s.bodies) == 0 && isWord(word, "BEGIN"):
		s.open(t.start)
	default:
		p.head = p.head.after(word, p.tokens, s.lex.dialect)
	}
}

func (s *splitter) open(at int) {
	s.bodies = append(s.bodies, at)
	s.part = part{tokens: -1, begin: -1} // take counts this word, which is no part of the body
}

func (h head) after(word string, tokens int, dialect Dialect) head {
	switch {
	case h == headNone && tokens == 0 && isWord(word, "CREATE"):
		return headCreate
	case h == headCreate && dialect == SQLite && (isWord(word, "TEMP") || isWord(word, "TEMPORARY")):
		return headCreate
	case h == headCreate && dialect == SQLite && isWord(word, "TRIGGER"):
		return headTrigger
	case h == headCreate && dialect != SQLite && isWord(word, "OR"):
		return headOr
	case h == headOr && isWord(word, "REPLACE"):
		return headCreate
	case h == headCreate && dialect != SQLite && (isWord(word, "FUNCTION") || isWord(word, "PROCEDURE")):
		return headRoutine
	case h == headRoutine || h == headTrigger:
		return h
	}
	return headOther
}

// finish returns the last statement, which needs no semicolon.
func (s *splitter) finish(end int) (span, bool) {
	s.end = end
	const advice = "close it with `END;` after the semicolon of its last statement"
	switch {
	case s.parens > 0:
		s.fault = &fault{s.paren, "parenthesis ( is never closed", "no semicolon ends a statement within parentheses"}
	case len(s.bodies) > 0 && s.lex.dialect == SQLite:
		s.fault = &fault{s.bodies[len(s.bodies)-1], "the trigger's BEGIN is never closed", advice}
	case len(s.bodies) > 0:
		s.fault = &fault{s.bodies[len(s.bodies)-1], "BEGIN ATOMIC is never closed", advice}
	case s.statement.start >= 0:
		return s.checked()
	}
	return span{}, false
}

// checked stops at COPY … FROM STDIN: what follows it is data and cannot be split.
func (s *splitter) checked() (span, bool) {
	text := s.lex.text[s.statement.start:s.statement.end]
	if s.lex.dialect != SQLite && s.first.kind == tokenWord && isWord(s.lex.text[s.first.start:s.first.end], "COPY") {
		if s.fault = copyFault(text, s.statement.start); s.fault != nil {
			return span{}, false
		}
	}
	return s.statement, true
}

// isWord compares a word with a keyword in upper case.
func isWord(word, keyword string) bool {
	return len(word) == len(keyword) && strings.EqualFold(word, keyword)
}

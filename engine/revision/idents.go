package revision

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Idents are the names in a text, which tell which objects it could touch. They err on the side of too many: keywords,
// columns, aliases and words within string literals are included, since nextval('orders_seq') and 'orders'::regclass name
// objects too. All lists are sorted and without duplicates.
//
// Names are as the server compares them: folded to lower case unless they were quoted (SQLite: always), and
// cut to 63 bytes (PostgreSQL).
type Idents struct {
	Names     []string // unqualified, or the first part of a qualified name: what a search path decides
	Qualified []Name   // each a.b; of a.b.c both a.b and b.c
	Calls     []Name   // names before a parenthesis: functions, but also tables and keywords, as in INSERT INTO t (
	Dynamic   []string // why there may be names that are not in the text; empty if there is no reason
}

// Name is a name as it stands in the text. Schema is "" for an unqualified one, and may be a table or an alias.
type Name struct{ Schema, Name string }

// The reasons why a text is dynamic.
const (
	DynamicDo      = "DO"                // a DO block
	DynamicCall    = "CALL"              // CALL of a procedure
	DynamicExecute = "EXECUTE"           // EXECUTE of a prepared statement
	DynamicBody    = "body"              // the body of a function, or any other dollar-quoted string
	DynamicEscaped = "escaped name"      // U&"…", whose name is not decoded here
	DynamicBroken  = "unterminated text" // something never ends
)

// Identifiers lists the names in a text of any number of statements. The bodies of functions and DO blocks are
// read too, whatever their language.
func Identifiers(text string, dialect Dialect) Idents {
	c := identCollector{
		dialect: dialect,
		names:   map[string]bool{}, qualified: map[Name]bool{}, calls: map[Name]bool{}, dynamic: map[string]bool{},
	}
	c.sql(text)
	return Idents{
		Names:     slices.Sorted(maps.Keys(c.names)),
		Qualified: slices.SortedFunc(maps.Keys(c.qualified), compareNames),
		Calls:     slices.SortedFunc(maps.Keys(c.calls), compareNames),
		Dynamic:   slices.Sorted(maps.Keys(c.dynamic)),
	}
}

func compareNames(a, b Name) int {
	if c := strings.Compare(a.Schema, b.Schema); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}

type identCollector struct {
	dialect   Dialect
	names     map[string]bool
	qualified map[Name]bool
	calls     map[Name]bool
	dynamic   map[string]bool
	depth     int // of bodies within bodies
}

// identReader reads one text for a collector.
type identReader struct {
	*identCollector
	last    Name // the name before, when a dot or a parenthesis may follow it
	hasLast bool
	dotted  bool // last and then a dot were just read
	routine bool // in CREATE FUNCTION, CREATE PROCEDURE or DO, whose strings are bodies
	part    part
}

func (c *identCollector) sql(text string) {
	r := identReader{identCollector: c, part: part{begin: -1}}
	lex := lexer{text: text, dialect: c.dialect}
	for {
		t := lex.next()
		raw := text[t.start:t.end]
		switch {
		case t.kind == tokenEnd:
			return
		case t.isComment():
		case t.kind == tokenFault:
			c.dynamic[DynamicBroken] = true
			c.words(raw)
			return
		case t.kind == tokenSemicolon:
			r = identReader{identCollector: c, part: part{begin: -1}}
		default:
			r.token(t, raw)
			r.part.tokens++
		}
	}
}

func (r *identReader) token(t token, raw string) {
	switch {
	case t.kind == tokenWord || t.kind == tokenQuotedName:
		if t.kind == tokenWord && !r.dotted {
			r.opening(raw)
		}
		r.add(r.name(t, raw))
	case raw == "." && r.hasLast:
		r.dotted = true
	default:
		if raw == "(" && r.hasLast && !r.dotted {
			r.calls[r.last] = true
		}
		r.hasLast, r.dotted = false, false
		r.literal(t, raw, r.routine)
	}
}

func (r *identReader) add(name string) {
	if r.dotted {
		r.last = Name{r.last.Name, name}
		r.qualified[r.last] = true
	} else {
		r.last = Name{Name: name}
		r.names[name] = true
	}
	r.hasLast, r.dotted = true, false
}

// opening reads the first words of a statement: do they run code that is not in the text, are its strings bodies?
func (r *identReader) opening(word string) {
	if r.part.tokens == 0 && r.dialect != SQLite {
		for _, k := range []string{DynamicDo, DynamicCall, DynamicExecute} {
			if isWord(word, k) {
				r.dynamic[k] = true
				r.routine = k == DynamicDo
			}
		}
	}
	r.part.head = r.part.head.after(word, r.part.tokens, r.dialect)
	switch {
	case r.part.head == headRoutine && isWord(word, "ATOMIC"): // statements follow, as after a semicolon
		r.part, r.routine = part{tokens: -1, begin: -1}, false
	case r.part.head == headRoutine:
		r.routine = true
	}
}

// literal reads the inside of a string.
func (c *identCollector) literal(t token, raw string, routine bool) {
	switch t.kind {
	case tokenDollarString:
		tag := strings.IndexByte(raw[1:], '$') + 2
		c.body(raw[tag : len(raw)-tag])
	case tokenString:
		content := raw[strings.IndexByte(raw, '\'')+1 : len(raw)-1]
		if routine {
			c.body(strings.ReplaceAll(content, "''", "'"))
		} else if name, ok := c.pair(content); ok {
			c.names[name.Schema] = true
			c.qualified[name] = true
		} else {
			c.words(content)
		}
	}
}

// pair reads a string that is one name with its schema and nothing else, as in nextval('public.orders_seq').
func (c *identCollector) pair(text string) (Name, bool) {
	if c.dialect == SQLite || strings.Count(text, ".") != 1 {
		return Name{}, false
	}
	var parts [2]string
	lex := lexer{text: text, dialect: c.dialect}
	for i := range 3 {
		t := lex.next()
		raw := text[t.start:t.end]
		switch {
		case i == 1 && raw != ".", i != 1 && t.kind != tokenWord && t.kind != tokenQuotedName, t.end-t.start > 1 && raw[1] == '&':
			return Name{}, false
		case i != 1:
			parts[i/2] = c.name(t, raw)
		}
	}
	return Name{parts[0], parts[1]}, lex.next().kind == tokenEnd
}

// body reads a text within a string: its names, and those it builds from strings and comments of its own.
func (c *identCollector) body(text string) {
	const deepest = 8 // beyond, words sees all that matters
	c.dynamic[DynamicBody] = true
	if c.depth == 0 {
		c.words(text)
	}
	if c.depth < deepest {
		c.depth++
		c.sql(text)
		c.depth--
	}
}

// words takes every run of name characters, folded and as it is: '"Orders"'::regclass keeps its case. A dollar
// may be a part of a name or of a quote around it.
func (c *identCollector) words(text string) {
	for start := 0; start < len(text); start++ {
		if !isNameStart(text[start]) {
			continue
		}
		end := start + 1
		for end < len(text) && isNamePart(text[end]) {
			end++
		}
		c.word(text[start:end])
		if strings.Contains(text[start:end], "$") {
			for piece := range strings.SplitSeq(text[start:end], "$") {
				c.word(piece)
			}
		}
		start = end
	}
}

func (c *identCollector) word(word string) {
	if word != "" {
		c.names[c.fold(word)] = true
		if c.dialect != SQLite {
			c.names[c.cut(word)] = true
		}
	}
}

func (c *identCollector) name(t token, raw string) string {
	if t.kind == tokenWord {
		return c.fold(raw)
	}
	open := 0
	if lower(raw[0]) == 'u' {
		c.dynamic[DynamicEscaped] = true
		open = 2
	}
	quote := raw[len(raw)-1:]
	name := strings.ReplaceAll(raw[open+1:len(raw)-1], quote+quote, quote)
	if c.dialect == SQLite {
		return c.fold(name)
	}
	return c.cut(name)
}

// fold lowers ASCII only, as both databases do.
func (c *identCollector) fold(name string) string {
	return c.cut(strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return rune(lower(byte(r)))
		}
		return r
	}, name))
}

// cut shortens a name to what PostgreSQL keeps of it: 63 bytes, and no part of a character.
func (c *identCollector) cut(name string) string {
	if c.dialect == SQLite || len(name) <= maxName {
		return name
	}
	return cutName(name)
}

// maxName is how many bytes of a name PostgreSQL keeps: NAMEDATALEN less one.
const maxName = 63

// cutName shortens a name as the server does: to whole characters.
func cutName(name string) string {
	if len(name) <= maxName {
		return name
	}
	end := maxName
	for end > 0 && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end]
}

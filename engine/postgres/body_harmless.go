package postgres

import (
	"slices"
	"strings"

	"github.com/skeindb/skein/engine/revision"
)

// A statement is harmless when it leaves nothing in the session, in any database without event triggers. That holds for
// commands that evaluate no code that users wrote: definitions, and changes of columns with built-in types and constant
// defaults. It does not hold for statements that read or write rows: triggers, rules, views, defaults, policies, operators and
// casts run code.
//
// A statement that is not listed here is not harmless. A wrong no costs a tenth of a millisecond, a wrong yes mixes up
// tenants.

// harmless reports whether a statement leaves nothing in the session.
func harmless(text string) bool {
	p, whole := phraseOf(text)
	if !whole || slices.ContainsFunc(p, temporary) {
		return false
	}
	switch {
	case p.take("CREATE"):
		return p.creates()
	case p.take("ALTER"):
		return p.alters()
	case p.take("DROP"):
		return p.is("TABLE", "INDEX", "VIEW", "SEQUENCE", "TYPE", "DOMAIN", "FUNCTION", "PROCEDURE", "TRIGGER", "MATERIALIZED", "POLICY", "RULE") &&
			!p.has("CONCURRENTLY")
	}
	return p.is("COMMENT", "GRANT", "REVOKE", "LOCK")
}

// temporary reports whether a token may name a temporary object. U&"…" may spell any name.
func temporary(token string) bool {
	switch {
	case token == "TEMP", token == "TEMPORARY", strings.HasPrefix(token, "PG_TEMP"):
		return true
	}
	return strings.HasSuffix(token, `"`) && (token[0] != '"' || strings.HasPrefix(strings.ToLower(token), `"pg_temp`))
}

// phrase is the rest of a statement as tokens, with words in upper case.
type phrase []string

// phraseOf returns the tokens of a statement; false where a literal or comment has no end.
func phraseOf(text string) (phrase, bool) {
	tokens, whole := revision.Tokens(text)
	for i, t := range tokens {
		if isWord(t) {
			tokens[i] = strings.ToUpper(t)
		}
	}
	return tokens, whole
}

// isWord reports whether a token is a keyword, or a name without quotes.
func isWord(token string) bool {
	c, end := token[0], token[len(token)-1]
	return end != '\'' && end != '"' && (c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80)
}

func isNumber(token string) bool { return token[0] >= '0' && token[0] <= '9' }

func isString(token string) bool {
	return token[len(token)-1] == '\'' || token[0] == '$' && len(token) > 1 && token[len(token)-1] == '$'
}

// is reports whether one of the tokens comes next.
func (p *phrase) is(tokens ...string) bool {
	return len(*p) > 0 && slices.Contains(tokens, (*p)[0])
}

// take goes past the tokens if they come next.
func (p *phrase) take(tokens ...string) bool {
	if len(*p) < len(tokens) || !slices.Equal((*p)[:len(tokens)], tokens) {
		return false
	}
	*p = (*p)[len(tokens):]
	return true
}

// name goes past a name, qualified or not.
func (p *phrase) name() bool {
	for {
		if len(*p) == 0 || !isWord((*p)[0]) && (*p)[0][0] != '"' {
			return false
		}
		*p = (*p)[1:]
		if !p.take(".") {
			return true
		}
	}
}

// has reports whether a word stands outside of parentheses.
func (p *phrase) has(words ...string) bool {
	depth := 0
	for _, t := range *p {
		switch {
		case t == "(":
			depth++
		case t == ")":
			depth--
		case depth == 0 && slices.Contains(words, t):
			return true
		}
	}
	return false
}

// creates follows CREATE.
func (p *phrase) creates() bool {
	p.take("OR", "REPLACE")
	switch {
	case p.take("UNLOGGED", "TABLE"), p.take("TABLE"):
		return p.createsTable()
	case p.take("FUNCTION"), p.take("PROCEDURE"):
		return p.inKnownLanguage()
	case p.take("TYPE"):
		return p.name() && p.take("AS", "ENUM")
	}
	return p.is("TRIGGER", "VIEW", "SEQUENCE", "POLICY")
}

// createsTable follows CREATE TABLE: what is not filled from a query, and has no bounds to be computed.
func (p *phrase) createsTable() bool {
	p.take("IF", "NOT", "EXISTS")
	return p.name() && p.is("(") && !p.has("AS", "PARTITION", "EXECUTE")
}

// inKnownLanguage follows CREATE FUNCTION. The validators of SQL and PL/pgSQL parse a body and run nothing; those of other
// languages load a library or run the text.
func (p *phrase) inKnownLanguage() bool {
	language, atomic := 0, p.has("ATOMIC", "RETURN")
	for i, t := range *p {
		if t != "LANGUAGE" || i+1 == len(*p) {
			continue
		}
		switch strings.ToUpper(strings.Trim((*p)[i+1], `"'`)) {
		case "SQL", "PLPGSQL":
			language++
		default:
			return false
		}
	}
	return language == 1 || language == 0 && atomic
}

// alters follows ALTER.
func (p *phrase) alters() bool {
	switch {
	case p.take("TYPE"):
		return p.name() && (p.take("ADD", "VALUE") || p.take("RENAME"))
	case p.take("INDEX"), p.take("VIEW"), p.take("SEQUENCE"):
		p.take("IF", "EXISTS")
		return p.name() && p.is("RENAME", "OWNER")
	case !p.take("TABLE"):
		return false
	}
	p.take("IF", "EXISTS")
	p.take("ONLY")
	if !p.name() {
		return false
	}
	p.take("*")
	for {
		if !p.action() {
			return false
		}
		if len(*p) == 0 {
			return true
		}
		if !p.take(",") {
			return false
		}
	}
}

// action goes past one action of ALTER TABLE that evaluates nothing but constants.
func (p *phrase) action() bool {
	switch {
	case p.take("ADD"):
		return p.addsColumn()
	case p.take("DROP"), p.take("RENAME"), p.take("OWNER", "TO"), p.take("ENABLE", "ROW", "LEVEL", "SECURITY"),
		p.take("DISABLE", "ROW", "LEVEL", "SECURITY"):
		return p.skip()
	case !p.take("ALTER"):
		return false
	}
	p.take("COLUMN")
	return p.name() && (p.take("SET", "NOT", "NULL") || p.take("DROP", "NOT", "NULL") || p.take("DROP", "DEFAULT") ||
		p.take("SET", "DEFAULT") && p.skip() || p.take("SET", "STATISTICS") && p.skip())
}

// skip goes past everything up to a comma outside of parentheses.
func (p *phrase) skip() bool {
	depth := 0
	for len(*p) > 0 {
		switch {
		case p.is("(") || p.is("["):
			depth++
		case p.is(")") || p.is("]"):
			depth--
		case depth == 0 && p.is(","):
			return true
		}
		*p = (*p)[1:]
	}
	return true
}

// addsColumn follows ADD.
func (p *phrase) addsColumn() bool {
	if p.is("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUDE", "GENERATED") {
		return false
	}
	p.take("COLUMN")
	p.take("IF", "NOT", "EXISTS")
	if !p.name() {
		return false
	}
	kind, ok := p.builtinType()
	if !ok {
		return false
	}
	for len(*p) > 0 && !p.is(",") {
		switch {
		case p.take("NOT", "NULL"), p.take("NULL"):
		case p.take("DEFAULT") && p.constant(kind):
		default:
			return false
		}
	}
	return true
}

// typeKind says which constants are values of a type without a cast that a user may have created.
type typeKind uint8

const (
	typeOther typeKind = iota
	typeNumber
	typeBool
)

// builtinTypes are types of pg_catalog, the first schema of every search path.
var builtinTypes = map[string]typeKind{
	"INT": typeNumber, "INTEGER": typeNumber, "INT2": typeNumber, "INT4": typeNumber, "INT8": typeNumber, "SMALLINT": typeNumber,
	"BIGINT": typeNumber, "NUMERIC": typeNumber, "DECIMAL": typeNumber, "REAL": typeNumber, "FLOAT": typeNumber, "FLOAT4": typeNumber,
	"FLOAT8": typeNumber, "DOUBLE": typeNumber, "BOOL": typeBool, "BOOLEAN": typeBool,
	"TEXT": 0, "VARCHAR": 0, "CHAR": 0, "CHARACTER": 0, "BPCHAR": 0, "BYTEA": 0, "UUID": 0, "JSON": 0, "JSONB": 0, "XML": 0,
	"DATE": 0, "TIME": 0, "TIMETZ": 0, "TIMESTAMP": 0, "TIMESTAMPTZ": 0, "INTERVAL": 0, "INET": 0, "CIDR": 0, "MACADDR": 0,
	"BIT": 0, "VARBIT": 0, "TSVECTOR": 0, "TSQUERY": 0, "MONEY": 0, "OID": 0, "NAME": 0, "PG_LSN": 0, "JSONPATH": 0,
	"POINT": 0, "LINE": 0, "LSEG": 0, "BOX": 0, "PATH": 0, "POLYGON": 0, "CIRCLE": 0, "MACADDR8": 0, "TID": 0, "XID": 0,
	"REGCLASS": 0, "REGPROC": 0, "REGPROCEDURE": 0, "REGROLE": 0, "REGTYPE": 0, "REGNAMESPACE": 0,
}

func isBuiltinType(word string) bool {
	_, known := builtinTypes[strings.ToUpper(word)]
	return known
}

// builtinType goes past the name of a type.
func (p *phrase) builtinType() (typeKind, bool) {
	if len(*p) == 0 {
		return 0, false
	}
	kind, known := builtinTypes[(*p)[0]]
	*p = (*p)[1:]
	if !known || p.is(".") {
		return 0, false
	}
	if !p.take("PRECISION") {
		p.take("VARYING")
	}
	if !p.numbers("(", ")") {
		return 0, false
	}
	if p.take("WITH", "TIME", "ZONE") || p.take("WITHOUT", "TIME", "ZONE") {
		kind = typeOther
	}
	for p.is("[") {
		if kind = typeOther; !p.numbers("[", "]") {
			return 0, false
		}
	}
	return kind, true
}

// numbers goes past numbers between brackets, if there are any.
func (p *phrase) numbers(open, end string) bool {
	if !p.take(open) {
		return true
	}
	for !p.take(end) {
		if len(*p) == 0 || !isNumber((*p)[0]) && !p.is(",") {
			return false
		}
		*p = (*p)[1:]
	}
	return true
}

// constant goes past a default: a constant, or the time, without a cast or an operator.
func (p *phrase) constant(kind typeKind) bool {
	negative := kind == typeNumber && p.take("-")
	if len(*p) == 0 {
		return false
	}
	t := (*p)[0]
	*p = (*p)[1:]
	switch {
	case isNumber(t):
		return kind == typeNumber
	case negative:
		return false
	case isString(t):
		return true
	}
	switch t {
	case "TRUE", "FALSE":
		return kind == typeBool
	case "NULL":
		return true
	case "CURRENT_TIMESTAMP", "CURRENT_DATE":
		return kind == typeOther
	case "NOW":
		return kind == typeOther && p.take("(") && p.take(")")
	}
	return false
}

package revision

import "strings"

// wideKinds are the kinds of objects that lie in no schema.
var wideKinds = map[string]string{
	"ROLE": RuleServerWide, "USER": RuleServerWide, "GROUP": RuleServerWide, "DATABASE": RuleServerWide, "TABLESPACE": RuleServerWide, "SYSTEM": RuleServerWide,
	"USER MAPPING": RuleDatabaseWide, "EVENT TRIGGER": RuleDatabaseWide, "PUBLICATION": RuleDatabaseWide, "SUBSCRIPTION": RuleDatabaseWide, "SERVER": RuleDatabaseWide,
	"FOREIGN DATA WRAPPER": RuleDatabaseWide, "FOREIGN SERVER": RuleDatabaseWide, "LANGUAGE": RuleDatabaseWide, "CAST": RuleDatabaseWide, "TRANSFORM": RuleDatabaseWide,
	"ACCESS METHOD": RuleDatabaseWide, "SCHEMA": RuleDatabaseWide, "EXTENSION": RuleDatabaseWide, "LARGE OBJECT": RuleDatabaseWide, "PARAMETER": RuleServerWide,
}

// wideKind reads the kind of object that begins at a token; "" when its objects lie in schemas.
func wideKind(o *opening, i int) (kind, rule string) {
	for o.is(i, "OR", "REPLACE", "TRUSTED", "PROCEDURAL") {
		i++
	}
	for n := 3; n > 0; n-- {
		words := make([]string, 0, n)
		for k := range n {
			words = append(words, strings.ToUpper(o.at(i+k)))
		}
		kind = strings.Join(words, " ")
		if rule = wideKinds[kind]; rule != "" {
			return kind, rule
		}
	}
	return "", ""
}

// reach returns the rule that a statement breaks which is about more than a schema, and what to call it.
func reach(o *opening) (rule, what string) {
	verb := strings.ToUpper(o.at(0))
	switch {
	case o.begins("ALTER", "DEFAULT", "PRIVILEGES"):
		if !hasWords(o.text, "IN", "SCHEMA") {
			return RuleDatabaseWide, "ALTER DEFAULT PRIVILEGES without IN SCHEMA"
		}
	case o.begins("CREATE", "EXTENSION"): // extension looks at it
	case o.is(0, "REASSIGN", "DROP") && o.is(1, "OWNED"):
		return RuleDatabaseWide, verb + " OWNED"
	case o.begins("SECURITY", "LABEL"):
		return RuleDatabaseWide, "SECURITY LABEL"
	case o.is(0, "CREATE", "ALTER", "DROP"):
		if kind, rule := wideKind(o, 1); rule != "" {
			return rule, verb + " " + kind
		}
	case o.begins("COMMENT", "ON"):
		if kind, rule := wideKind(o, 2); rule != "" {
			return rule, "COMMENT ON " + kind
		}
	case o.is(0, "GRANT", "REVOKE"):
		on := -1
		for i := 1; i < o.n && on < 0; i++ {
			if o.is(i, "ON") {
				on = i
			}
		}
		if on < 0 && o.n < len(o.tokens) {
			return RuleServerWide, verb + " of a role"
		}
		if kind, rule := wideKind(o, on+1); on > 0 && rule != "" && kind != "SCHEMA" {
			return rule, verb + " ON " + kind
		}
	}
	return "", ""
}

// hasWords reports whether keywords follow each other anywhere in a statement.
func hasWords(text string, keywords ...string) bool {
	tokens := tokensOf(text)
	for i := range tokens {
		if followed(text, tokens[i:], keywords) {
			return true
		}
	}
	return false
}

func followed(text string, tokens []token, keywords []string) bool {
	if len(tokens) < len(keywords) {
		return false
	}
	for k, word := range keywords {
		if !tokens[k].is(text, word) {
			return false
		}
	}
	return true
}

// tokensOf returns the tokens of a PostgreSQL text without its comments.
func tokensOf(text string) []token {
	var tokens []token
	lex := lexer{text: text, dialect: Postgres}
	for t := lex.next(); t.kind != tokenEnd && t.kind != tokenFault; t = lex.next() {
		if !t.isComment() {
			tokens = append(tokens, t)
		}
	}
	return tokens
}

func (t token) is(text string, keywords ...string) bool {
	if t.kind != tokenWord {
		return false
	}
	for _, k := range keywords {
		if isWord(text[t.start:t.end], k) {
			return true
		}
	}
	return false
}

func (t token) isName() bool { return t.kind == tokenWord || t.kind == tokenQuotedName }

// createdExtension is one CREATE EXTENSION.
type createdExtension struct {
	name, schema string // schema is "" if none is named
	at           int
}

// extensions returns the extensions that a text creates, DO blocks included. Names are as the server compares them.
func extensions(text string, offset int) []createdExtension {
	var found []createdExtension
	tokens := tokensOf(text)
	for i, t := range tokens {
		switch {
		case t.kind == tokenDollarString && tokens[0].is(text, "DO"):
			tag := strings.IndexByte(text[t.start+1:], '$') + 2
			found = append(found, extensions(text[t.start+tag:t.end-tag], offset+t.start+tag)...)
		case followed(text, tokens[i:], []string{"CREATE", "EXTENSION"}) && (i == 0 || offset > 0):
			found = append(found, extension(text, tokens[i+2:], offset+t.start))
		}
	}
	return found
}

func extension(text string, tokens []token, at int) createdExtension {
	e := createdExtension{at: at}
	if followed(text, tokens, []string{"IF", "NOT", "EXISTS"}) {
		tokens = tokens[3:]
	}
	if len(tokens) == 0 {
		return e
	}
	e.name = nameOf(text, tokens[0])
	for i := 1; i+1 < len(tokens) && tokens[i].kind != tokenSemicolon; i++ {
		if tokens[i].is(text, "SCHEMA") && tokens[i+1].isName() {
			e.schema = nameOf(text, tokens[i+1])
		}
	}
	return e
}

// nameOf reads a name as the server compares it.
func nameOf(text string, t token) string {
	c := identCollector{dialect: Postgres, dynamic: map[string]bool{}}
	if !t.isName() {
		return text[t.start:t.end]
	}
	return c.name(t, text[t.start:t.end])
}

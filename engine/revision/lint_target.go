package revision

// namedObject is an object that is named with its schema; with name "", the schema itself.
type namedObject struct {
	schema, name string
	at           int
}

// schemaKinds are the words that make up the kind of an object that lies in a schema; the name follows the last one.
var schemaKinds = []string{
	"TABLE", "VIEW", "MATERIALIZED", "SEQUENCE", "INDEX", "TYPE", "DOMAIN", "FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE", "COLLATION", "CONVERSION", "OPERATOR", "CLASS",
	"FAMILY", "STATISTICS", "TEXT", "SEARCH", "CONFIGURATION", "DICTIONARY", "PARSER", "TEMPLATE", "FOREIGN", "TRIGGER", "RULE", "POLICY", "COLUMN",
}

// fillers stand before the kind, or between it and the name.
var fillers = []string{
	"OR", "REPLACE", "TEMP", "TEMPORARY", "GLOBAL", "LOCAL", "UNLOGGED", "UNIQUE", "RECURSIVE", "CONSTRAINT", "DEFAULT", "IF", "NOT", "EXISTS", "ONLY", "CONCURRENTLY",
}

// targets returns what a CREATE, ALTER, DROP, COMMENT or GRANT statement is about, as far as that is named with a
// schema.
func targets(text string) []namedObject {
	tokens := tokensOf(text)
	if len(tokens) == 0 {
		return nil
	}
	switch {
	case tokens[0].is(text, "GRANT", "REVOKE"):
		return grantTargets(text, tokens)
	case tokens[0].is(text, "ALTER") && followed(text, tokens, []string{"ALTER", "DEFAULT", "PRIVILEGES"}):
		return schemaAfter(text, tokens, "IN")
	case !tokens[0].is(text, "CREATE", "ALTER", "DROP", "COMMENT"):
		return nil
	}
	i := 1
	if tokens[0].is(text, "COMMENT") {
		i = 2
	}
	kind, onTable := "", false
	for ; i < len(tokens) && (tokens[i].is(text, fillers...) || tokens[i].is(text, schemaKinds...)); i++ {
		// After the kind a filler or kind is a name: CREATE TABLE text (…) is ruled out by the dot that follows one.
		if i+1 < len(tokens) && text[tokens[i+1].start] == '.' {
			break
		}
		if tokens[i].is(text, schemaKinds...) {
			kind = text[tokens[i].start:tokens[i].end]
			onTable = onTable || tokens[i].is(text, "TRIGGER", "RULE", "POLICY") || tokens[i].is(text, "INDEX") && tokens[0].is(text, "CREATE")
		}
	}
	if kind == "" {
		return nil
	}
	var found []namedObject
	if onTable {
		for i < len(tokens) && !tokens[i].is(text, "ON") {
			i++
		}
		if i++; i < len(tokens) && tokens[i].is(text, "ONLY") {
			i++
		}
	}
	if n, ok := qualifiedAt(text, tokens, i); ok {
		found = append(found, n)
	}
	if tokens[0].is(text, "DROP") {
		found = append(found, afterCommas(text, tokens, i)...)
	}
	if tokens[0].is(text, "ALTER") {
		found = append(found, schemaAfter(text, tokens, "SET")...)
	}
	return found
}

func qualifiedAt(text string, tokens []token, i int) (namedObject, bool) {
	if i+2 >= len(tokens) || !tokens[i].isName() || text[tokens[i+1].start:tokens[i+1].end] != "." {
		return namedObject{}, false
	}
	return namedObject{nameOf(text, tokens[i]), nameOf(text, tokens[i+2]), tokens[i].start}, true
}

// afterCommas reads the further names of DROP TABLE a, b.
func afterCommas(text string, tokens []token, from int) []namedObject {
	var found []namedObject
	depth := 0
	for i := from; i < len(tokens); i++ {
		switch text[tokens[i].start:tokens[i].end] {
		case "(":
			depth++
		case ")":
			depth--
		case ",":
			if n, ok := qualifiedAt(text, tokens, i+1); ok && depth == 0 {
				found = append(found, n)
			}
		}
	}
	return found
}

// schemaAfter reads the schemas of SET SCHEMA s and IN SCHEMA a, b.
func schemaAfter(text string, tokens []token, word string) []namedObject {
	var found []namedObject
	for i := range tokens {
		if !followed(text, tokens[i:], []string{word, "SCHEMA"}) {
			continue
		}
		for k := i + 2; k < len(tokens) && tokens[k].isName(); k += 2 {
			found = append(found, namedObject{nameOf(text, tokens[k]), "", tokens[k].start})
			if k+1 >= len(tokens) || text[tokens[k+1].start:tokens[k+1].end] != "," {
				break
			}
		}
	}
	return found
}

// grantTargets reads GRANT … ON [TABLE] a.b, c.d TO r and GRANT … ON ALL TABLES IN SCHEMA s.
func grantTargets(text string, tokens []token) []namedObject {
	found := append(schemaAfter(text, tokens, "ON"), schemaAfter(text, tokens, "IN")...)
	on := 0
	for on < len(tokens) && !tokens[on].is(text, "ON") {
		on++
	}
	for i := on + 1; i < len(tokens) && !tokens[i].is(text, "TO", "FROM"); i++ {
		if i > 0 && text[tokens[i-1].start:tokens[i-1].end] == "." {
			continue
		}
		if n, ok := qualifiedAt(text, tokens, i); ok {
			found = append(found, n)
		}
	}
	return found
}

package revision

import (
	"regexp"
	"slices"
	"strings"
)

const (
	pathMessage = " cannot stand in a revision"
	pathAdvice  = "take it out: skein sets the path to the tenant's schema, and a body that moves it leaves the tenant; name an object that lies elsewhere with its schema"
	dumpAdvice  = "dump with `pg_dump --schema-only --no-owner --no-privileges -n SCHEMA`, take out CREATE SCHEMA and the lines SET …, SELECT pg_catalog.set_config…, \\restrict and \\unrestrict, " +
		"and the tenant's schema in front of names: `tenant_1.users` becomes `users`; move functions below the tables that they use; dump rows with --inserts"
)

// dumpForm is how pg_dump empties the search path.
var dumpForm = regexp.MustCompile(`(?i)^SELECT\s+(pg_catalog\s*\.\s*)?set_config\s*\(\s*'search_path'\s*,\s*''\s*,\s*false\s*\)$`)

// searchPathSetting refuses what changes the search path: names after it would mean objects outside the tenant.
func searchPathSetting(o *opening, options Options, d Direction) *fault {
	switch {
	case o.is(0, "SET") && (isSearchPath(o, 1) || o.is(1, "LOCAL", "SESSION") && isSearchPath(o, 2)):
		what := "SET search_path"
		if o.is(1, "LOCAL") {
			what = "SET LOCAL search_path"
		}
		return &fault{message: what + pathMessage, advice: pathAdvice}
	case o.begins("UPDATE") && updatesSettings(o):
		return &fault{message: "UPDATE pg_settings" + pathMessage, advice: "it changes a setting of the session: write SET LOCAL, which ends with the transaction"}
	}
	return setConfig(o, options, d)
}

// isSearchPath recognises search_path, "search_path" and SCHEMA, which is the same (SET SCHEMA 'a').
func isSearchPath(o *opening, i int) bool {
	name := strings.Trim(o.at(i), `"`)
	return strings.EqualFold(name, "search_path") || o.is(i, "SCHEMA")
}

func updatesSettings(o *opening) bool {
	i := 1
	if o.is(i, "ONLY") {
		i++
	}
	if o.at(i+1) == "." {
		i += 2
	}
	return strings.EqualFold(strings.Trim(o.at(i), `"`), "pg_settings")
}

// setConfig refuses a call of set_config that changes the path or the transaction, anywhere in the statement. The body of a
// function that is only created does nothing yet.
func setConfig(o *opening, options Options, d Direction) *fault {
	if o.is(0, "CREATE") && (o.is(1, "FUNCTION", "PROCEDURE") || o.is(3, "FUNCTION", "PROCEDURE")) {
		return nil
	}
	if !strings.Contains(strings.ToLower(o.text), "set_config") {
		return nil
	}
	lex := lexer{text: o.text, dialect: Postgres}
	const called, open = 1, 2
	state, at := 0, 0
	for t := lex.next(); t.kind != tokenEnd && t.kind != tokenFault; t = lex.next() {
		text := o.text[t.start:t.end]
		switch {
		case t.isComment():
		case (t.kind == tokenWord || t.kind == tokenQuotedName) && strings.EqualFold(strings.Trim(text, `"`), "set_config"):
			state, at = called, t.start
		case state == called && text == "(":
			state = open
		case state == open && text == "(":
		case state == open && t.kind == tokenWord && (isWord(text, "setting_name") || isWord(text, "CAST")), state == open && (text == "=" || text == ">" || text == ":"):
		case state == open && (t.kind == tokenString || t.kind == tokenDollarString):
			switch name := strings.ToLower(stringValue(text)); {
			case name == "search_path":
				return &fault{at: at, message: "set_config of search_path" + pathMessage, advice: pathAdvice}
			case slices.Contains(transactionSettings, name):
				return &fault{at: at, message: "set_config of " + name + pathMessage, advice: isolationAdvice(levelOf(o.text), options, d)}
			}
			state = 0
		default:
			state = 0
		}
	}
	return nil
}

// stringValue returns the content of a string token, escapes apart.
func stringValue(text string) string {
	if text[0] == '$' {
		tag := strings.IndexByte(text[1:], '$') + 2
		return text[tag : len(text)-tag]
	}
	return text[strings.IndexByte(text, '\'')+1 : len(text)-1]
}

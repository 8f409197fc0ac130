package postgres

import (
	"strings"
	"sync"

	pg_query "github.com/pganalyze/pg_query_go/v6"
	parser "github.com/wasilibs/go-pgquery"

	"github.com/skeindb/skein/engine/revision"
)

// use is a place where a statement names an object without a schema, so that the search path decides which one.
type use struct {
	lookup
	at int // byte offset in the text of the statement
}

// lookup is what the server looks up. Functions and operators of one name are distinguished by the number of their arguments;
// the types of those are not known here.
type lookup struct {
	kindName
	args      int  // number of arguments, or anyArgs
	signature bool // args is the number in the definition, not of a call, which may leave out defaults
}

// anyArgs stands for a number of arguments that is unknown or does not matter.
const anyArgs = -1

// effect is a name that exists, or does not exist any more, once a statement has run.
type effect struct {
	kindName
	schema string // "" = the first schema of the path
	gone   bool
}

// statementNames are what one statement does with names.
type statementNames struct {
	uses    []use // in the order in which the parse tree has them
	effects []effect
	grows   []string // tables that get indexes or sequences with names that the server chooses
	calls   []string // functions, also qualified ones
	writes  bool     // it changes rows, for which triggers may run
	opaque  bool     // it does more than its text shows: DO, CALL, EXECUTE, CREATE EXTENSION
	removes bool     // it drops, renames or moves something
	path    bool     // it sets the search path, which then decides about the statements that follow
	unread  bool     // it could not be parsed: uses are all words in it, with kind 0
}

// parsedNames keeps the names of statements, by their text. The parser takes about a second and some 270 MB for its first
// statement in a process, so it is used only where needed, and for one statement at a time: each statement parsed at the same
// time would take as much again. It is safe for concurrent use.
type parsedNames struct {
	statements sync.Map // string → *statementNames
	parsing    sync.Mutex
}

// of returns the names of a statement.
func (p *parsedNames) of(text string) *statementNames {
	if known, ok := p.statements.Load(text); ok {
		return known.(*statementNames)
	}
	p.parsing.Lock()
	defer p.parsing.Unlock()
	if known, ok := p.statements.Load(text); ok {
		return known.(*statementNames)
	}
	n := readNames(text)
	p.statements.Store(text, n)
	return n
}

// known reports whether all statements were parsed already.
func (p *parsedNames) known(statements []revision.Statement) bool {
	for i := range statements {
		if _, ok := p.statements.Load(statements[i].Text); !ok {
			return false
		}
	}
	return true
}

// readNames parses a statement with PostgreSQL's own grammar. Where the parser fails, all words of the statement count as
// names: see statementNames.unread.
func readNames(text string) *statementNames {
	tree, err := parseTree(text)
	if err != nil {
		return unreadNames(text)
	}
	r := nameReader{names: &statementNames{}}
	for _, statement := range tree.GetStmts() {
		r.read(statement.GetStmt())
	}
	return r.names
}

// parseTree parses a statement, and turns a panic of the parser into an error.
func parseTree(text string) (tree *pg_query.ParseResult, err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = errUnparsed
		}
	}()
	return parser.Parse(text)
}

// errUnparsed is the error of a parser that panicked.
var errUnparsed = unparsedError{}

type unparsedError struct{}

func (unparsedError) Error() string { return "the parser failed" }

// unreadNames returns all words of a statement as names, without the name of what it creates.
func unreadNames(text string) *statementNames {
	names := &statementNames{unread: true, opaque: true}
	made := createdName(text)
	for _, name := range revision.Identifiers(text, revision.Postgres).Names {
		if name != made {
			names.uses = append(names.uses, use{lookup: lookup{kindName: kindName{name: name}, args: anyArgs}})
		}
	}
	return names
}

// createdName is the bare name after CREATE … TABLE [IF NOT EXISTS] and the like; "" where there is none.
func createdName(text string) string {
	t := &tokens{text: text}
	if t.word() != "CREATE" {
		return ""
	}
	for {
		before := len(t.text)
		switch word := t.word(); word {
		case "":
			return ""
		case "TABLE", "VIEW", "SEQUENCE", "TYPE", "DOMAIN", "FUNCTION", "PROCEDURE", "AGGREGATE", "STATISTICS", "COLLATION", "INDEX":
			t.accept("CONCURRENTLY")
			if t.accept("IF") {
				t.accept("NOT")
				t.accept("EXISTS")
			}
			name, _ := bareName(t.name())
			return name
		}
		if len(t.text) == before {
			return ""
		}
	}
}

// bareName reads text as a name, as a cast to regclass does; false when it is qualified, empty or no name.
func bareName(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if inner, quoted := strings.CutPrefix(text, `"`); quoted {
		inner, closed := strings.CutSuffix(inner, `"`)
		plain := strings.ReplaceAll(inner, `""`, "")
		return strings.ReplaceAll(inner, `""`, `"`), closed && inner != "" && !strings.Contains(plain, `"`)
	}
	if text == "" || text[0] >= '0' && text[0] <= '9' || strings.ContainsAny(text, ".\" \t\r\n()[]',-") {
		return "", false
	}
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text), true
}

package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine/revision"
)

// QueryResult is a tenant's answer to a query: the first column of the first row, as text.
type QueryResult struct {
	Text string
	Null bool  // the value was NULL, or there was no row
	Rows int   // number of rows, counted up to MaxRows
	Err  error // an *Error; the other fields are then zero
}

// MaxRows bounds QueryResult.Rows.
const MaxRows = 1000

// QueryEach runs a query in each of locations, with the tenant's schema first on the search path, read-only, and rolls back.
// The result has the length and the order of locations. The query is one statement that [ReadOnlyQuery] accepts; otherwise
// each result has the same error. It may take 30 s a tenant, and no longer than until ctx ends.
//
// A location without a schema has the search path of the connecting role; one without a database means that of the server's
// URL. A schema that does not exist is Gone: no other schema answers for it. Rows, locks and errors of one location do not
// affect the others. Locations that a lost connection left without an answer are Connection, those after the end of ctx
// Canceled.
func (e *Engine) QueryEach(ctx context.Context, locations []Location, query string) []QueryResult {
	return e.db.QueryEach(ctx, locations, query)
}

// Sizes returns the approximate sizes of tenants in bytes; -1 where it is unknown. It is as cheap as a survey, a few queries a
// database, and never waits for a lock. The result has the length and the order of locations.
func (e *Engine) Sizes(ctx context.Context, locations []Location) []int64 {
	return e.db.Sizes(ctx, locations)
}

// readingWords are the first words of the statements that are allowed. COPY, CALL, PRAGMA and the like may have effects that a
// read-only transaction does not prevent.
func readingWords(dialect revision.Dialect) []string {
	if dialect == revision.SQLite {
		return []string{"SELECT", "WITH", "VALUES", "EXPLAIN"}
	}
	return []string{"SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN", "("}
}

// ReadOnlyQuery returns the one statement of a query, without comments around it and without its semicolon. Several
// statements, none, one that does not begin like a query, and one whose text shows that it writes are an *Error of class
// Revision. Functions that write are not found here: the read-only transaction refuses them. It is pure.
func ReadOnlyQuery(query string, dialect revision.Dialect) (string, error) {
	statements, err := revision.Split(query, dialect, 1)
	switch {
	case err != nil:
		return "", &Error{Class: Revision, Message: "the query cannot be read: " + err.Error(), Err: err}
	case strings.Contains(query, "\x00"): // a message would end there
		return "", &Error{Class: Revision, Message: "the query has a NUL byte"}
	case len(statements) == 0:
		return "", &Error{Class: Revision, Message: "the query is empty", Advice: "ask something, such as SELECT count(*) FROM orders"}
	case len(statements) > 1:
		return "", &Error{
			Class:   Revision,
			Message: fmt.Sprintf("the query has %d statements, and has to be one", len(statements)),
			Advice:  "combine them in one SELECT, or run each by itself",
		}
	}
	text := statements[0].Text
	words := readingWords(dialect)
	if !slices.ContainsFunc(words, func(word string) bool { return startsWith(text, word) }) {
		words = slices.DeleteFunc(words, func(word string) bool { return word == "(" })
		last := len(words) - 1
		return "", &Error{
			Class:   Revision,
			Message: fmt.Sprintf("the query begins with %q, and a query only reads", strings.ToUpper(strings.Fields(text)[0])),
			Advice:  "begin it with " + strings.Join(words[:last], ", ") + " or " + words[last],
		}
	}
	if what := writingWord(text, dialect); what != "" {
		return "", &Error{
			Class:   Revision,
			Message: fmt.Sprintf("the query has %s, and a query only reads", what),
			Advice:  "remove it: the query runs in a read-only transaction",
		}
	}
	return text, nil
}

// startsWith reports whether a text begins with a word, in upper or lower case.
func startsWith(text, word string) bool {
	if len(text) < len(word) || !strings.EqualFold(text[:len(word)], word) {
		return false
	}
	rest := text[len(word):]
	return word == "(" || rest == "" || !isWord(rest[0])
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

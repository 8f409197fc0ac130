package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine/revision"
)

// QueryResult is what a tenant answered to a query: the first column of the first row, as text.
type QueryResult struct {
	Text string
	Null bool  // the value was NULL, or there was no row
	Rows int   // of the answer; counted up to MaxRows
	Err  error // an *Error; the other fields are then zero
}

// MaxRows is up to where the rows of a Reply are counted.
const MaxRows = 1000

// QueryEach puts a query to tenants, each with its schema first on the search path, read only, and rolls back. The
// result has the order and the length of targets. One query is one statement, as [ReadOnlyQuery] has it; one that is
// none is the same error for each target. It may take 30 s a tenant, and no longer than until ctx ends.
//
// A target without a schema is asked as whoever connects there; without a database, in the server's own. A schema
// that is not there is Gone, and never answered by another one. Rows, locks and errors of one target never touch
// the answer of another. What a lost connection left unanswered is Connection. When ctx ends the rest are errors
// of class Canceled.
func (e *Engine) QueryEach(ctx context.Context, targets []Location, query string) []QueryResult {
	return e.db.QueryEach(ctx, targets, query)
}

// Sizes returns how large tenants are in bytes, about; -1 where it cannot be told. It is as cheap as a survey:
// a few queries a database, and never waits for a lock. The result has the order and the length of targets.
func (e *Engine) Sizes(ctx context.Context, targets []Location) []int64 {
	return e.db.Sizes(ctx, targets)
}

// sizeQueries are the first words of a statement that may be asked: COPY, CALL, PRAGMA and their like write to
// places that a read-only transaction does not guard.
func sizeQueries(dialect revision.Dialect) []string {
	if dialect == revision.SQLite {
		return []string{"SELECT", "WITH", "VALUES", "EXPLAIN"}
	}
	return []string{"SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN", "("}
}

// ReadOnlyQuery returns the one statement of a query, without comments around it and without its semicolon. It is pure.
// Several statements, none, one that does not begin like a query, and one whose text shows that it writes are an
// *Error of class Revision. That the functions it calls write nothing is for a read-only transaction to see to.
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
			Advice:  "put them into one SELECT, or ask each by itself",
		}
	}
	text := statements[0].Text
	words := sizeQueries(dialect)
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
			Advice:  "leave that out: what it would write is refused when the query is put",
		}
	}
	return text, nil
}

// startsWith reports whether a text's first word, in whatever case, is the one.
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

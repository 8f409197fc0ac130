package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// queryTime bounds a query.
const queryTime = 30 * time.Second

// QueryEach implements [engine.Database]: as many files at a time as may be open, each opened as a survey does, with
// query_only. PRAGMAs are refused, because some write in spite of it; most that only read exist as functions too:
// SELECT * FROM pragma_foreign_key_check.
//
// Values have SQLite's text form. A value in a column that is declared as a date has the form of SQLite's date functions,
// whatever is stored.
func (db *DB) QueryEach(ctx context.Context, locations []engine.Location, query string) []engine.QueryResult {
	replies := make([]engine.QueryResult, len(locations))
	text, refused := engine.ReadOnlyQuery(query, revision.SQLite)
	db.each(len(locations), func(i int) {
		reply, err := engine.QueryResult{}, refused
		if err == nil {
			reply, err = db.ask(ctx, locations[i].File, text)
		}
		if err != nil {
			reply = engine.QueryResult{Err: explain(err)}
		}
		replies[i] = reply
	})
	return replies
}

func (db *DB) ask(ctx context.Context, path, query string) (engine.QueryResult, error) {
	if err := db.enter(ctx); err != nil {
		return engine.QueryResult{}, err
	}
	defer db.leave()
	c, err := open(ctx, path)
	if err != nil {
		return engine.QueryResult{}, err
	}
	defer c.close()
	if err := c.patience(ctx, surveyPatience); err != nil {
		return engine.QueryResult{}, err
	}
	if err := c.exec(ctx, "PRAGMA query_only = 1"); err != nil {
		return engine.QueryResult{}, err
	}
	bounded, cancel := context.WithTimeoutCause(ctx, queryTime, errTooLong)
	defer cancel()
	reply, err := c.answer(bounded, query)
	if err != nil && errors.Is(context.Cause(bounded), errTooLong) && errors.Is(err, context.DeadlineExceeded) {
		err = &engine.Error{Class: engine.Timeout, Message: "the query was interrupted after " + queryTime.String(), Advice: "make the query cheaper", Err: err}
	}
	return reply, err
}

// answer runs a query, counts its rows up to engine.MaxRows, and formats the first value.
func (c *conn) answer(ctx context.Context, query string) (engine.QueryResult, error) {
	reply, value, declared, err := c.first(ctx, query)
	if err != nil || value == nil {
		return reply, err
	}
	reply.Null = false
	switch v := value.(type) {
	case []byte:
		reply.Text = string(v)
	case float64: // formatted by SQLite itself
		err = c.query(ctx, func(scan func(...any) error) error { return scan(&reply.Text) }, "SELECT CAST(? AS text)", v)
	case time.Time:
		reply.Text = date(v, declared)
	default:
		reply.Text = fmt.Sprint(v)
	}
	return reply, err
}

// first returns the first value, nil for NULL or no row, and the declared type of its column.
func (c *conn) first(ctx context.Context, query string) (reply engine.QueryResult, value any, declared string, err error) {
	reply.Null = true
	rows, err := c.sql.QueryContext(ctx, query)
	if err != nil {
		return reply, nil, "", cause(err, c.path)
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return reply, nil, "", cause(err, c.path)
	}
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(any)
	}
	for reply.Rows < engine.MaxRows && rows.Next() {
		if reply.Rows == 0 {
			if err := rows.Scan(values...); err != nil {
				return reply, nil, "", cause(err, c.path)
			}
			value, declared = *values[0].(*any), columns[0].DatabaseTypeName()
		}
		reply.Rows++
	}
	return reply, value, declared, cause(rows.Err(), c.path)
}

// date formats a value that the driver parsed, since its column is declared as a date.
func date(at time.Time, declared string) string {
	if declared == "DATE" {
		return at.Format(time.DateOnly)
	}
	return at.Format("2006-01-02 15:04:05.999999999")
}

// explain is classify for a query, whose errors are not those of a revision.
func explain(err error) *engine.Error {
	e := *classify(err)
	switch {
	case hasCode(err, lib.SQLITE_READONLY):
		e.Class, e.Message = engine.Revision, "the query would write: "+e.Message
		e.Advice = "use a query that only reads"
	case e.Class == engine.Busy:
		e.Advice = "a writer keeps readers out; try again"
	}
	return &e
}

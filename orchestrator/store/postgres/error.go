package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// refusedError is what a server says that has no usable store (any more), with what to do about it.
type refusedError struct {
	err  error
	hint string
}

func (e *refusedError) Error() string { return "the store in PostgreSQL: " + e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }
func (e *refusedError) Hint() string  { return e.hint }

// refused gives an error of the server the hint that belongs to it, where there is one.
func refused(err error) error {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	if done, ok := errors.AsType[*refusedError](err); ok && done != nil {
		return err
	}
	hint := ""
	switch e.Code {
	case "42P01", "42703", "3F000": // a table, a column, the schema
		hint = "its tables are not as skein made them: restore them, or `DROP SCHEMA skein CASCADE` in its database, and the next rollout makes a new store; " +
			"the tenants themselves record what was done in them"
	case "25006":
		hint = "it can be read but not written: state.store has to lead to a primary, and neither its role nor its database may set default_transaction_read_only"
	case "3D000":
		hint = "the database of state.store is not there: restore it, or make an empty one for a new store; the tenants themselves record what was done in them"
	case "42501":
		hint = "the role of state.store needs the schema skein and the tables in it: all of them belong to the role that made them"
	}
	if hint == "" {
		return err
	}
	return &refusedError{err, hint}
}

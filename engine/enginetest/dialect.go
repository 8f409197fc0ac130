package enginetest

import (
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// Dialect describes a dialect to the suite. All fields are required. Several subtests call the functions at once; a function
// that fails ends its test, and each cleans up after the test.
type Dialect struct {
	Name revision.Dialect

	// Open makes a Database with the default version table, skein_version, and closes it after the test.
	Open func(t *testing.T) engine.Database

	// New makes an empty tenant.
	New func(t *testing.T) engine.Location

	// Exec runs one statement in the tenant, as another client of the database.
	Exec func(t *testing.T, location engine.Location, sql string)

	// Query runs a query in the tenant, as another client. Values are text; NULL is "NULL".
	Query func(t *testing.T, location engine.Location, sql string) [][]string

	// Dump returns the whole content of the tenant, structure and rows, as another client sees it.
	Dump func(t *testing.T, location engine.Location) string

	// Lock makes another session hold a lock that keeps others from altering the table users, until release is called.
	Lock func(t *testing.T, location engine.Location) (release func())

	// Drop removes the tenant.
	Drop func(t *testing.T, location engine.Location)

	// Refusals are ways in which a version table with the rows of a1 and b2 refuses the next row.
	Refusals []Refusal

	// Slow is a statement that takes at least a minute unless it is interrupted.
	Slow string

	// NoTx makes the body of a no-transaction revision for a tenant which has the table users.
	NoTx func(t *testing.T, location engine.Location) NoTxBody
}

// NoTxBody is a body of two statements, of which the second fails until Repair is called. The first must
// fail if it is run a second time.
type NoTxBody struct {
	First, Second string
	Class         engine.Class // of the second's error
	Repair        func()
}

// Refusal is a change of a version table by which it refuses a row of skein's, or by which the row has no effect.
type Refusal struct {
	Name   string
	Make   []string // statements
	Says   string   // a part of the error's message
	Delete bool     // it prevents a row from being deleted, else from being written
}

// Run runs the suite.
func Run(t *testing.T, d Dialect) {
	for _, promise := range promises {
		t.Run(promise.name, func(t *testing.T) {
			t.Parallel()
			promise.check(t, d)
		})
	}
}

// promises are the subtests; their lists are in the files of their functions.
var promises = join(applies, migrations, rollbacks, surveys, failures, locking, ownRows, noTx, cutOff, rehearsals, queries)

type promise struct {
	name  string
	check func(t *testing.T, d Dialect)
}

func join(lists ...[]promise) []promise {
	var all []promise
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

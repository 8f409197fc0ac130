package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// journal is the table beside the version table that records how far a no-transaction section came: a line a statement, begun
// or done. It is created with the first line and dropped with the version row, so that most tenants have none.
type journal struct {
	conn   *conn
	table  string // qualified
	id     string // revision
	dir    revision.Direction
	exists bool
	old    bool                // a version of skein created it that did not record found
	others bool                // it has lines of another section that was cut off
	lines  map[int]journalLine // by number of the statement, from 1
}

type journalLine struct {
	sum   string
	done  bool
	found int64 // OID of the index that had the statement's name before; 0 = none, unnoted = not recorded
}

const unrecorded = -1

// before reports whether an index existed before the statement began.
func (l journalLine) before(oid uint32) bool { return l.found > 0 && l.found == int64(oid) }

func (j *journal) create() string {
	return "CREATE TABLE IF NOT EXISTS " + j.table + " (revision text NOT NULL, direction text NOT NULL, statement int NOT NULL, sum text NOT NULL, " +
		"started_at timestamptz NOT NULL, done_at timestamptz, found bigint, PRIMARY KEY (revision, direction, statement))"
}

// createTable is the SQL that creates the journal, or adds what begin needs.
func (j *journal) createTable() string {
	switch {
	case !j.exists:
		return j.create() + "; "
	case j.old:
		return "ALTER TABLE " + j.table + " ADD COLUMN IF NOT EXISTS found bigint; "
	}
	return ""
}

func (j *journal) created() { j.exists, j.old = true, false }

// load reads the journal, if it exists.
func (j *journal) load(ctx context.Context) error {
	j.lines = map[int]journalLine{}
	results, err := j.conn.query(ctx, "SELECT pg_catalog.to_regclass("+literal(j.table)+") IS NOT NULL")
	if err != nil {
		return err
	}
	if j.exists = firstValue(results[0]) == "t"; !j.exists {
		return nil
	}
	results, err = j.conn.query(ctx, "SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass("+literal(j.table)+") AND attname = 'found' AND NOT attisdropped")
	if err != nil {
		return err
	}
	found := "found"
	if j.old = len(results[0].Rows) == 0; j.old {
		found = "NULL"
	}
	results, err = j.conn.query(ctx, "SELECT revision, direction, statement, sum, done_at IS NOT NULL, COALESCE("+found+", "+strconv.Itoa(unrecorded)+") FROM "+j.table)
	if err != nil {
		return err
	}
	for _, r := range results[0].Rows {
		if string(r[0]) != j.id || string(r[1]) != string(j.dir) {
			j.others = j.others || string(r[0]) != j.id
			continue
		}
		n, _ := strconv.Atoi(string(r[2]))
		was, _ := strconv.ParseInt(string(r[5]), 10, 64)
		j.lines[n] = journalLine{sum: string(r[3]), done: string(r[4]) == "t", found: was}
	}
	return nil
}

// key selects the line of one statement.
func (j *journal) key(n int) string {
	return fmt.Sprintf("revision = %s AND direction = %s AND statement = %d", literal(j.id), literal(string(j.dir)), n)
}

// begin is the SQL that records a statement as begun and returns found; done records it as done. found is the SQL of the OID
// of the index that has the statement's name; "NULL" where the statement names none.
func (j *journal) begin(n int, sum, found string) string {
	return fmt.Sprintf("INSERT INTO %s AS j (revision, direction, statement, sum, started_at, found) VALUES (%s, %s, %d, %s, pg_catalog.clock_timestamp(), %s) "+
		"ON CONFLICT (revision, direction, statement) DO UPDATE SET sum = excluded.sum, done_at = NULL, found = excluded.found RETURNING COALESCE(found, %d)",
		j.table, literal(j.id), literal(string(j.dir)), n, literal(sum), found, unrecorded)
}

func (j *journal) done(n int) string {
	return "UPDATE " + j.table + " SET done_at = pg_catalog.clock_timestamp() WHERE " + j.key(n)
}

// forget is the SQL that removes a line, as nothing of its statement was kept.
func (j *journal) forget(n int) string { return "DELETE FROM " + j.table + " WHERE " + j.key(n) }

// started is the SQL of the time at which the section began.
func (j *journal) started() string {
	return fmt.Sprintf("COALESCE((SELECT pg_catalog.min(started_at) FROM %s WHERE revision = %s AND direction = %s), pg_catalog.clock_timestamp())",
		j.table, literal(j.id), literal(string(j.dir)))
}

// close is the SQL that ends the journal of this revision, in either direction: its row says now whether it is applied.
func (j *journal) close() string {
	if j.others {
		return fmt.Sprintf("DELETE FROM %s WHERE revision = %s", j.table, literal(j.id))
	}
	return "DROP TABLE " + j.table
}

// changed is the error of a statement that ran with another text.
func (j *journal) changed(n int) *engine.Error {
	return &engine.Error{
		Class:   engine.Checksum,
		Message: fmt.Sprintf("statement %d ran already, but with another text than the file has now", n),
		Advice:  fmt.Sprintf("restore the text; or, once you have corrected the tenant by hand, DELETE FROM %s WHERE %s", j.table, j.key(n)),
	}
}

// doubtful is the error of a statement that was cut off, where it cannot be found out whether it took effect.
func (j *journal) doubtful(n int) *engine.Error {
	return &engine.Error{
		Class:   engine.Revision,
		Message: fmt.Sprintf("statement %d was cut off, and whether it took effect cannot be found out from outside", n),
		Advice: fmt.Sprintf("look; if it did: UPDATE %s SET done_at = now() WHERE %s; if not: DELETE FROM %s WHERE %s; then retry",
			j.table, j.key(n), j.table, j.key(n)),
	}
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

package postgres

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/skeindb/skein/engine/revision"
)

// What a rehearsal looks at: first the tenant's relations before any body runs, since one that a body drops has no
// name afterwards, then after each statement the locks that the transaction has on those, and on what is outside of
// the tenant. Locks on what the transaction made itself are of no interest: nobody else can see it. To leave them
// out on the server keeps a long chain's looks short, so it is told what was there before, in a setting of the
// transaction. What is dropped outside of the tenant loses its name with it, and is missing.
//
// A look reads all locks that there are, so that looks after each statement of a long chain would cost more than the
// chain. After the first few a look is passed over until three times as long has gone by as the last one took: looks
// take a quarter of the time at most, and a lock's time is rounded up by no more than that. What a rollback to a
// savepoint is about to give back is always looked at before.

// looksAlways is after how many statements of a message a look is never passed over.
const looksAlways = 32

// lookWriter writes the looks of one message.
type lookWriter struct {
	now      string // a look
	due      string // one that is passed over unless it is due
	prepared string // name of the due one once it was prepared, "" = never: to plan it takes as long as a small statement runs
	ready    bool   // it still is
	n        int    // looks so far
}

func newLookWriter(schema string) *lookWriter {
	return &lookWriter{now: look(schema), due: glance(schema)}
}

// lookAfter writes the look after the first of the statements, which are those of the k-th step.
func (c *composer) lookAfter(k int, statements []revision.Statement) {
	l := c.looks
	if l == nil {
		return
	}
	l.n++
	gives := len(statements) > 1 && firstWord(statements[1].Text) == "ROLLBACK" // to a savepoint
	switch {
	case l.n <= looksAlways, gives:
		c.own(kindLook, l.now)
	case c.leaves(c.part, k): // what is prepared may be gone
		c.own(kindLook, l.due)
	default:
		if !l.ready {
			l.prepare(c)
		}
		c.own(kindLook, "EXECUTE "+l.prepared)
	}
}

// prepare prepares the look, under a name of its own: one that a failed message left behind may still be there.
func (l *lookWriter) prepare(c *composer) {
	if l.prepared == "" {
		l.prepared = fmt.Sprintf("skein_look_%016x", rand.Uint64())
	}
	l.ready = true
	c.own(kindSet, "PREPARE "+l.prepared+" AS "+l.due)
}

// released notes that nothing is prepared any more.
func (l *lookWriter) released() {
	if l != nil {
		l.ready = false
	}
}

func (c *composer) endLooks() {
	if c.looks.ready {
		c.own(kindSet, "DEALLOCATE "+c.looks.prepared)
	}
}

// remember notes the OIDs of the tenant's relations, apart from skein's own tables.
func remember(schema uint32, own versionTable) string {
	return "SELECT pg_catalog.set_config('skein.before', COALESCE((SELECT pg_catalog.string_agg(c.oid::text, ',') FROM pg_catalog.pg_class c " +
		"LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid JOIN pg_catalog.pg_class t ON t.oid = COALESCE(i.indrelid, c.oid) " +
		"WHERE c.relnamespace = " + oidText(schema) + " AND t.relname <> ALL (" + array(own.names()) + "::pg_catalog.name[])), ''), true)"
}

// noted is the SQL of the OIDs that remember noted.
const noted = "pg_catalog.unnest(pg_catalog.string_to_array(NULLIF(pg_catalog.current_setting('skein.before', true), ''), ',')::pg_catalog.oid[])"

// remembered selects what was noted: OID, OID of its table where it is an index, else its own, and name.
const remembered = "SELECT c.oid, COALESCE(i.indrelid, c.oid), c.relname FROM " + noted + " b(oid) " +
	"JOIN pg_catalog.pg_class c ON c.oid = b.oid LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"

// look selects the time since the message came, in microseconds, and the transaction's locks as a JSON array: OID,
// mode, and for what is outside of the tenant its name, and its table's OID.
func look(schema string) string {
	return strings.NewReplacer("$schema", literal(schema), "$due", "true").Replace(lookQuery)
}

// glance is a look that is passed over unless it is due: the locks are NULL then.
func glance(schema string) string {
	return strings.NewReplacer("$schema", literal(schema), "$due", "t.due").Replace(lookQuery)
}

const microseconds = "(1000000 * pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()))::pg_catalog.int8"

// The columns are evaluated in their order, so that the last one knows how long the look took.
const lookQuery = `SELECT t.since, CASE WHEN $due THEN COALESCE((
	SELECT pg_catalog.json_agg(pg_catalog.json_build_array(l.relation, l.mode, CASE WHEN NOT l.mine THEN n.nspname || '.' || c.relname END, COALESCE(i.indrelid, l.relation)))
	FROM (SELECT relation, mode, relation IN (SELECT ` + noted + `) AS mine FROM pg_catalog.pg_locks
		WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'relation' AND granted
			AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) OFFSET 0) l
		LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
		LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = l.relation
	WHERE l.mine OR n.nspname NOT IN ($schema, 'pg_catalog', 'pg_toast', 'information_schema')
			AND n.nspname NOT LIKE 'pg\_temp\_%' AND n.nspname NOT LIKE 'pg\_toast\_temp\_%'
	), '[]') END, CASE WHEN $due THEN pg_catalog.set_config('skein.due', (4 * ` + microseconds + ` - 3 * t.since)::text, true) END
FROM (SELECT s.since, s.since >= COALESCE(NULLIF(pg_catalog.current_setting('skein.due', true), '')::pg_catalog.int8, 0) AS due
	FROM (SELECT ` + microseconds + ` AS since OFFSET 0) s) t`

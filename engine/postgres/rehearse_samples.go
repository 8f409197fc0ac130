package postgres

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/skeindb/skein/engine/revision"
)

// A rehearsal first lists the tenant's relations, since one that a body drops has no name afterwards. Then it samples, after
// each statement, the locks that the transaction has on those relations and on relations outside of the tenant. Locks on
// what the transaction created do not matter: no other session can see it. The server leaves them out, which keeps the
// samples of a long chain short; a setting of the transaction holds the OIDs that existed before. A relation dropped outside
// of the tenant has no name any more and is left out.
//
// A sample reads all locks of the server, so that samples after each statement of a long chain would cost more than the
// chain. After the first few, a sample is skipped until three times its last duration has passed: samples take a quarter of
// the time at most, and a lock's time is rounded up by no more than that. Before a rollback to a savepoint, which releases
// locks, there is always a sample.

// samplesAlways is the number of samples of a message that are never skipped.
const samplesAlways = 32

// sampleWriter writes the samples of one message.
type sampleWriter struct {
	now      string // SQL of a sample
	due      string // SQL of a sample that is skipped unless it is due
	prepared string // name of the prepared due; "" = not prepared yet. Planning it takes as long as a small statement runs
	ready    bool   // it is still prepared
	n        int    // samples so far
}

func newSampleWriter(schema string) *sampleWriter {
	return &sampleWriter{now: sampleSQL(schema), due: dueSampleSQL(schema)}
}

// sampleAfter writes the sample after the first of the statements, which belong to the k-th step.
func (c *composer) sampleAfter(k int, statements []revision.Statement) {
	l := c.samples
	if l == nil {
		return
	}
	l.n++
	gives := len(statements) > 1 && firstWord(statements[1].Text) == "ROLLBACK" // to a savepoint
	switch {
	case l.n <= samplesAlways, gives:
		c.addOwn(kindRows, l.now)
	case c.leavesState(c.part, k): // the body may have deallocated it
		c.addOwn(kindRows, l.due)
	default:
		if !l.ready {
			l.prepare(c)
		}
		c.addOwn(kindRows, "EXECUTE "+l.prepared)
	}
}

// prepare prepares the sample under a random name, since one of a failed message may still exist.
func (l *sampleWriter) prepare(c *composer) {
	if l.prepared == "" {
		l.prepared = fmt.Sprintf("skein_look_%016x", rand.Uint64())
	}
	l.ready = true
	c.addOwn(kindSet, "PREPARE "+l.prepared+" AS "+l.due)
}

// deallocated records that the statement is not prepared any more.
func (l *sampleWriter) deallocated() {
	if l != nil {
		l.ready = false
	}
}

func (c *composer) endSamples() {
	if c.samples.ready {
		c.addOwn(kindSet, "DEALLOCATE "+c.samples.prepared)
	}
}

// storeRelations stores the OIDs of the tenant's relations, without skein's own tables, in a setting.
func storeRelations(schema uint32, own versionTable) string {
	return "SELECT pg_catalog.set_config('skein.before', COALESCE((SELECT pg_catalog.string_agg(c.oid::text, ',') FROM pg_catalog.pg_class c " +
		"LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid JOIN pg_catalog.pg_class t ON t.oid = COALESCE(i.indrelid, c.oid) " +
		"WHERE c.relnamespace = " + oidText(schema) + " AND t.relname <> ALL (" + array(own.names()) + "::pg_catalog.name[])), ''), true)"
}

// storedOIDs is the SQL of the OIDs that storeRelations stored.
const storedOIDs = "pg_catalog.unnest(pg_catalog.string_to_array(NULLIF(pg_catalog.current_setting('skein.before', true), ''), ',')::pg_catalog.oid[])"

// storedRelations selects the stored relations: OID, OID of its table for an index, else its own, and name.
const storedRelations = "SELECT c.oid, COALESCE(i.indrelid, c.oid), c.relname FROM " + storedOIDs + " b(oid) " +
	"JOIN pg_catalog.pg_class c ON c.oid = b.oid LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"

// sampleSQL selects the time since the message arrived, in microseconds, and the transaction's locks as a JSON array: OID, mode,
// name where it is outside of the tenant, and OID of the table.
func sampleSQL(schema string) string {
	return strings.NewReplacer("$schema", literal(schema), "$due", "true").Replace(sampleQuery)
}

// dueSampleSQL is a sample whose locks are NULL unless it is due.
func dueSampleSQL(schema string) string {
	return strings.NewReplacer("$schema", literal(schema), "$due", "t.due").Replace(sampleQuery)
}

const microseconds = "(1000000 * pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()))::pg_catalog.int8"

// The columns are evaluated in their order, so that the last one knows how long the sample took.
const sampleQuery = `SELECT t.since, CASE WHEN $due THEN COALESCE((
	SELECT pg_catalog.json_agg(pg_catalog.json_build_array(l.relation, l.mode, CASE WHEN NOT l.mine THEN n.nspname || '.' || c.relname END, COALESCE(i.indrelid, l.relation)))
	FROM (SELECT relation, mode, relation IN (SELECT ` + storedOIDs + `) AS mine FROM pg_catalog.pg_locks
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

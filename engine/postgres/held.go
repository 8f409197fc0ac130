package postgres

import (
	"cmp"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
)

// What a rehearsal looks at: first the tenant's relations before any body runs, since one that a body drops has no
// name afterwards, then after each statement the locks that the transaction has on those, and on what is outside of
// the tenant. Locks on what the transaction made itself are of no interest: nobody else can see it. To leave them
// out on the server keeps a long chain's looks short, so it is told what was there before, in a setting of the
// transaction. What is dropped outside of the tenant loses its name with it, and is missing.

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

// look selects the time since the message came, in microseconds, and the transaction's locks: OID, mode, and for
// what is outside of the tenant its name and its table's OID. There is a row also where there are no locks.
func look(schema string) string { return strings.Replace(lookQuery, "$schema", literal(schema), 1) }

const lookQuery = `SELECT t.since, h.relation, h.mode, h.name, h.owner
FROM (SELECT (1000000 * pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()))::pg_catalog.int8 AS since) t
LEFT JOIN (
	SELECT l.relation, l.mode, CASE WHEN b.oid IS NULL THEN n.nspname || '.' || c.relname END AS name, COALESCE(i.indrelid, l.relation) AS owner
	FROM pg_catalog.pg_locks l LEFT JOIN ` + noted + ` b(oid) ON b.oid = l.relation
		LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
		LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = l.relation
	WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
		AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
		AND (b.oid IS NOT NULL OR n.nspname NOT IN ($schema, 'pg_catalog', 'pg_toast', 'information_schema')
			AND n.nspname NOT LIKE 'pg\_temp\_%' AND n.nspname NOT LIKE 'pg\_toast\_temp\_%')
) h ON true`

// looks gathers what the looks of one rehearsal saw, in their order. The zero value has seen nothing.
type looks struct {
	relations map[uint32]relation // that were there before, and then those outside; nil before the first look
	spans     map[hold]span
	last      time.Duration // when the last look was
}

// relation is what has a lock; table is its own OID, or that of the table whose index it is.
type relation struct {
	name  string
	table uint32
}

// hold is one lock, and span from when at the latest and until when at the least it was held, since the message came.
type hold struct {
	relation uint32
	mode     string
}

type span struct{ from, to time.Duration }

// take is called with the rows of each look.
func (l *looks) take(_ piece, rows [][][]byte) {
	if l.relations == nil {
		l.relations, l.spans = map[uint32]relation{}, map[hold]span{}
		for _, r := range rows {
			l.relations[parseOID(r[0])] = relation{name: string(r[2]), table: parseOID(r[1])}
		}
		return
	}
	micros, _ := strconv.ParseInt(string(rows[0][0]), 10, 64)
	now := time.Duration(micros) * time.Microsecond
	if l.last == 0 {
		l.last = now // the first one: nothing of the bodies has run
	}
	for _, r := range rows {
		if r[1] == nil {
			continue
		}
		h := hold{parseOID(r[1]), string(r[2])}
		if r[3] != nil {
			l.relations[h.relation] = relation{name: string(r[3]), table: parseOID(r[4])}
		}
		s, known := l.spans[h]
		if !known {
			s.from = l.last
		}
		s.to = now
		l.spans[h] = s
	}
	l.last = now
}

// locks returns those that say something beside the others.
func (l *looks) locks() []engine.Held {
	var news []hold
	for h := range l.spans {
		if !l.implied(h) {
			news = append(news, h)
		}
	}
	slices.SortFunc(news, func(a, b hold) int {
		return cmp.Or(cmp.Compare(l.length(b), l.length(a)), cmp.Compare(strength(b.mode), strength(a.mode)),
			cmp.Compare(l.relations[a.relation].name, l.relations[b.relation].name), cmp.Compare(a.relation, b.relation))
	})
	var locks []engine.Held
	for _, h := range news {
		locks = append(locks, engine.Held{Object: l.relations[h.relation].name, Mode: h.mode, For: l.length(h)})
	}
	return locks
}

func (l *looks) length(h hold) time.Duration { return l.spans[h].to - l.spans[h].from }

// implied reports whether another lock on the same table keeps out all that h does, at least for as long.
func (l *looks) implied(h hold) bool {
	for other := range l.spans {
		same := other.relation == h.relation || other.relation == l.relations[h.relation].table
		if same && other != h && l.length(other) >= l.length(h) && conflicts[h.mode]&^conflicts[other.mode] == 0 {
			return true
		}
	}
	return false
}

// conflicts are the modes that a mode keeps out, one bit each in the order of the table in the manual's chapter
// "Explicit Locking".
var conflicts = map[string]uint8{
	"AccessShareLock":          0b_1000_0000,
	"RowShareLock":             0b_1100_0000,
	"RowExclusiveLock":         0b_1111_0000,
	"ShareUpdateExclusiveLock": 0b_1111_1000,
	"ShareLock":                0b_1110_1100,
	"ShareRowExclusiveLock":    0b_1111_1100,
	"ExclusiveLock":            0b_1111_1110,
	"AccessExclusiveLock":      0b_1111_1111,
}

func strength(mode string) int { return bits.OnesCount8(conflicts[mode]) }

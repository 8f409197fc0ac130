package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// progress says whether the tenant has a journal, the table of how far no-transaction sections came.
type progress uint8

const (
	progressUnasked progress = iota
	progressNone             // there was none when that was asked, and under the lock there must be none
	progressSome             // there is one, and nothing in it is in the way
)

// progress fails where a section that was cut off is in the way of a part. It asks the server only where a survey, or
// ResolveInDoubt, saw a journal; that there is none is checked under the lock, see lockSQL.
func (s *session) progress(ctx context.Context, c *conn, work *engine.Work) (progress, error) {
	if !work.SchemaID.HasSteps {
		return progressNone, nil
	}
	cut, there, err := s.db.table.cutOff(ctx, c, s.location.Schema)
	if err != nil || !there {
		return progressNone, err
	}
	for i := range work.Parts {
		if e := work.Parts[i].Blocked(cut); e != nil {
			return progressSome, e
		}
	}
	return progressSome, nil
}

// cutOff lists the sections of which the journal of a schema has lines, and reports whether there is a journal.
func (v versionTable) cutOff(ctx context.Context, c *conn, schema string) (cut []engine.CutOff, there bool, err error) {
	results, err := c.query(ctx, "SELECT pg_catalog.to_regclass("+literal(v.journal(schema))+") IS NOT NULL")
	if err != nil || !isTrue(results[0].Rows[0][0]) {
		return nil, false, err
	}
	results, err = c.query(ctx, "SELECT DISTINCT revision, direction FROM "+v.journal(schema)+" ORDER BY 1, 2")
	if err != nil {
		return nil, true, err
	}
	for _, row := range results[0].Rows {
		cut = append(cut, cutOffOf(row))
	}
	return cut, true, nil
}

func cutOffOf(row [][]byte) engine.CutOff {
	return engine.CutOff{Revision: string(row[0]), Direction: revision.Direction(row[1])}
}

// forget is the SQL that removes the progress of the part's revisions, in both directions, since the version rows now say what
// is applied; after a stamp, the progress of all revisions.
func (v versionTable) forget(schema string, part *engine.Part) string {
	if part.Stamps() {
		return "DROP TABLE " + v.journal(schema)
	}
	return "DELETE FROM " + v.journal(schema) + " WHERE revision OPERATOR(pg_catalog.=) ANY (" + array(part.IDs()) + ")"
}

// cutOffs reads the journals of a chunk of tenants, with as few statements as their version tables. A journal that was dropped
// since belonged to a section that was finished, and the version row, which is read later, says so.
func (s *survey) cutOffs(ctx context.Context, c *conn, chunk []int, patience time.Duration) {
	var queries []string
	for from := 0; from < len(chunk); from += armsEach {
		var arms []string
		for n := from; n < min(from+armsEach, len(chunk)); n++ {
			arms = append(arms, fmt.Sprintf("SELECT %d AS n, revision, direction FROM %s", n, s.db.table.journal(s.locations[chunk[n]].Schema)))
		}
		queries = append(queries, "SELECT DISTINCT n, revision, direction FROM ("+strings.Join(arms, " UNION ALL ")+" OFFSET 0) lines ORDER BY 1, 2, 3") // OFFSET 0: see armsEach
	}
	results, err := s.read(ctx, c, patience, queries...)
	switch {
	case err == nil:
		eachRow(results, func(n int, row [][]byte) {
			st := &s.standings[chunk[n]]
			st.CutOff = append(st.CutOff, cutOffOf(row))
		})
	case len(chunk) == 1 && hasState(err, stateUndefinedTable):
		s.standings[chunk[0]].SchemaID.HasSteps = false
	case len(chunk) == 1 && isArm(err):
		s.unreadSteps(ctx, chunk[0], err)
	default:
		s.halve(ctx, c, chunk, err, func(half []int) { s.cutOffs(ctx, c, half, surveyRetryLockTimeout) })
	}
}

// unreadSteps says why the journal of a tenant cannot be read.
func (s *survey) unreadSteps(ctx context.Context, i int, err error) {
	e := *classify(ctx, err)
	st := &s.standings[i]
	st.State, st.Err = engine.Unknown, &e
	if e.Class == engine.Busy || e.Class == engine.Timeout {
		st.State = engine.Unreachable
	}
	e.Message = "table " + s.db.table.journal(s.locations[i].Schema) + ", which says how far no-transaction sections came, cannot be read: " + e.Message
}

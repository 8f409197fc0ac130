package sqlite

import (
	"context"
	"crypto/sha256"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skeindb/skein/engine"
)

// surveyPatience bounds how long a survey waits for one file. A writer keeps readers out only for the
// moment of its commit, and not at all in WAL mode.
const surveyPatience = time.Second

// Survey reads where tenants stand, as many files at a time as may be open. As for every reader, opening a file rolls back
// a hot journal, and closing it may checkpoint a WAL that no other connection has open.
func (db *DB) Survey(ctx context.Context, locations []engine.Location, rollout string) []engine.Standing {
	standings := make([]engine.Standing, len(locations))
	cohorts := cohorts{rollout: rollout, seen: map[[sha256.Size]byte]*engine.Applied{}}
	db.each(len(locations), func(i int) { standings[i] = db.standing(ctx, locations[i].File, &cohorts) })
	return standings
}

// each calls do for each of n files, as many at a time as may be open.
func (db *DB) each(n int, do func(i int)) {
	var next atomic.Int64
	var readers sync.WaitGroup
	for range min(cap(db.slots), n) {
		readers.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	readers.Wait()
}

func (db *DB) standing(ctx context.Context, path string, cohorts *cohorts) engine.Standing {
	rows, cut, exists, err := db.read(ctx, path)
	if err != nil {
		e := classify(err)
		return engine.Standing{State: state(e.Class), Err: e}
	}
	return engine.Standing{Applied: cohorts.of(rows), CutOff: cut, SchemaID: engine.SchemaID{HasTable: exists}}
}

func (db *DB) read(ctx context.Context, path string) (rows []engine.Row, cut []engine.CutOff, exists bool, err error) {
	if err := db.enter(ctx); err != nil {
		return nil, nil, false, err
	}
	defer db.leave()
	c, err := open(ctx, path)
	if err != nil {
		return nil, nil, false, err
	}
	defer c.close()
	if err := c.patience(ctx, surveyPatience); err != nil {
		return nil, nil, false, err
	}
	if rows, exists, err = db.table.read(ctx, c); err != nil || !exists {
		return rows, nil, exists, err
	}
	cut, err = db.table.cutOff(ctx, c)
	return rows, cut, exists, err
}

// state is the state of a tenant whose table could not be read.
func state(class engine.Class) engine.State {
	switch class {
	case engine.Gone:
		return engine.Missing
	case engine.Data: // no database, a broken one, or not our table
		return engine.Unknown
	}
	return engine.Unreachable
}

// cohorts keeps one Applied for all tenants whose tables are equal. It is safe for concurrent use.
type cohorts struct {
	rollout string // only its rows keep their rollout, so that there are few cohorts

	mu   sync.Mutex
	seen map[[sha256.Size]byte]*engine.Applied // guarded by mu; by the digest of the rows
}

// of returns the cohort's copy of rows, which are sorted.
func (c *cohorts) of(rows []engine.Row) *engine.Applied {
	h := sha256.New()
	for i := range rows {
		r := &rows[i]
		if r.Rollout != c.rollout {
			r.Rollout = ""
		}
		_, _ = io.WriteString(h, r.Revision+"\x00"+r.Checksum+"\x00"+r.Rollout+"\x00")
	}
	digest := [sha256.Size]byte(h.Sum(nil))
	c.mu.Lock()
	defer c.mu.Unlock()
	if a, ok := c.seen[digest]; ok {
		return a
	}
	a := &engine.Applied{Rows: rows}
	c.seen[digest] = a
	return a
}

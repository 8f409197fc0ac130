package record

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// Migrations has a folder for each dialect, migrations/postgres and migrations/sqlite, with the revision files of the
// stores' tables.
//
//go:embed migrations
var Migrations embed.FS

// revisions returns the graph of a store's own tables.
func revisions(d revision.Dialect) (*revision.Graph, error) {
	dir, err := fs.Sub(Migrations, "migrations/"+string(d))
	if err != nil {
		return nil, err
	}
	return revision.Load(dir, d)
}

// Migrate brings the tables of a store to the form that this program knows. Several processes may do so
// at once. Tables of a newer program are refused.
func Migrate(ctx context.Context, db engine.Database, target engine.Location) error {
	g, err := revisions(target.Dialect)
	if err != nil {
		return err
	}
	e := engine.New(db, g, engine.Config{Tool: "skein store"})
	var last error
	for attempt := 1; attempt <= 4; attempt++ {
		if last = MigrateOnce(ctx, e, target, attempt); last == nil {
			return nil
		}
		var at *engine.Error
		if !errors.As(last, &at) || at.Class != engine.Busy && at.Class != engine.Stale && at.Class != engine.Transient {
			break
		}
		select { // another process is at it
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(attempt) * 50 * time.Millisecond):
		}
	}
	return fmt.Errorf("prepare the store %s: %w", target, last)
}

// MigrateOnce is one try of [Migrate]: it surveys the tables and applies what they lack. attempt counts from 1.
// Errors of class Busy, Stale and Transient are worth another try.
func MigrateOnce(ctx context.Context, e *engine.Engine, target engine.Location, attempt int) error {
	standing := e.Survey(ctx, []engine.Location{target})[0]
	switch {
	case standing.Err != nil:
		return standing.Err
	case standing.State == engine.Current:
		return nil
	case standing.State == engine.Ahead:
		return fmt.Errorf("it was written by a newer skein (%s)", strings.Join(standing.Heads, ", "))
	}
	path, err := e.Graph().Path(revision.Up, standing.Heads, "heads")
	if err != nil {
		return err
	}
	revs := make([]*revision.Revision, len(path.Steps))
	for i, id := range path.Steps {
		revs[i] = e.Graph().Get(id)
	}
	plan := engine.NewPlan(standing.Applied, revision.Up, revs, e.Mode())
	_, err = e.Apply(ctx, engine.Job{Location: target, Standing: standing, Plan: plan, Attempt: attempt})
	return err
}

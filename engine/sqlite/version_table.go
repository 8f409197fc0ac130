package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// versionTable is the table in each tenant that says which revisions are applied.
type versionTable struct{ name string }

// qualified is the table's name in SQL. Without main a temporary table could hide it.
func (t versionTable) qualified() string { return "main." + quote(t.name) }

func (t versionTable) create(ctx context.Context, c *conn) error {
	return c.exec(ctx, `CREATE TABLE IF NOT EXISTS `+t.qualified()+` (
  revision    text NOT NULL PRIMARY KEY,
  checksum    text,
  applied_at  text NOT NULL,
  duration_ms integer NOT NULL,
  rollout     text,
  tool        text NOT NULL
) WITHOUT ROWID`)
}

// read returns the rows, sorted by revision id, and whether the table exists.
func (t versionTable) read(ctx context.Context, c *conn) (rows []engine.Row, exists bool, err error) {
	kind := ""
	err = c.query(ctx, func(scan func(...any) error) error { return scan(&kind) },
		`SELECT type FROM main.sqlite_schema WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')`, t.name)
	if err != nil || kind == "" {
		return nil, false, err
	}
	if kind == "view" {
		return nil, true, t.wrong("it is a view")
	}
	err = c.query(ctx, func(scan func(...any) error) error {
		row, err := t.row(scan)
		rows = append(rows, row)
		return err
	}, `SELECT `+versionColumns+` FROM `+t.qualified())
	if isPlain(err) {
		return nil, true, t.wrong(classify(err).Message)
	}
	slices.SortFunc(rows, func(a, b engine.Row) int { return strings.Compare(a.Revision, b.Revision) })
	return rows, true, err
}

// row scans one row. SQLite does not enforce the types of columns, so the values are checked.
func (t versionTable) row(scan func(...any) error) (engine.Row, error) {
	var id, checksum, at, duration, rollout, tool any
	if err := scan(&id, &checksum, &at, &duration, &rollout, &tool); err != nil {
		return engine.Row{}, err
	}
	name, isText := id.(string)
	if !isText || name == "" {
		return engine.Row{}, t.wrong(fmt.Sprintf("%v is not a revision id", id))
	}
	sum, isText := checksum.(string)
	if !isText && checksum != nil {
		return engine.Row{}, t.wrong(fmt.Sprintf("%v is not a checksum", checksum))
	}
	by, _ := rollout.(string)
	return engine.Row{Revision: name, Checksum: sum, Rollout: by}, nil
}

func (t versionTable) wrong(why string) error {
	return &engine.Error{
		Class:   engine.Data,
		Message: fmt.Sprintf("%s is not a version table of skein: %s", t.name, why),
		Advice:  "repair or rename it, or choose another state.version_table",
	}
}

// steps is the name of the table that lists the statements of no-transaction sections that have run.
func (t versionTable) steps() string { return t.name + engine.StepsSuffix }

func (t versionTable) hasSteps(ctx context.Context, c *conn) (bool, error) {
	n := 0
	err := c.query(ctx, func(scan func(...any) error) error { return scan(&n) },
		`SELECT count(*) FROM main.sqlite_schema WHERE name = ? COLLATE NOCASE AND type = 'table'`, t.steps())
	return n > 0, err
}

// cutOff lists the no-transaction sections that have a statement in that table.
func (t versionTable) cutOff(ctx context.Context, c *conn) (cut []engine.CutOff, err error) {
	if has, err := t.hasSteps(ctx, c); err != nil || !has {
		return nil, err
	}
	err = c.query(ctx, func(scan func(...any) error) error {
		var o engine.CutOff
		err := scan(&o.Revision, &o.Direction)
		cut = append(cut, o)
		return err
	}, `SELECT DISTINCT revision, direction FROM main.`+quote(t.steps())+` WHERE step >= 0 AND done_at IS NOT NULL ORDER BY 1, 2`)
	return cut, err
}

// forget deletes the lines of the part's revisions from that table, in both directions, since the version rows now say
// what is applied; after a stamp it deletes all lines. A table without lines is dropped.
func (t versionTable) forget(ctx context.Context, c *conn, part *engine.Part) error {
	has, err := t.hasSteps(ctx, c)
	if err != nil || !has {
		return err
	}
	table, left := `main.`+quote(t.steps()), 0
	if !part.Stamps() {
		for _, id := range part.IDs() {
			if err := c.exec(ctx, `DELETE FROM `+table+` WHERE revision = ?`, id); err != nil {
				return err
			}
		}
		if err := c.query(ctx, func(scan func(...any) error) error { return scan(&left) }, `SELECT count(*) FROM `+table); err != nil || left > 0 {
			return err
		}
	}
	return c.exec(ctx, `DROP TABLE `+table)
}

// expect fails with Stale unless exactly the ids of part.Before are applied, and those that the part downgrades were applied
// by rollout of. It also fails if a no-transaction section that was cut off blocks the part.
func (t versionTable) expect(ctx context.Context, c *conn, part *engine.Part, of string) error {
	rows, _, err := t.read(ctx, c)
	if err != nil {
		return err
	}
	applied := &engine.Applied{Rows: rows}
	if have := applied.IDs(); !slices.Equal(have, part.Before) {
		return &engine.Error{
			Class:   engine.Stale,
			Message: fmt.Sprintf("applied are [%s], planned from [%s]", strings.Join(have, " "), strings.Join(part.Before, " ")),
		}
	}
	if others := part.Others(applied, of); len(others) > 0 {
		return &engine.Error{Class: engine.Stale, Message: fmt.Sprintf("%s was not applied by rollout %s", strings.Join(others, ", "), of)}
	}
	cut, err := t.cutOff(ctx, c)
	if err != nil {
		return err
	}
	if e := part.Blocked(cut); e != nil {
		return e
	}
	return nil
}

// note writes or deletes the version row of a step. The time is that of SQLite's clock, in UTC.
func (t versionTable) note(ctx context.Context, c *conn, work *engine.Work, step engine.Step, took time.Duration) error {
	rows, err := t.write(ctx, c, work, step, took)
	switch {
	case err != nil:
		return t.refused(err, step)
	case rows != 1:
		return t.lost(step, fmt.Sprintf("skein's row for revision %s had no effect: %d rows were changed", step.Revision.ID, rows))
	}
	return nil
}

func (t versionTable) write(ctx context.Context, c *conn, work *engine.Work, step engine.Step, took time.Duration) (rows int64, err error) {
	if step.Direction == revision.Down {
		return c.change(ctx, `DELETE FROM `+t.qualified()+` WHERE revision = ?`, step.Revision.ID)
	}
	if step.Stamp {
		took = 0
	}
	return c.change(ctx, `INSERT INTO `+t.qualified()+` (`+versionColumns+`)
VALUES (?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?, nullif(?, ''), ?)`,
		step.Revision.ID, step.Revision.Checksum(), took.Milliseconds(), work.Rollout, work.Tool)
}

// versionColumns are the columns of the version table.
const versionColumns = "revision, checksum, applied_at, duration_ms, rollout, tool"

// holds fails unless exactly the revisions are applied that should be after the part: a trigger may have reverted or
// changed what skein wrote.
func (t versionTable) holds(ctx context.Context, c *conn, part *engine.Part) error {
	rows, _, err := t.read(ctx, c)
	if err != nil {
		return err
	}
	if have := (&engine.Applied{Rows: rows}).IDs(); !slices.Equal(have, part.After) {
		return t.lost(part.Steps[len(part.Steps)-1], fmt.Sprintf("the version table does not hold the rows that skein wrote: [%s], and not [%s]",
			strings.Join(have, " "), strings.Join(part.After, " ")))
	}
	return nil
}

// quote quotes an identifier.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// keys checks the foreign keys of a whole file at the end of a part, as bodies run without them.
//
// The first try only asks whether any key is broken, which is all there is to do for a healthy file.
// When one is, the part is rolled back and tried again in exact mode: broken keys are counted for each
// pair of tables before the first step and after every one, and the part fails only where a count grew.
// Rowids are not compared, because a rebuilt table may number its rows afresh.
type keys struct {
	conn  *conn
	exact bool
	steps []engine.Step // steps with a body
	tally []tally       // exact: before the first and after each of these
}

// errBroken says that the first try found a broken key, old or new.
var errBroken = errors.New("broken foreign keys")

// reference is a pair of tables, or a key that SQLite cannot check at all.
type reference struct {
	table, parent string
	defect        string // "foreign key mismatch - …"; "" otherwise
}

// broken are the rows of a reference whose parent does not exist.
type broken struct {
	rows  int
	rowid string // of the first; "" for a table without rowids
}

type tally map[reference]broken

// begin counts before the first step.
func (k *keys) begin(ctx context.Context) error {
	if !k.exact {
		return nil
	}
	return k.count(ctx)
}

// ran counts after a step. A stamp cannot break a key.
func (k *keys) ran(ctx context.Context, step engine.Step) error {
	if step.Stamp {
		return nil
	}
	k.steps = append(k.steps, step)
	if !k.exact {
		return nil
	}
	return k.count(ctx)
}

// hold fails when the steps left a key broken.
func (k *keys) hold(ctx context.Context) error {
	if len(k.steps) == 0 {
		return nil
	}
	if k.exact {
		return k.compare()
	}
	err := k.conn.query(ctx, func(func(...any) error) error { return errBroken }, "PRAGMA main.foreign_key_check")
	if isPlain(err) { // a mismatched key
		return errBroken
	}
	return err
}

// count appends a tally of the file as it is now.
func (k *keys) count(ctx context.Context) error {
	var tables []string
	err := k.conn.query(ctx, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		tables = append(tables, name)
		return err
	}, "SELECT name FROM main.sqlite_schema WHERE type = 'table'")
	if err != nil {
		return err
	}
	t := tally{}
	for _, name := range tables {
		if err := k.countTable(ctx, t, name); err != nil {
			return err
		}
	}
	k.tally = append(k.tally, t)
	return nil
}

func (k *keys) countTable(ctx context.Context, t tally, table string) error {
	err := k.conn.query(ctx, func(scan func(...any) error) error {
		var child, parent, key string
		var rowid *string
		if err := scan(&child, &rowid, &parent, &key); err != nil {
			return err
		}
		ref := reference{table: child, parent: parent}
		b := t[ref]
		if b.rows == 0 && rowid != nil {
			b.rowid = *rowid
		}
		b.rows++
		t[ref] = b
		return nil
	}, "PRAGMA main.foreign_key_check("+quote(table)+")")
	if isPlain(err) {
		t[reference{table: table, defect: classify(err).Message}] = broken{rows: 1}
		return nil
	}
	return err
}

// compare fails for the first reference, by name, that is worse than before the first step.
func (k *keys) compare() error {
	before, after := k.tally[0], k.tally[len(k.tally)-1]
	var worse []reference
	for ref, b := range after {
		if b.rows > before[ref].rows {
			worse = append(worse, ref)
		}
	}
	if len(worse) == 0 {
		return nil
	}
	ref := slices.MinFunc(worse, func(a, b reference) int {
		return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.parent, b.parent))
	})
	step := k.culprit(ref)
	section := step.Revision.Section(step.Direction)
	return at(ref.fault(before[ref].rows, after[ref]), step, 0, revision.Statement{Line: section.Line})
}

// culprit is the step since which ref has been worse than before the first.
func (k *keys) culprit(ref reference) engine.Step {
	i := len(k.steps)
	for i > 1 && k.tally[i-1][ref].rows > k.tally[0][ref].rows {
		i--
	}
	return k.steps[i-1]
}

func (r reference) fault(before int, after broken) error {
	if r.defect != "" {
		return &engine.Error{Class: engine.Revision, Message: r.defect, Advice: "let the key refer to a primary key or to columns with a unique index"}
	}
	message := fmt.Sprintf("rows of %s without their parent in %s: %d", r.table, r.parent, after.rows)
	if before > 0 {
		message += fmt.Sprintf(", and %d before the revision", before)
	}
	if after.rowid != "" {
		message += "; the first has rowid " + after.rowid
	}
	return &engine.Error{
		Class:   engine.Data,
		Message: message,
		Fields:  &engine.Fields{Severity: severity, Condition: "SQLITE_CONSTRAINT_FOREIGNKEY", Table: r.table},
		Quoted:  message, // it names a row
		Advice:  fmt.Sprintf("let the revision repair or delete them (foreign keys are off while it runs, so nothing cascades); list them with PRAGMA foreign_key_check(%s)", quote(r.table)),
	}
}

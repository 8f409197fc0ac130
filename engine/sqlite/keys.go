package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// keys checks the foreign keys of a whole file at the end of a part, because bodies run without them.
//
// The first try only asks whether any key is broken, which is enough for a healthy file. If one is, the part is rolled
// back and tried again in exact mode: the rows without a parent are recorded before the first step and after each step,
// see orphans.go, and the part fails only if there are some that were not there before.
type keys struct {
	conn   *conn
	exact  bool
	steps  []engine.Step        // steps with a body
	before *orphans             // exact: before the first step
	since  map[reference]int    // index in steps after which a reference has been worse than before the first
	worse  map[reference]broken // after the last step
}

// errBroken is that the first try found a broken key, old or new.
var errBroken = errors.New("broken foreign keys")

// reference is a pair of tables, or a key that SQLite cannot check at all.
type reference struct {
	table, parent string
	defect        string // "foreign key mismatch - …"; "" otherwise
}

// broken are the rows of a reference whose parent does not exist.
type broken struct {
	rows   int    // all of them
	before int    // before the first step
	fresh  int    // those that were not there then
	rowid  string // of the first fresh one; "" for a table without rowids
}

// begin records what is broken before the first step.
func (k *keys) begin(ctx context.Context) (err error) {
	if !k.exact {
		return nil
	}
	k.since = map[reference]int{}
	k.before, err = findOrphans(ctx, k.conn, beforeTable)
	return err
}

// ran records what is broken after a step. A stamp cannot break a key.
func (k *keys) ran(ctx context.Context, step engine.Step) error {
	if step.Stamp {
		return nil
	}
	k.steps = append(k.steps, step)
	if !k.exact {
		return nil
	}
	after, err := findOrphans(ctx, k.conn, afterTable)
	if err != nil {
		return err
	}
	if k.worse, err = after.beyond(ctx, k.conn, k.before); err != nil {
		return err
	}
	since := map[reference]int{}
	for ref := range k.worse {
		n, known := k.since[ref]
		if !known {
			n = len(k.steps) - 1
		}
		since[ref] = n
	}
	k.since = since
	return nil
}

// hold fails if the steps left a key broken.
func (k *keys) hold(ctx context.Context) error {
	if len(k.steps) == 0 {
		return nil
	}
	if k.exact {
		err := k.compare()
		return errors.Join(err, forgetOrphans(ctx, k.conn))
	}
	return unbroken(ctx, k.conn)
}

// unbroken fails with errBroken if any key of the file is broken.
func unbroken(ctx context.Context, c *conn) error {
	err := c.query(ctx, func(func(...any) error) error { return errBroken }, "PRAGMA main.foreign_key_check")
	if isPlain(err) { // a mismatched key
		return errBroken
	}
	return err
}

// compare fails for the first reference, by name, that is worse than before the first step.
func (k *keys) compare() error {
	ref, found := firstOf(k.worse)
	if !found {
		return nil
	}
	step := k.steps[k.since[ref]]
	section := step.Revision.Section(step.Direction)
	return at(ref.fault(k.worse[ref], options(step).ForeignKeys), step, 0, revision.Statement{Line: section.Line})
}

func firstOf(worse map[reference]broken) (ref reference, found bool) {
	for r := range worse {
		if !found || cmp.Or(cmp.Compare(r.table, ref.table), cmp.Compare(r.parent, ref.parent)) < 0 {
			ref, found = r, true
		}
	}
	return ref, found
}

// fault is the error of a reference that is worse than before a body that ran with foreign keys on, or off.
func (r reference) fault(b broken, on bool) error {
	if r.defect != "" {
		return &engine.Error{Class: engine.Revision, Message: r.defect, Advice: "let the key refer to a primary key or to columns with a unique index"}
	}
	message := fmt.Sprintf("rows of %s without their parent in %s: %d", r.table, r.parent, b.rows)
	first := "the first"
	if b.before > 0 {
		message += fmt.Sprintf(", and %d before the revision; new are %d", b.before, b.fresh)
		first = "the first of those"
	}
	if b.rowid != "" {
		message += "; " + first + " has rowid " + b.rowid
	}
	off := " (foreign keys are off while it runs, so nothing cascades; `-- upgrade: foreign-keys` turns them on)"
	if on {
		off = ""
	}
	return &engine.Error{
		Class:   engine.Data,
		Message: message,
		Fields:  &engine.Fields{Severity: severity, Condition: "SQLITE_CONSTRAINT_FOREIGNKEY", Table: r.table},
		Quoted:  message, // it names a row
		Advice:  fmt.Sprintf("let the revision repair or delete them%s; list them with PRAGMA foreign_key_check(%s)", off, quote(r.table)),
	}
}

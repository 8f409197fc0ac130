package sqlite_test

import (
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
)

const (
	family = `CREATE TABLE parents (id integer PRIMARY KEY, name text);
CREATE TABLE children (id integer PRIMARY KEY, parent integer REFERENCES parents (id) ON DELETE CASCADE);
INSERT INTO parents (id) VALUES (1), (2);
INSERT INTO children (id, parent) VALUES (10, 1), (20, 2);`

	// rebuild is the procedure of https://www.sqlite.org/lang_altertable.html §7.
	rebuild = `CREATE TABLE new_parents (id integer PRIMARY KEY, name text NOT NULL DEFAULT '');
INSERT INTO new_parents (id) SELECT id FROM parents;
DROP TABLE parents;
ALTER TABLE new_parents RENAME TO parents;`

	orphan = `DELETE FROM parents WHERE id = 2;`
)

func TestRebuildOfAParentTableKeepsItsChildren(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	mustUpgrade(t, tenant, family, rebuild)
	if n := one(t, tenant, "SELECT count(*) FROM children"); n != "2" {
		t.Errorf("children: %s", n)
	}
	if sql := one(t, tenant, "SELECT sql FROM sqlite_schema WHERE name = 'children'"); strings.Contains(sql, "new_parents") {
		t.Errorf("the rename reached into the children: %s", sql)
	}
}

func TestBodyThatOrphansRowsFailsAndIsNamed(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	result, err := upgrade(t, tenant, family, orphan, rebuild)
	e := failure(t, err, engine.Data)
	if e.Revision != "r2" || e.File != "r2_body.sql" || e.Line != 4 {
		t.Errorf("blamed are %s, %s:%d", e.Revision, e.File, e.Line)
	}
	if want := "rows of children without their parent in parents: 1; the first has rowid 20"; e.Message != want {
		t.Errorf("message %q, want %q", e.Message, want)
	}
	if len(result.Done) > 0 || one(t, tenant, "SELECT count(*) FROM sqlite_schema") != "0" {
		t.Errorf("something is left, done are %v", result.Done)
	}
}

func TestChainMayOrphanRowsAndRepairThem(t *testing.T) {
	t.Parallel()
	mustUpgrade(t, newFile(t), family, orphan, `DELETE FROM children WHERE parent NOT IN (SELECT id FROM parents);`)
}

func TestOldOrphansDoNotBlock(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	mustUpgrade(t, tenant, family)
	exec(t, tenant, "DELETE FROM parents WHERE id = 1") // with keys off, as most clients have them
	mustUpgrade(t, tenant, family, rebuild)
	_, err := upgrade(t, tenant, family, rebuild, orphan)
	e := failure(t, err, engine.Data)
	if !strings.Contains(e.Message, ": 2, and 1 before") {
		t.Errorf("message %q", e.Message)
	}
	mustUpgrade(t, tenant, family, rebuild, `DELETE FROM children WHERE parent = 1;`)
}

func TestKeyThatCannotBeCheckedIsAnErrorOnlyWhenItIsNew(t *testing.T) {
	t.Parallel()
	const mismatch = `CREATE TABLE towns (name text); INSERT INTO towns VALUES ('Ulm');
CREATE TABLE streets (town text REFERENCES towns (name)); INSERT INTO streets VALUES ('Ulm');`
	tenant := newFile(t)
	_, err := upgrade(t, tenant, family, mismatch)
	e := failure(t, err, engine.Revision)
	if e.Revision != "r2" || !strings.Contains(e.Message, "foreign key mismatch") {
		t.Errorf("revision %s: %s", e.Revision, e.Message)
	}

	exec(t, tenant, mismatch)
	mustUpgrade(t, tenant, family, rebuild)
	_, err = upgrade(t, tenant, family, rebuild, orphan) // the other keys are still checked
	failure(t, err, engine.Data)
}

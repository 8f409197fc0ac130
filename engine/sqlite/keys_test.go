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

// In each file one row has no parent before. The revision lets another one lose its parent, and takes the first away.
func TestANewOrphanIsFoundWhereAnOldOneWent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ schema, orphan, change string }{
		"another key": {
			"CREATE TABLE p (id integer PRIMARY KEY); CREATE TABLE c (id integer PRIMARY KEY, pid int REFERENCES p); INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1, 1), (2, 2);",
			"INSERT INTO c VALUES (3, 99)", "DELETE FROM c WHERE pid = 99; DELETE FROM p WHERE id = 1;",
		},
		"the same key in another row": {
			"CREATE TABLE p (id integer PRIMARY KEY); CREATE TABLE c (id integer PRIMARY KEY, pid int REFERENCES p); INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1);",
			"INSERT INTO c VALUES (3, 99)", "DELETE FROM c WHERE pid = 99; UPDATE c SET pid = 99;",
		},
		"another key to the same table": {
			"CREATE TABLE p (id integer PRIMARY KEY); CREATE TABLE c (id integer PRIMARY KEY, a int REFERENCES p, b int REFERENCES p); INSERT INTO p VALUES (1);",
			"INSERT INTO c VALUES (3, 99, 1)", "UPDATE c SET a = 1, b = 99;",
		},
		"without rowids, of two columns": {
			`CREATE TABLE p (a text COLLATE NOCASE, b int, PRIMARY KEY (a, b)) WITHOUT ROWID; CREATE TABLE "it's" (id text PRIMARY KEY, x, y, FOREIGN KEY (x, y) REFERENCES p) WITHOUT ROWID;` +
				` INSERT INTO p VALUES ('Ä', 1), ('b', 2); INSERT INTO "it's" VALUES ('1', 'B', '2'), ('2', NULL, 7);`,
			`INSERT INTO "it's" VALUES ('3', 'b', 9)`, `DELETE FROM "it's" WHERE id = '3'; DELETE FROM p WHERE b = 2;`,
		},
		"a column called rowid, and a parent that is not there": {
			"CREATE TABLE c (rowid text, id int, p int REFERENCES gone (id)); INSERT INTO c VALUES ('x', 1, NULL);",
			"INSERT INTO c VALUES ('y', 2, 1)", "DELETE FROM c WHERE p = 1; UPDATE c SET p = 2;",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := newFile(t)
			mustUpgrade(t, tenant, test.schema)
			exec(t, tenant, test.orphan)
			_, err := upgrade(t, tenant, test.schema, test.change)
			if e := failure(t, err, engine.Data); e.Revision != "r2" || !strings.Contains(e.Message, ": 1, and 1 before the revision; new are 1") {
				t.Errorf("revision %s: %q", e.Revision, e.Message)
			}
			mustUpgrade(t, tenant, test.schema, "CREATE TABLE other (id int);") // the old one does not block
			if n := one(t, tenant, "SELECT count(*) FROM other"); n != "0" {
				t.Error(n)
			}
		})
	}
}

// A table may be rebuilt with other rowids, or get another name, column or primary key: its old orphans stay old, and a
// new one is found.
func TestOldOrphansOfARebuiltTableStayOld(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE p (id integer PRIMARY KEY); CREATE TABLE c (pid int REFERENCES p); INSERT INTO p VALUES (1);"
	for change, more := range map[string]string{
		"CREATE TABLE n (pid int REFERENCES p); INSERT INTO n SELECT pid FROM c ORDER BY pid DESC; DROP TABLE c; ALTER TABLE n RENAME TO c;": "INSERT INTO c VALUES (98);",
		"ALTER TABLE c RENAME COLUMN pid TO parent;": "INSERT INTO c VALUES (98);",
		"CREATE TABLE n (id integer PRIMARY KEY, pid int REFERENCES p); INSERT INTO n (pid) SELECT pid FROM c ORDER BY pid DESC; DROP TABLE c; ALTER TABLE n RENAME TO c;": "INSERT INTO c (pid) VALUES (98);",
		"ALTER TABLE c RENAME TO children; ALTER TABLE p RENAME TO parents;":                                                                                               "INSERT INTO children VALUES (98);",
	} {
		tenant := newFile(t)
		mustUpgrade(t, tenant, base)
		exec(t, tenant, "INSERT INTO c VALUES (1), (97), (98), (98)")
		_, err := upgrade(t, tenant, base, change, more)
		if e := failure(t, err, engine.Data); e.Revision != "r3" || !strings.Contains(e.Message, ": 4, and 3 before the revision; new are 1") {
			t.Errorf("%s: revision %s: %s", change, e.Revision, e.Message)
		}
		mustUpgrade(t, tenant, base, change)
	}
}

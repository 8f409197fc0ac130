package sqlite_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
)

func TestVacuumFulfilsThePragmasBeforeItAlsoAfterAResume(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	mustUpgrade(t, tenant, family)
	inTheWay := tenant.File + "-copy"
	if err := os.WriteFile(inTheWay, bytes.Repeat([]byte("x"), 512), 0o600); err != nil {
		t.Fatal(err)
	}
	repage := ": no-transaction\nPRAGMA page_size = 8192;\nPRAGMA auto_vacuum = 1;\nVACUUM INTO '" + inTheWay + "';\nVACUUM;"
	if _, err := upgrade(t, tenant, family, repage); err == nil {
		t.Fatal("nothing was in the way")
	}
	if n := one(t, tenant, "SELECT count(done_at) FROM skein_version_steps"); n != "2" {
		t.Errorf("%s statements are done", n)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	mustUpgrade(t, tenant, family, repage)
	if size, vacuum := one(t, tenant, "PRAGMA page_size"), one(t, tenant, "PRAGMA auto_vacuum"); size != "8192" || vacuum != "1" {
		t.Errorf("page_size %s, auto_vacuum %s", size, vacuum)
	}
	if n := one(t, tenant, "SELECT count(*) FROM sqlite_schema WHERE name = 'skein_version_steps'"); n != "0" {
		t.Error("the journal is still there")
	}
}

func TestJournalModeMayBeChangedByARevision(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	mustUpgrade(t, tenant, family, ": no-transaction\nPRAGMA journal_mode = WAL;", rebuild)
	if mode := one(t, tenant, "PRAGMA journal_mode"); mode != "wal" {
		t.Errorf("journal_mode %s", mode)
	}
}

// Each statement commits by itself, and with it the journal's note of it.
func TestOrdinaryStatementsRunOutsideATransaction(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	const outside = ": no-transaction\nCREATE INDEX by_name ON parents (name);\nINSERT INTO parents (id) VALUES (3);\nVACUUM;\nALTER TABLE parents ADD COLUMN town text;\nINSERT INTO parents (id) VALUES (3);\nDROP INDEX by_name;"
	_, err := upgrade(t, tenant, family, outside)
	if e := failure(t, err, engine.Data); e.Revision != "r2" || e.Line != 9 || e.Statement != "INSERT INTO parents (id) VALUES (3)" {
		t.Errorf("%s:%d: %s", e.Revision, e.Line, e.Statement)
	}
	if n := one(t, tenant, "SELECT count(town) || count(*) FROM parents"); n != "03" {
		t.Errorf("towns and parents: %s", n)
	}
	_, err = upgrade(t, tenant, family, strings.Replace(outside, "VALUES (3);\nVACUUM", "VALUES (4);\nVACUUM", 1))
	if e := failure(t, err, engine.Checksum); e.Line != 6 || !strings.Contains(e.Advice, "skein_version_steps") {
		t.Errorf("%d: %s", e.Line, e.Advice)
	}
	exec(t, tenant, "DELETE FROM parents WHERE id = 3")
	mustUpgrade(t, tenant, family, outside) // what ran does not run again
	if n := one(t, tenant, "SELECT group_concat(id) FROM parents"); n != "1,2,3" {
		t.Errorf("parents: %s", n)
	}
}

// What a statement did by itself cannot be rolled back, so that the hint says how to go on.
func TestOrphansOfStatementsOutsideATransactionAreFoundAtTheirEnd(t *testing.T) {
	t.Parallel()
	const outside = ": no-transaction\nDELETE FROM children WHERE parent = 9;\nDELETE FROM parents WHERE id = 2;\nCREATE INDEX by_name ON parents (name);"
	for _, old := range []string{"SELECT 1", "INSERT INTO children VALUES (90, 9), (91, 8)"} {
		tenant := newFile(t)
		mustUpgrade(t, tenant, family)
		exec(t, tenant, old)
		_, err := upgrade(t, tenant, family, outside)
		if e := failure(t, err, engine.Data); e.Revision != "r2" || e.Line != 4 || !strings.Contains(e.Message, "rows of children without their parent in parents") {
			t.Errorf("%s:%d: %s", e.Revision, e.Line, e.Message)
		}
		_, err = upgrade(t, tenant, family, outside) // it is known which were there before
		if e := failure(t, err, engine.Data); !strings.Contains(e.Message, ": 1") && !strings.Contains(e.Message, "new are 1") {
			t.Errorf("resumed: %s", e.Message)
		}
		exec(t, tenant, "DELETE FROM children WHERE parent = 2")
		mustUpgrade(t, tenant, family, outside, "DROP INDEX by_name;")
	}
	repairs := newFile(t)
	mustUpgrade(t, repairs, family, ": no-transaction\nDELETE FROM parents WHERE id = 2;\nDELETE FROM children WHERE parent = 2;")
	cascades := newFile(t)
	mustUpgrade(t, cascades, family, ": no-transaction, foreign-keys\nDELETE FROM parents WHERE id = 2;", rebuild)
	if n := one(t, cascades, "SELECT count(*) FROM children"); n != "1" {
		t.Errorf("children: %s", n)
	}
}

func TestAPragmaForForeignKeysEndsWithItsSection(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	_, err := upgrade(t, tenant, family, ": no-transaction\nPRAGMA foreign_keys = ON;\nDELETE FROM parents WHERE id = 1;", orphan)
	if e := failure(t, err, engine.Data); e.Revision != "r3" {
		t.Errorf("revision %s", e.Revision)
	}
	if n := one(t, tenant, "SELECT group_concat(id) FROM children"); n != "20" {
		t.Errorf("children: %s", n)
	}
}

func TestARevisionMayRunWithForeignKeysOn(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	const on = ": foreign-keys\nDELETE FROM parents WHERE id = 2;"
	mustUpgrade(t, tenant, family, on, rebuild)
	if n := one(t, tenant, "SELECT group_concat(id) FROM children"); n != "10" {
		t.Errorf("children: %s", n)
	}
	_, err := upgrade(t, newFile(t), family, ": foreign-keys\nINSERT INTO children VALUES (30, 9);")
	if e := failure(t, err, engine.Data); e.Line != 5 || e.Revision != "r2" {
		t.Errorf("%s:%d: %s", e.Revision, e.Line, e.Message)
	}
	e := engine.New(newDB(t), bodies(t, family, on, rebuild), engine.Config{})
	r, err := e.Rehearse(t.Context(), job(t, e, newFile(t)))
	if err != nil || len(r.Steps) != 1 || len(r.Untried) != 2 || !strings.Contains(r.Why, "r2 (r2_body.sql) runs with foreign keys on") {
		t.Errorf("%+v, %v", r, err)
	}
	begun := newFile(t)
	mustUpgrade(t, begun, family)
	if r, err = e.Rehearse(t.Context(), job(t, e, begun)); err != nil || len(r.Steps) != 1 || len(r.Untried) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if n := one(t, begun, "SELECT count(*) FROM children"); n != "2" {
		t.Errorf("children: %s", n)
	}
}

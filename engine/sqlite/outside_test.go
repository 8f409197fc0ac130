package sqlite_test

import (
	"bytes"
	"os"
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

func TestOrdinaryStatementsAreRefusedOutsideATransaction(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	_, err := upgrade(t, tenant, family, ": no-transaction\nVACUUM;\nDELETE FROM children;")
	e := failure(t, err, engine.Revision)
	if e.Revision != "r2" || e.Line != 6 || e.Statement != "DELETE FROM children" {
		t.Errorf("%s:%d: %s", e.Revision, e.Line, e.Statement)
	}
	if n := one(t, tenant, "SELECT count(*) FROM children"); n != "2" {
		t.Errorf("children: %s", n)
	}
}

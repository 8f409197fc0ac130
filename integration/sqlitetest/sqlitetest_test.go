package sqlitetest_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/integration/sqlitetest"
)

func TestDumpIsFreeOfLayoutAndOwnTables(t *testing.T) {
	t.Parallel()
	files := sqlitetest.Files(t, filepath.Join(t.TempDir(), "odd #dir? 100%"), 3)
	sqlitetest.Exec(t, files[0], "CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT DEFAULT 'a ,  b')", "CREATE INDEX i ON t(note)",
		"CREATE TABLE skein_version (revision TEXT)", "CREATE INDEX v ON skein_version (revision)")
	sqlitetest.Exec(t, files[1], "CREATE TABLE t(id INTEGER PRIMARY KEY,\n\tnote  TEXT DEFAULT 'a ,  b' )", "CREATE INDEX i ON t( note )")
	sqlitetest.Exec(t, files[2], "CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT DEFAULT 'a , b')", "CREATE INDEX i ON t(note)")

	want := "CREATE INDEX i ON t(note)\nCREATE TABLE t(id INTEGER PRIMARY KEY,note TEXT DEFAULT 'a ,  b')"
	for _, file := range files[:2] {
		if diff := cmp.Diff(want, sqlitetest.Dump(t, file)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	if sqlitetest.Dump(t, files[2]) == want {
		t.Error("white space inside a literal is lost")
	}
}

func TestQueryRowsPrintsLikeTheShell(t *testing.T) {
	t.Parallel()
	file := sqlitetest.Files(t, t.TempDir(), 1)[0]
	sqlitetest.Exec(t, file, "CREATE TABLE t (a, b, c); INSERT INTO t VALUES (1, NULL, 'x'), (2.5, 'y', NULL)")
	if diff := cmp.Diff([]string{"1||x", "2.5|y|"}, sqlitetest.QueryRows(t, file, "SELECT * FROM t ORDER BY a")); diff != "" {
		t.Error(diff)
	}
	if got := sqlitetest.Rows(t, file, "t"); got != "2" {
		t.Errorf("Rows = %s", got)
	}
	sqlitetest.Check(t, file)
}

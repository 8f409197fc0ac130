package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
)

func ask(t *testing.T, target engine.Location, query string) engine.QueryResult {
	t.Helper()
	return newDB(t).QueryEach(t.Context(), []engine.Location{target}, query)[0]
}

func TestValuesAreWrittenAsSQLiteWritesThem(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	exec(t, tenant, "CREATE TABLE v (at datetime, day date, yes boolean, b blob)")
	exec(t, tenant, "INSERT INTO v VALUES ('2026-11-23 10:00:00', '2026-11-23', true, x'6162')")
	for query, want := range map[string]string{
		"SELECT at FROM v":                              "2026-11-23 10:00:00",
		"SELECT day FROM v":                             "2026-11-23",
		"SELECT yes FROM v":                             "1",
		"SELECT b FROM v":                               "ab",
		"SELECT 9223372036854775807":                    "9223372036854775807",
		"SELECT 2.0":                                    "2.0",
		"SELECT max(at) FROM v":                         "2026-11-23 10:00:00",
		"SELECT user_version FROM pragma_user_version":  "0",
		"SELECT count(*) FROM pragma_foreign_key_check": "0",
	} {
		if r := ask(t, tenant, query); r.Err != nil || r.Null || r.Text != want {
			t.Errorf("%s: %+v, want %q", query, r, want)
		}
	}
	// What SQLite itself says, without the driver's types.
	for _, number := range []string{"2.0", "0.1 + 0.2", "-1e20", "1.5e-9", "9e999", "-0.5", "123456789012345678.0", "1e15", "100000.0"} {
		if r, want := ask(t, tenant, "SELECT "+number), one(t, tenant, "SELECT CAST("+number+" AS text)"); r.Text != want {
			t.Errorf("%s: %q, SQLite says %q", number, r.Text, want)
		}
	}
}

func TestQuestionWritesNothingToTheFile(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	mustUpgrade(t, tenant, family)
	before := content(t, tenant.File)
	for _, query := range []string{
		"PRAGMA journal_mode = WAL", "PRAGMA query_only = 0", "ATTACH 'x.db' AS x", "VACUUM", "VACUUM INTO 'x.db'",
		"WITH x AS (SELECT 1) DELETE FROM parents", "EXPLAIN DELETE FROM parents; DELETE FROM parents",
	} {
		failure(t, ask(t, tenant, query).Err, engine.Revision)
	}
	if string(before) != string(content(t, tenant.File)) {
		t.Error("the file changed")
	}
	files, err := os.ReadDir(filepath.Dir(tenant.File))
	if err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v", files, err)
	}
}

func TestQuestionToALockedFileIsBusy(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	mustUpgrade(t, tenant, family)
	release := hold(t, tenant, "BEGIN EXCLUSIVE")
	failure(t, ask(t, tenant, "SELECT count(*) FROM parents").Err, engine.Busy)
	release()
	if r := ask(t, tenant, "SELECT count(*) FROM parents"); r.Text != "2" {
		t.Errorf("%+v", r)
	}
}

func TestQuestionToWhatIsNoDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "text.db")
	if err := os.WriteFile(path, make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	replies := newDB(t).QueryEach(t.Context(), []engine.Location{
		{Dialect: revision.SQLite, File: path}, {Dialect: revision.SQLite, File: filepath.Join(dir, "none.db")}, newFile(t),
	}, "SELECT count(*) FROM sqlite_schema")
	failure(t, replies[0].Err, engine.Data)
	failure(t, replies[1].Err, engine.Gone)
	if replies[2].Err != nil || replies[2].Text != "0" {
		t.Errorf("%+v", replies[2])
	}
}

func TestQuestionsAndUpgradesShareThePlaces(t *testing.T) {
	t.Parallel()
	db, err := sqlite.New(sqlite.Config{MaxOpen: 1})
	if err != nil {
		t.Fatal(err)
	}
	targets := []engine.Location{newFile(t), newFile(t), newFile(t)}
	s := session(t, db, targets[0])
	s.Close()
	for _, r := range db.QueryEach(t.Context(), targets, "SELECT 1") {
		if r.Text != "1" {
			t.Errorf("%+v", r)
		}
	}
}

func TestSizeCountsTheWriteAheadLog(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	exec(t, tenant, "PRAGMA journal_mode = WAL")
	hold(t, tenant, "SELECT 1 FROM sqlite_schema") // who closes last would checkpoint
	before := newDB(t).Sizes(t.Context(), []engine.Location{tenant})[0]
	mustUpgrade(t, tenant, family)
	if after := newDB(t).Sizes(t.Context(), []engine.Location{tenant})[0]; after <= before {
		t.Errorf("%d bytes became %d", before, after)
	}
}

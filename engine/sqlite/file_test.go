package sqlite_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
)

func TestAnyPathIsOpenedAsItIs(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"a b.db", "100%.db", "%41.db", "what?mode=memory.db", "a#b.db", "é.db", `it's.db`, `say "hi".db`,
		"a&b=c.db", "semi;colon.db", ":memory:", "file:x.db", "back\\slash.db", "plus+.db", "\xff.db", "日本.db",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tenant := engine.Location{Dialect: revision.SQLite, File: filepath.Join(dir, name)}
			if err := os.WriteFile(tenant.File, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			mustUpgrade(t, tenant, family)
			files, err := os.ReadDir(dir)
			if err != nil || len(files) != 1 || files[0].Name() != name {
				t.Errorf("the folder holds %v, %v", files, err)
			}
			if info, err := os.Stat(tenant.File); err != nil || info.Size() == 0 {
				t.Errorf("nothing was written: %v", err)
			}
		})
	}
}

func TestSurveyTellsWhatAFileIs(t *testing.T) {
	t.Parallel()
	full := newFile(t)
	mustUpgrade(t, full, family)
	whole, err := os.ReadFile(full.File)
	if err != nil {
		t.Fatal(err)
	}
	torn := bytes.Clone(whole)
	copy(torn[100:], bytes.Repeat([]byte{0xee}, 300))
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Symlink(full.File, filepath.Join(dir, "link.db")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "dangling.db")); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		what  string
		path  string
		state engine.State
		class engine.Class
	}{
		{"a database", full.File, "", ""},
		{"a link to one", filepath.Join(dir, "link.db"), "", ""},
		{"an empty file", write("empty.db", nil), "", ""},
		{"no file", filepath.Join(dir, "no.db"), engine.Missing, engine.Gone},
		{"a link to none", filepath.Join(dir, "dangling.db"), engine.Missing, engine.Gone},
		{"a file for a folder", filepath.Join(full.File, "a.db"), engine.Missing, engine.Gone},
		{"a folder", dir, engine.Unknown, engine.Data},
		{"a text", write("text.db", []byte(strings.Repeat("no database, ", 100))), engine.Unknown, engine.Data},
		{"a short text", write("short.db", []byte("x")), engine.Unknown, engine.Data},
		{"a torn database", write("torn.db", torn), engine.Unknown, engine.Data},
		{"half a database", write("half.db", whole[:len(whole)/2]), engine.Unknown, engine.Data},
		{"a device", os.DevNull, engine.Unknown, engine.Data},
		{"a path with NUL", dir + "/a\x00b", engine.Unreachable, engine.Server},
	}
	db := newDB(t)
	for _, test := range tests {
		s := db.Survey(t.Context(), []engine.Location{{Dialect: revision.SQLite, File: test.path}}, "")[0]
		if s.State != test.state || (s.Applied == nil) != (test.state != "") {
			t.Errorf("%s: state %q, applied %v, error %v; want %q", test.what, s.State, s.Applied, s.Err, test.state)
		}
		if test.state != "" {
			failure(t, s.Err, test.class)
		}
		if test.state == engine.Missing {
			if _, err := db.Open(t.Context(), engine.Location{File: test.path}); err == nil {
				t.Errorf("%s: was opened", test.what)
			} else {
				failure(t, err, engine.Gone)
			}
		}
	}
}

func TestHotJournalIsRolledBackBySurvey(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	mustUpgrade(t, tenant, family)
	release := hold(t, tenant, "PRAGMA cache_size = 1", "BEGIN IMMEDIATE", "DELETE FROM skein_version",
		"WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO parents (id) SELECT i FROM n")
	crashed := engine.Location{Dialect: revision.SQLite, File: filepath.Join(t.TempDir(), "crashed.db")}
	snapshot(t, tenant.File, crashed.File, "", "-journal")
	release()
	if s := newDB(t).Survey(t.Context(), []engine.Location{crashed}, "")[0]; len(s.Applied.IDs()) != 1 {
		t.Errorf("applied are %v: %v", s.Applied.IDs(), s.Err)
	}
	if n := one(t, crashed, "SELECT count(*) FROM parents"); n != "2" {
		t.Errorf("parents: %s", n)
	}
}

func TestSurveyReadsWhatACrashLeftInTheWAL(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	exec(t, tenant, "PRAGMA journal_mode = WAL")
	release := hold(t, tenant, "SELECT 1 FROM sqlite_schema") // who closes last would checkpoint
	mustUpgrade(t, tenant, family)
	crashed := engine.Location{Dialect: revision.SQLite, File: filepath.Join(t.TempDir(), "crashed.db")}
	snapshot(t, tenant.File, crashed.File, "", "-wal")
	release()
	if s := newDB(t).Survey(t.Context(), []engine.Location{crashed}, "")[0]; len(s.Applied.IDs()) != 1 {
		t.Errorf("applied are %v: %v", s.Applied.IDs(), s.Err)
	}
}

// snapshot copies the files that a crash would leave on the disk.
func snapshot(t *testing.T, from, to string, suffixes ...string) {
	t.Helper()
	for _, suffix := range suffixes {
		data, err := os.ReadFile(from + suffix)
		if err == nil {
			err = os.WriteFile(to+suffix, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Not parallel: no other test opens files meanwhile.
func TestSurveyAndUpgradeLeaveNoFileOpen(t *testing.T) {
	open := func() int {
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skipf("this system does not tell which files are open: %v", err)
		}
		return len(files)
	}
	targets := make([]engine.Location, 50)
	for i := range targets {
		targets[i] = newFile(t)
	}
	newDB(t).Survey(t.Context(), targets[:1], "") // what SQLite opens once
	before := open()
	for _, target := range targets {
		mustUpgrade(t, target, family)
	}
	newDB(t).Survey(t.Context(), targets, "")
	if after := open(); after != before {
		t.Errorf("%d files were open before, %d are after", before, after)
	}
}

func TestFileReplacedDuringASessionIsGone(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	mustUpgrade(t, tenant, family)
	e := engine.New(newDB(t), bodies(t, family, rebuild), engine.Config{})
	planned := job(t, e, tenant)
	s := session(t, newDB(t), tenant)
	other := newFile(t)
	mustUpgrade(t, other, family)
	if err := os.Rename(other.File, tenant.File); err != nil {
		t.Fatal(err)
	}
	n, err := s.Apply(t.Context(), engine.Work{Parts: planned.Plan.Parts, Tool: "test"})
	failure(t, err, engine.Gone)
	if n != 0 || one(t, tenant, "SELECT count(*) FROM skein_version") != "1" {
		t.Errorf("%d parts are committed", n)
	}
	if _, _, err := s.ResolveInDoubt(t.Context()); err == nil {
		t.Error("a session of a replaced file was settled")
	}
}

func TestReadOnlyFileFailsAloneAndReadOnlyDiskPauses(t *testing.T) {
	t.Parallel()
	// query_only makes SQLITE_READONLY also for root, whom no mode keeps from writing.
	const body = "PRAGMA query_only = 1;\nCREATE TABLE notes (id integer);"
	tenant := newFile(t)
	_, err := upgrade(t, tenant, body)
	failure(t, err, engine.Server)
	if err := os.Chmod(tenant.File, 0o400); err != nil {
		t.Fatal(err)
	}
	_, err = upgrade(t, tenant, body)
	if e := failure(t, err, engine.Data); !strings.Contains(e.Advice, "chmod") {
		t.Errorf("advice %q", e.Advice)
	}
}

func TestOpenWaitsForAPlace(t *testing.T) {
	t.Parallel()
	db, err := sqlite.New(sqlite.Config{MaxOpen: 1})
	if err != nil {
		t.Fatal(err)
	}
	tenant := newFile(t)
	first := session(t, db, tenant)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = db.Open(ctx, tenant)
	failure(t, err, engine.Canceled)
	first.Close()
	first.Close() // gives back one place, not two
	second := session(t, db, tenant)
	second.Close()
	if s := db.Survey(t.Context(), []engine.Location{tenant, tenant, tenant}, ""); s[2].Err != nil {
		t.Error(s[2].Err)
	}
}

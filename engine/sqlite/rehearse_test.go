package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/engine"
)

func rehearse(t *testing.T, target engine.Location, upgrades ...string) (engine.Rehearsal, error) {
	t.Helper()
	e := engine.New(newDB(t), bodies(t, upgrades...), engine.Config{LockTimeout: 100 * time.Millisecond})
	return e.Rehearse(t.Context(), job(t, e, target))
}

// spilling writes more than the cache holds, so that the file itself is written to before the rollback.
const spilling = "PRAGMA cache_size = 5;\nUPDATE parents SET name = 'x';\nCREATE TABLE big (b blob);\n" +
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO big SELECT randomblob(2000) FROM n;"

func TestRehearsalLeavesTheFileByteForByte(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"DELETE", "TRUNCATE", "PERSIST", "WAL"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			tenant := newFile(t)
			exec(t, tenant, "PRAGMA journal_mode = "+mode)
			mustUpgrade(t, tenant, family)
			for _, up := range []string{rebuild, spilling, "PRAGMA user_version = 9;", "DROP TABLE children;", "nonsense;"} {
				before := content(t, tenant.File)
				_, err := rehearse(t, tenant, family, up)
				if (err != nil) != (up == "nonsense;") {
					t.Errorf("%s: %v", up, err)
				}
				if !bytes.Equal(before, content(t, tenant.File)) {
					t.Errorf("%s changed the file", up)
				}
			}
			files, err := os.ReadDir(filepath.Dir(tenant.File))
			if most := map[string]int{"PERSIST": 2}[mode]; err != nil || len(files) > max(1, most) && mode != "WAL" {
				t.Errorf("the folder holds %v, %v", files, err)
			}
			mustUpgrade(t, tenant, family, spilling)
		})
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRehearsalOfAnEmptyFileLeavesItEmpty(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	r, err := rehearse(t, tenant, family, spilling)
	if err != nil || len(r.Steps) != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if data := content(t, tenant.File); len(data) > 0 {
		t.Errorf("the file has %d bytes", len(data))
	}
}

func TestRehearsalHoldsTheFile(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	r, err := rehearse(t, tenant, family)
	if err != nil || len(r.Locks) != 1 || r.Locks[0] != (engine.LockUse{Object: "the file", Mode: "write", For: r.Duration}) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRehearsalChecksTheKeysOfEachPart(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	mustUpgrade(t, tenant, family)
	r, err := rehearse(t, tenant, family, "CREATE TABLE a (id integer);", ": own-transaction\n"+orphan, ": own-transaction\nDELETE FROM children;")
	e := failure(t, err, engine.Data)
	if e.Revision != "r3" || !strings.Contains(e.Message, "without their parent") {
		t.Errorf("%+v", e)
	}
	if len(r.Steps) == 0 || r.Steps[0] != "r2" {
		t.Errorf("steps %v", r.Steps)
	}

	// Rows that were broken before are no obstacle, as they are none for an upgrade.
	exec(t, tenant, "INSERT INTO children (id, parent) VALUES (99, 99)")
	if r, err := rehearse(t, tenant, family, rebuild); err != nil || len(r.Steps) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if n := one(t, tenant, "SELECT count(*) FROM children"); n != "3" {
		t.Errorf("children: %s", n)
	}
}

func TestRehearsalOfAReplacedFileIsGone(t *testing.T) {
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
	_, err := s.Rehearse(t.Context(), engine.Work{Parts: planned.Plan.Parts, Tool: "test"})
	failure(t, err, engine.Gone)
}

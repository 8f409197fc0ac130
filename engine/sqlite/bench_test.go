package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
)

// BenchmarkFleet upgrades 2,000 files by 10 revisions and surveys them, per iteration. TMPDIR says on
// which disk.
func BenchmarkFleet(b *testing.B) {
	upgrades := []string{family}
	for i := range 9 {
		upgrades = append(upgrades, fmt.Sprintf("ALTER TABLE parents ADD COLUMN c%d text;\nCREATE TABLE t%d (id integer PRIMARY KEY, parent integer REFERENCES parents (id));", i, i))
	}
	for b.Loop() {
		dir := b.TempDir()
		targets := make([]engine.Location, 2000)
		for i := range targets {
			targets[i] = engine.Location{Dialect: revision.SQLite, File: filepath.Join(dir, fmt.Sprintf("%d.db", i))}
			if err := os.WriteFile(targets[i].File, nil, 0o600); err != nil {
				b.Fatal(err)
			}
		}
		db, err := sqlite.New(sqlite.Config{})
		if err != nil {
			b.Fatal(err)
		}
		e := engine.New(db, bodies(b, upgrades...), engine.Config{})
		start := time.Now()
		standings := e.Survey(b.Context(), targets)
		b.ReportMetric(time.Since(start).Seconds(), "s/survey-of-empty")
		start = time.Now()
		upgradeAll(b, e, targets, standings)
		b.ReportMetric(time.Since(start).Seconds(), "s/upgrade")
		start = time.Now()
		for i, s := range e.Survey(b.Context(), targets) {
			if s.State != engine.Current {
				b.Fatalf("tenant %d is %s: %v", i, s.State, s.Err)
			}
		}
		b.ReportMetric(time.Since(start).Seconds(), "s/survey-of-current")
	}
}

func upgradeAll(b *testing.B, e *engine.Engine, targets []engine.Location, standings []engine.Standing) {
	b.Helper()
	way := plan(e, standings[0])
	places := make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for i, target := range targets {
		places <- struct{}{}
		workers.Go(func() {
			defer func() { <-places }()
			job := engine.Job{Location: target, Standing: standings[i], Plan: way, Attempt: 1}
			if _, err := e.Apply(b.Context(), job); err != nil {
				b.Error(err)
			}
		})
	}
	workers.Wait()
}

// BenchmarkKeys upgrades a file of a million rows with a foreign key, whose keys are checked each time.
func BenchmarkKeys(b *testing.B) {
	target := engine.Location{Dialect: revision.SQLite, File: filepath.Join(b.TempDir(), "big.db")}
	if err := os.WriteFile(target.File, nil, 0o600); err != nil {
		b.Fatal(err)
	}
	db, err := sqlite.New(sqlite.Config{})
	if err != nil {
		b.Fatal(err)
	}
	upgrades := []string{family, `WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) INSERT INTO children (id, parent) SELECT i, 1 FROM n;`}
	for b.Loop() {
		e := engine.New(db, bodies(b, upgrades...), engine.Config{})
		standing := e.Survey(b.Context(), []engine.Location{target})[0]
		job := engine.Job{Location: target, Standing: standing, Plan: plan(e, standing), Attempt: 1}
		if _, err := e.Apply(b.Context(), job); err != nil {
			b.Fatal(err)
		}
		upgrades = append(upgrades, "PRAGMA user_version = 1;")
	}
}

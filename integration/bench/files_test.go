package bench

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/sqlitetest"
)

// fileWidth is how many files at once each contender works on, but skein, which decides for itself.
const fileWidth = 4

// folder is an arena of SQLite files.
type folder struct {
	t     testing.TB
	size  int
	sides []*fileSide
}

type fileSide struct {
	name  string
	ready func(dir string, extra int) // nil = nothing to do
	up    func(paths []string, extra int) used

	paths []string
	extra int
}

func newFiles(t testing.TB, size int) *folder {
	t.Helper()
	f := &folder{t: t, size: size}
	l, g := newLibrary(t), &gooseLoop{t, fileWidth}
	var b *binary
	f.sides = []*fileSide{
		{name: nameLimit, up: func(paths []string, extra int) used { f.limit(paths, extra); return used{} }},
		{name: nameLibrary, up: func(paths []string, extra int) used { l.sqlite(paths, extra); return used{} }},
		{
			name: nameBinary,
			ready: func(dir string, extra int) {
				if b == nil {
					b = newBinary(t, revision.SQLite, "")
				}
				b.project.Write("skein.yaml", fmt.Sprintf(filesConfig, filepath.Join(dir, "*.db")))
				b.write(extra)
			},
			up: func([]string, int) used { return b.upgrade("") },
		},
		{name: nameGoose, up: func(paths []string, extra int) used { g.sqlite(paths, extra); return used{} }},
	}
	f.sides = slices.DeleteFunc(f.sides, func(s *fileSide) bool { return s.name != nameLimit && !takesPart(s.name) })
	return f
}

// limit opens each file and runs the bodies and one row in one transaction, durably.
func (f *folder) limit(paths []string, extra int) {
	body := "BEGIN IMMEDIATE;"
	id := "s10"
	if extra == 0 {
		body += "CREATE TABLE limit_version (revision text PRIMARY KEY, applied_at text NOT NULL DEFAULT current_timestamp);"
		for _, texts := range bodies(f.t, revision.SQLite) {
			body += strings.Join(texts, ";") + ";"
		}
	} else {
		id = small(extra)
		body += smallBody(extra) + ";"
	}
	body += "INSERT OR IGNORE INTO limit_version (revision) VALUES ('" + id + "'); COMMIT"
	(&gooseLoop{f.t, fileWidth}).each(paths, func(ctx context.Context, path string) error {
		db, err := sql.Open("sqlite", "file:"+path+"?mode=rw")
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.ExecContext(ctx, body)
		return err
	})
}

func (f *folder) compare(title string, rounds int, sides []*fileSide, prepare func(*fileSide)) *outcome {
	c := &comparison{title: title, tenants: f.size, rounds: rounds}
	for _, s := range sides {
		c.field = append(c.field, contender{
			name:    s.name,
			prepare: func(int) { prepare(s) },
			run:     func(int) used { return s.up(s.paths, s.extra) },
		})
	}
	return c.run(f.t)
}

func (f *folder) fresh(title string, rounds int) *outcome {
	return f.compare(title, rounds, f.sides, func(s *fileSide) {
		s.extra = 0
		s.paths = sqlitetest.Files(f.t, f.t.TempDir(), f.size)
		s.make()
	})
}

// small follows fresh.
func (f *folder) small(title string, rounds int) *outcome {
	return f.compare(title, rounds, f.sides, func(s *fileSide) {
		s.extra++
		s.make()
	})
}

// noop follows small. There is no limit to it but opening each file.
func (f *folder) noop(title string, rounds int) *outcome {
	return f.compare(title, rounds, f.sides[1:], func(*fileSide) {})
}

func (s *fileSide) make() {
	if s.ready != nil {
		s.ready(filepath.Dir(s.paths[0]), s.extra)
	}
}

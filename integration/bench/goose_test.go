package bench

import (
	"context"
	"database/sql"
	"fmt"
	neturl "net/url"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	_ "github.com/lib/pq" // the driver "postgres"
	"github.com/pressly/goose/v3"

	"github.com/skeindb/skein/engine/revision"
)

// gooseLoop runs goose's library over tenants: a Provider and a connection each, as its documentation has it.
type gooseLoop struct {
	t     testing.TB
	width int
}

// gooseFiles are the same revisions in goose's form.
func gooseFiles(t testing.TB, dialect revision.Dialect, extra int) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	add := func(n int, texts []string) {
		body := "-- +goose Up\n"
		for _, text := range texts {
			body += "-- +goose StatementBegin\n" + text + ";\n-- +goose StatementEnd\n"
		}
		files[fmt.Sprintf("%05d_step.sql", n)] = &fstest.MapFile{Data: []byte(body)}
	}
	n := 0
	for _, texts := range bodies(t, dialect) {
		n++
		add(n, texts)
	}
	for k := 1; k <= extra; k++ {
		add(n+k, []string{smallBody(k)})
	}
	return files
}

func (g *gooseLoop) postgres(url string, schemas []string, extra int) {
	files := gooseFiles(g.t, revision.Postgres, extra)
	base, err := neturl.Parse(url)
	if err != nil {
		g.t.Fatal(err)
	}
	g.each(schemas, func(ctx context.Context, schema string) error {
		own := *base
		q := own.Query()
		q.Set("search_path", pgx.Identifier{schema}.Sanitize())
		own.RawQuery = q.Encode()
		return g.upPostgres(ctx, own.String(), files)
	})
}

func (g *gooseLoop) upPostgres(ctx context.Context, url string, files fstest.MapFS) error {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return err
	}
	return g.up(ctx, goose.DialectPostgres, db, files)
}

func (g *gooseLoop) sqlite(paths []string, extra int) {
	files := gooseFiles(g.t, revision.SQLite, extra)
	g.each(paths, func(ctx context.Context, path string) error {
		db, err := sql.Open("sqlite", "file:"+path+"?mode=rw&_pragma=busy_timeout(10000)")
		if err != nil {
			return err
		}
		return g.up(ctx, goose.DialectSQLite3, db, files)
	})
}

func (g *gooseLoop) up(ctx context.Context, dialect goose.Dialect, db *sql.DB, files fstest.MapFS) error {
	defer db.Close()
	db.SetMaxOpenConns(1)
	p, err := goose.NewProvider(dialect, db, files)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

func (g *gooseLoop) each(tenants []string, do func(context.Context, string) error) {
	g.t.Helper()
	queue := make(chan string)
	var workers sync.WaitGroup
	for range g.width {
		workers.Go(func() {
			for name := range queue {
				if err := do(g.t.Context(), name); err != nil {
					g.t.Errorf("goose: %s: %v", name, err)
				}
			}
		})
	}
	for _, name := range tenants {
		queue <- name
	}
	close(queue)
	workers.Wait()
}

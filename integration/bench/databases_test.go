package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/tenant"
)

// databases is an arena of a database a tenant.
type databases struct {
	t      testing.TB
	server *pgtest.Instance
	cpu    func() time.Duration
	size   int
	sides  []*databaseSide
}

// databaseSide is one who works on databases of its own.
type databaseSide struct {
	name  string
	ready func(extra int) // not timed; nil = nothing to do
	up    func(names []string, extra int) used
	noop  func(names []string, extra int) used // nil = up

	names []string
	extra int
}

// newDatabases makes size databases a side, each of which stands at the heads of history(0).
func newDatabases(t testing.TB, server *pgtest.Instance, size int) *databases {
	t.Helper()
	d := &databases{t: t, server: server, cpu: serverCPU(t, server.URL), size: size}
	l, g := newLibrary(t), &gooseLoop{t, width}
	var b *binary
	prefix := ""
	d.sides = []*databaseSide{
		{
			name: nameLimit,
			up:   func(names []string, extra int) used { d.limit(names, d.message(extra)); return used{} },
			noop: func(names []string, _ int) used {
				d.limit(names, "SELECT revision FROM limit_version")
				return used{}
			},
		},
		{name: nameLibrary, up: func(names []string, extra int) used { l.databases(server.URL, names, extra); return used{} }},
		{
			name: nameBinary,
			ready: func(extra int) {
				if b == nil {
					b = newBinary(t, revision.Postgres, fmt.Sprintf(databasesConfig, prefix))
				}
				b.write(extra)
			},
			up: func([]string, int) used { return b.upgrade(server.URL) },
		},
		{name: nameGoose, up: func(names []string, extra int) used { g.databases(d, names, extra); return used{} }},
	}
	d.sides = slices.DeleteFunc(d.sides, func(s *databaseSide) bool { return s.name != nameLimit && !takesPart(s.name) })
	for _, s := range d.sides {
		_, model := pgtest.Database(t, server)
		if s.names = []string{model}; s.name == nameBinary {
			prefix = model
		}
		s.make()
		s.up(s.names, 0)
		s.names = append(s.names, pgtest.Copies(t, server, model, size-1)...)
	}
	calm(t, server.URL)
	return d
}

const databasesConfig = `fleet: bench
revisions: {dir: migrations}
servers:
  main:
    url: {env: BENCH_URL}
tenants:
  - server: main
    include_databases: ["%s*"]
`

// message is what the limit sends to each database: [limit.smallBody] without a search path.
func (d *databases) message(extra int) string {
	l := &limit{t: d.t}
	if extra == 0 {
		return "BEGIN" + l.freshBody()
	}
	return "BEGIN" + l.smallBody(extra)
}

// limit connects to each database, sends one message, and reads what comes.
func (d *databases) limit(names []string, message string) {
	d.t.Helper()
	cfg, err := pgconn.ParseConfig(d.server.URL)
	if err != nil {
		d.t.Fatal(err)
	}
	queue := make(chan string)
	var workers sync.WaitGroup
	for range width {
		workers.Go(func() {
			for name := range queue {
				own := cfg.Copy()
				own.Database = name
				if err := exchange(d.t.Context(), own, message); err != nil {
					d.t.Errorf("limit: %s: %v", name, err)
				}
			}
		})
	}
	for _, n := range names {
		queue <- n
	}
	close(queue)
	workers.Wait()
}

func exchange(ctx context.Context, cfg *pgconn.Config, message string) error {
	c, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, message).ReadAll()
	if closing := c.Close(ctx); err == nil {
		err = closing
	}
	return err
}

// databases runs goose's library over databases.
func (g *gooseLoop) databases(d *databases, names []string, extra int) {
	files := gooseFiles(g.t, revision.Postgres, extra)
	g.each(names, func(ctx context.Context, name string) error {
		return g.upPostgres(ctx, d.server.DatabaseURL(name), files)
	})
}

// databases upgrades the schema public of databases to the heads of history(extra).
func (l *library) databases(url string, names []string, extra int) {
	l.t.Helper()
	tenants := make([]tenant.Tenant, len(names))
	for i, n := range names {
		tenants[i] = tenant.Tenant{ID: n, Location: engine.Location{Dialect: revision.Postgres, Server: "main", Database: n, Schema: "public"}}
	}
	l.upgrade(l.open(url), load(l.t, history(l.t, revision.Postgres, extra), revision.Postgres), tenants)
}

func (d *databases) compare(title string, rounds int, prepare func(*databaseSide), run func(*databaseSide) used) *outcome {
	c := &comparison{title: title, tenants: d.size, rounds: rounds, cpu: d.cpu}
	for _, s := range d.sides {
		c.field = append(c.field, contender{name: s.name, prepare: func(int) { prepare(s) }, run: func(int) used { return run(s) }})
	}
	return c.run(d.t)
}

// small: one more revision, which adds a column, to databases that stand at the heads.
func (d *databases) small(title string, rounds int) *outcome {
	return d.compare(title, rounds, func(s *databaseSide) {
		s.extra++
		s.make()
		calm(d.t, d.server.URL)
	}, func(s *databaseSide) used { return s.up(s.names, s.extra) })
}

// noop: nothing to do. The limit connects to each database and reads its version table.
func (d *databases) noop(title string, rounds int) *outcome {
	return d.compare(title, rounds, func(*databaseSide) {}, func(s *databaseSide) used {
		if s.noop != nil {
			return s.noop(s.names, s.extra)
		}
		return s.up(s.names, s.extra)
	})
}

func (s *databaseSide) make() {
	if s.ready != nil {
		s.ready(s.extra)
	}
}

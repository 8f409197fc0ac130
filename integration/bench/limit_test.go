package bench

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// limit is the least that a program has to do: it is given the tenants, asks nothing, checks nothing, locks
// nothing, remembers nothing of its own, and sends one message a tenant: the bodies between BEGIN and COMMIT
// and one row in a version table in the tenant, which the message makes when the tenant is fresh.
type limit struct {
	t     testing.TB
	width int
	renew int // tenants after which a connection is replaced, which makes long chains faster; 0 = never
}

func (l *limit) fresh(url string, schemas []string) { l.each(url, schemas, l.freshBody()) }

func (l *limit) small(url string, schemas []string, k int) { l.each(url, schemas, l.smallBody(k)) }

// freshBody is what follows the search path in the message.
func (l *limit) freshBody() string {
	var body strings.Builder
	body.WriteString(";CREATE TABLE limit_version (revision text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());")
	for _, texts := range bodies(l.t, "postgres") {
		for _, text := range texts {
			body.WriteString(text + ";")
		}
	}
	body.WriteString("INSERT INTO limit_version (revision) VALUES ('s10'); COMMIT")
	return body.String()
}

func (l *limit) smallBody(k int) string {
	return ";" + smallBody(k) + "; INSERT INTO limit_version (revision) VALUES ('" + small(k) + "'); COMMIT"
}

// each sends the message to each tenant.
func (l *limit) each(url string, schemas []string, rest string) {
	l.parallel(url, schemas, l.renew, func(ctx context.Context, c *pgconn.PgConn, schema string) error {
		return c.Exec(ctx, limitMessage(schema, rest)).Close()
	})
}

func limitMessage(schema, rest string) string {
	return `BEGIN; SET LOCAL search_path = "` + schema + `"` + rest
}

// parallel hands the tenants to as many connections as the limit is wide.
func (l *limit) parallel(url string, schemas []string, renew int, do func(context.Context, *pgconn.PgConn, string) error) {
	l.t.Helper()
	ctx := l.t.Context()
	queue := make(chan string)
	var workers sync.WaitGroup
	for range l.width {
		workers.Go(func() {
			var c *pgconn.PgConn
			done := 0
			for schema := range queue {
				var err error
				if c != nil && renew > 0 && done%renew == 0 {
					err = c.Close(ctx)
					c = nil
				}
				if c == nil && err == nil {
					c, err = pgconn.Connect(ctx, url)
				}
				if err == nil {
					err = do(ctx, c, schema)
				}
				if done++; err != nil {
					l.t.Errorf("limit: %s: %v", schema, err)
				}
			}
			if c != nil {
				_ = c.Close(ctx)
			}
		})
	}
	for _, s := range schemas {
		queue <- s
	}
	close(queue)
	workers.Wait()
}

// look reads each tenant's version rows, by as few and as plain queries as there can be.
func (l *limit) look(url string, schemas []string, table string) {
	const chunk = 250
	var queries []string
	for len(schemas) > 0 {
		n := min(chunk, len(schemas))
		var q strings.Builder
		for i, s := range schemas[:n] {
			if i > 0 {
				q.WriteString(" UNION ALL ")
			}
			q.WriteString(`SELECT revision FROM "` + s + `".` + table)
		}
		queries = append(queries, q.String())
		schemas = schemas[n:]
	}
	two := &limit{t: l.t, width: 2}
	two.parallel(url, queries, 0, func(ctx context.Context, c *pgconn.PgConn, query string) error {
		return c.Exec(ctx, "SET jit = off; "+query).Close()
	})
}

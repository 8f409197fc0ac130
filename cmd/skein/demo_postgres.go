package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
)

// postgresDemo keeps each tenant in a schema of its own, of which all names begin with the same prefix.
type postgresDemo struct {
	url    string
	prefix string // such as skein_demo_1f3a_
}

// demoURL is the variable that the demo's config takes the URL from, so that no secret is written to a file.
const demoURL = "SKEIN_DEMO_URL"

func newPostgresDemo(ctx context.Context, url string) (*postgresDemo, error) {
	p := &postgresDemo{url: url, prefix: "skein_demo_" + revision.NewID()[:4] + "_"}
	if err := os.Setenv(demoURL, url); err != nil {
		return nil, err
	}
	return p, p.do(ctx, "SELECT 1")
}

func (p *postgresDemo) config() string {
	return `fleet: demo
servers:
  main:
    url: {env: ` + demoURL + `}
tenants:
  - server: main
    include_schemas: ["` + p.prefix + `*"]
    labels: {tier: free}
rollout:
  lock_timeout: 200ms
  retry: {attempts: 2, base: 50ms, max: 200ms}
`
}

func (p *postgresDemo) id(n int) string { return fmt.Sprintf("%s%03d", p.prefix, n) }

func (p *postgresDemo) connect(ctx context.Context) (*pgx.Conn, error) {
	if err := postgres.CheckURL(p.url); err != nil {
		return nil, fmt.Errorf("--url: %w", err)
	}
	cfg, err := pgx.ParseConfig(p.url)
	if err != nil {
		return nil, errors.New("--url cannot be read")
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // several statements at a time, and poolers
	return pgx.ConnectConfig(ctx, cfg)
}

func (p *postgresDemo) do(ctx context.Context, statements string) error {
	conn, err := p.connect(ctx)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statements)
	return errors.Join(err, conn.Close(ctx))
}

func (p *postgresDemo) make(ctx context.Context, ids []string) error {
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&b, "CREATE SCHEMA %s;", id)
	}
	return p.do(ctx, b.String())
}

func (p *postgresDemo) exec(ctx context.Context, id, statement string) error {
	return p.do(ctx, "SET search_path = "+id+"; "+statement)
}

// hold leaves a transaction open that changed the table, as an application does that forgot to commit.
func (p *postgresDemo) hold(ctx context.Context, id string) (release func(), err error) {
	conn, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "BEGIN; UPDATE "+id+".users SET name = name"); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return func() { _ = conn.Close(context.WithoutCancel(ctx)) }, nil // the schema is the demo's own
}

// remove drops the schemas ten at a time: one transaction would need a lock for each relation of all.
func (p *postgresDemo) remove(ctx context.Context) error {
	conn, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	const chunk = 10
	for n := 1; n <= demoTenants; n += chunk {
		var ids []string
		for i := n; i < n+chunk && i <= demoTenants; i++ {
			ids = append(ids, p.id(i))
		}
		if _, err := conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+strings.Join(ids, ", ")+" CASCADE"); err != nil {
			return fmt.Errorf("demo: schemas %s* were not removed: %w", p.prefix, err)
		}
	}
	return nil
}

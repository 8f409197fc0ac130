package discover_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

// fakeCatalog is a Catalog over maps. The first schema of a database is its current_schema().
type fakeCatalog struct {
	schemas map[string][]string // server/database → schemas
	down    map[string]error    // server, or server/database
	closed  []string            // databases without CONNECT
	columns []string
	rows    [][]*string
	queried string // server/database/sql of the last query
	mu      sync.Mutex
	reads   int // calls of Schemas and DefaultSchema
}

var _ discover.Catalog = (*fakeCatalog)(nil)

func (c *fakeCatalog) Databases(_ context.Context, server string, f engine.NameFilter) (open, closed []string, err error) {
	if err := c.down[server]; err != nil {
		return nil, nil, err
	}
	for place := range c.schemas {
		if name, ok := strings.CutPrefix(place, server+"/"); ok && passes(name, f, func(string) bool { return true }) {
			if slices.Contains(c.closed, name) {
				closed = append(closed, name)
			} else {
				open = append(open, name)
			}
		}
	}
	return open, closed, nil
}

func (c *fakeCatalog) Schemas(_ context.Context, server, database string, f engine.NameFilter) ([]string, error) {
	all, err := c.read(server, database)
	var names []string
	for _, name := range all {
		if passes(name, f, func(name string) bool { return name != "public" }) {
			names = append(names, name)
		}
	}
	return names, err
}

func (c *fakeCatalog) DefaultSchema(_ context.Context, server, database string) (string, error) {
	names, err := c.read(server, database)
	if err != nil || len(names) == 0 {
		return "", err
	}
	return names[0], nil
}

func (c *fakeCatalog) read(server, database string) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	if err := errors.Join(c.down[server], c.down[server+"/"+database]); err != nil {
		return nil, err
	}
	names, ok := c.schemas[server+"/"+database]
	if !ok {
		return nil, fmt.Errorf("database %q does not exist", database)
	}
	return names, nil
}

func (c *fakeCatalog) Query(_ context.Context, server, database, sql string) ([]string, [][]*string, error) {
	c.queried = server + "/" + database + "/" + sql
	return c.columns, c.rows, c.down[server]
}

func passes(name string, f engine.NameFilter, byDefault func(string) bool) bool {
	match := func(globs []string) bool {
		return slices.ContainsFunc(globs, func(glob string) bool { return tenant.Glob(glob, name) })
	}
	return (f.All && byDefault(name) || match(f.Include)) && !match(f.Exclude)
}

// row makes a row of a query; "NULL" is one.
func row(values ...string) []*string {
	var cells []*string
	for _, v := range values {
		if v == "NULL" {
			cells = append(cells, nil)
			continue
		}
		cells = append(cells, &v)
	}
	return cells
}

var (
	_ discover.Catalog  = (*postgres.DB)(nil)
	_ discover.Registry = (*postgres.DB)(nil)
)

// fakeRegistry remembers the servers that it was given.
type fakeRegistry struct {
	mu      sync.Mutex
	servers map[string]string
	err     error
}

func (r *fakeRegistry) Register(name, url string) (database string, err error) {
	if err := postgres.CheckURL(url); err != nil {
		return "", err
	}
	parsed, err := postgres.ParseURL(name, url, "skein")
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.servers == nil {
		r.servers = map[string]string{}
	}
	r.servers[name] = url
	return parsed.Database, r.err
}

// world is two servers, one with a database per customer.
func world(t *testing.T) (discover.Env, *fakeCatalog) {
	t.Helper()
	catalog := &fakeCatalog{schemas: map[string][]string{
		"main/app":    {"public", "tenant_acme", "tenant_bolt", "tenant_template", "billing"},
		"db2/app":     {"public", "tenant_crane"},
		"db2/cust_1":  {"own", "public"},
		"db2/cust_2":  {"public"},
		"db2/scratch": {"public"},
	}, down: map[string]error{}}
	return discover.Env{
		Dir:     t.TempDir(),
		Servers: map[string]string{"main": "app", "db2": "app", "bare": ""},
		Catalog: catalog,
	}, catalog
}

// found is what a source says, in a form that tests can compare: `id target {labels}` a tenant.
type found struct {
	Tenants  []string
	Warnings []string
	Errors   []string
}

func list(t *testing.T, source tenant.Source, err error) found {
	t.Helper()
	if err != nil {
		return found{Errors: lines(err)}
	}
	tenants, warnings, err := source.List(t.Context())
	f := found{Warnings: warnings, Errors: lines(err)}
	for _, one := range tenants {
		if one.Source != source.Name() {
			t.Errorf("tenant %s is said to be from source %q, not %q", one.ID, one.Source, source.Name())
		}
		if isFile := one.Location.File != ""; isFile != (one.Location.Dialect == revision.SQLite) {
			t.Errorf("tenant %s: %+v", one.ID, one.Location)
		}
		f.Tenants = append(f.Tenants, one.ID+" "+one.Location.String()+labels(one))
	}
	return f
}

func labels(one tenant.Tenant) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(one.Labels)) {
		parts = append(parts, key+"="+one.Labels[key])
	}
	if parts == nil {
		return ""
	}
	return " {" + strings.Join(parts, ",") + "}"
}

// lines returns the messages of an error, each followed by its hint in parentheses.
func lines(err error) []string {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, e := range joined.Unwrap() {
			all = append(all, lines(e)...)
		}
		return all
	}
	text := err.Error()
	if e, ok := err.(*tenant.Error); ok && e.Advice != "" {
		text += " (" + e.Advice + ")"
	}
	return []string{text}
}

package discover_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

func TestQueryReadsATableOfTenants(t *testing.T) {
	t.Parallel()
	env, catalog := world(t)
	catalog.columns = []string{"id", "schema", "label.tier", "server", "database", "label.region"}
	catalog.rows = [][]*string{
		row("acme", "tenant_acme", "gold", "NULL", "NULL", "NULL"),
		row("bolt", "tenant_bolt", "", "", "", "eu"),
		row("crane", "tenant_crane", "NULL", "db2", "NULL", "us"),
		row("own", "NULL", "NULL", "db2", "cust_1", "NULL"),
	}
	source, err := discover.NewQuery(discover.Query{
		Name: "registry", Server: "main", SQL: "select …", Labels: map[string]string{"tier": "free", "kind": "shop"},
	}, env)
	want := found{Tenants: []string{
		"acme main/app/tenant_acme {kind=shop,tier=gold}",
		"bolt main/app/tenant_bolt {kind=shop,region=eu,tier=free}",
		"crane db2/app/tenant_crane {kind=shop,region=us,tier=free}",
		"own db2/cust_1/own {kind=shop,tier=free}",
	}}
	if diff := cmp.Diff(want, list(t, source, err)); diff != "" {
		t.Error(diff)
	}
	if want := "main/app/select …"; catalog.queried != want {
		t.Errorf("the query went to %s, want %s", catalog.queried, want)
	}
}

func TestQueryRefusesColumnsAndRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		columns []string
		rows    [][]*string
		want    []string
	}{
		{"columns", []string{"plan", "schemas", "label.", "schema", "schema", "Id"}, nil, []string{
			`unknown column "plan" (did you mean "label.plan"?)`,
			`unknown column "schemas" (did you mean "schema", or "label.schemas"?)`,
			`column "label." names no label`,
			`column "schema" is there twice`,
			`unknown column "Id" (did you mean "id", or "label.Id"?)`,
			`there is no column id (the columns are id, server, database, schema, file, url_env and label.NAME; id is required)`,
		}},
		{"no rows", []string{"id"}, nil, []string{"the query in database app on server main returned no rows"}},
		{"rows", []string{"id", "server", "schema", "file"}, [][]*string{
			row("acme", "NULL", "tenant_acme", "NULL"),
			row("NULL", "NULL", "x", "NULL"),
			row("bolt", "mian", "x", "NULL"),
			row("", "main", "x", "a.db"),
			row("bare", "bare", "x", "NULL"),
		}, []string{
			`source registry: record 2 has no id`,
			`source registry: tenant "bolt": there is no server "mian" in the config (did you mean main?)`,
			`source registry: record 4 has no id`,
			`source registry: has a file and also a server, database, schema or url_env (a tenant is a SQLite file or a schema in PostgreSQL, not both)`,
			`source registry: tenant "bare": names no database, and neither does the URL of server bare`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env, catalog := world(t)
			catalog.columns, catalog.rows = c.columns, c.rows
			source, err := discover.NewQuery(discover.Query{Name: "registry", Server: "main", SQL: "select"}, env)
			if diff := cmp.Diff(found{Errors: c.want}, list(t, source, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestQueryFails(t *testing.T) {
	t.Parallel()
	env, catalog := world(t)
	catalog.down["main"] = errors.New(`relation "tenants" does not exist`)
	source, err := discover.NewQuery(discover.Query{Server: "main", Database: "control", SQL: "select"}, env)
	want := found{Errors: []string{`the query in database control on server main failed: relation "tenants" does not exist`}}
	if diff := cmp.Diff(want, list(t, source, err)); diff != "" {
		t.Error(diff)
	}
	_, err = discover.NewQuery(discover.Query{Name: "7", Server: "mian"}, env)
	wantNew := []string{
		`source 7: there is no server "mian" in the config (did you mean main?)`,
		`source 7: the query has no sql`,
	}
	if diff := cmp.Diff(wantNew, lines(err)); diff != "" {
		t.Error(diff)
	}
}

func TestListFillsInWhatIsMissing(t *testing.T) {
	t.Parallel()
	env, _ := world(t)
	for _, c := range []struct {
		name     string
		servers  map[string]string
		defaults discover.Defaults
		record   discover.Record
		want     string
	}{
		{"all given", nil, discover.Defaults{}, discover.Record{Server: "db2", Database: "cust_1", Schema: "s"}, "db2/cust_1/s"},
		{"the server's database", nil, discover.Defaults{}, discover.Record{Server: "db2", Schema: "s"}, "db2/app/s"},
		{"the source's server", nil, discover.Defaults{Server: "db2"}, discover.Record{Schema: "s"}, "db2/app/s"},
		{"the source's database", nil, discover.Defaults{Server: "db2", Database: "cust_2"}, discover.Record{Schema: "s"}, "db2/cust_2/s"},
		{"another server's own database", nil, discover.Defaults{Server: "db2", Database: "cust_2"}, discover.Record{Server: "main", Schema: "s"}, "main/app/s"},
		{"current_schema()", nil, discover.Defaults{Server: "db2"}, discover.Record{Database: "cust_1"}, "db2/cust_1/own"},
		{"the source's schema", nil, discover.Defaults{Server: "db2", Schema: "s"}, discover.Record{Database: "cust_1"}, "db2/cust_1/s"},
		{"the only server", map[string]string{"main": "app"}, discover.Defaults{}, discover.Record{}, "main/app/public"},
		{"a file needs nothing", nil, discover.Defaults{Server: "db2"}, discover.Record{File: "data/../a.db"}, env.Dir + "/a.db"},
		{"an absolute file", nil, discover.Defaults{}, discover.Record{File: "/srv/a.db"}, "/srv/a.db"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env := env
			if c.servers != nil {
				env.Servers = c.servers
			}
			c.record.ID = "acme"
			source, err := discover.NewList(discover.List{Name: "1", Records: []discover.Record{c.record}, Defaults: c.defaults}, env)
			if diff := cmp.Diff(found{Tenants: []string{"acme " + c.want}}, list(t, source, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	env, _ := world(t)
	source, err := discover.NewList(discover.List{Name: "1", Records: []discover.Record{
		{ID: "a", Position: tenant.Position{File: "skein.yaml", Line: 9}},
	}}, env)
	want := found{Errors: []string{`skein.yaml:9: tenant "a": names neither a server nor a file (give the record, or its source, a server)`}}
	if diff := cmp.Diff(want, list(t, source, err)); diff != "" {
		t.Error(diff)
	}
	source, err = discover.NewList(discover.List{Name: "1"}, env)
	if diff := cmp.Diff(found{Errors: []string{"lists no tenant"}}, list(t, source, err)); diff != "" {
		t.Error(diff)
	}
	source, err = discover.NewList(discover.List{Name: "1", Records: []discover.Record{{ID: "a"}}}, discover.Env{})
	want = found{Errors: []string{`source 1: tenant "a": names neither a server nor a file (the config has no servers; a SQLite tenant names its file)`}}
	if diff := cmp.Diff(want, list(t, source, err)); diff != "" {
		t.Error(diff)
	}
	_, err = discover.NewList(discover.List{Name: "1", Defaults: discover.Defaults{Server: "mian"}}, env)
	if diff := cmp.Diff([]string{`source 1: there is no server "mian" in the config (did you mean main?)`}, lines(err)); diff != "" {
		t.Error(diff)
	}
}

// One tenant that is not provisioned yet, or no more, must not stop the others (django-tenants#1209); one
// that cannot be read must, since a guessed schema could be the wrong one.
func TestRecordsOfDatabasesThatDoNotExistAreKept(t *testing.T) {
	t.Parallel()
	env, catalog := world(t)
	records := []discover.Record{{ID: "a", Database: "cust_1"}, {ID: "b", Database: "dropped"}, {ID: "c", Database: "gone"}}
	source, err := discover.NewList(discover.List{Records: records, Defaults: discover.Defaults{Server: "db2"}}, env)
	want := found{
		Tenants:  []string{"a db2/cust_1/own", "b db2/dropped/public", "c db2/gone/public"},
		Warnings: []string{"2 databases that are listed do not exist: db2/dropped, db2/gone"},
	}
	if diff := cmp.Diff(want, list(t, source, err)); diff != "" {
		t.Error(diff)
	}
	catalog.down["db2/cust_1"] = errors.New("connection refused")
	want = found{Errors: []string{"cannot read database cust_1 on server db2: connection refused"}}
	if diff := cmp.Diff(want, list(t, source, err)); diff != "" {
		t.Error(diff)
	}
}

func TestRecordsBringServersAlong(t *testing.T) {
	t.Parallel()
	env, catalog := world(t)
	registry := &fakeRegistry{}
	env.Registry = registry
	env.LookupEnv = func(name string) (string, bool) {
		url, ok := map[string]string{
			"ACME_URL": "postgres://app:secret@acme.example/shop?sslmode=require",
			"BOLT_URL": "postgresql://bolt.example",
			"BAD_URL":  "mysql://u:secret@x/y",
			"WORSE":    "postgres://u:se\x01cret@x/y",
		}[name]
		return url, ok
	}
	catalog.schemas["$ACME_URL/shop"] = []string{"shop", "public"}
	good := []discover.Record{
		{ID: "a", URLEnv: "ACME_URL"},
		{ID: "a2", Server: "$ACME_URL", Schema: "second"},
		{ID: "a3", Server: "$ACME_URL", URLEnv: "ACME_URL", Database: "other", Schema: "third"},
		{ID: "b", URLEnv: "BOLT_URL", Database: "db", Schema: "s"},
	}
	source, err := discover.NewList(discover.List{Name: "1", Records: good, Defaults: discover.Defaults{Server: "db2", Database: "cust_1"}}, env)
	want := found{Tenants: []string{
		"a $ACME_URL/shop/shop", "a2 $ACME_URL/shop/second", "a3 $ACME_URL/other/third", "b $BOLT_URL/db/s",
	}}
	if diff := cmp.Diff(want, list(t, source, err)); diff != "" {
		t.Error(diff)
	}
	wantServers := map[string]string{
		"$ACME_URL": "postgres://app:secret@acme.example/shop?sslmode=require",
		"$BOLT_URL": "postgresql://bolt.example",
	}
	if diff := cmp.Diff(wantServers, registry.servers); diff != "" {
		t.Error(diff)
	}

	bad := []discover.Record{
		{ID: "unset", URLEnv: "NOWHERE"},
		{ID: "mysql", URLEnv: "BAD_URL"},
		{ID: "unreadable", URLEnv: "WORSE"},
		{ID: "both", URLEnv: "ACME_URL", Server: "main"},
		{ID: "nodb", URLEnv: "BOLT_URL"},
		{ID: "file", URLEnv: "ACME_URL", File: "a.db"},
	}
	source, err = discover.NewList(discover.List{Name: "1", Records: bad}, env)
	want = found{Errors: []string{ // and never the URL
		`source 1: tenant "unset": url_env: the environment variable NOWHERE is not set`,
		`source 1: tenant "mysql": url_env: the environment variable BAD_URL holds no postgres:// URL that can be used: expected a URL that starts with postgres:// (for example postgres://app@db.example.com:5432/app)`,
		`source 1: tenant "unreadable": url_env: the environment variable WORSE holds no postgres:// URL that can be used: can be read in more than one way (write characters such as @ / ? # : % [ ] and spaces of a user or password as %40 %2F %3F %23 %3A %25 %5B %5D %20, or use the key ` + "`password`)",
		`source 1: tenant "both": has a server and a url_env (keep one of them)`,
		`source 1: tenant "nodb": names no database, and neither does the URL of server $BOLT_URL`,
		`source 1: tenant "file": has a file and also a server, database, schema or url_env (a tenant is a SQLite file or a schema in PostgreSQL, not both)`,
	}}
	if diff := cmp.Diff(want, list(t, source, err)); diff != "" {
		t.Error(diff)
	}

	env.Registry = nil
	source, err = discover.NewList(discover.List{Name: "1", Records: good[:1]}, env)
	want = found{Errors: []string{`source 1: tenant "a": url_env is not possible here (name a server of the config)`}}
	if diff := cmp.Diff(want, list(t, source, err)); diff != "" {
		t.Error(diff)
	}
	env.Registry = &fakeRegistry{err: errors.New("too many servers")}
	source, err = discover.NewList(discover.List{Name: "1", Records: good[:1]}, env)
	want = found{Errors: []string{`source 1: tenant "a": url_env: ACME_URL: too many servers`}}
	if diff := cmp.Diff(want, list(t, source, err)); diff != "" {
		t.Error(diff)
	}
}

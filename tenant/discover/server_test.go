package discover_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

func TestServerDiscovers(t *testing.T) {
	t.Parallel()
	globs := func(list ...string) discover.Schemas { return discover.Schemas{Globs: list} }
	all := discover.Schemas{All: true}
	for _, c := range []struct {
		name string
		spec discover.Server
		want found
	}{
		{
			"the URL's database, in its current_schema()",
			discover.Server{Server: "main"},
			found{Tenants: []string{"app main/app/public"}},
		},
		{
			"each database, in its own current_schema()",
			discover.Server{Server: "db2", IncludeDatabases: []string{"cust_*"}, Labels: map[string]string{"tier": "free", "x": ""}},
			found{Tenants: []string{"cust_1 db2/cust_1/own {tier=free}", "cust_2 db2/cust_2/public {tier=free}"}},
		},
		{
			"all databases but some",
			discover.Server{Server: "db2", IncludeDatabases: []string{"*"}, ExcludeDatabases: []string{"app", "scr*"}},
			found{Tenants: []string{"cust_1 db2/cust_1/own", "cust_2 db2/cust_2/public"}},
		},
		{
			"every schema, without public",
			discover.Server{Server: "main", IncludeSchemas: all},
			found{Tenants: []string{
				"billing main/app/billing", "tenant_acme main/app/tenant_acme",
				"tenant_bolt main/app/tenant_bolt", "tenant_template main/app/tenant_template",
			}},
		},
		{
			"schemas by pattern; exclude wins",
			discover.Server{Server: "main", IncludeSchemas: globs("tenant_*"), ExcludeSchemas: []string{"tenant_template"}},
			found{Tenants: []string{"tenant_acme main/app/tenant_acme", "tenant_bolt main/app/tenant_bolt"}},
		},
		{
			"public by name",
			discover.Server{Server: "main", IncludeSchemas: globs("public", "bill*")},
			found{Tenants: []string{"billing main/app/billing", "public main/app/public"}},
		},
		{
			"schemas of databases",
			discover.Server{Server: "db2", IncludeSchemas: globs("public", "tenant_*"), IncludeDatabases: []string{"app", "cust_1"}},
			found{Tenants: []string{
				"app/public db2/app/public", "app/tenant_crane db2/app/tenant_crane", "cust_1/public db2/cust_1/public",
			}},
		},
		{
			"an id of its own",
			discover.Server{Server: "main", IncludeSchemas: globs("tenant_a*"), ID: "{server}:{database}.{schema}"},
			found{Tenants: []string{"main:app.tenant_acme main/app/tenant_acme"}},
		},
		{
			"patterns that match nothing are warnings, each",
			discover.Server{
				Server:           "db2",
				IncludeSchemas:   globs("tenant_*", "tenat_*", "Public"),
				ExcludeSchemas:   []string{"tenant_tmplate"},
				IncludeDatabases: []string{"app", "cust_9*", "scratch"},
				ExcludeDatabases: []string{"scratch", "nothing"},
			},
			found{
				Tenants: []string{"app/tenant_crane db2/app/tenant_crane"},
				Warnings: []string{
					`include_databases: "cust_9*" matches no database`,
					`exclude_databases: "nothing" matches none of the included databases`,
					`include_schemas: "tenat_*" matches no schema`,
					`include_schemas: "Public" matches no schema`,
					`exclude_schemas: "tenant_tmplate" matches none of the included schemas`,
				},
			},
		},
		{
			"a pattern that matches in one database of several is no warning",
			discover.Server{Server: "db2", IncludeSchemas: globs("tenant_*", "own"), IncludeDatabases: []string{"*"}},
			found{Tenants: []string{"app/tenant_crane db2/app/tenant_crane", "cust_1/own db2/cust_1/own"}},
		},
		{
			"no database",
			discover.Server{Server: "db2", IncludeDatabases: []string{"custom_*"}},
			found{
				Warnings: []string{`include_databases: "custom_*" matches no database`},
				Errors: []string{
					"server db2 has no database that passes include_databases and exclude_databases (databases that are templates or allow no connections do not count)",
				},
			},
		},
		{
			"no schema",
			discover.Server{Server: "main", IncludeSchemas: globs("tenat_*")},
			found{
				Warnings: []string{`include_schemas: "tenat_*" matches no schema`},
				Errors: []string{
					"no schema of app on server main is a tenant (look at include_schemas and exclude_schemas, and at what the connecting role may see)",
				},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env, _ := world(t)
			c.spec.Name = "1"
			source, err := discover.NewServer(c.spec, env)
			if diff := cmp.Diff(c.want, list(t, source, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestServerRefusesWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		spec discover.Server
		want string // part of the one error
	}{
		{discover.Server{Server: "mian"}, `there is no server "mian" in the config (did you mean main?)`},
		{discover.Server{Server: "zebra"}, "the servers are bare, db2, main"},
		{discover.Server{Server: "bare"}, "the URL of server bare names no database"},
		{discover.Server{Server: "main", ExcludeSchemas: []string{"x"}}, "exclude_schemas does nothing without include_schemas"},
		{discover.Server{Server: "main", ExcludeDatabases: []string{"x"}}, "exclude_databases does nothing without include_databases"},
		{discover.Server{Server: "main", IncludeSchemas: discover.Schemas{All: true, Globs: []string{"x"}}}, "true and a list"},
		{discover.Server{Server: "main", IncludeSchemas: discover.Schemas{Globs: []string{""}}}, "include_schemas contains an empty pattern"},
		{discover.Server{Server: "main", ID: "{shcema}"}, "did you mean {schema}?"},
		{discover.Server{Server: "main", ID: "{zebra}"}, "the placeholders are {server}, {database}, {schema}"},
		{discover.Server{Server: "main", ID: "a{schema"}, "braces do not match"},
		{discover.Server{Server: "main", ID: "a}{schema}"}, "braces do not match"},
	} {
		env, _ := world(t)
		c.spec.Name = "shop"
		_, err := discover.NewServer(c.spec, env)
		got := lines(err)
		if len(got) != 1 || !strings.HasPrefix(got[0], "source shop: ") || !strings.Contains(got[0], c.want) {
			t.Errorf("%+v: got %v, want %s", c.spec, got, c.want)
		}
	}
}

// A fleet that silently lacks a shard is the worst failure (Onyx #13518, camunda#62802).
func TestServerFailsWhenADatabaseCannotBeRead(t *testing.T) {
	t.Parallel()
	env, catalog := world(t)
	cause := errors.New("connection refused")
	catalog.down["db2/cust_1"] = cause
	catalog.down["db2/cust_2"] = errors.New("permission denied")
	catalog.schemas["db2/scratch"] = nil
	for _, c := range []struct {
		include discover.Schemas
		want    []string
	}{
		{discover.Schemas{}, []string{
			"cannot read database cust_1 on server db2: connection refused",
			"cannot read database cust_2 on server db2: permission denied",
			"database scratch on server db2 has no current_schema(): no schema of the role's search_path exists (set the role's search_path, or name the schemas with include_schemas)",
		}},
		{discover.Schemas{Globs: []string{"tenant_*"}}, []string{
			"cannot list the schemas of database cust_1 on server db2: connection refused",
			"cannot list the schemas of database cust_2 on server db2: permission denied",
		}},
	} {
		source, err := discover.NewServer(discover.Server{Server: "db2", IncludeSchemas: c.include, IncludeDatabases: []string{"*"}}, env)
		got := list(t, source, err)
		if diff := cmp.Diff(found{Errors: c.want}, got); diff != "" {
			t.Error(diff)
		}
		if _, _, err := source.List(t.Context()); !errors.Is(err, cause) {
			t.Errorf("the cause is lost: %v", err)
		}
	}
	catalog.down["db2"] = cause
	source, err := discover.NewServer(discover.Server{Server: "db2", IncludeDatabases: []string{"*"}}, env)
	if diff := cmp.Diff(found{Errors: []string{"cannot list the databases of server db2: connection refused"}}, list(t, source, err)); diff != "" {
		t.Error(diff)
	}
}

func TestServerThatIsDownIsNotAskedForEachOfItsDatabases(t *testing.T) {
	t.Parallel()
	env, catalog := world(t)
	for i := range 1000 {
		place := fmt.Sprintf("main/cust_%03d", i)
		catalog.schemas[place] = []string{"public"}
		catalog.down[place] = errors.New("too many connections")
	}
	source, err := discover.NewServer(discover.Server{Server: "main", IncludeDatabases: []string{"cust_*"}}, env)
	got := list(t, source, err)
	if catalog.reads > 100 || len(got.Errors) < 10 || len(got.Errors) > 100 {
		t.Errorf("%d databases read, %d errors", catalog.reads, len(got.Errors))
	}
	if last := got.Errors[len(got.Errors)-1]; !strings.Contains(last, "more databases were not tried") {
		t.Errorf("the last error is %q", last)
	}
}

func BenchmarkServer10000(b *testing.B) {
	catalog := &fakeCatalog{schemas: map[string][]string{}}
	include := []string{"tenant_*"}
	for i := range 10_000 {
		name := fmt.Sprintf("tenant_%05d", i)
		catalog.schemas["main/app"] = append(catalog.schemas["main/app"], name)
		include = append(include, name)
	}
	include = include[:100] // the fake looks at each for each
	env := discover.Env{Servers: map[string]string{"main": "app"}, Catalog: catalog}
	source, err := discover.NewServer(discover.Server{
		Server: "main", IncludeSchemas: discover.Schemas{Globs: include}, Labels: map[string]string{"tier": "free"},
	}, env)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := tenant.Gather(b.Context(), []tenant.Source{source}, tenant.Guards{}); err != nil {
			b.Fatal(err)
		}
	}
}

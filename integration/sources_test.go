package integration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
	"github.com/skeindb/skein/integration/sqlitetest"
)

const (
	usersUp   = "CREATE TABLE users (id integer);"
	usersDown = "DROP TABLE users;"
)

// TestSourcesInPostgres lists tenants in every way, and upgrades them: those tenants and no others. The database
// has the schemas acme, beta and zeta, and a table of tenants in public that says of zeta that it is gone.
func TestSourcesInPostgres(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		files  map[string]string
		source string   // with DB in place of the database
		want   []string // id, source, server, database, schema, labels
		got    []string // schemas that have the table
	}{
		{
			name: "server, all schemas", source: `{server: main, include_schemas: true, labels: {tier: free}}`,
			want: []string{"acme|1|main|DB|acme|tier=free", "beta|1|main|DB|beta|tier=free", "zeta|1|main|DB|zeta|tier=free"}, got: []string{"acme", "beta", "zeta"},
		},
		{
			name: "server, some schemas", source: `{server: main, name: crm, include_schemas: ["*e*"], exclude_schemas: ["z*"], id: "{server}.{schema}"}`,
			want: []string{"main.acme|crm|main|DB|acme|", "main.beta|crm|main|DB|beta|"}, got: []string{"acme", "beta"},
		},
		{
			name: "server, the database is the tenant", source: `{server: main}`,
			want: []string{"DB|1|main|DB|public|"}, got: []string{"public"},
		},
		{
			name: "server, databases and schemas", source: `{server: main, include_databases: ["DB*"], include_schemas: [acme, public]}`,
			want: []string{"DB/acme|1|main|DB|acme|", "DB/public|1|main|DB|public|"}, got: []string{"acme", "public"},
		},
		{
			name: "query", source: `query: {server: main, sql: 'select id, schema, plan as "label.plan" from public.tenants where active'}`,
			want: []string{"1|1|main|DB|acme|plan=gold", "2|1|main|DB|beta|"}, got: []string{"acme", "beta"},
		},
		{
			name: "list", source: `list: [{id: a, server: main, schema: acme, labels: {tier: gold}}, {id: b, server: main, schema: beta, database: DB}]`,
			want: []string{"a|1|main|DB|acme|tier=gold", "b|1|main|DB|beta|"}, got: []string{"acme", "beta"},
		},
		{
			name: "csv", source: `{file: lists/tenants.csv, labels: {region: us}}`,
			files: map[string]string{"lists/tenants.csv": "id,server,schema,label.plan,label.region\nAcme Inc.,main,acme,gold,eu\n\"b,eta\",main,beta,,\n"},
			want:  []string{"Acme Inc.|1|main|DB|acme|plan=gold,region=eu", "b,eta|1|main|DB|beta|region=us"}, got: []string{"acme", "beta"},
		},
		{
			name: "json", source: `file: tenants.json`,
			files: map[string]string{"tenants.json": `[{"id": "a", "server": "main", "schema": "acme", "labels": {"tier": "gold"}}, {"id": "b", "server": "main", "schema": "beta", "file": "", "source": "x"}]`},
			want:  []string{"a|1|main|DB|acme|tier=gold", "b|1|main|DB|beta|"}, got: []string{"acme", "beta"},
		},
		{
			name: "jsonl", source: `file: tenants.jsonl`,
			files: map[string]string{"tenants.jsonl": `{"id": "a", "server": "main", "schema": "acme"}` + "\n" + `{"id": "b", "server": "main", "schema": "beta"}` + "\n"},
			want:  []string{"a|1|main|DB|acme|", "b|1|main|DB|beta|"}, got: []string{"acme", "beta"},
		},
		{
			name: "yaml", source: `file: tenants.yaml`,
			files: map[string]string{"tenants.yaml": "- {id: a, server: main, schema: acme, labels: {tier: gold}}\n- id: b\n  server: main\n  schema: beta\n"},
			want:  []string{"a|1|main|DB|acme|tier=gold", "b|1|main|DB|beta|"}, got: []string{"acme", "beta"},
		},
		{
			name: "command", source: `command: [sh, list.sh, acme, beta]`,
			files: map[string]string{"list.sh": `for s in "$@"; do echo "{\"id\": \"t-$s\", \"server\": \"main\", \"schema\": \"$s\"}"; done`},
			want:  []string{"t-acme|1|main|DB|acme|", "t-beta|1|main|DB|beta|"}, got: []string{"acme", "beta"},
		},
		{
			name: "an environment variable brings a server", source: `list: [{id: a, url_env: ACME_URL, schema: acme}]`,
			want: []string{"a|1|$ACME_URL|DB|acme|"}, got: []string{"acme"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url, database := pgtest.Database(t, pgtest.Server(t))
			pgtest.Exec(t, url, `CREATE SCHEMA acme; CREATE SCHEMA beta; CREATE SCHEMA zeta;
				CREATE TABLE public.tenants (id integer, schema text, plan text, active boolean);
				INSERT INTO public.tenants VALUES (1, 'acme', 'gold', true), (2, 'beta', NULL, true), (3, 'zeta', 'free', false)`)
			p := skeintest.New(t, oneServer(url, strings.ReplaceAll(test.source, "DB", database)), nil)
			p.Env = []string{"ACME_URL=" + url}
			for name, text := range test.files {
				p.Write(name, text)
			}
			p.Write("migrations/a1_users.sql", revisionFile("a1", "none", usersUp, usersDown))

			var got []string
			for _, line := range tenantsJSON(t, p) {
				var labels []string
				for _, key := range []string{"plan", "region", "tier"} {
					if value, ok := line.Labels[key]; ok {
						labels = append(labels, key+"="+value)
					}
				}
				got = append(got, strings.Join([]string{line.ID, line.Source, line.Server, line.Database, line.Schema, strings.Join(labels, ",")}, "|"))
			}
			for i := range test.want {
				test.want[i] = strings.ReplaceAll(test.want[i], "DB", database)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("tenants (-want +got):\n%s", diff)
			}
			wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": len(test.want)})
			upgraded := pgtest.QueryRows(t, url, "SELECT schemaname FROM pg_tables WHERE tablename = 'users' ORDER BY 1")
			if diff := cmp.Diff(test.got, upgraded); diff != "" {
				t.Errorf("upgraded schemas (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSourcesOfFiles(t *testing.T) {
	t.Parallel()
	const objects = `{"id": "A", "file": "data/eu/tenant_0001.db", "labels": {"region": "eu"}}`
	for _, test := range []struct {
		name, source, list string
		want               []string // ids
		got                []string // files that have the table
	}{
		{"glob", `glob: "data/*/*.db"`, "", []string{"eu/tenant_0001", "eu/tenant_0002", "us/tenant_0001"}, []string{"eu/tenant_0001", "eu/tenant_0002", "us/tenant_0001"}},
		{"glob of one folder", `{glob: "data/eu/*.db", id: "europe-{name}"}`, "", []string{"europe-tenant_0001", "europe-tenant_0002"}, []string{"eu/tenant_0001", "eu/tenant_0002"}},
		{"list", `list: [{id: A, file: data/us/tenant_0001.db}]`, "", []string{"A"}, []string{"us/tenant_0001"}},
		{"csv", `file: list.csv`, "id,file,label.region\nA,data/eu/tenant_0001.db,eu\n", []string{"A"}, []string{"eu/tenant_0001"}},
		{"json", `file: list.json`, "[" + objects + "]", []string{"A"}, []string{"eu/tenant_0001"}},
		{"jsonl", `file: list.jsonl`, objects + "\n", []string{"A"}, []string{"eu/tenant_0001"}},
		{"yaml", `file: list.yaml`, "- {id: A, file: data/eu/tenant_0001.db}\n", []string{"A"}, []string{"eu/tenant_0001"}},
		{"command", `command: [cat, list.command]`, objects + "\n", []string{"A"}, []string{"eu/tenant_0001"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := skeintest.New(t, "fleet: acme\nrevisions: {dialect: sqlite}\n"+tenantsOf(test.source), nil)
			all := append(sqlitetest.Files(t, p.Path("data/eu"), 2), sqlitetest.Files(t, p.Path("data/us"), 1)...)
			if test.list != "" {
				p.Write("list."+test.name, test.list)
			}
			p.Write("migrations/a1_users.sql", revisionFile("a1", "none", usersUp, usersDown))
			var ids []string
			for _, line := range tenantsJSON(t, p) {
				ids = append(ids, line.ID)
			}
			if diff := cmp.Diff(test.want, ids); diff != "" {
				t.Errorf("tenants (-want +got):\n%s", diff)
			}
			wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": len(test.want)})
			var got []string
			for _, path := range all {
				if sqlitetest.Dump(t, path) != "" {
					got = append(got, strings.TrimSuffix(strings.TrimPrefix(path, p.Path("data")+"/"), ".db"))
				}
			}
			if diff := cmp.Diff(test.got, got); diff != "" {
				t.Errorf("upgraded files (-want +got):\n%s", diff)
			}
		})
	}
}

// TestIncludeSchemas has a database with schemas of all kinds.
func TestIncludeSchemas(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	pgtest.Exec(t, url, `
		CREATE SCHEMA of_an_extension; ALTER EXTENSION plpgsql ADD SCHEMA of_an_extension;
		CREATE SCHEMA skein;
		CREATE SCHEMA t_1; CREATE SCHEMA t_2; CREATE SCHEMA t_10; CREATE SCHEMA tx1; CREATE SCHEMA "T_1"; CREATE SCHEMA pgx`)
	for _, test := range []struct {
		source string
		want   []string // nil: an error
		says   []string // on stderr, or in the error
	}{
		{source: `include_schemas: true`, want: []string{"T_1", "pgx", "t_1", "t_10", "t_2", "tx1"}},
		{source: `include_schemas: ["*"]`, want: []string{"T_1", "pgx", "public", "t_1", "t_10", "t_2", "tx1"}},
		{source: `include_schemas: [public]`, want: []string{"public"}},
		{source: `include_schemas: ["t_*"]`, want: []string{"t_1", "t_10", "t_2"}}, // _ is itself, and case counts
		{source: `include_schemas: ["t_?"]`, want: []string{"t_1", "t_2"}},
		{source: `include_schemas: ["t_*"], exclude_schemas: ["t_1*"]`, want: []string{"t_2"}},
		{source: `include_schemas: ["t_1"], exclude_schemas: ["t_1"]`, says: []string{"no schema"}},
		{source: `include_schemas: true, exclude_schemas: ["*"]`, says: []string{"no schema"}},
		{source: `include_schemas: ["t_1", "nobody_*"]`, want: []string{"t_1"}, says: []string{"warning", `"nobody_*" matches no schema`}},
		{source: `include_schemas: ["t_1"], exclude_schemas: ["nobdoy"]`, want: []string{"t_1"}, says: []string{"warning", `"nobdoy"`}},
		{source: `include_schemas: ["nobody_*"]`, says: []string{"no schema"}},
		{source: `include_schemas: ["pg_*", information_schema, of_an_extension, skein]`, says: []string{"no schema"}},
		{source: `include_databases: ["nobody_*"], include_schemas: true`, says: []string{"no database"}},
		{source: `include_schemas: false`, want: []string{"public"}},
	} {
		p := skeintest.New(t, oneServer(url, "{server: main, id: \"{schema}\", "+test.source+"}"), nil)
		p.Write("migrations/a1_users.sql", revisionFile("a1", "none", usersUp, usersDown))
		r := p.Run("tenants", "--json")
		if test.want == nil {
			message, _ := errorOf(r)
			if r.Code != 1 {
				t.Errorf("%s: exit %d", test.source, r.Code)
			}
			wantText(t, test.source, message, test.says...)
			if r := p.Run("upgrade", "--json"); r.Code != 1 {
				t.Errorf("%s: upgrade ended with %d", test.source, r.Code)
			}
			continue
		}
		r.Want(0)
		var lines []tenantLine
		r.JSON(&lines)
		var got []string
		for _, line := range lines {
			got = append(got, line.Schema)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.source, diff)
		}
		wantText(t, test.source, r.Stderr, test.says...)
		if len(test.says) == 0 && strings.Contains(r.Stderr, "warning") {
			t.Errorf("%s: a warning for nothing: %s", test.source, r.Stderr)
		}
	}
	if n := pgtest.Scalar[int](t, url, "SELECT count(*) FROM pg_class WHERE relname IN ('users', 'skein_version')"); n != 0 {
		t.Errorf("%d tables were made", n)
	}
}

// TestGuardsRefuseAFleetThatShrank takes tenants from a table of which rows vanish.
func TestGuardsRefuseAFleetThatShrank(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	tenants := pgtest.Schemas(t, url, "tenant_", 20)
	pgtest.Exec(t, url, `CREATE TABLE public.tenants AS SELECT nspname AS id FROM pg_namespace WHERE nspname LIKE 'tenant\_%'`)
	write := func(guards string) *skeintest.Project {
		p := skeintest.New(t, oneServer(url, `query: {server: main, sql: "select id, id as schema from public.tenants"}`)+"guards: "+guards+"\n", nil)
		p.Write("migrations/a1_users.sql", revisionFile("a1", "none", usersUp, usersDown))
		return p
	}
	applied := func() map[string]int {
		t.Helper()
		got := map[string]int{}
		for _, s := range tenants {
			got[fmt.Sprint(pgtest.QueryRows(t, url, "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename <> 'skein_version' ORDER BY 1", s))]++
		}
		return got
	}

	p := write("{min_tenants: 21}")
	message, hint := errorOf(p.Must(1, "upgrade", "--json"))
	wantText(t, "the error", message, "20 tenants", "min_tenants", "21")
	wantText(t, "the hint", hint, "guards.min_tenants")
	if got := applied(); got["[]"] != 20 {
		t.Errorf("the guard refused, but the tenants have %v", got)
	}

	p = write("{min_tenants: 10, max_shrink: 10%}")
	wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": 20})
	p.Write("migrations/b2_orders.sql", revisionFile("b2", "a1", "CREATE TABLE orders (id integer);", "DROP TABLE orders;"))
	p.Must(0, "upgrade", "--json", "-t", "id=tenant_0001") // a part of the fleet is no smaller fleet
	pgtest.Exec(t, url, "DELETE FROM public.tenants WHERE id > 'tenant_0017'")
	message, hint = errorOf(p.Must(1, "upgrade", "--json"))
	wantText(t, "the error", message, "17 tenants", "3 fewer", "20", "max_shrink")
	wantText(t, "the hint", hint, "guards.max_shrink")
	if got := applied(); got["[users]"] != 19 || got["[orders users]"] != 1 {
		t.Errorf("the guard refused, but the tenants have %v", got)
	}

	// Two of twenty is what it allows, and those who went are left alone.
	pgtest.Exec(t, url, "INSERT INTO public.tenants VALUES ('tenant_0018')")
	wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": 17, "unchanged": 1})
	if got := applied(); got["[users]"] != 2 || got["[orders users]"] != 18 {
		t.Errorf("the tenants have %v", got)
	}
}

// TestSourcesThatDisagree must touch no tenant.
func TestSourcesThatDisagree(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	pgtest.Exec(t, url, `CREATE SCHEMA acme; CREATE SCHEMA beta; CREATE TABLE public.tenants AS SELECT 'acme' AS id, 'acme' AS schema, 'gold' AS plan`)
	for _, test := range []struct {
		sources []string
		says    []string
	}{
		{[]string{`{server: main, include_schemas: [acme]}`, `{name: second, server: main, include_schemas: ["a*"]}`}, []string{"acme", "source 1", "second"}},
		{[]string{`{server: main, include_schemas: [acme]}`, `list: [{id: other, server: main, schema: acme}]`}, []string{`"acme"`, `"other"`, "one location for two ids"}},
		{[]string{`{server: main, include_schemas: [acme]}`, `list: [{id: acme, server: main, schema: beta}]`}, []string{"one id for two locations"}},
		{[]string{`query: {server: main, sql: "select id, schema, plan from public.tenants"}`}, []string{`"plan"`, "label.plan"}},
		{[]string{`query: {server: main, sql: "select schema from public.tenants"}`}, []string{"id"}},
		{[]string{`query: {server: main, sql: "select id from public.tenants where false"}`}, []string{"no rows"}},
		{[]string{`query: {server: main, sql: "select id from public.no_such_table"}`}, []string{"no_such_table"}},
		{[]string{`query: {server: main, sql: "delete from public.tenants returning id"}`}, []string{"read-only"}},
		{[]string{`file: nowhere.csv`}, []string{"nowhere.csv"}},
		{[]string{`command: [sh, -c, "echo '{'; exit 3"]`}, []string{"3"}},
		{[]string{`{server: main, include_schemas: true}`, `command: [sh, -c, "true"]`}, []string{"no tenant"}},
	} {
		p := skeintest.New(t, oneServer(url, test.sources...), nil)
		p.Write("migrations/a1_users.sql", revisionFile("a1", "none", usersUp, usersDown))
		r := p.Run("upgrade", "--json")
		if r.Code != 1 {
			t.Errorf("%s: exit %d", test.sources, r.Code)
		}
		message, hint := errorOf(r)
		wantText(t, fmt.Sprint(test.sources), message+"\n"+hint, test.says...)
	}
	if got := pgtest.QueryRows(t, url, "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('acme', 'beta', 'public')"); !slices.Equal(got, []string{"public.tenants"}) {
		t.Errorf("tables: %q", got)
	}
	if n := pgtest.Scalar[int](t, url, "SELECT count(*) FROM public.tenants"); n != 1 {
		t.Errorf("%d tenants are left", n)
	}
}

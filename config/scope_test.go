package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestScopeIsThatOfTheSources(t *testing.T) {
	t.Parallel()
	const servers = "servers: {main: {url: \"postgres://localhost/app\", search_path: [shared]}}\n"
	tests := []struct {
		name, tenants      string
		schemas, uncertain bool
		tenant, shared     []string
	}{
		{"patterns", `{server: main, include_schemas: ["t_*"], exclude_schemas: [t_x]}`, true, false, []string{"t_1"}, []string{"public", "t_x", "extensions", "shared"}},
		{"all schemas", "{server: main, include_schemas: true, exclude_schemas: [ext, shared]}", true, false, []string{"acme", "t_1"}, []string{"public", "pg_catalog", "extensions", "ext", "shared"}},
		{"databases", `{server: main, include_databases: ["t_*"]}`, false, false, nil, nil},
		{"list of schemas", "{list: [{id: a, server: main, schema: acme}]}", true, false, []string{"acme"}, []string{"other"}},
		{"list of databases", "{list: [{id: a, server: main, database: acme}]}", false, false, nil, nil},
		{"query of schemas", `{query: {server: main, sql: "select id, schema from tenants"}}`, true, false, nil, []string{"public"}},
		{"query of databases", `{query: {server: main, sql: "select id, database from tenants"}}`, false, false, nil, nil},
		{"file of schemas", "{file: schemas.csv}", true, false, nil, nil},
		{"file of databases", "{file: databases.csv}", false, false, nil, nil},
		{"file that is not there", "{file: gone.csv}", true, true, nil, nil},
		{"command", `{command: ["list"]}`, true, true, nil, nil},
		{"glob", `{glob: "data/*.db"}`, false, false, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write := func(name, text string) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("schemas.csv", "id,server,schema\na,main,acme\n")
			write("databases.csv", "id,server,database\na,main,acme\n")
			write("skein.yaml", "fleet: acme\n"+servers+"tenants: ["+tt.tenants+"]\n")
			p, err := Load(filepath.Join(dir, "skein.yaml"), Options{Env: []string{}, Offline: true})
			if err != nil {
				t.Fatal(err)
			}
			scope := p.Scope()
			if scope.Schemas != tt.schemas || scope.Uncertain != tt.uncertain {
				t.Errorf("schemas %t, uncertain %t", scope.Schemas, scope.Uncertain)
			}
			for _, s := range tt.tenant {
				if !scope.Tenant(s) {
					t.Errorf("%s is no tenant", s)
				}
			}
			for _, s := range tt.shared {
				if scope.Tenant(s) {
					t.Errorf("%s is a tenant", s)
				}
			}
		})
	}
}

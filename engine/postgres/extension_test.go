package postgres

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExtensionStatementsAreFound(t *testing.T) {
	t.Parallel()
	type list = []extensionStatement
	for text, want := range map[string]list{
		"CREATE EXTENSION citext":                                                                            {{verb: "CREATE", name: "citext"}},
		"create extension if not exists CiText with schema Public":                                           {{verb: "CREATE", name: "citext", schema: "public", placed: true, lenient: true}},
		`CREATE EXTENSION "uuid-ossp" SCHEMA "Ext""s" VERSION '1.1'`:                                         {{verb: "CREATE", name: "uuid-ossp", schema: `Ext"s`, placed: true}},
		"CREATE EXTENSION a VERSION '2 SCHEMA x' CASCADE":                                                    {{verb: "CREATE", name: "a", cascade: true}},
		"CREATE EXTENSION a WITH VERSION v2 SCHEMA b":                                                        {{verb: "CREATE", name: "a", schema: "b", placed: true}},
		"/* c */ CREATE -- d\n/* e */ EXTENSION a -- SCHEMA b":                                               {{verb: "CREATE", name: "a"}},
		"DROP EXTENSION IF EXISTS citext CASCADE":                                                            {{verb: "DROP", name: "citext", lenient: true, cascade: true}},
		"ALTER EXTENSION citext SET SCHEMA t_a":                                                              {{verb: "ALTER", name: "citext", schema: "t_a", placed: true}},
		"ALTER EXTENSION citext UPDATE TO '1.6'":                                                             nil,
		"ALTER EXTENSION citext ADD TABLE t":                                                                 nil,
		"CREATE TABLE extension (id int)":                                                                    nil,
		"SELECT 'CREATE EXTENSION citext'":                                                                   nil,
		"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE EXTENSION citext; END $$":      nil, // nothing runs yet
		"DO $$ BEGIN CREATE EXTENSION citext; /* CREATE EXTENSION a */ EXECUTE 'create extension b'; END $$": {{verb: "CREATE", name: "citext", lenient: true}, {verb: "CREATE", name: "b", lenient: true}},
		"DO $$ BEGIN EXECUTE format('CREATE EXTENSION %I SCHEMA %I', a, b); END $$":                          {{verb: "CREATE", placed: true, lenient: true}},
		"DO $$ BEGIN RAISE NOTICE 'a -- b'; CREATE EXTENSION c; END $$":                                      {{verb: "CREATE", name: "c", lenient: true}},
	} {
		if diff := cmp.Diff(want, extensionStatements(text), cmp.AllowUnexported(extensionStatement{})); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func FuzzExtensionStatements(f *testing.F) {
	f.Add("CREATE EXTENSION \"")
	f.Add("DO $$ CREATE EXTENSION a VERSION '")
	f.Add("DROP EXTENSION a, b; /*")
	f.Fuzz(func(_ *testing.T, text string) { extensionStatements(text) })
}

package postgres

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// BenchmarkScreenWhereNoNameMeets screens 1,000 tenants of a database of which the tail holds 1,000 other names. There
// is no server: nothing is to be asked.
func BenchmarkScreenWhereNoNameMeets(b *testing.B) {
	db, err := New(Config{Servers: []Server{{Name: "main", URL: "postgres://127.0.0.1:1/x", SearchPath: []string{"public"}}}})
	if err != nil {
		b.Fatal(err)
	}
	var rows [][][]byte
	for i := range 1000 {
		rows = append(rows, [][]byte{[]byte("public"), []byte("r"), fmt.Appendf(nil, "shared_%d", i), []byte("1"), []byte("f"), []byte("f")})
	}
	db.databases[dbKey{"main", "x"}] = newDatabase([]string{"public"}, rows)
	files := fstest.MapFS{"a_x.sql": {Data: []byte("-- revision: a\n-- revises: none\n\n-- upgrade\nALTER TABLE users ADD COLUMN email text;\nCREATE TABLE orders (id int REFERENCES users);\n")}}
	g, err := revision.Load(files, revision.Postgres)
	if err != nil {
		b.Fatal(err)
	}
	plan := engine.NewPlan(nil, revision.Up, g.All(), engine.PerTenant)
	candidates := make([]engine.Candidate, 1000)
	for i := range candidates {
		candidates[i] = engine.Candidate{Location: engine.Location{Server: "main", Database: "x", Schema: fmt.Sprintf("t%d", i)}, Plan: plan}
	}
	for b.Loop() {
		for _, err := range db.Screen(b.Context(), candidates) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

package postgres

import (
	"slices"
	"testing"

	"github.com/skeindb/skein/engine/revision"
)

func TestNamesOfAnotherTenantAreFound(t *testing.T) {
	t.Parallel()
	schemas := []string{"acme", "t_b"}
	for text, want := range map[string][]string{
		"UPDATE t_b.users SET name = 'x'":                                {"t_b.users"},
		"CREATE INDEX i ON t_b.users (id)":                               {"t_b.users"},
		"INSERT INTO users SELECT * FROM acme.users":                     {"acme.users"},
		"ALTER TABLE orders ADD FOREIGN KEY (u) REFERENCES t_b.users":    {"t_b.users"},
		"DROP TABLE IF EXISTS t_b.users":                                 {"t_b.users"},
		"DROP FUNCTION t_b.f(integer)":                                   {"t_b.f"},
		"SELECT t_b.f(1)":                                                {"t_b.f"},
		"ALTER TABLE users ADD COLUMN m t_b.mood":                        {"t_b.mood"},
		"COMMENT ON TABLE t_b.users IS 'x'":                              {"t_b.users"},
		"GRANT SELECT ON acme.users TO PUBLIC":                           {"acme.users"},
		"SELECT acme.id FROM users acme":                                 nil, // an alias
		"SELECT t_b.id FROM users AS t_b JOIN orders o ON o.id = t_b.id": nil,
		"INSERT INTO users (acme, t_b) VALUES (1, 2)":                    nil,
		"SELECT 'acme.users', public.plans.id FROM public.plans":         nil,
		"ALTER TABLE users ADD COLUMN acme text":                         nil,
		"SELECT acme.* FROM public.acme":                                 nil,
	} {
		var got []string
		for _, q := range foreignNames(revision.Statement{Text: text}, schemas) {
			got = append(got, q.Schema+"."+q.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

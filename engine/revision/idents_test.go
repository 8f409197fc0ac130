package revision

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIdentifiers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		dialect Dialect
		sql     string
		want    Idents
	}{
		{"nothing", Postgres, " -- users\n/* orders */;", Idents{}},
		{"folding", Postgres, `Users "Users" "a""b" ÜBER`, Idents{Names: []string{"Users", `a"b`, "users", "Über"}}},
		{"folding in SQLite", SQLite, "Users \"USERS\" [Or ders] `x```", Idents{Names: []string{"or ders", "users", "x`"}}},
		{"qualified", Postgres, `a . /* x */ "B".c d`, Idents{Names: []string{"a", "d"}, Qualified: []Name{{"B", "c"}, {"a", "B"}}}},
		{"calls", Postgres, `f (1) s.g(2) t.* "H"(3)`, Idents{Names: []string{"H", "f", "s", "t"}, Qualified: []Name{{"s", "g"}}, Calls: []Name{{"", "H"}, {"", "f"}, {"s", "g"}}}},
		{"numbers and parameters are no names", Postgres, `1.5 1e5 $1 .5 0x1F`, Idents{}},
		{"names within strings", Postgres, `nextval('Seq;"Two"'), E'a' x'1f'`, Idents{Names: []string{"Seq", "Two", "a", "f", "nextval", "seq", "two"}, Calls: []Name{{"", "nextval"}}}},
		{"DO", Postgres, "DO $$ users $$", Idents{Names: []string{"do", "users"}, Dynamic: []string{DynamicDo, DynamicBody}}},
		{"DO with a string", Postgres, "do language sql 'x ''Y''.z'", Idents{Names: []string{"Y", "do", "language", "sql", "x", "y", "z"}, Dynamic: []string{DynamicDo, DynamicBody}}},
		{"CALL and EXECUTE", Postgres, "CALL p(); EXECUTE q", Idents{Names: []string{"call", "execute", "p", "q"}, Calls: []Name{{"", "p"}}, Dynamic: []string{DynamicCall, DynamicExecute}}},
		{"those words elsewhere", Postgres, "GRANT EXECUTE ON do; ON CONFLICT DO call", Idents{Names: []string{"call", "conflict", "do", "execute", "grant", "on"}}},
		{
			"bodies within bodies", Postgres, "CREATE FUNCTION f() AS $a$ A.b $b$ 'deep; $c$ er' $b$ $a$",
			Idents{
				Names:     []string{"A", "a", "as", "b", "b$", "c", "c$", "create", "deep", "er", "f", "function"},
				Qualified: []Name{{"a", "b"}}, Calls: []Name{{"", "f"}}, Dynamic: []string{DynamicBody},
			},
		},
		{
			"a function body in quotes", Postgres, "CREATE OR REPLACE PROCEDURE f() AS 'x.y''; z()'",
			Idents{
				Names:     []string{"as", "create", "f", "or", "procedure", "replace", "x", "y", "z"},
				Qualified: []Name{{"x", "y"}}, Calls: []Name{{"", "f"}}, Dynamic: []string{DynamicBody, DynamicBroken},
			},
		},
		{
			"atomic bodies are bound when they are created", Postgres, "CREATE FUNCTION f() BEGIN ATOMIC SELECT 'a'; CALL g; END",
			Idents{Names: []string{"a", "atomic", "begin", "call", "create", "end", "f", "function", "g", "select"}, Calls: []Name{{"", "f"}}, Dynamic: []string{DynamicCall}},
		},
		{"escaped names", Postgres, `U&"d\0061t"`, Idents{Names: []string{`d\0061t`}, Dynamic: []string{DynamicEscaped}}},
		{"unterminated", Postgres, `a 'b "C`, Idents{Names: []string{"C", "a", "b", "c"}, Dynamic: []string{DynamicBroken}}},
		{"long names", Postgres, strings.Repeat("a", 70) + ` "` + strings.Repeat("x", 62) + `ü"`, Idents{Names: []string{strings.Repeat("a", 63), strings.Repeat("x", 62)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Identifiers(tt.sql, tt.dialect)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", tt.sql, diff)
			}
		})
	}
}

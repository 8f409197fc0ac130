package postgres

import (
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
)

func TestQuoting(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 31) + "x"
	for _, c := range [][2]string{
		{ident(`Weird"Name-é`), `"Weird""Name-é"`},
		{ident(long), `"` + long + `"`},
		{ident("$user"), `"$user"`},
		{literal("it's"), `'it''s'`},
		{literal(`a\'b`), `E'a\\''b'`},
		{literal("$$;--"), `'$$;--'`},
		{optional(""), "NULL"},
		{array(nil), "'{}'"},
		{array([]string{"a", "NULL", "", "d,e", "{}"}), `'{"a","NULL","","d,e","{}"}'`},
		{array([]string{`b"c`}), `E'{"b\\"c"}'`},
		{array([]string{`x\y`}), `E'{"x\\\\y"}'`},
	} {
		if c[0] != c[1] {
			t.Errorf("got %s, want %s", c[0], c[1])
		}
	}
}

func TestGlobs(t *testing.T) {
	t.Parallel()
	for glob, want := range map[string]string{
		"tenant_*": `tenant\_%`, "a?c": "a_c", "100%": `100\%`, `a\b`: `a\\b`, "*": "%", "Weird.(x)": "Weird.(x)",
	} {
		if got := like(glob); got != want {
			t.Errorf("%s: %s, want %s", glob, got, want)
		}
	}
	for _, c := range []struct {
		glob, text string
		want       bool
	}{
		{"public.pl*", "public.plans", true}, {"public.?lans", "public.plans", true}, {"é?", "éü", true},
		{"*", "", true}, {"*s", "plans", true}, {"*s", "plan", false}, {"plans", "Plans", false}, {"a*b*c", "aXbYc", true}, {"?", "", false},
	} {
		if got := matches(c.glob, c.text); got != c.want {
			t.Errorf("%s on %s: %v", c.glob, c.text, got)
		}
	}
}

func TestFilterBecomesSQL(t *testing.T) {
	t.Parallel()
	got := nameCondition(engine.NameFilter{Include: []string{"t_*", "it's"}, Exclude: []string{"t_x"}}, "nspname")
	want := `nspname LIKE ANY (E'{"t\\\\_%","it''s"}'::text[]) AND nspname NOT LIKE ALL (E'{"t\\\\_x"}'::text[])`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := nameCondition(engine.NameFilter{All: true}, "x"); got != "true" {
		t.Error(got)
	}
}

func TestLockKeyIsStable(t *testing.T) {
	t.Parallel()
	if got := lockKey("app", "tenant_1", "skein_version"); got != -2956588594651934519 {
		t.Errorf("the key of a tenant changed: %d; other versions of skein would not see the lock", got)
	}
	seen := map[int64]bool{}
	for _, k := range []int64{lockKey("a", "b", "c"), lockKey("a", "bc", ""), lockKey("ab", "", "c"), lockKey("", "ab", "c")} {
		if seen[k] {
			t.Error("two tenants share a key")
		}
		seen[k] = true
	}
}

package postgres

import (
	"slices"
	"testing"

	"github.com/skeindb/skein/engine/revision"
)

func TestNamesThatAreMeantBesideTheQualifiedOnes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"ALTER OPERATOR public.~+~ (integer, integer) SET (RESTRICT = NONE)":                         {"public.~+~"},
		"ALTER OPERATOR public.~*~ (integer, integer) OWNER TO CURRENT_USER":                         {"public.~?~"},
		"SELECT 1 OPERATOR(\"Shared\".##) 2":                                                         {"Shared.##"},
		"SELECT 1 OPERATOR(public.##) 2, 3 ## 4":                                                     nil,
		"SELECT public.* FROM public":                                                                nil,
		"COMMENT ON OPERATOR public.# (integer, integer) IS 'a'; SELECT public.* FROM public":        {"public.#"},
		"ALTER FUNCTION public.rate(integer, text) RENAME TO \"Rate\"":                               {"public.Rate"},
		"ALTER OPERATOR CLASS public.odd_ops USING btree RENAME TO even_ops":                         {"public.even_ops"},
		"/* a */ alter materialized view if exists \"Shared\".\"A b\" rename to c":                   {"Shared.c"},
		"ALTER FUNCTION public.rate(integer) SET SCHEMA archive":                                     {"archive.rate"},
		"ALTER FUNCTION rate(integer) RENAME TO other":                                               nil,
		"ALTER TABLE public.ledger RENAME COLUMN a TO b":                                             nil,
		"CREATE TYPE public.span AS RANGE (subtype = integer)":                                       {"public.span_multirange"},
		"CREATE TYPE public.mood AS ENUM ('fine')":                                                   nil,
		"CREATE FUNCTION public.f() RETURNS void LANGUAGE sql AS 'ALTER TABLE a.b RENAME TO hidden'": nil,
	} {
		if got := meantNames([]revision.Statement{{Text: text}}); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

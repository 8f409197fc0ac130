package postgres

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine/revision"
)

func objects(all ...object) map[string][]object {
	m := map[string][]object{}
	for _, o := range all {
		m[o.name] = append(m[o.name], o)
	}
	return m
}

var shared = objects(
	object{"public", "plans", 'r', 1}, object{"public", "plans_id_seq", 'r', 2},
	object{"public", "status", 't', 3}, object{"public", "total", 'f', 4}, object{"ext", "plans", 'r', 5},
)

func TestGuardIsOnWhereANameMeets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body    string
		touches string
		own     string
		hidden  bool
		want    string
	}{
		"nothing meets":       {body: "ALTER TABLE users ADD COLUMN email text"},
		"a table":             {body: "ALTER TABLE plans ADD COLUMN x int", want: "public.plans ext.plans"},
		"in capitals":         {body: "ALTER TABLE Plans ADD COLUMN x int", want: "public.plans ext.plans"},
		"quoted capitals":     {body: `ALTER TABLE "Plans" ADD COLUMN x int`},
		"a column's type":     {body: "ALTER TABLE users ADD COLUMN s status", want: "public.status"},
		"a call":              {body: "SELECT total()", want: "public.total"},
		"within a string":     {body: "SELECT nextval('plans_id_seq')", want: "public.plans_id_seq"},
		"qualified":           {body: "UPDATE public.plans SET n = 1; UPDATE ext.plans SET n = 1"},
		"one of two":          {body: "UPDATE public.plans SET n = 1", want: ""},
		"declared":            {body: "ALTER TABLE plans ADD COLUMN x int", touches: "*.plans"},
		"declared in part":    {body: "ALTER TABLE plans ADD COLUMN x status", touches: "*.plans", want: "public.status"},
		"in the own schema":   {body: "ALTER TABLE plans ADD COLUMN x int", own: "public", want: "ext.plans"},
		"what cannot be seen": {body: "SELECT 1", hidden: true, want: "public.plans ext.plans public.plans_id_seq public.status public.total"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var touches []string
			if c.touches != "" {
				touches = []string{c.touches}
			}
			v := newGuardScope(shared, c.own, revision.Identifiers(c.body, revision.Postgres), touches, c.hidden)
			var got []string
			for _, o := range v.reachable {
				got = append(got, o.schema+"."+o.name)
			}
			if want := strings.Fields(c.want); !slices.Equal(got, want) || v.needed != (c.hidden || len(want) > 0) {
				t.Errorf("meets %v, on %v; want %v", got, v.needed, want)
			}
		})
	}
}

func TestGuardsOfATransactionJoin(t *testing.T) {
	t.Parallel()
	a := newGuardScope(shared, "", revision.Identifiers("UPDATE plans SET n = 1", revision.Postgres), nil, false)
	b := newGuardScope(shared, "", revision.Identifiers("UPDATE public.plans SET n = 1", revision.Postgres), []string{"billing.*"}, false)
	v := b.join(a)
	if !v.needed || len(v.reachable) != 2 || !slices.Equal(v.exempt, []string{"billing.*", "public.plans"}) {
		t.Errorf("%+v", v)
	}
}

func TestGuardIsOneStatement(t *testing.T) {
	t.Parallel()
	v := guardScope{needed: true, reachable: []object{{"pub'lic", `a";b`, 'r', 7}}, exempt: []string{`x.y_z`}}
	statements, err := revision.Split(v.query(schema, []string{"public"}), revision.Postgres, 1)
	if err != nil || len(statements) != 1 || guardPlaceholder.MatchString(strings.ReplaceAll(statements[0].Text, "$skein$", "")) {
		t.Errorf("%d statements, %v: %v", len(statements), err, statements)
	}
}

var guardPlaceholder = regexp.MustCompile(`\$[a-z]`)

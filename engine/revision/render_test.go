package revision

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// values are what a template sees, in the shape of the manual.
func values() map[string]any {
	return map[string]any{
		"Tenant": map[string]any{"Schema": `ten"ant`, "Labels": map[string]string{"region": "eu's", "tables": "a b"}},
		"X":      map[string]string{"rows": "1;\n\nDELETE FROM t"},
		"Names":  []string{"a", "b"},
	}
}

func TestRenderGivesAPlainSectionAsItIs(t *testing.T) {
	t.Parallel()
	r := body(t, "-- upgrade\nSELECT '{{ .Nothing }}';\n", Postgres)
	got, err := r.Upgrade.Render(nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Upgrade.Statements, got); diff != "" {
		t.Error(diff)
	}
}

func TestRenderSplitsPerTenantAndKeepsThePlacesOfTheFile(t *testing.T) {
	t.Parallel()
	r := body(t, `-- upgrade: template
-- a comment; {{/* and one of the template: '
-- downgrade
*/}}
GRANT SELECT ON {{ ident .Tenant.Schema }}.t TO r;   SELECT {{ literal .Tenant.Labels.region }};
{{- range .Names }}
  {{ $row := printf "it's %s" . }}
  CREATE TABLE {{ ident . }} (a int);
{{ end -}}
{{ if eq .Tenant.Labels.region "eu" }}SELECT 'a'{{ else }}SELECT 'b'{{ end }}; SELECT 2;
DELETE FROM u LIMIT {{ raw .X.rows }}; SELECT 3
-- downgrade
SELECT '{{';
`, Postgres)
	if r.Upgrade.Statements != nil {
		t.Errorf("split before it was rendered: %v", r.Upgrade.Statements)
	}
	if diff := cmp.Diff([]string{"SELECT '{{'"}, statementTexts(r.Downgrade)); diff != "" {
		t.Error(diff)
	}
	got, err := r.Upgrade.Render(values())
	if err != nil {
		t.Fatal(err)
	}
	want := []Statement{
		{`GRANT SELECT ON "ten""ant".t TO r`, 7, 1},
		{"SELECT 'eu''s'", 7, 54},
		{`CREATE TABLE "a" (a int)`, 10, 3},
		{`CREATE TABLE "b" (a int)`, 10, 3},
		{"SELECT 'b'", 12, 59},
		{"SELECT 2", 12, 80},
		{"DELETE FROM u LIMIT 1", 13, 1},
		{"DELETE FROM t", 13, 21}, // within what an action printed: where the action stands
		{"SELECT 3", 13, 40},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRenderTellsWhereItFailed(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want, hint string }{
		{"missing label", "SELECT 1,\n  {{ literal .Tenant.Labels.plan }}", `a_.sql:5:21: template: <.Tenant.Labels.plan>: map has no entry for key "plan"`, "give the tenant that label, or -x that key"},
		{"missing value", "{{ raw .Y }}", `a_.sql:4:8: template: <.Y>: map has no entry for key "Y"`, "give the tenant that label, or -x that key"},
		{"forbidden", "SELECT 1;\n{{ if .X }}\n COMMIT{{ end }}", "a_.sql:6:2: COMMIT cannot stand in a revision", "leave it out: skein opens and ends the transaction, so that the body and its version row are one"},
		{"quote", "SELECT {{ raw .Tenant.Labels.region }};\nSELECT '1';\n", "a_.sql:5:10: quote ' is never closed", "close it; within quotes, write it twice to mean itself"},
		{"parenthesis", "{{ range .Names }}SELECT (1;\n{{ end }}", "a_.sql:4:26: parenthesis ( is never closed", "no semicolon ends a statement within parentheses"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := body(t, "-- upgrade: template\n"+tt.text, Postgres).Upgrade.Render(values())
			fe, ok := errors.AsType[*FileError](err)
			if !ok || fe.Error() != tt.want || fe.Hint() != tt.hint {
				t.Errorf("%v\nhint %q", err, fe.Hint())
			}
		})
	}
}

func TestRenderRefusesWhatNoServerTakes(t *testing.T) {
	t.Parallel()
	r := body(t, "-- upgrade: template\nSELECT '{{ raw . }}'", Postgres)
	for _, value := range []string{"\x00", "\xff"} {
		if _, err := r.Upgrade.Render(value); err == nil {
			t.Errorf("%q was let pass", value)
		}
	}
}

func TestEmptyTemplateIsAStepThatDoesNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "{{/* nothing */}}", "-- nothing\n"} {
		got, err := body(t, "-- upgrade: template\n"+text, SQLite).Upgrade.Render(values())
		if err != nil || len(got) != 0 {
			t.Errorf("%q: %v, error %v", text, got, err)
		}
	}
}

func TestRenderingsShareWhatIsTheSame(t *testing.T) {
	t.Parallel()
	text := "-- revision: a1\n-- revises: none\n\n-- upgrade: template\nSELECT 1;\nSELECT {{ literal .Label }};\n{{ if .More }}SELECT 2;{{ end }}\n-- downgrade\n"
	rev, err := Parse("a1_x.sql", []byte(text), Postgres)
	if err != nil {
		t.Fatal(err)
	}
	type data struct {
		Label string
		More  bool
	}
	var all Renderings
	var before []Statement
	for i, d := range []data{{"a", false}, {"a", false}, {"a", true}, {"a", false}, {"b", true}, {"ab", true}, {"", false}, {"", false}} {
		got, err := all.Render(rev.Upgrade, d)
		if err != nil {
			t.Fatal(err)
		}
		want, err := rev.Upgrade.Render(d)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", d, diff)
		}
		if shared := before != nil && &before[0] == &got[0]; shared != (i == 1 || i == 7) {
			t.Errorf("%d: %+v: shared %v", i, d, shared)
		}
		before = got
	}
}

package revision

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValuesOfATemplateAreQuoted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{ // "" = nothing is wrong with it
		"SELECT {{ .X }}":                                      "4:8 printed unquoted",
		"SELECT {{- .X -}} ":                                   "4:8 printed unquoted",
		"SELECT {{ printf \"%s\" .X }}":                        "4:8 printed unquoted",
		"SELECT {{ .X | literal | printf \"%s\" }}":            "4:8 printed unquoted",
		"{{ $x := ident .X }}SELECT {{ $x }}":                  "4:28 printed unquoted",
		"{{ if .X }}SELECT {{ .Y }}{{ end }}":                  "4:19 printed unquoted",
		"{{ range .X }}{{ else }}SELECT {{ . }}{{ end }}":      "4:32 printed unquoted",
		"{{ with .X }}SELECT {{ . }}{{ end }}":                 "4:21 printed unquoted",
		`{{ define "a" }}{{ .X }}{{ end }}{{ template "a" .}}`: "4:17 printed unquoted",
		"SELECT '{{ .X }}'":                                    "4:9 pasted into a string",
		"SELECT '{{ literal .X }}'":                            "4:9 stands within a string",
		"SELECT 'a{{ .X | ident }}b'":                          "4:10 stands within a string",
		`SELECT "{{ .X }}"`:                                    "4:9 pasted into a quoted name",
		`SELECT "t_{{ ident .X }}"`:                            "4:11 stands within a quoted name",
		"SELECT 1 -- {{ literal .X }}":                         "4:13 within a comment",
		"SELECT 1 /* {{ .X }} */":                              "4:13 within a comment",
		"DO $$BEGIN PERFORM '{{ literal .X }}'; END$$":         "4:21 stands within a string",
		"DO $$BEGIN PERFORM {{ .X }}; END$$":                   "4:20 printed unquoted",
		"SELECT E'{{ .X }}'":                                   "4:10 pasted into a string",
		"SELECT {{ literal .X }}, {{ ident .Y }}, {{ raw .Z }}, {{ .X | literal }}, {{ (literal .X) }}": "",
		"SELECT '{{ raw .X }}' -- {{ raw .X }}":                                                         "",
		"DO $$BEGIN PERFORM {{ literal .X }}; END$$":                                                    "",
		`SELECT {{ ident (printf "t_%s" .X) }}`:                                                         "",
		`{{ if eq .X "a" }}{{ $x := .Y }}SELECT 1{{ end }}`:                                             "",
		`SELECT {{ 5 }}, '{{ "{{" }}'`:                                                                  "",
		"SELECT 1 {{/* .X */}}":                                                                         "",
	} {
		for _, dialect := range []Dialect{Postgres, SQLite} {
			if dialect == SQLite && strings.Contains(text, "$$") || dialect == SQLite && strings.Contains(text, "E'") {
				continue
			}
			errs := mistakes(t, "-- upgrade: template\n"+text+"\n", dialect)
			place, message, _ := strings.Cut(want, " ")
			switch {
			case want == "" && len(errs) > 0, want != "" && len(errs) != 1:
				t.Errorf("%s, %s: %v", dialect, text, errs)
			case want != "" && (!strings.Contains(errs[0].Error(), message) || !strings.HasPrefix(errs[0].Error(), "a_.sql:"+place+":") || errs[0].Hint() == ""):
				t.Errorf("%s, %s: %v, hint %q", dialect, text, errs, errs[0].Hint())
			}
		}
	}
}

func TestAdviceForAnUnquotedValueCanBeCopied(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SELECT {{ .X.a }}":             "{{ literal .X.a }}",
		"SELECT '{{ .X.a }}'":           "{{ literal .X.a }} without quotes",
		"SELECT '{{ literal .X.a }}'":   "{{ literal .X.a }} without quotes",
		`SELECT "{{ .X.a | literal }}"`: "{{ ident .X.a }} without quotes",
		`SELECT {{ print .X "a" }}`:     `{{ literal (print .X "a") }}`,
	} {
		if errs := mistakes(t, "-- upgrade: template\n"+text, Postgres); len(errs) != 1 || !strings.Contains(errs[0].Hint(), want) {
			t.Errorf("%s: %q", text, errs[0].Hint())
		}
	}
}

func TestHostileValuesStayData(t *testing.T) {
	t.Parallel()
	values := []string{`x'); DROP TABLE t; --`, `\'; DROP TABLE t; --`, `\`, `$$; DROP TABLE t; $$`, `"; DROP`, "a\nb", "-- /* x", `''`, "{{ .X }}", "é"}
	for _, dialect := range []Dialect{Postgres, SQLite} {
		r := body(t, "-- upgrade: template\nINSERT INTO {{ ident .V }} VALUES ({{ literal .V }}); SELECT 2;", dialect)
		for _, v := range values {
			statements, err := r.Upgrade.Render(map[string]string{"V": v})
			if err != nil || len(statements) != 2 {
				t.Errorf("%s, %q: %v, error %v", dialect, v, statements, err)
				continue
			}
			lex := lexer{text: statements[0].Text, dialect: dialect}
			var kinds []tokenKind
			for k := lex.next(); k.kind != tokenEnd; k = lex.next() {
				kinds = append(kinds, k.kind)
			}
			want := []tokenKind{tokenWord, tokenWord, tokenQuotedName, tokenWord, tokenOther, tokenString, tokenOther}
			if diff := cmp.Diff(want, kinds); diff != "" {
				t.Errorf("%s, %q: %s", dialect, v, statements[0].Text)
			}
		}
	}
}

func TestValuesThatCannotBeQuotedAreRefused(t *testing.T) {
	t.Parallel()
	render := func(text string, dialect Dialect, v any) error {
		_, err := body(t, "-- upgrade: template\n"+text, dialect).Upgrade.Render(map[string]any{"V": v})
		return err
	}
	long := strings.Repeat("x", 64)
	for _, tt := range []struct {
		text    string
		dialect Dialect
		value   any
		bad     bool
	}{
		{"SELECT {{ ident .V }}", Postgres, long, true}, {"SELECT {{ ident .V }}", Postgres, long[1:], false}, {"SELECT {{ ident .V }}", SQLite, long, false},
		{"SELECT {{ ident .V }}", Postgres, "", true}, {"SELECT {{ ident .V }}", SQLite, "a\x00b", true}, {"SELECT {{ literal .V }}", Postgres, "a\x00b", true},
		{"SELECT {{ literal .V }}", Postgres, nil, true}, {"SELECT {{ literal .V }}", SQLite, 7, false}, {"SELECT {{ literal .V }}", Postgres, "\xff", true},
		{"DO $$SELECT {{ literal .V }}$$", Postgres, "a $$; DROP", true}, {"DO $$SELECT {{ literal .V }}$$", Postgres, "a $ b", false},
		{"DO $a$ SELECT $b$ {{ ident .V }} $b$ $a$", Postgres, "$b$", true}, {"DO $a$ SELECT $b$ {{ ident .V }} $b$ $a$", Postgres, "$a$", true},
		{"DO $a$ SELECT $b$ {{ .V | ident }} $b$ $a$", Postgres, "$c$", false},
	} {
		if err := render(tt.text, tt.dialect, tt.value); (err != nil) != tt.bad {
			t.Errorf("%s, %s with %q: %v", tt.dialect, tt.text, tt.value, err)
		}
	}
}

package revision

import "testing"

func TestAddingAnEnumValueIsSeen(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"ALTER TYPE mood ADD VALUE 'sad'":                                                  true,
		"alter type s.\"mood\" add /* c */\n value if not exists 'sad' before 'ok'":        true,
		"SELECT 1; ALTER TYPE mood ADD -- c\nVALUE $$sad$$":                                true,
		"ALTER TYPE mood ADD VALUE E'sad'":                                                 true,
		"DO $$ BEGIN ALTER TYPE mood ADD VALUE 'sad'; END $$":                              true,
		"DO 'BEGIN ALTER TYPE mood ADD VALUE ''sad''; END'":                                true,
		"DO $a$ BEGIN EXECUTE 'ALTER TYPE mood ADD VALUE ''sad'''; END $a$":                true,
		"DO $a$ BEGIN EXECUTE format('ALTER TYPE %I ADD VALUE %L', t, v); END $a$":         true,
		"DO $a$ BEGIN EXECUTE 'ALTER TYPE mood ADD VALUE ' || quote_literal(v); END $a$":   true,
		"CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ALTER TYPE m ADD VALUE 'x'$$":  true,
		"ALTER TYPE mood RENAME VALUE 'a' TO 'b'":                                          false,
		"CREATE TYPE mood AS ENUM ('value')":                                               false,
		"ALTER TABLE t ADD COLUMN value text":                                              false,
		"ALTER TABLE t ADD value text; ALTER TABLE t ALTER a TYPE int":                     false,
		"ALTER TABLE t ADD value \"mood\"":                                                 false,
		"-- ALTER TYPE mood ADD VALUE 'sad'\nSELECT 1 /* ALTER TYPE mood ADD VALUE 'x' */": false,
		"COMMENT ON TABLE t IS 'add value to it'":                                          false,
		"INSERT INTO t (value) VALUES ('add')":                                             false,
	} {
		if r := body(t, "-- upgrade\n"+text+";\n", Postgres); r.Upgrade.AddsEnumValue != want {
			t.Errorf("%s: %t", text, !want)
		}
	}
	template := body(t, "-- upgrade: template\nALTER TYPE mood ADD VALUE {{ literal .Value }};\n", Postgres)
	if !template.Upgrade.AddsEnumValue {
		t.Error("a template that adds a value is not seen")
	}
}

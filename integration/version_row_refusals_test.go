package integration_test

import "github.com/skeindb/skein/engine/enginetest"

// pgRefusals are the ways of PostgreSQL in which a version table keeps a row out, or in.
func pgRefusals() []enginetest.Refusal {
	trigger := func(when, body string) []string {
		return []string{
			"CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + body + " END $$",
			"CREATE TRIGGER keep " + when + " ON skein_version FOR EACH ROW EXECUTE FUNCTION keep()",
		}
	}
	return []enginetest.Refusal{
		{Name: "a column", Says: `null value in column "env"`, Make: []string{
			"ALTER TABLE skein_version ADD COLUMN env text", "UPDATE skein_version SET env = 'prod'", "ALTER TABLE skein_version ALTER env SET NOT NULL",
		}},
		{Name: "a generated column", Says: "cannot insert a non-DEFAULT value", Make: []string{
			"ALTER TABLE skein_version DROP COLUMN tool", "ALTER TABLE skein_version ADD COLUMN tool text GENERATED ALWAYS AS (revision) STORED",
		}},
		{Name: "a check", Says: `violates check constraint "few"`, Make: []string{"ALTER TABLE skein_version ADD CONSTRAINT few CHECK (revision < 'c')"}},
		{Name: "a unique index", Says: `violates unique constraint "one"`, Make: []string{"CREATE UNIQUE INDEX one ON skein_version (tool, (revision = 'a1'))"}},
		{Name: "a foreign key", Says: "violates foreign key constraint", Make: []string{
			"CREATE TABLE known (revision text PRIMARY KEY)", "INSERT INTO known VALUES ('a1'), ('b2')",
			"ALTER TABLE skein_version ADD FOREIGN KEY (revision) REFERENCES known",
		}},
		{Name: "a trigger that fails", Says: "not here", Make: trigger("BEFORE INSERT", "RAISE 'not here';")},
		{Name: "a trigger that fails like a missing database", Says: "not here", Make: trigger("BEFORE INSERT", "RAISE 'not here' USING ERRCODE = '3D000';")},
		{Name: "a trigger that lacks its function's table", Says: `relation "nowhere.log" does not exist`, Make: trigger("AFTER INSERT", "INSERT INTO nowhere.log VALUES (1);")},
		{Name: "a trigger that leaves the row out", Says: "had no effect: INSERT 0 0", Make: trigger("BEFORE INSERT", "RETURN NULL;")},
		{Name: "a trigger that changes the row", Says: "does not hold", Make: trigger("BEFORE INSERT", "NEW.revision := 'x' || NEW.revision; RETURN NEW;")},
		{Name: "a trigger that takes the row back", Says: "does not hold", Make: trigger("AFTER INSERT", "DELETE FROM skein_version WHERE revision = NEW.revision; RETURN NULL;")},
		{Name: "a trigger that takes the row back at the end", Says: "does not hold", Make: []string{
			"CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM skein_version WHERE revision = NEW.revision; RETURN NULL; END $$",
			"CREATE CONSTRAINT TRIGGER keep AFTER INSERT ON skein_version DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keep()",
		}},
		{Name: "a rule", Says: "had no effect: INSERT 0 0", Make: []string{"CREATE RULE keep AS ON INSERT TO skein_version DO INSTEAD NOTHING"}},
		{Name: "a rule with a condition", Says: "had no effect: INSERT 0 0", Make: []string{"CREATE RULE keep AS ON INSERT TO skein_version WHERE NEW.revision > 'b9' DO INSTEAD NOTHING"}},
		{Name: "a trigger that fails", Says: "not here", Delete: true, Make: trigger("BEFORE DELETE", "RAISE 'not here';")},
		{Name: "a trigger that leaves the row", Says: "had no effect: DELETE 0", Delete: true, Make: trigger("BEFORE DELETE", "RETURN NULL;")},
		{Name: "a trigger that brings the row back", Says: "does not hold", Delete: true, Make: trigger("AFTER DELETE", "INSERT INTO skein_version SELECT OLD.*; RETURN NULL;")},
		{Name: "a rule", Says: "had no effect: DELETE 0", Delete: true, Make: []string{"CREATE RULE keep AS ON DELETE TO skein_version DO INSTEAD NOTHING"}},
		{Name: "a foreign key", Says: "violates foreign key constraint", Delete: true, Make: []string{
			"CREATE TABLE notes (revision text REFERENCES skein_version)", "INSERT INTO notes VALUES ('b2')",
		}},
	}
}

package revision

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFixRewritesWhatIsMechanical(t *testing.T) {
	t.Parallel()
	const head = "-- revision: a1\n-- revises: none\n\n"
	for name, test := range map[string]struct {
		dialect    Dialect
		text, want string
		done       []string
	}{
		"around the section": {
			Postgres, "-- upgrade\n-- first\nBEGIN;\nCREATE TABLE a (id int);\n  COMMIT ; \n-- last\n\n-- downgrade\nBEGIN TRANSACTION; DROP TABLE a; END;",
			"-- upgrade\n-- first\nCREATE TABLE a (id int);\n-- last\n\n-- downgrade\n DROP TABLE a; ",
			[]string{"6:1 BEGIN is taken out", "8:3 COMMIT is taken out", "12:1 BEGIN is taken out", "12:34 END is taken out"},
		},
		"CRLF, and no line end": {
			Postgres, "-- upgrade\r\nSTART TRANSACTION;\r\nSELECT 1;\r\nCOMMIT", "-- upgrade\r\nSELECT 1;\r\n",
			[]string{"5:1 START TRANSACTION is taken out", "7:1 COMMIT is taken out"},
		},
		"settings": {
			Postgres, "-- upgrade\nset lock_timeout = '5s';\nSET SESSION AUTHORIZATION 'x'; SET /* c */ SESSION work_mem TO 1;\nSET LOCAL a.b = 1; SET CONSTRAINTS ALL DEFERRED;",
			"-- upgrade\nset local lock_timeout = '5s';\nSET LOCAL SESSION AUTHORIZATION 'x'; SET /* c */ LOCAL work_mem TO 1;\nSET LOCAL a.b = 1; SET CONSTRAINTS ALL DEFERRED;",
			[]string{"5:1 SET lock_timeout becomes SET LOCAL", "6:1 SET SESSION becomes SET LOCAL", "6:32 SET /* c */ SESSION becomes SET LOCAL"},
		},
		"the procedure of SQLite's manual": {
			SQLite, "-- upgrade\nPRAGMA foreign_keys=OFF;\nBEGIN IMMEDIATE;\nCREATE TABLE a (id int);\nPRAGMA foreign_key_check;\nCOMMIT;\nPRAGMA foreign_keys = \"on\";\n",
			"-- upgrade\nCREATE TABLE a (id int);\nPRAGMA foreign_key_check;\n",
			[]string{"5:1 PRAGMA foreign_keys is taken out", "6:1 BEGIN is taken out", "9:1 COMMIT is taken out", "10:1 PRAGMA foreign_keys is taken out"},
		},
		"keys that are on":            {SQLite, "-- upgrade\nPRAGMA foreign_keys = ON;\nDELETE FROM a;\n", "", nil},
		"in the middle":               {Postgres, "-- upgrade\nSELECT 1;\nCOMMIT;\nBEGIN;\nSELECT 2;\n", "", nil},
		"twice":                       {Postgres, "-- upgrade\nBEGIN; SELECT 1; COMMIT; BEGIN; SELECT 2; COMMIT;\n", "", nil},
		"outside a transaction":       {Postgres, "-- upgrade: no-transaction\nBEGIN; SET a.b = 1; COMMIT;\n", "", nil},
		"a template":                  {Postgres, "-- upgrade: template\nBEGIN; SELECT 1; COMMIT;\n", "", nil},
		"what has no form with LOCAL": {Postgres, "-- upgrade\nSET NAMES 'utf8'; SET TRANSACTION READ ONLY; SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET search_path = a; SET SCHEMA 'a'; RESET ALL;\n", "", nil},
		"what never ends":             {Postgres, "-- upgrade\nBEGIN; SELECT 'a; COMMIT;\n", "", nil},
		"a function with BEGIN":       {Postgres, "-- upgrade\nCREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END;\n", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, mark := range []string{"", "\uFEFF"} {
				text := []byte(mark + head + test.text)
				got, fixed := Fix("a1_x.sql", text, test.dialect)
				var done []string
				for _, f := range fixed {
					done = append(done, fmt.Sprintf("%d:%d %s", f.Line, f.Col, f.Message))
				}
				if diff := cmp.Diff(test.done, done); diff != "" {
					t.Errorf("what is done (-want +got):\n%s", diff)
				}
				want := mark + head + test.want
				if test.want == "" {
					want = string(text)
				}
				if diff := cmp.Diff(want, string(got)); diff != "" {
					t.Errorf("the text (-want +got):\n%s", diff)
				}
				if test.want == "" {
					continue
				}
				if _, err := Parse("a1_x.sql", got, test.dialect); err != nil {
					t.Errorf("it cannot be read: %v", err)
				}
				if _, more := Fix("a1_x.sql", got, test.dialect); more != nil {
					t.Errorf("there is more to do: %v", more)
				}
			}
		})
	}
}

// A hint speaks of Fix only where that helps.
func TestHintsSpeakOfFixWhereItHelps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		dialect Dialect
		text    string
		helps   bool
	}{
		{Postgres, "-- upgrade\nBEGIN; SELECT 1; COMMIT", true},
		{Postgres, "-- upgrade\nSELECT 1; COMMIT", false},
		{Postgres, "-- upgrade: no-transaction\nBEGIN; SELECT 1; COMMIT", false},
		{Postgres, "-- upgrade\nSET work_mem = 1", true},
		{Postgres, "-- upgrade\nSET NAMES 'utf8'", false},
		{Postgres, "-- upgrade: no-transaction\nSET work_mem = 1", false},
		{SQLite, "-- upgrade\nPRAGMA foreign_keys = OFF; SELECT 1", true},
		{SQLite, "-- upgrade\nPRAGMA foreign_keys = ON; DELETE FROM a", false},
	} {
		errs := mistakes(t, test.text, test.dialect)
		if len(errs) == 0 || strings.Contains(errs[0].Advice, "`Fix`") != test.helps {
			t.Errorf("%s: %+v", test.text, errs)
		}
		_, done := Fix("a1_x.sql", []byte("-- revision: a1\n-- revises: none\n"+test.text), test.dialect)
		if (done != nil) != test.helps {
			t.Errorf("%s: fixed %v", test.text, done)
		}
	}
	if errs := mistakes(t, "-- upgrade: no-transaction\nCREATE INDEX CONCURRENTLY ON a (b)", Postgres); len(errs) != 1 || !strings.Contains(errs[0].Advice, "give the index a name") {
		t.Errorf("%v", errs)
	}
}

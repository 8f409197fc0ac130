package postgres

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

func TestFieldsOfAnError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  pgconn.PgError
		want engine.Fields
	}{
		"constraint": {
			pgconn.PgError{
				Code: "23505", Severity: "FEHLER", SeverityUnlocalized: "ERROR", Message: "secret", Detail: "secret", SchemaName: "t_1", TableName: "users",
				ConstraintName: "users_key", File: "nbtinsert.c", Routine: "_bt_check_unique", Where: "COPY users, line 1: \"secret\"",
			},
			engine.Fields{Severity: "ERROR", Condition: "unique_violation", Table: "users", Constraint: "users_key", Routine: "_bt_check_unique"},
		},
		"same routine of a newer server": {
			pgconn.PgError{Code: "22P02", Severity: "ERROR", Routine: "pg_strtoint32_safe", File: "numutils.c"},
			engine.Fields{Severity: "ERROR", Condition: "invalid_text_representation", Routine: "pg_strtoint32"},
		},
		"raised by a body, which names what it likes": {
			pgconn.PgError{
				Code: "P0001", Severity: "ERROR", TableName: "secret", ColumnName: "secret", DataTypeName: "secret", ConstraintName: "secret", File: "pl_exec.c", Routine: "exec_stmt_raise",
				Where: "PL/pgSQL function f(integer) line 3 at RAISE\nSQL statement \"SELECT f('secret')\nFROM PL/x\"\nPL/pgSQL function inline_code_block line 2 at PERFORM",
			},
			engine.Fields{
				Severity: "ERROR", Condition: "raise_exception", Routine: "exec_stmt_raise",
				Calls: []string{"PL/pgSQL function f(integer) line 3 at RAISE", "PL/pgSQL function inline_code_block line 2 at PERFORM"},
			},
		},
		"in another language of people": {
			pgconn.PgError{Code: "P0001", Severity: "ERROR", File: "pl_exec.c", Where: "PL/pgSQL-Funktion f() Zeile 3 bei RAISE"},
			engine.Fields{Severity: "ERROR", Condition: "raise_exception", Calls: []string{"PL/pgSQL-Funktion f() Zeile 3 bei RAISE"}},
		},
		"of a code that is not in the manual": {pgconn.PgError{Code: "ZZ999", Severity: "ERROR"}, engine.Fields{Severity: "ERROR"}},
	} {
		if diff := cmp.Diff(&test.want, fieldsOf(&test.err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

package postgres

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

func TestSQLStates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  pgconn.PgError
		want engine.Class
	}{
		{pgconn.PgError{Code: "40001"}, engine.Transient},
		{pgconn.PgError{Code: "40P01"}, engine.Transient},
		{pgconn.PgError{Code: "XX000", Message: "tuple concurrently updated"}, engine.Transient},
		{pgconn.PgError{Code: "XX000", Message: "cache lookup failed"}, engine.Internal},
		{pgconn.PgError{Code: "23505", TableName: "pg_namespace"}, engine.Transient},
		{pgconn.PgError{Code: "23505", SchemaName: "pg_catalog"}, engine.Transient},
		{pgconn.PgError{Code: "23505", TableName: "users"}, engine.Data},
		{pgconn.PgError{Code: "55P03"}, engine.Busy},
		{pgconn.PgError{Code: "55006"}, engine.Busy},
		{pgconn.PgError{Code: "08006"}, engine.Connection},
		{pgconn.PgError{Code: "57P01"}, engine.Connection},
		{pgconn.PgError{Code: "57P03"}, engine.Connection},
		{pgconn.PgError{Code: "25P03"}, engine.Connection},
		{pgconn.PgError{Code: "53300"}, engine.Capacity},
		{pgconn.PgError{Code: "53200"}, engine.Capacity},
		{pgconn.PgError{Code: "08P01", Message: "no more connections allowed (max_client_conn)"}, engine.Capacity},
		{pgconn.PgError{Code: "08P01", Message: "query_wait_timeout"}, engine.Capacity},
		{pgconn.PgError{Code: "08P01", Message: "no such database: x"}, engine.Data},
		{pgconn.PgError{Code: "08P01", Message: `database "x" does not exist`}, engine.Gone},
		{pgconn.PgError{Code: "53100"}, engine.Server},
		{pgconn.PgError{Code: "58030"}, engine.Server},
		{pgconn.PgError{Code: "28P01"}, engine.Server},
		{pgconn.PgError{Code: "25006"}, engine.Server},
		{pgconn.PgError{Code: "XX001"}, engine.Server},
		{pgconn.PgError{Code: "57014", Message: "canceling statement due to statement timeout"}, engine.Timeout},
		{pgconn.PgError{Code: "57014", Message: "canceling statement due to user request"}, engine.Canceled},
		{pgconn.PgError{Code: "25P04"}, engine.Timeout},
		{pgconn.PgError{Code: "3D000"}, engine.Gone},
		{pgconn.PgError{Code: "57P04"}, engine.Gone},
		{pgconn.PgError{Code: "23502"}, engine.Data},
		{pgconn.PgError{Code: "22P02"}, engine.Data},
		{pgconn.PgError{Code: "P0001"}, engine.Data},
		{pgconn.PgError{Code: "55000"}, engine.Data},
		{pgconn.PgError{Code: "42601"}, engine.Revision},
		{pgconn.PgError{Code: "42P01"}, engine.Revision},
		{pgconn.PgError{Code: "42501"}, engine.Revision},
		{pgconn.PgError{Code: "25001"}, engine.Revision},
		{pgconn.PgError{Code: "2BP01"}, engine.Revision},
		{pgconn.PgError{Code: "0A000"}, engine.Revision},
		{pgconn.PgError{Code: "3F000"}, engine.Revision},
		{pgconn.PgError{Code: "55P04"}, engine.Revision},
		{pgconn.PgError{Code: "ZZ999"}, engine.Internal},
		{pgconn.PgError{Code: ""}, engine.Internal},
	} {
		e := classify(t.Context(), &c.err)
		if e.Class != c.want || e.SQLState != c.err.Code {
			t.Errorf("%s %q is %s, want %s", c.err.Code, c.err.Message, e.Class, c.want)
		}
	}
}

func TestOtherErrors(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if e := classify(ended, io.EOF); e.Class != engine.Canceled || !errors.Is(e, context.Canceled) {
		t.Errorf("%s", e.Class)
	}
	if e := classify(ended, &pgconn.PgError{Code: "57014"}); e.Class != engine.Canceled {
		t.Errorf("%s", e.Class)
	}
	if e := classify(t.Context(), io.EOF); e.Class != engine.Connection {
		t.Errorf("%s", e.Class)
	}
	if e := classify(t.Context(), errors.New("a\n\tb")); e.Class != engine.Connection || e.Message != "a b" {
		t.Errorf("%+v", e)
	}
	known := staleError()
	if classify(t.Context(), known) != known {
		t.Error("an *engine.Error does not stay as it is")
	}
}

func TestMessagesAreOneLineWithDetailAndHint(t *testing.T) {
	t.Parallel()
	e := classify(t.Context(), &pgconn.PgError{Code: "42883", Message: "no\nsuch", Detail: "Key (a)=(1)", Hint: "try\nthat"})
	if e.Message != "no such: Key (a)=(1)" || e.Advice != "try that" {
		t.Errorf("%+v", e)
	}
}

func TestEachAdviceIsOneLine(t *testing.T) {
	t.Parallel()
	for code, m := range meanings {
		if len(code) != 2 && len(code) != 5 || m.class == "" || strings.Contains(m.advice, "\n") {
			t.Errorf("%s: %+v", code, m)
		}
	}
}

package postgres

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// TestAnEndedSessionIsNotTheBodysFault, whichever field says that it ended: poolers send no severity that is not translated.
func TestAnEndedSessionIsNotTheBodysFault(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pg   pgconn.PgError
		want engine.Class
	}{
		"a server":                           {pgconn.PgError{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "08006", Message: "ended"}, engine.Connection},
		"a server that speaks German":        {pgconn.PgError{Severity: "PANIK", SeverityUnlocalized: "PANIC", Code: "08006", Message: "ended"}, engine.Connection},
		"a pooler":                           {pgconn.PgError{Severity: "FATAL", Code: "08P01", Message: "server conn crashed?"}, engine.Connection},
		"a pooler, with a state of its own":  {pgconn.PgError{Severity: "FATAL", Code: "08006", Message: "server closed the connection"}, engine.Connection},
		"a statement that connects anywhere": {pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "08006", Message: "could not connect"}, engine.Revision},
	} {
		e := *classify(t.Context(), &test.pg)
		ofBody(&e, &test.pg, revision.Options{})
		if e.Class != test.want {
			t.Errorf("%s: the class is %s, want %s", name, e.Class, test.want)
		}
	}
}

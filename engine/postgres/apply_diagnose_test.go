package postgres

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// A server that shuts down while a session is put back in order says nothing about the body before.
func TestSessionThatIsEndedDuringTheResetIsNotTheRevisionsFault(t *testing.T) {
	t.Parallel()
	work := &engine.Work{Parts: []engine.Part{{Steps: []engine.Step{{Revision: &revision.Revision{ID: "r2"}, Stamp: true}}}}}
	for _, c := range []struct {
		severity, state string
		want            engine.Class
	}{
		{"FATAL", "57P01", engine.Connection},
		{"FATAL", "57P02", engine.Connection},
		{"ERROR", "42501", engine.Revision},
	} {
		a := &applier{session: &session{}, work: work}
		e := a.interpret(t.Context(), piece{kind: kindReset}, &pgconn.PgError{Severity: c.severity, SeverityUnlocalized: c.severity, Code: c.state, Message: "why"}, nil)
		if e.Class != c.want {
			t.Errorf("%s %s during the reset has class %s, want %s", c.severity, c.state, e.Class, c.want)
		}
	}
}

package sqlite

import (
	"context"

	"github.com/skeindb/skein/engine"
)

// Rehearse implements engine.Session.
func (s *session) Rehearse(ctx context.Context, work engine.Work) (engine.Rehearsal, error) {
	panic("not built")
}

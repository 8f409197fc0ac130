package plan

import (
	"errors"
	"fmt"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// refusal returns why tenants that stand there must not be touched; nil when they may.
func refusal(g *revision.Graph, s *engine.Standing, kind Kind, o Rules) *Failure {
	unknown, gaps := g.Check(s.Applied.IDs())
	switch {
	case unreadable(s):
		return UnreadableFailure(s, nil)
	case len(unknown) > 0 && !(kind == KindStamp && o.Purge):
		return &Failure{
			Class:    engine.Stale,
			Revision: unknown[0],
			Message:  fmt.Sprintf("the tenant is ahead: %s applied, but not among the revisions here", strings.Join(unknown, ", ")),
			Hint:     "run with the revisions that the tenant was upgraded with",
		}
	case len(gaps) > 0 && kind != KindStamp:
		return UnreadableFailure(s, nil)
	case len(s.Changed) > 0 && !o.AllowChanged && kind != KindStamp:
		return changedFailure(g, s.Changed[0])
	}
	return halfDone(s, kind)
}

// halfDone returns why tenants in which a no-transaction section ran in part must not be touched; nil when they may. A
// downgrade continues what is half taken down, an upgrade what is half applied.
func halfDone(s *engine.Standing, kind Kind) *Failure {
	down := kind == KindDowngrade || kind == KindRollback
	for _, c := range s.HalfDone() {
		err := error(c.Err())
		switch {
		case kind == KindStamp:
			return nil
		case !down && s.Err != nil: // what it builds on is not applied
			err = s.Err
		case down == (c.Direction == revision.Down):
			continue
		}
		f := FailureOf(err, nil)
		return &f
	}
	return nil
}

// unreadable reports whether it is unknown what is applied there.
func unreadable(s *engine.Standing) bool {
	return s.State == engine.Unreachable || s.State == engine.Missing || s.State == engine.Unknown && s.Applied == nil
}

// UnreadableFailure is the failure of a standing with an error of its own; of may be nil.
func UnreadableFailure(s *engine.Standing, of *tenant.Tenant) *Failure {
	err := s.Err
	if err == nil {
		err = errors.New("the tenant is " + string(s.State))
	}
	f := FailureOf(err, of)
	if _, ok := errors.AsType[*engine.Error](err); !ok {
		switch s.State {
		case engine.Unreachable:
			f.Class = engine.Connection
		case engine.Missing:
			f.Class = engine.Gone
		case engine.Unknown:
			f.Class = engine.Stale
		}
	}
	return &f
}

func changedFailure(g *revision.Graph, id string) *Failure {
	f := &Failure{
		Class:    engine.Checksum,
		Revision: id,
		Message:  "the upgrade section changed since it was applied to this tenant",
		Hint:     "restore the file and put the change into a new revision; or accept it, with `AllowChanged` once or with `Stamp` for good",
	}
	if r := g.Get(id); r != nil {
		f.File = r.File
	}
	return f
}

// blockedFailure refuses tenants on which a revision was applied that needs some of what is to be taken down.
func blockedFailure(id string, below []string) *Failure {
	return &Failure{
		Class:    engine.Stale,
		Revision: id,
		Message:  fmt.Sprintf("revision %s, which is applied too, builds on what is to be taken down: %s", id, strings.Join(below, ", ")),
		Hint:     "take that revision down first, with `Downgrade`, or by rolling back what applied it",
	}
}

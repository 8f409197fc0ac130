package engine

import (
	"context"
	"strings"

	"github.com/skeindb/skein/engine/revision"
)

// Migrate brings one tenant to a target, up or down, whichever way the target lies: it surveys, plans, asks
// [Engine.Screen] and applies. A tenant that is there already is left alone, and the Result is zero.
//
// The target is one of [revision.Graph.Path]: "heads", "head", "base", an id or the beginning of one, a label, "+1", "-1",
// "web@head". It downgrades to "-N", to "base", and to a revision that is applied with others above it; all other targets
// are upgrades. Errors are those of [Engine.Plan] and [Engine.Apply]; after the latter, Result says what was committed before.
//
// It makes one attempt: after an error of class Transient, Busy or Connection, call it again. It may be called for several
// tenants at once; of several calls for one tenant, the tenant's lock lets one through at a time. Templates see no data:
// where revisions have them, use Plan and Apply with Job.Data.
func (e *Engine) Migrate(ctx context.Context, at Location, target string) (Result, error) {
	s := e.Survey(ctx, []Location{at})[0]
	plan, err := e.planEitherWay(&s, target)
	if err != nil || len(plan.Parts) == 0 {
		return Result{}, err
	}
	job := Job{Location: at, Standing: s, Plan: plan, Attempt: 1}
	if err := e.Screen(ctx, []Job{job})[0]; err != nil {
		return Result{}, err
	}
	return e.Apply(ctx, job)
}

// Plan finds the path of a tenant from where it stands to a target in one direction, and what of it commits together.
// A plan without parts says that there is nothing to do. It asks nothing of the tenant, and is safe for concurrent use.
//
// The target is one of [revision.Graph.Path]. One that cannot be resolved or reached is a [*revision.TargetError], and
// so is a downgrade through a revision without a downgrade section. A tenant that must not be touched is an *Error: of
// the survey where it could not be read; Stale where revisions are applied that the graph does not know, or without
// their parents; Checksum where an applied revision changed since, unless Config.AllowChanged; Revision where a
// no-transaction section was cut off and has to be finished first.
//
// Tenants with equal Standing.Applied may share the plan.
func (e *Engine) Plan(s Standing, dir revision.Direction, target string) (*Plan, error) {
	if err := e.refuse(&s, dir); err != nil {
		return nil, err
	}
	path, err := e.path(&s, dir, target)
	if err != nil {
		return nil, err
	}
	return e.planAlong(&s, path)
}

// planEitherWay is Plan in the direction in which the target lies.
func (e *Engine) planEitherWay(s *Standing, target string) (*Plan, error) {
	if err := unreadable(s); err != nil {
		return nil, err
	}
	dir := revision.Up
	if isBelow(target) {
		dir = revision.Down
	}
	path, err := e.path(s, dir, target)
	if err != nil {
		return nil, err
	}
	if len(path.Steps) == 0 && dir == revision.Up { // all of it is applied: is it below where the tenant stands?
		if down, err := e.path(s, revision.Down, target); err == nil && len(down.Steps) > 0 {
			path = down
		}
	}
	if err := e.refuse(s, path.Direction); err != nil {
		return nil, err
	}
	return e.planAlong(s, path)
}

// isBelow reports whether a target is -N or LABEL@-N.
func isBelow(target string) bool {
	if _, after, found := strings.Cut(target, "@"); found {
		target = after
	}
	return strings.HasPrefix(target, "-")
}

// path is the path of a tenant; ids that the graph does not know are left out.
func (e *Engine) path(s *Standing, dir revision.Direction, target string) (*revision.Path, error) {
	return e.graph.Path(dir, e.graph.HeadsOf(s.Applied.IDs()), target)
}

// planAlong cuts a path into what commits together.
func (e *Engine) planAlong(s *Standing, path *revision.Path) (*Plan, error) {
	if oneWay := e.graph.Irreversible(path); oneWay != nil {
		return nil, oneWay
	}
	steps := make([]*revision.Revision, len(path.Steps))
	for i, id := range path.Steps {
		steps[i] = e.graph.Get(id)
	}
	return NewPlan(s.Applied, path.Direction, steps, e.cfg.Mode), nil
}

// refuse says why a tenant that stands there must not go in a direction; nil where it may.
func (e *Engine) refuse(s *Standing, dir revision.Direction) error {
	if err := unreadable(s); err != nil {
		return err
	}
	unknown, gaps := e.graph.Check(s.Applied.IDs())
	switch {
	case len(unknown) > 0:
		return &Error{
			Class: Stale, Revision: unknown[0],
			Message: "the tenant is ahead: " + strings.Join(unknown, ", ") + " applied, but not among the revisions here",
			Advice:  "run with the revisions that the tenant was upgraded with",
		}
	case len(gaps) > 0:
		return gapError(gaps[0])
	case len(s.Changed) > 0 && !e.cfg.AllowChanged:
		return e.changedError(s.Changed[0])
	}
	for _, c := range s.HalfDone() {
		switch {
		case dir == revision.Up && s.Err != nil:
			return s.Err
		case dir != c.Direction:
			return c.Err()
		}
	}
	return nil
}

// unreadable returns why it is not known what is applied; nil where it is.
func unreadable(s *Standing) error {
	switch {
	case s.State != Unreachable && s.State != Missing && s.Applied != nil:
		return nil
	case s.Err != nil:
		return s.Err
	}
	return &Error{Class: Internal, Message: "the tenant is " + string(s.State)}
}

package engine

import (
	"slices"
	"strings"

	"github.com/skeindb/skein/engine/revision"
)

// CutOff is a no-transaction section of which only some statements have run in a tenant. Its revision is half applied or half
// taken down, even if the version table says otherwise.
type CutOff struct {
	Revision  string
	Direction revision.Direction
}

// Err says so, and what to do first.
func (c CutOff) Err() *Error {
	e := &Error{
		Class: Revision, Revision: c.Revision,
		Message: "revision " + c.Revision + " is half applied: some statements of its no-transaction section ran, and not all",
		Advice:  "finish it first: resume the rollout that began it, or `UpgradeTo(" + c.Revision + ")` for this tenant; or undo by hand what ran, and drop the table beside the version table whose name ends with " + StepsSuffix,
	}
	if c.Direction == revision.Down {
		e.Message = "revision " + c.Revision + " is half taken down: some statements of its no-transaction downgrade section ran, and not all"
		e.Advice = "finish that first: resume the rollout that began it, or downgrade this tenant to below " + c.Revision + "; or restore by hand what is missing, and stamp the tenant with " + c.Revision
	}
	return e
}

// without is Err where revisions that the half applied one builds on are no longer applied: their downgrade may have removed
// what the statements made, and an upgrade would skip those statements.
func (c CutOff) without(parents []string) *Error {
	e := c.Err()
	e.Message += "; and what it builds on is not applied any more: " + strings.Join(parents, ", ")
	e.Advice = "undo by hand what is left of it, and drop the table beside the version table whose name ends with " + StepsSuffix + "; then upgrade"
	return e
}

// StepsSuffix, appended to the name of the version table, is the name of the table that holds the progress of no-transaction
// sections.
const StepsSuffix = "_steps"

// open reports whether the section leaves the tenant half-way, when those ids are applied: a stamp may have settled it.
func (c CutOff) open(applied []string) bool {
	return slices.Contains(applied, c.Revision) == (c.Direction == revision.Down)
}

// Blocked returns why a part must not run where those sections were cut off; nil where it may. The revisions that a half
// applied one builds on stay, and nothing else runs before a half taken down one is finished. The part that continues such a
// section may run, and so may a stamp, which says what is applied.
func (p *Part) Blocked(cut []CutOff) *Error {
	if p.Stamps() {
		return nil
	}
	for _, c := range cut {
		if !c.open(p.Before) || slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Revision.ID == c.Revision && s.Direction == c.Direction }) {
			continue
		}
		if c.Direction == revision.Down || p.GoesDown() {
			return c.Err()
		}
	}
	return nil
}

// GoesDown reports whether the part runs a downgrade section.
func (p *Part) GoesDown() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Direction == revision.Down && !s.Stamp })
}

// Stamps reports whether the part runs no section.
func (p *Part) Stamps() bool {
	return !slices.ContainsFunc(p.Steps, func(s Step) bool { return !s.Stamp })
}

// HalfDone returns the sections that leave a tenant half-way.
func (s *Standing) HalfDone() []CutOff {
	applied := s.Applied.IDs()
	return slices.DeleteFunc(slices.Clone(s.CutOff), func(c CutOff) bool { return !c.open(applied) })
}

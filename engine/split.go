package engine

import (
	"slices"

	"github.com/skeindb/skein/engine/revision"
)

// split returns the plan with one more border, before a step of a part; the plan itself is not changed.
func (p *Plan) split(part, step int) *Plan {
	old := p.Parts[part]
	first, second := old, old
	first.Steps, second.Steps = old.Steps[:step:step], old.Steps[step:]
	first.After = walk(old.Before, first.Steps)
	second.Before = first.After
	parts := slices.Concat(p.Parts[:part], []Part{first, second}, p.Parts[part+1:])
	return &Plan{Direction: p.Direction, Parts: parts, Of: p.Of}
}

// walk returns what is applied after steps, sorted.
func walk(ids []string, steps []Step) []string {
	have := slices.Clone(ids)
	for _, s := range steps {
		at, found := slices.BinarySearch(have, s.Revision.ID)
		switch {
		case s.Direction == revision.Down && found:
			have = slices.Delete(have, at, at+1)
		case s.Direction == revision.Up && !found:
			have = slices.Insert(have, at, s.Revision.ID)
		}
	}
	return have
}

// split puts a border before the revision that failed because what comes before it in its transaction is not committed
// yet. It returns false where the revision already begins its transaction: then committing does not help. The border
// holds for all tenants that go along the plan, and for later calls.
func (r *run) split(e *Error) bool {
	if !e.Uncommitted {
		return false
	}
	for i := r.next; i < len(r.job.Plan.Parts); i++ {
		at := slices.Index(r.job.Plan.Parts[i].IDs(), e.Revision)
		if at > 0 {
			r.job.Plan = r.job.Plan.split(i, at)
			r.engine.splits.Store(r.planned, r.job.Plan)
			return true
		}
	}
	return false
}

// borders returns the plan with the borders that were found for it since it was made.
func (e *Engine) borders(p *Plan) *Plan {
	if found, ok := e.splits.Load(p); ok {
		return found.(*Plan)
	}
	return p
}

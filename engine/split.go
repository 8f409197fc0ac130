package engine

import (
	"slices"

	"github.com/skeindb/skein/engine/revision"
)

// split returns a copy of the plan in which a part is split before one of its steps.
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

// split splits the plan before a revision that failed because the revisions before it in its transaction are not committed
// yet. It returns false where the revision already begins its transaction: then a commit does not help. The split holds for
// all tenants with the same plan, and for later calls.
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

// borders returns the plan with the splits that were found to be needed since it was made.
func (e *Engine) borders(p *Plan) *Plan {
	if found, ok := e.splits.Load(p); ok {
		return found.(*Plan)
	}
	return p
}

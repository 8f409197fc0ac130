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
	return &Plan{Direction: p.Direction, Parts: parts}
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
// yet. It returns false where the revision already begins its transaction: then committing does not help.
func (r *run) split(e *Error) bool {
	if !e.Uncommitted {
		return false
	}
	for i := r.next; i < len(r.job.Plan.Parts); i++ {
		at := slices.Index(r.job.Plan.Parts[i].IDs(), e.Revision)
		if at > 0 {
			r.job.Plan = r.job.Plan.split(i, at)
			return true
		}
	}
	return false
}

// within finds the border between two steps of a part at which a tenant stands: an earlier call was made to split
// there, or the chain was run revision by revision. The plan then gets that border. It returns the index of the part
// that begins there; 0 when there is none. A part whose commit is uncertain is committed whole or not at all.
func (r *run) within(cause *Error, have []string) int {
	parts := r.job.Plan.Parts
	if cause.Class == Uncertain || !r.job.Plan.bodies() {
		return 0
	}
	for k := r.next; k < len(parts); k++ {
		for n := 1; n < len(parts[k].Steps); n++ {
			if slices.Equal(walk(parts[k].Before, parts[k].Steps[:n]), have) {
				r.job.Plan = r.job.Plan.split(k, n)
				return k + 1
			}
		}
	}
	return 0
}

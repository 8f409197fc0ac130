package engine

import (
	"slices"

	"github.com/skeindb/skein/engine/revision"
)

// Plan says which revisions run, in which order, and what commits together. It is immutable, and shared by all tenants that
// stand at the same revisions: a cohort.
type Plan struct {
	Direction revision.Direction
	Parts     []Part
	Of        string // of a rollback: the rollout that must have applied its steps, else the tenant is Stale; "" = any
}

// Part is what commits together: the steps of one transaction, or one step outside any transaction.
type Part struct {
	Steps  []Step
	NoTx   bool     // the only step runs outside a transaction
	Before []string // ids that must be applied when the part begins, sorted (bytes)
	After  []string // ids that are applied once it is committed, sorted
}

// Step is one revision in one direction.
type Step struct {
	Revision  *revision.Revision
	Direction revision.Direction
	Stamp     bool // only the row is written or deleted; no body runs
}

// Mode says what shares a transaction.
type Mode string

const (
	PerTenant   Mode = "tenant"   // a tenant's whole chain, split where a section has to commit by itself; the default
	PerRevision Mode = "revision" // each revision has its own
)

// NewPlan cuts steps, in the order they run, into parts, for tenants with these applied revisions. [Engine.Plan] finds the
// steps too.
func NewPlan(applied *Applied, dir revision.Direction, steps []*revision.Revision, mode Mode) *Plan {
	p := &Plan{Direction: dir}
	for _, r := range steps {
		section := r.Section(dir)
		outside := section.Options.NoTransaction
		alone := outside || section.Separate() || mode == PerRevision
		if alone || len(p.Parts) == 0 || p.Parts[len(p.Parts)-1].closed(mode) {
			p.Parts = append(p.Parts, Part{NoTx: outside})
		}
		last := &p.Parts[len(p.Parts)-1]
		last.Steps = append(last.Steps, Step{Revision: r, Direction: dir})
	}
	p.annotate(applied.IDs())
	return p
}

// NewStamp is a plan that makes the version table hold exactly want, with the checksums of today, without
// running a body. Rows of ids that the graph does not know are deleted with the others that are not wanted;
// a row whose revision changed since is written again, and so is that of a revision which is half taken down by cut.
func NewStamp(g *revision.Graph, applied *Applied, want []string, cut ...CutOff) *Plan {
	p := &Plan{Direction: revision.Up}
	changed := newAssessor(g).changed(applied)
	for _, c := range cut {
		if c.Direction == revision.Down && g.Get(c.Revision) != nil {
			changed = append(changed, c.Revision)
		}
	}
	var steps []Step
	var keep []string
	for _, id := range applied.IDs() {
		if slices.Contains(want, id) && !slices.Contains(changed, id) {
			keep = append(keep, id)
			continue
		}
		r := g.Get(id)
		if r == nil {
			r = &revision.Revision{ID: id}
		}
		steps = append(steps, Step{Revision: r, Direction: revision.Down, Stamp: true})
	}
	for _, id := range g.Sort(want) {
		if !slices.Contains(keep, id) {
			steps = append(steps, Step{Revision: g.Get(id), Direction: revision.Up, Stamp: true})
		}
	}
	if len(steps) > 0 {
		p.Parts = []Part{{Steps: steps}}
	}
	p.annotate(applied.IDs())
	return p
}

// bodies reports whether any step runs one.
func (p *Plan) bodies() bool {
	for _, part := range p.Parts {
		if slices.ContainsFunc(part.Steps, func(s Step) bool { return !s.Stamp }) {
			return true
		}
	}
	return false
}

// closed reports whether no step may be added to the part.
func (p *Part) closed(mode Mode) bool {
	if p.NoTx || mode == PerRevision {
		return true
	}
	first := p.Steps[0]
	return first.Revision.Section(first.Direction).Separate()
}

// Isolation is the level of the part's transaction; "" = READ COMMITTED. A part with another one has one step.
func (p *Part) Isolation() revision.Isolation {
	first := p.Steps[0]
	if first.Stamp {
		return ""
	}
	return first.Revision.Section(first.Direction).Options.Isolation
}

// IDs returns the ids of the part's steps, in order.
func (p *Part) IDs() []string {
	ids := make([]string, len(p.Steps))
	for i, s := range p.Steps {
		ids[i] = s.Revision.ID
	}
	return ids
}

// Others returns the ids of the part's steps that the rollout of did not apply, by the rows of applied: a rollback of that
// rollout must leave them alone. It is nil with of = "".
func (p *Part) Others(applied *Applied, of string) []string {
	if of == "" {
		return nil
	}
	own := applied.Of(of)
	return slices.DeleteFunc(p.IDs(), func(id string) bool { return slices.Contains(own, id) })
}

// annotate fills Before and After.
func (p *Plan) annotate(ids []string) {
	have := slices.Clone(ids)
	slices.Sort(have)
	for i := range p.Parts {
		part := &p.Parts[i]
		part.Before = slices.Clone(have)
		have = walk(have, part.Steps)
		part.After = slices.Clone(have)
	}
}

// Len returns the number of steps.
func (p *Plan) Len() int {
	n := 0
	for _, part := range p.Parts {
		n += len(part.Steps)
	}
	return n
}

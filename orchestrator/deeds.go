package orchestrator

import (
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// deed is what the runs of an upgrade did to one tenant, as far as its facts tell.
type deed struct {
	applied []string // revisions that were recorded as applied
	open    bool     // it was under work, and there is no telling what of its plan was applied
	under   bool     // it may be under work in the run that is looked at
}

// deeds are what the runs of an upgrade did, by tenant. Who is not in it was never touched: tenants are named
// in the store before they are.
type deeds struct {
	graph *revision.Graph
	of    map[string]*deed
	legs  map[string][]string // what lies between heads, for the few ways that there are
}

func deedsOf(events []Event, g *revision.Graph) *deeds {
	d := &deeds{graph: g, of: map[string]*deed{}, legs: map[string][]string{}}
	for _, e := range events {
		switch f := e.Fact.(type) {
		case RolloutStarted:
			d.brokenOff()
		case TenantsDispatched:
			for _, id := range f.Tenants {
				d.tenant(id).under = true
			}
		case TenantDeferred:
			if f.Steps > 0 { // before it was put aside
				d.tenant(f.Tenant).open = true
			}
		case TenantFinished:
			d.finished(&f)
		}
	}
	d.brokenOff()
	return d
}

func (d *deeds) tenant(id string) *deed {
	t := d.of[id]
	if t == nil {
		t = &deed{}
		d.of[id] = t
	}
	return t
}

// brokenOff ends a run: what became of tenants that it named, and of which it did not record an end, nobody
// has said.
func (d *deeds) brokenOff() {
	for _, t := range d.of {
		t.open = t.open || t.under
		t.under = false
	}
}

func (d *deeds) finished(f *TenantFinished) {
	if f.Outcome == Skipped || f.Outcome == Gone && d.of[f.Tenant] == nil {
		return // what was done to it before stays done
	}
	t := d.tenant(f.Tenant)
	switch {
	case f.From == nil || f.To == nil:
		t.open = true
	case f.Outcome == Done, f.Steps > 0:
		if len(t.applied) > 0 && len(without(t.applied, d.below(f.From))) > 0 {
			t.applied = nil // it was made anew, or restored: what was done before is not in it any more
		}
		for _, id := range d.leg(f.From, f.To) {
			if !slices.Contains(t.applied, id) {
				t.applied = append(t.applied, id)
			}
		}
	}
	t.open = t.open || t.under && !f.certain()
	t.under = false
}

// leg returns what is applied at to and not at from.
func (d *deeds) leg(from, to []string) []string {
	key := strings.Join(from, " ") + ">" + strings.Join(to, " ")
	leg, ok := d.legs[key]
	if !ok {
		leg = without(d.below(to), d.below(from))
		d.legs[key] = leg
	}
	return leg
}

// below returns the heads that the graph knows and all that they build on.
func (d *deeds) below(heads []string) []string {
	closure, err := d.graph.Closure(d.graph.HeadsOf(heads))
	if err != nil {
		return nil // HeadsOf returns only what is there
	}
	return closure
}

// certain reports whether the end of a tenant tells all that its run did to it. After a lost connection, or a
// cancellation, more may have been committed than anybody got to know.
func (f *TenantFinished) certain() bool {
	switch f.Outcome {
	case Failed:
	case Uncertain:
		return false
	default:
		return true
	}
	if f.Failure == nil {
		return false
	}
	switch f.Failure.Class {
	case engine.Transient, engine.Busy, engine.Timeout, engine.Stale, engine.Gone,
		engine.Data, engine.Revision, engine.Guard, engine.Checksum:
		return true
	}
	return false
}

package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// Options is what a rollout is to do.
type Options struct {
	Rollout string // id, see [NewID]
	Fleet   string
	Kind    Kind
	Targets []string // one for an upgrade or a downgrade; one or more for a stamp
	Tag     string

	Only      string    // plan only the wave of this name; its tenants are those that it has among the other waves; "" = all waves
	Selectors []string  // that chose the tenants, as written; stored with the plan
	Canary    string    // that chose the first of Policy.Waves, as written; stored with the plan
	FleetSize int       // tenants of the whole fleet, for the next rollout to notice that it shrank; 0 = not known
	Created   time.Time // now; pins that end by then have no effect
	Policy    Policy
	Settings  []Setting // what else decides the result, stored with the plan; see [Plan.Differences]
	Rules
}

// Rules are not stored with a plan and may differ when it is resumed.
type Rules struct {
	Mode         engine.Mode // what shares a transaction; "" = engine.PerTenant; as in engine.Config
	AllowChanged bool        // continue although the body of an applied revision changed; as in engine.Config
	Purge        bool        // a stamp first deletes what is recorded, also what the graph does not know
}

// New plans what a rollout does with each member of the fleet. It touches nothing. The path is found once for each cohort:
// all tenants with equal applied sets that no pin keeps apart.
//
// The waves are those of the policy: see [WaveSpec]. Waves without a tenant stay in the plan. Only an upgrade has gates.
// Plan.Notes has what people should know of waves and pins.
//
// Tenants that cannot be changed (unreachable, missing, unknown, ahead, a changed applied body) are refused: they are in the
// plan and will count as failed. A downgrade to what a tenant has not applied skips it, and so does a pin that freezes it,
// even if it cannot be read.
// The error is a [*revision.TargetError] when the target means nothing, and an [*Error] when it is ambiguous, out of range or
// irreversible for some tenants only, or when Only names no wave.
func New(members []Member, g *revision.Graph, req Options) (*Runnable, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	shares, notes, err := req.partition(members)
	if err != nil {
		return nil, err
	}
	for i := range req.Policy.Pins {
		if err := req.Policy.Pins[i].check(g); err != nil {
			return nil, err
		}
	}
	pins := matchPins(req.Policy.Pins, req.Kind, req.Created, members)
	if req.Only != "" {
		if shares, err = only(shares, req.Only); err != nil {
			return nil, err
		}
		members = restrict(shares, members, pins)
	}
	p := &Plan{
		Rollout: req.Rollout, Fleet: req.Fleet, Kind: req.Kind, Target: strings.Join(req.Targets, " "),
		Graph: g.Sum(), Revisions: ids(g.All()), Tag: req.Tag, Selectors: req.Selectors, Canary: req.Canary, Only: req.Only, FleetSize: req.FleetSize,
		Created: req.Created, Notes: slices.Concat(notes, pins.notes(req.Created)),
	}
	groups, of := groupByStanding(members, pins.of)
	way := &pathPlanner{graph: g, now: g, kind: req.Kind, targets: req.Targets, options: req.Rules.WithDefaults()}
	p.Cohorts = make([]Cohort, len(groups))
	for i, group := range groups {
		if p.Cohorts[i], err = way.planPinned(group, pins.pin(group.mark)); err != nil {
			return nil, err
		}
	}
	if way.options.Mode != engine.PerRevision && req.Kind != KindStamp {
		p.Notes = append(p.Notes, borders(p.Cohorts, g, p.Direction())...)
	}
	for _, s := range shares {
		wave := Wave{Name: s.name, Planned: len(s.places), Items: make([]Item, len(s.places))}
		if req.Kind == KindUpgrade {
			wave.Gate = s.gate
		}
		for i, at := range s.places {
			wave.Items[i] = Item{Tenant: members[at].Tenant, Cohort: of[at], Standing: members[at].Standing}
		}
		p.Waves = append(p.Waves, wave)
	}
	p.Settings = append(slices.Clone(req.Settings), p.options(g)...)
	p.Notes = append(p.Notes, p.emptyGates(&req.Policy)...)
	return &Runnable{p}, nil
}

func (r *Options) check() error {
	switch {
	case r.Rollout == "":
		return errors.New("the rollout has no id")
	case r.Kind != KindUpgrade && r.Kind != KindDowngrade && r.Kind != KindStamp:
		return fmt.Errorf("unknown kind of rollout: %q", r.Kind)
	case len(r.Targets) == 0:
		return fmt.Errorf("%s: no target", r.Kind)
	case len(r.Targets) > 1 && r.Kind != KindStamp:
		return fmt.Errorf("%s takes one target, not %d", r.Kind, len(r.Targets))
	}
	return nil
}

// WithDefaults sets each field that is zero to its documented default.
func (o Rules) WithDefaults() Rules {
	if o.Mode == "" {
		o.Mode = engine.PerTenant
	}
	return o
}

func ids(revs []*revision.Revision) []string {
	ids := make([]string, len(revs))
	for i, r := range revs {
		ids[i] = r.ID
	}
	return slices.Clip(ids)
}

package orchestrator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// Request says what a rollout shall do.
type Request struct {
	Rollout string // id, see [NewID]
	Fleet   string
	Kind    Kind
	Targets []string // one for an upgrade or a downgrade; one or more for a stamp
	Tag     string

	FleetSize int // tenants of the whole fleet, for the next rollout to notice that it shrank; 0 = not known
	Created   time.Time
	Policy    Policy
	Options
}

// Options are what is not stored with a plan and may differ when it is taken up again.
type Options struct {
	Mode         engine.Mode // what shares a transaction; "" = engine.PerTenant; as in engine.Config
	AllowChanged bool        // go on where the body of an applied revision changed; as in engine.Config
	Purge        bool        // a stamp first forgets what is recorded, also what the graph does not know
}

// Arrange decides what a rollout will do with each tenant: standings[i] is where tenants[i] stands. It
// touches nothing. The way is found once a cohort, which is all tenants with equal applied sets.
//
// Tenants that cannot be changed (unreachable, missing, unknown, ahead, a changed applied body) are refused:
// they are in the plan and will count as failed. A downgrade to what a tenant has not applied skips it.
// The error is a [*revision.TargetError] when the target means nothing, and a [*CohortError] when it is
// ambiguous, out of range or a way without return for some tenants only.
func Arrange(tenants []tenant.Tenant, standings []engine.Standing, g *revision.Graph, req Request) (*Plan, error) {
	if err := req.check(tenants, standings); err != nil {
		return nil, err
	}
	groups, of := gather(standings, tenants, nil)
	way := &way{graph: g, kind: req.Kind, targets: req.Targets, options: req.Options.withDefaults()}
	cohorts := make([]Cohort, len(groups))
	for i, group := range groups {
		c, err := way.cohort(group)
		if err != nil {
			return nil, err
		}
		cohorts[i] = c
	}
	p := &Plan{
		Rollout: req.Rollout, Fleet: req.Fleet, Kind: req.Kind, Target: strings.Join(req.Targets, " "),
		Graph: g.Sum(), Revisions: ids(g.All()), Tag: req.Tag, FleetSize: req.FleetSize, Created: req.Created,
		Cohorts: cohorts,
	}
	wave := Wave{Name: "all", Planned: len(tenants), Items: make([]Item, 0, len(tenants))}
	for _, i := range spread(tenants) {
		wave.Items = append(wave.Items, Item{Tenant: tenants[i], Cohort: of[i], Standing: standings[i]})
	}
	p.Waves = []Wave{wave}
	return p, nil
}

func (r *Request) check(tenants []tenant.Tenant, standings []engine.Standing) error {
	switch {
	case len(tenants) != len(standings):
		return fmt.Errorf("%d tenants, but %d standings", len(tenants), len(standings))
	case r.Rollout == "":
		return errors.New("the rollout has no id")
	case len(r.Policy.Waves) > 0:
		return errors.New("waves are not built yet: the policy has to be without")
	case r.Kind != Upgrade && r.Kind != Downgrade && r.Kind != Stamp:
		return fmt.Errorf("%q is no kind of rollout", r.Kind)
	case len(r.Targets) == 0:
		return fmt.Errorf("%s: no target", r.Kind)
	case len(r.Targets) > 1 && r.Kind != Stamp:
		return fmt.Errorf("%s: one target is wanted, not %d", r.Kind, len(r.Targets))
	}
	return nil
}

func (o Options) withDefaults() Options {
	if o.Mode == "" {
		o.Mode = engine.PerTenant
	}
	return o
}

// CohortError says that the target leads nowhere for some tenants.
type CohortError struct {
	Target  string
	Heads   []string // where they stand; empty = base
	Tenants int
	Example string // id of one of them
	Err     error
}

func (e *CohortError) Error() string {
	at := "base"
	if len(e.Heads) > 0 {
		at = strings.Join(e.Heads, ", ")
	}
	if e.Tenants == 1 {
		return fmt.Sprintf("tenant %s, which stands at %s: %v", e.Example, at, e.Err)
	}
	return fmt.Sprintf("%d tenants that stand at %s, for example %s: %v", e.Tenants, at, e.Example, e.Err)
}

func (e *CohortError) Unwrap() error { return e.Err }

// Hint says what to do about it; "" when the message says all.
func (e *CohortError) Hint() string { return hintOf(e.Err) }

func hintOf(err error) string {
	if h, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return h.Hint()
	}
	return ""
}

func ids(revs []*revision.Revision) []string {
	ids := make([]string, len(revs))
	for i, r := range revs {
		ids[i] = r.ID
	}
	return slices.Clip(ids)
}

package plan

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// Kind is what a rollout does to its tenants.
type Kind string

const (
	KindUpgrade   Kind = "upgrade"   // applies revisions
	KindDowngrade Kind = "downgrade" // takes revisions down
	KindStamp     Kind = "stamp"     // records revisions without running them
	KindRollback  Kind = "rollback"  // takes down what one rollout applied: see [NewRollback]
)

// Plan is what a rollout does, decided before anything is touched: which tenants, in which order, from where to where. It
// holds ids and locations, never secrets, and can be printed and stored. Running it needs more: see [Runnable].
type Plan struct {
	Rollout   string    `json:"rollout"` // id
	Fleet     string    `json:"fleet"`
	Kind      Kind      `json:"kind"`
	Target    string    `json:"target"`    // as given; several of a stamp are joined by spaces
	Graph     string    `json:"graph"`     // revision.Graph.Sum when it was made
	Revisions []string  `json:"revisions"` // ids of that graph in its order: those that a resumed run may apply
	Tag       string    `json:"tag,omitempty"`
	Of        string    `json:"of,omitempty"`        // of a rollback: the rollout that is rolled back
	Selectors []string  `json:"selectors,omitempty"` // that chose the tenants, as written; late tenants join by them
	Canary    string    `json:"canary,omitempty"`    // the first wave, as written, if the config does not say it
	Only      string    `json:"only,omitempty"`      // the only wave that was planned; "" = all waves
	FleetSize int       `json:"fleet_size"`          // tenants of the whole fleet; 0 = not known
	Created   time.Time `json:"created"`
	Cohorts   []Cohort  `json:"cohorts"`
	Waves     []Wave    `json:"waves"`
	Settings  []Setting `json:"settings,omitempty"` // what else decides the result
	Notes     []string  `json:"notes,omitempty"`    // for people: waves that are empty or overlap, pins that count or have ended

	Downgrades []KeptDowngrade `json:"downgrades,omitempty"` // of what an upgrade applies: see [Plan.KeepDowngrades]

	Partial bool `json:"-"` // a run of some tenants only: no gate is asked
}

// Cohort is the tenants that stand at the same revisions and so take the same path.
type Cohort struct {
	Action  Action // what is done with these tenants
	State   engine.State
	Stands  string   // short hash of what is applied, and of what of it changed
	From    []string // heads
	To      []string // heads afterwards
	Steps   []string // of [ActionMigrate]: revision ids in the order they run
	Sums    []string // checksums of Steps in their direction, for resume to notice a changed file
	Count   int      // tenants
	Failure *Failure // of [ActionRefuse]: missing, ahead, unknown, unreachable, checksum, guard
	Reason  string   // of [ActionSkip]: "not applied", "frozen: …"; of [ActionGone]: why they were skipped before
	Target  string   // of a pin, instead of the plan's target

	was  *fromTo      // how an earlier run migrated them to the target; nil = they are not there, or were before
	plan *engine.Plan // built once and shared; nil when Steps is empty, and in a loaded plan
}

// Action is what is done with the tenants of a cohort.
type Action string

const (
	ActionMigrate Action = "migrate" // the steps run
	ActionNone    Action = "none"    // nothing: they stand where the rollout wants them
	ActionSkip    Action = "skip"    // they are left alone
	ActionRefuse  Action = "refuse"  // they fail without being touched
	ActionGone    Action = "gone"    // they are in the plan, but no longer in the fleet
)

// Setting is something that decides what a rollout does besides tenants and revisions: what a gate asks, a budget, a
// timeout. A value that may be a secret is a digest, or says where the secret is.
type Setting struct {
	Of    string `json:"of,omitempty"` // what it belongs to, such as "the gate of wave canary"; "" = the rollout
	Key   string `json:"key"`
	Value string `json:"value"`
}

// fromTo is from where to where a plan led its tenants.
type fromTo struct{ from, to []string }

// Wave is a group of tenants that is finished before the next begins.
type Wave struct {
	Name    string `json:"name"`
	Planned int    `json:"planned"` // tenants of the wave, late ones included: a percentage of a [Budget] is of these
	Items   []Item `json:"items"`   // those of this run, in the order in which they are migrated

	Gate    *GatePlan `json:"gate,omitempty"` // what must hold before the next wave; nil = nothing
	Settled []Item    `json:"-"`              // those that earlier runs brought to the target, as they are now
}

// Item is one tenant in its wave.
type Item struct {
	Tenant   tenant.Tenant   `json:"tenant"`
	Cohort   int             `json:"cohort"` // index into Plan.Cohorts
	Standing engine.Standing `json:"-"`      // what the survey read; zero in a loaded plan
}

// Failure is why a tenant failed, in the form that is stored, grouped and shown.
type Failure struct {
	Class     engine.Class `json:"class"`
	SQLState  string       `json:"sqlstate,omitempty"`
	Revision  string       `json:"revision,omitempty"`
	File      string       `json:"file,omitempty"`
	Line      int          `json:"line,omitempty"`
	Statement string       `json:"statement,omitempty"`
	Context   string       `json:"context,omitempty"` // functions and DO blocks that ran, the innermost first, each with its line
	Message   string       `json:"error"`
	Hint      string       `json:"hint,omitempty"`

	Cause      string `json:"cause,omitempty"`       // equal for failures of one reason; "" = not known: see [Failure.Key]
	Redacted   string `json:"redacted,omitempty"`    // Message without values of rows; "" = it has none
	HintQuoted bool   `json:"hint_quoted,omitempty"` // Hint is the server's, and may hold values of rows
}

// Place is the revision and line that the failure is about, with a colon; "" = none.
func (f *Failure) Place() string {
	switch {
	case f.Revision == "":
		return ""
	case f.File == "":
		return "revision " + f.Revision + ": "
	case f.Line == 0:
		return fmt.Sprintf("revision %s (%s): ", f.Revision, f.File)
	}
	return fmt.Sprintf("revision %s (%s:%d): ", f.Revision, f.File, f.Line)
}

// NewID returns an id for a rollout that begins now: sortable by time, short, and different from that of a rollout that
// begins in the same second elsewhere.
func NewID(now time.Time) string {
	return now.UTC().Format("20060102-150405-") + strings.ToLower(rand.Text()[:4])
}

// Len returns how many tenants the plan has in this run.
func (p *Plan) Len() int {
	n := 0
	for _, w := range p.Waves {
		n += len(w.Items)
	}
	return n
}

// Changes returns how many tenants have steps to run.
func (p *Plan) Changes() int {
	n := 0
	for _, c := range p.Cohorts {
		if c.Action == ActionMigrate {
			n += c.Count
		}
	}
	return n
}

// Direction is that of the plan's steps; a stamp, which has both, counts as up.
func (p *Plan) Direction() revision.Direction {
	if p.Kind == KindDowngrade || p.Kind == KindRollback {
		return revision.Down
	}
	return revision.Up
}

// Pick returns those of tenants that the plan names, in their own order: those to survey before a resume. Tenants that
// joined the rollout later are only in the amended plan: see [Plan.Amend].
func (p *Plan) Pick(tenants []tenant.Tenant) []tenant.Tenant {
	named := p.names()
	return slices.DeleteFunc(slices.Clone(tenants), func(t tenant.Tenant) bool { return !named[t.ID] })
}

// Others returns those of tenants that the plan does not name, in their own order: see [Plan.Pick].
func (p *Plan) Others(tenants []tenant.Tenant) []tenant.Tenant {
	named := p.names()
	return slices.DeleteFunc(slices.Clone(tenants), func(t tenant.Tenant) bool { return named[t.ID] })
}

// Compact drops cohorts that no tenant is in.
func (p *Plan) Compact() {
	used := make([]bool, len(p.Cohorts))
	for i := range p.Waves {
		for _, items := range [][]Item{p.Waves[i].Items, p.Waves[i].Settled} {
			for k := range items {
				used[items[k].Cohort] = true
			}
		}
	}
	place := make([]int, len(p.Cohorts))
	var kept []Cohort
	for i := range p.Cohorts {
		place[i] = len(kept)
		if used[i] || p.Cohorts[i].Count > 0 {
			kept = append(kept, p.Cohorts[i])
		}
	}
	if len(kept) == len(p.Cohorts) {
		return
	}
	p.Cohorts = kept
	for i := range p.Waves {
		for _, items := range [][]Item{p.Waves[i].Items, p.Waves[i].Settled} {
			for k := range items {
				items[k].Cohort = place[items[k].Cohort]
			}
		}
	}
}

// Planned returns the tenants that the plan names, as they were planned.
func (p *Plan) Planned() []tenant.Tenant {
	all := make([]tenant.Tenant, 0, p.Len())
	for i := range p.Waves {
		all = append(all, TenantsOf(p.Waves[i].Items)...)
	}
	return all
}

// TenantsOf returns the tenants of items.
func TenantsOf(items []Item) []tenant.Tenant {
	all := make([]tenant.Tenant, len(items))
	for i := range items {
		all[i] = items[i].Tenant
	}
	return all
}

// Position is where a tenant is in a plan: indexes of its wave and item.
type Position struct{ Wave, Item int }

// Positions returns where the plan's tenants are, by id.
func (p *Plan) Positions() map[string]Position {
	all := make(map[string]Position, p.Len())
	for w := range p.Waves {
		for i := range p.Waves[w].Items {
			all[p.Waves[w].Items[i].Tenant.ID] = Position{w, i}
		}
	}
	return all
}

// IndexOf returns the index of a tenant among items; -1 when it is not there.
func IndexOf(items []Item, id string) int {
	return slices.IndexFunc(items, func(i Item) bool { return i.Tenant.ID == id })
}

// ItemsOf returns the items of those tenants.
func (w *Wave) ItemsOf(ids []string) []Item {
	var items []Item
	for i := range w.Items {
		if slices.Contains(ids, w.Items[i].Tenant.ID) {
			items = append(items, w.Items[i])
		}
	}
	return items
}

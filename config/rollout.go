package config

import (
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
)

// builder fills a Project from merged values, and complains about values that contradict each other. A
// value that was found bad before is not in its input; its zero value stands for it then.
type builder struct {
	merged   *merged
	mistakes *mistakes
	tree     *field
	dir      string // absolute folder of the config
	opts     Options
	project  *Project
}

func (b *builder) build(servers []string) {
	p := b.project
	p.lookup = lookup(b.opts.Env)
	p.Fleet = b.text("fleet")
	if p.Fleet == "" {
		p.Fleet = fleetOf(b.dir)
	}
	b.revisions()
	b.state()
	for _, name := range servers {
		p.Servers = append(p.Servers, b.server(name))
	}
	b.guards()
	p.Compare = Compare{
		Scope:    b.text("compare.scope"),
		Exclude:  list(b.tree.at("compare").at("exclude")),
		Types:    b.flag("compare.types"),
		Defaults: b.flag("compare.defaults"),
	}
	p.Engine = b.engine()
	b.sources()
	b.sharedTenants()
	p.Policy = b.policy() // after the sources: their dialect says which checks can be
	p.Policy.Waves = b.waves()
	p.Policy.Pins = b.pins()
	p.Notify = b.hooks()
}

// fleetOf names a fleet that has no name after its folder.
func fleetOf(dir string) string {
	if name := filepath.Base(dir); name != string(filepath.Separator) && name != "." {
		return name
	}
	return "fleet"
}

// lookup makes a function of an environment.
func lookup(env []string) func(string) (string, bool) {
	values := make(map[string]string, len(env))
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		values[name] = value
	}
	return func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}
}

func (b *builder) revisions() {
	r := &b.project.Revisions
	r.Dir = within(b.project.Dir, b.text("revisions.dir"))
	r.Heads = Heads(b.text("revisions.heads"))
	if schema := b.text("revisions.schema"); schema != "" {
		r.Schema = within(b.project.Dir, schema)
	}
	for _, object := range []string{"ix", "uq", "ck", "fk", "pk"} {
		if form := b.text("revisions.naming." + object); form != "" {
			if r.Naming == nil {
				r.Naming = map[string]string{}
			}
			r.Naming[object] = form
		}
	}
	if hooks := b.tree.at("revisions").at("hooks"); hooks != nil {
		for _, h := range hooks.fields {
			if run := h.at("run"); run != nil {
				r.Hooks = append(r.Hooks, Hook{Run: run.texts})
			}
		}
	}
}

// alembicTable is Alembic's version table, which has a meaning of its own.
const alembicTable = "alembic_version"

func (b *builder) state() {
	s := &b.project.State
	s.VersionTable = b.text("state.version_table")
	switch at := split("state.version_table"); {
	case s.VersionTable == alembicTable:
		b.mistakes.add(b.merged.blame(KindLater, at, alembicTable+" "+notYet, "name a table of skein's own; the default is skein_version"))
	case strings.ContainsAny(s.VersionTable, ".\"\n") || len(s.VersionTable) > 63:
		b.mistakes.add(b.merged.blame(KindValue, at, "expected the bare name of a table, at most 63 bytes", "it lies in the tenant's own schema, so it is named without one"))
	}
	s.Store = b.secret(split("state.store"), kindStore)
	s.KeepDowngrades = b.flag("state.keep_downgrades")
}

func (b *builder) guards() {
	g := &b.project.Guards
	g.MinTenants = b.count("guards.min_tenants")
	b.project.Touches = b.touches()
	if b.text("guards.max_shrink") == "" {
		return
	}
	g.MaxShrink = b.percent("guards.max_shrink")
	if g.MaxShrink == 0 {
		g.MaxShrink = math.SmallestNonzeroFloat64 // 0 would mean no limit; 0% means that none may be missing
	}
}

// touches are the globs of guards.touches, of the file or of a variable.
func (b *builder) touches() []string {
	at := split("guards.touches")
	if where, _ := b.merged.origin(at); where >= fromEnv {
		return parseTexts(b.merged.get(at))
	}
	return list(b.tree.at("guards").at("touches"))
}

func (b *builder) policy() plan.Policy {
	p := plan.Policy{
		PerServer: b.count("rollout.per_server"),
		Retry: plan.Retry{
			Attempts: b.count("rollout.retry.attempts"),
			Base:     b.duration("rollout.retry.base"),
			Max:      b.duration("rollout.retry.max"),
		},
		ServerPatience: b.duration("rollout.server_patience"),
		OnFailure:      plan.OnFailure(b.text("rollout.on_failure")),
		MaxFailures:    b.budget("rollout.max_failures"),
		Tolerance:      plan.Tolerance(b.text("rollout.tolerance")),
		Systemic:       orNever(b.count("rollout.systemic")),
		HideValues:     !b.flag("errors.values"),
	}
	if b.text("rollout.concurrency") != "auto" {
		p.Concurrency = b.count("rollout.concurrency")
	}
	if p.Retry.Base > p.Retry.Max && p.Retry.Max > 0 {
		at := split("rollout.retry.base")
		if r, _ := b.merged.origin(at); r == fromDefault {
			at = split("rollout.retry.max")
		}
		b.mistakes.add(b.merged.blame(KindConflict, at,
			"retry.base "+p.Retry.Base.String()+" is above retry.max "+p.Retry.Max.String(), "the first wait must not exceed the longest"))
	}
	return p
}

// orNever turns the 0 of the file into the orchestrator's word for never; its zero means the default.
func orNever(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

func (b *builder) engine() engine.Config {
	c := engine.Config{
		LockTimeout:      b.duration("rollout.lock_timeout"),
		StatementTimeout: b.duration("rollout.statement_timeout"),
		Mode:             engine.Mode(b.text("rollout.transaction")),
	}
	if c.LockTimeout == 0 {
		c.LockTimeout = -1 // the engine's word for none; its zero means the default
	}
	return c
}

// The readers of one value. Forms were checked before, so they do not complain again.

func (b *builder) text(name string) string { return b.merged.get(split(name)) }

func (b *builder) flag(name string) bool {
	v, _ := parseBool(b.text(name))
	return v
}

func (b *builder) count(name string) int {
	n, _ := (&key{zero: true}).parseCount(b.text(name))
	return n
}

func (b *builder) duration(name string) time.Duration {
	d, _ := (&key{zero: true}).parseDuration(b.text(name))
	return d
}

func (b *builder) percent(name string) float64 {
	f, _ := (&key{}).parsePercent(b.text(name))
	return f
}

func (b *builder) budget(name string) plan.Budget {
	count, percent, _ := (&key{}).parseBudget(b.text(name))
	return plan.Budget{Count: count, Percent: percent}
}

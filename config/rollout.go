package config

import (
	"fmt"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

func (b *builder) policy() plan.Policy {
	base, longest := b.at("rollout.retry.base"), b.at("rollout.retry.max")
	p := plan.Policy{
		Concurrency: get[int](b, "rollout.concurrency"),
		PerServer:   get[int](b, "rollout.per_server"),
		Retry: plan.Retry{
			Attempts: get[int](b, "rollout.retry.attempts"),
			Base:     valueOf[time.Duration](base),
			Max:      valueOf[time.Duration](longest),
		},
		ServerPatience: get[time.Duration](b, "rollout.server_patience"),
		OnFailure:      get[plan.OnFailure](b, "rollout.on_failure"),
		MaxFailures:    get[plan.Budget](b, "rollout.max_failures"),
		Tolerance:      get[plan.Tolerance](b, "rollout.tolerance"),
		Systemic:       orNever(get[int](b, "rollout.systemic")),
		HideValues:     !get[bool](b, "errors.values"),
	}
	if p.Retry.Base > p.Retry.Max {
		at := base
		if at.layer == fromDefault {
			at = longest
		}
		b.errorAtValue(KindConflict, at,
			"retry.base "+p.Retry.Base.String()+" is above retry.max "+p.Retry.Max.String(), "the first wait must not exceed the longest")
	}
	return p
}

// orNever returns -1 for 0: 0 means never in the config, and the default in the orchestrator.
func orNever(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

func (b *builder) engine() engine.Config {
	c := engine.Config{
		LockTimeout:      get[time.Duration](b, "rollout.lock_timeout"),
		StatementTimeout: get[time.Duration](b, "rollout.statement_timeout"),
		Mode:             get[engine.Mode](b, "rollout.transaction"),
	}
	if c.LockTimeout == 0 {
		c.LockTimeout = -1 // no timeout; in the engine 0 means the default
	}
	return c
}

// waves reads rollout.waves.
func (b *builder) waves() []plan.WaveSpec {
	var waves []plan.WaveSpec
	var taker *field // the first wave that takes all remaining tenants
	names := map[string]*yaml.Node{}
	for _, f := range b.tree.at("rollout").at("waves").entries() {
		b.checkUnique(f.at("name"), "waves", names)
		w := wave(f)
		w.Gate = b.gate(f.at("gate"))
		waves = append(waves, w)
		switch {
		case taker != nil:
			b.errorAtKey(KindConflict, f,
				fmt.Sprintf("never gets a tenant: wave %s in line %d takes all remaining tenants", quote(get[string](taker, "name")), taker.place().Line),
				"give that wave `tenants` or a `size`, or move it to the end")
		case takesAll(f, w.Size):
			taker = f
		}
	}
	return waves
}

// wave reads an entry without its gate.
func wave(f *field) plan.WaveSpec {
	return plan.WaveSpec{
		Name:       get[string](f, "name"),
		Tenants:    get[tenant.Selector](f, "tenants"),
		Size:       get[plan.Size](f, "size"),
		Order:      get[plan.Order](f, "order"),
		AllowEmpty: get[bool](f, "allow_empty"),
	}
}

// takesAll reports whether no tenant remains for later waves. An invalid wave, or one with unknown keys, may have been
// meant otherwise.
func takesAll(f *field, size plan.Size) bool {
	const all = 100 // percent
	return !f.invalid && f.allKnown() && f.at("tenants") == nil && (f.at("size") == nil || size.Percent >= all)
}

// pins reads `pins`, without those that have ended, of which it warns.
func (b *builder) pins() []plan.Pin {
	var pins []plan.Pin
	for _, f := range b.tree.at("pins").entries() {
		p := plan.Pin{
			Tenants: get[tenant.Selector](f, "tenants"),
			Freeze:  get[bool](f, "freeze"),
			Target:  get[string](f, "target"),
			Reason:  get[string](f, "reason"),
			Until:   get[time.Time](f, "until"),
		}
		b.checkEffect(f, p)
		if !b.expired(f, p) {
			pins = append(pins, p)
		}
	}
	return pins
}

// checkEffect reports a pin that has not exactly one effect.
func (b *builder) checkEffect(f *field, p plan.Pin) {
	switch freeze, target := f.at("freeze"), f.at("target"); {
	case p.Freeze && target != nil:
		b.errorAtKey(KindConflict, target, "a frozen tenant has no target", "keep one of `freeze` and `target`")
	case p.Freeze || target != nil || !f.allKnown() || freeze != nil && freeze.invalid:
	case freeze != nil:
		b.errorAtValue(KindMissing, freeze, "the pin has no effect", "set `freeze: true` or a `target`, or remove the pin")
	case len(f.fields) > 0 || !f.invalid:
		b.errorAtKey(KindMissing, f, "a pin needs one of freeze, target", "")
	}
}

// expired reports whether a pin has ended, and warns of it.
func (b *builder) expired(f *field, p plan.Pin) bool {
	if p.Until.IsZero() || p.Until.After(b.opts.Now) {
		return false
	}
	until := f.at("until")
	b.project.Warnings = append(b.project.Warnings, fmt.Sprintf("%s: %s: the pin of %s has ended; remove it or set a later date",
		b.source(until), until.path, quote(p.Tenants.String())))
	return true
}

package config

import (
	"cmp"
	"errors"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/gate"
	"github.com/skeindb/skein/orchestrator/plan"
)

// The kinds of checks, which are also their keys.
const (
	checkSQL        = "sql"
	checkHTTP       = "http"
	checkExec       = "exec"
	checkPrometheus = "prometheus"
)

// gate reads the gate of a wave. Its short forms come first, as checks named after their kind, then `checks` in order.
func (b *builder) gate(f *field) plan.Gate {
	if f == nil {
		return plan.Gate{}
	}
	g := plan.Gate{Bake: get[time.Duration](f, "bake"), Approval: get[bool](f, "approval")}
	names := map[string]*yaml.Node{}
	for _, kind := range []string{checkSQL, checkHTTP, checkExec} {
		short := f.at(kind)
		if short == nil {
			continue
		}
		names[kind] = short.name
		c := schedule(f, f)
		c.Name, c.Meter = kind, b.meter(f, kind)
		g.Checks = append(g.Checks, c)
	}
	for _, entry := range f.at("checks").entries() {
		b.checkUnique(entry.at("name"), "checks", names)
		kind := b.check(entry)
		c := schedule(entry, f)
		c.Name, c.Meter = get[string](entry, "name"), b.meter(entry, kind)
		g.Checks = append(g.Checks, c)
	}
	if g.IsZero() && !f.anyInvalid() && f.allKnown() && f.at("drift") == nil {
		b.errorAtKey(KindMissing, f, "has no condition for the next wave", "add a `bake`, a check such as `sql`, or `approval: true`; or remove it")
	}
	return g
}

// schedule reads interval, timeout and limits of a check. The defaults are those of its gate, then of the orchestrator.
func schedule(check, gate *field) plan.Check {
	at := func(name string) *field {
		if f := check.at(name); f != nil {
			return f
		}
		return gate.at(name)
	}
	c := plan.Check{
		Interval: valueOf[time.Duration](at("interval")),
		Timeout:  valueOf[time.Duration](at("timeout")),
		Failures: valueOf[int](at("failures")),
	}
	if f := at("inconclusive"); f != nil {
		c.Inconclusive = orNever(valueOf[int](f))
	}
	return c
}

// check returns the kind of an entry of `checks`, and reports keys that contradict it; "" when it has no kind.
func (b *builder) check(f *field) string {
	if f.invalid && len(f.fields) == 0 {
		return ""
	}
	kind := b.oneKind(f, "check", checkSQL, checkHTTP, checkExec, checkPrometheus)
	if kind == "" {
		return ""
	}
	b.checkKind(f, kind)
	if kind == checkPrometheus && f.at("query") == nil && f.allKnown() {
		b.errorAtKey(KindMissing, f.at(checkPrometheus), "needs a query", "set `query` to a PromQL query")
	}
	if per := f.at("per"); kind == checkSQL && per != nil && !per.invalid {
		b.perServer(per)
	}
	return kind
}

// perServer reports `per: server` where there is no server.
func (b *builder) perServer(per *field) {
	const advice = "remove it to query each tenant"
	switch {
	case valueOf[gate.Per](per) != gate.PerServer:
	case b.project.dialect == revision.SQLite:
		b.errorAtValue(KindConflict, per, "the tenants are SQLite files, which have no server", advice)
	case len(b.project.Servers) == 0 && !b.opts.Offline:
		b.errorAtValue(KindConflict, per, "there is no server to query", "add the servers to `servers`; or "+advice)
	}
}

// meter returns the meter of a check; nil without a kind. The field is an entry of `checks`, or a gate with a short form.
func (b *builder) meter(f *field, kind string) plan.Meter {
	expect := get[gate.Expect](f, "expect")
	switch kind {
	case checkSQL:
		b.checkQuery(f.at(checkSQL))
		return gate.SQL{Query: get[string](f, checkSQL), Per: cmp.Or(get[gate.Per](f, "per"), gate.PerTenant), Expect: expect}
	case checkHTTP:
		return gate.HTTP{URL: get[Secret](f, checkHTTP).Value, Headers: b.headers(f.at("headers"))}
	case checkExec:
		return gate.Exec{Run: get[[]string](f, checkExec), Dir: b.dir}
	case checkPrometheus:
		return gate.Prometheus{
			URL: get[Secret](f, checkPrometheus).Value, Query: get[string](f, "query"), Expect: expect, Headers: b.headers(f.at("headers")),
		}
	}
	return nil
}

// checkQuery reports a query that the engine would refuse.
func (b *builder) checkQuery(f *field) {
	query := valueOf[string](f)
	if query == "" {
		return
	}
	_, err := engine.ReadOnlyQuery(query, b.project.dialect)
	if e, ok := errors.AsType[*engine.Error](err); ok {
		b.errorAtValue(KindValue, f, e.Message, e.Advice)
	}
}

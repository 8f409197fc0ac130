package config

import (
	"errors"

	"gopkg.in/yaml.v3"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/gate"
	"github.com/skeindb/skein/orchestrator/plan"
)

// The keys that say how a check asks.
const (
	checkSQL        = "sql"
	checkHTTP       = "http"
	checkExec       = "exec"
	checkPrometheus = "prometheus"
)

// gate reads what must hold after a wave: its short forms first, as checks named after their kind, then its
// checks in the order of the file.
func (b *builder) gate(f *field) plan.Gate {
	if f == nil {
		return plan.Gate{}
	}
	g := plan.Gate{Bake: f.duration("bake"), Approval: f.flag("approval")}
	names := map[string]*yaml.Node{}
	for _, kind := range []string{checkSQL, checkHTTP, checkExec} {
		short := f.at(kind)
		if short == nil {
			continue
		}
		names[kind] = short.name
		c := pace(f, f)
		c.Name, c.Meter = kind, b.meter(f, kind)
		g.Checks = append(g.Checks, c)
	}
	for _, entry := range f.at("checks").entries() {
		b.unique(entry.at("name"), "checks", names)
		kind := b.check(entry)
		c := pace(entry, f)
		c.Name, c.Meter = entry.text("name"), b.meter(entry, kind)
		g.Checks = append(g.Checks, c)
	}
	if g.IsZero() && !broken(f) && whole(f) && f.at("drift") == nil {
		b.blame(KindMissing, f, "has nothing that must hold before the next wave", "give it a `bake`, a check such as `sql`, or `approval: true`; or take it away")
	}
	return g
}

// pace reads how often and how patiently a check is measured; what it does not say is its gate's to say, and
// after that the orchestrator's.
func pace(check, gate *field) plan.Check {
	from := func(name string) *field {
		if check.at(name) != nil {
			return check
		}
		return gate
	}
	c := plan.Check{
		Interval: from("interval").duration("interval"),
		Timeout:  from("timeout").duration("timeout"),
		Failures: from("failures").count("failures"),
	}
	if f := from("inconclusive"); f.at("inconclusive") != nil {
		c.Inconclusive = orNever(f.count("inconclusive"))
	}
	return c
}

// check returns how an entry of `checks` asks; "" when it does not say. It complains about what contradicts that.
func (b *builder) check(f *field) string {
	if f.broken && len(f.fields) == 0 {
		return ""
	}
	kind := b.oneKind(f, "check", []string{checkSQL, checkHTTP, checkExec, checkPrometheus})
	if kind == "" {
		return ""
	}
	const away = "take it away"
	b.only(f, kind, map[string]fit{
		"per": {[]string{checkSQL}, away}, "query": {[]string{checkPrometheus}, away},
		"expect": {[]string{checkSQL, checkPrometheus}, away}, "headers": {[]string{checkHTTP, checkPrometheus}, away},
	})
	if kind == checkPrometheus && f.at("query") == nil && whole(f) {
		b.blame(KindMissing, f.at(checkPrometheus), "goes with a query, and this check has none", "write the query in PromQL as `query`")
	}
	if per := f.at("per"); kind == checkSQL && per != nil && !per.broken {
		b.perServer(per)
	}
	return kind
}

// perServer complains about a query to each server where there is none.
func (b *builder) perServer(per *field) {
	const advice = "take it away, and each tenant is asked"
	switch {
	case gate.Per(per.node.Value) != gate.PerServer:
	case b.project.dialect == revision.SQLite:
		b.blameValue(KindConflict, per, "the tenants are SQLite files, which have no server", advice)
	case len(b.project.Servers) == 0 && !b.opts.Offline:
		b.blameValue(KindConflict, per, "there is no server to ask", "name the servers below `servers`; or "+advice)
	}
}

// meter makes what asks; nil for no kind. The field is an entry of `checks`, or a gate with a short form.
func (b *builder) meter(f *field, kind string) plan.Meter {
	switch kind {
	case checkSQL:
		b.question(f.at(checkSQL))
		return gate.SQL{Query: f.text(checkSQL), Per: per(f), Expect: expect(f)}
	case checkHTTP:
		return gate.HTTP{URL: b.address(f.at(checkHTTP)), Headers: b.headers(f.at("headers"))}
	case checkExec:
		return gate.Exec{Run: f.at(checkExec).texts, Dir: b.dir}
	case checkPrometheus:
		return gate.Prometheus{
			URL: b.address(f.at(checkPrometheus)), Query: f.text("query"), Expect: expect(f), Headers: b.headers(f.at("headers")),
		}
	}
	return nil
}

// question complains about a query that no tenant would be asked.
func (b *builder) question(f *field) {
	if f.broken || f.node.Kind != yaml.ScalarNode {
		return
	}
	_, err := engine.ReadOnlyQuery(f.node.Value, b.project.dialect)
	if e, ok := errors.AsType[*engine.Error](err); ok {
		b.blameValue(KindValue, f, e.Message, e.Advice)
	}
}

func per(f *field) gate.Per {
	if f.text("per") == "" {
		return gate.PerTenant
	}
	return gate.Per(f.text("per"))
}

func expect(f *field) gate.Expect {
	text := f.text("expect")
	if text == "" {
		return gate.Expect{}
	}
	e, _ := parseExpect(text)
	return e
}

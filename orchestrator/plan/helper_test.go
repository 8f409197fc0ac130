package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/tenant"
)

var planCreated = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// rev makes a revision in memory; its options are those of both sections.
func rev(id, revises string, options ...revision.Options) *revision.Revision {
	r := &revision.Revision{
		ID: id, File: id + "_x.sql",
		Upgrade:   &revision.Section{Raw: "up " + id, Checksum: "up " + id},
		Downgrade: &revision.Section{Raw: "down " + id, Checksum: "down " + id},
	}
	if revises != "" {
		r.Revises = strings.Fields(revises)
	}
	for _, o := range options {
		r.Upgrade.Options, r.Downgrade.Options = o, o
	}
	return r
}

func graph(t testing.TB, revs ...*revision.Revision) *revision.Graph {
	t.Helper()
	g, err := revision.NewGraph(revs)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// linearGraph is the graph a ← b ← c.
func linearGraph(t testing.TB) *revision.Graph {
	t.Helper()
	return graph(t, rev("a", ""), rev("b", "a"), rev("c", "b"))
}

// tenantsOn makes tenants s1, s2, … of a server, all in one database.
func tenantsOn(server string, n int) []tenant.Tenant {
	tenants := make([]tenant.Tenant, n)
	for i := range tenants {
		id := fmt.Sprintf("%s-%04d", server, i+1)
		tenants[i] = tenant.Tenant{ID: id, Source: "1", Location: engine.Location{
			Dialect: revision.Postgres, Server: server, Database: "app", Schema: id,
		}}
	}
	return tenants
}

// standingAt is a standing with those revisions applied, judged as the engine does.
func standingAt(g *revision.Graph, ids ...string) engine.Standing {
	a := &engine.Applied{}
	for _, id := range g.Sort(ids) {
		a.Rows = append(a.Rows, engine.Row{Revision: id})
	}
	unknown, _ := g.Check(ids)
	s := engine.Standing{Applied: a, State: engine.Behind, Heads: append(g.HeadsOf(ids), unknown...)}
	switch {
	case len(unknown) > 0:
		s.State = engine.Ahead
	case len(ids) == 0:
		s.State = engine.Empty
	case len(ids) == g.Len():
		s.State = engine.Current
	}
	return s
}

// rowsOf is a standing with rows such as "a b:r1": revision a, and b, which rollout r1 applied.
func rowsOf(g *revision.Graph, rows string) engine.Standing {
	var ids []string
	by := map[string]string{}
	for _, row := range strings.Fields(rows) {
		id, rollout, _ := strings.Cut(row, ":")
		ids, by[id] = append(ids, id), rollout
	}
	s := standingAt(g, ids...)
	s.Applied.Rows = nil
	slices.Sort(ids)
	for _, id := range ids {
		s.Applied.Rows = append(s.Applied.Rows, engine.Row{Revision: id, Rollout: by[id]})
	}
	return s
}

// repeatStanding gives each tenant the same standing.
func repeatStanding(n int, s engine.Standing) []engine.Standing {
	standings := make([]engine.Standing, n)
	for i := range standings {
		standings[i] = s
	}
	return standings
}

func request() plan.Options {
	return plan.Options{
		Rollout: "r1", Fleet: "acme", Kind: plan.KindUpgrade, Targets: []string{"heads"}, Created: planCreated,
	}
}

func newPlan(t testing.TB, g *revision.Graph, tenants []tenant.Tenant, standings []engine.Standing) *plan.Runnable {
	t.Helper()
	p, err := plan.New(members(tenants, standings), g, request())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func engineError(c engine.Class, message string) error {
	return &engine.Error{Class: c, Message: message}
}

// outcome makes the facts of a first run in which those tenants ended so.
func outcomes(ends map[string]plan.Outcome) []rollout.Event {
	facts := []rollout.Fact{rollout.Started{Run: 1, Waves: []rollout.WavePlanned{{Name: "all", Tenants: 8}}}}
	for id, o := range ends {
		facts = append(facts, rollout.TenantFinished{Tenant: id, Wave: "all", Outcome: o, Failure: &plan.Failure{Message: "x"}})
	}
	events := make([]rollout.Event, len(facts))
	for i, f := range facts {
		events[i] = rollout.Event{Rollout: "r1", Seq: int64(i + 1), Time: planCreated, Fact: f}
	}
	return events
}

// cohortsInWords prints where each tenant of the plan goes: "id: steps" or why not.
func cohortsInWords(p *plan.Plan) []string {
	lines := []string{}
	for _, item := range p.Waves[0].Items {
		c := p.Cohorts[item.Cohort]
		what := strings.Join(c.Steps, " ")
		switch c.Action {
		case plan.ActionGone:
			what = "gone"
		case plan.ActionRefuse:
			what = "refused " + string(c.Failure.Class)
		case plan.ActionSkip:
			what = "skipped"
		case plan.ActionNone:
			what = "unchanged"
		}
		lines = append(lines, item.Tenant.ID+": "+what)
	}
	slices.Sort(lines)
	return lines
}

// members pairs tenants with where they stand.
func members(tenants []tenant.Tenant, standings []engine.Standing) []plan.Member {
	if len(tenants) != len(standings) {
		panic(fmt.Sprintf("%d tenants, but %d standings", len(tenants), len(standings)))
	}
	all := make([]plan.Member, len(tenants))
	for i := range tenants {
		all[i] = plan.Member{Tenant: tenants[i], Standing: standings[i]}
	}
	return all
}

// withSizes gives members their sizes; -1 = not known.
func withSizes(of []plan.Member, bytes []int64) []plan.Member {
	for i, size := range bytes {
		if of[i].Size = size; size == 0 {
			of[i].Size = 1 // as of an empty file
		}
	}
	return of
}

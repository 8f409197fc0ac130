package gate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// fakeQuerier answers by location, and records what it was asked.
type fakeQuerier struct {
	replies map[string]engine.QueryResult // by schema, else server, else file; else `one`
	one     engine.QueryResult
	asked   []engine.Location
	query   string
}

func (o *fakeQuerier) QueryEach(_ context.Context, targets []engine.Location, query string) []engine.QueryResult {
	o.asked, o.query = targets, query
	replies := make([]engine.QueryResult, len(targets))
	for i, t := range targets {
		name := t.Schema + t.File
		if name == "" {
			name = t.Server
		}
		var ok bool
		if replies[i], ok = o.replies[name]; !ok {
			replies[i] = o.one
		}
	}
	return replies
}

func textAnswer(s string) engine.QueryResult { return engine.QueryResult{Text: s, Rows: 1} }

// wave has n tenants on two servers.
func wave(o plan.Querier, n int) plan.Subject {
	s := plan.Subject{Rollout: "r1", Fleet: "acme", Target: "heads", Wave: "canary", Asker: o}
	for i := range n {
		id := fmt.Sprintf("t_%02d", i)
		s.Tenants = append(s.Tenants, tenant.Tenant{ID: id, Location: engine.Location{
			Dialect: revision.Postgres, Server: fmt.Sprint("db", i%2), Database: "app", Schema: id,
		}})
	}
	return s
}

// measured compares a measure but for its second text: see TestEvidenceWithoutValues.
func measured(t *testing.T, got, want plan.Measure) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(plan.Measure{}, "Redacted")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSQLAsksTenants(t *testing.T) {
	t.Parallel()
	refused := &engine.Error{Class: engine.Connection, Message: "connection\nrefused"}
	for _, test := range []struct {
		name    string
		expect  string
		replies map[string]engine.QueryResult
		one     engine.QueryResult
		tenants int
		want    plan.Measure
	}{
		{"all pass", "", nil, textAnswer("t"), 60, plan.Measure{Verdict: pass, Evidence: "60 tenants answered true"}},
		{"one passes", "> 0", nil, textAnswer("3"), 1, plan.Measure{Verdict: pass, Evidence: "1 tenant answered > 0"}},
		{"no tenant to ask", "", nil, textAnswer("f"), 0, plan.Measure{Verdict: plan.VerdictInconclusive, Evidence: "no tenant of the wave stands where it should: none was asked"}},
		{
			"some fail", "> 0", map[string]engine.QueryResult{"t_01": textAnswer("0"), "t_05": textAnswer("0")}, textAnswer("3"), 60,
			plan.Measure{Verdict: fail, Evidence: "2 of 60 tenants: got 0, want > 0: t_01, t_05", Tenants: []string{"t_01", "t_05"}},
		},
		{
			"all fail", "", nil, textAnswer("f"), 12,
			plan.Measure{
				Verdict: fail, Evidence: "12 of 12 tenants: got f, want true: t_00, t_01, t_02, t_03, t_04 …",
				Tenants: []string{"t_00", "t_01", "t_02", "t_03", "t_04", "t_05", "t_06", "t_07", "t_08", "t_09"},
			},
		},
		{
			"a failure outweighs what is not known", "> 0",
			map[string]engine.QueryResult{"t_00": {}, "t_01": {Null: true, Rows: 1}, "t_02": {Null: true, Rows: 1}, "t_03": {Err: refused}, "t_04": textAnswer("0")}, textAnswer("1"), 9,
			plan.Measure{
				Verdict: fail, Evidence: "1 of 9 tenants: got 0, want > 0: t_04; 2: got NULL: t_01, t_02; 1: no row: t_00; 1 otherwise",
				Tenants: []string{"t_04", "t_01", "t_02", "t_00", "t_03"},
			},
		},
		{
			"an error", "", map[string]engine.QueryResult{"t_01": {Err: refused}}, textAnswer("on"), 2,
			plan.Measure{Verdict: inconclusive, Evidence: "1 of 2 tenants: connection refused: t_01", Tenants: []string{"t_01"}},
		},
		{
			"no number", "< 5", map[string]engine.QueryResult{"t_01": textAnswer("many\x1b[31m")}, textAnswer("1"), 2,
			plan.Measure{Verdict: inconclusive, Evidence: "1 of 2 tenants: got many\x1b[31m, want < 5, which is not a number: t_01", Tenants: []string{"t_01"}},
		},
		{
			"an empty text", "= x", nil, textAnswer(""), 1,
			plan.Measure{Verdict: fail, Evidence: `1 of 1 tenant: got "", want = x: t_00`, Tenants: []string{"t_00"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := &fakeQuerier{replies: test.replies, one: test.one}
			measured(t, SQL{Query: "select 1", Expect: expect(t, test.expect)}.Measure(t.Context(), wave(o, test.tenants)), test.want)
			if test.tenants > 0 && (o.query != "select 1" || len(o.asked) != test.tenants) {
				t.Errorf("%d were asked %q", len(o.asked), o.query)
			}
		})
	}
}

func TestSQLAsksServers(t *testing.T) {
	t.Parallel()
	o := &fakeQuerier{one: textAnswer("t"), replies: map[string]engine.QueryResult{"db1": textAnswer("f")}}
	measured(t, SQL{Query: "select 1", Per: PerServer}.Measure(t.Context(), wave(o, 7)),
		plan.Measure{Verdict: fail, Evidence: "1 of 2 servers: got f, want true: db1"})
	want := []engine.Location{{Dialect: revision.Postgres, Server: "db0"}, {Dialect: revision.Postgres, Server: "db1"}}
	if diff := cmp.Diff(want, o.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}

	o = &fakeQuerier{one: textAnswer("t")}
	files := plan.Subject{Asker: o}
	for _, path := range []string{"/data/a.db", "/data/b.db"} {
		files.Tenants = append(files.Tenants, tenant.Tenant{ID: path[6:7], Location: engine.Location{Dialect: revision.SQLite, File: path}})
	}
	measured(t, SQL{Query: "select 1", Per: PerServer}.Measure(t.Context(), files), plan.Measure{Verdict: pass, Evidence: "2 servers answered true"})
}

func TestSQLEvidenceIsBounded(t *testing.T) {
	t.Parallel()
	o := &fakeQuerier{replies: map[string]engine.QueryResult{}}
	s := wave(o, 30)
	for i := range s.Tenants {
		s.Tenants[i].ID = strings.Repeat("ü", 120) + fmt.Sprint(i)
		o.replies[s.Tenants[i].Location.Schema] = engine.QueryResult{Err: fmt.Errorf("%d %s", i, strings.Repeat("long ", 100))}
	}
	m := SQL{Query: "select 1"}.Measure(t.Context(), s)
	if m.Verdict != inconclusive || len(m.Evidence) > allShown || len(m.Tenants) != tenantsKept {
		t.Errorf("%d bytes, %d tenants: %+v", len(m.Evidence), len(m.Tenants), m)
	}
}

func TestSQLThatCannotAsk(t *testing.T) {
	t.Parallel()
	if m := (SQL{Query: "select 1"}).Measure(t.Context(), wave(nil, 2)); m.Verdict != inconclusive {
		t.Errorf("without a tenant to ask: %+v", m)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	o := &fakeQuerier{one: engine.QueryResult{Err: &engine.Error{Class: engine.Canceled, Message: "canceled"}}, replies: map[string]engine.QueryResult{
		"t_00": {Err: errors.New("broken")}, "t_01": textAnswer("t"),
	}}
	measured(t, SQL{Query: "select 1"}.Measure(ctx, wave(o, 4)), plan.Measure{
		Verdict: inconclusive, Evidence: "2 of 4 tenants: no answer in time: t_02, t_03; 1: broken: t_00", Tenants: []string{"t_02", "t_03", "t_00"},
	})
}

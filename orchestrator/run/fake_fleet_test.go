package run_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
	"github.com/skeindb/skein/tenant"
)

// fakeFleet is a fakeRun whose tenants remember where they stand, with waves, gates, and operators at other terminals.
type fakeFleet struct {
	*fakeRun
	policy plan.Policy

	mu             sync.Mutex // also of world, which changes while rollouts run
	db             *fakeDatabase
	duration       time.Duration        // that each tenant takes
	failures       map[string]error     // the error of a tenant, by schema
	discoverErrors []error              // what Discover answers first, one a call
	discoveries    int                  // calls of Discover
	reactions      []func(rollout.Fact) // reactions to what is shown
}

// newFakeFleet plans a rollout over three waves, named canary (2), early (4) and rest, of n tenants at base. Gates are by
// wave.
func newFakeFleet(t testing.TB, n int, gates map[string]plan.Gate) *fakeFleet {
	t.Helper()
	g := linearGraph(t)
	s := &fakeFleet{db: &fakeDatabase{g: g, tenants: tenantsOn("s1", n), applied: map[string][]string{}, recreated: map[string]uint32{}, appliedBy: map[string]string{}, dropped: map[string]bool{}}, duration: time.Second, failures: map[string]error{}}
	s.policy.Waves = []plan.WaveSpec{
		{Name: "canary", Size: plan.Size{Count: 2}, Gate: gates["canary"]},
		{Name: "early", Size: plan.Size{Count: 4}, Gate: gates["early"]},
		{Name: "rest", Gate: gates["rest"]},
	}
	s.plan(t, request())
	return s
}

// plan makes the plan, from where the tenants stand.
func (s *fakeFleet) plan(t testing.TB, req plan.Options) {
	t.Helper()
	req.Policy = s.policy
	p, err := plan.New(members(slices.Clone(s.db.tenants), s.db.survey()), s.db.g, req)
	if err != nil {
		t.Fatal(err)
	}
	s.fakeRun = newFakeRun(t, s.db.g, p)
	s.cfg.Policy, s.cfg.Engine, s.cfg.Surveyor = s.policy, s, s
	s.cfg.Observers = []rollout.Observer{s}
	s.engine.do = s.do
}

func (s *fakeFleet) do(ctx context.Context, job engine.Job) error {
	if err := taking(s.duration)(ctx, job); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failures[job.Location.Schema]
}

// Apply lets the fleet look on, and has the tenant stand where it was taken.
// A tenant that was recreated since it was surveyed is another one.
func (s *fakeFleet) Apply(ctx context.Context, job engine.Job) (engine.Result, error) {
	s.mu.Lock()
	now := s.db.standing(job.Location.Schema)
	other := job.Standing.SchemaID != now.SchemaID || fmt.Sprint(job.Standing.Applied.IDs()) != fmt.Sprint(now.Applied.IDs())
	s.mu.Unlock()
	if other {
		return engine.Result{}, &engine.Error{Class: engine.Gone, Message: "it is another one"}
	}
	result, err := s.engine.Apply(ctx, job)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		after := job.Plan.Parts[len(job.Plan.Parts)-1].After
		for _, id := range after {
			if !slices.Contains(s.db.applied[job.Location.Schema], id) {
				s.db.appliedBy[job.Location.Schema+" "+id] = job.Rollout
			}
		}
		s.db.applied[job.Location.Schema] = after
	}
	return result, err
}

func (s *fakeFleet) Survey(_ context.Context, targets []engine.Location) []engine.Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	standings := make([]engine.Standing, len(targets))
	for i, target := range targets {
		standings[i] = s.db.standing(target.Schema)
	}
	return standings
}

func (s *fakeFleet) SurveyRollout(_ context.Context, targets []engine.Location, rollout string) []engine.Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	standings := make([]engine.Standing, len(targets))
	for i, target := range targets {
		standings[i] = s.db.rows(target.Schema, rollout)
	}
	return standings
}

// discover is a Discover.
func (s *fakeFleet) discover(context.Context) ([]tenant.Tenant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discoveries++
	if len(s.discoverErrors) > 0 {
		err := s.discoverErrors[0]
		s.discoverErrors = s.discoverErrors[1:]
		if err != nil {
			return nil, err
		}
	}
	return slices.Clone(s.db.tenants), nil
}

// followFleet has the run discover the fleet: tenants come and go, and new ones belong to the rollout.
func (s *fakeFleet) followFleet() {
	s.cfg.Discover, s.cfg.Joins = s.discover, func(tenant.Tenant) bool { return true }
}

func (s *fakeFleet) create(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.db.dropped, id)
		s.db.tenants = append(s.db.tenants, tenant.Tenant{ID: id, Source: "1", Location: engine.Location{
			Dialect: revision.Postgres, Server: "s1", Database: "app", Schema: id,
		}})
	}
}

func (s *fakeFleet) remove(id string) {
	s.unlist(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db.dropped[id] = true
}

// unlist lets the sources forget a tenant that is still there.
func (s *fakeFleet) unlist(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db.tenants = slices.DeleteFunc(s.db.tenants, func(t tenant.Tenant) bool { return t.ID == id })
}

// remake drops a tenant and makes it again under its name, with those rows: see [fakeDatabase.setApplied].
func (s *fakeFleet) remake(id string, applied ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db.setApplied(id, applied...)
	s.db.recreated[id]++
}

// appliedTo is what is applied to a tenant.
func (s *fakeFleet) appliedTo(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.db.applied[id])
}

// Observe calls the reactions to a fact.
func (s *fakeFleet) Observe(e rollout.Event) {
	for _, react := range s.reactions {
		react(e.Fact)
	}
}

// command appends what an operator asks.
func (s *fakeFleet) command(c rollout.Command) {
	c.Rollout, c.User, c.Host, c.At = "r1", "eve", "laptop", time.Now()
	if _, err := s.store.Send(context.Background(), c); err != nil {
		panic(err)
	}
}

// commandAfter has an operator ask for something after a time.
func (s *fakeFleet) commandAfter(d time.Duration, c rollout.Command) {
	time.AfterFunc(d, func() { s.command(c) })
}

// approveAll has an operator who approves whatever waits for it.
func (s *fakeFleet) approveAll() {
	s.reactions = append(s.reactions, func(f rollout.Fact) {
		if f, ok := f.(rollout.ApprovalAwaited); ok {
			s.command(rollout.Command{Action: rollout.ActionApprove, Wave: f.Wave})
		}
	})
}

// resume plans what is left and runs it.
func (s *fakeFleet) resume(t testing.TB) *rollout.Report {
	t.Helper()
	s.planResume(t)
	return s.run(t)
}

func (s *fakeFleet) planResume(t testing.TB) {
	t.Helper()
	p, events, err := s.store.Load(context.Background(), "r1")
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	fleet := slices.Clone(s.db.tenants)
	s.mu.Unlock()
	where := run.Locate(context.Background(), s, p, rollout.Current(p, events).Planned(), fleet, func(tenant.Tenant) bool { return true })
	s.cfg.Earlier = events
	s.cfg.Plan, err = plan.Resume(rollout.Current(p, events), rollout.HistoryOf(events), where.Members, s.db.g, plan.ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// inWave are the ids of a wave's tenants, in its order.
func (s *fakeFleet) inWave(name string) []string {
	var ids []string
	for _, w := range s.cfg.Plan.Waves {
		for _, item := range w.Items {
			if w.Name == name {
				ids = append(ids, item.Tenant.ID)
			}
		}
	}
	return ids
}

// emitted are the stored facts of a type.
func emitted[F rollout.Fact](t testing.TB, s *fakeRun) []F {
	t.Helper()
	var all []F
	for _, e := range s.facts(t) {
		if f, ok := e.Fact.(F); ok {
			all = append(all, f)
		}
	}
	return all
}

// sequence is what happened, waves and gates and commands and the end apart from tenants, one word each.
func (s *fakeFleet) sequence(t testing.TB) []string {
	t.Helper()
	var words []string
	for _, e := range s.facts(t) {
		switch f := e.Fact.(type) {
		case rollout.Started:
			words = append(words, fmt.Sprint("run ", f.Run))
		case rollout.WaveStarted:
			words = append(words, f.Wave)
		case rollout.GateClosed:
			words = append(words, f.Wave+" closed")
		case rollout.ApprovalAwaited:
			words = append(words, f.Wave+" waits")
		case rollout.GateSettled:
			words = append(words, fmt.Sprint(f.Wave, " ", f.Verdict))
		case rollout.Commanded:
			word := string(f.Command.Action)
			if f.Refused != "" {
				word += " refused"
			}
			words = append(words, word)
		case rollout.Ended:
			words = append(words, string(f.State))
		}
	}
	return words
}

// meter is a Meter that answers with says: its n-th measure, counted from 0.
type meter struct {
	says func(ctx context.Context, n int) plan.Measure

	mu       sync.Mutex
	at       []time.Time
	subjects []plan.Subject
	busy     bool
	twice    bool // it was asked while it was at work
}

func (m *meter) Measure(ctx context.Context, subject plan.Subject) plan.Measure {
	m.mu.Lock()
	m.twice = m.twice || m.busy
	m.busy = true
	m.at, m.subjects = append(m.at, time.Now()), append(m.subjects, subject)
	n := len(m.at) - 1
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.busy = false
	}()
	return m.says(ctx, n)
}

// since are the times of the measures, counted from the first.
func (m *meter) since() []time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []time.Duration
	for _, at := range m.at {
		all = append(all, at.Sub(m.at[0]))
	}
	return all
}

// meterOf makes a meter that gives these verdicts in turn, and then the last one for ever.
func meterOf(verdicts ...plan.Verdict) *meter {
	return &meter{says: func(_ context.Context, n int) plan.Measure {
		n = min(n, len(verdicts)-1)
		return plan.Measure{Verdict: verdicts[n], Evidence: "it says " + string(verdicts[n])}
	}}
}

// gateOf makes a gate of one check.
func gateOf(m plan.Meter, change func(*plan.Check)) plan.Gate {
	c := plan.Check{Name: "probe", Meter: m}
	if change != nil {
		change(&c)
	}
	return plan.Gate{Checks: []plan.Check{c}}
}

var errSource = errors.New("the source is down")

package run_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
	"github.com/skeindb/skein/orchestrator/store"
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

// fakeEngine is an Applier whose tenants do what do says. It checks what must hold whenever a tenant is
// touched: it was named in the store, it is not running already, and no server has more than perServer allows.
type fakeEngine struct {
	t         testing.TB
	perServer int // 0 = not checked
	do        func(ctx context.Context, job engine.Job) error
	ids       map[engine.Location]string

	mu       sync.Mutex
	named    map[string]bool
	busy     map[string]bool
	running  map[string]int // by server
	peak     map[string]int
	order    []string // tenants as they were taken up
	attempts map[string][]time.Time
	now      int
	most     int
}

func newFakeEngine(t testing.TB, p *plan.Runnable) *fakeEngine {
	t.Helper()
	f := &fakeEngine{
		t: t, ids: map[engine.Location]string{}, named: map[string]bool{}, busy: map[string]bool{},
		running: map[string]int{}, peak: map[string]int{}, attempts: map[string][]time.Time{},
	}
	for _, w := range p.Waves {
		for _, item := range w.Items {
			f.ids[item.Tenant.Location] = item.Tenant.ID
		}
	}
	return f
}

func (f *fakeEngine) Apply(ctx context.Context, job engine.Job) (engine.Result, error) {
	f.mu.Lock()
	id, server := f.ids[job.Location], job.Location.Server
	if id == "" {
		id = job.Location.Schema // it came later
	}
	if !f.named[id] {
		f.t.Errorf("%s is touched before the store knows that it may be", id)
	}
	if f.busy[id] {
		f.t.Errorf("%s is worked on twice at a time", id)
	}
	f.busy[id] = true
	f.running[server]++
	f.now++
	f.most = max(f.most, f.now)
	f.peak[server] = max(f.peak[server], f.running[server])
	if f.perServer > 0 && f.running[server] > f.perServer {
		f.t.Errorf("%d tenants at once on %s", f.running[server], server)
	}
	f.order = append(f.order, id)
	f.attempts[id] = append(f.attempts[id], time.Now())
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.busy[id] = false
		f.running[server]--
		f.now--
	}()
	if f.do != nil {
		if err := f.do(ctx, job); err != nil {
			return engine.Result{}, err
		}
	}
	var done []string
	for _, part := range job.Plan.Parts {
		for _, s := range part.Steps {
			done = append(done, s.Revision.ID)
		}
	}
	return engine.Result{Done: done}, nil
}

func (f *fakeEngine) touched() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.attempts)
}

// taking makes every tenant take so long.
func taking(d time.Duration) func(context.Context, engine.Job) error {
	return func(ctx context.Context, _ engine.Job) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return &engine.Error{Class: engine.Canceled, Message: "cancelled", Err: ctx.Err()}
		}
	}
}

func engineError(c engine.Class, message string) error {
	return &engine.Error{Class: c, Message: message}
}

// dispatchStore is a store that tells the fleet whom it knows to be dispatched, and that can be made to fail.
type dispatchStore struct {
	rollout.FullStore
	fleet *fakeEngine

	mu     sync.Mutex
	broken error
	events []rollout.Event
}

func (w *dispatchStore) Append(ctx context.Context, events []rollout.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return w.broken
	}
	if err := w.FullStore.Append(ctx, events); err != nil {
		return err
	}
	w.events = append(w.events, events...)
	w.fleet.mu.Lock()
	defer w.fleet.mu.Unlock()
	for _, e := range events {
		if d, ok := e.Fact.(rollout.TenantsDispatched); ok {
			for _, id := range d.Tenants {
				w.fleet.named[id] = true
			}
		}
	}
	return nil
}

func (w *dispatchStore) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = err
}

// fakeRun is one run with fakes all around.
type fakeRun struct {
	cfg    run.Config
	engine *fakeEngine
	store  *dispatchStore
}

func newFakeRun(t testing.TB, g *revision.Graph, p *plan.Runnable) *fakeRun {
	t.Helper()
	f := newFakeEngine(t, p)
	store := &dispatchStore{FullStore: store.NewMemory(), fleet: f}
	return &fakeRun{engine: f, store: store, cfg: run.Config{
		Plan: p, Engine: f, Graph: g, Store: store, Holder: rollout.Holder{Host: "h", PID: 7, User: "u"},
	}}
}

// run runs and checks what must hold after every run: the store's facts fold to the live report.
func (s *fakeRun) run(t testing.TB) *rollout.Report {
	t.Helper()
	report, err := run.Run(t.Context(), s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.check(t, report)
	return report
}

func (s *fakeRun) check(t testing.TB, report *rollout.Report) {
	t.Helper()
	_, events, err := s.store.Load(context.Background(), s.cfg.Plan.Rollout)
	if err != nil {
		t.Fatal(err)
	}
	folded := &rollout.Report{}
	for _, e := range events {
		folded.Apply(e)
	}
	sameReports(t, folded, report)
	checkFacts(t, events)
}

// checkFacts checks that the facts are a course that a rollout can take, and that the report is right after each of them.
func checkFacts(t testing.TB, events []rollout.Event) {
	t.Helper()
	r := &rollout.Report{}
	for _, e := range events {
		before, wave := r.State, r.CurrentWave() != nil
		r.Apply(e)
		if checkReport(t, r); t.Failed() {
			t.Fatalf("after %T %+v", e.Fact, e.Fact)
		}
		want := before
		switch f := e.Fact.(type) {
		case rollout.Started:
			want, wave = rollout.StateRunning, false
		case rollout.WaveStarted:
			wave = true
		case rollout.ApprovalAwaited:
			want = rollout.StateWaiting
		case rollout.GateSettled:
			want = rollout.StateRunning
		case rollout.Ended:
			want, wave = f.State, false
		}
		runs := before == rollout.StateRunning || before == rollout.StateWaiting
		_, starts := e.Fact.(rollout.Started)
		_, commanded := e.Fact.(rollout.Commanded)
		tenant, finished := e.Fact.(rollout.TenantFinished)
		_, ended := e.Fact.(rollout.Ended)
		outside := starts || commanded || ended || finished && tenant.Outcome == plan.OutcomeSkipped // by control.ApplyPending
		if r.State != want || (r.CurrentWave() != nil) != wave || !runs && !outside || before == rollout.StateAborted && !commanded {
			t.Fatalf("%s became %s, in a wave: %v, with %T %+v", before, r.State, r.CurrentWave() != nil, e.Fact, e.Fact)
		}
	}
}

// checkReport checks what holds for every report.
func checkReport(t interface{ Errorf(string, ...any) }, r *rollout.Report) {
	sum := 0
	for _, w := range r.Waves {
		for _, o := range outcomesOfTenants {
			if n := w.Count(o); n < 0 {
				t.Errorf("%d of wave %s are %s", n, w.Name, o)
			}
		}
	}
	for _, n := range r.Counts() {
		sum += n
	}
	if sum != r.Planned() {
		t.Errorf("the counts %v sum up to %d, planned are %d", r.Counts(), sum, r.Planned())
	}
	if left := r.Left(); left < 0 || left > r.Planned() {
		t.Errorf("%d left of %d", left, r.Planned())
	}
}

var outcomesOfTenants = []plan.Outcome{
	plan.OutcomePending, plan.OutcomeRunning, plan.OutcomeRetrying, plan.OutcomeDeferred, plan.OutcomeDone,
	plan.OutcomeUnchanged, plan.OutcomeFailed, plan.OutcomeSkipped, plan.OutcomeGone,
}

func (s *fakeRun) facts(t testing.TB) []rollout.Event {
	t.Helper()
	_, events, err := s.store.Load(context.Background(), s.cfg.Plan.Rollout)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func counts(pairs ...any) map[plan.Outcome]int {
	m := map[plan.Outcome]int{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(plan.Outcome)] = pairs[i+1].(int)
	}
	return m
}

var errDisk = errors.New("no space left on device")

// nextR1 is what there is to do with rollout r1.
func nextR1(do rollout.Action) rollout.Next { return rollout.Next{Action: do, Rollout: "r1"} }

// exitCode is that of a program which ends with a report, such as the command line.
func exitCode(r *rollout.Report) int {
	return map[rollout.End]int{rollout.EndComplete: 0, rollout.EndFailed: 2, rollout.EndStopped: 3, rollout.EndInterrupted: 130}[r.End()]
}

func selector(t testing.TB, text string) tenant.Selector {
	t.Helper()
	s, err := tenant.ParseSelector(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

package rollout

import (
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
)

// Report is the state of a rollout: the fold of its facts, and of nothing else. The zero value is a rollout of which nothing
// is known. It is used by one goroutine.
//
// A tenant that was never named is pending. What a run began and did not end is pending again when the run ends. The counts
// are of the whole rollout, over all its runs, and their sum is what was planned. If a store lost facts, the report is wrong
// about them, and consistent in itself.
type Report struct {
	Rollout  string
	Fleet    string
	Kind     plan.Kind
	Target   string
	State    State
	Reason   string // why it halted; "" when there is nothing to say
	Run      int
	Host     string // of the last run
	PID      int
	User     string
	Started  time.Time // of the first run
	Lost     bool      // the store was lost while the last run went on, see [StoreLostError]
	Resumed  time.Time // of the last run; equals Started in the first
	Finished time.Time // of the last run; zero while it runs
	Seq      int64     // of the last stored fact
	Waves    []WaveReport
	Servers  map[string]ServerReport // those that were paused, or whose width changed
	Warnings []string
	Commands []Commanded // with their answers

	TakenBack bool // a rollback of it began

	wave    int           // index into Waves of the one that was begun last
	inWave  bool          // it was begun in this run
	closed  time.Time     // when this run closed the gate that it waits at; zero = at none
	idle    time.Duration // time that this run spent at earlier gates
	tenants map[string]int32
	records []record
	ways    transitions
	running map[int32]RunningTenant
	noticed noticed
	waits   map[string][]TenantWait // by server; some may have ended since
	worked  int                     // tenants that ended in this run after at least one try
}

// WaveReport is one wave of a report.
type WaveReport struct {
	Name     string
	Planned  int
	Started  bool
	Finished bool
	Failures int         // in this run: they count against the budget
	Joined   int         // of Planned: tenants that were not in the fleet when the rollout was planned
	Upgraded time.Time   // when the last of its tenants was done, in whichever run: a bake is counted from it; zero = none was
	Gate     *GateReport // nil until the wave is through, and when it has no gate

	counts counts
}

// ServerReport is the state of a server.
type ServerReport struct {
	Paused   *plan.Failure // why no tenants are dispatched there; nil = they are
	Operator bool          // it is not probed, and waits for an operator
	Width    int           // tenants at once; 0 = as at the start
}

// record is one tenant, in few bytes.
type record struct {
	id       string
	failure  *plan.Failure // the last one
	reason   string
	state    engine.State // of the survey, if it was refused
	duration time.Duration
	way      int32 // index into ways, -1 = none
	wave     int16
	attempt  int16
	steps    int32
	outcome  outcomeIndex
}

// Apply folds one event in. Events of other rollouts must not be mixed in; an event that was folded
// before is dropped.
func (r *Report) Apply(e Event) {
	if e.Seq > 0 {
		if e.Seq <= r.Seq {
			return
		}
		r.Seq = e.Seq
	}
	if r.Rollout == "" {
		r.Rollout = e.Rollout
	}
	switch f := e.Fact.(type) {
	case Started:
		r.started(e, f)
	case WaveStarted:
		r.wave, r.inWave = r.WaveIndex(f.Wave), true
		r.Waves[r.wave].Started, r.Waves[r.wave].Finished = true, false // again, for late tenants
	case TenantsDispatched:
		r.dispatched(f)
	case TenantStarted:
		r.begun(e.Time, f)
	case TenantReturned:
		r.move(r.record(f.Tenant), rankPending)
	case TenantRetrying:
		r.failing(f.Tenant, rankRetrying, f.Attempt, f.Failure)
	case TenantDeferred:
		r.failing(f.Tenant, rankDeferred, f.Attempt, f.Failure)
	case TenantFinished:
		r.finished(e.Time, f)
	case TenantsRunning:
		r.tenantsRunning(e.Time, f)
	case TenantsWaiting:
		r.waiting(f)
	case ServerPaused:
		r.server(f.Server, func(s *ServerReport) { s.Paused, s.Operator = &f.Failure, f.Operator })
	case ServerResumed:
		r.server(f.Server, func(s *ServerReport) { s.Paused, s.Operator = nil, false })
	case WidthChanged:
		r.server(f.Server, func(s *ServerReport) { s.Width = f.Width })
	case Warned:
		r.Warnings = append(r.Warnings, f.Message)
	case TenantsJoined:
		r.joined(f)
	case GateClosed, GateMeasured, ApprovalAwaited, GateSettled:
		r.gate(e.Time, f)
	case Commanded:
		r.commanded(f)
	case WaveFinished:
		r.Waves[r.WaveIndex(f.Wave)].Finished = true
	case Ended:
		r.State, r.Reason, r.Finished, r.Lost = f.State, f.Reason, e.Time, f.Lost
		r.inWave = false
		r.leaveGate(e.Time)
		r.settle()
	}
}

func (r *Report) started(e Event, f Started) {
	if r.Run == 0 {
		r.Started = e.Time
	}
	r.Rollout, r.Fleet, r.Kind, r.Target = e.Rollout, f.Fleet, f.Kind, f.Target
	r.State, r.Reason, r.Run, r.Host, r.PID, r.User = StateRunning, "", f.Run, f.Host, f.PID, f.User
	r.Resumed, r.Finished, r.Lost = e.Time, time.Time{}, false
	r.Servers, r.waits, r.worked, r.inWave = nil, nil, 0, false
	r.closed, r.idle = time.Time{}, 0
	r.settle()
	for i := range r.Waves {
		w := &r.Waves[i]
		w.Started, w.Finished, w.Failures = false, false, 0
		if w.Gate != nil {
			w.Gate.Waiting = false
		}
	}
	for _, planned := range f.Waves {
		w := &r.Waves[r.WaveIndex(planned.Name)]
		w.Planned = max(planned.Tenants, w.counts.named()) // late tenants of earlier runs included
	}
}

// joined adds late tenants to their wave.
func (r *Report) joined(f TenantsJoined) {
	w := &r.Waves[r.WaveIndex(f.Wave)]
	w.Planned += len(f.Items)
	w.Joined += len(f.Items)
}

// settle makes unfinished tenants pending: no worker has them any more.
func (r *Report) settle() {
	for i := range r.records {
		if o := r.records[i].outcome; o == rankRunning || o == rankRetrying || o == rankDeferred {
			r.move(int32(i), rankPending)
		}
	}
}

func (r *Report) dispatched(f TenantsDispatched) {
	for _, id := range f.Tenants {
		i := r.record(id)
		r.shift(i, r.wave)
		r.move(i, rankPending) // whatever its outcome in an earlier run was
	}
}

func (r *Report) begun(at time.Time, f TenantStarted) {
	i := r.record(f.Tenant)
	r.move(i, rankRunning)
	if r.running == nil {
		r.running = map[int32]RunningTenant{}
	}
	r.running[i] = RunningTenant{Tenant: f.Tenant, Since: at, Attempt: f.Attempt}
}

// tenantsRunning notes running tenants that had no tick.
func (r *Report) tenantsRunning(at time.Time, f TenantsRunning) {
	for _, id := range f.Tenants {
		if i := r.record(id); r.records[i].outcome != rankRunning {
			r.begun(at, TenantStarted{Tenant: id, Attempt: int(r.records[i].attempt) + 1})
		}
	}
}

// waiting notes which tenants wait on a server: see [Report.Running].
func (r *Report) waiting(f TenantsWaiting) {
	if r.waits == nil {
		r.waits = map[string][]TenantWait{}
	}
	r.waits[f.Server] = f.Waits
}

func (r *Report) failing(tenant string, to outcomeIndex, attempt int, f plan.Failure) {
	i := r.record(tenant)
	r.records[i].attempt, r.records[i].failure = int16(attempt), &f
	r.move(i, to)
}

func (r *Report) finished(at time.Time, f TenantFinished) {
	w := r.WaveIndex(f.Wave)
	i := r.recordIn(w, f.Tenant)
	rec := &r.records[i]
	to := indexOfOutcome(f.Outcome)
	r.move(i, to)
	rec.attempt, rec.steps, rec.duration = int16(f.Attempt), int32(f.Steps), f.Duration
	rec.failure, rec.reason, rec.state = f.Failure, f.Reason, f.State
	r.notices(i, f.Notices, to == rankFailed)
	r.ways.leave(rec.way)
	rec.way = r.ways.join(f.From, f.To, to)
	r.shift(i, w)
	switch to {
	case rankFailed, rankUncertain:
		r.Waves[w].Failures++
	case rankDone:
		r.Waves[w].Upgraded = at
	}
	if f.Attempt > 0 {
		r.worked++
	}
}

// shift gives a tenant another wave.
func (r *Report) shift(i int32, wave int) {
	rec := &r.records[i]
	if int(rec.wave) == wave {
		return
	}
	r.Waves[rec.wave].counts[rec.outcome]--
	rec.wave = int16(wave)
	r.Waves[wave].add(rec.outcome)
}

// add counts one more tenant of the wave. There are never more than are planned, unless facts were lost.
func (w *WaveReport) add(outcome outcomeIndex) {
	w.counts[outcome]++
	w.Planned = max(w.Planned, w.counts.named())
}

// move gives a tenant another outcome.
func (r *Report) move(i int32, to outcomeIndex) {
	rec := &r.records[i]
	if rec.outcome == rankRunning && r.running != nil {
		delete(r.running, i)
	}
	counts := &r.Waves[rec.wave].counts
	counts[rec.outcome]--
	counts[to]++
	rec.outcome = to
}

// record returns the tenant's place in r.records; a new one is of the wave that was begun last.
func (r *Report) record(id string) int32 {
	r.WaveIndex("") // a store that lost its beginning must not make us panic
	return r.recordIn(r.wave, id)
}

// recordIn is record, with a wave for a tenant that is named for the first time.
func (r *Report) recordIn(wave int, id string) int32 {
	if i, ok := r.tenants[id]; ok {
		return i
	}
	if r.tenants == nil {
		r.tenants = make(map[string]int32, r.Planned())
		r.records = make([]record, 0, r.Planned())
	}
	i := int32(len(r.records))
	r.records = append(r.records, record{id: id, wave: int16(wave), way: -1})
	r.tenants[id] = i
	r.Waves[wave].add(rankPending)
	return i
}

// WaveIndex returns the wave's place; a new wave is appended. "" is any wave.
func (r *Report) WaveIndex(name string) int {
	for i := range r.Waves {
		if r.Waves[i].Name == name || name == "" {
			return i
		}
	}
	r.Waves = append(r.Waves, WaveReport{Name: name})
	return len(r.Waves) - 1
}

func (r *Report) server(name string, change func(*ServerReport)) {
	if r.Servers == nil {
		r.Servers = map[string]ServerReport{}
	}
	s := r.Servers[name]
	change(&s)
	r.Servers[name] = s
}

// SkippedTenant returns the fact that skips a tenant, with what is known of it.
func (r *Report) SkippedTenant(id, reason string) TenantFinished {
	f := TenantFinished{Tenant: id, Outcome: plan.OutcomeSkipped, Reason: reason}
	if i, ok := r.tenants[id]; ok {
		t := r.tenantAt(i)
		f.Wave, f.From, f.To, f.Steps = t.Wave, t.From, t.To, t.Steps
	}
	return f
}

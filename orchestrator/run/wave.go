package run

import (
	"slices"
	"time"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
)

// wave is one wave under way: the tasks, the servers that they wait for, and the clock of those that
// rest. Only the loop touches it.
type wave struct {
	name    string
	items   []plan.Item
	cohorts []plan.Cohort
	tasks   []task // of items
	limits  *limits
	servers []*server
	byName  map[string]*server
	timers  timers

	left     int // tasks without an end, recreated ones not counted
	running  int
	failures int
	refused  int // of failures: tenants that the plan refused, and that were not touched
	away     int // of failures: tenants that were not begun, for their server could not be reached; not counted yet
	budget   int // failures that are allowed; -1 = any number
	round    int // counts the calls of next

	recreated []string // ids of tenants that are not those that were planned, see runner.deferForReplan

	named    []int32 // being named in the store: may start once namedSeq is durable
	namedSeq int64
}

// task is one tenant of the wave.
type task struct {
	began     time.Time // the running try
	epoch     int       // of its server when the try began
	lives     int       // of its server when it was last lost
	attempt   int32     // tries that count, the running one included
	lost      int32     // how often it was lost with a server that lives
	returns   int32     // tries that did not count
	timeouts  int32
	ended     bool
	announced bool // that it is running, for those who read the store
	unknown   bool // whether its last change was committed
}

// newWave prepares to work on items of a wave: all of them, or those that came late.
func newWave(spec *plan.Wave, items []plan.Item, cohorts []plan.Cohort, limits *limits, policy plan.Policy) *wave {
	w := &wave{
		name: spec.Name, items: items, cohorts: cohorts, limits: limits,
		tasks: make([]task, len(items)), byName: map[string]*server{},
		left: len(items), budget: policy.MaxFailures.Of(spec.Planned),
	}
	if policy.OnFailure == plan.OnFailureContinue {
		w.budget = -1
	}
	for i := range w.items {
		item := &w.items[i]
		if cohorts[item.Cohort].Action != plan.ActionMigrate {
			continue // ends without being touched
		}
		s := w.byName[item.Tenant.Location.Server]
		if s == nil {
			s = newServer(item.Tenant.Location.Server, policy.StartConcurrency(item.Tenant.Location.Dialect), policy.PerServer)
			w.byName[s.name] = s
			w.servers = append(w.servers, s)
		}
		s.planned = append(s.planned, int32(i))
	}
	return w
}

func (w *wave) server(t int32) *server { return w.byName[w.items[t].Tenant.Location.Server] }

func (w *wave) cohort(t int32) *plan.Cohort { return &w.cohorts[w.items[t].Cohort] }

// overBudget reports whether more tenants failed than the budget allows.
func (w *wave) overBudget() bool { return w.budget >= 0 && w.failures-w.away > w.budget }

// nextWindow takes the next tenants to be named in the store: as soon as a server has used up half of those it
// has, all servers are filled up. They are in w.named until they may start.
func (w *wave) nextWindow() []string {
	short := false
	for _, s := range w.servers {
		short = short || s.health == well && len(s.planned) > 0 && len(s.ready) < s.window()/2
	}
	if !short {
		return nil
	}
	var names []string
	for _, s := range w.servers {
		if s.health != well {
			continue
		}
		n := min(len(s.planned), max(0, s.window()-len(s.ready)))
		for _, t := range s.planned[:n] {
			w.named = append(w.named, t)
			names = append(names, w.items[t].Tenant.ID)
		}
		s.planned = s.planned[n:]
		s.naming = n
	}
	return names
}

// mayStart lets the named tenants start.
func (w *wave) mayStart() {
	for _, t := range w.named {
		if !w.tasks[t].ended { // its server was given up meanwhile
			s := w.server(t)
			s.ready = append(s.ready, t)
		}
	}
	for _, s := range w.servers {
		s.naming = 0
	}
	w.named, w.namedSeq = w.named[:0], 0
}

// next takes the next tenant that may start, of the server which has the fewest running; false when
// none may.
func (w *wave) next() (int32, bool) {
	w.round++
	for {
		var best *server
		for _, s := range w.servers {
			if s.asked < w.round && s.room() && (best == nil || s.running < best.running) {
				best = s
			}
		}
		if best == nil {
			return 0, false
		}
		if t, ok := best.pick(w); ok {
			return t, true
		}
		best.asked = w.round // its tenants wait for limits
	}
}

// begin notes that the tenant runs from now on, and returns its attempt.
func (w *wave) begin(t int32, now time.Time) int {
	s, k := w.server(t), &w.tasks[t]
	k.attempt++
	k.began, k.epoch, k.announced = now, s.epoch, false
	s.running++
	if s.watch.tasks = append(s.watch.tasks, t); len(s.watch.tasks) == 1 {
		s.watch.at = now.Add(watchAfter)
	}
	w.running++
	w.limits.take(w.items[t].Cohort)
	return int(k.attempt)
}

// returned notes that the tenant runs no more.
func (w *wave) returned(t int32) {
	s := w.server(t)
	s.running--
	s.watch.tasks = slices.DeleteFunc(s.watch.tasks, func(x int32) bool { return x == t })
	s.alone = false
	w.running--
	w.limits.release(w.items[t].Cohort)
	if len(s.warm) < s.width {
		s.warm = append(s.warm, w.items[t].Tenant.Location.Database)
	}
}

// wait sends the tenant to sleep without a worker; it is ready again at the given time.
func (w *wave) wait(t int32, until time.Time) { w.timers.add(timer{at: until, task: t}) }

// ready puts the tenant in front of the others that wait for its server.
func (w *wave) ready(t int32) {
	s := w.server(t)
	s.ready = slices.Insert(s.ready, 0, t)
}

// untouched are the tasks of a server that have no end and do not run: what is lost with it.
func (w *wave) untouched(s *server) []int32 {
	var all []int32
	all = append(append(append(all, s.ready...), s.planned...), s.deferred...)
	for _, t := range w.named {
		if w.server(t) == s {
			all = append(all, t)
		}
	}
	w.timers.remove(func(t timer) bool {
		mine := t.server == nil && w.server(t.task) == s
		if mine {
			all = append(all, t.task)
		}
		return mine
	})
	s.ready, s.planned, s.deferred, s.naming = nil, nil, nil, 0
	return all
}

// remove takes a tenant that is not running out of all queues.
func (w *wave) remove(t int32) {
	s := w.server(t)
	if i := slices.Index(w.named, t); i >= 0 {
		w.named = slices.Delete(w.named, i, i+1)
		s.naming--
	}
	for _, queue := range []*[]int32{&s.planned, &s.ready, &s.deferred} {
		*queue = slices.DeleteFunc(*queue, func(x int32) bool { return x == t })
	}
	w.timers.remove(func(x timer) bool { return x.server == nil && x.task == t })
}

// concurrency returns how many tenants may be running at once as far as policy goes; 0 = any number. Where the
// budget is strict they are no more than may fail yet, and one.
func (w *wave) concurrency(policy *plan.Policy) int {
	most := policy.Concurrency
	if policy.Tolerance != plan.ToleranceStrict || w.budget < 0 {
		return most
	}
	bearable := max(1, w.budget-(w.failures-w.away)+1)
	if most > 0 {
		return min(most, bearable)
	}
	return bearable
}

// stuck are the tasks that only an operator can set going: those of blocked servers.
func (w *wave) stuck() int {
	n := 0
	for _, s := range w.servers {
		if s.health == blocked {
			n += len(s.planned) + s.naming + len(s.ready) + len(s.deferred)
		}
	}
	for _, t := range w.timers.list {
		if t.server == nil && w.server(t.task).health == blocked {
			n++
		}
	}
	return n
}

// headsAfter returns the heads of a tenant which of its plan has got as far as done.
func (w *wave) headsAfter(g *revision.Graph, t int32, done []string) []string {
	c := w.cohort(t)
	if len(done) == 0 || c.EnginePlan() == nil {
		return c.From
	}
	have := w.items[t].Standing.Applied.IDs()
	for _, part := range c.EnginePlan().Parts {
		for _, step := range part.Steps {
			at := slices.Index(have, step.Revision.ID)
			switch {
			case !slices.Contains(done, step.Revision.ID):
			case step.Direction == revision.Down && at >= 0:
				have = slices.Delete(have, at, at+1)
			case step.Direction == revision.Up && at < 0:
				have = append(have, step.Revision.ID)
			}
		}
	}
	return g.HeadsOf(have)
}

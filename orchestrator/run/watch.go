package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// Watcher looks at tenants that are being migrated, over another connection. *postgres.DB is one.
type Watcher interface {
	// Watch returns the sessions that the targets, which are being migrated on a server, wait for. A target that waits for
	// none is left out.
	// An error that wraps a timeout says that the server does not answer; any other, that it could not be looked at.
	Watch(ctx context.Context, server string, targets []engine.Location) (map[engine.Location][]engine.Holder, error)
}

const (
	watchAfter = time.Second     // running, before a tenant is looked at
	watchEvery = time.Second     // between two looks at a server
	watchBound = 5 * time.Second // for one look
	unheardMax = 2               // looks in a row that were not answered, after which the server counts as away
	beatEvery  = 5 * time.Second // between two ticks about tenants that are running or wait
)

// observation is what came of looking at the running tenants on a server.
type observation struct {
	server *server
	begun  time.Time
	lives  int // signs of life of the server when it began
	waits  map[engine.Location][]engine.Holder
	err    error
}

// watched is what a server knows of its running tenants. The zero value: there are none.
type watched struct {
	tasks   []int32
	at      time.Time // of the next look; zero = none is due
	looking bool
	unheard int       // looks in a row that were not answered
	silent  time.Time // when the first of them was begun
	waits   []rollout.TenantWait
	emitted time.Time // when the last event about them was emitted
	warned  bool      // that the run waits for a server that does not answer
	ctx     context.Context
	end     context.CancelFunc // gives up the running tries
}

// nextObservation is when the next look is due; zero = no tenant is running.
func (w *wave) nextObservation() (at time.Time) {
	for _, s := range w.servers {
		if next := s.watch.at; len(s.watch.tasks) > 0 && !s.watch.looking && (at.IsZero() || next.Before(at)) {
			at = next
		}
	}
	return at
}

// watchServers looks at the running tenants on each server for which it is time.
func (r *runner) watchServers(now time.Time) {
	for _, s := range r.wave.servers {
		if len(s.watch.tasks) > 0 && !s.watch.looking && !s.watch.at.After(now) {
			r.observeServer(s, now)
		}
	}
}

// observeServer emits which tenants run for longer than a moment, and asks the server about them.
func (r *runner) observeServer(s *server, now time.Time) {
	var long, fresh []int32
	next := now.Add(watchEvery)
	for _, t := range s.watch.tasks {
		k := &r.wave.tasks[t]
		if ripe := k.began.Add(watchAfter); ripe.After(now) {
			if ripe.Before(next) && len(long) == 0 {
				next = ripe
			}
			continue
		}
		long = append(long, t)
		if !k.announced {
			k.announced = true
			fresh = append(fresh, t)
		}
	}
	s.watch.at = next
	if len(fresh) > 0 {
		r.emit(rollout.TenantsRunning{Tenants: r.wave.ids(fresh)})
		s.watch.emitted = now
	}
	if len(long) == 0 {
		return
	}
	if now.Sub(s.watch.emitted) >= beatEvery {
		s.watch.emitted = now
		if len(s.watch.waits) > 0 {
			r.tick(rollout.TenantsWaiting{Server: s.name, Waits: s.watch.waits})
		} else {
			r.tick(rollout.TenantsRunning{})
		}
	}
	if r.Watcher == nil {
		return
	}
	targets := make([]engine.Location, 0, len(long))
	for _, t := range long {
		targets = append(targets, r.wave.items[t].Tenant.Location)
	}
	s.watch.looking = true
	r.observing++
	lives := s.lives
	go func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, watchBound)
		defer cancel()
		l := observation{server: s, begun: now, lives: lives}
		l.waits, l.err = r.Watcher.Watch(ctx, s.name, targets)
		r.observed <- l
	}(r.probing)
}

func (w *wave) ids(tasks []int32) []string {
	ids := make([]string, 0, len(tasks))
	for _, t := range tasks {
		ids = append(ids, w.items[t].Tenant.ID)
	}
	return ids
}

// handleObservation takes in what was seen.
func (r *runner) handleObservation(l observation) {
	r.observing--
	s := l.server
	s.watch.looking = false
	s.watch.at = time.Now().Add(watchEvery)
	if isSilent(l.err) {
		if l.lives != s.lives { // it answered a probe or a tenant since the look began
			s.watch.unheard = 0
			return
		}
		r.serverSilent(s, l)
		return
	}
	if s.watch.unheard >= unheardMax && s.health == probing && r.halt.state == "" {
		s.answered()
		r.resume(s)
	}
	s.watch.unheard = 0
	if l.err == nil { // else it had no room for us, say
		r.emitWaits(s, l.waits)
	}
}

// isSilent reports whether no answer came. A connection that is refused is an answer: of the machine, which will end those
// that it does not know either.
func isSilent(err error) bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && timeout.Timeout()
}

// emitWaits emits which tenants wait for which sessions, if that has changed.
func (r *runner) emitWaits(s *server, seen map[engine.Location][]engine.Holder) {
	var waits []rollout.TenantWait
	for _, t := range s.watch.tasks {
		if of := seen[r.wave.items[t].Tenant.Location]; len(of) > 0 {
			waits = append(waits, rollout.TenantWait{Tenant: r.wave.items[t].Tenant.ID, For: of})
		}
	}
	if slices.EqualFunc(waits, s.watch.waits, rollout.TenantWait.Same) {
		return
	}
	s.watch.waits, s.watch.emitted = waits, time.Now()
	r.emit(rollout.TenantsWaiting{Server: s.name, Waits: waits})
}

// serverSilent notes that the server did not answer a look. One that does so again is away: it gets no more tenants, and
// those running are given up when it was away for as long as patience goes, or, where the run is to end, they are
// waited for as long.
func (r *runner) serverSilent(s *server, l observation) {
	if s.watch.unheard++; s.watch.unheard == 1 {
		s.watch.silent = l.begun
	}
	if s.watch.unheard < unheardMax || len(s.watch.tasks) == 0 {
		return
	}
	first := r.wave.items[s.watch.tasks[0]].Tenant
	f := plan.Failure{
		Class:   engine.Connection,
		Message: fmt.Sprintf("%s does not answer, while %s being migrated there", serverName(s.name), text.Count(len(s.watch.tasks), "tenant")+" "+text.Plural(len(s.watch.tasks), "is", "are")),
		Hint:    "is its machine, or the network to it, frozen? its tenants continue when it answers again",
	}
	if s.since.IsZero() {
		s.trouble(s.watch.silent, f)
	}
	if r.halt.state == "" {
		r.pause(s, first.Location.Database, f)
	}
	left := r.Policy.ServerPatience - time.Since(s.watch.silent)
	switch {
	case left <= 0:
		s.health = away
		r.giveUp(s)
	case r.halt.state != "" && !s.watch.warned:
		s.watch.warned = true
		r.emit(rollout.Warned{Message: fmt.Sprintf("%s has not answered since %s, while %s being migrated there: %s; the run waits for it for at most %s (rollout.server_patience); a second signal ends the wait",
			serverName(s.name), s.watch.silent.UTC().Format(time.TimeOnly), text.Count(len(s.watch.tasks), "tenant")+" "+text.Plural(len(s.watch.tasks), "is", "are"),
			strings.Join(r.wave.ids(s.watch.tasks[:min(3, len(s.watch.tasks))]), ", "), left.Round(time.Second))})
	}
}

// giveUp ends the tries on a server that does not answer. Once it answers, a survey shows what they committed.
func (r *runner) giveUp(s *server) {
	s.watch.end()
}

// stopObserving ends the looks that are not needed any more.
func (r *runner) stopObserving() {
	for ; r.observing > 0; r.observing-- {
		<-r.observed
	}
	for _, s := range r.wave.servers {
		s.watch.end()
		if len(s.watch.waits) > 0 {
			r.emit(rollout.TenantsWaiting{Server: s.name})
		}
	}
}

package run

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// probeBound is how long one probe may take.
const probeBound = 10 * time.Second

// probe is what was heard of a server.
type probe struct {
	server *server
	err    error
}

// probe asks, in a goroutine, whether a server answers again.
func (r *runner) probe(s *server) {
	s.probes++
	if r.Prober == nil {
		r.resume(s) // the next tenant is the probe
		return
	}
	r.probes++
	go func(ctx context.Context, server, database string) {
		ctx, cancel := context.WithTimeout(ctx, probeBound)
		defer cancel()
		r.probed <- probe{s, r.Prober.Probe(ctx, server, database)}
	}(r.probing, s.name, s.probeOf)
}

// stopProbing ends the probes that are no longer needed.
func (r *runner) stopProbing() {
	r.endProbes()
	for ; r.probes > 0; r.probes-- {
		<-r.probed
	}
}

// afterProbe takes in whether the server answers.
func (r *runner) afterProbe(p probe) {
	r.probes--
	s := p.server
	var f plan.Failure
	if p.err != nil {
		f = plan.FailureOf(p.err, nil)
	}
	switch {
	case s.health != probing:
	case p.err == nil, f.Class == engine.Gone, f.Class == engine.Data: // it answers, if only that the one database is not there
		s.answered()
		r.resume(s)
	case f.Class == engine.Server: // it answers, but patience will not help
		r.block(s, f)
	case f.Class == engine.Capacity && s.running > 0: // it answers, and what it has no room beside may be ours
		s.answered()
		s.trouble(time.Now(), f)
		r.probeLater(s)
	default:
		s.trouble(time.Now(), s.failure) // again, if a tenant that was still running made it meanwhile
		if !r.patienceOver(s, time.Now()) {
			r.probeLater(s)
		}
	}
}

func (r *runner) probeLater(s *server) {
	at := time.Now().Add(probeWait(s.probes + 1))
	if end := s.since.Add(r.Policy.ServerPatience); at.After(end) {
		at = end
	}
	r.wave.timers.add(timer{at: at, server: s})
}

// resume gives the server work again.
func (r *runner) resume(s *server) {
	s.health = well
	r.emit(rollout.ServerResumed{Server: s.name})
}

// pause gives the server no more work until it answers a probe.
func (r *runner) pause(s *server, database string, f plan.Failure) {
	if s.health != well || r.patienceOver(s, time.Now()) {
		return
	}
	s.health, s.probeOf = probing, database
	r.emit(rollout.ServerPaused{Server: s.name, Failure: f})
	r.probeLater(s)
}

// patienceOver fails all that is left of a server which has not answered for longer than Policy.ServerPatience without a break, and
// reports whether that was so.
func (r *runner) patienceOver(s *server, now time.Time) bool {
	if s.since.IsZero() || now.Sub(s.since) < r.Policy.ServerPatience {
		return false
	}
	if s.health == well {
		r.emit(rollout.ServerPaused{Server: s.name, Failure: s.failure})
	}
	s.health = away
	r.abandon(s)
	if s.watch.unheard >= unheardMax {
		r.giveUp(s)
	}
	return true
}

// abandon fails the tenants of a server that was given up, but for those running.
func (r *runner) abandon(s *server) {
	f := s.failure
	f.Reword(func(m string) string {
		return fmt.Sprintf("%s was away for %s: %s", serverName(s.name), r.Policy.ServerPatience, m)
	})
	f.Hint = "bring the server back, then resume the rollout"
	for _, t := range r.wave.untouched(s) {
		r.fail(t, f)
	}
	r.checkBudget()
}

// probeWait is the pause before the n-th probe of a server that went away.
func probeWait(n int) time.Duration {
	half := plan.Retry{Max: probeMax}.Bound(probeBase, n) / 2
	return half + rand.N(half+1)
}

const (
	probeBase = 250 * time.Millisecond
	probeMax  = 10 * time.Second
)

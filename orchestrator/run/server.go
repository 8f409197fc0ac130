package run

import (
	"fmt"
	"slices"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
)

// growAfter is how many successes in a row give a server that was halved one of its places back.
const growAfter = 10

// server is one server in one wave: its queues, its width and its health. Only the loop touches it.
//
//	planned ──named──▶ ready ──start──▶ running ──▶ finished
//	                     ▲                 │
//	                     ├──── resting ◀───┤ transient, full
//	                     └─── (deferred) ◀─┘ busy, timeout: rests once the other queues are empty
type server struct {
	name     string
	planned  []int32 // not named in the store yet, in the wave's order
	naming   int     // being named now
	ready    []int32 // may be started; those that come back stand first
	deferred []int32

	width     int // places now
	start     int // places at first
	most      int // places at most
	running   int
	alone     bool       // the one that runs wants the server for itself
	streak    int        // successes since the width last changed
	tuner     widthTuner // whether more places than at first are worth it
	sameCause streak     // failures here, for its breaker
	epoch     int        // counts the changes for the worse, so that tenants which ran together halve but once
	asked     int        // round of wave.next in which none of its tenants could start
	warm      []string   // databases in which a tenant has just finished

	watch watched // running tenants

	health  health
	failure plan.Failure // why it is not well
	since   time.Time    // of the first sign of trouble without an answer of the server after it; zero = none
	lives   int          // counts its signs of life
	probes  int          // since it was paused
	probeOf string       // database to ask for
}

type health uint8

const (
	well    health = iota
	probing        // paused; asked now and then whether it answers
	blocked        // paused until an operator resumes the rollout
	away           // given up
)

func newServer(name string, start, most int) *server {
	return &server{name: name, width: start, start: start, most: most}
}

// window is how many tenants are named ahead, at least four times the width. Naming more than is needed
// costs nothing, and the fewer commits are waited for.
func (s *server) window() int { return max(4*s.width, 256) }

// room reports whether one more tenant may start as far as the server is concerned.
func (s *server) room() bool {
	return s.health == well && !s.alone && s.running < s.width && len(s.ready) > 0
}

// pick takes the next tenant that may start from s.ready. It likes to stay in a database in which a
// tenant has just finished, where a connection is open. A chain that wants to be alone goes when nothing
// else runs and nothing else could be started.
func (s *server) pick(w *wave) (int32, bool) {
	warm := ""
	if n := len(s.warm); n > 0 {
		warm, s.warm = s.warm[n-1], s.warm[:n-1]
	}
	first, lonely := -1, -1
	for i, t := range s.ready {
		item := &w.items[t]
		switch {
		case w.limits.chains[item.Cohort].alone:
			if lonely < 0 && s.running == 0 && w.limits.free(item.Cohort) {
				lonely = i
			}
			continue
		case !w.limits.free(item.Cohort):
			continue
		case warm != "" && item.Tenant.Location.Database == warm:
			return s.takeReady(i), true
		case first < 0:
			first = i
		}
		if warm == "" {
			break
		}
	}
	switch {
	case first >= 0:
		return s.takeReady(first), true
	case lonely >= 0:
		s.alone = true
		return s.takeReady(lonely), true
	}
	return 0, false
}

func (s *server) takeReady(i int) int32 {
	t := s.ready[i]
	if i == 0 {
		s.ready = s.ready[1:] // the usual case, without moving the others
	} else {
		s.ready = slices.Delete(s.ready, i, i+1)
	}
	return t
}

// succeeded notes a success, and returns why the server's width was changed for it; "" when it was not. Up to
// where it began it grows back by successes; beyond, only as far as that makes it faster.
func (s *server) succeeded(now time.Time) (reason string) {
	s.answered()
	s.probes = 0
	s.streak++
	if len(s.ready)+len(s.planned)+s.naming == 0 {
		return "" // no tenant could use another place
	}
	if s.width >= s.start {
		width, why := s.tuner.tune(now, s.width, s.most)
		s.width = width
		return why
	}
	if s.streak < growAfter {
		return ""
	}
	s.streak = 0
	s.width++
	return fmt.Sprintf("%d successes in a row", growAfter)
}

// answered notes a sign of life: the time for which the server was away ends here.
func (s *server) answered() {
	s.since = time.Time{}
	s.lives++
}

// full notes that the server refused a tenant which was started in that epoch for want of connections or
// memory, or that it fell out with others, and reports whether the width was halved for it.
func (s *server) full(epoch int) bool {
	s.streak = 0
	if epoch != s.epoch || s.width == 1 {
		return false
	}
	s.epoch++
	s.tuner = widthTuner{}
	s.width = max(1, s.width/2)
	return true
}

// trouble notes that the server is not well.
func (s *server) trouble(now time.Time, f plan.Failure) {
	s.failure = f
	s.streak = 0
	if s.since.IsZero() {
		s.since = now
	}
}

// idle reports whether the server has nothing to start but deferred tenants.
func (s *server) idle() bool { return len(s.planned)+s.naming+len(s.ready) == 0 }

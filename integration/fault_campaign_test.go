package integration_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/skeindb/skein/integration/pgtest"
)

// faultKind is a fault that rounds are disturbed by.
type faultKind struct {
	name   string
	quick  bool // it is part of the usual tests
	halts  bool // the rollout may halt; else it has to go on by itself
	make   func(t *testing.T, n int) *disturbedFleet
	strike func(f *disturbedFleet, p *running)
}

// disturbedFleet is a fleet of schemas with what its faults need.
type disturbedFleet struct {
	*campaign
	server    *pgtest.Instance // one of its own, where the fault is of the server
	proxy     *pgtest.NetProxy
	disk      string // of the store, where it is a small one
	storeLost bool   // so that there is nothing to resume
}

// faultSteps are three steps that take a while, and wait at the gate as long as it is shut.
func faultSteps() []string {
	bodies := steps(3)
	for k := 1; k < 3; k++ {
		bodies[k] = gate + bodies[k] + "SELECT pg_sleep(0.02);\n"
	}
	return bodies
}

func newDisturbed(t *testing.T, server *pgtest.Instance, n int, more string) *disturbedFleet {
	t.Helper()
	url, _ := pgtest.Database(t, server)
	f := &disturbedFleet{proxy: pgtest.Proxy(t, server), server: server}
	bodies := faultSteps()
	w := newFleetAt(t, url, f.proxy.Through(url), n, withWayBack(bodies, undo[0], gate+undo[1], gate+undoThird),
		"rollout: {per_server: 4, lock_timeout: 0, transaction: revision}\n"+more)
	f.campaign = &campaign{testFleet: w, t: t, counts: map[string]int{"violations": 0}}
	pgtest.Exec(t, url, "CREATE SCHEMA reference")
	f.dumps = append(f.dumps, pgtest.Dump(t, url, "reference"))
	for _, body := range bodies {
		pgtest.Exec(t, urlInSchema(url, "reference"), body)
		f.dumps = append(f.dumps, pgtest.Dump(t, url, "reference"))
	}
	f.Must(0, "upgrade", "r001", "-q")
	return f
}

func onShared(t *testing.T, n int) *disturbedFleet { return newDisturbed(t, pgtest.Server(t), n, "") }

// onOwn has a server that may be stopped. It does not forget commits in a crash.
func onOwn(t *testing.T, n int) *disturbedFleet {
	return newDisturbed(t, pgtest.New(t, pgtest.Options{Settings: map[string]string{"synchronous_commit": "on"}}), n, "")
}

var campaignFaultKinds = []faultKind{
	{name: "server restarted, fast", make: onOwn, strike: func(f *disturbedFleet, _ *running) { f.server.Restart() }},
	{name: "server restarted, immediate", make: onOwn, strike: func(f *disturbedFleet, _ *running) { f.server.Stop(pgtest.Immediate); f.server.Start() }},
	{name: "server killed", make: onOwn, strike: func(f *disturbedFleet, _ *running) { f.server.Kill(); f.server.Start() }},
	{name: "server frozen", make: onOwn, strike: func(f *disturbedFleet, p *running) {
		f.server.Pause()
		waitAtMost(p, time.Duration(1+f.rng.Int64N(2000))*time.Millisecond)
		f.server.Unpause()
	}},
	{name: "connections cut at any byte", quick: true, make: onShared, strike: func(f *disturbedFleet, p *running) {
		if f.rng.IntN(2) == 0 {
			f.proxy.LimitData(1 + f.rng.Int64N(2000))
		} else {
			f.proxy.LimitRequests(1 + f.rng.Int64N(4000))
		}
		waitAtMost(p, 300*time.Millisecond)
		f.proxy.Heal()
	}},
	{name: "connections cut at COMMIT", quick: true, make: onShared, strike: func(f *disturbedFleet, _ *running) { f.atCommit((*pgtest.NetProxy).Reset) }},
	{name: "half-open at COMMIT", make: onShared, strike: func(f *disturbedFleet, _ *running) { f.atCommit((*pgtest.NetProxy).LoseAnswers) }},
	{name: "silent in both directions", make: onShared, strike: func(f *disturbedFleet, p *running) {
		f.proxy.Blackhole()
		waitAtMost(p, time.Duration(1+f.rng.Int64N(1500))*time.Millisecond)
		f.proxy.Heal()
	}},
	{name: "disk of the store full", halts: true, make: onSmallDisk, strike: func(f *disturbedFleet, p *running) {
		ballast := filepath.Join(f.disk, "ballast")
		fill(f.t, ballast)
		p.end()
		removeAll(f.t, ballast)
	}},
	{name: "store removed", halts: true, quick: true, make: onShared, strike: func(f *disturbedFleet, p *running) {
		removeAll(f.t, f.Path(".skein"))
		p.end()
		removeAll(f.t, f.Path(".skein"))
		f.storeLost = true
	}},
}

// atCommit has all that is running commit while the network has a fault.
func (f *disturbedFleet) atCommit(fault func(*pgtest.NetProxy)) {
	f.t.Helper()
	open := f.shut()
	if !f.atGateOrEnded() {
		open()
		return
	}
	fault(f.proxy)
	open()
	waitUntil(f.t, "all commits", func() bool {
		return pgtest.Scalar[int](f.t, f.url(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'skein%' AND state <> 'idle'") == 0
	})
	f.proxy.Heal()
}

// atGateOrEnded waits until some tenant is at the gate; false = none comes any more.
func (f *disturbedFleet) atGateOrEnded() bool {
	waiting := 0
	waitUntil(f.t, "a tenant at the gate, or the end", func() bool {
		waiting = pgtest.Scalar[int](f.t, f.url(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
		return waiting > 0 || pgtest.Scalar[int](f.t, f.url(), backendsOfSkein) == 0
	})
	return waiting > 0
}

// faultRound disturbs an upgrade or, every other time, a downgrade.
func (f *disturbedFleet) faultRound(n int, kind faultKind) {
	f.t.Helper()
	from, to, args := 1, 3, []string{"upgrade", "--json"}
	if n%2 == 1 {
		from, to, args = 3, 1, []string{"downgrade", "r001", "--yes", "--json"}
	}
	f.storeLost = false
	p := f.start(args...)
	p.has(isDone, 1+f.rng.IntN(len(f.ids)/2))
	waitAtMost(p, time.Duration(f.rng.Int64N(int64(30*time.Millisecond))))
	disturbed := false
	select {
	case <-p.ended:
	default:
		disturbed = true
	}
	kind.strike(f, p)
	r := p.end()
	f.backend.quiet()
	f.counts["rounds"]++
	if disturbed {
		f.counts["disturbed while it ran"]++
	}
	at := f.wantAt(from, 2, to)
	f.wantTrueReports(at, to, []string{r.Stdout})
	report := r.Report()
	reached := 0
	for _, n := range at {
		if n == to {
			reached++
		}
	}
	reported := report.Counts["done"] + report.Counts["unchanged"]
	if reported > reached || sumOfCounts(report.Counts) != len(f.ids) || r.Code == 0 && reported < len(f.ids) || report.Exit != r.Code {
		f.violation("exit %d, the report says %v, and %d tenants of %d have all: %s", r.Code, report.Counts, reached, len(f.ids), report.Reason)
	}
	if r.Code != 0 && !kind.halts {
		f.violation("exit %d after a fault that a rollout continues after: %s, %+v", r.Code, report.Reason, report.Failed)
	}
	if reported < len(f.ids) {
		f.counts["reports that were not wholly done"]++
		f.t.Logf("round %d of %s: exit %d, %v, %s, %+v", n, kind.name, r.Code, report.Counts, report.Reason, report.Failed)
	}
	for tries := 0; r.Code != 0; tries++ {
		if tries == 3 {
			f.violation("after %d tries it still ends with %d: %s", tries, r.Code, tailOf(r.Stdout))
			return
		}
		f.counts["resumes or new upgrades needed"]++
		again := []string{"rollout", "resume", "--json"}
		if f.storeLost {
			again = args
		}
		r = f.start(again...).end()
	}
	f.wantTrueReports(f.wantAt(to), to, []string{r.Stdout})
	f.storeAgrees(fmt.Sprintf("round %d", n))
}

// storeAgrees fails unless the store's latest rollout, if it has one, says that all tenants are done.
func (f *disturbedFleet) storeAgrees(when string) {
	f.t.Helper()
	latest := ""
	all := f.rollouts()
	for id := range all {
		latest = max(latest, id)
	}
	if s := all[latest]; latest != "" && (s.State != "finished" || s.Counts["done"]+s.Counts["unchanged"] != len(f.ids)) {
		f.violation("%s: the store says %s, %v", when, s.State, s.Counts)
	}
}

// fill writes until nothing more fits.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, size := range []int{64 << 10, 4 << 10, 512} {
		for err = nil; err == nil; _, err = file.Write(make([]byte, size)) {
		}
	}
}

package integration_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/integration/pgtest"
)

// TestBrokenNetwork disturbs the connections of a rollout in all ways there are. The tenants are right in the
// end, none failed, and every report is true.
func TestBrokenNetwork(t *testing.T) {
	t.Parallel()
	rng := newRandom(t)
	for _, c := range []struct {
		name   string
		silent bool // nothing can be heard while the fault lasts
		faults []func(*pgtest.NetProxy)
	}{
		{"cut", false, []func(*pgtest.NetProxy){
			(*pgtest.NetProxy).Reset,
			cutAt(rng, (*pgtest.NetProxy).LimitData, 2000),
			cutAt(rng, (*pgtest.NetProxy).LimitRequests, 4000),
			cutAt(rng, (*pgtest.NetProxy).LimitData, 400),
			cutAt(rng, (*pgtest.NetProxy).LimitRequests, 1500),
			func(p *pgtest.NetProxy) { p.Disable(); p.Enable() },
		}},
		{"answers lost", true, []func(*pgtest.NetProxy){(*pgtest.NetProxy).LoseAnswers, (*pgtest.NetProxy).LoseAnswers, (*pgtest.NetProxy).LoseAnswers}},
		{"silence", true, []func(*pgtest.NetProxy){(*pgtest.NetProxy).Blackhole}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			disturbed(t, c.silent, c.faults)
		})
	}
}

// cutAt is a fault at a random byte.
func cutAt(rng *rand.Rand, limit func(*pgtest.NetProxy, int64), most int64) func(*pgtest.NetProxy) {
	at := 1 + rng.Int64N(most)
	return func(p *pgtest.NetProxy) { limit(p, at) }
}

func disturbed(t *testing.T, silent bool, faults []func(*pgtest.NetProxy)) {
	const tenants = 200
	server := pgtest.Server(t)
	url, _ := pgtest.Database(t, server)
	proxy := pgtest.Proxy(t, server)
	f := newFleetAt(t, url, proxy.Through(url), tenants, inFiles(slowLastStep()), "rollout: {per_server: 8}\n")
	f.Must(0, "upgrade", "r001")

	p := f.start("upgrade", "--json")
	for k, fault := range faults {
		p.must(isDone, 10+k*tenants/(len(faults)+1))
		fault(proxy)
		heard := reportedDuringFault(p)
		proxy.Heal()
		if silent && heard > 0 {
			t.Errorf("%d tenants were reported as done while no answer could arrive", heard)
		}
	}
	r := p.end()
	r.Want(0)
	report := r.Report()
	if report.State != "finished" || report.Counts["done"] != tenants || len(report.Failed) > 0 {
		t.Errorf("got %+v\nwant State finished, done %v, no Failed", report, tenants)
	}
	if !silent && warnings(r, "server paused") == 0 {
		t.Error("skein did not notice, so this proves nothing")
	}
	attemptsCounted(t, r)
	f.want(nil, 2)
	wantReportedAsStored(t, f, r)
	for _, e := range r.Events() {
		if e["kind"] == "tenant" && e["outcome"] == "failed" {
			t.Errorf("reported as failed, and is done: %v", e)
		}
	}
}

// reportedDuringFault lets a fault last, and returns how many tenants were reported as done in the second half of that time.
func reportedDuringFault(p *running) int {
	const half = 250 * time.Millisecond
	time.Sleep(half)
	n := strings.Count(p.Stdout(), isDone)
	time.Sleep(half)
	return strings.Count(p.Stdout(), isDone) - n
}

// losesCommits starts an upgrade whose commits, of that many tenants at once, take place without a reply.
func (f *testFleet) losesCommits(proxy *pgtest.NetProxy, url string, tenants int) *running {
	f.t.Helper()
	f.Must(0, "upgrade", "r001")
	open := f.shut()
	p := f.start("upgrade", "--json")
	f.atGate(tenants)
	proxy.LoseAnswers()
	open()
	waitUntil(f.t, "all commits", func() bool {
		return pgtest.Scalar[int](f.t, url, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'skein%' AND state <> 'idle'") == 0
	})
	return p
}

// TestLostCommits loses the answers to the very messages that commit.
func TestLostCommits(t *testing.T) {
	t.Parallel()
	const tenants = 8
	server := pgtest.Server(t)
	url, _ := pgtest.Database(t, server)
	proxy := pgtest.Proxy(t, server)
	f := newFleetAt(t, url, proxy.Through(url), tenants, inFiles(append(steps(1), gate+steps(2)[1])), "rollout: {lock_timeout: 0}\n")
	p := f.losesCommits(proxy, url, tenants)
	f.want(nil, 2)
	proxy.Heal() // which ends the connections
	r := p.end()
	r.Want(0)
	if report := r.Report(); report.Counts["done"] != tenants {
		t.Errorf("%+v", report)
	}
	attemptsCounted(t, r)
	f.want(nil, 2)
}

// TestLostCommitsOfAServerThatStaysAway ends the rollout before a server can be asked for the result of the commits.
func TestLostCommitsOfAServerThatStaysAway(t *testing.T) {
	t.Parallel()
	const tenants = 4
	server := pgtest.Server(t)
	url, _ := pgtest.Database(t, server)
	proxy := pgtest.Proxy(t, server)
	f := newFleetAt(t, url, proxy.Through(url), tenants, inFiles(append(steps(1), gate+steps(2)[1])), "rollout: {lock_timeout: 0, server_patience: 1s}\n")
	p := f.losesCommits(proxy, url, tenants)
	proxy.Disable()
	r := p.end()
	r.Want(3)
	if report := r.Report(); report.Counts["uncertain"] != tenants || report.Counts["failed"] != 0 {
		t.Errorf("got %+v\nwant uncertain %v, failed 0", report, tenants)
	}
	proxy.Enable()
	proxy.Heal()
	if report := f.Must(0, "rollout", "resume", "--json").Report(); report.Counts["done"] != tenants {
		t.Errorf("%+v", report)
	}
	f.want(nil, 2)
}

// TestLatency goes through a slow network.
func TestLatency(t *testing.T) {
	t.Parallel()
	const tenants = 60
	server := pgtest.Server(t)
	url, _ := pgtest.Database(t, server)
	proxy := pgtest.Proxy(t, server)
	f := newFleetAt(t, url, proxy.Through(url), tenants, inFiles(steps(3)), "")
	f.Must(0, "upgrade", "r001")
	proxy.Latency(50 * time.Millisecond)
	begun := time.Now()
	f.Must(0, "upgrade", "--json")
	if took := time.Since(begun); took < 500*time.Millisecond {
		t.Errorf("it took %s: that was not through the slow network", took)
	}
	// A message a tenant is a round trip of 0.1 s; eight go at once. Statement by statement it would be ten times that.
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	f.want(nil, 3)
}

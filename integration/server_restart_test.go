package integration_test

import (
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// slowLastStep is a chain whose last step takes a while, so that there is time to disturb it.
func slowLastStep() []string {
	bodies := steps(2)
	bodies[1] += "SELECT pg_sleep(0.03);\n"
	return bodies
}

// TestRestarts stops a server in the middle of a rollout in all ways there are.
func TestRestarts(t *testing.T) {
	t.Parallel()
	// A server that forgets commits in a crash would prove nothing about skein.
	server := pgtest.New(t, pgtest.Options{Settings: map[string]string{"synchronous_commit": "on"}})

	for _, c := range []struct {
		name    string
		disturb func()
	}{
		{"fast", func() { server.Stop(pgtest.Fast); server.Start() }},
		{"immediate", func() { server.Stop(pgtest.Immediate); server.Start() }},
		{"frozen", func() { server.Pause(); time.Sleep(3 * time.Second); server.Unpause() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			const tenants = 200
			f := restarting(t, server, tenants, "")
			p := f.start("upgrade", "--json")
			p.must(isDone, 20)
			c.disturb()
			r := p.end()
			r.Want(0)
			report := r.Report()
			if report.State != "finished" || report.Counts["done"] != tenants {
				t.Errorf("got %+v\nwant State finished, done %v", report, tenants)
			}
			if n := warnings(r, "server paused"); n == 0 && c.name != "frozen" {
				t.Error("skein did not notice, so this proves nothing")
			}
			attemptsCounted(t, r)
			f.want(nil, 2)
		})
	}
	t.Run("away", func(t *testing.T) { serverStaysAway(t, server) })
}

// serverStaysAway keeps the server away for longer than server_patience, under both policies.
func serverStaysAway(t *testing.T, server *pgtest.Instance) {
	const tenants = 100
	halting := restarting(t, server, tenants, "rollout: {server_patience: 2s}\n")
	bearing := restarting(t, server, tenants, "rollout: {server_patience: 2s, on_failure: continue}\n")
	first, second := halting.start("upgrade", "--json"), bearing.start("upgrade", "--json")
	first.must(isDone, 10)
	second.must(isDone, 10)
	server.Stop(pgtest.Fast)
	r, s := first.end(), second.end()
	r.Want(3)
	s.Want(2)
	for _, r := range []skeintest.Result{r, s} {
		report := r.Report()
		if report.Counts["failed"] == 0 || report.Next == "" {
			t.Errorf("got %+v\nwant failed above 0, a Next", report)
		}
		for _, failed := range report.Failed {
			if failed.Class != "connection" || !strings.Contains(failed.Error, "server main was away for 2s") || failed.Hint == "" {
				t.Errorf("got %+v\nwant Class connection, Error with %q, a Hint", failed, "server main was away for 2s")
			}
		}
	}
	if n := s.Report().Counts["pending"]; n != 0 {
		t.Errorf("%d tenants are pending, although failures do not halt", n)
	}
	server.Start()
	wantReportedAsStored(t, halting, r)
	wantReportedAsStored(t, bearing, s)
	for _, f := range []*testFleet{halting, bearing} {
		if report := f.Must(0, "rollout", "resume", "--json").Report(); report.State != "finished" || report.Counts["failed"] != 0 {
			t.Errorf("got %+v\nwant State finished, failed 0", report)
		}
		f.want(nil, 2)
	}
}

// restarting is a fleet of schemas on a server, at the first of two steps.
func restarting(t *testing.T, server *pgtest.Instance, tenants int, more string) *testFleet {
	t.Helper()
	url, _ := pgtest.Database(t, server)
	f := newFleetAt(t, url, url, tenants, inFiles(slowLastStep()), more)
	f.Must(0, "upgrade", "r001")
	return f
}

// wantReportedAsStored fails the test when a stream reported a tenant as done that is not, by its database.
func wantReportedAsStored(t *testing.T, f *testFleet, r skeintest.Result) {
	t.Helper()
	at := f.want(nil, 1, 2)
	for id, outcome := range outcomes(r) {
		if outcome == "done" && at[id] != 2 {
			t.Errorf("%s is reported as done and is not", id)
		}
	}
}

// attemptsCounted fails the test when a try was counted that only the server was the cause of.
func attemptsCounted(t *testing.T, r skeintest.Result) {
	t.Helper()
	for _, e := range r.Events() {
		if e["kind"] == "tenant" && e["outcome"] == "done" && e["attempt"] != 1.0 {
			t.Errorf("%v took %v attempts", e["tenant"], e["attempt"])
		}
	}
}

// warnings counts the warnings of a stream that begin so.
func warnings(r skeintest.Result, begin string) int {
	n := 0
	for _, e := range r.Events() {
		if message, _ := e["message"].(string); e["kind"] == "warning" && strings.HasPrefix(message, begin) {
			n++
		}
	}
	return n
}

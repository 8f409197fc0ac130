package integration_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/skeintest"
)

// TestSecondRolloutIsRefused begins a rollout while another one is under way.
func TestSecondRolloutIsRefused(t *testing.T) {
	t.Parallel()
	f := newFleet(t, revision.Postgres, 30, inFiles(append(steps(1), gate+steps(2)[1])), "rollout: {lock_timeout: 0}\n")
	f.Must(0, "upgrade", "r001")
	open := f.shut()
	first := f.start("upgrade", "--json")
	f.atGate(8)

	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ ID, State string }
	f.Must(0, "rollout", "list", "--json").JSON(&list)
	if list[0].State != "running" {
		t.Errorf("the list has %+v", list)
	}
	for _, command := range [][]string{{"upgrade"}, {"upgrade", "--json"}, {"rollout", "resume", list[0].ID}, {"stamp", "heads"}, {"downgrade", "base", "--yes"}} {
		r := f.Must(5, command...)
		said := r.Stdout + r.Stderr
		for _, want := range []string{list[0].ID, host, "pid ", userName()} {
			if !strings.Contains(said, want) {
				t.Errorf("skein %v does not name %q:\n%s", command, want, said)
			}
		}
	}
	f.want(nil, 1)
	f.Must(0, "current", "--json") // a command that only reads is not refused

	open()
	first.end().Want(0)
	f.want(nil, 2)
	f.Must(0, "upgrade")
}

// TestRolloutsWithStoresOfTheirOwn lets two rollouts that know nothing of each other loose on the same tenants.
func TestRolloutsWithStoresOfTheirOwn(t *testing.T) { inBothDialects(t, rivals) }

func rivals(t *testing.T, d revision.Dialect) {
	const tenants = 120
	bodies := steps(4)
	if d == revision.Postgres {
		bodies[2] += gate
	}
	policy := "rollout: {lock_timeout: 10s, on_failure: continue, transaction: revision}\n"
	f := newFleet(t, d, tenants, inFiles(bodies), policy)
	other := skeintest.New(t, "fleet: acme\n"+f.backend.config()+policy, inFiles(bodies))
	f.Must(0, "upgrade", "r001")

	open := func() {}
	if d == revision.Postgres {
		open = f.shut() // so that they meet for certain
	}
	first, second := startProcess(t, f.Project, "upgrade", "--json"), startProcess(t, other, "upgrade", "--json")
	if d == revision.Postgres {
		f.atGate(9) // more than one of them lets in at once
		first.must(isRunning, 1)
		second.must(isRunning, 1)
	}
	open()
	a, b := first.end(), second.end()
	shared := 0
	for _, r := range []skeintest.Result{a, b} {
		if r.Code != 0 && r.Code != 2 {
			r.Want(0)
		}
		report := r.Report()
		for _, failed := range report.Failed {
			if failed.Class != "busy" && failed.Class != "stale" {
				t.Errorf("%+v", failed)
			}
		}
		if r.Code == 2 != (len(report.Failed) > 0) {
			t.Errorf("exit %d with %d failures", r.Code, len(report.Failed))
		}
		shared += report.Counts["done"]
		t.Log(fmt.Sprint(report.Counts))
	}
	if shared < tenants {
		t.Errorf("%d tenants were done by either, want %d", shared, tenants)
	}
	f.want(nil, 4) // each revision ran once: it says so itself
	f.Must(0, "upgrade")
}

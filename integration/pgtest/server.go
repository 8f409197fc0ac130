package pgtest

import (
	"fmt"
	"maps"
	"os"
	"sync"
	"testing"
)

// quick are the settings of every server the harness starts: the tests' data need not survive a power cut.
var quick = map[string]string{
	"fsync":                     "off",
	"synchronous_commit":        "off",
	"full_page_writes":          "off",
	"max_connections":           "200",
	"max_locks_per_transaction": "256",
	"shared_buffers":            "256MB",
	"max_wal_size":              "4GB", // no checkpoint in the middle of a test
	"log_checkpoints":           "off",
	"log_min_error_statement":   "panic", // errors are logged without their statements: tests make thousands, on purpose
}

// started holds what this process has to remove at its end.
var started struct {
	sync.Mutex
	machines map[machine]*guard
}

var shared = sync.OnceValues(func() (*Instance, error) { return find(Options{}, true) })

// Server returns the server that all tests of the process share. It is started by the first call.
func Server(t testing.TB) *Instance {
	t.Helper()
	i, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// New starts a server for this test alone, which may stop, kill and pause it. It is removed at the end of
// the test.
func New(t testing.TB, opts Options) *Instance {
	t.Helper()
	i, err := find(opts, false)
	if err != nil {
		t.Fatal(err)
	}
	i.t = t
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the server's log:\n%s", i.Log())
		}
		if err := remove(i.machine); err != nil {
			t.Errorf("pgtest: remove the server: %v", err)
		}
	})
	return i
}

// Main runs the tests and removes what they have started. Use it as
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// A package that does without has its servers removed within seconds after its end.
func Main(m *testing.M) int {
	defer func() {
		for _, machine := range leftover() {
			if err := remove(machine); err != nil {
				fmt.Fprintf(os.Stderr, "pgtest: remove a server: %v\n", err)
			}
		}
	}()
	return m.Run()
}

// launch starts a machine under the eyes of a guard and waits for its server.
func launch(i *Instance, m machine, guardScript string) error {
	g, err := startGuard(guardScript)
	if err != nil {
		return err
	}
	started.Lock()
	if started.machines == nil {
		started.machines = map[machine]*guard{}
	}
	started.machines[m] = g
	started.Unlock()

	i.machine = m
	if err := i.await(); err != nil {
		log := m.log()
		_ = remove(m)
		return fmt.Errorf("%w\n%s", err, log)
	}
	return nil
}

func remove(m machine) error {
	started.Lock()
	g := started.machines[m]
	delete(started.machines, m)
	started.Unlock()
	err := m.remove()
	if g != nil {
		g.release()
	}
	return err
}

func leftover() []machine {
	started.Lock()
	defer started.Unlock()
	var all []machine
	for m := range maps.Keys(started.machines) {
		all = append(all, m)
	}
	return all
}

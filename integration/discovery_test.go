package integration_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
	"github.com/skeindb/skein/integration/sqlitetest"
)

// TestFleetThatChangesDuringARollout changes who is in the fleet while a rollout of three waves runs: in a gate, in the middle of a
// wave, in the last wave. At the end each tenant that is there is at the head.
func TestFleetThatChangesDuringARollout(t *testing.T) { inBothDialects(t, testFleetThatChanges) }

func testFleetThatChanges(t *testing.T, d revision.Dialect) {
	const head = 4
	tenants, width, share, lockTimeout := 300, 8, 1, "0" // at the gate there is no end to it
	if d == revision.SQLite {
		tenants, width, share, lockTimeout = 70, 4, 5, "50s" // each file is locked by hand, and the file of a running tenant is not moved
	}
	bodies := steps(head)
	if d == revision.Postgres {
		bodies[2] = gate + bodies[2]
	}
	f := newFleet(t, d, tenants, inFiles(bodies), fmt.Sprintf("rollout:\n  lock_timeout: %s\n  concurrency: %d\n  waves:\n"+
		"    - {name: canary, size: 10, gate: %s}\n    - {name: early, size: 30%%, gate: %s}\n", lockTimeout, width, gatesOnFiles("canary"), gatesOnFiles("early")))
	c := &expectedFleet{t: t, mover: f.mover(bodies), there: map[string]bool{}, want: map[string][]string{}}
	f.twoSteps(c)
	for _, id := range f.ids {
		c.there[id], c.want[id] = true, []string{"done"}
	}
	order := f.order()
	canary, early, rest := order[:10], order[10:10+(3*tenants+9)/10], order[10+(3*tenants+9)/10:]

	p := f.start("upgrade", "--json")
	p.atDoor("canary")
	c.create("a", 10/share, 15/share, 15/share)
	c.drop("done", canary[0], canary[1])
	c.drop("gone", removeAt(&early, 2), removeAt(&early, 2), removeAt(&early, 2), removeAt(&rest, 2), removeAt(&rest, 2), removeAt(&rest, 2))
	c.rename("done", "unchanged", canary[2])
	c.rename("gone", "done", removeAt(&early, 2), removeAt(&rest, 2))
	c.again(1, removeAt(&rest, len(rest)-1)) // it keeps its place in the order, behind those that are watched
	open := f.block(early[:width])
	openDoor(t, f.Project, "canary")

	f.blocked(p, "early", early[:width])
	c.create("b", 10/share, 10/share, 10/share)
	c.drop("gone", removeAt(&early, width), removeAt(&early, width), removeAt(&early, width), removeAt(&rest, width), removeAt(&rest, width), removeAt(&rest, width))
	if d == revision.Postgres {
		c.rename("gone", "done", removeAt(&early, 0)) // running
	} else {
		c.rename("gone", "done", removeAt(&early, width))
	}
	c.rename("gone", "done", removeAt(&early, width), removeAt(&rest, width))
	c.again(0, removeAt(&early, len(early)-1))
	open()
	p.atDoor("early")
	open = f.block(rest[:width])
	openDoor(t, f.Project, "early")

	f.blocked(p, "rest", rest[:width])
	c.create("c", 10/share, 10/share, 10/share)
	c.drop("gone", removeAt(&rest, width), removeAt(&rest, width), removeAt(&rest, width), removeAt(&rest, width), removeAt(&rest, width))
	c.rename("gone", "done", removeAt(&rest, width), removeAt(&rest, width))
	c.rename("done", "unchanged", early[0])
	c.again(2, removeAt(&rest, len(rest)-1))
	end := func() {}
	if d == revision.Postgres {
		c.rename("gone", "done", removeAt(&rest, 0)) // running
		end = c.dropSlowly(removeAt(&rest, 0))       // running, too
	}
	open()
	end()
	r := p.end()
	r.Want(0)

	c.check(r)
	ids := slices.Sorted(maps.Keys(c.there))
	f.wantOf(ids, f.backend.reference(bodies), head)
	f.Must(0, "current", "--check-heads", "-q")
	f.Remove("canary.open") // no tenant has anything to do, but the gates would be asked
	f.Remove("early.open")
	wantCounts(t, f.Must(0, "upgrade", "--json", "-c", f.plain()).Report(), map[string]int{"unchanged": len(ids)})
}

// TestFleetThatShrinksHalts takes more tenants away between two waves than guards.max_shrink allows.
func TestFleetThatShrinksHalts(t *testing.T) { inBothDialects(t, fleetThatShrinks) }

func fleetThatShrinks(t *testing.T, d revision.Dialect) {
	const tenants = 40
	f := newFleet(t, d, tenants, inFiles(steps(2)), "guards: {max_shrink: 20%}\nrollout: {waves: [{name: canary, size: 4, gate: "+gatesOnFiles("canary")+"}]}\n")
	f.Must(0, "upgrade", "r001", "-c", f.plain())
	order := f.order()
	c := &expectedFleet{t: t, mover: f.mover(nil), there: map[string]bool{}, want: map[string][]string{}}

	p := f.start("upgrade", "--json")
	p.atDoor("canary")
	c.drop("pending", order[30:]...)
	openDoor(t, f.Project, "canary")
	r := p.end()
	r.Want(3)
	report := r.Report()
	if report.State != "halted" {
		t.Errorf("the rollout is %s", report.State)
	}
	wantText(t, "the reason", report.Reason, "30 tenants found", "guards.max_shrink", "20 %")
	f.wantOf(order[:4], nil, 2)
	f.wantOf(order[4:30], nil, 1)
	wantCounts(t, report, map[string]int{"done": 4, "pending": tenants - 4})

	// Once the flag says that the fleet is meant to be that small, it continues.
	f.Must(1, "rollout", "resume")
	f.wantOf(order[4:30], nil, 1)
	f.Env = append(f.Env, "SKEIN_GUARDS__MAX_SHRINK=50%")
	wantCounts(t, f.Must(0, "rollout", "resume", "--json").Report(), map[string]int{"done": 30, "gone": 10})
	f.wantOf(order[:30], nil, 2)
}

// removeAt removes the k-th of ids and returns it.
func removeAt(ids *[]string, k int) string {
	id := (*ids)[k]
	*ids = slices.Delete(slices.Clone(*ids), k, k+1)
	return id
}

// plain is a config of the same fleet without waves, in the same folder.
func (f *testFleet) plain() string {
	f.t.Helper()
	f.Write("plain.yaml", "fleet: acme\n"+f.backend.config())
	return "plain.yaml"
}

// block keeps tenants from being finished until open is called: on PostgreSQL all, where a revision has the gate.
func (f *testFleet) block(first []string) (open func()) {
	f.t.Helper()
	if _, ok := f.backend.(*plainSchemas); ok {
		return f.shut()
	}
	locker := &files{f.t, f.backend.(*plainFiles).dir}
	var opens []func()
	for _, id := range first {
		opens = append(opens, locker.lock(id, "base"))
	}
	return func() {
		for _, open := range opens {
			open()
		}
	}
}

// blocked waits until the first tenants of a wave are running and cannot go on.
func (f *testFleet) blocked(p *running, wave string, first []string) {
	f.t.Helper()
	p.comes(skeintest.Event{"kind": "wave", "wave": wave, "state": "started"})
	for _, id := range first {
		p.comes(skeintest.Event{"kind": "tenant", "tenant": id, "outcome": "running"})
	}
	if _, ok := f.backend.(*plainSchemas); ok {
		f.atGate(len(first))
	}
}

// expectedFleet has the tenants that are in the fleet, and the outcomes that a rollout must report for each.
type expectedFleet struct {
	mover
	t     testing.TB
	there map[string]bool
	want  map[string][]string // the outcomes that a tenant may end with
	names int
}

// mover changes a fleet as its application does, without skein.
type mover interface {
	learn(id string)                     // how a tenant looks that has so many revisions as calls were made
	makeAt(revisions int, ids ...string) // with the tables and the version rows of so many revisions; 0 = nothing
	remove(ids ...string)
	move(from, to string)
}

// twoSteps takes all tenants to the second revision, and lets the mover learn how one looks at each.
func (f *testFleet) twoSteps(m mover) {
	f.t.Helper()
	f.Must(0, "upgrade", "r001", "-c", f.plain(), "-t", "id="+f.ids[0])
	m.learn(f.ids[0])
	f.Must(0, "upgrade", "r002", "-c", f.plain())
	m.learn(f.ids[0])
}

func (f *testFleet) mover(bodies []string) mover {
	if backend, ok := f.backend.(*plainSchemas); ok {
		return &schemaMover{f.t, backend.url, bodies}
	}
	return &fileMover{f.t, f.backend.(*plainFiles).dir, sqlitetest.Files(f.t, filepath.Join(f.t.TempDir(), "model"), 1)}
}

// create adds so many tenants of each revision from 0.
func (c *expectedFleet) create(prefix string, counts ...int) {
	c.t.Helper()
	for revisions, n := range counts {
		var ids []string
		for range n {
			c.names++
			id := fmt.Sprintf("tenant_%s%d_%03d", prefix, revisions, c.names)
			ids = append(ids, id)
			c.there[id], c.want[id] = true, []string{"done"}
		}
		c.makeAt(revisions, ids...)
	}
}

func (c *expectedFleet) drop(outcome string, ids ...string) {
	c.t.Helper()
	c.remove(ids...)
	for _, id := range ids {
		delete(c.there, id)
		c.want[id] = []string{outcome}
	}
}

func (c *expectedFleet) rename(before, after string, ids ...string) {
	c.t.Helper()
	for _, id := range ids {
		to := strings.Replace(id, "tenant_", "tenant_moved_", 1)
		c.move(id, to)
		delete(c.there, id)
		c.there[to], c.want[id], c.want[to] = true, []string{before}, []string{after}
	}
}

// again drops tenants and creates them again with so many revisions.
func (c *expectedFleet) again(revisions int, ids ...string) {
	c.t.Helper()
	c.remove(ids...)
	c.makeAt(revisions, ids...)
}

// dropSlowly drops a schema that is running. The returned function waits until it is gone.
func (c *expectedFleet) dropSlowly(id string) (end func()) {
	c.t.Helper()
	delete(c.there, id)
	c.want[id] = []string{"done", "gone"}
	conn, ctx := pgtest.Connect(c.t, c.mover.(*schemaMover).url), context.WithoutCancel(c.t.Context())
	ended := make(chan error)
	go func() {
		for { // it may be the victim of a deadlock with the tenant's transaction
			if _, err := conn.Exec(ctx, "DROP SCHEMA "+id+" CASCADE"); err == nil || !strings.Contains(err.Error(), "40P01") {
				ended <- err
				return
			}
		}
	}()
	waitUntil(c.t, "DROP SCHEMA to wait", func() bool {
		return pgtest.Scalar[int](c.t, c.mover.(*schemaMover).url, "SELECT count(*) FROM pg_locks WHERE pid = $1 AND NOT granted", conn.PgConn().PID()) == 1
	})
	return func() {
		c.t.Helper()
		if err := <-ended; err != nil {
			c.t.Error(err)
		}
	}
}

// check compares what the stream says of each tenant with its expected outcome, and the counts with both.
func (c *expectedFleet) check(r skeintest.Result) {
	c.t.Helper()
	got := outcomes(r)
	tally := map[string]int{}
	for _, id := range slices.Sorted(maps.Keys(c.want)) {
		tally[got[id]]++
		if !slices.Contains(c.want[id], got[id]) {
			c.t.Errorf("%s is %q, want %q", id, got[id], c.want[id])
		}
	}
	for id := range got {
		if c.want[id] == nil {
			c.t.Errorf("%s was never in the fleet, but is %s", id, got[id])
		}
	}
	wantCounts(c.t, r.Report(), tally)
	if diff := cmp.Diff("finished", r.Report().State); diff != "" {
		c.t.Error(diff)
	}
}

type schemaMover struct {
	t      testing.TB
	url    string
	bodies []string
}

func (m *schemaMover) learn(id string) {
	m.t.Helper()
	pgtest.Exec(m.t, m.url, "DROP SCHEMA IF EXISTS model CASCADE", "CREATE SCHEMA model",
		"CREATE TABLE model.skein_version (LIKE "+id+".skein_version INCLUDING ALL)", "INSERT INTO model.skein_version SELECT * FROM "+id+".skein_version")
}

func (m *schemaMover) makeAt(revisions int, ids ...string) {
	m.t.Helper()
	var all []string
	for _, id := range ids {
		sql := "CREATE SCHEMA " + id + ";"
		if revisions > 0 {
			sql += "SET LOCAL search_path = " + id + ";" + strings.Join(m.bodies[:revisions], "") +
				"CREATE TABLE skein_version (LIKE model.skein_version INCLUDING ALL);" +
				"INSERT INTO skein_version SELECT * FROM model.skein_version WHERE revision <= '" + stepID(revisions) + "';"
		}
		all = append(all, sql)
	}
	pgtest.Exec(m.t, m.url, all...)
}

func (m *schemaMover) remove(ids ...string) {
	m.t.Helper()
	var all []string
	for _, id := range ids {
		all = append(all, "DROP SCHEMA "+id+" CASCADE")
	}
	pgtest.Exec(m.t, m.url, all...)
}

func (m *schemaMover) move(from, to string) {
	m.t.Helper()
	pgtest.Exec(m.t, m.url, "ALTER SCHEMA "+from+" RENAME TO "+to)
}

type fileMover struct {
	t      testing.TB
	dir    string
	models []string // by the number of their revisions
}

func (m *fileMover) path(id string) string { return filepath.Join(m.dir, id+".db") }

func (m *fileMover) learn(id string) {
	m.t.Helper()
	model := filepath.Join(m.t.TempDir(), "model.db")
	m.copy(m.path(id), model)
	m.models = append(m.models, model)
}

func (m *fileMover) makeAt(revisions int, ids ...string) {
	m.t.Helper()
	for _, id := range ids {
		m.copy(m.models[revisions], m.path(id)+".new")
		m.rename(m.path(id)+".new", m.path(id)) // so that no reader sees half of it
	}
}

func (m *fileMover) remove(ids ...string) {
	m.t.Helper()
	for _, id := range ids {
		if err := os.Remove(m.path(id)); err != nil {
			m.t.Fatal(err)
		}
	}
}

func (m *fileMover) move(from, to string) {
	m.t.Helper()
	m.rename(m.path(from), m.path(to))
}

func (m *fileMover) rename(from, to string) {
	m.t.Helper()
	if err := os.Rename(from, to); err != nil {
		m.t.Fatal(err)
	}
}

func (m *fileMover) copy(from, to string) {
	m.t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

package integration_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
	"github.com/skeindb/skein/integration/sqlitetest"
)

var (
	rollbackPrograms = flag.Int("rollback-programs", 10, "how many random programs of rollouts, kills, drops and rollbacks are run on SQLite; a tenth as many on PostgreSQL")
	rollbackSeed     = flag.Uint64("rollback-seed", 1, "of the first of the random programs of rollbacks; each next one adds 1")
)

// TestRollbackTakesDownWhatItsRolloutAppliedAndNothingElse runs random programs of upgrades, kills, drops, copies,
// renamings, stamps and downgrades by hand, and takes rollouts back: what the rows named that rollout for is gone then,
// and all else is as it was.
func TestRollbackTakesDownWhatItsRolloutAppliedAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int{"sqlite": *rollbackPrograms, "postgres": max(1, *rollbackPrograms/10)} {
		for i := range n {
			seed := *rollbackSeed + uint64(i)
			t.Run(fmt.Sprintf("%s/seed=%d", name, seed), func(t *testing.T) {
				t.Parallel()
				var g tenantHome = &fileHome{t: t, dir: filepath.Join(t.TempDir(), "data")}
				if name == "postgres" {
					g = newSchemaHome(t)
				}
				newRollbackProgram(t, seed, g).run()
			})
		}
	}
}

// tenantHome is where the tenants of a program live: read and changed by other means than skein's.
type tenantHome interface {
	config() string
	slow() string // a statement of a few milliseconds
	create(id string)
	drop(id string)
	rename(from, to string)
	copy(from, to string) // makes to with all that from has
	rows(id string) []versionRow
	tables(id string) []string // without skein's own
	quiet()                    // waits until no dead skein is at work any more
}

type versionRow struct{ revision, rollout, at string }

// onWhat is what each revision of a program builds on.
var onWhat = map[string]string{"a1": "", "a2": "a1", "a3": "a2", "a4": "a3", "b1": "", "b2": "b1"}

type rollbackProgram struct {
	*skeintest.Project
	t    *testing.T
	rng  *rand.Rand
	home tenantHome
	ids  []string // tenants that are there
	next int      // number of the next tenant
	log  []string
}

func newRollbackProgram(t *testing.T, seed uint64, g tenantHome) *rollbackProgram {
	p := &rollbackProgram{t: t, rng: rand.New(rand.NewPCG(seed, 8)), home: g}
	files := fstest.MapFS{}
	for id, on := range onWhat {
		if on == "" {
			on = "none"
		}
		files[id+"_x.sql"] = &fstest.MapFile{Data: fmt.Appendf(nil,
			"-- revision: %s\n-- revises: %s\n-- message: x\n\n-- upgrade\nCREATE TABLE IF NOT EXISTS %[1]s (x bigint);\n%[3]s\n\n-- downgrade\n%[3]s\nDROP TABLE IF EXISTS %[1]s;\n", id, on, g.slow())}
	}
	p.Project = skeintest.New(t, "fleet: f\n"+g.config()+"guards: {max_shrink: 100%}\nrollout: {per_server: 1}\n", files)
	for range 4 {
		p.create()
	}
	return p
}

func (p *rollbackProgram) run() {
	p.ended(p.Must(0, append([]string{"upgrade", p.target(), "-q"}, p.some()...)...))
	for range 6 + p.rng.IntN(8) {
		ops := []func(){
			p.upgrade, p.upgrade, p.upgrade, p.upgrade, p.killedUpgrade, p.killedUpgrade, p.downgrade, p.stamp,
			p.remake, p.rename, p.copy, p.create, p.drop, p.resume, p.rollback, p.killedRollback,
		}
		ops[p.rng.IntN(len(ops))]()
		if p.t.Failed() {
			break
		}
	}
	for !p.t.Failed() && !p.rollback1() {
		p.upgrade()
	}
	p.t.Logf("the program:\n%s", strings.Join(p.log, "\n"))
}

func (p *rollbackProgram) logf(format string, args ...any) {
	p.log = append(p.log, fmt.Sprintf(format, args...))
}

func (p *rollbackProgram) any() string { return p.ids[p.rng.IntN(len(p.ids))] }

func (p *rollbackProgram) create() {
	p.next++
	id := fmt.Sprintf("t%02d", p.next)
	p.logf("create %s", id)
	p.home.create(id)
	p.ids = append(p.ids, id)
}

func (p *rollbackProgram) drop() {
	if len(p.ids) < 3 {
		return
	}
	id := p.any()
	p.logf("drop %s", id)
	p.home.drop(id)
	p.ids = slices.DeleteFunc(p.ids, func(other string) bool { return other == id })
}

func (p *rollbackProgram) remake() {
	id := p.any()
	p.logf("drop and create %s", id)
	p.home.drop(id)
	p.home.create(id)
}

func (p *rollbackProgram) rename() {
	id := p.any()
	p.next++
	to := fmt.Sprintf("t%02d", p.next)
	p.logf("rename %s to %s", id, to)
	p.home.rename(id, to)
	p.ids[slices.Index(p.ids, id)] = to
	if p.rng.IntN(2) == 0 {
		p.logf("create %s", id)
		p.home.create(id)
		p.ids = append(p.ids, id)
	}
}

// copy makes a tenant of another, or puts the copy in its own place later: a restore.
func (p *rollbackProgram) copy() {
	id := p.any()
	if p.rng.IntN(2) == 0 {
		p.next++
		to := fmt.Sprintf("t%02d", p.next)
		p.logf("copy %s to %s", id, to)
		p.home.copy(id, to)
		p.ids = append(p.ids, to)
		return
	}
	p.logf("back up %s", id)
	p.home.copy(id, "backup")
	for range 1 + p.rng.IntN(2) {
		[]func(){p.upgrade, p.downgrade, p.rollback}[p.rng.IntN(3)]()
	}
	if slices.Contains(p.ids, id) {
		p.logf("restore %s", id)
		p.home.drop(id)
		p.home.copy("backup", id)
	}
	p.home.drop("backup")
}

// some are the arguments that choose tenants; often all.
func (p *rollbackProgram) some() []string {
	if p.rng.IntN(3) == 0 {
		return nil
	}
	var ids []string
	for _, id := range p.ids {
		if p.rng.IntN(2) == 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return []string{"-t", "id in (" + strings.Join(ids, ",") + ")"}
}

func (p *rollbackProgram) target() string {
	return []string{"a1", "a2", "a3", "a4", "b1", "b2", "heads", "heads"}[p.rng.IntN(8)]
}

// skein runs a command that may well be refused, but not crash.
func (p *rollbackProgram) skein(args ...string) skeintest.Result {
	p.t.Helper()
	return p.ended(p.Run(args...))
}

func (p *rollbackProgram) ended(r skeintest.Result) skeintest.Result {
	p.t.Helper()
	p.logf("skein %s: exit %d %s", strings.Join(r.Args, " "), r.Code, strings.TrimSpace(r.Stderr))
	if strings.Contains(r.Stderr, "goroutine ") {
		p.t.Errorf("it crashed: %s", r.Stderr)
	}
	return r
}

// killed runs a command and kills it, as a rule before it ends.
func (p *rollbackProgram) killed(args ...string) {
	p.t.Helper()
	process := p.Start(args...)
	time.Sleep(time.Duration(20+p.rng.IntN(120)) * time.Millisecond)
	process.Signal(os.Kill)
	p.ended(process.Wait())
	p.home.quiet()
}

func (p *rollbackProgram) upgrade() {
	p.skein(append([]string{"upgrade", p.target(), "-q"}, p.some()...)...)
}

func (p *rollbackProgram) killedUpgrade() {
	p.killed(append([]string{"upgrade", p.target(), "-q"}, p.some()...)...)
}

func (p *rollbackProgram) downgrade() {
	p.skein(append([]string{"downgrade", []string{"a1", "a2", "b1", "base"}[p.rng.IntN(4)], "--yes", "-q"}, p.some()...)...)
}

func (p *rollbackProgram) stamp() {
	args := append([]string{"stamp", []string{"a1", "a3", "b2", "base"}[p.rng.IntN(4)], "-q"}, p.some()...)
	if p.rng.IntN(2) == 0 {
		args = append(args, "--purge")
	}
	p.skein(args...)
}

// rollouts are the ids of the fleet's rollouts of those kinds.
func (p *rollbackProgram) rollouts(kinds ...string) []string {
	p.t.Helper()
	var list []struct{ ID, Type string }
	r := p.Run("rollout", "list", "-n", "0", "--json")
	if err := json.Unmarshal([]byte(r.Stdout), &list); err != nil {
		p.t.Fatalf("%v: %s%s", err, r.Stdout, r.Stderr)
	}
	var ids []string
	for _, l := range list {
		if slices.Contains(kinds, l.Type) {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

func (p *rollbackProgram) rollback() { p.rollback1() }

// rollback1 takes a rollout back, and reports whether there was one.
func (p *rollbackProgram) rollback1() bool {
	p.t.Helper()
	ids := p.rollouts("upgrade")
	if len(ids) == 0 {
		return false
	}
	of := ids[p.rng.IntN(len(ids))]
	args := []string{"rollout", "rollback", of, "--yes", "--json"}
	partial := p.rng.IntN(3) == 0
	if partial {
		args = append(args, "--partial")
	}
	before := p.look()
	want, blocked := before.without(of)
	own := before.own(of)
	r := p.skein(args...)
	text := r.Stdout + r.Stderr
	switch says := strings.Contains(text, "there is nothing to take back"); {
	case own == 0:
		want = before
		if r.Code != 1 || !says {
			p.t.Errorf("no row names %s: exit %d\n%s", of, r.Code, text)
		}
	case says:
		p.t.Errorf("%d rows name %s:\n%s", own, of, text)
	case blocked > 0 && (!partial || before.equal(want)):
		want = before
		if r.Code != 1 || !strings.Contains(text, "builds on what is to be taken down") {
			p.t.Errorf("%d tenants have something on top of what %s applied: exit %d\n%s", blocked, of, r.Code, text)
		}
	case r.Code != 0:
		p.t.Errorf("exit %d\n%s", r.Code, text)
	}
	if diff := cmp.Diff(want, p.look(), cmp.AllowUnexported(inTenant{}, versionRow{}), cmpopts.EquateEmpty()); diff != "" {
		p.t.Errorf("after the rollback of %s (-want +got):\n%s", of, diff)
	}
	return true
}

// killedRollback leaves half of a rollback done: of other rollouts it touches nothing, nor does its resume.
func (p *rollbackProgram) killedRollback() {
	ids := p.rollouts("upgrade")
	if len(ids) == 0 {
		return
	}
	of := ids[p.rng.IntN(len(ids))]
	before := p.look()
	p.killed("rollout", "rollback", of, "--yes", "--partial", "-q")
	p.othersKept(of, before)
}

func (p *rollbackProgram) resume() {
	ids := p.rollouts("upgrade", "rollback")
	if len(ids) == 0 {
		return
	}
	id := ids[p.rng.IntN(len(ids))]
	var shown struct{ Type, Target string }
	r := p.Run("rollout", "show", id, "--json")
	if err := json.Unmarshal([]byte(r.Stdout), &shown); err != nil {
		p.t.Fatalf("%v: %s%s", err, r.Stdout, r.Stderr)
	}
	before := p.look()
	p.skein("rollout", "resume", id, "-q")
	if shown.Type == "rollback" {
		p.othersKept(shown.Target, before)
	}
}

// othersKept checks that only rows of one rollout are gone since, and that none came.
func (p *rollbackProgram) othersKept(of string, before inTenants) {
	p.t.Helper()
	for id, now := range p.look() {
		var lost []versionRow
		for _, row := range before[id].rows {
			if !slices.Contains(now.rows, row) && row.rollout != of {
				lost = append(lost, row)
			}
		}
		more := slices.DeleteFunc(slices.Clone(now.rows), func(row versionRow) bool { return slices.Contains(before[id].rows, row) })
		if len(lost)+len(more) > 0 {
			p.t.Errorf("%s lost %v and got %v by a rollback of %s", id, lost, more, of)
		}
	}
}

// inTenant is what is in a tenant.
type inTenant struct {
	rows   []versionRow
	tables []string
}

type inTenants map[string]inTenant

func (p *rollbackProgram) look() inTenants {
	all := inTenants{}
	for _, id := range p.ids {
		all[id] = inTenant{p.home.rows(id), p.home.tables(id)}
	}
	return all
}

// own is how many rows name a rollout.
func (s inTenants) own(rollout string) int {
	n := 0
	for _, in := range s {
		for _, row := range in.rows {
			if row.rollout == rollout {
				n++
			}
		}
	}
	return n
}

// without is what there is when a rollout is taken back wherever nothing of others builds on it, and how many tenants
// there are where something does.
func (s inTenants) without(rollout string) (after inTenants, blocked int) {
	after = inTenants{}
	for id, in := range s {
		by := map[string]string{}
		for _, row := range in.rows {
			by[row.revision] = row.rollout
		}
		stays := func(revision string) bool { return by[revision] == rollout }
		onTop := slices.ContainsFunc(in.rows, func(row versionRow) bool {
			return row.rollout != rollout && stays(onWhat[row.revision])
		})
		if onTop {
			blocked++
			after[id] = in
			continue
		}
		after[id] = inTenant{
			rows:   slices.DeleteFunc(slices.Clone(in.rows), func(row versionRow) bool { return row.rollout == rollout }),
			tables: slices.DeleteFunc(slices.Clone(in.tables), stays),
		}
	}
	return after, blocked
}

func (s inTenants) equal(other inTenants) bool {
	return maps.EqualFunc(s, other, func(a, b inTenant) bool { return slices.Equal(a.rows, b.rows) })
}

func parseRows(lines []string) []versionRow {
	var rows []versionRow
	for _, line := range lines {
		f := strings.Split(line, "|")
		rows = append(rows, versionRow{f[0], f[1], f[2]})
	}
	return rows
}

// fileHome are SQLite files in a folder.
type fileHome struct {
	t   *testing.T
	dir string
}

func (g *fileHome) path(id string) string { return filepath.Join(g.dir, id+".db") }

func (g *fileHome) config() string {
	return "tenants:\n  - {glob: \"" + filepath.ToSlash(g.dir) + "/t*.db\"}\n"
}

func (g *fileHome) slow() string {
	return "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 20000) SELECT count(*) FROM c;"
}

func (g *fileHome) create(id string) {
	g.t.Helper()
	if err := os.MkdirAll(g.dir, 0o750); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(g.path(id), nil, 0o600); err != nil {
		g.t.Fatal(err)
	}
	sqlitetest.Exec(g.t, g.path(id), "CREATE TABLE own (x)")
}

func (g *fileHome) drop(id string) {
	g.t.Helper()
	for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
		if err := os.Remove(g.path(id) + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			g.t.Fatal(err)
		}
	}
}

func (g *fileHome) rename(from, to string) {
	g.t.Helper()
	g.copy(from, to)
	g.drop(from)
}

func (g *fileHome) copy(from, to string) {
	g.t.Helper()
	sqlitetest.Exec(g.t, g.path(from), "VACUUM INTO '"+g.path(to)+"'")
}

func (g *fileHome) rows(id string) []versionRow {
	g.t.Helper()
	if sqlitetest.QueryRows(g.t, g.path(id), "SELECT count(*) FROM sqlite_schema WHERE name = 'skein_version'")[0] == "0" {
		return nil
	}
	return parseRows(sqlitetest.QueryRows(g.t, g.path(id), "SELECT revision, rollout, applied_at FROM skein_version ORDER BY revision"))
}

func (g *fileHome) tables(id string) []string {
	g.t.Helper()
	return sqlitetest.QueryRows(g.t, g.path(id), "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'skein%' ORDER BY name")
}

func (g *fileHome) quiet() {} // locks go with their process

// schemaHome are schemas of one PostgreSQL database.
type schemaHome struct {
	t    *testing.T
	url  string
	conn *pgx.Conn
}

func newSchemaHome(t *testing.T) *schemaHome {
	t.Helper()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	return &schemaHome{t, url, pgtest.Connect(t, url)}
}

func (g *schemaHome) config() string {
	return "servers: {main: {url: \"" + g.url + "\"}}\ntenants:\n  - {server: main, include_schemas: [\"t*\"]}\n"
}

func (g *schemaHome) slow() string { return "SELECT pg_sleep(0.01);" }

func (g *schemaHome) exec(sql string) {
	g.t.Helper()
	if _, err := g.conn.Exec(g.t.Context(), sql); err != nil {
		g.t.Fatalf("%s: %v", sql, err)
	}
}

func (g *schemaHome) lines(sql string) []string {
	g.t.Helper()
	rows, err := g.conn.Query(g.t.Context(), sql)
	if err != nil {
		g.t.Fatalf("%s: %v", sql, err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		g.t.Fatalf("%s: %v", sql, err)
	}
	return lines
}

func (g *schemaHome) create(id string) { g.exec("CREATE SCHEMA " + id) }

func (g *schemaHome) drop(id string) { g.exec("DROP SCHEMA " + id + " CASCADE") }

func (g *schemaHome) rename(from, to string) { g.exec("ALTER SCHEMA " + from + " RENAME TO " + to) }

func (g *schemaHome) copy(from, to string) {
	g.create(to)
	for _, name := range g.lines("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = '" + from + "'::regnamespace") {
		g.exec(fmt.Sprintf("CREATE TABLE %[2]s.%[3]s (LIKE %[1]s.%[3]s INCLUDING ALL); INSERT INTO %[2]s.%[3]s SELECT * FROM %[1]s.%[3]s", from, to, name))
	}
}

func (g *schemaHome) rows(id string) []versionRow {
	if g.lines("SELECT count(*)::text FROM pg_class WHERE relname = 'skein_version' AND relnamespace = '" + id + "'::regnamespace")[0] == "0" {
		return nil
	}
	return parseRows(g.lines("SELECT concat_ws('|', revision, coalesce(rollout, ''), applied_at) FROM " + id + ".skein_version ORDER BY revision"))
}

func (g *schemaHome) tables(id string) []string {
	return g.lines("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname NOT LIKE 'skein%' AND relnamespace = '" + id + "'::regnamespace ORDER BY relname")
}

func (g *schemaHome) quiet() {
	g.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		left := g.lines("SELECT concat_ws(' ', pid, state, query) FROM pg_stat_activity WHERE application_name LIKE 'skein%' AND datname = current_database()")
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("backends of a killed skein are still there after a minute: %q", left)
		}
	}
}

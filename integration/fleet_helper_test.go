package integration_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
	"github.com/skeindb/skein/integration/sqlitetest"
)

// testFleet is a project with many tenants that are all alike. It reads their state by other means than
// skein's.
type testFleet struct {
	*skeintest.Project
	t       testing.TB
	backend tenantBackend
	ids     []string // tenant_0001 and so on
}

// tenantBackend is where the tenants of a fleet live.
type tenantBackend interface {
	config() string // `servers` and `tenants`
	exec(id string, statements ...string)
	look(ids []string, dumps bool) map[string]sight
	reference(bodies []string) []string // dumps after each body, made without skein
	quiet() time.Duration               // waits until no dead skein is at work any more
}

// sight is what is seen of a tenant that has the tables of steps.
type sight struct {
	rows string // revisions in its version table, joined by blanks
	log  string // what the revisions themselves wrote down
	dump string // its structure, if that was asked for
}

// newFleet makes n empty tenants and a project over them; more follows in its skein.yaml.
func newFleet(t testing.TB, d revision.Dialect, n int, files fs.FS, more string) *testFleet {
	t.Helper()
	f := &testFleet{t: t}
	if d == revision.SQLite {
		dir := filepath.Join(t.TempDir(), "data")
		sqlitetest.Files(t, dir, n)
		f.backend = &plainFiles{t, dir}
	} else {
		url, _ := pgtest.Database(t, pgtest.Server(t))
		pgtest.Schemas(t, url, "tenant_", n)
		f.backend = &plainSchemas{t, url, url}
	}
	return f.project(n, files, more)
}

// newFleetAt makes n schemas in a database; skein reaches it by another URL.
func newFleetAt(t testing.TB, url, reached string, n int, files fs.FS, more string) *testFleet {
	t.Helper()
	pgtest.Schemas(t, url, "tenant_", n)
	f := &testFleet{t: t, backend: &plainSchemas{t, url, reached}}
	return f.project(n, files, more)
}

func (f *testFleet) project(n int, files fs.FS, more string) *testFleet {
	for k := range n {
		f.ids = append(f.ids, fmt.Sprintf("tenant_%04d", k+1))
	}
	f.Project = skeintest.New(f.t, "fleet: acme\n"+f.backend.config()+more, files)
	return f
}

// order is that in which a rollout takes the tenants up: that of the SHA-256 of their ids.
func (f *testFleet) order() []string {
	ids := slices.Clone(f.ids)
	slices.SortFunc(ids, func(a, b string) int {
		x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
		return bytes.Compare(x[:], y[:])
	})
	return ids
}

// url is the database of the fleet's schemas.
func (f *testFleet) url() string { return f.backend.(*plainSchemas).url }

// file is the file of a tenant.
func (f *testFleet) file(id string) string { return f.backend.(*plainFiles).path(id) }

// want fails the test unless each tenant has exactly the first so many steps: in its version table, in what
// the revisions wrote down and, with dumps of what they should be equal to, in its structure.
func (f *testFleet) want(dumps []string, steps ...int) map[string]int {
	f.t.Helper()
	return f.wantOf(f.ids, dumps, steps...)
}

func (f *testFleet) wantOf(ids []string, dumps []string, steps ...int) map[string]int {
	f.t.Helper()
	at := map[string]int{}
	var wrong []string
	for id, s := range f.backend.look(ids, dumps != nil) {
		at[id] = strings.Count(s.rows, "r")
		if err := s.check(dumps, steps); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s %v", id, err))
		}
	}
	if len(at) != len(ids) {
		f.t.Errorf("%d tenants are left, want %d", len(at), len(ids))
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		f.t.Errorf("%d tenants are wrong, such as\n%s", len(wrong), strings.Join(wrong[:min(3, len(wrong))], "\n"))
	}
	return at
}

// check says what is wrong with a tenant that should have exactly the first so many steps.
func (s sight) check(dumps []string, steps []int) error {
	n := strings.Count(s.rows, "r")
	switch {
	case !slices.Contains(steps, n):
		return fmt.Errorf("has %d revisions (%s), want %v", n, s.rows, steps)
	case s.rows != idsUpTo(n):
		return fmt.Errorf("has the revisions %q, want %q", s.rows, idsUpTo(n))
	case s.log != logUpTo(n):
		return fmt.Errorf("has the revisions %q, but ran %q", s.rows, s.log)
	case dumps != nil && s.dump != dumps[n]:
		return fmt.Errorf("has the revisions %q, but another structure:\n%s\nwant:\n%s", s.rows, s.dump, dumps[n])
	}
	return nil
}

func idsUpTo(n int) string {
	var ids []string
	for k := range n {
		ids = append(ids, stepID(k+1))
	}
	return strings.Join(ids, " ")
}

func logUpTo(n int) string {
	var log []string
	for k := range n {
		log = append(log, strconv.Itoa(k+1))
	}
	return strings.Join(log, " ")
}

func stepID(k int) string { return fmt.Sprintf("r%03d", k) }

// steps are the bodies of n revisions whose structures are all different and none large: each makes a table
// and a column, takes away those of the last but one, changes a row, and writes down that it ran.
func steps(n int) []string {
	bodies := []string{"CREATE TABLE base (id integer PRIMARY KEY, qty integer NOT NULL);\n" +
		"CREATE TABLE log (n integer NOT NULL);\n" +
		"INSERT INTO base VALUES (1, 1);\n" +
		"INSERT INTO log VALUES (1);\n"}
	for k := 2; k <= n; k++ {
		b := fmt.Sprintf("CREATE TABLE t%d (id integer PRIMARY KEY, base integer REFERENCES base (id));\n"+
			"CREATE INDEX t%d_base ON t%d (base);\n"+
			"ALTER TABLE base ADD COLUMN c%d integer NOT NULL DEFAULT %d;\n", k, k, k, k, k)
		if k >= 4 {
			b += fmt.Sprintf("DROP TABLE t%d;\nALTER TABLE base DROP COLUMN c%d;\n", k-2, k-2)
		}
		b += fmt.Sprintf("UPDATE base SET qty = qty + 1;\nINSERT INTO log VALUES (%d);\n", k)
		bodies = append(bodies, b)
	}
	return bodies
}

// inFiles makes revision files r001.sql and so on. A body may begin with options: `: lock_timeout=0` on a line.
func inFiles(bodies []string) fstest.MapFS {
	files := fstest.MapFS{}
	before := "none"
	for k, body := range bodies {
		id := stepID(k + 1)
		options := ""
		if rest, ok := strings.CutPrefix(body, ":"); ok {
			options, body, _ = strings.Cut(rest, "\n")
			options = ":" + options
		}
		files[id+"_step.sql"] = &fstest.MapFile{Data: []byte(fmt.Sprintf(
			"-- revision: %s\n-- revises: %s\n-- message: step %d\n\n-- upgrade%s\n%s", id, before, k+1, options, body))}
		before = id
	}
	return files
}

// plainFiles are SQLite files in a folder.
type plainFiles struct {
	t   testing.TB
	dir string
}

func (p *plainFiles) path(id string) string { return filepath.Join(p.dir, id+".db") }

func (p *plainFiles) config() string {
	return "tenants:\n  - {glob: \"" + filepath.ToSlash(p.dir) + "/*.db\"}\n"
}

func (p *plainFiles) exec(id string, statements ...string) {
	p.t.Helper()
	sqlitetest.Exec(p.t, p.path(id), statements...)
}

func (p *plainFiles) look(ids []string, dumps bool) map[string]sight {
	p.t.Helper()
	all := map[string]sight{}
	for _, id := range ids {
		if _, err := os.Stat(p.path(id)); err != nil {
			continue
		}
		all[id] = lookAtFile(p.t, p.path(id), dumps)
	}
	return all
}

const (
	fileStructure = `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name NOT LIKE 'skein_version%' ORDER BY type, name`
	fileSight     = `SELECT (SELECT group_concat(revision, ' ' ORDER BY revision) FROM skein_version),
		(SELECT group_concat(n, ' ' ORDER BY n) FROM log), (SELECT qty FROM base WHERE id = 1)`
)

// lookAtFile does without sqlitetest.Dump, which evens out white space: here it is the same in all files.
func lookAtFile(t testing.TB, path string, dumps bool) sight {
	t.Helper()
	structure := ""
	if dumps {
		structure = strings.Join(sqlitetest.QueryRows(t, path, fileStructure), "\n")
	}
	if sqlitetest.QueryRows(t, path, "SELECT count(*) FROM sqlite_schema WHERE name = 'skein_version'")[0] == "0" {
		return sight{dump: structure}
	}
	rows, rest, _ := strings.Cut(sqlitetest.QueryRows(t, path, fileSight)[0], "|")
	log, qty, _ := strings.Cut(rest, "|")
	return sight{rows: rows, log: logOf(log, qty), dump: structure}
}

// logOf is the log if the row that each step counts up agrees with it.
func logOf(log, qty string) string {
	if n := len(strings.Fields(log)); qty != strconv.Itoa(n) {
		return fmt.Sprintf("%s (but the row says %s)", log, qty)
	}
	return log
}

func (p *plainFiles) reference(bodies []string) []string {
	path := sqlitetest.Files(p.t, filepath.Join(p.t.TempDir(), "reference"), 1)[0]
	dumps := []string{""}
	for _, body := range bodies {
		sqlitetest.Exec(p.t, path, body)
		dumps = append(dumps, strings.Join(sqlitetest.QueryRows(p.t, path, fileStructure), "\n"))
	}
	return dumps
}

func (p *plainFiles) quiet() time.Duration { return 0 } // locks go with their process

// plainSchemas are schemas of one database.
type plainSchemas struct {
	t       testing.TB
	url     string // of a superuser, past all faults
	reached string // the URL that skein gets
}

func (p *plainSchemas) config() string {
	return "servers:\n  main:\n    url: " + p.reached + "\ntenants:\n  - {server: main, include_schemas: [\"tenant_*\"]}\n"
}

func (p *plainSchemas) exec(id string, statements ...string) {
	p.t.Helper()
	pgtest.Exec(p.t, urlInSchema(p.url, id), statements...)
}

func (p *plainSchemas) look(ids []string, dumps bool) map[string]sight {
	p.t.Helper()
	there := pgtest.QueryRows(p.t, p.url, "SELECT n.nspname, count(c.oid) FROM pg_namespace AS n LEFT JOIN pg_class AS c"+
		" ON c.relnamespace = n.oid AND c.relname = 'skein_version' WHERE n.nspname = ANY ($1::text[]) GROUP BY 1 ORDER BY 1", ids)
	all := map[string]sight{}
	var query []string
	var names []string
	for _, row := range there {
		id, tables, _ := strings.Cut(row, "|")
		names = append(names, id)
		all[id] = sight{}
		if tables == "0" {
			continue
		}
		query = append(query, fmt.Sprintf("SELECT '%s', (SELECT string_agg(revision, ' ' ORDER BY revision) FROM %s.skein_version),"+
			" (SELECT string_agg(n::text, ' ' ORDER BY n) FROM %s.log), (SELECT qty FROM %s.base WHERE id = 1)", id, id, id, id))
	}
	structures := map[string]string{}
	if dumps {
		structures = pgtest.DumpAll(p.t, p.url, names)
	}
	for id, dump := range structures {
		all[id] = sight{dump: dump}
	}
	for part := range slices.Chunk(query, 200) {
		for _, row := range pgtest.QueryRows(p.t, p.url, strings.Join(part, " UNION ALL ")) {
			v := strings.Split(row, "|")
			all[v[0]] = sight{rows: v[1], log: logOf(v[2], v[3]), dump: structures[v[0]]}
		}
	}
	return all
}

func (p *plainSchemas) reference(bodies []string) []string {
	url, _ := pgtest.Database(p.t, pgtest.Server(p.t))
	pgtest.Exec(p.t, url, "CREATE SCHEMA reference")
	dumps := []string{pgtest.Dump(p.t, url, "reference")}
	for _, body := range bodies {
		pgtest.Exec(p.t, urlInSchema(url, "reference"), body)
		dumps = append(dumps, pgtest.Dump(p.t, url, "reference"))
	}
	return dumps
}

const backendsOfSkein = `SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'skein%' AND datname = current_database()`

func (p *plainSchemas) quiet() time.Duration {
	p.t.Helper()
	begun := time.Now()
	waitUntil(p.t, "no backend of the dead skein to be left", func() bool {
		return pgtest.Scalar[int](p.t, p.url, backendsOfSkein) == 0
	})
	return time.Since(begun)
}

// running is a command under way.
type running struct {
	*skeintest.Process
	t      testing.TB
	ended  chan struct{}
	result skeintest.Result // once ended is closed
}

// startProcess begins a command; it is killed at the end of the test at the latest.
func (f *testFleet) start(args ...string) *running {
	f.t.Helper()
	return startProcess(f.t, f.Project, args...)
}

func startProcess(t testing.TB, p *skeintest.Project, args ...string) *running {
	t.Helper()
	r := &running{Process: p.Start(args...), t: t, ended: make(chan struct{})}
	go func() {
		r.result = r.Wait()
		close(r.ended)
	}()
	t.Cleanup(func() {
		r.Signal(os.Kill)
		<-r.ended
	})
	return r
}

// utmost is how long anything may take.
const utmost = time.Minute

// end waits for the end.
func (r *running) end() skeintest.Result {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(utmost):
		r.Signal(os.Kill)
		<-r.ended
		r.t.Fatalf("skein %s did not end within %s\nstdout:\n%s\nstderr:\n%s", strings.Join(r.result.Args, " "), utmost, tailOf(r.result.Stdout), tailOf(r.result.Stderr))
	}
	return r.result
}

func tailOf(s string) string { return s[max(0, len(s)-4000):] }

// kill ends it by SIGKILL.
func (r *running) kill() skeintest.Result {
	r.Signal(os.Kill)
	return r.end()
}

// has waits until stdout has text n times, and reports false when the process ended before.
func (r *running) has(text string, n int) bool {
	r.t.Helper()
	deadline := time.After(utmost)
	for {
		if strings.Count(r.Stdout(), text) >= n {
			return true
		}
		select {
		case <-r.ended:
			return strings.Count(r.Stdout(), text) >= n
		case <-deadline:
			r.t.Fatalf("skein never printed %q %d times\n%s", text, n, tailOf(r.Stdout()))
		case <-time.After(time.Millisecond):
		}
	}
}

// must is has, and fails the test when the process ended before.
func (r *running) must(text string, n int) {
	r.t.Helper()
	if !r.has(text, n) {
		r.t.Fatalf("skein ended with %d before it printed %q %d times\nstdout:\n%s\nstderr:\n%s", r.result.Code, text, n, tailOf(r.result.Stdout), tailOf(r.result.Stderr))
	}
}

const (
	isDone    = `"outcome":"done"`
	isRunning = `"outcome":"running"`
)

// waitUntil waits for a condition.
func waitUntil(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(utmost); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", utmost, what)
		}
	}
}

// gate is a place in a revision where all tenants of a database wait until the test opens it.
const gate = "SELECT pg_advisory_xact_lock_shared(4711);\n"

// shut closes the gate of the fleet's database, and returns what opens it.
func (f *testFleet) shut() (open func()) {
	f.t.Helper()
	conn := pgtest.Connect(f.t, f.url())
	run := func(sql string) {
		f.t.Helper()
		if _, err := conn.Exec(f.t.Context(), sql); err != nil {
			f.t.Fatal(err)
		}
	}
	run("SELECT pg_advisory_lock(4711)")
	return func() { f.t.Helper(); run("SELECT pg_advisory_unlock(4711)") }
}

// atGate waits until n tenants are at the gate.
func (f *testFleet) atGate(n int) {
	f.t.Helper()
	waitUntil(f.t, fmt.Sprintf("%d tenants at the gate", n), func() bool {
		return pgtest.Scalar[int](f.t, f.url(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) >= n
	})
}

// newRandom returns the source of a test's chances. SKEIN_TEST_SEED repeats a run.
func newRandom(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("SKEIN_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("SKEIN_TEST_SEED: %v", err)
		}
	}
	t.Logf("SKEIN_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// outcomes folds the lines of a stream: the last outcome of each tenant.
func outcomes(r skeintest.Result) map[string]string {
	all := map[string]string{}
	for _, e := range r.Events() {
		if e["kind"] == "tenant" {
			all[e["tenant"].(string)] = e["outcome"].(string)
		}
	}
	return all
}

// inBothDialects runs a test for each dialect.
func inBothDialects(t *testing.T, test func(t *testing.T, d revision.Dialect)) {
	t.Parallel()
	for _, d := range []revision.Dialect{revision.Postgres, revision.SQLite} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

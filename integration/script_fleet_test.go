package integration_test

import (
	"database/sql"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/shop"
	"github.com/skeindb/skein/integration/sqlitetest"
)

// waitLimit bounds every wait of a script.
const waitLimit = time.Minute

// scriptState has what a script works on. The commands:
//
//	fleet N [list]          makes the tenants t1 to tN, empty, and skein.yaml, which finds them; the text of
//	                        more.yaml, if there is one, follows. With `list` the config names each of them.
//	more N                  makes one more, tN
//	drop ID                 takes a tenant away
//	shop                    copies the ten revisions of integration/shop to migrations/
//	slow FILE               writes a statement that takes minutes in place of the word SLOW in a revision
//	sql ID SQL              runs SQL in a tenant, as its application would
//	rows ID SQL [ROW...]    fails unless the query has exactly these rows, columns being joined by |
//	tables ID [NAME...]     fails unless the tenant has exactly these tables, its version table apart
//	psql SQL [ROW...]       runs SQL in the database of $URL, which has rows where some are wanted
//	lock ID TABLE           keeps a transaction open that changed the table, until `unlock`
//	unlock                  ends all of those
type scriptState struct {
	tb        testing.TB
	backend   scriptBackend // nil in scripts without a fleet
	ids       []string
	processes map[string]*process
	unlocks   []func()
}

type scriptStateKey struct{}

func scriptStateOf(ts *testscript.TestScript) *scriptState {
	return ts.Value(scriptStateKey{}).(*scriptState)
}

// close ends what the script left behind.
func (s *scriptState) close() {
	for _, p := range s.processes {
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	s.unlock()
}

func (s *scriptState) unlock() {
	for _, unlock := range s.unlocks {
		unlock()
	}
	s.unlocks = nil
}

// scriptBackend is where the tenants of a fleet live.
type scriptBackend interface {
	kind() string
	dialect() revision.Dialect
	make(id string)
	drop(id string)
	exec(id, statement string)
	query(id, statement string) []string
	tables(id string) []string
	lock(id, table string) (unlock func())
	slow() string                          // a statement that takes minutes
	config(ids []string, list bool) string // `servers` and `tenants`
}

func cmdFleet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 || len(args) == 2 && args[1] != "list" {
		ts.Fatalf("usage: fleet N [list]")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	s := scriptStateOf(ts)
	for k := range n {
		s.ids = append(s.ids, fmt.Sprintf("t%d", k+1))
		s.backend.make(s.ids[k])
	}
	config := "fleet: acme\n" + s.backend.config(s.ids, len(args) == 2)
	if more, err := os.ReadFile(ts.MkAbs("more.yaml")); err == nil {
		config += string(more)
	}
	ts.Check(os.WriteFile(ts.MkAbs("skein.yaml"), []byte(config), 0o600))
}

func cmdMore(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: more N")
	}
	scriptStateOf(ts).backend.make("t" + args[0])
}

func cmdDrop(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: drop ID")
	}
	scriptStateOf(ts).backend.drop(args[0])
}

func cmdShop(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: shop")
	}
	files := shop.FS(scriptStateOf(ts).backend.dialect())
	names, err := fs.Glob(files, "*.sql")
	ts.Check(err)
	ts.Check(os.MkdirAll(ts.MkAbs("migrations"), 0o750))
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		ts.Check(err)
		ts.Check(os.WriteFile(filepath.Join(ts.MkAbs("migrations"), name), text, 0o600))
	}
}

func cmdSlow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: slow FILE")
	}
	cmdReplace(ts, false, []string{args[0], "SLOW", scriptStateOf(ts).backend.slow()})
}

func cmdSQL(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sql ID SQL")
	}
	scriptStateOf(ts).backend.exec(args[0], args[1])
}

func cmdRows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: rows ID SQL [ROW...]")
	}
	wantEqualRows(ts, args[0]+": "+args[1], scriptStateOf(ts).backend.query(args[0], args[1]), args[2:])
}

func cmdPsql(ts *testscript.TestScript, neg bool, args []string) {
	database, ok := scriptStateOf(ts).backend.(*schemas)
	if neg || !ok || len(args) < 1 {
		ts.Fatalf("usage: psql SQL [ROW...], where tenants are schemas")
	}
	statement := os.Expand(args[0], ts.Getenv)
	if len(args) == 1 {
		pgtest.Exec(database.tb, database.url, statement)
		return
	}
	wantEqualRows(ts, statement, pgtest.QueryRows(database.tb, database.url, statement), args[1:])
}

func cmdTables(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: tables ID [NAME...]")
	}
	wantEqualRows(ts, "tables of "+args[0], scriptStateOf(ts).backend.tables(args[0]), args[1:])
}

func wantEqualRows(ts *testscript.TestScript, what string, got, want []string) {
	if !slices.Equal(got, want) {
		ts.Fatalf("%s: %q, want %q", what, got, want)
	}
}

func cmdLock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lock ID TABLE")
	}
	s := scriptStateOf(ts)
	s.unlocks = append(s.unlocks, s.backend.lock(args[0], args[1]))
}

func cmdUnlock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: unlock")
	}
	scriptStateOf(ts).unlock()
}

// files are SQLite files, data/t1.db and so on.
type files struct {
	tb  testing.TB
	dir string
}

func newFiles(tb testing.TB, dir string) scriptBackend {
	tb.Helper()
	return &files{tb, filepath.Join(dir, "data")}
}

func (f *files) kind() string              { return "files" }
func (f *files) dialect() revision.Dialect { return revision.SQLite }
func (f *files) path(id string) string     { return filepath.Join(f.dir, id+".db") }

func (f *files) make(id string) {
	path := sqlitetest.Files(f.tb, f.tb.TempDir(), 1)[0]
	if err := os.MkdirAll(f.dir, 0o750); err != nil {
		f.tb.Fatal(err)
	}
	if err := os.Rename(path, f.path(id)); err != nil {
		f.tb.Fatal(err)
	}
}

func (f *files) drop(id string) {
	if err := os.Remove(f.path(id)); err != nil {
		f.tb.Fatal(err)
	}
}

func (f *files) exec(id, statement string) { sqlitetest.Exec(f.tb, f.path(id), statement) }

func (f *files) query(id, statement string) []string {
	return sqlitetest.QueryRows(f.tb, f.path(id), statement)
}

func (f *files) tables(id string) []string {
	return f.query(id, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'skein%' ORDER BY 1`)
}

// lock holds the only lock there is: that of a writer.
func (f *files) lock(id, _ string) (unlock func()) {
	ctx := f.tb.Context()
	dsn := url.URL{Scheme: "file", Path: f.path(id), RawQuery: "mode=rw"}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		f.tb.Fatal(err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		f.tb.Fatal(err)
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		f.tb.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
			f.tb.Error(err)
		}
		_ = conn.Close() // all is rolled back
		_ = db.Close()
	}
}

func (f *files) slow() string {
	return "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT count(*) FROM n;"
}

func (f *files) config(ids []string, list bool) string {
	if !list {
		return "tenants:\n  - {glob: \"data/*.db\", labels: {tier: free}}\n"
	}
	b := "tenants:\n  - list:\n"
	for _, id := range ids {
		b += fmt.Sprintf("      - {id: %s, file: data/%s.db, labels: {tier: free}}\n", id, id)
	}
	return b
}

// schemas are those of one database, named t1 and so on.
type schemas struct {
	tb        testing.TB
	url, name string // of the database
}

func newSchemas(tb testing.TB, _ string) scriptBackend {
	tb.Helper()
	url, name := pgtest.Database(tb, pgtest.Server(tb))
	return &schemas{tb, url, name}
}

func (s *schemas) kind() string              { return "schemas" }
func (s *schemas) dialect() revision.Dialect { return revision.Postgres }
func (s *schemas) slow() string              { return "SELECT pg_sleep(300);" }

func (s *schemas) make(id string) { pgtest.Exec(s.tb, s.url, "CREATE SCHEMA "+pgtest.Quote(id)) }
func (s *schemas) drop(id string) {
	pgtest.Exec(s.tb, s.url, "DROP SCHEMA "+pgtest.Quote(id)+" CASCADE")
}

func (s *schemas) exec(id, statement string) { pgtest.Exec(s.tb, urlInSchema(s.url, id), statement) }

func (s *schemas) query(id, statement string) []string {
	return pgtest.QueryRows(s.tb, urlInSchema(s.url, id), statement)
}

const tablesHere = `SELECT relname FROM pg_class WHERE relkind = 'r' AND relname NOT LIKE 'skein%' AND relnamespace = to_regnamespace(current_schema()) ORDER BY 1`

func (s *schemas) tables(id string) []string { return s.query(id, tablesHere) }

func (s *schemas) lock(id, table string) (unlock func()) {
	return lockTable(s.tb, urlInSchema(s.url, id), table)
}

func (s *schemas) config(ids []string, list bool) string {
	b := "servers:\n  main:\n    url: " + s.url + "\ntenants:\n"
	if !list {
		return b + "  - {server: main, include_schemas: [\"t?*\"], labels: {tier: free}}\n"
	}
	b += "  - list:\n"
	for _, id := range ids {
		b += fmt.Sprintf("      - {id: %s, server: main, schema: %s, labels: {tier: free}}\n", id, id)
	}
	return b
}

// urlInSchema is a URL whose sessions find a schema first.
func urlInSchema(rawURL, schema string) string {
	u, err := url.Parse(rawURL)
	if err != nil { // it was used before
		panic(err)
	}
	q := u.Query()
	q.Set("search_path", pgtest.Quote(schema))
	u.RawQuery = q.Encode()
	return u.String()
}

// lockTable keeps a change of a table open.
func lockTable(tb testing.TB, url, table string) (unlock func()) {
	tb.Helper()
	conn, ctx := pgtest.Connect(tb, url), tb.Context()
	if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
		tb.Fatal(err)
	}
	if _, err := conn.Exec(ctx, "LOCK TABLE "+pgtest.Quote(table)+" IN ACCESS EXCLUSIVE MODE"); err != nil {
		tb.Fatal(err)
	}
	return func() {
		if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
			tb.Error(err)
		}
		_ = conn.Close(ctx)
	}
}

// databases are those of the shared server. Their names begin with one that no other test has, and a table of
// tenants, which is the catalog, gives them the ids t1 and so on.
type databases struct {
	tb     testing.TB
	server *pgtest.Instance
	home   string // URL of a database that is no tenant
	prefix string
}

func newDatabases(tb testing.TB, _ string) scriptBackend {
	tb.Helper()
	server := pgtest.Server(tb)
	home, name := pgtest.Database(tb, server)
	return &databases{tb, server, home, name + "_"}
}

func (d *databases) kind() string              { return "databases" }
func (d *databases) dialect() revision.Dialect { return revision.Postgres }
func (d *databases) slow() string              { return "SELECT pg_sleep(300);" }
func (d *databases) url(id string) string      { return d.server.DatabaseURL(d.prefix + id) }

func (d *databases) make(id string) {
	pgtest.Exec(d.tb, d.server.URL, "CREATE DATABASE "+pgtest.Quote(d.prefix+id)+" TEMPLATE template0")
	d.tb.Cleanup(func() { d.drop(id) })
}

func (d *databases) drop(id string) {
	pgtest.Exec(d.tb, d.server.URL, "DROP DATABASE IF EXISTS "+pgtest.Quote(d.prefix+id)+" WITH (FORCE)")
}

func (d *databases) exec(id, statement string) { pgtest.Exec(d.tb, d.url(id), statement) }

func (d *databases) query(id, statement string) []string {
	return pgtest.QueryRows(d.tb, d.url(id), statement)
}

func (d *databases) tables(id string) []string { return d.query(id, tablesHere) }

func (d *databases) lock(id, table string) (unlock func()) { return lockTable(d.tb, d.url(id), table) }

func (d *databases) config(ids []string, list bool) string {
	b := "servers:\n  main:\n    url: " + d.home + "\ntenants:\n"
	if !list {
		query := fmt.Sprintf("select substr(datname, %d) as id, datname as database, 'public' as schema, 'free' as \\\"label.tier\\\" from pg_database where datname like '%s%%'",
			len(d.prefix)+1, strings.ReplaceAll(d.prefix, "_", `\\_`))
		return b + "  - query: {server: main, sql: \"" + query + "\"}\n"
	}
	b += "  - list:\n"
	for _, id := range ids {
		b += fmt.Sprintf("      - {id: %s, server: main, database: %s, schema: public, labels: {tier: free}}\n", id, d.prefix+id)
	}
	return b
}

package integration_test

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"hash/fnv"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
)

//go:embed testdata/isolation.sql
var isolationProof string

// TestIsolationMatrix runs one revision for each combination of a kind of object, what is done with it, the way that
// leads there, the mode of the revision, and whether the tenant has an object of that name. An object of the name,
// with a secret in it, always stands in public, which follows on the search path, and in a neighbour's schema.
//
// A tenant that has the object must be upgraded and its own object used. One that lacks it must be refused by the
// guard, or by the server because there is no such object, and be left as it was. In either case nothing outside of it is
// changed, down to the xmin of a catalog's row, and no secret is in it afterwards. Where the author qualifies the name or
// declares the object the revision must be applied. What is not kept of this stands in notPromised.
//
// Each server runs a sample of the combinations, another one for each and the same each time, in which there is every kind
// and every way. SKEIN_TEST_MATRIX=all runs each way in each mode, and finds what of notPromised is not needed.
//
// One combination is run by -run 'TestIsolationMatrix/postgres=17/^view$' with SKEIN_TEST_ONLY='view / read / *'.
func TestIsolationMatrix(t *testing.T) {
	t.Parallel()
	servers := []*pgtest.Instance{pgtest.Server(t)}
	if old := pgtest.New(t, pgtest.Options{Version: "15"}); old.Major != servers[0].Major {
		servers = append(servers, old)
	}
	for _, server := range servers {
		chosen := chosenCases(t, server.Major)
		var used sync.Map // index in notPromised → true
		t.Run(fmt.Sprintf("postgres=%d", server.Major), func(t *testing.T) {
			var ran atomic.Int64
			t.Cleanup(func() { // after the kinds
				for n, e := range notPromised {
					if _, ok := used.Load(n); !ok && wholeMatrix() && int(ran.Load()) == chosen.total {
						t.Errorf("no combination needs %+v: take it from the list", e)
					}
				}
			})
			for _, k := range isolationKinds {
				t.Run(strings.ReplaceAll(k.name, " ", "_"), func(t *testing.T) {
					t.Parallel()
					if len(chosen.of[k.name]) == 0 {
						return
					}
					g := newIsolationFixture(t, server, k)
					for _, c := range chosen.of[k.name] {
						ran.Add(1)
						problems := g.run(t, c)
						if len(problems) == 0 {
							continue
						}
						if at := slices.IndexFunc(notPromised, func(e isolationException) bool { return e.matches(c) }); at >= 0 {
							used.Store(at, true)
							continue
						}
						t.Errorf("%s: %s", c, strings.Join(problems, "; "))
					}
				})
			}
		})
	}
}

// sampleShare is the part of the combinations that one server runs: one in so many.
const sampleShare = 4

// isolationSample is what one server runs, by kind.
type isolationSample struct {
	of    map[string][]isolationCase
	total int
}

// chosenCases draws the sample by the names of the combinations. SKEIN_TEST_ONLY and SKEIN_TEST_MATRIX=all choose among all.
func chosenCases(t *testing.T, major int) isolationSample {
	t.Helper()
	s := isolationSample{of: map[string][]isolationCase{}}
	ways := map[string]bool{}
	excepted := map[int]bool{}
	for _, k := range isolationKinds {
		for _, c := range isolationCases(k) {
			for n, e := range notPromised {
				excepted[n] = excepted[n] || e.matches(c)
			}
			sum := fnv.New32a()
			_, _ = sum.Write([]byte(c.String()))
			drawn := int(sum.Sum32()>>8)%sampleShare == major%sampleShare
			if only := onlyCase(); only != "" {
				ok, err := path.Match(strings.ReplaceAll(only, " / ", "|"), strings.ReplaceAll(c.String(), " / ", "|"))
				drawn = err == nil && ok
			}
			drawn = drawn || wholeMatrix() && onlyCase() == ""
			ways[c.way] = ways[c.way] || drawn
			if drawn {
				s.of[k.name] = append(s.of[k.name], c)
				s.total++
			}
		}
	}
	for n, e := range notPromised {
		if !excepted[n] {
			t.Errorf("there is no combination for %+v: take it from the list", e)
		}
	}
	if onlyCase() != "" {
		return s
	}
	if s.total < 400 {
		t.Errorf("PostgreSQL %d: %d combinations, want at least 400", major, s.total)
	}
	for _, k := range isolationKinds {
		if len(s.of[k.name]) == 0 {
			t.Errorf("PostgreSQL %d: no combination of %s", major, k.name)
		}
	}
	for way, there := range ways {
		if !there {
			t.Errorf("PostgreSQL %d: no combination on the way %s", major, way)
		}
	}
	t.Logf("PostgreSQL %d: %d combinations", major, s.total)
	return s
}

// isolationFixture is a database with one kind of object in public and in a neighbour's schema.
type isolationFixture struct {
	kind     isolationKind
	url      string
	pooler   string
	database string
	auto     bool // the search path is found by the extension in public
	conn     *pgx.Conn
	direct   *postgres.DB
	pooled   *postgres.DB
	facts    map[string]bool // of everything as it was made
	tenants  int
}

func newIsolationFixture(t *testing.T, server *pgtest.Instance, k isolationKind) *isolationFixture {
	t.Helper()
	g := &isolationFixture{kind: k, auto: len(k.name)%2 == 0}
	g.url, g.database = pgtest.Database(t, server)
	g.conn = pgtest.Connect(t, g.url)
	g.pooler = newTransactionPooler(t, g.url)
	g.exec(t, isolationProof)
	g.auto = g.auto && len(g.column(t, "SELECT name FROM pg_available_extensions WHERE name = 'lo'")) == 1
	t.Cleanup(g.closeAll)
	g.reset(t)
	return g
}

// reset recreates everything outside the tenants, and skein's connections too.
func (g *isolationFixture) reset(t *testing.T) {
	t.Helper()
	g.closeAll()
	sql := "DROP EVENT TRIGGER IF EXISTS ring; DROP SCHEMA IF EXISTS public, neighbour CASCADE; CREATE SCHEMA public; CREATE SCHEMA neighbour;"
	if g.auto {
		sql += "CREATE EXTENSION lo SCHEMA public;"
	}
	g.exec(t, sql+g.kind.in(g.kind.make, "public", false)+";"+g.kind.in(g.kind.make, "neighbour", false))
	g.facts = map[string]bool{}
	for _, f := range g.column(t, "SELECT fact FROM proof.facts('') WHERE NOT own") {
		g.facts[f] = true
	}
	open := func(url string) *postgres.DB {
		s := postgres.Server{Name: "main", URL: url, DirectURL: g.url, MaxConnections: 3, AutoSearchPath: g.auto}
		if !g.auto {
			s.SearchPath = []string{"public"}
		}
		db, err := postgres.New(postgres.Config{Servers: []postgres.Server{s}})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	g.direct, g.pooled = open(g.url), open(g.pooler)
}

func (g *isolationFixture) closeAll() {
	for _, db := range []*postgres.DB{g.direct, g.pooled} {
		if db != nil {
			_ = db.Close()
		}
	}
}

// run runs one combination for a tenant of its own, and says what is wrong with the outcome.
func (g *isolationFixture) run(t *testing.T, c isolationCase) (problems []string) {
	t.Helper()
	g.tenants++
	tenant := fmt.Sprintf("tenant_%04d", g.tenants)
	g.exec(t, g.setUp(c, tenant))
	outside, inside := g.digest(t, tenant)
	var before []string // others may have given the tenant a view or rule over what is shared
	if c.setup != "" {
		before = g.column(t, "SELECT leak FROM proof.leaks($1)", tenant)
	}

	db := g.direct
	if c.mode == "pooler" {
		db = g.pooled
	}
	err := g.upgrade(t, db, tenant, c.bodies)

	nowOutside, nowInside := g.digest(t, tenant)
	leaks := g.column(t, "SELECT leak FROM proof.leaks($1)", tenant)
	leaks = slices.DeleteFunc(leaks, func(l string) bool { return slices.Contains(before, l) })
	meant := c.state == "qualified" || c.state == "declared"
	if !meant && nowOutside != outside {
		problems = append(problems, "what is outside the tenant was changed: "+g.difference(t, tenant))
	}
	if !meant && len(leaks) > 0 {
		problems = append(problems, "it reached what is outside: "+strings.Join(leaks, ", "))
	}
	problems = append(problems, judgeIsolation(c, err, inside == nowInside)...)

	g.exec(t, "RESET search_path; DROP SCHEMA "+tenant+" CASCADE")
	if nowOutside != outside || meant {
		g.reset(t)
	}
	return problems
}

// setUp is the SQL that makes the tenant.
func (g *isolationFixture) setUp(c isolationCase, tenant string) string {
	sql := "CREATE SCHEMA " + tenant + "; SET search_path = " + tenant + ", public; CREATE TABLE sink (v text); INSERT INTO sink VALUES ('start'); CREATE TABLE nums (n integer); INSERT INTO nums VALUES (1);"
	switch c.state {
	case "has", "loses":
		sql += g.kind.in(g.kind.make, tenant, true) + ";"
	case "lacks":
		sql += g.kind.in(g.kind.decoy, tenant, true) + ";"
	}
	return sql + c.setup
}

func (g *isolationFixture) upgrade(t *testing.T, db *postgres.DB, tenant string, bodies []string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e := engine.New(db, pgChain(t, bodies...), engine.Config{})
	target := pgTarget(g.database, tenant)
	standing := e.Survey(ctx, []engine.Location{target})[0]
	if standing.Err != nil {
		return standing.Err
	}
	_, err := e.Apply(ctx, engine.Job{Location: target, Standing: standing, Plan: engine.NewPlan(standing.Applied, revision.Up, e.Graph().All(), e.Mode()), Attempt: 1, Rollout: "r"})
	return err
}

// judgeIsolation says what is wrong with what skein said, and with the tenant itself.
func judgeIsolation(c isolationCase, err error, unchanged bool) (problems []string) {
	var e *engine.Error
	switch {
	case err != nil && !errors.As(err, &e):
		return []string{fmt.Sprintf("an error without a class: %v", err)}
	case c.passes() && err != nil:
		return []string{fmt.Sprintf("refused (%s): %v", e.Class, err)}
	case c.passes():
		traces := c.state == "has" || c.state == "makes" && !strings.HasPrefix(c.action.name, "drop")
		if traces && unchanged && !strings.HasPrefix(c.action.name, "lock") && c.action.name != "vacuum" {
			problems = append(problems, "the tenant is as it was")
		}
		return problems
	case err == nil:
		problems = append(problems, "not refused")
	case e.Class != engine.Guard && (e.Class != engine.Revision || !slices.Contains(undefinedStates, e.SQLState)):
		problems = append(problems, fmt.Sprintf("refused, but %s: %v", e.Class, err))
	}
	committed := c.split || c.mode == "no transaction" && strings.Contains(c.bodies[len(c.bodies)-1], "; ") // what came before
	if err != nil && !unchanged && !committed {
		problems = append(problems, "refused, but the tenant is changed")
	}
	return problems
}

// undefinedStates are what the server says of a name that it does not find.
var undefinedStates = []string{"42P01", "42704", "42883", "42703", "3F000", "42809"}

func (g *isolationFixture) digest(t *testing.T, tenant string) (outside, inside string) {
	t.Helper()
	if err := g.conn.QueryRow(t.Context(), "SELECT outside, inside FROM proof.digest($1)", tenant).Scan(&outside, &inside); err != nil {
		t.Fatal(err)
	}
	return outside, inside
}

// difference is what is outside the tenant and was not made so.
func (g *isolationFixture) difference(t *testing.T, tenant string) string {
	t.Helper()
	var fresh []string
	missing := len(g.facts)
	for _, f := range g.column(t, "SELECT fact FROM proof.facts($1) WHERE NOT own", tenant) {
		if g.facts[f] {
			missing--
		} else {
			fresh = append(fresh, f[:min(len(f), 120)])
		}
	}
	return fmt.Sprintf("%d facts gone, %d new, such as %q", missing, len(fresh), fresh[:min(len(fresh), 2)])
}

func (g *isolationFixture) exec(t *testing.T, sql string) {
	t.Helper()
	if _, err := g.conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatalf("%v\n%s", err, sql[:min(len(sql), 2000)])
	}
}

func (g *isolationFixture) column(t *testing.T, sql string, args ...any) []string {
	t.Helper()
	rows, err := g.conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

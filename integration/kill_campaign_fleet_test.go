package integration_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// campaign is a fleet that goes from the first of three steps to the last and back, again and again.
type campaign struct {
	*testFleet
	t      *testing.T
	rng    *rand.Rand
	dumps  []string // structures after each step, made without skein
	pace   map[string][]time.Duration
	counts map[string]int

	listing bool // no list of tenants was complete when skein was killed
}

// listTenants is a program that lists the tenants slowly, and writes down when it begins and ends.
const listTenants = "echo begin >> listed\nsleep 0.1\ncat tenants.jsonl\necho end >> listed\n"

func newCampaign(t *testing.T, f *testFleet, reference []string) *campaign {
	t.Helper()
	c := &campaign{testFleet: f, t: t, counts: map[string]int{}, dumps: f.backend.reference(reference)}
	servers, _, _ := strings.Cut(f.backend.config(), "tenants:\n")
	var all strings.Builder
	for _, id := range f.ids {
		line := map[string]string{"id": id}
		switch s := f.backend.(type) {
		case *plainFiles:
			line["file"] = s.path(id)
		case *plainDatabases:
			line["server"], line["database"], line["schema"] = "main", s.name(id), "public"
		default:
			line["server"], line["schema"] = "main", id
		}
		text, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(append(text, '\n'))
	}
	dialect := ""
	if _, ok := f.backend.(*plainFiles); ok {
		dialect = "revisions: {dialect: sqlite}\n"
	}
	f.Write("tenants.jsonl", all.String())
	f.Write("list.sh", listTenants)
	f.Write("listed", "")
	f.Write("skein.yaml", "fleet: acme\n"+servers+dialect+"tenants:\n  - {command: [sh, list.sh]}\n"+
		threeWaves(map[string]string{"canary": "bake: 300ms, checks: [{name: yes, exec: [sh, -c, 'exit 0'], interval: 1s}]"},
			"transaction: revision", "per_server: 4"))
	f.Must(0, "upgrade", "r001", "-q")
	c.wantAt(1)
	return c
}

// undoThird takes back what the third of steps does.
const undoThird = "DELETE FROM log WHERE n = 3;\nUPDATE base SET qty = qty - 1;\nALTER TABLE base DROP COLUMN c3;\nDROP TABLE t3;\n"

// threeSteps are three steps with their way back.
func threeSteps() fstest.MapFS { return withWayBack(steps(3), undo[0], undo[1], undoThird) }

func withWayBack(bodies []string, back ...string) fstest.MapFS {
	files := inFiles(bodies)
	for k, text := range back {
		marker := "\n-- downgrade"
		if rest, ok := strings.CutPrefix(text, ":"); ok {
			options, body, _ := strings.Cut(rest, "\n")
			marker, text = marker+":"+options, body
		}
		file := files[stepID(k+1)+"_step.sql"]
		file.Data = append(file.Data, marker+"\n"+text...)
	}
	return files
}

const concurrentIndex = "CREATE INDEX CONCURRENTLY base_qty ON base (qty);\n"

// outsideSteps are three steps, the second of which runs outside a transaction: an index that is built concurrently in
// the middle of plain statements.
func outsideSteps() fstest.MapFS {
	bodies := steps(3)
	first, second, _ := strings.Cut(bodies[1], "UPDATE ")
	bodies[1] = ": no-transaction\n" + first + concurrentIndex + "UPDATE " + second
	return withWayBack(bodies, undo[0], ": no-transaction\nDROP INDEX CONCURRENTLY base_qty;\n"+undo[1], undoThird)
}

// outsideReference are bodies with the same result as outsideSteps.
func outsideReference() []string {
	bodies := steps(3)
	bodies[1] += strings.Replace(concurrentIndex, "CONCURRENTLY ", "", 1)
	return bodies
}

// violation notes that a promise was broken; the campaign of this fleet ends with the round.
func (c *campaign) violation(format string, args ...any) {
	c.t.Helper()
	c.counts["violations"]++
	c.t.Errorf(format, args...)
}

// halfway are the tenants that a no-transaction revision was cut off in: they have its journal.
func (c *campaign) halfway() []string {
	s, ok := c.backend.(*plainSchemas)
	if !ok {
		return nil
	}
	return pgtest.QueryRows(c.t, s.url, having, "skein_version_steps")
}

// wantAt looks at all tenants, and returns how many steps each has. Those that are cut off in a no-transaction revision
// are given 0.
func (c *campaign) wantAt(steps ...int) map[string]int {
	c.t.Helper()
	cut := c.halfway()
	seen := c.backend.look(c.ids, true)
	if len(seen) != len(c.ids) {
		c.violation("%d tenants are left of %d", len(seen), len(c.ids))
	}
	at := map[string]int{}
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		if slices.Contains(cut, id) && len(steps) > 1 {
			at[id] = 0
			continue
		}
		at[id] = strings.Count(seen[id].rows, "r")
		if err := seen[id].check(c.dumps, steps); err != nil {
			c.violation("%s %v", id, err)
		} else if slices.Contains(cut, id) {
			c.violation("%s is reported as done, and has the journal of a revision that was cut off", id)
		}
	}
	if s, ok := c.backend.(*plainSchemas); ok && len(steps) == 1 {
		if left := pgtest.QueryRows(c.t, s.url, "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid"); len(left) > 0 {
			c.violation("invalid indexes: %q", left)
		}
	}
	return at
}

// stored is what the store says of a rollout.
type stored struct {
	ID     string         `json:"id"`
	Type   string         `json:"type"`
	State  string         `json:"state"`
	Counts map[string]int `json:"counts"`
}

// rollouts are those of the store, by ID.
func (c *campaign) rollouts() map[string]stored {
	c.t.Helper()
	var list []stored
	c.Must(0, "rollout", "list", "--json").JSON(&list)
	all := map[string]stored{}
	for _, s := range list {
		all[s.ID] = s
	}
	return all
}

// eventsOf are the whole lines of a stream that may have been cut off.
func eventsOf(stdout string) []skeintest.Event {
	var events []skeintest.Event
	for line := range strings.Lines(stdout) {
		var e skeintest.Event
		if json.Unmarshal([]byte(line), &e) == nil {
			events = append(events, e)
		}
	}
	return events
}

// reportedDone are the tenants that a stream reported as done.
func reportedDone(stdout string) []string {
	var ids []string
	for _, e := range eventsOf(stdout) {
		if e["kind"] == "tenant" && e["outcome"] == "done" {
			ids = append(ids, e["tenant"].(string))
		}
	}
	return ids
}

// plainDatabases are databases of one server.
type plainDatabases struct {
	t      testing.TB
	server *pgtest.Instance
	home   string // URL of a database that is no tenant
	names  map[string]string
}

func newFleetOfDatabases(t *testing.T, n int) *testFleet {
	t.Helper()
	server := pgtest.Server(t)
	home, _ := pgtest.Database(t, server)
	_, model := pgtest.Database(t, server)
	p := &plainDatabases{t, server, home, map[string]string{}}
	for k, name := range pgtest.Copies(t, server, model, n) {
		p.names[fmt.Sprintf("tenant_%04d", k+1)] = name
	}
	f := &testFleet{t: t, backend: p}
	return f.project(n, threeSteps(), "")
}

func (p *plainDatabases) name(id string) string { return p.names[id] }

func (p *plainDatabases) url(id string) string { return p.server.DatabaseURL(p.names[id]) }

func (p *plainDatabases) config() string {
	return "servers:\n  main:\n    url: " + p.home + "\ntenants:\n  - {server: main, include_databases: [no_such], include_schemas: true}\n"
}

func (p *plainDatabases) exec(id string, statements ...string) {
	p.t.Helper()
	pgtest.Exec(p.t, p.url(id), statements...)
}

func (p *plainDatabases) look(ids []string, dumps bool) map[string]sight {
	p.t.Helper()
	all := map[string]sight{}
	for _, id := range ids {
		if pgtest.Scalar[int](p.t, p.home, "SELECT count(*) FROM pg_database WHERE datname = $1", p.names[id]) == 0 {
			continue
		}
		s := sight{}
		if dumps {
			s.dump = pgtest.Dump(p.t, p.url(id), "public")
		}
		if pgtest.Scalar[bool](p.t, p.url(id), "SELECT to_regclass('public.skein_version') IS NOT NULL") {
			v := strings.Split(pgtest.QueryRows(p.t, p.url(id), "SELECT (SELECT string_agg(revision, ' ' ORDER BY revision) FROM skein_version),"+
				" (SELECT string_agg(n::text, ' ' ORDER BY n) FROM log), (SELECT qty FROM base WHERE id = 1)")[0], "|")
			s.rows, s.log = v[0], logOf(v[1], v[2])
		}
		all[id] = s
	}
	return all
}

func (p *plainDatabases) reference(bodies []string) []string {
	url, _ := pgtest.Database(p.t, p.server)
	dumps := []string{pgtest.Dump(p.t, url, "public")}
	for _, body := range bodies {
		pgtest.Exec(p.t, url, body)
		dumps = append(dumps, pgtest.Dump(p.t, url, "public"))
	}
	return dumps
}

func (p *plainDatabases) quiet() time.Duration {
	p.t.Helper()
	begun := time.Now()
	names := slices.Collect(maps.Values(p.names))
	waitUntil(p.t, "no backend of the dead skein to be left", func() bool {
		return pgtest.Scalar[int](p.t, p.home, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'skein%' AND datname = ANY ($1::text[])", names) == 0
	})
	return time.Since(begun)
}

package integration_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
	"github.com/skeindb/skein/integration/sqlitetest"
)

// A fleet that goes through a real history has so many tenants for each of its seven branches: 301 in all.
const perBranch = 43

// realHistory is the recorded one of django.contrib: seven branches that depend on one another.
type realHistory struct {
	folder, dialect string
	nodes           []recorded
}

type recorded struct {
	Revision  string
	Revises   []string
	DependsOn []string `json:"depends_on"`
	Up, Down  string   // files
}

// readHistory reads the history in one dialect from the folder that SKEIN_HISTORIES names. The files are another
// project's and not in this repository, so that a machine without them tests everything else.
func readHistory(t *testing.T, dialect string) realHistory {
	t.Helper()
	folder := os.Getenv("SKEIN_HISTORIES")
	if folder == "" {
		t.Skip("SKEIN_HISTORIES does not name the folder of recorded histories, which are no part of the repository")
	}
	h := realHistory{folder: filepath.Join(folder, "django-contrib"), dialect: dialect}
	if err := json.Unmarshal([]byte(h.read(t, "graph.json")), &h.nodes); err != nil {
		t.Fatal(err)
	}
	if len(h.nodes) != 23 || len(h.branches()) != 7 {
		t.Fatalf("the history has %d revisions and the branches %v", len(h.nodes), h.branches())
	}
	return h
}

func (h realHistory) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(h.folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// body is one recorded file without the transaction that is its tool's.
func (h realHistory) body(t *testing.T, name string) string {
	t.Helper()
	var kept []string
	for line := range strings.Lines(h.read(t, filepath.Join(h.dialect, name))) {
		if line := strings.TrimSpace(line); line != "BEGIN;" && line != "COMMIT;" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

func branchOf(revision string) string {
	branch, _, _ := strings.Cut(revision, ".")
	return branch
}

// branches are the labels, in the order of their bases.
func (h realHistory) branches() []string {
	var all []string
	for _, n := range h.nodes {
		if len(n.Revises) == 0 {
			all = append(all, branchOf(n.Revision))
		}
	}
	return all
}

// write turns the history into revision files: ids without dots, and a label on each base.
func (h realHistory) write(t *testing.T, p *skeintest.Project) {
	t.Helper()
	id := func(name string) string {
		parts := strings.SplitN(name, "_", 2)
		return strings.ReplaceAll(parts[0], ".", "_")
	}
	list := func(names []string) string {
		var ids []string
		for _, name := range names {
			ids = append(ids, id(name))
		}
		return strings.Join(ids, ", ")
	}
	for _, n := range h.nodes {
		var b strings.Builder
		fmt.Fprintf(&b, "-- revision: %s\n", id(n.Revision))
		if len(n.Revises) == 0 {
			fmt.Fprintf(&b, "-- revises: none\n-- branch_labels: %s\n", branchOf(n.Revision))
		} else {
			fmt.Fprintf(&b, "-- revises: %s\n", list(n.Revises))
		}
		if len(n.DependsOn) > 0 {
			fmt.Fprintf(&b, "-- depends_on: %s\n", list(n.DependsOn))
		}
		fmt.Fprintf(&b, "-- message: %s\n\n-- upgrade\n%s\n\n-- downgrade\n%s\n", n.Revision, h.body(t, n.Up), h.body(t, n.Down))
		p.Write("migrations/"+id(n.Revision)+"_recorded.sql", b.String())
	}
}

// without are the nodes that stay when a branch and all that depends on it is taken back, in recorded order.
func (h realHistory) without(branch string) []recorded {
	gone := map[string]bool{}
	var left []recorded
	for _, n := range h.nodes { // parents and dependencies come first
		if branchOf(n.Revision) == branch || slices.ContainsFunc(slices.Concat(n.Revises, n.DependsOn), func(p string) bool { return gone[p] }) {
			gone[n.Revision] = true
			continue
		}
		left = append(left, n)
	}
	return left
}

// recordedPlace is where the tenants of a history live.
type recordedPlace struct {
	// load makes a fresh tenant from plain SQL and returns its structure.
	load func(t *testing.T, sql ...string) string
	// selector chooses the tenants of a branch.
	selector func(branch string) string
	// dumps are the structures of the tenants of a branch.
	dumps func(t *testing.T, branch string) map[string]string
	// objects counts what is in each tenant of a branch besides skein's own.
	objects func(t *testing.T, branch string) map[string]string
	// applied counts the rows of each version table of a branch.
	applied func(t *testing.T, branch string) map[string]string
}

// play takes the whole fleet up; then the tenants of each branch back to its base, so that the fleet stands in seven
// places; all up together; down to base; and up again.
func (h realHistory) play(t *testing.T, p *skeintest.Project, at recordedPlace) {
	end := at.load(t, h.read(t, h.dialect+".schema.sql"))
	if !strings.Contains(end, "django_admin_log") {
		t.Fatalf("the recorded structure was not loaded:\n%s", end)
	}
	all := perBranch * len(h.branches())
	upgrade := func() {
		t.Helper()
		wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": all})
		for _, branch := range h.branches() {
			wantEach(t, "structure", end, at.dumps(t, branch))
			wantEach(t, "revisions", "23", at.applied(t, branch))
		}
	}
	upgrade()
	for _, branch := range h.branches() {
		left := h.without(branch)
		var bodies []string
		for _, n := range left {
			bodies = append(bodies, h.body(t, n.Up))
		}
		r := p.Must(0, "downgrade", branch+"@base", "-t", at.selector(branch), "--yes", "--json")
		wantCounts(t, r.Report(), map[string]int{"done": perBranch})
		wantEach(t, "structure without "+branch, at.load(t, bodies...), at.dumps(t, branch))
		wantEach(t, "revisions without "+branch, fmt.Sprint(len(left)), at.applied(t, branch))
	}
	upgrade()
	wantCounts(t, p.Must(0, "downgrade", "base", "--yes", "--json").Report(), map[string]int{"done": all})
	for _, branch := range h.branches() {
		wantEach(t, "structure at base", "", at.dumps(t, branch))
		wantEach(t, "objects at base", "0", at.objects(t, branch))
		wantEach(t, "revisions at base", "0", at.applied(t, branch))
	}
	upgrade()
	p.Must(0, "current", "--check-heads", "-q")
}

// psqlCommand is a line that is for psql and not for the server.
var psqlCommand = regexp.MustCompile(`(?m)^\\.*$`)

func TestRealHistoryInSchemas(t *testing.T) {
	t.Parallel()
	h := readHistory(t, "postgresql")
	url, _ := pgtest.Database(t, pgtest.Server(t))
	tenants := map[string][]string{}
	for _, branch := range h.branches() {
		tenants[branch] = pgtest.Schemas(t, url, branch+"_", perBranch)
	}
	p := skeintest.New(t, oneServer(url, `{server: main, include_schemas: true, exclude_schemas: ["plain_*"]}`), nil)
	h.write(t, p)
	loaded := 0
	h.play(t, p, recordedPlace{
		load: func(t *testing.T, sql ...string) string {
			t.Helper()
			loaded++
			schema := fmt.Sprintf("plain_%d", loaded)
			pgtest.Exec(t, url, "CREATE SCHEMA "+schema)
			for _, s := range sql { // the recorded structure is a dump for psql of a schema named public
				s = strings.ReplaceAll(s, "public.", schema+".")
				pgtest.Exec(t, urlInSchema(url, schema), psqlCommand.ReplaceAllString(s, ""))
			}
			pgtest.Exec(t, urlInSchema(url, schema), "DROP SEQUENCE IF EXISTS django_migrations_id_seq") // of Django's own bookkeeping
			return pgtest.Dump(t, url, schema)
		},
		selector: func(branch string) string { return "id=" + branch + "_*" },
		dumps: func(t *testing.T, branch string) map[string]string {
			t.Helper()
			return pgtest.DumpAll(t, url, tenants[branch])
		},
		objects: func(t *testing.T, branch string) map[string]string {
			t.Helper()
			return inEach(t, url, tenants[branch], `SELECT count(*) FROM pg_depend d
				WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = '%s'::regnamespace
				AND NOT (d.classid = 'pg_class'::regclass AND d.objid = '%s.skein_version'::regclass)`)
		},
		applied: func(t *testing.T, branch string) map[string]string {
			t.Helper()
			return inEach(t, url, tenants[branch], "SELECT count(*) FROM %s.skein_version")
		},
	})
}

func TestRealHistoryInFiles(t *testing.T) {
	t.Parallel()
	h := readHistory(t, "sqlite")
	p := skeintest.New(t, "fleet: acme\n"+tenantsOf(`glob: "data/*/*.db"`), nil)
	h.write(t, p)
	tenants := map[string][]string{}
	for _, branch := range h.branches() {
		tenants[branch] = sqlitetest.Files(t, p.Path("data/"+branch), perBranch)
	}
	h.play(t, p, recordedPlace{
		load: func(t *testing.T, sql ...string) string {
			t.Helper()
			plain := sqlitetest.Files(t, t.TempDir(), 1)[0]
			sqlitetest.Exec(t, plain, sql...)
			return unordered(t, plain)
		},
		selector: func(branch string) string { return "id=" + branch + "/*" },
		dumps: func(t *testing.T, branch string) map[string]string {
			t.Helper()
			dumps := map[string]string{}
			for _, path := range tenants[branch] {
				dumps[filepath.Base(path)] = unordered(t, path)
			}
			return dumps
		},
		objects: func(t *testing.T, branch string) map[string]string {
			t.Helper()
			return inEachFile(t, tenants[branch], "SELECT count(*) FROM sqlite_schema WHERE tbl_name <> 'skein_version' AND name <> 'sqlite_sequence'")
		},
		applied: func(t *testing.T, branch string) map[string]string {
			t.Helper()
			return inEachFile(t, tenants[branch], "SELECT count(*) FROM skein_version")
		},
	})
	for _, paths := range tenants {
		for _, path := range paths {
			sqlitetest.Check(t, path)
		}
	}
}

// unordered is the structure of a file without the order of columns, in which the recorded structure differs from
// the recorded steps that lead to it: columns, keys, indexes, and checks as far as they name no column order.
func unordered(t *testing.T, path string) string {
	t.Helper()
	return strings.Join(sqlitetest.QueryRows(t, path, `
		WITH t AS (SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name <> 'skein_version')
		SELECT 'column ' || t.name || '.' || c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || coalesce(c.dflt_value, '') || ' ' || c.pk FROM t, pragma_table_xinfo(t.name) c
		UNION ALL
		SELECT 'key ' || t.name || '.' || k."from" || ' ' || k."table" || '.' || coalesce(k."to", '') || ' ' || k.on_update || ' ' || k.on_delete FROM t, pragma_foreign_key_list(t.name) k
		UNION ALL
		SELECT 'unique ' || t.name || ' ' || (SELECT group_concat(i.name) FROM pragma_index_info(l.name) i) FROM t, pragma_index_list(t.name) l WHERE l."unique"
		UNION ALL
		SELECT 'checks ' || t.name || ' ' || (length(t.sql) - length(replace(t.sql, ' CHECK', ''))) || ' ' || (length(t.sql) - length(replace(t.sql, 'DEFERRED', ''))) || ' ' || (length(t.sql) - length(replace(t.sql, 'AUTOINCREMENT', ''))) FROM t
		UNION ALL
		SELECT type || ' ' || sql FROM sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL AND tbl_name <> 'skein_version'
		ORDER BY 1`), "\n")
}

package integration_test

import (
	"fmt"
	"io/fs"
	"maps"
	"net/url"
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

// revisionFile writes a revision file. A section marker may have options: up begins with them up to a newline when it
// begins with a colon.
func revisionFile(id, revises, up, down string) string {
	marker := "-- upgrade"
	if options, body, ok := strings.Cut(up, "\n"); ok && strings.HasPrefix(options, ":") {
		marker, up = marker+options, body
	}
	return fmt.Sprintf("-- revision: %s\n-- revises: %s\n-- message: test\n\n%s\n%s\n\n-- downgrade\n%s\n", id, revises, marker, up, down)
}

// oneServer is the skein.yaml of a fleet on one server. Each source is a line.
func oneServer(url string, sources ...string) string {
	return "fleet: acme\nservers:\n  main:\n    url: " + url + "\n" + tenantsOf(sources...)
}

func tenantsOf(sources ...string) string {
	return "tenants:\n  - " + strings.Join(sources, "\n  - ") + "\n"
}

// upgradesOf are the upgrade sections of the files of a folder, in the order of their names, read without skein.
func upgradesOf(t testing.TB, fsys fs.FS) []string {
	t.Helper()
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("no revisions: %v", err)
	}
	var bodies []string
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		_, body, ok := strings.Cut(string(text), "\n-- upgrade\n")
		if !ok {
			t.Fatalf("%s has no plain upgrade section", name)
		}
		body, _, _ = strings.Cut(body, "\n-- downgrade\n")
		bodies = append(bodies, body)
	}
	return bodies
}

// checksumsOf are `id checksum` of the revisions of a folder, sorted by id.
func checksumsOf(t testing.TB, fsys fs.FS, dialect revision.Dialect) string {
	t.Helper()
	graph, err := revision.Load(fsys, dialect)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range graph.All() {
		all = append(all, r.ID+" "+r.Checksum())
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// appliedRows is what checksumsOf returns, read from a tenant's version table; %s is the table's schema, with its
// dot.
const (
	appliedInSchema = `SELECT string_agg(revision || ' ' || checksum, E'\n' ORDER BY revision) FROM %s.skein_version`
	appliedInFile   = `SELECT group_concat(revision || ' ' || checksum, char(10)) FROM (SELECT * FROM skein_version ORDER BY revision)`
)

// inEach asks one question of each schema: sql yields one value, and %s in it is the schema.
func inEach(t testing.TB, url string, schemas []string, sql string) map[string]string {
	t.Helper()
	answers := make(map[string]string, len(schemas))
	for chunk := range slices.Chunk(schemas, 100) {
		var arms []string
		for _, s := range chunk {
			arms = append(arms, fmt.Sprintf("SELECT %d AS n, (%s)::text AS answer", len(arms), strings.ReplaceAll(sql, "%s", pgtest.Quote(s))))
		}
		rows := pgtest.QueryRows(t, url, strings.Join(arms, " UNION ALL ")+" ORDER BY n")
		if len(rows) != len(chunk) {
			t.Fatalf("%d answers from %d schemas", len(rows), len(chunk))
		}
		for i, row := range rows {
			_, answers[chunk[i]], _ = strings.Cut(row, "|")
		}
	}
	return answers
}

// wantEach fails the test unless every answer is want; it shows the first that is not, and counts the others.
func wantEach(t testing.TB, what, want string, answers map[string]string) {
	t.Helper()
	bad := 0
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		if answers[name] == want {
			continue
		}
		if bad++; bad == 1 {
			t.Errorf("%s of %s (-want +got):\n%s", what, name, cmp.Diff(strings.Split(want, "\n"), strings.Split(answers[name], "\n")))
		}
	}
	if bad > 1 {
		t.Errorf("%s: so %d of %d", what, bad, len(answers))
	}
}

// wantCounts fails the test unless a report has these counts, and no others that are not zero.
func wantCounts(t testing.TB, r skeintest.Report, want map[string]int) {
	t.Helper()
	got := maps.Clone(r.Counts)
	maps.DeleteFunc(got, func(_ string, n int) bool { return n == 0 })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts of the report (-want +got):\n%s\nfailed: %+v", diff, r.Failed[:min(3, len(r.Failed))])
	}
}

// errorOf is the message and the hint of the document that a command prints when nothing was touched.
func errorOf(r skeintest.Result) (message, hint string) {
	var doc struct {
		Error struct{ Message, Hint string }
	}
	r.JSON(&doc)
	return doc.Error.Message, doc.Error.Hint
}

// wantText fails the test unless text contains each of the parts.
func wantText(t testing.TB, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s has no %q:\n%s", what, part, text)
		}
	}
}

// inEachFile asks one question of each file.
func inEachFile(t testing.TB, paths []string, sql string) map[string]string {
	t.Helper()
	answers := make(map[string]string, len(paths))
	for _, path := range paths {
		answers[filepath.Base(path)] = strings.Join(sqlitetest.QueryRows(t, path, sql), "\n")
	}
	return answers
}

// dumpFiles are the structures of files, by the names of these.
func dumpFiles(t testing.TB, paths []string) map[string]string {
	t.Helper()
	dumps := make(map[string]string, len(paths))
	for _, path := range paths {
		dumps[filepath.Base(path)] = sqlitetest.Dump(t, path)
	}
	return dumps
}

// asUser is a URL with another user.
func asUser(rawURL, user, password string) string {
	u, err := url.Parse(rawURL)
	if err != nil { // it was used before
		panic(err)
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}

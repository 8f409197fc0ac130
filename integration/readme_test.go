package integration_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
	"github.com/skeindb/skein/integration/sqlitetest"
)

// What the README shows is run as it stands, in its order: what is said to be printed has to be. The SQLite project
// of its beginning is upgraded as well, and the server of its config is the tests' own.
func TestReadmeHolds(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, dir: t.TempDir(), env: append(os.Environ(),
		"PATH="+filepath.Dir(skeintest.Binary(t))+string(os.PathListSeparator)+os.Getenv("PATH"))}
	blocks := blocksOf(string(text))
	if want := []string{"console", "sql", "yaml", "console", "yaml", "console"}; !slices.Equal(kindsOf(blocks), want) {
		t.Fatalf("the README has blocks of %q, and this test knows what to do with %q", kindsOf(blocks), want)
	}

	r.console(blocks[0].text, nil)
	r.write(blocks[1].text)
	r.run("skein upgrade", 0)
	for _, id := range []string{"acme", "globex"} {
		if got := sqlitetest.Rows(t, filepath.Join(r.dir, "data", id+".db"), "users"); got != "0" {
			t.Errorf("%s has %s users", id, got)
		}
	}

	// A hundred tenants, of which one has a table in the way: 1 % may fail.
	server := pgtest.Server(t)
	database, _ := pgtest.Database(t, server)
	schemas := pgtest.Schemas(t, database, "tenant_", 100)
	pgtest.Exec(t, database, "CREATE TABLE "+schemas[41]+".users (id integer)")
	if err := os.WriteFile(filepath.Join(r.dir, "skein.yaml"), []byte(blocks[2].text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.env = append(r.env, credentials(t, database)...)
	r.console(blocks[3].text, map[string]step{
		"skein upgrade":        {code: 2},
		"skein rollout resume": {before: func() { pgtest.Exec(t, database, "DROP TABLE "+schemas[41]+".users") }},
	})
	const users = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'users' AND table_schema LIKE 'tenant%' AND column_name = 'email'"
	if got := pgtest.Scalar[int](t, database, users); got != len(schemas) {
		t.Errorf("%d of %d tenants have the table", got, len(schemas))
	}
	r.run("skein current --check-heads", 0)

	// The canary is of the next revision.
	project, _, _ := strings.Cut(blocks[2].text, "rollout:")
	if err := os.WriteFile(filepath.Join(r.dir, "skein.yaml"), []byte(project+blocks[4].text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.run("skein revision -m 'add a name' --rev-id 2b3c4d5e", 0)
	r.write("-- revision: 2b3c4d5e\n-- revises: 1a2b3c4d\n-- message: add a name\n\n" +
		"-- upgrade\nALTER TABLE users ADD COLUMN name text;\n\n-- downgrade\nALTER TABLE users DROP COLUMN name;\n")
	names := func() int { return pgtest.Scalar[int](t, database, strings.ReplaceAll(users, "'email'", "'name'")) }
	r.console(blocks[5].text, map[string]step{
		"skein upgrade --no-wait":      {code: 3},
		"skein rollout approve":        {before: func() { wantCount(t, "after the canary", names(), 2) }},
		"skein rollout rollback --yes": {before: func() { wantCount(t, "in the end", names(), len(schemas)) }},
	})
	wantCount(t, "after the rollback", names(), 0)
}

func wantCount(t *testing.T, when string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%s %d tenants have the column, want %d", when, got, want)
	}
}

// Every command of the README's table is one, and the table has every command.
func TestReadmeKnowsTheCommands(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| command | does |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var documented []string
	for line := range strings.Lines(table) {
		commands, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		for _, span := range regexp.MustCompile("`([a-z-]+)").FindAllStringSubmatch(commands, -1) {
			documented = append(documented, span[1])
		}
	}
	help, err := exec.Command(skeintest.Binary(t), "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, line := range regexp.MustCompile(`(?m)^  ([a-z-]+)  +[A-Z]`).FindAllStringSubmatch(string(help), -1) {
		if line[1] != "help" {
			there = append(there, line[1])
		}
	}
	slices.Sort(documented)
	documented = slices.Compact(documented)
	slices.Sort(there)
	if !slices.Equal(documented, there) {
		t.Errorf("the README has the commands %q, and skein has %q", documented, there)
	}
}

// credentials are the variables that lead the README's config to a database of ours.
func credentials(t *testing.T, database string) []string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	u.User = url.User(u.User.Username())
	return []string{"SKEIN_SERVERS__main__URL=" + u.String(), "DB1_PASSWORD=" + password}
}

type block struct{ kind, text string }

// blocksOf cuts the fenced blocks out of Markdown.
func blocksOf(text string) []block {
	var blocks []block
	for _, m := range regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, block{m[1], m[2]})
	}
	return blocks
}

func kindsOf(blocks []block) []string {
	var kinds []string
	for _, b := range blocks {
		kinds = append(kinds, b.kind)
	}
	return kinds
}

// reader types the commands of a document.
type reader struct {
	t   *testing.T
	dir string // where they are
	env []string
}

// step is what is special about a command.
type step struct {
	code   int
	before func()
}

// console runs the lines that begin with $; those that follow are what the command prints.
func (r *reader) console(text string, steps map[string]step) {
	r.t.Helper()
	for _, entry := range strings.Split("\n"+text, "\n$ ")[1:] {
		command, want, _ := strings.Cut(entry, "\n")
		bare, _, _ := strings.Cut(command, "#")
		s := steps[strings.TrimSpace(bare)]
		if s.before != nil {
			s.before()
		}
		if out := r.run(command, s.code); want != "" && out != strings.TrimSpace(want) {
			r.t.Errorf("%s\nprints %q\nthe README says %q", command, out, want)
		}
	}
}

// run runs a command line in a shell and goes where it leads.
func (r *reader) run(command string, code int) (stdout string) {
	r.t.Helper()
	where := filepath.Join(r.t.TempDir(), "where")
	cmd := exec.Command("sh", "-c", fmt.Sprintf("%s\ncode=$?\npwd >'%s'\nexit $code", command, where))
	cmd.Dir, cmd.Env = r.dir, r.env
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) || cmd.ProcessState.ExitCode() != code {
		r.t.Fatalf("%s: %v, want exit code %d\n%s%s", command, err, code, out.String(), complaints.String())
	}
	dir, err := os.ReadFile(where)
	if err != nil {
		r.t.Fatal(err)
	}
	r.dir = strings.TrimSpace(string(dir))
	return strings.TrimSpace(out.String())
}

// write writes a revision into the file that is there for it.
func (r *reader) write(text string) {
	r.t.Helper()
	id := regexp.MustCompile(`(?m)^-- revision: (\w+)$`).FindStringSubmatch(text)
	if id == nil {
		r.t.Fatalf("no revision:\n%s", text)
	}
	files, err := filepath.Glob(filepath.Join(r.dir, "migrations", id[1]+"_*.sql"))
	if err != nil || len(files) != 1 {
		r.t.Fatalf("revision %s has files %q: %v", id[1], files, err)
	}
	if err := os.WriteFile(files[0], []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

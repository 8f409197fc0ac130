package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
)

//go:embed demo/*.sql
var demoFiles embed.FS

// demoTenants is the size of the fleet.
const demoTenants = 200

// demoPlace is where the demo's tenants live: SQLite files, or schemas of a server.
type demoPlace interface {
	// config is the skein.yaml of the demo.
	config() string
	// id is the id of the n-th tenant, from 1.
	id(n int) string
	// make creates the tenants, empty.
	make(ctx context.Context, ids []string) error
	// exec runs SQL as the application of a tenant would.
	exec(ctx context.Context, id, sql string) error
	// hold keeps a lock that a migration of the table users needs, until release.
	hold(ctx context.Context, id string) (release func(), err error)
	// remove takes the tenants away again.
	remove(ctx context.Context) error
}

func (a *app) demoCommand() *cobra.Command {
	var url string
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Create a fleet of 200 tenants, upgrade it, break it and repair it",
		Long: "Create a fleet of 200 tenants, upgrade it, break it and repair it: SQLite files in a temporary folder, or schemas of\n" +
			"a PostgreSQL server with --url. Everything it creates is removed at the end, unless --keep is given.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), url, keep) },
	}
	cmd.Flags().StringVar(&url, "url", "", "use schemas of this server: `postgres://…`")
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the folder and the tenants")
	return cmd
}

// demo shows the main commands on a real fleet. Every command is run exactly as it is printed.
type demo struct {
	app   *app
	dir   string
	place demoPlace
	ids   []string
}

func (a *app) demo(ctx context.Context, url string, keep bool) (err error) {
	dir, err := os.MkdirTemp("", "skein-demo-")
	if err != nil {
		return err
	}
	d := &demo{app: a, dir: dir}
	d.place = newSQLiteDemo(dir)
	if url != "" {
		if d.place, err = newPostgresDemo(ctx, url); err != nil {
			return errors.Join(err, os.RemoveAll(dir))
		}
	}
	for n := 1; n <= demoTenants; n++ {
		d.ids = append(d.ids, d.place.id(n))
	}
	if a.json {
		a.stream = view.NewJSON(a.out, toolVersion(), view.Options{Folder: "migrations"})
		a.lines = a.stream
		defer func() {
			if err == nil {
				a.stream.End(exitDone)
			}
		}()
	}
	defer func() {
		if keep {
			fmt.Fprintf(a.err, "\nkept in %s: try `cd %s && skein status`\n", dir, dir) // also with -q: the folder has a random name
			return
		}
		err = errors.Join(err, d.place.remove(context.WithoutCancel(ctx)), os.RemoveAll(dir))
	}()
	return d.walk(ctx)
}

// walk runs the steps: each is announced and run, and its exit code checked.
func (d *demo) walk(ctx context.Context) error {
	if err := d.lay(ctx); err != nil {
		return err
	}
	d.say("The history: a base, two branches, a merge, and two revisions on top.")
	if err := d.run(ctx, exitDone, "history"); err != nil {
		return err
	}
	d.say("Upgrade every tenant to the merge.")
	if err := d.run(ctx, exitDone, "upgrade", "d5f4", "--yes"); err != nil {
		return err
	}
	if err := d.mistake(ctx); err != nil {
		return err
	}
	d.say("Meanwhile three tenants change: one gets two users with the same address, one a table made by hand, and in one another session holds a lock.")
	release, err := d.spoil(ctx)
	if err != nil {
		return err
	}
	defer func() { release() }()
	d.say("The release: every tenant to the head; up to 2 %% may fail without halting the rollout.")
	if err := d.run(ctx, exitFailed, "upgrade", "--max-failures", "2%", "--yes"); err != nil {
		return err
	}
	if err := d.run(ctx, exitDone, "status"); err != nil {
		return err
	}
	d.say("Repair the three: delete the duplicate user, drop the table, release the lock.")
	release()
	release = func() {}
	if err := d.repair(ctx); err != nil {
		return err
	}
	d.say("Resume the rollout: only those three are touched.")
	if err := d.run(ctx, exitDone, "rollout", "resume"); err != nil {
		return err
	}
	d.say("May the new version of the application start? The exit code of compat says so.")
	if err := d.run(ctx, exitDone, "compat", "--min", "f7b6"); err != nil {
		return err
	}
	if err := d.quietly(ctx, exitDone, "current", "--check-heads"); err != nil {
		return err
	}
	d.say("Done: %d tenants at the head.", len(d.ids))
	return nil
}

// wrong is a revision that fails everywhere.
const wrong = `-- revision: e6a4
-- revises: d5f4
-- message: add a name for greetings

-- upgrade
ALTER TABLE user ADD COLUMN greeting text;

-- downgrade
ALTER TABLE users DROP COLUMN greeting;
`

// mistake runs a wrong revision in a canary, and aborts that rollout.
func (d *demo) mistake(ctx context.Context) error {
	file := filepath.Join(d.dir, "migrations", "e6a4_greeting.sql")
	if err := os.WriteFile(file, []byte(wrong), 0o600); err != nil {
		return err
	}
	d.say("A revision with a mistake. A canary of two tenants gets it first; the other %d are not touched.", len(d.ids)-2)
	if err := d.run(ctx, exitHalted, "upgrade", "e6a4", "--canary", "2", "--yes"); err != nil {
		return err
	}
	if err := d.run(ctx, exitDone, "rollout", "abort", "--reason", "the table is called users"); err != nil {
		return err
	}
	return os.Remove(file)
}

// lay writes the project and creates the tenants.
func (d *demo) lay(ctx context.Context) error {
	migrations := filepath.Join(d.dir, "migrations")
	if err := os.Mkdir(migrations, 0o750); err != nil {
		return err
	}
	files, err := fs.Glob(demoFiles, "demo/*.sql")
	if err != nil {
		return err
	}
	for _, name := range files {
		text, err := demoFiles.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(migrations, filepath.Base(name)), text, 0o600); err != nil {
			return err
		}
	}
	d.say("A fleet of %d tenants, %d revisions, and this config:", len(d.ids), len(files))
	if !d.app.json && !d.app.quiet {
		fmt.Fprintf(d.app.out, "\n%s", indented(d.place.config()))
	}
	if err := os.WriteFile(d.config(), []byte(d.place.config()), 0o600); err != nil {
		return err
	}
	return d.place.make(ctx, d.ids)
}

// The three that fail, each for a reason of its own.
const (
	doubled = 41
	byHand  = 87
	locked  = 123
)

func (d *demo) spoil(ctx context.Context) (release func(), err error) {
	if err := d.place.exec(ctx, d.ids[doubled], "INSERT INTO users (id, email, name) VALUES (3, 'ada@example.com', 'Ada again')"); err != nil {
		return nil, err
	}
	if err := d.place.exec(ctx, d.ids[byHand], "CREATE TABLE settings (id integer)"); err != nil {
		return nil, err
	}
	return d.place.hold(ctx, d.ids[locked])
}

func (d *demo) repair(ctx context.Context) error {
	if err := d.place.exec(ctx, d.ids[doubled], "DELETE FROM users WHERE id = 3"); err != nil {
		return err
	}
	return d.place.exec(ctx, d.ids[byHand], "DROP TABLE settings")
}

func (d *demo) config() string { return filepath.Join(d.dir, "skein.yaml") }

// say announces a step, to people.
func (d *demo) say(format string, args ...any) {
	if !d.app.json && !d.app.quiet {
		fmt.Fprintf(d.app.out, "\n%s\n", d.app.bold(fmt.Sprintf(format, args...)))
	}
}

// run shows a command and runs it; another exit code than the story's is an error.
func (d *demo) run(ctx context.Context, want int, args ...string) error {
	if !d.app.json && !d.app.quiet {
		fmt.Fprintf(d.app.out, "\n$ skein %s\n", typed(args))
	}
	if d.app.json {
		return d.quietly(ctx, want, args...) // all output goes through the one stream
	}
	return d.call(ctx, want, d.app.streams, args)
}

// typed is a command's arguments as people type them.
func typed(args []string) string {
	words := slices.Clone(args)
	for i, w := range words {
		if strings.Contains(w, " ") {
			words[i] = "'" + w + "'"
		}
	}
	return strings.Join(words, " ")
}

// quietly runs a command of which only the exit code matters.
func (d *demo) quietly(ctx context.Context, want int, args ...string) error {
	s := *d.app.streams
	s.out, s.err, s.lines = io.Discard, io.Discard, nil
	return d.call(ctx, want, &s, args)
}

func (d *demo) call(ctx context.Context, want int, s *streams, args []string) error {
	all := append([]string{"-c", d.config()}, args...)
	if d.app.quiet {
		all = append(all, "-q")
	}
	if got := execute(ctx, all, s); got != want {
		return fmt.Errorf("demo: skein %s exited with %d, want %d", strings.Join(args, " "), got, want)
	}
	return ctx.Err()
}

func (a *app) bold(s string) string {
	if !a.colour(a.out) {
		return s
	}
	return view.Bold(s)
}

func indented(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ") + "\n"
}

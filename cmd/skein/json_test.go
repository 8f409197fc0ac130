package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/sqlite"
)

// jsonCall is a command as it is tried, with arguments that would do.
type jsonCall struct {
	args   []string
	stream bool // it prints a stream where it runs something
	reads  bool // revisions
	fleet  bool // it needs tenants
	store  bool // it needs the store
	holds  bool // it needs the fleet's lock
}

// jsonCalls has every command, by its path.
var jsonCalls = map[string]jsonCall{
	"init":             {args: []string{"new"}},
	"revision":         {args: []string{"-m", "x"}, reads: true},
	"merge":            {args: []string{"heads", "-m", "x"}, reads: true},
	"show":             {args: []string{"head"}, reads: true},
	"heads":            {reads: true},
	"branches":         {reads: true},
	"history":          {reads: true},
	"path":             {args: []string{"head"}, reads: true},
	"check":            {reads: true},
	"tenants":          {fleet: true},
	"status":           {reads: true, fleet: true, store: true},
	"current":          {reads: true, fleet: true},
	"compat":           {args: []string{"--requires", "a1"}, reads: true, fleet: true},
	"plan":             {reads: true, fleet: true, store: true},
	"upgrade":          {stream: true, reads: true, fleet: true, store: true, holds: true},
	"downgrade":        {args: []string{"base", "--yes"}, stream: true, reads: true, fleet: true, store: true, holds: true},
	"stamp":            {args: []string{"head"}, stream: true, reads: true, fleet: true, store: true, holds: true},
	"rollout list":     {store: true},
	"rollout show":     {store: true},
	"rollout audit":    {store: true},
	"rollout pause":    {store: true},
	"rollout approve":  {store: true},
	"rollout skip":     {args: []string{"t1", "--reason", "x"}, store: true},
	"rollout abort":    {store: true},
	"rollout resume":   {stream: true, store: true},
	"rollout retry":    {args: []string{"t1"}, stream: true, store: true},
	"rollout rollback": {args: []string{"--yes"}, stream: true, store: true},
	"doctor":           {},
	"demo":             {stream: true},
	"config show":      {},
	"config check":     {reads: true},
	"version":          {},
}

// jsonFault is something that goes wrong.
type jsonFault struct {
	name  string
	spoil func(t *testing.T, dir string)
	extra []string
	hits  func(path string, c jsonCall) bool
	code  int // where it hits; 0 = any but 0
}

func configured(path string, _ jsonCall) bool {
	return !slices.Contains([]string{"init", "demo", "version"}, path)
}

var jsonFaults = []jsonFault{
	{name: "nothing", hits: func(string, jsonCall) bool { return false }},
	{name: "unknown flag", extra: []string{"--bogus"}, hits: func(string, jsonCall) bool { return true }, code: exitUsage},
	{name: "a value without =", extra: []string{"-x", "lim"}, hits: configured, code: exitUsage},
	{
		name: "no config", hits: configured, code: exitUsage,
		spoil: func(t *testing.T, dir string) { discard(t, filepath.Join(dir, "skein.yaml")) },
	},
	{
		name: "broken config", hits: configured, code: exitUsage,
		spoil: func(t *testing.T, dir string) { put(t, filepath.Join(dir, "skein.yaml"), "fleet: [\n") },
	},
	{
		name: "broken revision", code: exitUsage, hits: func(_ string, c jsonCall) bool { return c.reads },
		spoil: func(t *testing.T, dir string) { put(t, filepath.Join(dir, "migrations", "b1_x.sql"), "-- upgrade\n") },
	},
	{
		name: "no tenants", code: exitUsage, hits: func(_ string, c jsonCall) bool { return c.fleet },
		spoil: func(t *testing.T, dir string) { discard(t, filepath.Join(dir, "data")) },
	},
	{
		name: "no store", code: exitUsage, hits: func(_ string, c jsonCall) bool { return c.store },
		spoil: func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "state.db"), strings.Repeat("no database. ", 500))
		},
	},
	{
		name: "a server away", hits: func(_ string, c jsonCall) bool { return c.fleet },
		spoil: func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "skein.yaml"), "fleet: acme\nstate: {store: state.db}\nservers: {main: {url: \"postgres://a@127.0.0.1:1/a\"}}\n"+
				"revisions: {dialect: postgres}\ntenants: [{server: main, include_schemas: true}]\n")
		},
	},
	{name: "the fleet held", code: exitHeld, hits: func(_ string, c jsonCall) bool { return c.holds }},
	{name: "an end at once", hits: func(_ string, c jsonCall) bool { return c.fleet }},
}

// TestJSONIsOneDocumentOrOneStream tries every command under every fault: stdout has one document, or one stream with its
// end; and the error, where there is one.
func TestJSONIsOneDocumentOrOneStream(t *testing.T) {
	t.Parallel()
	project := jsonProject(t, "")
	paths := leaves((&app{streams: &streams{}}).root(), "")
	for path := range jsonCalls {
		if !slices.Contains(paths, path) {
			t.Errorf("there is no command %s", path)
		}
	}
	for _, path := range paths {
		c, ok := jsonCalls[path]
		if !ok {
			t.Errorf("the command %s is not in the table", path)
			continue
		}
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			for _, fault := range jsonFaults {
				tryJSON(t, path, c, fault, project)
			}
		})
	}
}

// leaves are the paths of the commands that have none below them.
func leaves(cmd *cobra.Command, path string) (all []string) {
	for _, sub := range cmd.Commands() {
		if name := strings.TrimSpace(path + " " + sub.Name()); sub.HasSubCommands() {
			all = append(all, leaves(sub, name)...)
		} else {
			all = append(all, name)
		}
	}
	return all
}

func tryJSON(t *testing.T, path string, c jsonCall, fault jsonFault, project string) {
	t.Helper()
	if path == "demo" && !strings.Contains(strings.Join(fault.extra, " "), "bogus") {
		return // it needs nothing of the project, and a while
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(project)); err != nil {
		t.Fatal(err)
	}
	if fault.spoil != nil {
		fault.spoil(t, dir)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	switch fault.name {
	case "the fleet held":
		release := holdFleet(t, filepath.Join(dir, "state.db"))
		defer release()
	case "an end at once":
		cancel()
	}
	args := slices.Concat([]string{"-c", filepath.Join(dir, "skein.yaml"), "--json"}, strings.Fields(path), c.args, fault.extra)
	if path == "init" {
		args[len(args)-1-len(fault.extra)] = filepath.Join(dir, "new")
	}
	var out, errs bytes.Buffer
	code := execute(ctx, args, &streams{in: strings.NewReader(""), out: &out, err: &errs})
	what := fmt.Sprintf("%s: skein %s: exit %d\n%s%s", fault.name, path, code, out.String(), errs.String())
	if fault.hits(path, c) && (code == exitDone || fault.code != 0 && code != fault.code) {
		t.Errorf("want exit code %d for %s", fault.code, what)
	}
	if err := oneOutput(out.String(), code, c.stream); err != nil {
		t.Errorf("%v\n%s", err, what)
	}
}

// oneOutput is what is wrong with an output.
func oneOutput(out string, code int, stream bool) error {
	var all []map[string]any
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		var v any
		err := d.Decode(&v)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("stdout is no JSON: %w", err)
		}
		if at := nullsOf("", v); len(at) > 0 {
			return fmt.Errorf("null is not one of the values of %v", at)
		}
		doc, _ := v.(map[string]any)
		all = append(all, doc)
	}
	if len(all) == 0 {
		return errors.New("stdout is empty")
	}
	if all[0]["kind"] == nil {
		_, failed := all[0]["error"].(map[string]any)
		switch {
		case len(all) > 1:
			return fmt.Errorf("stdout has %d documents", len(all))
		case (code == exitUsage || code == exitHeld || code == exitInterrupted) && !failed:
			return errors.New("the document has no error")
		case code == exitDone && failed:
			return errors.New("the document has an error")
		}
		return nil
	}
	if !stream {
		return errors.New("it is a stream")
	}
	for i, line := range all {
		kind, _ := line["kind"].(string)
		last := i == len(all)-1
		switch {
		case i == 0 && kind != "version", line["seq"] != float64(i+1), line["time"] == nil:
			return fmt.Errorf("line %d is wrong: %v", i+1, line)
		case last != (kind == "report" || kind == "error"):
			return fmt.Errorf("line %d of %d is of the kind %s", i+1, len(all), kind)
		case last && line["exit"] != float64(code):
			return fmt.Errorf("the last line says exit %v", line["exit"])
		}
	}
	return nil
}

// nullable are the keys whose value may be null. None of them is an array.
var nullable = []string{
	"error", "rollout", "min", "max", "refused", "skipped", "taken", "finished", "tenant", "health", "closed", "until", "at", "approved", "gate",
}

// nullsOf returns the keys below v that are null and may not be.
func nullsOf(key string, v any) (keys []string) {
	switch v := v.(type) {
	case nil:
		if !slices.Contains(nullable, key) {
			keys = append(keys, key)
		}
	case []any:
		for _, item := range v {
			keys = append(keys, nullsOf(key, item)...)
		}
	case map[string]any:
		for k, item := range v {
			keys = append(keys, nullsOf(k, item)...)
		}
	}
	return keys
}

// jsonProject is a project of two tenants, one of which has a rollout that failed for the other.
func jsonProject(t *testing.T, more string) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "skein.yaml"), "fleet: acme\nstate: {store: state.db}\ntenants: [{glob: \"data/*.db\"}]\n"+more)
	put(t, filepath.Join(dir, "migrations", "a1_x.sql"), "-- revision: a1\n-- revises: none\n\n-- upgrade\nCREATE TABLE a (id integer);\n\n-- downgrade\nDROP TABLE a;\n")
	for _, name := range []string{"t1", "t2"} {
		path := filepath.Join(dir, "data", name+".db")
		put(t, path, "")
		db, err := sql.Open("sqlite", path)
		if err == nil {
			_, err = db.ExecContext(t.Context(), "CREATE TABLE own (id integer)")
		}
		if err == nil && name == "t1" {
			_, err = db.ExecContext(t.Context(), "CREATE TABLE a (id integer)")
		}
		if err = errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if code := execute(t.Context(), []string{"-c", filepath.Join(dir, "skein.yaml"), "-q", "upgrade", "--max-failures", "1"},
		&streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}); code == exitDone {
		t.Fatal("the first upgrade failed for no tenant")
	}
	return dir
}

// A run that cannot begin after all has printed nothing yet, so that its error is the one document.
func TestJSONOfARunThatCannotBegin(t *testing.T) {
	t.Parallel()
	dir := jsonProject(t, "rollout: {waves: [{name: first, tenants: id=t2, gate: {sql: \"select 0\"}}, {name: rest}]}\n")
	put(t, filepath.Join(dir, "skein.yaml"), "fleet: acme\nstate: {store: state.db}\ntenants: [{glob: \"data/*.db\"}]\n")
	var out bytes.Buffer
	code := execute(t.Context(), []string{"-c", filepath.Join(dir, "skein.yaml"), "--json", "rollout", "resume"},
		&streams{in: strings.NewReader(""), out: &out, err: io.Discard})
	if err := oneOutput(out.String(), code, false); err != nil || code != exitUsage || !strings.Contains(out.String(), "gate after wave first") {
		t.Errorf("%v, exit %d\n%s", err, code, out.String())
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func discard(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// holdFleet has the fleet as another rollout would.
func holdFleet(t *testing.T, path string) (release func()) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	lease, err := store.Lock(t.Context(), "acme", rollout.Holder{Rollout: "other", Host: "h", PID: 1, User: "u", Since: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(lease.Release(t.Context()), store.Close()); err != nil {
			t.Error(err)
		}
	}
}

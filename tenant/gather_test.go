package tenant_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// fakeSource returns what its fields hold.
type fakeSource struct {
	name     string
	tenants  []tenant.Tenant
	warnings []string
	err      error
}

func (s fakeSource) Name() string { return s.name }

func (s fakeSource) List(context.Context) ([]tenant.Tenant, []string, error) {
	return s.tenants, s.warnings, s.err
}

// source lists schemas of main/app: id:schema, or an id that is the schema too.
func source(name string, tenants ...string) fakeSource {
	s := fakeSource{name: name}
	for _, text := range tenants {
		id, schema, ok := strings.Cut(text, ":")
		if !ok {
			schema = id
		}
		s.tenants = append(s.tenants, tenant.Tenant{ID: id, Source: name, Location: engine.Location{
			Dialect: revision.Postgres, Server: "main", Database: "app", Schema: schema,
		}})
	}
	return s
}

func fileSource(name string, tenants ...string) fakeSource {
	s := fakeSource{name: name}
	for _, text := range tenants {
		id, path, _ := strings.Cut(text, ":")
		s.tenants = append(s.tenants, tenant.Tenant{ID: id, Source: name, Location: engine.Location{
			Dialect: revision.SQLite, File: path,
		}})
	}
	return s
}

// gather returns the ids, the warnings, and the errors line by line.
func gather(t *testing.T, guards tenant.Guards, sources ...tenant.Source) (ids, warnings, errs []string, err error) {
	t.Helper()
	tenants, warnings, err := tenant.Gather(t.Context(), sources, guards)
	for _, found := range tenants {
		ids = append(ids, found.ID)
	}
	if err != nil {
		errs = strings.Split(err.Error(), "\n")
	}
	return ids, warnings, errs, err
}

func TestGatherSortsByIDWhateverTheOrderOfTheSources(t *testing.T) {
	t.Parallel()
	a, b := source("a", "zoe", "Ann", "acme-2", "acme"), source("b", "bob", "émile")
	want := []string{"Ann", "acme", "acme-2", "bob", "zoe", "émile"} // bytes, not letters
	for _, sources := range [][]tenant.Source{{a, b}, {b, a}} {
		ids, _, _, err := gather(t, tenant.Guards{}, sources...)
		if diff := cmp.Diff(want, ids); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
}

func TestGatherNamesTheSourceOfAWarning(t *testing.T) {
	t.Parallel()
	a, b := source("1", "acme"), source("registry", "bolt")
	a.warnings, b.warnings = []string{"first", "second"}, []string{"third"}
	_, warnings, _, err := gather(t, tenant.Guards{}, a, b)
	want := []string{"source 1: first", "source 1: second", "source registry: third"}
	if diff := cmp.Diff(want, warnings); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestGatherReportsAllMistakesTogether(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection refused")
	broken := source("1", "lost")
	broken.warnings = []string{"said before it broke"}
	broken.err = errors.Join(cause, &tenant.Error{Tenant: "x", File: "t.csv", Line: 7, Message: "unknown column"})
	empty := source("2")
	good := source("3", "acme", "bolt")
	overlap := source("registry", "acme:other", "bolt", "tenant_bolt:bolt", "new", "", "nul\x00:nul", "line\n:line",
		strings.Repeat("x", 256)+":long", "a:"+strings.Repeat("s", 64), "b:", "\xff:bytes")
	overlap.tenants[0].Position = tenant.Position{File: "tenants.csv", Line: 3}

	ids, warnings, errs, err := gather(t, tenant.Guards{MinTenants: 100}, broken, empty, good, overlap)
	want := []string{
		`source 1: connection refused`,
		`t.csv:7: tenant "x": unknown column`,
		`source 2: yields no tenant`,
		`tenants.csv:3: tenant "acme": one id for two locations: main/app/acme from source 3 and main/app/other from source registry (tenants.csv:3)`,
		`source registry: tenant "bolt": main/app/bolt is listed by source 3 and again by source registry`,
		`source registry: tenant "tenant_bolt": one location for two ids: main/app/bolt is "bolt" from source 3 and "tenant_bolt" from source registry`,
		`source registry: the id is empty`,
		`source registry: tenant "nul\x00": the id contains a NUL or a newline`,
		`source registry: tenant "line\n": the id contains a NUL or a newline`,
		`source registry: tenant "` + strings.Repeat("x", 255) + `": the id has 256 bytes`,
		`source registry: tenant "a": schema "` + strings.Repeat("s", 64) + `" has 64 bytes; PostgreSQL's names have at most 63`,
		`source registry: tenant "b": the schema is not set`,
		`source registry: tenant "\xff": the id is not UTF-8`,
	}
	if diff := cmp.Diff(want, errs); diff != "" {
		t.Error(diff)
	}
	if ids != nil {
		t.Errorf("a doubtful fleet is returned: %v", ids)
	}
	if diff := cmp.Diff([]string{"source 1: said before it broke"}, warnings); diff != "" {
		t.Error(diff)
	}
	var e *tenant.Error
	if !errors.Is(err, cause) || !errors.As(err, &e) || e.Source != "1" {
		t.Errorf("no typed error about source 1: %v", err)
	}
	if errors.Is(err, tenant.ErrGuard) {
		t.Error("the guards were asked about a fleet that nobody knows")
	}
}

func TestGatherWithoutSourcesIsAnError(t *testing.T) {
	t.Parallel()
	if _, _, errs, _ := gather(t, tenant.Guards{}); len(errs) != 1 {
		t.Errorf("got %v", errs)
	}
}

func TestGatherChecksTargets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		target engine.Location
		want   string
	}{
		{engine.Location{}, `unknown dialect ""`},
		{engine.Location{Dialect: revision.SQLite}, `"" is no name of a file`},
		{engine.Location{Dialect: revision.SQLite, File: "data/a.db"}, "not absolute"},
		{engine.Location{Dialect: revision.SQLite, File: "/a\x00"}, "is no name of a file"},
		{engine.Location{Dialect: revision.SQLite, File: "/a", Schema: "s"}, "a SQLite file has no server, database or schema"},
		{engine.Location{Dialect: revision.Postgres, Server: "s", Database: "d", Schema: "s", File: "/f"}, "has no file"},
		{engine.Location{Dialect: revision.Postgres, Database: "d", Schema: "s"}, "the server is not set"},
		{engine.Location{Dialect: revision.Postgres, Server: "s", Schema: "s"}, "the database is not set"},
		{engine.Location{Dialect: revision.Postgres, Server: "s", Database: "d", Schema: "a\x00"}, "not UTF-8 without NUL"},
	} {
		s := fakeSource{name: "1", tenants: []tenant.Tenant{{ID: "a", Source: "1", Location: c.target}}}
		if _, _, errs, _ := gather(t, tenant.Guards{}, s); len(errs) != 1 || !strings.Contains(errs[0], c.want) {
			t.Errorf("%+v: got %v, want %s", c.target, errs, c.want)
		}
	}
}

func TestGatherFindsFilesWithTwoNames(t *testing.T) {
	t.Parallel()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := func(parts ...string) string { return filepath.Join(append([]string{root}, parts...)...) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(path("data"), 0o755))
	must(os.WriteFile(path("data", "acme.db"), nil, 0o600))
	must(os.WriteFile(path("data", "bolt.db"), nil, 0o600))
	must(os.Symlink(path("data"), path("link")))
	must(os.Symlink("acme.db", path("data", "alias.db")))
	must(os.Symlink("alias.db", path("data", "alias2.db")))

	for _, c := range []struct {
		name, a, b string
		same       bool
	}{
		{"different files", path("data", "acme.db"), path("data", "bolt.db"), false},
		{"a symlink to the file", path("data", "acme.db"), path("data", "alias.db"), true},
		{"a symlink to a symlink", path("data", "alias2.db"), path("data", "acme.db"), true},
		{"a symlink to the folder", path("link", "acme.db"), path("data", "acme.db"), true},
		{"dots", path("data") + "/./../data/acme.db", path("data", "acme.db"), true},
		{"a missing file, through the folder's symlink", path("link", "new.db"), path("data", "new.db"), true},
		{"a missing folder", path("link", "x", "new.db"), path("data", "x", "new.db"), true},
		{"case", path("data", "ACME.db"), path("data", "acme.db"), runtime.GOOS == "windows" || runtime.GOOS == "darwin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, errs, _ := gather(t, tenant.Guards{}, fileSource("x", "a:"+c.a), fileSource("y", "b:"+c.b))
			if !c.same && len(errs) == 0 {
				return
			}
			if !c.same || len(errs) != 1 || !strings.Contains(errs[0], "one location for two ids") ||
				!strings.Contains(errs[0], "source x") || !strings.Contains(errs[0], "source y") {
				t.Errorf("got %v", errs)
			}
		})
	}
}

func TestGuards(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		guards tenant.Guards
		found  int
		want   []string
	}{
		{tenant.Guards{}, 1, nil},
		{tenant.Guards{MinTenants: 3}, 3, nil},
		{tenant.Guards{MinTenants: 3}, 2, []string{"2 tenants found, but guards.min_tenants asks for at least 3"}},
		{tenant.Guards{MaxShrink: 5}, 1, nil}, // nothing to compare with
		{tenant.Guards{MaxShrink: 5, Known: 100}, 95, nil},
		{tenant.Guards{MaxShrink: 5, Known: 100}, 130, nil},
		{tenant.Guards{Known: 100}, 1, nil},
		{tenant.Guards{MaxShrink: 5, Known: 100}, 94, []string{
			"94 tenants found, 6 fewer (6 %) than the 100 of the last rollout, but guards.max_shrink allows 5 %",
		}},
		{tenant.Guards{MaxShrink: 0.0001, Known: 3}, 2, []string{
			"2 tenants found, 1 fewer (33.33 %) than the 3 of the last rollout, but guards.max_shrink allows 0 %",
		}},
		{tenant.Guards{MinTenants: 10, MaxShrink: 50, Known: 10}, 4, []string{
			"4 tenants found, but guards.min_tenants asks for at least 10",
			"4 tenants found, 6 fewer (60 %) than the 10 of the last rollout, but guards.max_shrink allows 50 %",
		}},
	} {
		t.Run(fmt.Sprintf("%+v/%d", c.guards, c.found), func(t *testing.T) {
			t.Parallel()
			_, _, errs, err := gather(t, c.guards, fakeSource{name: "1", tenants: numbered(c.found)})
			if diff := cmp.Diff(c.want, errs); diff != "" {
				t.Error(diff)
			}
			if err == nil {
				return
			}
			var e *tenant.GuardError
			if !errors.Is(err, tenant.ErrGuard) || !errors.As(err, &e) || e.Found != c.found || !strings.Contains(e.Hint(), "guards."+e.Guard) {
				t.Errorf("no typed guard error: %#v", err)
			}
		})
	}
}

// fleetOf returns sources with n tenants in all, SQLite files and schemas by halves.
func fleetOf(b *testing.B, n int) []tenant.Source {
	b.Helper()
	folder := b.TempDir()
	schemas, files := numbered(n/2), numbered(n-n/2)
	for i := range files {
		path := filepath.Join(folder, files[i].ID+".db")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			b.Fatal(err)
		}
		files[i].ID += ".db"
		files[i].Location = engine.Location{Dialect: revision.SQLite, File: path}
	}
	return []tenant.Source{fakeSource{name: "1", tenants: schemas}, fakeSource{name: "2", tenants: files}}
}

func BenchmarkGather10000(b *testing.B) {
	sources := fleetOf(b, 10_000)
	for b.Loop() {
		if _, _, err := tenant.Gather(b.Context(), sources, tenant.Guards{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFilter10000(b *testing.B) {
	tenants := numbered(10_000)
	many := make([]string, 5000)
	for i := range many {
		many[i] = tenants[2*i].ID
	}
	for name, text := range map[string]string{
		"label": "tier=gold", "glob": "id=t*9", "survey": "state=empty,heads=base", "sample": "sample=5%",
		"long list": "id in (" + strings.Join(many, ",") + ")",
	} {
		selector := parse(b, text)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				selector.Filter(tenants, someHeads)
			}
		})
	}
}

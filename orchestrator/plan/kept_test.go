package plan_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// TestKeptDowngradesReplaceMissingFiles keeps the sections of an upgrade, takes two files away, and compares what a
// rollback then runs, and what its errors would point at, with what the files say.
func TestKeptDowngradesReplaceMissingFiles(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"a_x.sql":     {Data: []byte("-- revision: a\n-- revises: none\n-- message: a\n\n-- upgrade\nSELECT 1;\n\n-- downgrade\nSELECT 2;\n")},
		"b_x.sql":     {Data: []byte("-- revision: b\n-- revises: a\n-- message: b\n-- skein:touches public.plans\n\n-- downgrade: lock_timeout=7s\nSELECT 3;\n\nSELECT\n4;\n\n-- upgrade\nSELECT 5;\n")},
		"sub/c_x.sql": {Data: []byte("-- revision: c\r\n-- revises: b\r\n-- depends_on: a\r\n-- branch_labels: l\r\n-- message: c\r\n\r\n-- upgrade\r\nSELECT 6;\r\n\r\n-- downgrade: template\r\nDROP TABLE {{ ident .Tenant.Schema }};\r\n")},
		"d_x.sql":     {Data: []byte("-- revision: d\n-- revises: c\n-- message: d\n\n-- upgrade\nSELECT 7;\n")},
	}
	load := func(names ...string) *revision.Graph {
		t.Helper()
		some := fstest.MapFS{}
		for _, name := range names {
			some[name] = files[name]
		}
		g, err := revision.Load(some, revision.Postgres)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	whole := load("a_x.sql", "b_x.sql", "sub/c_x.sql", "d_x.sql")
	p := newPlan(t, whole, tenantsOn("t", 2), []engine.Standing{standingAt(whole), standingAt(whole, "a")})
	p.KeepDowngrades(whole)
	if len(p.Downgrades) != 3 { // d has none
		t.Fatalf("%d sections are kept", len(p.Downgrades))
	}
	older := load("a_x.sql")
	g, err := p.WithKept(older, revision.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"b", "c"} {
		want, got := whole.Get(id), g.Get(id)
		if diff := cmp.Diff(want.Downgrade, got.Downgrade); diff != "" {
			t.Errorf("the section of %s (-file +kept):\n%s", id, diff)
		}
		if got.Checksum() != want.Checksum() || got.File != want.File || !got.Kept || len(got.Upgrade.Statements) > 0 {
			t.Errorf("%s is %+v", id, got)
		}
	}
	if g.Get("a").Kept || g.Get("d") != nil || older.Len() != 1 {
		t.Error("another revision changed")
	}
	if same, err := p.WithKept(whole, revision.Postgres); err != nil || same != whole {
		t.Errorf("%v: a graph that lacks nothing changed", err)
	}
	p.Downgrades = p.Downgrades[2:]
	if _, err := p.WithKept(older, revision.Postgres); err == nil || !strings.Contains(err.Error(), "b") {
		t.Errorf("a parent is missing: %v", err)
	}
}

// TestRollbackByKeptDowngradesSaysSo has the note, and what a resumption needs, only for what is used.
func TestRollbackByKeptDowngradesSaysSo(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"a_x.sql": {Data: []byte("-- revision: a\n-- revises: none\n-- message: a\n\n-- upgrade\n\n-- downgrade\n")},
		"b_x.sql": {Data: []byte("-- revision: b\n-- revises: a\n-- message: b\n\n-- upgrade\n\n-- downgrade\n")},
		"c_x.sql": {Data: []byte("-- revision: c\n-- revises: b\n-- message: c\n\n-- upgrade\n\n-- downgrade\n")},
	}
	whole, err := revision.Load(files, revision.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	older := graph(t, whole.Get("a"))
	s := newUpgradeHistory(t, whole, 2)
	s.stored.KeepDowngrades(whole)
	g, err := s.stored.WithKept(older, revision.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	s.g = g
	s.standings = []engine.Standing{rowsOf(g, "a b:r1"), rowsOf(g, "a b:r7")}
	p, err := s.rollback(false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"t-0001: b"}, cohortsInWords(p.Stored())); diff != "" {
		t.Error(diff)
	}
	if len(p.Downgrades) != 1 || p.Downgrades[0].Revision != "b" {
		t.Errorf("%+v", p.Downgrades)
	}
	if len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "revision b is taken down by the downgrade section that rollout r1 kept: its file, b_x.sql, is not among the revisions here") {
		t.Errorf("%q", p.Notes)
	}
}

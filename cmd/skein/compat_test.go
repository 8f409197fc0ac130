package main

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// forked is a1, on top of it b1 and c1, and their merge d1 with e1 on top.
func forked(t *testing.T) *revision.Graph {
	t.Helper()
	files := fstest.MapFS{}
	for id, revises := range map[string]string{"a1": "none", "b1": "a1", "c1": "a1", "d1": "b1, c1", "e1": "d1"} {
		files[id+"_x.sql"] = &fstest.MapFile{Data: []byte("-- revision: " + id + "\n-- revises: " + revises + "\n\n-- upgrade\nSELECT 1;\n")}
	}
	g, err := revision.Load(files, revision.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func standing(ids ...string) engine.Standing {
	a := &engine.Applied{}
	for _, id := range ids {
		a.Rows = append(a.Rows, engine.Row{Revision: id})
	}
	return engine.Standing{State: engine.Behind, Applied: a, Heads: ids}
}

// halfApplied is a standing in which the section of a revision was cut off.
func halfApplied(cut string, applied ...string) engine.Standing {
	s := standing(applied...)
	s.CutOff = []engine.CutOff{{Revision: cut, Direction: revision.Up}}
	return s
}

func TestWhereATenantLiesToARange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, low, high string
		at              engine.Standing
		want            orchestrator.Fit
	}{
		{"at the lower end", "b1", "", standing("a1", "b1"), orchestrator.Inside},
		{"an ancestor of what is applied", "b1", "", standing("a1", "b1", "c1", "d1"), orchestrator.Inside},
		{"one row a head", "b1", "d1", standing("d1"), orchestrator.Inside},
		{"on the other branch", "b1", "", standing("a1", "c1"), orchestrator.Below},
		{"nothing applied", "a1", "", standing(), orchestrator.Below},
		{"base as the lower end", "base", "", standing(), orchestrator.Inside},
		{"at the upper end", "", "d1", standing("a1", "b1", "c1", "d1"), orchestrator.Inside},
		{"beyond the upper end", "", "d1", standing("a1", "b1", "c1", "d1", "e1"), orchestrator.Above},
		{"on a branch that the upper end has not", "", "b1", standing("a1", "c1"), orchestrator.Above},
		{"base as the upper end", "", "base", standing("a1"), orchestrator.Above},
		{"an id that the graph lacks", "a1", "heads", standing("a1", "z9"), orchestrator.Above},
		{"an id that the graph lacks, where the upper end is open", "a1", "", standing("a1", "z9"), orchestrator.Inside},
		{"at fault at both ends", "b1", "b1", standing("a1", "c1"), orchestrator.Above},
		{"every head", "heads", "heads", standing("a1", "b1", "c1", "d1", "e1"), orchestrator.Inside},
		{"between", "a1", "d1", standing("a1", "b1"), orchestrator.Inside},
		{"half applied beyond the upper end", "", "a1", halfApplied("b1", "a1"), orchestrator.Above},
		{"half applied within", "a1", "b1", halfApplied("b1", "a1"), orchestrator.Inside},
		{"not there", "a1", "", engine.Standing{State: engine.Missing, Err: errors.New("no schema")}, orchestrator.Unreadable},
		{"not read", "", "d1", engine.Standing{State: engine.Unreachable, Err: errors.New("no server")}, orchestrator.Unreadable},
		{"at odds with the graph", "", "d1", engine.Standing{State: engine.Unknown, Applied: standing("b1").Applied, Err: errors.New("a1 is missing")}, orchestrator.Unreadable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			within, err := orchestrator.NewRange(forked(t), test.low, test.high)
			if err != nil {
				t.Fatal(err)
			}
			if got := within.Fit(&test.at); got != test.want {
				t.Errorf("%s..%s: %v is %s, want %s", test.low, test.high, test.at.Heads, got, test.want)
			}
		})
	}
}

func TestARangeOfNothingIsRefused(t *testing.T) {
	t.Parallel()
	for _, ends := range [][2]string{{"nope", ""}, {"", "nope"}, {"+1", ""}} {
		if _, err := orchestrator.NewRange(forked(t), ends[0], ends[1]); err == nil {
			t.Errorf("%q is a range", ends)
		}
	}
}

func TestCompatCountsAndExits(t *testing.T) {
	t.Parallel()
	gone := engine.Standing{State: engine.Missing, Err: errors.New("no schema")}
	shared := standing("a1")
	for _, test := range []struct {
		name string
		at   []engine.Standing
		want map[orchestrator.Fit]int
		exit int
	}{
		{"all inside", []engine.Standing{shared, shared}, map[orchestrator.Fit]int{orchestrator.Inside: 2, orchestrator.Below: 0, orchestrator.Above: 0, orchestrator.Unreadable: 0}, exitDone},
		{"one below", []engine.Standing{shared, standing()}, map[orchestrator.Fit]int{orchestrator.Inside: 1, orchestrator.Below: 1, orchestrator.Above: 0, orchestrator.Unreadable: 0}, exitDifference},
		{"one missing outweighs", []engine.Standing{standing("a1", "b1"), gone, shared}, map[orchestrator.Fit]int{orchestrator.Inside: 1, orchestrator.Below: 0, orchestrator.Above: 1, orchestrator.Unreadable: 1}, exitFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			within, err := orchestrator.NewRange(forked(t), "a1", "a1")
			if err != nil {
				t.Fatal(err)
			}
			var s []plan.Member
			for i := range test.at {
				s = append(s, plan.Member{Tenant: tenant.Tenant{ID: string(rune('a' + i))}, Standing: test.at[i]})
			}
			doc := compatibility(within, s)
			if diff := cmp.Diff(test.want, doc.Counts); diff != "" {
				t.Errorf("counts: -want +got\n%s", diff)
			}
			if got := exitOf(doc.exit()); got != test.exit {
				t.Errorf("exit %d, want %d", got, test.exit)
			}
			if doc.Compatible != (test.exit == exitDone) || len(doc.Outside) != len(test.at)-test.want[orchestrator.Inside] {
				t.Errorf("the document is %+v", doc)
			}
		})
	}
}

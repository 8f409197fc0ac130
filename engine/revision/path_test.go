package revision_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/skeindb/skein/engine/revision"
)

// checkOrder fails unless each step of p runs when its parents and dependencies are applied, or, on the
// way down, when nothing that needs it is.
func checkOrder(t rapid.TB, g *revision.Graph, p *revision.Path) {
	t.Helper()
	start, err := g.Closure(p.From)
	if err != nil {
		t.Fatal(err)
	}
	applied := map[string]bool{}
	for _, id := range start {
		applied[id] = true
	}
	for _, id := range p.Steps {
		if applied[id] != (p.Direction == revision.Down) {
			t.Errorf("%s %v: %s runs twice or from nowhere", p.Direction, p.Steps, id)
		}
		applied[id] = p.Direction == revision.Up
		for _, r := range g.All() {
			for _, below := range append(g.DependsOn(r.ID), r.Revises...) {
				if applied[r.ID] && !applied[below] {
					t.Errorf("%s %v: after %s, %s stands without %s", p.Direction, p.Steps, id, r.ID, below)
				}
			}
		}
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	g := shape(t, shop)
	type ids = []string
	for _, c := range []struct {
		dir          revision.Direction
		from         []string
		target       string
		steps, heads []string
	}{
		{revision.Up, nil, "heads", ids{"1975", "27c6", "d747", "net1", "ae10", "53ff", "net2"}, ids{"53ff", "net2"}},
		{revision.Up, nil, "ae10", ids{"1975", "net1", "ae10"}, ids{"ae10"}},
		{revision.Up, ids{"ae10"}, "1975", ids{}, ids{"ae10"}},
		{revision.Up, ids{"27c6"}, "+1", ids{"d747"}, ids{"d747"}},
		{revision.Up, ids{"27c6", "net1"}, "network@+1", ids{"net2"}, ids{"27c6", "net2"}},
		{revision.Up, ids{"ae10"}, "network@+1", ids{"net2"}, ids{"ae10", "net2"}},
		{revision.Up, nil, "network@+2", ids{"net1", "net2"}, ids{"net2"}},
		{revision.Up, ids{"ae10"}, "shoppingcart@head", ids{"27c6", "d747", "53ff"}, ids{"53ff"}},
		{revision.Up, nil, "27c6+1", ids{"1975", "27c6", "d747"}, ids{"d747"}},
		{revision.Up, nil, "d747-1", ids{"1975", "27c6"}, ids{"27c6"}},
		{revision.Up, nil, "1975-1", ids{}, ids{}},
		{revision.Up, ids{"1975", "27c6"}, "base", ids{}, ids{"27c6"}},

		{revision.Down, ids{"53ff", "net2"}, "base", ids{"net2", "53ff", "ae10", "net1", "d747", "27c6", "1975"}, ids{}},
		{revision.Down, ids{"53ff", "net2"}, "1975", ids{"53ff", "ae10", "d747", "27c6"}, ids{"1975", "net2"}},
		{revision.Down, ids{"53ff", "net2"}, "network@base", ids{"net2", "53ff", "ae10", "net1"}, ids{"d747"}},
		{revision.Down, ids{"d747", "ae10"}, "shoppingcart@1975", ids{"d747", "27c6"}, ids{"ae10"}},
		{revision.Down, ids{"d747", "ae10"}, "shoppingcart@-1", ids{"d747"}, ids{"27c6", "ae10"}},
		{revision.Down, ids{"ae10"}, "-1", ids{"ae10"}, ids{"1975", "net1"}},
		{revision.Down, ids{"d747"}, "-3", ids{"d747", "27c6", "1975"}, ids{}},
		{revision.Down, ids{"d747"}, "d747", ids{}, ids{"d747"}},
		{revision.Down, ids{"d747", "ae10"}, "27c6-1", ids{"ae10", "d747", "27c6"}, ids{"1975", "net1"}},
	} {
		p, err := g.Path(c.dir, c.from, c.target)
		name := fmt.Sprint(c.dir, " ", c.target, " from ", c.from)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkOrder(t, g, p)
		want := &revision.Path{Direction: c.dir, From: g.HeadsOf(c.from), Steps: c.steps, Heads: c.heads}
		if diff := cmp.Diff(want, p); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPathErrors(t *testing.T) {
	t.Parallel()
	g := shape(t, shop)
	for _, c := range []struct {
		dir     revision.Direction
		from    []string
		target  string
		reason  revision.Reason
		message string
	}{
		{revision.Up, nil, "head", revision.ReasonAmbiguous, "head: there are 2 heads: 53ff, net2"},
		{revision.Up, []string{"27c6", "net1"}, "+1", revision.ReasonAmbiguous, "+1: the tenant stands at 2 heads: 27c6, net1"},
		{revision.Up, []string{"1975"}, "+1", revision.ReasonAmbiguous, "+1: the way up forks above 1975 into 27c6, ae10"},
		{revision.Up, nil, "+1", revision.ReasonAmbiguous, "+1: the way up forks above base into 1975, net1"},
		{revision.Up, []string{"net1"}, "+3", revision.ReasonRange, "+3 goes 2 beyond net2, where the graph ends"},
		{revision.Up, []string{"net1"}, "-1", revision.ReasonRange, "-1 is not above where the tenant stands"},
		{revision.Up, nil, "27c6-3", revision.ReasonRange, "27c6-3 goes 1 beyond base, where the graph ends"},
		{revision.Up, nil, "network@net1+2", revision.ReasonRange, "network@net1+2 goes 1 beyond net2, where the graph in branch network ends"},
		{revision.Up, []string{"zzzz"}, "heads", revision.ReasonUnknown, "there is no revision or branch zzzz"},

		{revision.Down, []string{"27c6", "net1"}, "-1", revision.ReasonAmbiguous, "-1: the tenant stands at 2 heads: 27c6, net1"},
		{revision.Down, nil, "-1", revision.ReasonRange, "-1: the tenant stands at base"},
		{revision.Down, []string{"net2"}, "-3", revision.ReasonRange, "-3 goes 1 beyond base, where the graph ends"},
		{revision.Down, []string{"net2"}, "+1", revision.ReasonRange, "+1 is not below where the tenant stands"},
		{revision.Down, []string{"53ff"}, "-1", revision.ReasonAmbiguous, "-1: the way down forks at 53ff, which merges d747, ae10"},
		{revision.Down, []string{"d747"}, "base+1", revision.ReasonAmbiguous, "base+1: the way up forks above base into 1975, net1"},
		{revision.Down, []string{"27c6"}, "d747", revision.ReasonNotApplied, "d747 is not applied"},
		{revision.Down, []string{"ae10"}, "net1", revision.ReasonNotApplied, "nothing above net1 is applied, only what depends on it"},
		{revision.Down, []string{"27c6"}, "network@-1", revision.ReasonNotApplied, "network@-1: nothing of branch network is applied"},
		{revision.Down, []string{"27c6"}, "head", revision.ReasonAmbiguous, "head: a downgrade goes to one revision, and the graph has 2 heads: 53ff, net2"},
		{revision.Down, []string{"27c6"}, "network@head", revision.ReasonAmbiguous, "network@head: a downgrade goes to one revision, and the graph has 2 heads: 53ff, net2"},
		{revision.Down, []string{"27c6", "net2"}, "network@27c6", revision.ReasonBranch, "27c6 is no member of branch network"},
	} {
		_, err := g.Path(c.dir, c.from, c.target)
		wantTargetError(t, err, c.reason, c.message)
	}
	if _, err := g.Path("sideways", nil, "heads"); err == nil {
		t.Error("a third direction was taken")
	}
}

func TestForkInsideALabelledBranch(t *testing.T) {
	t.Parallel()
	g := shape(t, `
		a1 @net:
		a2: a1
		a3: a1
	`)
	_, err := g.Path(revision.Down, []string{"a2"}, "net@-1")
	wantTargetError(t, err, revision.ReasonAmbiguous, "net@-1: above a1 the branch net forks into a2, a3")

	p, err := g.Path(revision.Down, []string{"a2", "a3"}, "a2@a1") // what the error advises
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a3"}, p.Heads); diff != "" {
		t.Error(diff)
	}
}

func TestHeadsOfABranchThatDependOnEachOther(t *testing.T) {
	t.Parallel()
	g := shape(t, `
		a1 @net:
		a2: a1
		a3: a1 < a2
	`)
	_, err := g.Path(revision.Up, nil, "net@heads") // Alembic: "overlaps with other requested revisions"
	wantTargetError(t, err, revision.ReasonAmbiguous, "net@heads: of the heads a2, a3 some depend on others")
}

// Alembic fails on these with a KeyError (facts §2.9): the rows are not what it expects.
func TestRedundantEdgesDoNoHarm(t *testing.T) {
	t.Parallel()
	g := shape(t, `
		a1:
		a2: a1
		b1: < a1 a2
		c1: a2 < b1
		d1: a2 c1
	`)
	p, err := g.Path(revision.Up, nil, "heads")
	if err != nil {
		t.Fatal(err)
	}
	checkOrder(t, g, p)
	if diff := cmp.Diff([]string{"d1"}, p.Heads); diff != "" {
		t.Error(diff)
	}
}

func TestIrreversibleNamesRevisionsAndFiles(t *testing.T) {
	t.Parallel()
	revs := nodes("a1:\nb1: a1\nc1: b1\nd1: c1")
	body := &revision.Section{}
	revs[0].Upgrade, revs[1].Upgrade, revs[2].Upgrade = body, body, body
	revs[2].Downgrade = body
	g := mustGraph(t, revs...) // d1 is a bare node
	down, err := g.Path(revision.Down, []string{"d1"}, "a1")
	if err != nil {
		t.Fatal(err)
	}
	wantTargetError(t, g.Irreversible(down), revision.ReasonOneWay, "the way down has no downgrade section in b1 (b1_x.sql)")
	if got := g.Irreversible(down).Matches; !cmp.Equal(got, []string{"b1"}) {
		t.Errorf("matches: %v", got)
	}
	down.Steps = []string{"d1", "c1"}
	if err := g.Irreversible(down); err != nil {
		t.Errorf("got %v", err)
	}
	up := &revision.Path{Direction: revision.Up, Steps: []string{"b1"}}
	if err := g.Irreversible(up); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestErrorsNameCandidates(t *testing.T) {
	t.Parallel()
	_, err := shape(t, shop).Path(revision.Up, nil, "head")
	var te *revision.TargetError
	if !errors.As(err, &te) {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"53ff", "net2"}, te.Matches); diff != "" {
		t.Error(diff)
	}
	want := "say `heads` for all of them, LABEL@head or an id for one, or join them with `Merge(heads)`"
	if te.Hint() != want || te.Target != "head" {
		t.Errorf("%q for %q", te.Hint(), te.Target)
	}
}

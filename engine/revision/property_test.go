package revision_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/skeindb/skein/engine/revision"
)

// drawGraph makes any graph: several bases, forks, merges, dependencies and labels. The order in which
// the revisions are handed over is drawn too.
func drawGraph(t *rapid.T) *revision.Graph {
	ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-c]{2,5}`), 1, 14, rapid.ID).Draw(t, "ids")
	revs := make([]*revision.Revision, len(ids))
	for i, id := range ids {
		r := &revision.Revision{ID: id}
		if i > 0 {
			earlier := rapid.SampledFrom(ids[:i])
			r.Revises = rapid.SliceOfNDistinct(earlier, 0, min(i, 2), rapid.ID).Draw(t, "revises")
			r.DependsOn = rapid.SliceOfNDistinct(earlier, 0, min(i, 2), rapid.ID).Draw(t, "depends on")
		}
		if rapid.Bool().Draw(t, "labelled") {
			r.Labels = []string{fmt.Sprint("label", i)}
		}
		revs[i] = r
	}
	g, err := revision.NewGraph(rapid.Permutation(revs).Draw(t, "order of files"))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func drawFrom(t *rapid.T, g *revision.Graph) []string {
	return rapid.SliceOf(rapid.SampledFrom(allIDs(g))).Draw(t, "from")
}

func TestPathProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		from := drawFrom(t, g)
		target := drawTarget(t, g)
		dir := rapid.SampledFrom([]revision.Direction{revision.Up, revision.Down}).Draw(t, "direction")
		p, err := g.Path(dir, from, target)
		if err != nil {
			return
		}
		again, err := g.Path(dir, append(p.From, from...), target)
		if diff := cmp.Diff(p, again); err != nil || diff != "" {
			t.Errorf("the same question, another answer: %v %s", err, diff)
		}
		checkOrder(t, g, p)
		checkHeads(t, g, p)
	})
}

// checkHeads fails unless p.Heads is what HeadsOf makes of the applied set after p.
func checkHeads(t *rapid.T, g *revision.Graph, p *revision.Path) {
	applied, err := g.Closure(p.From)
	if err != nil {
		t.Fatal(err)
	}
	if p.Direction == revision.Up {
		applied = append(applied, p.Steps...)
	} else {
		applied = slices.DeleteFunc(applied, func(id string) bool { return slices.Contains(p.Steps, id) })
	}
	if diff := cmp.Diff(g.HeadsOf(applied), p.Heads); diff != "" {
		t.Errorf("heads (-HeadsOf +Path):\n%s", diff)
	}
	if _, gaps := g.Check(applied); len(gaps) > 0 {
		t.Errorf("gaps: %v", gaps)
	}
	closed, err := g.Closure(p.Heads)
	if diff := cmp.Diff(g.Sort(applied), closed); err != nil || diff != "" {
		t.Errorf("the heads do not stand for what is applied: %v %s", err, diff)
	}
}

func TestUpAndDownReturns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		up, err := g.Path(revision.Up, nil, "heads")
		if err != nil {
			t.Fatal(err)
		}
		down, err := g.Path(revision.Down, up.Heads, "base")
		if err != nil {
			t.Fatal(err)
		}
		if len(down.Heads) > 0 {
			t.Errorf("not at base: %v", down.Heads)
		}
		slices.Reverse(down.Steps)
		if diff := cmp.Diff(up.Steps, down.Steps); diff != "" {
			t.Errorf("down is not the reverse of up:\n%s", diff)
		}

		// From anywhere: to heads, then down to base and up again to where it was.
		from := g.HeadsOf(drawFrom(t, g))
		applied := []string{}
		for _, id := range from {
			p, err := g.Path(revision.Up, applied, id)
			if err != nil {
				t.Fatal(err)
			}
			applied = append(applied, p.Steps...)
		}
		if diff := cmp.Diff(from, g.HeadsOf(applied)); diff != "" {
			t.Errorf("upgrading to each head in turn leads elsewhere:\n%s", diff)
		}
	})
}

func TestGraphOrderIsTopologicalAndDeterministic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		all := g.All()
		seen := map[string]bool{}
		for _, r := range all {
			for _, below := range append(g.DependsOn(r.ID), r.Revises...) {
				if !seen[below] {
					t.Errorf("%s comes before %s", r.ID, below)
				}
			}
			seen[r.ID] = true
		}
		again, err := revision.NewGraph(rapid.Permutation(all).Draw(t, "another order"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(allIDs(g), allIDs(again)); diff != "" {
			t.Error(diff)
		}
		if g.Sum() != again.Sum() {
			t.Error("the sum follows the order of files")
		}
	})
}

// Anything may be typed; nothing may panic, and every error has advice.
func TestAnyTargetHasAnAnswer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		from := drawFrom(t, g)
		target := drawTarget(t, g)
		for _, err := range []error{
			second(g.Path(revision.Up, from, target)),
			second(g.Path(revision.Down, from, target)),
			second(g.Resolve(target)),
			second(g.ParseFrom(target)),
			second(g.Range(target + ":" + drawTarget(t, g))),
			second(g.Stamp(from, []string{target})),
		} {
			if err == nil {
				continue
			}
			if hinted, ok := err.(*revision.TargetError); !ok || hinted.Hint() == "" || hinted.Error() == "" {
				t.Errorf("%s: %T %v", target, err, err)
			}
		}
	})
}

func drawTarget(t *rapid.T, g *revision.Graph) string {
	symbols := append(allIDs(g), "head", "heads", "base", "current", "a", "bb", "label", "label1", "zz", "")
	symbol := rapid.SampledFrom(symbols).Draw(t, "symbol")
	if rapid.Bool().Draw(t, "relative") {
		symbol += rapid.SampledFrom([]string{"+1", "-1", "+2", "-2", "+0", "+30", "-30"}).Draw(t, "steps")
	}
	if rapid.Bool().Draw(t, "with label") {
		symbol = rapid.SampledFrom(append(symbols, "label2")).Draw(t, "label") + "@" + symbol
	}
	return symbol
}

func allIDs(g *revision.Graph) []string {
	var ids []string
	for _, r := range g.All() {
		ids = append(ids, r.ID)
	}
	return ids
}

func second[T any](_ T, err error) error { return err }

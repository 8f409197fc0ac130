package revision_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skeindb/skein/engine/revision"
)

// alembicGraph is a line of testdata/alembic-graph-cases.jsonl: a random graph, and what Alembic 1.19.2
// answered when it was asked about it.
type alembicGraph struct {
	Graph []struct {
		Revision     string   `json:"revision"`
		Revises      []string `json:"revises"`
		DependsOn    []string `json:"depends_on"`
		BranchLabels []string `json:"branch_labels"`
	} `json:"graph"`
	Cases []alembicCase `json:"cases"`
}

type alembicCase struct {
	Op        string   `json:"op"` // up, down, resolve
	Target    string   `json:"target"`
	From      []string `json:"from"`
	Steps     []string `json:"steps"`
	Heads     []string `json:"heads"`
	Revisions []string `json:"revisions"` // of resolve; may repeat
	Error     string   `json:"error"`
}

func (c alembicCase) String() string {
	return fmt.Sprintf("%s %s from %v", c.Op, c.Target, c.From)
}

// Alembic's order of steps is not always the same (facts: it follows Python's hash seed), so the set of
// steps is compared, and that our order is a valid one.
func TestAgreesWithAlembic(t *testing.T) {
	t.Parallel()
	count := 0
	for n, ag := range readAlembicGraphs(t, "testdata/alembic-graph-cases.jsonl") {
		count += len(ag.Cases)
		t.Run(fmt.Sprint("graph", n), func(t *testing.T) {
			t.Parallel()
			g := ag.build(t)
			for _, c := range ag.Cases {
				c.check(t, g)
			}
		})
	}
	if count < 4800 {
		t.Errorf("only %d cases were read", count)
	}
}

func readAlembicGraphs(t *testing.T, name string) []alembicGraph {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var graphs []alembicGraph
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var ag alembicGraph
		if err := json.Unmarshal(lines.Bytes(), &ag); err != nil {
			t.Fatal(err)
		}
		graphs = append(graphs, ag)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return graphs
}

func (ag alembicGraph) build(t *testing.T) *revision.Graph {
	t.Helper()
	var revs []*revision.Revision
	for _, r := range ag.Graph {
		revs = append(revs, &revision.Revision{
			ID: r.Revision, Revises: r.Revises, DependsOn: r.DependsOn, Labels: r.BranchLabels,
		})
	}
	return mustGraph(t, revs...)
}

func (c alembicCase) check(t *testing.T, g *revision.Graph) {
	t.Helper()
	if c.Op == "resolve" {
		got, err := g.Resolve(c.Target)
		if c.sameError(t, err) {
			want := slices.Compact(slices.Sorted(slices.Values(c.Revisions)))
			if diff := cmp.Diff(want, sorted(got), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%v (-alembic +skein):\n%s", c, diff)
			}
		}
		return
	}
	dir := revision.Up
	if c.Op == "down" {
		dir = revision.Down
	}
	p, err := g.Path(dir, c.From, c.Target)
	if !c.sameError(t, err) {
		return
	}
	if diff := cmp.Diff(sorted(c.Steps), sorted(p.Steps), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%v: steps (-alembic +skein):\n%s", c, diff)
	}
	if diff := cmp.Diff(sorted(c.Heads), sorted(p.Heads), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%v: heads (-alembic +skein):\n%s", c, diff)
	}
	checkOrder(t, g, p)
}

// sameError reports whether there is a result to compare.
func (c alembicCase) sameError(t *testing.T, err error) bool {
	t.Helper()
	switch {
	case err == nil && c.Error != "":
		t.Errorf("%v: no error; Alembic's is %q", c, c.Error)
	case err != nil && c.Error == "":
		t.Errorf("%v: %v; Alembic has an answer", c, err)
	}
	return err == nil && c.Error == ""
}

func sorted(ids []string) []string { return slices.Sorted(slices.Values(ids)) }

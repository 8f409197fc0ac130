package revision_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
)

// shape makes a graph from lines like
//
//	b: a           b revises a
//	d: b c < x     d merges b and c, and depends on x
//	e @billing:    e is a base with a label
func shape(t testing.TB, text string) *revision.Graph {
	t.Helper()
	return mustGraph(t, nodes(text)...)
}

func nodes(text string) []*revision.Revision {
	var revs []*revision.Revision
	for line := range strings.Lines(text) {
		name, edges, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		revises, dependsOn, _ := strings.Cut(edges, "<")
		r := &revision.Revision{Revises: strings.Fields(revises), DependsOn: strings.Fields(dependsOn)}
		for i, word := range strings.Fields(name) {
			if i == 0 {
				r.ID = word
				r.File = word + "_x.sql"
				r.Line = 1
			} else {
				r.Labels = append(r.Labels, strings.TrimPrefix(word, "@"))
			}
		}
		revs = append(revs, r)
	}
	return revs
}

func mustGraph(t testing.TB, revs ...*revision.Revision) *revision.Graph {
	t.Helper()
	g, err := revision.NewGraph(revs)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// The worked example of Alembic's documentation on branches, with a dependency added.
const shop = `
	1975: 
	27c6 @shoppingcart: 1975
	d747: 27c6
	ae10: 1975 < net1
	net1 @network:
	net2: net1
	53ff: d747 ae10
`

func TestGraphTellsItsParts(t *testing.T) {
	t.Parallel()
	g := shape(t, shop)
	var order []string
	for _, r := range g.All() {
		order = append(order, r.ID)
	}
	for _, c := range []struct {
		what      string
		got, want []string
	}{
		{"order", order, []string{"1975", "27c6", "d747", "net1", "ae10", "53ff", "net2"}},
		{"heads", g.Heads(), []string{"53ff", "net2"}},
		{"real heads", g.RealHeads(), []string{"53ff", "net2"}},
		{"children", g.Children("1975"), []string{"27c6", "ae10"}},
		{"children without dependents", g.Children("net1"), []string{"net2"}},
		{"children of a head", g.Children("53ff"), []string{}},
		{"children of a stranger", g.Children("zzzz"), []string{}},
		{"depends on", g.DependsOn("ae10"), []string{"net1"}},
		{"sort", g.Sort([]string{"zz", "net2", "1975", "yy", "ae10"}), []string{"1975", "ae10", "net2", "yy", "zz"}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
	if g.Len() != 7 || g.Get("ae10").ID != "ae10" || g.Get("ae1") != nil || g.Get("network") != nil {
		t.Error("Len or Get")
	}
}

func TestHeadThatIsDependedUponIsNoRealHead(t *testing.T) {
	t.Parallel()
	g := shape(t, `
		a1:
		b1: < a1
	`)
	if diff := cmp.Diff([]string{"a1", "b1"}, g.Heads()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"b1"}, g.RealHeads()); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyGraph(t *testing.T) {
	t.Parallel()
	g := mustGraph(t)
	for _, target := range []string{"heads", "head", "base"} {
		if got, err := g.Resolve(target); err != nil || len(got) > 0 {
			t.Errorf("%s: %v, %v", target, got, err)
		}
		if p, err := g.Path(revision.Up, nil, target); err != nil || len(p.Steps) > 0 {
			t.Errorf("up %s: %v, %v", target, p, err)
		}
	}
}

func TestLabelsSpread(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, graph string
		want        map[string][]string
	}{
		{"up to the tips, and down to the fork", `
			a1:
			b1: a1
			b2 @net: b1
			b3: b2
			c1: a1
			`, map[string][]string{"a1": nil, "b1": {"net"}, "b2": {"net"}, "b3": {"net"}, "c1": nil}},
		{"down to base", `
			a1:
			a2 @net: a1
			`, map[string][]string{"a1": {"net"}, "a2": {"net"}}},
		{"not down when the branch forks above", `
			a1:
			a2 @net: a1
			a3: a2
			a4: a2
			`, map[string][]string{"a1": nil, "a2": {"net"}, "a3": {"net"}, "a4": {"net"}}},
		{"a dependency is a fork", `
			a1:
			a2 @net: a1
			a3: a2
			b1: < a2
			`, map[string][]string{"a1": nil, "a2": {"net"}, "a3": {"net"}, "b1": nil}},
		{"a merge has both", `
			a1 @x:
			b1 @y:
			c1: a1 b1
			`, map[string][]string{"a1": {"x"}, "b1": {"y"}, "c1": {"x", "y"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := shape(t, c.graph)
			for id, want := range c.want {
				if diff := cmp.Diff(append([]string{}, want...), g.Labels(id)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", id, diff)
				}
			}
		})
	}
}

func TestDependsOnTakesLabelsAndPrefixes(t *testing.T) {
	t.Parallel()
	g := shape(t, `
		aaaa1 @net:
		aaaa2: aaaa1
		bbbb1:
		c1: < net bbb
	`)
	if diff := cmp.Diff([]string{"aaaa1", "bbbb1"}, g.DependsOn("c1")); diff != "" {
		t.Error(diff)
	}
}

func TestNewGraphFindsMistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, graph string
		want        revision.FileError
	}{
		{"cycle with its edges", `
			b0:
			a1: c3 
			b2: a1 b0
			c3: b0 < b2
			d4: c3
			`, revision.FileError{
			Kind: revision.KindCycle, File: "a1_x.sql", Line: 1, Other: "c3_x.sql:1",
			Message: "cycle a1 → c3 → b2 → a1: a1 revises c3, c3 depends_on b2, b2 revises a1",
			Advice:  "take one of these edges out, in a1_x.sql, c3_x.sql, b2_x.sql",
		}},
		{"self loop", "a1: a1", revision.FileError{
			Kind: revision.KindCycle, File: "a1_x.sql", Line: 1,
			Message: "cycle a1 → a1: a1 revises a1", Advice: "take one of these edges out, in a1_x.sql",
		}},
		{"self loop by label", "a1 @net: < net", revision.FileError{
			Kind: revision.KindCycle, File: "a1_x.sql", Line: 1,
			Message: "cycle a1 → a1: a1 depends_on a1", Advice: "take one of these edges out, in a1_x.sql",
		}},
		{"missing parent", "a1f0:\nb1: a1f9", revision.FileError{
			Kind: revision.KindMissing, File: "b1_x.sql", Line: 1,
			Message: "revision b1 revises a1f9, which is no revision", Advice: "did you mean a1f0 (a1f0_x.sql)?",
		}},
		{"missing parent like no other", "b1: zzzzzz", revision.FileError{
			Kind: revision.KindMissing, File: "b1_x.sql", Line: 1,
			Message: "revision b1 revises zzzzzz, which is no revision", Advice: "add that revision, or correct `revises`",
		}},
		{"partial parent", "aaaa1:\nb1: aaa", revision.FileError{
			Kind: revision.KindMissing, File: "b1_x.sql", Line: 1,
			Message: "revision b1 revises aaa, which is no revision", Advice: "`revises` takes full ids: aaaa1",
		}},
		{"label as parent", "a1 @net:\nb1: net", revision.FileError{
			Kind: revision.KindMissing, File: "b1_x.sql", Line: 1,
			Message: "revision b1 revises net, which is no revision", Advice: "net is a branch label; `revises` takes ids: a1",
		}},
		{"missing dependency", "a1f0:\nb1: < a1f9", revision.FileError{
			Kind: revision.KindMissing, File: "b1_x.sql", Line: 1,
			Message: "revision b1 depends on a1f9, which is neither revision nor branch label", Advice: "did you mean a1f0 (a1f0_x.sql)?",
		}},
		{"ambiguous dependency", "aaaa1:\naaaa2:\nb1: < aaa", revision.FileError{
			Kind: revision.KindMissing, File: "b1_x.sql", Line: 1,
			Message: "revision b1 depends on aaa, which may be any of aaaa1, aaaa2", Advice: "write more of the id",
		}},
		{"doubled id", "a1:\na1:", revision.FileError{
			Kind: revision.KindDuplicate, File: "a1_x.sql", Line: 1, Other: "a1_x.sql:1",
			Message: "revision a1 is there twice (the other: a1_x.sql:1)", Advice: "give one of them another id",
		}},
		{"doubled label", "a1 @net:\nb1 @net:", revision.FileError{
			Kind: revision.KindDuplicate, File: "b1_x.sql", Line: 1, Other: "a1_x.sql:1",
			Message: "branch label net of revision b1 is taken by revision a1 (the other: a1_x.sql:1)", Advice: "rename one of them",
		}},
		{"label that is an id", "a1:\nb1 @a1:", revision.FileError{
			Kind: revision.KindDuplicate, File: "b1_x.sql", Line: 1, Other: "a1_x.sql:1",
			Message: "branch label a1 of revision b1 is the id of a revision (the other: a1_x.sql:1)", Advice: "rename the label",
		}},
		{"reserved id", "head:", revision.FileError{
			Kind: revision.KindBadID, File: "head_x.sql", Line: 1,
			Message: `"head" cannot be a revision id`, Advice: "rename it: that word has a meaning in targets",
		}},
		{"reserved label", "a1 @base:", revision.FileError{
			Kind: revision.KindBadID, File: "a1_x.sql", Line: 1,
			Message: `"base" cannot be a branch label`, Advice: "rename it: that word has a meaning in targets",
		}},
		{"id that reads as a relative target", "a-1:", revision.FileError{
			Kind: revision.KindBadID, File: "a-1_x.sql", Line: 1,
			Message: `"a-1" cannot be a revision id`, Advice: "ids are 1 to 32 letters, digits and underscores",
		}},
		{"label that reads as a relative target", "a1 @shop-2:", revision.FileError{
			Kind: revision.KindBadID, File: "a1_x.sql", Line: 1,
			Message: `"shop-2" cannot be a branch label`, Advice: "labels are letters, digits and _ . -, and do not end in a dash and a number",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := revision.NewGraph(nodes(c.graph))
			var got *revision.FileError
			if !errors.As(err, &got) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(c.want, *got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewGraphReportsAllMistakesInFileOrder(t *testing.T) {
	t.Parallel()
	_, err := revision.NewGraph(nodes(`
		d1: d1
		c1: nowhere
		none:
		b1 @x:
		a1 @x: b2
		b2: a1
	`))
	want := strings.Join([]string{
		"a1_x.sql:1: cycle a1 → b2 → a1: a1 revises b2, b2 revises a1",
		"b1_x.sql:1: branch label x of revision b1 is taken by revision a1 (the other: a1_x.sql:1)",
		"c1_x.sql:1: revision c1 revises nowhere, which is no revision",
		"d1_x.sql:1: cycle d1 → d1: d1 revises d1",
		`none_x.sql:1: "none" cannot be a revision id`,
	}, "\n")
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSumFollowsWhatAnUpgradeDoes(t *testing.T) {
	t.Parallel()
	const graph = "a1:\nb1 @net: a1\nc1: a1 < b1"
	sum := shape(t, graph).Sum()
	turned := nodes("c1: a1 < net\nb1 @net: a1\na1:")
	turned[0].Message = "another"
	if mustGraph(t, turned...).Sum() != sum {
		t.Error("the sum follows order, spelling or message")
	}
	body := nodes(graph)
	body[0].Upgrade = &revision.Section{Raw: "-- upgrade\nSELECT 1;\n"}
	for name, g := range map[string]*revision.Graph{
		"edge":  shape(t, "a1:\nb1 @net: a1\nc1: a1"),
		"kind":  shape(t, "a1:\nb1 @net: a1\nc1: a1 b1"),
		"label": shape(t, "a1:\nb1: a1\nc1: a1 < b1"),
		"body":  mustGraph(t, body...),
	} {
		if g.Sum() == sum {
			t.Errorf("the sum does not follow a changed %s", name)
		}
	}
}

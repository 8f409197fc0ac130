package revision_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
)

func TestClosureFollowsBothKindsOfEdges(t *testing.T) {
	t.Parallel()
	g := shape(t, shop)
	got, err := g.Closure([]string{"ae10", "1975"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1975", "net1", "ae10"}, got); diff != "" {
		t.Error(diff)
	}
	_, err = g.Closure([]string{"shoppingcart"})
	wantTargetError(t, err, revision.ReasonUnknown, "shoppingcart is a branch label, and a revision id is needed")
}

func TestHeadsOfSeesThroughWhatIsNotApplied(t *testing.T) {
	t.Parallel()
	g := shape(t, shop)
	for _, c := range []struct{ applied, want []string }{
		{nil, []string{}},
		{[]string{"1975", "27c6", "net1"}, []string{"27c6", "net1"}},
		{[]string{"1975", "ae10", "net1"}, []string{"ae10"}},
		{[]string{"1975", "53ff", "zzzz"}, []string{"53ff"}},
	} {
		if diff := cmp.Diff(c.want, g.HeadsOf(c.applied)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.applied, diff)
		}
	}
}

func TestCheckFindsStrangersAndGaps(t *testing.T) {
	t.Parallel()
	g := shape(t, shop)
	unknown, gaps := g.Check([]string{"1975", "zz", "27c6", "net1"})
	if diff := cmp.Diff([]string{"zz"}, unknown); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]revision.Gap{}, gaps); diff != "" {
		t.Error(diff)
	}
	unknown, gaps = g.Check([]string{"1975", "ae10", "27c6", "53ff", "net2"})
	if diff := cmp.Diff([]string{}, unknown); diff != "" {
		t.Error(diff)
	}
	want := []revision.Gap{
		{Revision: "ae10", Missing: []string{"net1"}},
		{Revision: "53ff", Missing: []string{"d747", "net1"}},
		{Revision: "net2", Missing: []string{"net1"}},
	}
	if diff := cmp.Diff(want, gaps); diff != "" {
		t.Error(diff)
	}
}

func TestStamp(t *testing.T) {
	t.Parallel()
	g := shape(t, shop)
	for _, c := range []struct {
		name                string
		from, targets, want []string // want: heads
	}{
		{"ahead", nil, []string{"27c6"}, []string{"27c6"}},
		{"everything", []string{"27c6"}, []string{"heads"}, []string{"53ff", "net2"}},
		{"back on one line", []string{"d747", "ae10"}, []string{"27c6"}, []string{"27c6", "ae10"}},
		{"back to the fork", []string{"d747", "ae10"}, []string{"1975"}, []string{"1975"}},
		{"another branch stays", []string{"27c6"}, []string{"net2"}, []string{"27c6", "net2"}},
		{"several", []string{"53ff", "net2"}, []string{"27c6", "net1"}, []string{"27c6", "net1"}},
		{"base", []string{"53ff", "net2"}, []string{"base"}, []string{}},
		{"base of a branch takes its heads", []string{"d747", "net2"}, []string{"shoppingcart@base"}, []string{"net2"}},
		{"base of a branch takes dependents", []string{"ae10", "27c6"}, []string{"network@base"}, []string{"27c6"}},
		{"one branch empty, one set", []string{"d747", "net2"}, []string{"network@base", "27c6"}, []string{"27c6"}},
		{"relative up", []string{"27c6"}, []string{"+1"}, []string{"d747"}},
		{"relative down", []string{"27c6"}, []string{"-1"}, []string{"1975"}},
		{"relative in a branch", []string{"27c6", "net2"}, []string{"network@-1"}, []string{"27c6", "net1"}},
		{"nothing", []string{"27c6"}, nil, []string{"27c6"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			applied, err := g.Stamp(c.from, c.targets)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, g.HeadsOf(applied)); diff != "" {
				t.Errorf("heads (-want +got):\n%s", diff)
			}
			if unknown, gaps := g.Check(applied); len(unknown)+len(gaps) > 0 {
				t.Errorf("%v %v in %v", unknown, gaps, applied)
			}
		})
	}
}

package tenant_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// drawCondition draws the text of one condition, in any of the ways it can be written.
func drawCondition(t *rapid.T) string {
	space := rapid.SampledFrom([]string{"", "", " ", "\t "})
	builtIn := rapid.Bool().Draw(t, "built-in")
	key := rapid.StringMatching(`[a-zA-Zä_][a-z./-]{0,3}x`).Draw(t, "label")
	if builtIn {
		key = rapid.SampledFrom([]string{"id", "server", "database", "schema", "file", "source", "heads"}).Draw(t, "key")
	}
	value := func() string {
		quoted := `"([^"\\]|\\["\\]){0,4}"`
		switch {
		case rapid.Bool().Draw(t, "quoted"):
			return rapid.StringMatching(quoted).Draw(t, "value")
		case builtIn:
			return rapid.StringMatching(`[ab*?ä\\/]{1,4}`).Draw(t, "value")
		}
		return rapid.StringMatching(`[abä\\/]{1,3}`).Draw(t, "value")
	}
	s := func() string { return space.Draw(t, "space") }
	switch rapid.IntRange(0, 5).Draw(t, "operator") {
	case 0:
		return s() + key + s()
	case 1:
		return s() + "!" + s() + key + s()
	case 2:
		return s() + key + s() + rapid.SampledFrom([]string{"=", "=="}).Draw(t, "equals") + s() + value() + s()
	case 3:
		return s() + key + s() + "!=" + s() + value() + s()
	}
	text := s() + key + " " + rapid.SampledFrom([]string{"in", "notin"}).Draw(t, "set") + s() + "(" + s() + value()
	for range rapid.IntRange(0, 3).Draw(t, "more") {
		text += s() + "," + s() + value()
	}
	return text + s() + ")" + s()
}

func drawConditions(t *rapid.T) string {
	text := drawCondition(t)
	for range rapid.IntRange(0, 3).Draw(t, "conditions") {
		text += "," + drawCondition(t)
	}
	return text
}

func drawFleet(t *rapid.T) []tenant.Tenant {
	ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[abä]{1,4}`), 0, 30, rapid.ID).Draw(t, "fleet")
	tenants := make([]tenant.Tenant, len(ids))
	for i, id := range ids {
		tenants[i] = tenant.Tenant{
			ID: id, Source: "1", Labels: map[string]string{"ax": id[:1], "bx": id},
			Location: engine.Location{Dialect: revision.Postgres, Server: "a", Database: "b", Schema: id},
		}
	}
	return tenants
}

func someHeads(id string) ([]string, engine.State) {
	if len(id)%2 == 0 {
		return []string{id, "b"}, engine.Behind
	}
	return nil, engine.Empty
}

func TestSelectorSurvivesPrintingAndParsing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := drawConditions(t)
		if rapid.Bool().Draw(t, "cut") {
			text += rapid.StringMatching(`,sample=[1-9][0-9]?(\.[0-9]{1,6})?%,limit=[1-9][0-9]{0,5}`).Draw(t, "cut")
		}
		first, err := tenant.ParseSelector(text)
		if err != nil {
			t.Fatal(err)
		}
		second, err := tenant.ParseSelector(first.String())
		if err != nil {
			t.Fatalf("printed as %s: %v", first, err)
		}
		if first.String() != second.String() {
			t.Fatalf("printed as %s, then as %s", first, second)
		}
		tenants := drawFleet(t)
		if diff := cmp.Diff(first.Filter(tenants, someHeads), second.Filter(tenants, someHeads)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestAndIsTheIntersection(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tenants := drawFleet(t)
		a, errA := tenant.ParseSelector(drawConditions(t))
		b, errB := tenant.ParseSelector(drawConditions(t))
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		got := a.And(b).Filter(tenants, someHeads)
		for _, want := range [][]tenant.Tenant{
			b.Filter(a.Filter(tenants, someHeads), someHeads),
			a.Filter(b.Filter(tenants, someHeads), someHeads),
		} {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

func TestEachConditionAndItsOppositePartTheFleet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tenants := drawFleet(t)
		value := rapid.StringMatching(`[ab*?]{1,3}`).Draw(t, "value")
		key := rapid.SampledFrom([]string{"id", "server", "schema", "heads", "file"}).Draw(t, "key")
		yes, errA := tenant.ParseSelector(key + "=" + value)
		no, errB := tenant.ParseSelector(key + "!=" + value)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if got := len(yes.Filter(tenants, someHeads)) + len(no.Filter(tenants, someHeads)); got != len(tenants) {
			t.Fatalf("%d of %d tenants", got, len(tenants))
		}
	})
}

// A sample of a fleet that grew holds, of the old tenants, only the first of the old order: nobody is taken
// who would not have been, unless the sample itself grew.
func TestSampleIsStableWhenTheFleetGrows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		grown := drawFleet(t)
		old := grown[:rapid.IntRange(0, len(grown)).Draw(t, "old")]
		selector, err := tenant.ParseSelector(rapid.SampledFrom([]string{"sample=5%", "sample=30%", "limit=3", "limit=20", "sample=50%,limit=4"}).Draw(t, "selector"))
		if err != nil {
			t.Fatal(err)
		}
		wasOld := func(id string) bool {
			return slices.ContainsFunc(old, func(o tenant.Tenant) bool { return o.ID == id })
		}
		var kept []string
		for _, k := range inOrder(selector.Filter(grown, nil)) {
			if wasOld(k.ID) {
				kept = append(kept, k.ID)
			}
		}
		for i, o := range inOrder(old)[:len(kept)] {
			if o.ID != kept[i] {
				t.Fatalf("%v is no beginning of the old order", kept)
			}
		}
	})
}

func TestFilterKeepsTheOrderGiven(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tenants := drawFleet(t)
		selector, err := tenant.ParseSelector(drawConditions(t) + ",sample=40%")
		if err != nil {
			t.Fatal(err)
		}
		next := 0
		for _, s := range selector.Filter(tenants, someHeads) {
			for next < len(tenants) && tenants[next].ID != s.ID {
				next++
			}
			if next == len(tenants) {
				t.Fatalf("%q is out of order", s.ID)
			}
		}
	})
}

func FuzzParseSelector(f *testing.F) {
	for _, text := range []string{
		"tier=gold,region in (eu,us),!frozen", "id=acme-*", `x="a\"b"`, "sample=5%,limit=20", "state!=current",
		"a notin (b,\"c d\")", "heads=base", "in in (in)", "!!a", "a=b,", "sample=", "\xff", "a\u00a0=\u2003b",
	} {
		f.Add(text)
	}
	tenants := fleet()
	f.Fuzz(func(t *testing.T, text string) {
		first, err := tenant.ParseSelector(text)
		if err != nil {
			e := err.(*tenant.SelectorError)
			if e.Col < 1 || e.Col > len(text)+1 {
				t.Fatalf("column %d of %q", e.Col, text)
			}
			return
		}
		second, err := tenant.ParseSelector(first.String())
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", text, first, err)
		}
		if first.String() != second.String() {
			t.Fatalf("%q is printed as %q, then as %q", text, first, second)
		}
		if diff := cmp.Diff(first.Filter(tenants, facts), second.Filter(tenants, facts)); diff != "" {
			t.Fatal(diff)
		}
	})
}

package tenant_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// fleet is six tenants that differ in everything a selector can ask for.
func fleet() []tenant.Tenant {
	schema := func(id, server, database, schema, source string, labels map[string]string) tenant.Tenant {
		return tenant.Tenant{ID: id, Source: source, Labels: labels, Location: engine.Location{
			Dialect: revision.Postgres, Server: server, Database: database, Schema: schema,
		}}
	}
	return []tenant.Tenant{
		schema("acme-eu", "main", "app", "tenant_acme", "1", map[string]string{"tier": "gold", "region": "eu"}),
		schema("acme-us", "main", "app", "tenant_acme_us", "1", map[string]string{"tier": "gold", "region": "us", "frozen": "yes"}),
		schema("bolt", "db2", "cust_1", "public", "registry", map[string]string{"tier": "free", "region": "us"}),
		schema("crane, inc", "db2", "cust_2", "public", "registry", map[string]string{"tier": "free", "id": "shadowed"}),
		schema("down", "db3", "app", "down", "3", nil),
		{ID: "eu/lite", Source: "files", Location: engine.Location{Dialect: revision.SQLite, File: "/data/eu/lite.db"}},
	}
}

// facts is what a survey of the fleet found.
func facts(id string) ([]string, engine.State) {
	switch id {
	case "acme-eu":
		return []string{"27c6a30d7c24"}, engine.Current
	case "acme-us":
		return []string{"1975ea83b712", "27c6b0000000"}, engine.Behind
	case "bolt":
		return nil, engine.Empty
	case "crane, inc":
		return []string{"ffff"}, engine.Ahead
	case "down":
		return nil, engine.Unreachable
	}
	return nil, engine.Missing
}

func TestSelectorSelects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ selector, want string }{
		{"tier=gold", "acme-eu acme-us"},
		{"tier==gold", "acme-eu acme-us"},
		{" tier = gold , region=eu ", "acme-eu"},
		{"tier=gold,region in (eu,us),!frozen", "acme-eu"},
		{"tier", "acme-eu acme-us bolt crane,_inc"},
		{"!tier", "down eu/lite"},
		{"! tier", "down eu/lite"},
		{"tier!=gold", "bolt crane,_inc down eu/lite"}, // as in Kubernetes: who lacks the key too
		{"tier != gold, tier", "bolt crane,_inc"},
		{"region in(us)", "acme-us bolt"},
		{"region notin (us, ap)", "acme-eu crane,_inc down eu/lite"},
		{"tier=Gold", ""},

		{"id=bolt", "bolt"},
		{"id=acme-*", "acme-eu acme-us"},
		{"id=????", "bolt down"},
		{"id!=acme-*", "bolt crane,_inc down eu/lite"},
		{"id in (acme-e*, b?lt)", "acme-eu bolt"},
		{"id notin (acme-*,bolt)", "crane,_inc down eu/lite"},
		{`id="crane, inc"`, "crane,_inc"},
		{`id in ("crane, inc", bolt)`, "bolt crane,_inc"},
		{`id="acme-*"`, ""}, // quoted is literal
		{"id=shadowed", ""}, // the built-in key shadows the label
		{"id=eu/*", "eu/lite"},

		{"server=main", "acme-eu acme-us"},
		{"server=db?", "bolt crane,_inc down"},
		{"!server", "eu/lite"},
		{"database=cust_*", "bolt crane,_inc"},
		{"schema=public", "bolt crane,_inc"},
		{"file", "eu/lite"},
		{"!file", "acme-eu acme-us bolt crane,_inc down"},
		{"file=/data/*", "eu/lite"},
		{"source=1", "acme-eu acme-us"},
		{"source in (registry,files)", "bolt crane,_inc eu/lite"},

		{"state=behind", "acme-us"},
		{"state in (empty,behind)", "acme-us bolt"},
		{"state!=current", "acme-us bolt crane,_inc down eu/lite"},
		{"state=un*", "down"},
		{"heads=27c6*", "acme-eu acme-us"}, // any head
		{"heads=27c6a30d7c24", "acme-eu"},
		{"heads=base", "bolt"}, // and nobody whose heads were not seen
		{"!heads", "down eu/lite"},
		{"heads", "acme-eu acme-us bolt crane,_inc"},
		{"heads!=27c6*", "bolt crane,_inc down eu/lite"},
		{"heads notin (base,ffff),state!=missing", "acme-eu acme-us down"},

		{"limit=100", "acme-eu acme-us bolt crane,_inc down eu/lite"},
		{"sample=100%", "acme-eu acme-us bolt crane,_inc down eu/lite"},
	} {
		t.Run(c.selector, func(t *testing.T) {
			t.Parallel()
			if got := selected(t, c.selector, fleet()); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// selected returns the ids that a selector selects, joined by spaces.
func selected(t testing.TB, selector string, tenants []tenant.Tenant) string {
	t.Helper()
	var ids []string
	for _, s := range parse(t, selector).Filter(tenants, facts) {
		ids = append(ids, strings.ReplaceAll(s.ID, " ", "_"))
	}
	return strings.Join(ids, " ")
}

func parse(t testing.TB, text string) tenant.Selector {
	t.Helper()
	s, err := tenant.ParseSelector(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseSelectorPointsAtTheMistake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text    string
		col     int
		message string // part of it
		hint    string // part of it; "" = no hint
	}{
		{"", 1, "empty", "leave the selector out"},
		{"  ", 1, "empty", "leave the selector out"},
		{"tier=gold,", 11, "a key is missing, found the end", ""},
		{",tier=gold", 1, "a key is missing, found ','", ""},
		{"tier=", 6, "a value is missing, found the end", "write !tier"},
		{"tier=,id=a", 6, "a value is missing, found ','", "write !tier"},
		{"tier===gold", 7, "a value is missing, found '='", ""},
		{"tier=gold region=eu", 11, "unexpected 'r'", "joined by commas"},
		{"id=acme inc", 9, "unexpected 'i'", "double quotes"},
		{"tier is gold", 6, `no operator "is"`, "joined by commas"},
		{"tier IN (gold)", 6, `no operator "IN"`, `did you mean in?`},
		{"tier not in (gold)", 6, `no operator "not"`, `did you mean notin?`},
		{"tier notn (gold)", 6, `no operator "notn"`, `did you mean notin?`},
		{"tier in gold", 9, "a list in parentheses is missing, found 'g'", "tier in (a, b)"},
		{"tier in (gold", 14, "the list is not closed", ""},
		{"tier in ()", 10, "a value is missing", ""},
		{"tier in (a b)", 12, "the list is not closed", "double quotes"},
		{"tier!gold", 5, "unexpected '!'", "operators"},
		{"size>5", 5, `no operator '>'`, "operators"},
		{"tier*=gold", 5, "a key cannot be a glob", "built-in keys"},
		{"tier=g*", 7, "values of labels cannot be globs", "double quotes"},
		{`id="acme`, 4, "not closed", ""},
		{`"tier"=gold`, 1, "a key is missing", ""},
		{"state=behnd", 7, `no state "behnd"`, `did you mean behind?`},
		{"state in (behind,foo)", 18, `no state "foo"`, "the states are unreachable, "},
		{"sample=5", 8, "a sample is a part", `did you mean sample=5%, or limit=5?`},
		{"sample=0%", 8, "a sample is a part", ""},
		{"sample=101%", 8, "a sample is a part", ""},
		{"sample=.5%", 8, "a sample is a part", ""},
		{"sample", 1, "write sample=5%", ""},
		{"!sample", 1, "write sample=5%", ""},
		{"sample!=5%", 1, "write sample=5%", ""},
		{"sample=5%,sample=6%", 11, "given twice", ""},
		{"limit=0", 7, "number of tenants", ""},
		{"limit=-1", 7, "number of tenants", ""},
		{"limit=5%", 7, "number of tenants", `did you mean sample=5%?`},
		{"limit=1,limit=2", 9, "given twice", ""},
		{"id=a\xff", 5, "not UTF-8", ""},
	} {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			_, err := tenant.ParseSelector(c.text)
			var e *tenant.SelectorError
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a *SelectorError", err)
			}
			if e.Col != c.col || !strings.Contains(e.Message, c.message) || !strings.Contains(e.Hint(), c.hint) {
				t.Errorf("got column %d, %q, hint %q", e.Col, e.Message, e.Hint())
			}
		})
	}
}

func TestSelectorPrintsItsShortestForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		` tier == gold , region in ( eu , us ) , ! frozen `: "tier=gold,region in (eu,us),!frozen",
		`limit=020,sample = 5.50% ,tier`:                    "tier,sample=5.5%,limit=20",
		`id in (acme-*)`:                                    "id=acme-*",
		`id notin ("acme-*")`:                               `id!="acme-*"`,
		`id="plain"`:                                        "id=plain",
		`x=""`:                                              `x=""`,
		`file="C:\data\a b.db"`:                             `file="C:\\data\\a b.db"`,
		`x="say \"hi\""`:                                    `x="say \"hi\""`,
		`sample=0.000001%`:                                  "sample=0.000001%",
	} {
		if got := parse(t, text).String(); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
	if got := (tenant.Selector{}).String(); got != "" {
		t.Errorf("zero value: %q", got)
	}
}

func TestSelectorKnowsWhetherItNeedsASurvey(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"state=behind": true, "id=a,heads=base": true, "!heads": true,
		"id=state": false, "tier=gold": false, "limit=1": false,
	} {
		if got := parse(t, text).NeedsSurvey(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	// and asks for no facts otherwise
	if got := parse(t, "id=bolt").Filter(fleet(), nil); len(got) != 1 {
		t.Errorf("got %d tenants", len(got))
	}
}

func TestSelectorsAreAnded(t *testing.T) {
	t.Parallel()
	both := parse(t, "tier=gold,sample=50%,limit=3").And(parse(t, "region=eu,sample=20%,limit=9"))
	if got, want := both.String(), "tier=gold,region=eu,sample=20%,limit=3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if all := (tenant.Selector{}).And(tenant.Selector{}); !all.IsZero() || both.IsZero() {
		t.Error("IsZero is wrong")
	}
	if got := both.And(tenant.Selector{}).String(); got != both.String() {
		t.Errorf("the zero value changed it to %s", got)
	}
}

func TestSampleIsRoundedUpAndExact(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		selector  string
		of, count int
	}{
		{"sample=5%", 1, 1},
		{"sample=5%", 20, 1},
		{"sample=5%", 21, 2},
		{"sample=7%", 100, 7}, // 7.000000000000001 in floating point
		{"sample=0.1%", 10_000, 10},
		{"sample=0.000001%", 10_000, 1},
		{"sample=100%", 33, 33},
		{"sample=50%,limit=3", 10, 3},
		{"sample=50%,limit=30", 10, 5},
		{"limit=3", 2, 2},
		{"id=t0*,sample=50%", 10, 5},
		{"id=none,sample=5%", 10, 0},
	} {
		if got := len(parse(t, c.selector).Filter(numbered(c.of), nil)); got != c.count {
			t.Errorf("%s of %d: got %d, want %d", c.selector, c.of, got, c.count)
		}
	}
}

// numbered returns n tenants t00000, t00001, …
func numbered(n int) []tenant.Tenant {
	tenants := make([]tenant.Tenant, n)
	for i := range tenants {
		id := fmt.Sprintf("t%05d", i)
		tenants[i] = tenant.Tenant{
			ID: id, Source: "1", Labels: map[string]string{"tier": []string{"gold", "free"}[i%2]},
			Location: engine.Location{Dialect: revision.Postgres, Server: "main", Database: "app", Schema: id},
		}
	}
	return tenants
}

// inOrder returns the tenants in the order in which samples and limits take them.
func inOrder(tenants []tenant.Tenant) []tenant.Tenant {
	ordered := make([]tenant.Tenant, 0, len(tenants))
	for _, i := range tenant.HashOrder(len(tenants), func(i int) string { return tenants[i].ID }) {
		ordered = append(ordered, tenants[i])
	}
	return ordered
}

func TestHashOrderIsThatOfTheHashes(t *testing.T) {
	t.Parallel()
	var got []string
	for _, o := range inOrder(fleet()) {
		got = append(got, o.ID)
	}
	// printf %s ID | sha256sum
	want := []string{"acme-eu", "eu/lite", "crane, inc", "acme-us", "down", "bolt"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, want := selected(t, "limit=3", fleet()), "acme-eu crane,_inc eu/lite"; got != want {
		t.Errorf("a limit takes the first of the order, in the order given: got %s, want %s", got, want)
	}
}

func TestSamplesTellsWhetherTheSelectorTakesOnlySome(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"tier=gold": false, `tier="sample=5%"`: false, "state=behind": false, `x in ("a,limit=3")`: false,
		"sample=5%": true, "limit=3": true, "limit=3,tier=gold": true, "sample=100%": true, "tier=gold,sample=5%,limit=3": true,
	} {
		if got := parse(t, text).Samples(); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestPickReturnsTheNumbersThatFilterSelects(t *testing.T) {
	t.Parallel()
	tenants := fleet()
	for _, text := range []string{"tier=gold", "state=behind", "heads=base", "limit=3", "sample=50%,tier", "id=none"} {
		s := parse(t, text)
		asked := 0
		picked := s.Pick(len(tenants), func(i int) *tenant.Tenant { return &tenants[i] }, func(i int) (f tenant.Facts) {
			asked++
			f.Heads, f.State = facts(tenants[i].ID)
			return f
		})
		got := []string{}
		for _, i := range picked {
			got = append(got, tenants[i].ID)
		}
		want := []string{}
		for _, s := range s.Filter(tenants, facts) {
			want = append(want, s.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
		if s.NeedsSurvey() != (asked > 0) {
			t.Errorf("%q: asked for the facts of %d tenants, want none unless it needs a survey", text, asked)
		}
	}
}

func TestMatchesIgnoresSampleAndLimit(t *testing.T) {
	t.Parallel()
	tenants := fleet()
	s := parse(t, "limit=1")
	for i := range tenants {
		if !s.Matches(&tenants[i], nil) {
			t.Errorf("%s does not match %s, want all to match", tenants[i].ID, s)
		}
	}
}

func TestUnmatchedNamesLabelsThatNobodyHas(t *testing.T) {
	t.Parallel()
	got := parse(t, "teir!=gold,databse=app,!frozen,zebra,zebra,state=behind").Unmatched(fleet())
	want := []string{
		`no tenant has a label teir; did you mean tier?`,
		`no tenant has a label databse; did you mean database?`,
		`no tenant has a label zebra`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func ExampleParseSelector() {
	tenants := []tenant.Tenant{
		{ID: "acme", Labels: map[string]string{"tier": "gold"}},
		{ID: "bolt", Labels: map[string]string{"tier": "free"}},
		{ID: "crane", Labels: map[string]string{"tier": "gold", "frozen": "yes"}},
	}
	selector, err := tenant.ParseSelector("tier=gold, !frozen")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range selector.Filter(tenants, nil) {
		fmt.Println(t.ID)
	}
	_, err = tenant.ParseSelector("state=behnd")
	fmt.Println(err)
	// Output:
	// acme
	// selector "state=behnd", column 7: there is no state "behnd"
}

package integration_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// promise is a sentence of SECURITY.md or README.md with the tests that fail when it does not hold.
type promise struct {
	text  string
	tests []string
}

// promised are the sentences under "Promised" of SECURITY.md's section on isolation.
var promised = []promise{
	{"A name without a schema means the tenant's own object. A tenant that lacks it, while a schema that follows on the search path has one of that name, is refused before the statement runs, whether it would be read, changed or " +
		"dropped, in and outside of a transaction. This holds for tables, views, materialized views, sequences, indexes, types, domains, functions, procedures, aggregates, operators, operator classes, collations, conversions, text " +
		"search objects and statistics.",
		[]string{"TestIsolationMatrix", "TestReadsDoNotFallThrough", "TestSharedObjectsOfEveryKindAreLeftAlone", "TestStatementsOutsideATransactionStayInTheTenant"}},
	{"What a revision's text does not show (dynamic SQL, functions, triggers, event triggers, rules, views, defaults, checks) may change outside of the tenant only what is declared: what the transaction locked and wrote is examined before it commits. Statements of a no-transaction revision that cannot be in a transaction, such as the CALL of a procedure that commits, are not examined.",
		[]string{"TestIsolationMatrix", "TestALaterTransactionIsGuardedAsTheFirst"}},
	{"A name with a schema in the revision's text is intended, and so is what `-- skein:touches` or `guards.touches` declares. The same name without a schema is not.",
		[]string{"TestIsolationMatrix", "TestQualifiedNameDoesNotExcuseTheBareOne", "TestATriggerThatNamesItsTableIsNamed"}},
	{"A tenant's schema is never on the search path of another, also if an extension is in it.", []string{"TestNoTenantIsOnTheSearchPathOfAnother"}},
	{"Nothing that a revision leaves in its session (settings, search path, role, temporary tables) reaches the next revision, the next tenant, or the next client of a pooler.",
		[]string{"TestSettingsDoNotReachTheNextTenant", "TestTemporaryTablesDoNotReachTheNextTenant", "TestTheSearchPathIsPutBackAfterARevision", "TestTheRoleIsPutBackAfterARevision", "TestNothingIsLeftBehindAPooler"}},
	{"Revisions mean the same under every role and database: text is stored as in the file, strings are standard strings, and a reported commit is on disk.",
		[]string{"TestTextIsStoredAsTheFileHasIt", "TestAnErrorHasItsLineWhateverTheEncoding", "TestACommitIsDurableWhateverTheDatabaseSays"}},
	{"No file of the revisions folder is left out silently, and no statement of a downgrade runs in an upgrade.", []string{"TestNoFileIsLeftOutInSilence", "TestNothingOfTheWayDownRunsOnTheWayUp"}},
	{"A label that a template puts into SQL is quoted.", []string{"TestALabelIsNoSQL"}},
}

// wider are sentences under "Not promised" of things that the matrix has no kind for.
var wider = []promise{
	{"Roles, databases, event triggers, publications and default privileges are not limited to a tenant. `skein check` warns of revisions that change them.", []string{"TestCheckWarnsOfWhatIsWiderThanATenant"}},
	{"A function that sets its own search path reads what it finds there, and a default that names a sequence with its schema uses that one: its author intended it.",
		[]string{"TestWhatAFunctionOrDefaultNamesItselfIsMeant"}},
}

// readmePromise stands in README.md, under "Guarantees".
var readmePromise = promise{
	"- **Tenants are isolated.** A name that a tenant lacks never means an object of that name in another schema: such a tenant is refused, for reads and writes. [SECURITY.md](SECURITY.md) says what this covers and what not.",
	[]string{"TestIsolationMatrix", "TestNothingFallsThroughToPublic"},
}

// isolationException is what skein does not promise of the isolation matrix. The first fields are globs over
// the parts of a combination, "" is anything.
type isolationException struct {
	kind, action, way, mode, state string
	hidden                         bool   // on every way that the revision's text does not show
	why                            string // a sentence under "Not promised" of SECURITY.md's section on isolation
}

func (e isolationException) matches(c isolationCase) bool {
	if e.hidden && (c.way == plainWay.name || c.way == "qualified name") {
		return false
	}
	for _, p := range [][2]string{{e.kind, c.kind.name}, {e.action, c.action.name}, {e.way, c.way}, {e.mode, c.mode}, {e.state, c.state}} {
		if ok, err := path.Match(p[0], p[1]); p[0] != "" && (err != nil || !ok) {
			return false
		}
	}
	return true
}

const (
	leavesNoLock = "Code that the revision's text does not show may use a shared function, type, operator, collation or text search object of a name that the tenant lacks: PostgreSQL takes no lock on what is only used."
	neverBack    = "A shared sequence that such code advances stays advanced when the tenant is refused: sequences are not rolled back."
	madeByOthers = "What a view or rule of the tenant reads elsewhere was intended by its author."
)

var notPromised = []isolationException{
	{kind: "function", action: "call", state: "lacks", hidden: true, why: leavesNoLock},
	{kind: "enum", action: "read", state: "lacks", hidden: true, why: leavesNoLock},
	{kind: "composite type", action: "read", state: "lacks", hidden: true, why: leavesNoLock},
	{kind: "aggregate", action: "use", state: "lacks", hidden: true, why: leavesNoLock},
	{kind: "operator", action: "use", state: "lacks", hidden: true, why: leavesNoLock},
	{kind: "collation", action: "use", state: "lacks", hidden: true, why: leavesNoLock},
	{kind: "text search *", action: "use", state: "lacks", hidden: true, why: leavesNoLock},
	{kind: "sequence", action: "next value", state: "lacks", hidden: true, why: neverBack},
	{action: "read", way: "view", state: "lacks", why: madeByOthers},
	{action: "read", way: "rule", state: "lacks", why: madeByOthers},
}

// wholeMatrix reports whether each way is to be tried in each mode.
func wholeMatrix() bool { return os.Getenv("SKEIN_TEST_MATRIX") == "all" }

// onlyCase is the pattern of combinations to run; "" is all.
func onlyCase() string { return strings.TrimSpace(os.Getenv("SKEIN_TEST_ONLY")) }

const isolationHeading = "## Isolation of tenants"

// SECURITY.md has exactly the sentences of this file, and each of them has a test.
func TestSecuritySaysWhatIsolationCovers(t *testing.T) {
	t.Parallel()
	var promises, exceptions []string
	for _, p := range promised {
		promises = append(promises, p.text)
	}
	for _, p := range wider {
		exceptions = append(exceptions, p.text)
	}
	for _, e := range notPromised {
		if !slices.Contains(exceptions, e.why) {
			exceptions = append(exceptions, e.why)
		}
	}
	_, section, _ := strings.Cut(readDocument(t, "SECURITY.md"), isolationHeading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	first, second, _ := strings.Cut(section, "\n### Not promised\n")
	if !slices.Equal(bulletsOf(first), promises) || !slices.Equal(bulletsOf(second), exceptions) {
		t.Errorf("SECURITY.md should have this section:\n\n%s\n\n### Promised\n\n- %s\n\n### Not promised\n\n- %s\n", isolationHeading, strings.Join(promises, "\n- "), strings.Join(exceptions, "\n- "))
	}
	if !strings.Contains(oneSpace(readDocument(t, "README.md")), readmePromise.text) {
		t.Errorf("README.md should have this under \"Guarantees\":\n\n%s\n", readmePromise.text)
	}
	there := testNames(t)
	for _, p := range slices.Concat(promised, wider, []promise{readmePromise}) {
		if len(p.tests) == 0 {
			t.Errorf("%q has no test", p.text)
		}
		for _, name := range p.tests {
			if !there[name] {
				t.Errorf("%q: there is no %s", p.text, name)
			}
		}
	}
}

func readDocument(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// bulletsOf are the items of a Markdown list, each as one line.
func bulletsOf(text string) []string {
	var items []string
	for _, item := range strings.Split("\n"+text, "\n- ")[1:] {
		item, _, _ = strings.Cut(item, "\n\n")
		items = append(items, oneSpace(item))
	}
	return items
}

func oneSpace(text string) string { return strings.Join(strings.Fields(text), " ") }

// testNames are the tests of this package.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			names[m[1]] = true
		}
	}
	return names
}

func TestCheckWarnsOfWhatIsWiderThanATenant(t *testing.T) {
	t.Parallel()
	for n, body := range []string{
		"CREATE ROLE reader;", "ALTER ROLE postgres SET work_mem = '8MB';", "DO $$ BEGIN END $$;\nALTER DATABASE shop SET timezone = 'UTC';",
		"CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';\nCREATE EVENT TRIGGER noting ON ddl_command_end EXECUTE FUNCTION noted();",
		"CREATE TABLE a (id integer);\nCREATE PUBLICATION out FOR TABLE a;", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;",
	} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			p, _, _ := schemasOf(t, 1, "", "", body)
			r := p.Must(0, "check")
			wantText(t, fmt.Sprintf("what check says of %q", body), r.Stdout+r.Stderr, "r1_step.sql")
		})
	}
	t.Run("and not of what is the tenant's", func(t *testing.T) {
		t.Parallel()
		p, _, _ := schemasOf(t, 1, "", "", "CREATE TABLE a (id integer);\nALTER TABLE a OWNER TO CURRENT_USER;\nGRANT SELECT ON a TO PUBLIC;")
		if r := p.Must(0, "check"); strings.Contains(r.Stdout+r.Stderr, "r1_step.sql") {
			t.Errorf("check warns for nothing: %s", r.Stdout+r.Stderr)
		}
	})
}

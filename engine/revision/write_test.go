package revision

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSlug(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":                                   "",
		"!?":                                 "",
		"add status to users":                "add_status_to_users",
		"  Add `status`, (again) -- v2.0!  ": "add_status_again_v2_0",
		"Größe ändern":                       "größe_ändern",
		"../../etc/passwd":                   "etc_passwd",
		"one two three four five six seven eight nine": "one_two_three_four_five_six_seven_eight",
		"exactly forty characters are not cut at a":    "exactly_forty_characters_are_not_cut_at",
		"a234567890123456789012345678901234567890 b":   "a234567890123456789012345678901234567890",
		strings.Repeat("ä", 50):                        strings.Repeat("ä", 40),
	}
	for message, want := range tests {
		if got := slugOf(message); got != want {
			t.Errorf("slugOf(%q) = %q, want %q", message, got, want)
		}
	}
	if got := FileName("a1", "Add x"); got != "a1_add_x.sql" {
		t.Error(got)
	}
	if got := FileName("a1", ""); got != "a1_revision.sql" {
		t.Error(got)
	}
}

func TestNewIDIsRandomAndLegal(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := NewID()
		if !form.MatchString(id) || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}

func ExampleFormat() {
	r := &Revision{
		ID: "27c6a30d7c24", Revises: []string{"1975ea83b712"}, Message: "add status to users",
		Upgrade:   NewSection(Up, Options{NoTransaction: true}, "CREATE INDEX CONCURRENTLY users_status ON users (status);"),
		Downgrade: NewSection(Down, Options{}, ""),
	}
	fmt.Println(FileName(r.ID, r.Message))
	fmt.Print(string(Format(r)))
	// Output:
	// 27c6a30d7c24_add_status_to_users.sql
	// -- revision: 27c6a30d7c24
	// -- revises: 1975ea83b712
	// -- message: add status to users
	//
	// -- upgrade: no-transaction
	// CREATE INDEX CONCURRENTLY users_status ON users (status);
	//
	// -- downgrade
	// -- What takes the upgrade back. Without this section the revision is irreversible.
}

func TestFormatWritesTheExampleOfTheManual(t *testing.T) {
	t.Parallel()
	got := string(Format(parseOK(t, exampleFile, example, Postgres)))
	if diff := cmp.Diff(example, got); diff != "" {
		t.Error(diff)
	}
}

func TestFormatMakesALegalFileOfTheLeast(t *testing.T) {
	t.Parallel()
	text := Format(&Revision{ID: "a", Downgrade: &Section{}})
	if _, err := Parse(FileName("a", ""), text, Postgres); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// genRevision draws revisions as people could have written them.
func genRevision() *rapid.Generator[*Revision] {
	id := rapid.StringMatching(`[A-Za-z0-9_]{1,32}`).Filter(func(s string) bool {
		return s != "head" && s != "heads" && s != "base" && s != "current" && s != none
	})
	line := rapid.StringMatching("([^\\s\\x00]([^\\r\\n\\x00]*[^\\s\\x00])?)?").Filter(func(s string) bool { return strings.ToValidUTF8(s, "") == s })
	timeout := rapid.Ptr(rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(0, 1e6).Draw(t, "ms")) * time.Millisecond
	}), true)
	options := rapid.Custom(func(t *rapid.T) Options {
		o := Options{
			NoTransaction: rapid.Bool().Draw(t, "no"), Alone: rapid.Bool().Draw(t, "alone"), Template: rapid.Bool().Draw(t, "template"),
			LockTimeout: timeout.Draw(t, "lock"), StatementTimeout: timeout.Draw(t, "statement"), Concurrency: rapid.IntRange(0, 9).Draw(t, "n"),
		}
		o.OwnTransaction = !o.NoTransaction && rapid.Bool().Draw(t, "own")
		return o
	})
	text := rapid.SampledFrom([]string{"", "SELECT 1;", "SELECT '\n-- downgrade\n'", "-- skein:touches a.b\n\nSELECT 1", "/* */", "SELECT 1\r\n;\r\n\r\nSELECT $$\n$$"})
	return rapid.Custom(func(t *rapid.T) *Revision {
		r := &Revision{
			ID: id.Draw(t, "id"), Revises: rapid.SliceOfNDistinct(id, 0, 3, rapid.ID).Draw(t, "revises"),
			DependsOn: rapid.SliceOfNDistinct(id, 0, 2, rapid.ID).Draw(t, "deps"), Labels: rapid.SliceOfNDistinct(id, 0, 2, rapid.ID).Draw(t, "labels"),
			Message: line.Draw(t, "message"), Created: line.Draw(t, "created"),
			Upgrade: NewSection(Up, options.Draw(t, "up"), text.Draw(t, "sql")),
		}
		if rapid.Bool().Draw(t, "reversible") {
			r.Downgrade = NewSection(Down, options.Draw(t, "down"), text.Draw(t, "back"))
		}
		return r
	})
}

func TestWhatFormatWritesParseReads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		drawn := genRevision().Draw(t, "revision")
		dialect := rapid.SampledFrom([]Dialect{Postgres, SQLite}).Draw(t, "dialect")
		file := FileName(drawn.ID, drawn.Message)
		text := Format(drawn)
		read, err := Parse(file, text, dialect)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, pair := range [][2]any{
			{drawn.ID, read.ID}, {drawn.Message, read.Message}, {drawn.Created, read.Created},
			{strings.Join(drawn.Revises, ","), strings.Join(read.Revises, ",")}, {strings.Join(drawn.DependsOn, ","), strings.Join(read.DependsOn, ",")},
			{strings.Join(drawn.Labels, ","), strings.Join(read.Labels, ",")}, {drawn.Upgrade.Options, read.Upgrade.Options},
			{drawn.Checksum(), read.Checksum()}, {drawn.Downgrade == nil, read.Downgrade == nil},
		} {
			if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
				t.Fatalf("%s\n%s", diff, text)
			}
		}
		again, err := Parse(file, Format(read), dialect)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(read, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

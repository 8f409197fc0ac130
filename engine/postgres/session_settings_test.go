package postgres

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

func settingRows(pairs ...string) (list [][][]byte) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, [][]byte{[]byte(pairs[i]), []byte(pairs[i+1])})
	}
	return list
}

func TestOnlyWhatDeviatesIsSettled(t *testing.T) {
	t.Parallel()
	ordinary := settingRows("array_nulls", "on", "backslash_quote", "safe_encoding", "bytea_output", "hex", "extra_float_digits", "3", "synchronous_commit", "remote_apply", "timezone", "Asia/Tokyo")
	if d := deviations(ordinary); d != nil {
		t.Errorf("%v", d)
	}
	for _, c := range []struct{ name, was, want string }{
		{"synchronous_commit", "off", "on"}, {"synchronous_commit", "local", "on"}, {"synchronous_commit", "remote_write", "on"},
		{"session_replication_role", "replica", "origin"}, {"session_replication_role", "local", "origin"}, {"extra_float_digits", "0", "1"}, {"backslash_quote", "off", "safe_encoding"},
	} {
		d := &database{deviations: deviations(settingRows(c.name, c.was))}
		if got := d.assignments(); !slices.Equal(got, []string{c.name + " = '" + c.want + "'"}) {
			t.Errorf("%s=%s: %q", c.name, c.was, got)
		}
	}
}

func TestASettledTransactionBeginsWithWhatDeviates(t *testing.T) {
	t.Parallel()
	work := &engine.Work{Tool: "skein", Parts: []engine.Part{
		{Steps: []engine.Step{step(t, "a1", "SELECT 1", "", revision.Options{}, revision.Up), step(t, "b1", "SELECT 1", "", revision.Options{}, revision.Up)}},
		{Steps: []engine.Step{step(t, "c1", "SELECT 1", "", revision.Options{}, revision.Up)}, Before: []string{"a1", "b1"}},
	}}
	settle := []string{"synchronous_commit = 'on'"}
	pooled, direct := compose(t, work, false), compose(t, work, true)
	for c, want := range map[*composer]int{pooled: 2, direct: 0} { // each transaction, unless the session has it
		c.message, c.assignments, c.preset, c.unclean = message{}, settle, c == direct, false
		c.leavesState = func(int, int) bool { return false }
		c.compose([]string{"", ""}, nil)
		if n := strings.Count(sqlOf(c), "SET LOCAL synchronous_commit = 'on'"); n != want {
			t.Errorf("plain %v: %d times, want %d:\n%s", c.preset, n, want, sqlOf(c))
		}
	}
	if sets := preamble(endpoint{}, 0, settle); !slices.Contains(sets, "SET synchronous_commit = 'on'") {
		t.Errorf("%q", sets)
	}
}

func TestACharacterThatIsLackingIsFoundInTheBodies(t *testing.T) {
	t.Parallel()
	work := &engine.Work{Tool: "skein €", Parts: []engine.Part{{Steps: []engine.Step{step(t, "a1", "SELECT 'é';\nSELECT 1,\n'€'", "", revision.Options{}, revision.Up)}}}}
	c := compose(t, work, true)
	for _, message := range []string{
		`character with byte sequence 0xe2 0x82 0xac in encoding "UTF8" has no equivalent in encoding "LATIN1"`,
		`Zeichen mit Byte-Folge 0xe2 0x82 0xac in Kodierung »UTF8« hat keine Entsprechung in Kodierung »LATIN1«`,
	} {
		p, within, found := c.unconverted(&pgconn.PgError{Code: stateNoEquivalent, Message: message})
		if !found || p.kind != kindBody || p.n != 1 || within != len("SELECT 1,\n'") {
			t.Errorf("%v at %d, %v", p, within, found)
		}
	}
	for _, e := range []pgconn.PgError{{Code: "42601", Message: "0xe2 0x82 0xac"}, {Code: stateNoEquivalent, Message: "0xff"}, {Code: stateNoEquivalent, Message: "none"}} {
		if p, _, found := c.unconverted(&e); found {
			t.Errorf("%v for %v", p, e)
		}
	}
}

func TestPositionsOfAServerWithoutAnEncodingAreBytes(t *testing.T) {
	t.Parallel()
	work := &engine.Work{Tool: "skein", Parts: []engine.Part{{Steps: []engine.Step{step(t, "a1", "SELECT 'äöü'; SELECT nonsense", "", revision.Options{}, revision.Up)}}}}
	c := compose(t, work, true)
	text := sqlOf(c)
	p, within := c.at(int32(strings.Index(text, "nonsense"))+1, "SQL_ASCII")
	if p.kind != kindBody || p.n != 1 || within != len("SELECT ") {
		t.Errorf("%v at %d", p, within)
	}
}

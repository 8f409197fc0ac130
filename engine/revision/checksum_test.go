package revision

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// allOptions is the checksum as it was when each option of the marker counted.
func allOptions(marker string) string {
	sum := sha256.Sum256([]byte(marker + "\nCREATE TABLE a (id int);"))
	return hex.EncodeToString(sum[:])
}

func TestOptionsThatSayHowABodyRunsAreNoPartOfIt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		then, now string
		same      bool
	}{
		{"-- upgrade", "-- upgrade", true},
		{"-- upgrade", "-- upgrade: own-transaction", true},
		{"-- upgrade", "-- upgrade: alone, lock_timeout=5s, statement_timeout=1m, concurrency=4, isolation=serializable", true},
		{"-- upgrade: no-transaction", "-- upgrade: no-transaction, lock_timeout=5s", true},
		{"-- upgrade: lock_timeout=5s", "-- upgrade: lock_timeout=5s", true},
		{"-- upgrade: lock_timeout=5s", "-- upgrade: own-transaction, lock_timeout=5s", true},
		{"-- upgrade: own-transaction", "-- upgrade", true},
		{"-- upgrade: own-transaction, alone", "-- upgrade: alone", false}, // in another order
		{"-- upgrade", "-- upgrade: no-transaction", false},
		{"-- upgrade: no-transaction", "-- upgrade", false},
		{"-- upgrade", "-- upgrade: template", false},
		{"-- downgrade", "-- upgrade", false},
	}
	for _, test := range tests {
		r := body(t, test.now+"\nCREATE TABLE a (id int);\n", Postgres)
		if got := r.Accepts(allOptions(test.then)); got != test.same {
			t.Errorf("recorded with %q, now %q: %t", test.then, test.now, got)
		}
		if other := body(t, test.now+"\nCREATE TABLE b (id int);\n", Postgres); other.Accepts(r.Checksum()) {
			t.Errorf("%q: another body is accepted", test.now)
		}
	}
}

func TestSumOfAGraphKnowsHowBodiesRun(t *testing.T) {
	t.Parallel()
	sum := func(marker string) string {
		g, err := NewGraph([]*Revision{body(t, marker+"\nSELECT 1;\n", Postgres)})
		if err != nil {
			t.Fatal(err)
		}
		return g.Sum()
	}
	if sum("-- upgrade") == sum("-- upgrade: own-transaction") {
		t.Error("a plan does not see that a revision got a transaction of its own")
	}
}

func TestIsolationIsAnOption(t *testing.T) {
	t.Parallel()
	r := body(t, "-- upgrade: isolation=repeatable-read\nSELECT 1;\n", Postgres)
	if o := r.Upgrade.Options; o.Isolation != RepeatableRead || !r.Upgrade.Separate() || o.String() != "isolation=repeatable-read" || o.Isolation.SQL() != "REPEATABLE READ" {
		t.Errorf("%+v %q", o, o)
	}
	for text, want := range map[string]string{
		"-- upgrade: isolation=snapshot":                        `isolation: "snapshot" is no level`,
		"-- upgrade: isolation=read-committed":                  "isolation: read-committed is what every section has",
		"-- upgrade: no-transaction, isolation=repeatable-read": "no-transaction and isolation contradict each other",
	} {
		_, err := Parse("a_.sql", []byte("-- revision: a\n-- revises: none\n"+text+"\nSELECT 1;\n"), Postgres)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := Parse("a_.sql", []byte("-- revision: a\n-- revises: none\n-- upgrade: isolation=serializable\nSELECT 1;\n"), SQLite); err == nil {
		t.Error("SQLite takes isolation")
	}
}

package revision

import (
	"strings"
	"testing"
)

// adviceFor is what the first mistake of a section advises; "" when there is none.
func adviceFor(t *testing.T, section string) string {
	t.Helper()
	_, err := Parse("a_.sql", []byte("-- revision: a\n-- revises: none\n"+section), Postgres)
	if err == nil {
		return ""
	}
	return fileErrors(t, err)[0].Advice
}

// Each row is followed: the section that a hint leads to has no mistake.
func TestHintsOfWhatCannotStandInASectionLeadToOneThatCan(t *testing.T) {
	t.Parallel()
	const split = "-- upgrade: own-transaction\nALTER TABLE a ADD CHECK (n >= 0);\n"
	for _, test := range []struct{ section, advice, followed string }{
		{"-- upgrade\nBEGIN;\nSELECT 1;\nCOMMIT;\n", "leave it out", "-- upgrade\nSELECT 1;\n"},
		{"-- upgrade\nUPDATE a SET n = 0;\nCOMMIT;\nBEGIN;\nALTER TABLE a ADD CHECK (n >= 0);\n", "split the file here", split},
		{"-- upgrade\nUPDATE a SET n = 0;\nCOMMIT;\nALTER TABLE a ADD CHECK (n >= 0);\n", "marked own-transaction", split},
		{"-- upgrade\nSELECT 1;\nROLLBACK;\n", "with the statements that it takes back", "-- upgrade\n"},
		{"-- upgrade: no-transaction\nBEGIN;\nUPDATE a SET n = 1;\nUPDATE a SET m = 1;\nCOMMIT;\n", "without no-transaction", "-- upgrade\nUPDATE a SET n = 1;\nUPDATE a SET m = 1;\n"},
		{"-- upgrade\nSET TRANSACTION ISOLATION LEVEL REPEATABLE READ;\nSELECT 1;\n", "`-- upgrade: isolation=repeatable-read`", "-- upgrade: isolation=repeatable-read\nSELECT 1;\n"},
		{"-- upgrade: own-transaction\nSET LOCAL transaction_isolation = 'repeatable read';\nSELECT 1;\n", "`-- upgrade: isolation=repeatable-read`", "-- upgrade: own-transaction, isolation=repeatable-read\nSELECT 1;\n"},
		{"-- upgrade\nSET LOCAL \"transaction_isolation\" TO serializable;\n", "isolation=serializable", "-- upgrade: isolation=serializable\n"},
		{"-- upgrade\nSET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n", "isolation=serializable", "-- upgrade: isolation=serializable\n"},
		{"-- upgrade\nSELECT set_config('transaction_isolation', 'serializable', true);\n", "isolation=serializable", "-- upgrade: isolation=serializable\n"},
		{"-- upgrade\nSET TRANSACTION READ ONLY;\n", "leave it out", "-- upgrade\n"},
		{"-- upgrade: no-transaction\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nSELECT 1;\n", "in place of no-transaction", "-- upgrade: isolation=serializable\nSELECT 1;\n"},
		{"-- upgrade\nSET lock_timeout = '5s';\nSELECT 1;\n", "write SET LOCAL", "-- upgrade\nSET LOCAL lock_timeout = '5s';\nSELECT 1;\n"},
		{"-- upgrade: no-transaction\nSET lock_timeout = '5s';\nSELECT 1;\n", "`-- upgrade: no-transaction, lock_timeout=5s`", "-- upgrade: no-transaction, lock_timeout=5s\nSELECT 1;\n"},
		{"-- upgrade: no-transaction\nSET LOCAL statement_timeout = '5s';\nSELECT 1;\n", "`-- upgrade: no-transaction, statement_timeout=5s`", "-- upgrade: no-transaction, statement_timeout=5s\nSELECT 1;\n"},
		{"-- upgrade: no-transaction\nSET maintenance_work_mem = '1GB';\nVACUUM a;\n", "as in `?maintenance_work_mem=…`", "-- upgrade: no-transaction\nVACUUM a;\n"},
		{"-- upgrade: no-transaction\nSET ROLE x;\nSELECT 1;\n", "without no-transaction, SET LOCAL", "-- upgrade\nSET LOCAL ROLE x;\nSELECT 1;\n"},
	} {
		if got := adviceFor(t, test.section); !strings.Contains(got, test.advice) {
			t.Errorf("%s\nadvises %q, want %q", test.section, got, test.advice)
		}
		if again := adviceFor(t, test.followed); again != "" {
			t.Errorf("%s\nfollowed the hint and gets: %s", test.followed, again)
		}
	}
}

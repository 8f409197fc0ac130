package notify

import "testing"

func TestMessagesHoldNoRows(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"duplicate key: Key (email, n)=(ann@example.com (old), 7) already exists.":    "duplicate key: Key (email, n)=(…) already exists.",
		"null value: Failing row contains (1, ann, null, 2026-11-23).":                "null value: Failing row contains (…).",
		"3 of 100 tenants failed, more than 2 (max_failures)":                         "3 of 100 tenants failed, more than 2 (max_failures)",
		`insert or update: Key (a)=(1) is not present in table "b". (SQLSTATE 23503)`: `insert or update: Key (a)=(…)`,
	} {
		if got := withoutRows(message); got != want {
			t.Errorf("%q becomes %q, want %q", message, got, want)
		}
	}
}

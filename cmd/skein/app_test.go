package main

import (
	"strings"
	"testing"
)

// A number with a minus is a target, unless a flag that takes a value stands before it.
func TestNegativeNumbersAreTargetsOrValues(t *testing.T) {
	t.Parallel()
	root := (&app{streams: &streams{}}).root()
	for args, want := range map[string]string{
		"downgrade -1":                 "downgrade -- -1",
		"downgrade --dry-run -1":       "downgrade --dry-run -- -1",
		"downgrade -1 -t id=a":         "downgrade -t id=a -- -1",
		"upgrade --per-server -1":      "upgrade --per-server -1",
		"upgrade --max-failures -1 -2": "upgrade --max-failures -1 -- -2",
		"upgrade -t -1":                "upgrade -t -1",
		"downgrade -v -1":              "downgrade -v -- -1",
		"downgrade -- -1":              "downgrade -- -1",
	} {
		if got := strings.Join(targetsLast(root, strings.Fields(args)), " "); got != want {
			t.Errorf("%s: got %s, want %s", args, got, want)
		}
	}
}

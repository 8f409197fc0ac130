package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFolderIsUpgraded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	add := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(code int, want ...string) {
		t.Helper()
		report, err := upgrade(t.Context(), dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		show(&out, report)
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != len(want) {
			t.Fatalf("it says %q, want %q", lines, want)
		}
		for i := range want {
			if !strings.HasPrefix(lines[i], want[i]) {
				t.Errorf("line %d is %q, want %q", i+1, lines[i], want[i])
			}
		}
		if got := exit(report); got != code {
			t.Errorf("the exit code is %d, want %d", got, code)
		}
	}
	add("acme.db", "") // an empty file is an empty database
	add("globex.db", "")
	run(0, "finished: 2 upgraded, 0 unchanged, 0 failed, 0 left")
	add("hooli.db", strings.Repeat("no database. ", 100))
	add("initech.db", "")
	run(2, "finished: 1 upgraded, 2 unchanged, 1 failed, 0 left", "hooli: ")
}

func TestEmptyFolderIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := upgrade(t.Context(), t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "matches no file") {
		t.Errorf("the error is %v", err)
	}
}

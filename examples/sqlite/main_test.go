package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func add(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFolderIsUpgraded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(want string) error {
		t.Helper()
		var out strings.Builder
		err := upgrade(t.Context(), &out, dir)
		if out.String() != want {
			t.Errorf("it prints %q, want %q", out.String(), want)
		}
		return err
	}
	add(t, filepath.Join(dir, "acme.db"), "") // an empty file is an empty database
	add(t, filepath.Join(dir, "globex.db"), "")
	if err := run("acme.db: 2 applied\nglobex.db: 2 applied\n"); err != nil {
		t.Error(err)
	}
	add(t, filepath.Join(dir, "bad.db"), strings.Repeat("no database. ", 100))
	add(t, filepath.Join(dir, "initech.db"), "")
	err := run("acme.db: 0 applied\nbad.db: 0 applied\nglobex.db: 0 applied\ninitech.db: 2 applied\n")
	if err == nil || !strings.HasPrefix(err.Error(), "bad.db: ") {
		t.Errorf("the error is %v, want one of bad.db", err)
	}
}

func TestOneFileIsUpgraded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := add(t, filepath.Join(dir, "acme.db"), "")
	add(t, filepath.Join(dir, "globex.db"), "")
	var out strings.Builder
	if err := upgrade(t.Context(), &out, file); err != nil || out.String() != "acme.db: 2 applied\n" {
		t.Errorf("it prints %q, want 2 revisions applied to acme.db alone: %v", out.String(), err)
	}
}

func TestMissingFileIsAnError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "acme.db")
	if err := upgrade(t.Context(), &strings.Builder{}, file); err == nil {
		t.Error("a file that is not there is upgraded, want an error")
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the file was created, or cannot be looked for: %v", err)
	}
}

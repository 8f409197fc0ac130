package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skeindb/skein/orchestrator/plan"
)

func TestAPlanThatCannotBeWrittenNamesTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "taken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"":               "it is a folder",
		"none/plan.json": "folder " + filepath.Join(dir, "none") + " does not exist",
		"taken/p.json":   "not a directory",
	} {
		file := filepath.Join(dir, name)
		err := savePlan(file, &plan.Plan{})
		if err == nil || !strings.Contains(err.Error(), "cannot write the plan to "+file+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}

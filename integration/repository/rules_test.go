package repository_test

import (
	"go/ast"
	"os"
	"slices"
	"strings"
	"testing"
)

// topLevel are the folders that may stand at the root: those of the design, and those of tools, which are not in
// the repository.
var topLevel = map[string]bool{
	"cmd": true, "config": true, "orchestrator": true, "tenant": true, "engine": true, "integration": true,
	"docs": true, "examples": true, ".ci": true,
	".git": true, ".idea": true, ".vscode": true, "bin": true, "dist": true,
}

// vague are names for packages that hold what found no better place.
var vague = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base", "lib"}

const longest = 400 // lines of a file, tests apart: past that something wants to leave

func TestPackagesAreNamedByWhatTheyKnow(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, element := range append(strings.Split(p.ImportPath, "/"), p.Name) {
			if slices.Contains(vague, element) {
				t.Errorf("%s: %q says nothing", p.ImportPath, element)
			}
		}
	}
}

func TestNoFolderBeyondTheDesign(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !topLevel[e.Name()] {
			t.Errorf("%s: a folder that the design does not know (ARCHITECTURE.md)", e.Name())
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	for path := range sources(t) {
		if n := lines(t, path); n > longest && !strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s has %d lines, more than %d", path, n, longest)
		}
	}
}

func TestNothingRegistersItselfInInit(t *testing.T) {
	t.Parallel()
	for path, file := range sources(t) {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" && !strings.HasSuffix(path, "_test.go") {
				t.Errorf("%s has an init function", path)
			}
		}
	}
}

// A skip without a reason hides that something was not tested. Database tests never skip: pgtest fails instead.
func TestSkipsSayWhy(t *testing.T) {
	t.Parallel()
	for path, file := range sources(t) {
		if !strings.HasSuffix(path, "_test.go") {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && len(call.Args) == 0 && (f.Sel.Name == "Skip" || f.Sel.Name == "SkipNow") {
				if on, ok := f.X.(*ast.Ident); ok && (on.Name == "t" || on.Name == "b" || on.Name == "tb") {
					t.Errorf("%s: a skip that does not say why", path)
				}
			}
			return true
		})
	}
}

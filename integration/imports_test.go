package integration_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	root   = ".." // of the repository, seen from this package
	module = "github.com/skeindb/skein"
)

// order is the order of the folders: a package imports only from its own folder and from those to its right.
var order = []string{"cmd", "config", "orchestrator", "tenant", "engine"}

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

type listed struct {
	ImportPath, Name                   string
	Imports, TestImports, XTestImports []string
}

func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		from := folder(p.ImportPath)
		for _, path := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if !strings.HasPrefix(path, module+"/") {
				continue
			}
			if p.ImportPath == module+"/engine/revision" && path != p.ImportPath && path != module+"/engine/text" {
				t.Errorf("%s imports %s: engine/revision imports nothing of ours but engine/text", p.ImportPath, path)
			}
			if why := forbidden(from, folder(path)); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, path, why)
			}
		}
	}
}

// forbidden says why a package in one folder may not import one in another; "" if it may.
func forbidden(from, to string) string {
	if from == to || from == "integration" {
		return ""
	}
	right := slices.Index(order, to)
	switch left := slices.Index(order, from); {
	case right < 0:
		return "nothing imports " + to
	case from == "examples" && right > slices.Index(order, "config"):
		return ""
	case left < 0 || left > right:
		return "imports go to the right only: " + strings.Join(order, " → ")
	}
	return ""
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		from, to string
		want     bool
	}{
		{"cmd", "engine", false}, {"tenant", "engine", false}, {"engine", "engine", false}, {"integration", "cmd", false},
		{"examples", "orchestrator", false}, {"examples", "config", true}, {"engine", "tenant", true}, {"orchestrator", "config", true},
		{"engine", "integration", true}, {"cmd", "examples", true},
	} {
		if got := forbidden(test.from, test.to) != ""; got != test.want {
			t.Errorf("forbidden(%s, %s) = %v, want %v", test.from, test.to, got, test.want)
		}
	}
}

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

func folder(importPath string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/"), "/")
	return strings.TrimSuffix(first, "_test")
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Name,Imports,TestImports,XTestImports", "./...")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < len(order) {
		t.Fatalf("go list knows only %d packages", len(all))
	}
	return all
}

// sources parses every Go file of the repository, apart from testdata and generated ones.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err == nil && !ast.IsGenerated(file) {
			files[path] = file
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func lines(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for scan := bufio.NewScanner(f); scan.Scan(); {
		n++
	}
	return n
}

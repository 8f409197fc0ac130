package repository_test

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
	"strings"
	"testing"
)

const (
	root   = "../.." // of the repository, seen from this package
	module = "github.com/skeindb/skein"
)

type listed struct {
	ImportPath, Dir, Name              string
	Imports, TestImports, XTestImports []string
}

func folder(importPath string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/"), "/")
	return strings.TrimSuffix(first, "_test")
}

// short is an import path within the module, such as "engine/revision"; paths of other modules stay as they are.
func short(importPath string) string { return strings.TrimPrefix(importPath, module+"/") }

func packages(t *testing.T) []listed {
	t.Helper()
	out := goList(t, "-e", "-json=ImportPath,Dir,Name,Imports,TestImports,XTestImports", "./...")
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(out)); ; {
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

func goList(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return string(out)
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

// topFolder is the first folder of the path of a source file.
func topFolder(path string) string {
	relative := strings.TrimPrefix(filepath.ToSlash(path), root+"/")
	first, _, _ := strings.Cut(relative, "/")
	return first
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

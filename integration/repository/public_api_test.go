package repository_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const apiFolder = "../testdata/api" // a file a package, a line a declaration, sorted

var update = flag.Bool("update", false, "write the public API to "+apiFolder)

// The API is compared as text: a change of it has to be meant, and is seen in review.
func TestPublicAPIIsTheRecordedOne(t *testing.T) {
	t.Parallel()
	got := publicAPI(t)
	if *update {
		writeAPI(t, got)
	}
	want := recordedAPI(t)
	for name, lines := range got {
		if diff := lineDiff(want[name], lines); diff != "" {
			t.Errorf("the API of %s is not that of %s/%s.txt (-recorded +now; -update records it):\n%s", name, apiFolder, apiFile(name), diff)
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			t.Errorf("%s/%s.txt: there is no such package any more (-update removes the file)", apiFolder, apiFile(name))
		}
	}
}

// lineDiff lists the lines that only one of two texts has, those of the first with a minus.
func lineDiff(old, now string) string {
	var diff strings.Builder
	was, is := strings.Split(old, "\n"), strings.Split(now, "\n")
	for _, line := range was {
		if !slices.Contains(is, line) {
			diff.WriteString("- " + line + "\n")
		}
	}
	for _, line := range is {
		if !slices.Contains(was, line) {
			diff.WriteString("+ " + line + "\n")
		}
	}
	return diff.String()
}

// apiFile is the name of a package's file: its import path in the module with dots.
func apiFile(pkg string) string { return strings.ReplaceAll(pkg, "/", ".") }

func writeAPI(t *testing.T, api map[string]string) {
	t.Helper()
	if err := os.RemoveAll(apiFolder); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(apiFolder, 0o750); err != nil {
		t.Fatal(err)
	}
	for name, lines := range api {
		if err := os.WriteFile(filepath.Join(apiFolder, apiFile(name)+".txt"), []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func recordedAPI(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(apiFolder + "/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]string{}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		recorded[strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".txt"), ".", "/")] = string(text)
	}
	return recorded
}

// publicAPI are the exported declarations of each package that others may import, by its path in the module.
func publicAPI(t *testing.T) map[string]string {
	t.Helper()
	lines := map[string][]string{}
	for path, file := range sources(t) {
		pkg := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), root+"/")
		where := topFolder(path)
		if strings.HasSuffix(path, "_test.go") || slices.Contains(strings.Split(pkg, "/"), "internal") || !slices.Contains(order, where) || where == "cmd" {
			continue
		}
		lines[pkg] = append(lines[pkg], exportedLines(file)...)
	}
	api := map[string]string{}
	for pkg, all := range lines {
		slices.Sort(all)
		api[pkg] = strings.Join(slices.Compact(all), "\n") + "\n"
	}
	return api
}

func exportedLines(file *ast.File) []string {
	var lines []string
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if _, exported := funcName(d); exported {
				lines = append(lines, funcLine(d))
			}
		case *ast.GenDecl:
			lines = append(lines, groupLines(d)...)
		}
	}
	return lines
}

func funcLine(f *ast.FuncDecl) string {
	signature := strings.TrimPrefix(source(f.Type), "func")
	if f.Recv == nil {
		return "func " + f.Name.Name + signature
	}
	return "method (" + source(f.Recv.List[0].Type) + ") " + f.Name.Name + signature
}

// groupLines are those of a declaration of types, constants or variables. Of a constant the type and the value count; one
// that repeats the expression above it has both from there.
func groupLines(d *ast.GenDecl) []string {
	var lines []string
	var above ast.ValueSpec
	for i, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() {
				lines = append(lines, typeLines(s)...)
			}
		case *ast.ValueSpec:
			if len(s.Values) > 0 || s.Type != nil {
				above = *s
			}
			for k, name := range s.Names {
				if !name.IsExported() {
					continue
				}
				line := d.Tok.String() + " " + name.Name
				if above.Type != nil {
					line += " " + source(above.Type)
				}
				if d.Tok == token.CONST && k < len(above.Values) {
					line += " = " + iota.ReplaceAllString(source(above.Values[k]), fmt.Sprint(i))
				}
				lines = append(lines, line)
			}
		}
	}
	return lines
}

var iota = regexp.MustCompile(`\biota\b`)

func typeLines(s *ast.TypeSpec) []string {
	head := "type " + s.Name.Name
	if s.TypeParams != nil {
		head += source(&ast.FuncType{Params: s.TypeParams})
	}
	if s.Assign != token.NoPos {
		return []string{head + " = " + source(s.Type)}
	}
	switch of := s.Type.(type) {
	case *ast.StructType:
		return append([]string{head + " struct"}, memberLines(head+" struct, ", of.Fields)...)
	case *ast.InterfaceType:
		return append([]string{head + " interface"}, memberLines(head+" interface, ", of.Methods)...)
	}
	return []string{head + " " + source(s.Type)}
}

// memberLines are the exported fields of a struct, or the methods of an interface; one that is not exported
// stands as such, because no other package can then implement the interface.
func memberLines(head string, members *ast.FieldList) []string {
	var lines []string
	for _, m := range members.List {
		if len(m.Names) == 0 {
			lines = append(lines, head+source(m.Type))
		}
		for _, name := range m.Names {
			f, method := m.Type.(*ast.FuncType)
			switch method = method && strings.HasSuffix(head, " interface, "); {
			case method && name.IsExported():
				lines = append(lines, head+name.Name+strings.TrimPrefix(source(f), "func"))
			case method:
				lines = append(lines, head+"unexported methods")
			case name.IsExported():
				lines = append(lines, head+name.Name+" "+source(m.Type))
			}
		}
	}
	return lines
}

// source is a node as Go writes it, in one line and without comments.
func source(node ast.Node) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, token.NewFileSet(), node); err != nil {
		panic(err) // it was parsed
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

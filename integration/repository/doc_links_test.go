package repository_test

import (
	"go/ast"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// docLink is a name in brackets: [Name], [Type.Method], [package.Name] or [*package.Name].
var docLink = regexp.MustCompile(`(?:^|[\s(,])\[\*?([A-Za-z]\w*(?:\.\w+){0,2})\](?:[\s.,;:)']|$)`)

// A link to a name that was renamed or moved is no link any more.
func TestDocLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	declared := map[string]map[string]bool{} // by folder, and by the name of the package
	files := sources(t)
	for path, file := range files {
		names := declaredNames(file)
		for _, key := range []string{filepath.Dir(path), file.Name.Name} {
			if declared[key] == nil {
				declared[key] = map[string]bool{}
			}
			for _, name := range names {
				declared[key][name] = true
			}
		}
	}
	links := 0
	for path, file := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		imported := map[string]bool{}
		for _, spec := range file.Imports {
			if p := strings.Trim(spec.Path.Value, `"`); !strings.HasPrefix(p, module) {
				imported[filepath.Base(p)] = true
			}
		}
		for _, group := range file.Comments {
			for _, found := range docLink.FindAllStringSubmatch(group.Text(), -1) {
				name := found[1]
				from, rest, qualified := strings.Cut(name, ".")
				switch {
				case !strings.ContainsFunc(name, unicode.IsUpper), !strings.ContainsFunc(name, unicode.IsLower): // [id], [UNIQUE]: a syntax
				case declared[filepath.Dir(path)][name], qualified && (declared[from][rest] || imported[from]):
					links++
				default:
					t.Errorf("%s: [%s] names nothing that is declared", path, name)
				}
			}
		}
	}
	if links < 100 {
		t.Errorf("%d links were found; is the pattern wrong?", links)
	}
}

// declaredNames are the names of a file at the top, and of the methods and fields of its types as Type.Name.
func declaredNames(file *ast.File) []string {
	var names []string
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				name = receiver(d.Recv.List[0].Type) + "." + name
			}
			names = append(names, name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.ValueSpec:
					for _, n := range spec.Names {
						names = append(names, n.Name)
					}
				case *ast.TypeSpec:
					names = append(names, spec.Name.Name)
					for _, m := range members(spec.Type) {
						names = append(names, spec.Name.Name+"."+m)
					}
				}
			}
		}
	}
	return names
}

func receiver(of ast.Expr) string {
	switch of := of.(type) {
	case *ast.StarExpr:
		return receiver(of.X)
	case *ast.IndexExpr:
		return receiver(of.X)
	case *ast.Ident:
		return of.Name
	}
	return ""
}

func members(of ast.Expr) []string {
	var fields *ast.FieldList
	switch of := of.(type) {
	case *ast.StructType:
		fields = of.Fields
	case *ast.InterfaceType:
		fields = of.Methods
	default:
		return nil
	}
	var names []string
	for _, f := range fields.List {
		for _, n := range f.Names {
			names = append(names, n.Name)
		}
	}
	return names
}

package repository_test

import (
	"go/ast"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// A group of constants or variables may share the comment above it. Error and Unwrap are explained by package errors.
func TestExportedIdentifiersHaveDocComments(t *testing.T) {
	t.Parallel()
	for path, file := range sources(t) {
		if where := topFolder(path); strings.HasSuffix(path, "_test.go") || where == "integration" || where == "examples" || file.Name.Name == "main" {
			continue
		}
		for _, name := range undocumented(file) {
			t.Errorf("%s: %s has no doc comment", path, name)
		}
	}
}

func TestPackagesHaveDocComments(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for path, file := range sources(t) {
		if !strings.HasSuffix(path, "_test.go") {
			dir := filepath.Dir(path)
			documented[dir] = documented[dir] || file.Doc != nil
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: the package has no doc comment", strings.TrimPrefix(filepath.ToSlash(dir), root+"/"))
		}
	}
}

// undocumented are the exported declarations of a file that no comment explains.
func undocumented(file *ast.File) []string {
	var names []string
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if name, exported := funcName(d); exported && d.Doc == nil && (d.Recv == nil || d.Name.Name != "Error" && d.Name.Name != "Unwrap") {
				names = append(names, name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				names = append(names, undocumentedSpec(d, spec)...)
			}
		}
	}
	return names
}

// funcName is T.Method or Function, and whether it can be called from another package.
func funcName(f *ast.FuncDecl) (name string, exported bool) {
	if f.Recv == nil {
		return f.Name.Name, f.Name.IsExported()
	}
	receiver := f.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	if generic, ok := receiver.(*ast.IndexExpr); ok {
		receiver = generic.X
	}
	on, ok := receiver.(*ast.Ident)
	return on.Name + "." + f.Name.Name, ok && on.IsExported() && f.Name.IsExported()
}

func undocumentedSpec(group *ast.GenDecl, spec ast.Spec) []string {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil && s.Comment == nil && (group.Doc == nil || group.Lparen != token.NoPos) {
			return []string{s.Name.Name}
		}
	case *ast.ValueSpec:
		if s.Doc != nil || s.Comment != nil || group.Doc != nil {
			return nil
		}
		for _, name := range s.Names {
			if name.IsExported() {
				return []string{name.Name}
			}
		}
	}
	return nil
}

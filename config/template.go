package config

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed template
var templates embed.FS // read only

// TemplateNames returns the names that Template knows, the usual one first: a schema a tenant, a database
// a tenant, a SQLite file a tenant, several servers.
func TemplateNames() []string { return []string{"schema", "database", "sqlite", "multi"} }

// Template returns the files of a new project: path, with slashes, to content. The one for sqlite has two
// empty databases, so that it works as it is; the others need the variables which their config names.
func Template(name string) (map[string]string, error) {
	if !slices.Contains(TemplateNames(), name) {
		return nil, &Error{
			Kind: KindValue, Message: fmt.Sprintf("there is no template %s", quote(name)),
			Advice: didYouMean(name, TemplateNames(), "the templates are "+strings.Join(TemplateNames(), ", ")),
		}
	}
	dialect := "postgres"
	if name == "sqlite" {
		dialect = "sqlite  "
	}
	top := strings.Replace(part("top.yaml"), "# dialect: DIALECT", "# dialect: "+dialect+"             # of the revisions; default: that of the sources", 1)
	files := map[string]string{
		"skein.yaml":           top + part(name+".yaml") + part("bottom.yaml"),
		"migrations/README.md": part("README.md"),
		"schema.sql":           part("schema.sql"),
	}
	if name == "sqlite" {
		files["data/acme.db"], files["data/globex.db"] = "", "" // an empty file is an empty database
	}
	return files, nil
}

// part reads an embedded file; the tests load every template, so none is missing.
func part(name string) string {
	text, _ := templates.ReadFile("template/" + name)
	return string(text)
}

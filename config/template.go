package config

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed template
var templates embed.FS // read only

// TemplateNames returns the names of the templates, the usual one first: a schema, a database or a SQLite file for each
// tenant, and several servers.
func TemplateNames() []string { return []string{"schema", "database", "sqlite", "multi"} }

// Template returns the files of a new project: slash-separated path to content. The template sqlite has two empty databases
// and works unchanged; the others need the environment variables in their config.
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
	top := strings.Replace(part("top.yaml"), "# dialect: DIALECT", "# dialect: "+dialect+"             # dialect of the revisions; default: that of the sources", 1)
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

// part returns an embedded file. The tests load every template, so none is missing.
func part(name string) string {
	text, _ := templates.ReadFile("template/" + name)
	return string(text)
}

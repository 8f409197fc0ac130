package postgres

import (
	"regexp"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine/revision"
)

// Some objects are named with a schema in ways that [revision.Identifiers] does not list: operators, the new name or schema of
// a qualified object, and objects that the server creates along with a type.

const (
	schemaPattern   = `([\pL_][\pL\pN_$]*|"(?:[^"]|"")+")`
	operatorPattern = "[-+*/<>=~!@#%^&|`?]+"
)

var (
	operatorForm          = regexp.MustCompile(operatorPattern)
	qualifiedOperatorForm = regexp.MustCompile(schemaPattern + `\s*\.\s*(` + operatorPattern + `)`)
	operatorWord          = regexp.MustCompile(`(?i)\bOPERATOR\b`)
	renamedForm           = regexp.MustCompile(`(?is)\bRENAME\s+TO\s+` + schemaPattern + `\s*$`)
	movedForm             = regexp.MustCompile(`(?is)\bSET\s+SCHEMA\s+` + schemaPattern + `\s*$`)
	rangeForm             = regexp.MustCompile(`(?is)^\s*AS\s+RANGE\b`)
)

// meantNames returns these objects in the statements of a section, as globs over schema.name, without operators that also
// occur without a schema.
func meantNames(statements []revision.Statement) []string {
	var meant []string
	var bare []string
	for _, statement := range statements {
		if operatorWord.MatchString(statement.Text) {
			for _, m := range qualifiedOperatorForm.FindAllStringSubmatch(statement.Text, -1) {
				if schema, ok := bareName(m[1]); ok && m[2] != "*" {
					meant = append(meant, schema+"."+operatorGlob(m[2]))
				}
			}
		}
		for _, at := range operatorForm.FindAllStringIndex(statement.Text, -1) {
			if !strings.HasSuffix(strings.TrimRight(statement.Text[:at[0]], " \t\r\n"), ".") {
				bare = append(bare, operatorGlob(statement.Text[at[0]:at[1]]))
			}
		}
		meant = append(meant, meantAfter(statement.Text)...)
	}
	return slices.DeleteFunc(meant, func(glob string) bool {
		_, name, _ := strings.Cut(glob, ".")
		return isOperator(name) && slices.Contains(bare, name)
	})
}

// operatorGlob turns the name of an operator into a glob, in which a star has another meaning.
func operatorGlob(name string) string { return strings.ReplaceAll(name, "*", "?") }

// meantAfter returns the name that a qualified object gets by ALTER … RENAME TO or SET SCHEMA, or that of the multirange type
// of a qualified range type.
func meantAfter(text string) []string {
	t := &tokens{text: text}
	verb := t.word()
	if verb != "ALTER" && verb != "CREATE" {
		return nil
	}
	schema, name := "", ""
	for schema == "" {
		written := t.name()
		if written == "" {
			return nil
		}
		schema, name = splitName(written)
	}
	if verb == "CREATE" {
		if rangeForm.MatchString(t.text) {
			return []string{schema + "." + multirange(name)}
		}
		return nil
	}
	if m := renamedForm.FindStringSubmatch(t.text); m != nil {
		if to, ok := bareName(m[1]); ok {
			return []string{schema + "." + to}
		}
	}
	if m := movedForm.FindStringSubmatch(t.text); m != nil {
		if to, ok := bareName(m[1]); ok {
			return []string{to + "." + name}
		}
	}
	return nil
}

// splitName reads schema.name; an empty schema for any other text.
func splitName(written string) (schema, name string) {
	m := qualifiedForm.FindStringSubmatch(written)
	if m == nil {
		return "", ""
	}
	schema, first := bareName(m[1])
	name, second := bareName(m[2])
	if !first || !second {
		return "", ""
	}
	return schema, name
}

var qualifiedForm = regexp.MustCompile(`^` + schemaPattern + `\.` + schemaPattern + `$`)

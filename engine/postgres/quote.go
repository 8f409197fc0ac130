package postgres

import "strings"

// ident quotes a name. Names are always quoted: an unquoted one is folded to lower case, and a schema that is then not found
// is silently left out of the search path.
func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// plain quotes a name only where needed, for messages. Key words stay unquoted.
func plain(name string) string {
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || name[0] <= '9' {
		return ident(name)
	}
	return name
}

// qualified quotes schema.name.
func qualified(schema, name string) string { return ident(schema) + "." + ident(name) }

// literal quotes a text so that it means the same with standard_conforming_strings on and off.
func literal(text string) string {
	quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.Contains(text, `\`) {
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// optional is literal, but NULL for "".
func optional(text string) string {
	if text == "" {
		return "NULL"
	}
	return literal(text)
}

// array is the literal of a text[].
func array(values []string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(arrayEscapes.Replace(v))
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return literal(b.String())
}

var arrayEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// like turns a glob into a LIKE pattern: * is any text, ? one character, all else itself.
func like(glob string) string { return likeEscapes.Replace(glob) }

var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`, `?`, `_`)

// likes is the text[] literal of the patterns of globs.
func likes(globs []string) string {
	patterns := make([]string, len(globs))
	for i, g := range globs {
		patterns[i] = like(g)
	}
	return array(patterns)
}

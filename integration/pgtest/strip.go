package pgtest

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// stripper takes the schema's own qualification out of deparsed text: "tenant.orders" becomes "orders". Only a
// whole identifier in front of a point and one of the schema's own objects counts, so neither "subtenant.orders"
// is touched nor, where a table is named as its schema, the "orders.id" of a view.
type stripper struct {
	prefixes []string
	literals []string // the schema's name in the lists of SET search_path
	objects  map[string]bool
}

func newStripper(schema string, objects map[string]bool) *stripper {
	quoted := Quote(schema)
	spellings := []string{quoted}
	if plainIdentifier.MatchString(schema) {
		spellings = append(spellings, schema) // a keyword is quoted by the server, all else is not
	}
	s := &stripper{objects: objects}
	for _, spelling := range spellings {
		inLiteral := strings.ReplaceAll(spelling, "'", "''")
		inEscaped := strings.ReplaceAll(inLiteral, `\`, `\\`)
		for _, form := range []string{spelling, inLiteral, inEscaped} {
			s.prefixes = appendNew(s.prefixes, form+".")
		}
		s.literals = appendNew(s.literals, spelling)
	}
	literal := strings.ReplaceAll(schema, "'", "''")
	s.literals = appendNew(s.literals, "'"+literal+"'")
	s.literals = appendNew(s.literals, "E'"+strings.ReplaceAll(literal, `\`, `\\`)+"'")
	return s
}

var plainIdentifier = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func (s *stripper) line(text string) string {
	for _, prefix := range s.prefixes {
		text = s.cut(text, prefix)
	}
	if !strings.HasPrefix(text, "func|") {
		return text
	}
	lines := strings.Split(text, "\n")
	for k, line := range lines {
		if list, ok := strings.CutPrefix(line, " SET search_path TO "); ok {
			lines[k] = " SET search_path TO " + s.searchPath(list)
		}
	}
	return strings.Join(lines, "\n")
}

func (s *stripper) cut(text, prefix string) string {
	at := strings.Index(text, prefix)
	if at < 0 {
		return text
	}
	var out strings.Builder
	for ; at >= 0; at = strings.Index(text, prefix) {
		before, after := text[:at], text[at+len(prefix):]
		out.WriteString(before)
		if r, _ := utf8.DecodeLastRuneInString(before); !inIdentifier(r, before) && s.startsWithObject(after) {
			text = after
			continue
		}
		out.WriteString(prefix)
		text = after
	}
	return out.String() + text
}

// inIdentifier says whether r, the last rune before the prefix, makes the prefix the tail of another name.
func inIdentifier(r rune, before string) bool {
	return before != "" && (r == '"' || r == '.' || r == '_' || r == '$' || r >= utf8.RuneSelf || unicode.IsLetter(r) || unicode.IsDigit(r))
}

func (s *stripper) startsWithObject(text string) bool {
	if strings.HasPrefix(text, `"`) {
		end := 1
		for end < len(text) {
			if text[end] != '"' {
				end++
				continue
			}
			if end+1 < len(text) && text[end+1] == '"' {
				end += 2
				continue
			}
			break
		}
		name := strings.ReplaceAll(text[1:end], `""`, `"`)
		return s.objects[name] || s.objects[strings.ReplaceAll(strings.ReplaceAll(name, "''", "'"), `\\`, `\`)]
	}
	end := strings.IndexFunc(text, func(r rune) bool {
		return r != '_' && r != '$' && r < utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	if end < 0 {
		end = len(text)
	}
	if end == 0 { // an operator: OPERATOR(tenant.+)
		end = strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune("+-*/<>=~!@#%^&|`?", r) })
		return end > 0 && s.objects[text[:end]]
	}
	return s.objects[text[:end]]
}

func (s *stripper) searchPath(list string) string {
	parts := strings.Split(list, ", ")
	for k, part := range parts {
		for _, literal := range s.literals {
			if part == literal {
				parts[k] = "<own schema>"
			}
		}
	}
	return strings.Join(parts, ", ")
}

package revision

import "regexp"

// actionForm is an action of a template that prints a value.
var actionForm = regexp.MustCompile(`\{\{-?\s*(?:(?:ident|literal|raw)\b|\.Tenant\b|\.X\b)[^}]*\}\}`)

// unrendered finds the actions in a section that is no template: their text would get into the tenants' data.
func unrendered(s *Section) []Finding {
	if s.Options.Template {
		return nil
	}
	var found []Finding
	for _, st := range s.Statements {
		at := cursor{text: st.Text, line: st.Line}
		for _, m := range actionForm.FindAllStringIndex(st.Text, -1) {
			line, col := at.position(m[0])
			if line == st.Line {
				col += st.Col - 1
			}
			found = append(found, Finding{
				Rule: RuleTemplateOption, Error: true, Line: line, Col: col,
				Message: st.Text[m[0]:m[1]] + " stands in a section that is no template: the text itself would be stored",
				Advice:  "mark the section as a template, such as `-- upgrade: template`",
			})
		}
	}
	return found
}

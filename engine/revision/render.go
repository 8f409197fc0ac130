package revision

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"unicode/utf8"
)

// Render returns the section's statements for one tenant. A section without the template option has the same
// ones for all, and data is not looked at; else its body is executed as a text/template with data, in which a
// missing key is an error, and then split and checked like any other body.
//
// A template has, beside Go's own functions, `ident` and `literal`, which quote a name and a string:
// {{ ident .Tenant.Schema }}. Values stand in the SQL as they are without them.
//
// Lines and columns of statements and of errors are those of the file. Render is safe for concurrent use.
func (s *Section) Render(data any) ([]Statement, error) {
	if !s.Options.Template {
		return s.Statements, nil
	}
	t, err := s.template()
	if err != nil {
		return nil, err
	}
	out := newSourceMap(t)
	if err := t.Execute(out, data); err != nil {
		return nil, s.templateError(err)
	}
	text := out.text.String()
	if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return nil, &FileError{Kind: KindSyntax, File: s.File, Line: s.Line, Message: "a value of the template is no UTF-8 text"}
	}
	return s.split(text, out)
}

func (s *Section) split(text string, out *sourceMap) ([]Statement, error) {
	source := cursor{text: s.body(), line: s.Line + 1}
	split := newSplitter(text, s.Dialect)
	var (
		statements []Statement
		errs       []*FileError
	)
	object := func(f *fault, at int) {
		f.at = out.source(at)
		errs = append(errs, source.mistake(s.File, f))
	}
	check := newChecker(s.Options, s.direction(), s.Dialect)
	for {
		piece, ok := split.next()
		if !ok {
			break
		}
		st := Statement{Text: text[piece.start:piece.end]}
		st.Line, st.Col = source.position(out.source(piece.start))
		statements = append(statements, st)
		if f := check.statement(st.Text, piece.start); f != nil && len(errs) < maxErrors {
			object(f, f.at)
		}
	}
	if f := check.end(); f != nil && split.fault == nil {
		object(f, f.at)
	}
	if split.fault != nil {
		object(split.fault, split.fault.at)
	}
	if len(errs) > 0 {
		return nil, join(errs)
	}
	return statements, nil
}

// body is what follows the marker's line.
func (s *Section) body() string {
	_, body, _ := strings.Cut(s.Raw, "\n")
	return body
}

func (s *Section) direction() Direction {
	if strings.HasPrefix(s.Raw, "-- downgrade") {
		return Down
	}
	return Up
}

func (s *Section) template() (*template.Template, error) {
	t := template.New(templateName).Option("missingkey=error").Funcs(template.FuncMap{"ident": ident, "literal": literal})
	if _, err := t.Parse(s.body()); err != nil {
		return nil, s.templateError(err)
	}
	return t, nil
}

// checkTemplate tells at load what can be told without data.
func (p *parser) checkTemplate(s *Section) {
	if _, err := s.template(); err != nil {
		if fe, ok := errors.AsType[*FileError](err); ok && !p.full() {
			p.errs = append(p.errs, fe)
		}
	}
}

func ident(name string) string   { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
func literal(text string) string { return `'` + strings.ReplaceAll(text, `'`, `''`) + `'` }

const templateName = "body"

// templateErrorForm is how text/template words its errors: the line is 1-based, the column 0-based.
var templateErrorForm = regexp.MustCompile(`(?s)^template: ` + templateName + `:(\d+):(?:(\d+):)? (.*)$`)

func (s *Section) templateError(err error) *FileError {
	fe := &FileError{Kind: KindSyntax, File: s.File, Line: s.Line, Message: err.Error()}
	if m := templateErrorForm.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1])
		fe.Line, fe.Message = s.Line+line, strings.TrimPrefix(m[3], `executing "`+templateName+`" at `)
		if m[2] != "" {
			col, _ := strconv.Atoi(m[2])
			fe.Col = col + 1
		}
	}
	// What never ends is reported at the end of the text; show where it began, as everywhere.
	if what, line, found := strings.Cut(fe.Message, " started at "+templateName+":"); found {
		began, _ := strconv.Atoi(line)
		fe.Line, fe.Message = s.Line+began, what
	}
	fe.Message = "template: " + fe.Message
	if strings.Contains(fe.Message, "no entry for key") {
		fe.Advice = "give the tenant that label, or -x that key"
	}
	return fe
}

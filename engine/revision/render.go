package revision

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"text/template"
	"unicode/utf8"
)

// Render returns the section's statements for one tenant. Without the template option they are the same for all tenants,
// and data is ignored. With it, the body is executed as a text/template with data, in which a missing key is an error, and
// then split and checked like any other body.
//
// A template prints values by the functions `ident` and `literal`, which quote a name and a string, and `raw`, which
// prints SQL as it is: {{ ident .Tenant.Schema }}. A value that is printed without them is an error of Parse.
//
// Lines and columns of statements and of errors are those of the file. Render is safe for concurrent use; for many
// tenants use [Renderings].
func (s *Section) Render(data any) ([]Statement, error) { return new(Renderings).Render(s, data) }

// Renderings renders sections for many tenants; tenants for which a template gives the same text share one copy of it. The
// zero value is ready to use, and it is safe for concurrent use.
type Renderings struct{ sections sync.Map } // *Section → *renderings

// renderings are those of one template.
type renderings struct {
	parse sync.Once
	t     *template.Template
	nodes map[*byte]int
	err   error
	last  atomic.Pointer[rendering]
}

type rendering struct {
	text       string
	statements []Statement
}

// Render does what [Section.Render] does.
func (r *Renderings) Render(s *Section, data any) ([]Statement, error) {
	if !s.Options.Template {
		return s.Statements, nil
	}
	known, _ := r.sections.LoadOrStore(s, &renderings{})
	return known.(*renderings).render(s, data)
}

func (r *renderings) render(s *Section, data any) ([]Statement, error) {
	r.parse.Do(func() {
		if r.t, r.err = s.template(); r.err == nil {
			r.nodes = textNodes(r.t)
		}
	})
	if r.err != nil {
		return nil, r.err
	}
	out := &sourceMap{nodes: r.nodes}
	last := r.last.Load()
	if last != nil {
		out.like = last.text
	}
	if err := r.t.Execute(out, data); err != nil {
		return nil, s.templateError(err)
	}
	text, known := out.output()
	if known {
		return last.statements, nil
	}
	if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return nil, &FileError{Kind: KindSyntax, File: s.File, Line: s.Line, Message: "a value of the template is no UTF-8 text"}
	}
	statements, err := s.split(text, out)
	if err == nil && len(statements) > 0 {
		r.last.Store(&rendering{text, statements})
	}
	return statements, err
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
	var (
		texts  []string
		starts []int
		faults []*fault
	)
	for {
		piece, ok := split.next()
		if !ok {
			break
		}
		st := Statement{Text: text[piece.start:piece.end]}
		st.Line, st.Col = source.position(out.source(piece.start))
		statements = append(statements, st)
		texts, starts = append(texts, st.Text), append(starts, piece.start)
	}
	check := newChecker(s.Options, s.direction(), s.Dialect, texts)
	for i, text := range texts {
		if f := check.statement(text, starts[i]); f != nil && len(faults) < maxErrors {
			faults = append(faults, f)
		}
	}
	if f := check.end(); f != nil && split.fault == nil {
		faults = append(faults, f)
	}
	for _, f := range faults {
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

// template parses the body; the error joins a [*FileError] for each action that prints a value unquoted.
func (s *Section) template() (*template.Template, error) {
	t := template.New(templateName).Option("missingkey=error").Funcs(quoting(s.Dialect))
	body := s.body()
	if _, err := t.Parse(body); err != nil {
		return nil, s.templateError(err)
	}
	faults := quoted(t, body, s.Dialect)
	slices.SortFunc(faults, func(a, b *fault) int { return a.at - b.at })
	at := cursor{text: body, line: s.Line + 1}
	var errs []*FileError
	for _, f := range faults {
		errs = append(errs, at.mistake(s.File, f))
	}
	if len(errs) > 0 {
		return nil, join(errs)
	}
	return t, nil
}

// checkTemplate reports at load time what is wrong whatever the data is.
func (p *parser) checkTemplate(s *Section) {
	_, err := s.template()
	if err == nil {
		return
	}
	found := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		found = joined.Unwrap()
	}
	for _, err := range found {
		if fe, ok := errors.AsType[*FileError](err); ok && !p.full() {
			p.errs = append(p.errs, fe)
		}
	}
}

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

package revision

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxErrors is how many mistakes of one file are reported.
const maxErrors = 50

// Parse reads one revision file; file is its slash path below the revisions folder, whose last element has to
// begin with the revision's id.
//
// The text is UTF-8 with or without a byte order mark, with LF or CRLF; positions count bytes and leave the mark out. CR LF
// is read as LF, also within strings and bodies of functions, so that all tenants get the same bytes from every checkout;
// otherwise statements and [Section.Raw] are the bytes of the file. The error joins a [*FileError] for each mistake, with
// its line and column.
func Parse(file string, text []byte, dialect Dialect) (*Revision, error) {
	rev, errs := parseFile(file, text, dialect)
	return rev, join(errs)
}

// parseFile is Parse with the mistakes one by one; without any, the revision is not nil.
func parseFile(file string, text []byte, dialect Dialect) (*Revision, []*FileError) {
	p := newParser(file, text, dialect)
	p.parse()
	if len(p.errs) > 0 {
		return nil, p.errs
	}
	return p.rev, nil
}

func newParser(file string, text []byte, dialect Dialect) *parser {
	p := &parser{
		file: file, dialect: dialect, rev: &Revision{File: file},
		text:   strings.ReplaceAll(string(bytes.TrimPrefix(text, []byte("\uFEFF"))), "\r\n", "\n"),
		header: map[string]headerEntry{}, refused: map[*FileError]bool{},
	}
	p.at = cursor{text: p.text, line: 1}
	return p
}

// parse reads the file to its end, as far as that can be.
func (p *parser) parse() {
	if f := undecodable(p.text); f != nil {
		p.broken = true
		p.fail(f.at, f.message, f.advice)
		return
	}
	marker, found := p.readTop()
	p.readHeader()
	for found && !p.full() {
		marker, found = p.readSection(marker)
	}
	p.checkSections()
	p.checkDump()
	slices.SortStableFunc(p.errs, func(a, b *FileError) int { return cmp.Or(a.Line-b.Line, a.Col-b.Col) })
}

// parser reads one file from its top to its end.
type parser struct {
	file    string
	text    string
	dialect Dialect
	at      cursor
	rev     *Revision
	errs    []*FileError

	header  map[string]headerEntry
	almost  []string // the keys that lines of the header seem to mean
	markers struct{ up, down int }
	strays  int                 // lines that look like markers and are none
	refused map[*FileError]bool // those of errs that are about a statement
	dump    bool                // a comment says that this is output of pg_dump
	dumped  bool                // a statement is refused that pg_dump writes
	notes   notes               // those of the section being read; before the first one, those of the header
	common  notes               // those of the header, which count for each section
	bodies  []sectionBody       // of the sections that are no templates
	broken  bool                // something never ends, so that the sections after it are unknown
}

// undecodable finds what no server takes: bytes that are not UTF-8, and NUL.
func undecodable(text string) *fault {
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return &fault{0, "the file is UTF-16", "save it as UTF-8"}
	}
	if !utf8.ValidString(text) {
		for i, r := range text {
			if _, size := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && size == 1 {
				return &fault{i, fmt.Sprintf("byte 0x%02x is not UTF-8", text[i]), "save the file as UTF-8"}
			}
		}
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return &fault{i, "a NUL byte", "no database takes it in SQL: remove it"}
	}
	if i := strings.IndexByte(text, '\r'); i >= 0 && !strings.Contains(text, "\n") {
		return &fault{i, "lines end with a carriage return alone", "save the file with LF or CRLF"}
	}
	return nil
}

// readTop reads up to the first section's marker. Only comments may stand there.
func (p *parser) readTop() (marker token, found bool) {
	lex := lexer{text: p.text, dialect: p.dialect}
	header := true
	for {
		switch t := lex.next(); t.kind {
		case tokenEnd:
			return token{}, false
		case tokenFault:
			p.broken = true
			p.fail(lex.fault.at, lex.fault.message, lex.fault.advice)
			return token{}, false
		case tokenLineComment:
			if p.isMarker(t) {
				p.common, p.notes = p.notes, notes{}
				return t, true
			}
			if !p.comment(t) && header {
				p.headerLine(t)
			}
		case tokenBlockComment:
			p.comment(t)
		default:
			if header {
				p.fail(t.start, "a statement stands before the first section", "put it below `-- upgrade`")
			}
			header = false
		}
	}
}

// checkSections reports sections that are missing.
func (p *parser) checkSections() {
	if p.broken {
		return
	}
	if p.rev.Upgrade == nil && p.strays == 0 {
		at := len(strings.TrimRight(p.text, " \t\r\n"))
		p.fail(at, "the file has no upgrade section", "add a line `-- upgrade` above the statements; an empty section is a step that does nothing")
	}
}

// checkDump reports output of pg_dump by one error, in place of one for each of its settings.
func (p *parser) checkDump() {
	if !p.dump || !p.dumped {
		return
	}
	var others []*FileError
	var first *FileError
	for _, e := range p.errs {
		switch {
		case p.refused[e] && first == nil:
			first = e
		case !p.refused[e]:
			others = append(others, e)
		}
	}
	if first == nil {
		return
	}
	first.Message = "this is output of pg_dump, which empties the search path and names each object with its schema: it would not run in the tenant"
	first.Advice = dumpAdvice
	p.errs = append(others, first)
}

func (p *parser) fail(at int, message, advice string) {
	p.failKind(KindSyntax, at, message, advice)
}

// failStatement is fail for what is wrong with a statement.
func (p *parser) failStatement(f *fault) {
	if !p.full() {
		p.fail(f.at, f.message, f.advice)
		p.refused[p.errs[len(p.errs)-1]] = true
	}
}

func (p *parser) failKind(kind Kind, at int, message, advice string) {
	if !p.full() {
		line, col := p.at.position(at)
		p.errs = append(p.errs, &FileError{Kind: kind, File: p.file, Line: line, Col: col, Message: message, Advice: advice})
	}
}

// failOther also names the place of the other party.
func (p *parser) failOther(at, other int, message, advice string) {
	if !p.full() {
		line, _ := p.at.position(other)
		p.fail(at, message, advice)
		p.errs[len(p.errs)-1].Other = fmt.Sprintf("%s:%d", p.file, line)
	}
}

// full reports whether maxErrors is reached, so that the search may stop.
func (p *parser) full() bool { return len(p.errs) >= maxErrors }

func join(errs []*FileError) error {
	all := make([]error, len(errs))
	for i, err := range errs {
		all[i] = err
	}
	return errors.Join(all...)
}

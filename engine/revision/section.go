package revision

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// markerForm is a section's first line without trailing white space. A space before the colon is let pass. What
// is nearly a marker is a mistake, see strayMarker.
var markerForm = regexp.MustCompile(`^-- (upgrade|downgrade)[ \t]*(?::(.*))?$`)

// isMarker reports whether a line comment begins a section.
func (p *parser) isMarker(t token) bool {
	return p.atColumn1(t) && markerForm.MatchString(p.commentText(t))
}

// comment takes what a comment can be apart from a marker and a header line: a note, or a line that looks like a
// marker and is none. It returns false for neither.
func (p *parser) comment(t token) bool {
	text := p.text[t.start:t.end]
	line := t.kind == tokenLineComment
	if !line && (!p.ownLine(t) || strings.Contains(text, "\n")) {
		return false
	}
	if line && isNote(text) {
		p.note(t)
		return true
	}
	if line && strings.Contains(text, "PostgreSQL database dump") {
		p.dump = true
	}
	f := strayMarker(text, line)
	if f == nil && line && (p.rev.Upgrade != nil || p.rev.Downgrade != nil) {
		f = headerBelow(text)
	}
	if f == nil {
		return false
	}
	p.strays++
	p.fail(t.start, f.message, f.advice)
	return true
}

func (p *parser) atColumn1(t token) bool { return t.start == 0 || p.text[t.start-1] == '\n' }

func (p *parser) commentText(t token) string {
	return strings.TrimRight(p.text[t.start:t.end], " \t\r")
}

// readSection reads the section that begins at a marker, and returns the next marker.
func (p *parser) readSection(marker token) (next token, found bool) {
	s := &Section{File: p.file, Dialect: p.dialect}
	s.Line, _ = p.at.position(marker.start)
	m := markerForm.FindStringSubmatchIndex(p.commentText(marker))
	direction := Up
	if p.text[marker.start+m[2]] == 'd' {
		direction = Down
	}
	if m[4] >= 0 {
		s.Options = p.options(marker.start+m[4], marker.start+m[5])
	}
	p.place(s, direction, marker)

	p.notes = notes{}
	from := p.lineAfter(marker)
	if s.Options.Template {
		next, found = p.skipTemplate(from)
	} else {
		next, found = p.readBody(s, direction, from)
	}
	end := len(p.text)
	if found {
		end = next.start
	}
	s.Raw = p.text[marker.start:end]
	s.Checksum = s.checksum()
	s.AddsEnumValue = p.dialect != SQLite && addsEnumValue(s.body())
	s.Touches = append(slices.Clone(p.common.touches), p.notes.touches...)
	s.Ignores = append(slices.Clone(p.common.ignores), p.notes.ignores...)
	if s.Options.Template && !p.broken {
		p.checkTemplate(s)
	}
	return next, found
}

func (p *parser) lineAfter(t token) int {
	if n := strings.IndexByte(p.text[t.end:], '\n'); n >= 0 {
		return t.end + n + 1
	}
	return len(p.text)
}

func (p *parser) options(start, end int) Options {
	o, faults := parseOptions(p.text[start:end])
	for _, f := range faults {
		p.fail(start+f.at, f.message, f.advice)
	}
	if o.Isolation != "" && p.dialect == SQLite {
		p.fail(start+strings.Index(p.text[start:end], optIsolation), "isolation is for PostgreSQL", "leave it out: a transaction of SQLite is serializable")
	}
	return o
}

// place makes the section the revision's, unless it has one.
func (p *parser) place(s *Section, d Direction, marker token) {
	to, at := &p.rev.Upgrade, &p.markers.up
	if d == Down {
		to, at = &p.rev.Downgrade, &p.markers.down
	}
	if *to != nil {
		p.failOther(marker.start, *at, fmt.Sprintf("a second %sgrade section", d), "a file has one of each; make another revision of this one")
		return
	}
	*to, *at = s, marker.start
}

// readBody splits the statements of a section and checks each.
func (p *parser) readBody(s *Section, d Direction, from int) (next token, found bool) {
	split := newSplitter(p.text, p.dialect)
	split.lex.pos = from
	split.stop = func(t token) bool {
		if found = p.isMarker(t); found {
			next = t
		} else {
			p.comment(t)
		}
		return found
	}
	split.remark = func(t token) { p.comment(t) }
	at := cursor{text: p.text, line: 1}
	var texts []string
	body := sectionBody{options: s.Options}
	var faults []*fault
	for {
		piece, ok := split.next()
		if !ok {
			break
		}
		st := at.statement(piece)
		s.Statements = append(s.Statements, st)
		texts, body.statements = append(texts, st.Text), append(body.statements, piece)
	}
	p.bodies = append(p.bodies, body)
	check := newChecker(s.Options, d, p.dialect, texts)
	for i, text := range texts {
		if len(faults) == maxErrors {
			break
		}
		if f := check.statement(text, body.statements[i].start); f != nil {
			faults = append(faults, f)
			p.dumped, p.dump = p.dumped || check.dump, p.dump || check.dumps
		}
	}
	if f := check.end(); f != nil && split.fault == nil {
		faults = append(faults, f)
	}
	for _, f := range faults {
		p.failStatement(f)
	}
	if split.fault != nil {
		p.broken = true
		p.dumped = p.dumped || p.text[split.fault.at] == '\\' || strings.HasPrefix(split.fault.message, "COPY")
		p.failStatement(split.fault)
	}
	return next, found
}

// skipTemplate finds the end of a section that cannot be split yet: its text apart from the {{actions}} has
// to be lexically whole.
func (p *parser) skipTemplate(from int) (next token, found bool) {
	lex := lexer{text: p.text[:from] + withoutActions(p.text[from:]), pos: from, dialect: p.dialect}
	for {
		switch t := lex.next(); t.kind {
		case tokenLineComment:
			if p.isMarker(t) {
				return t, true
			}
			p.comment(t)
		case tokenBlockComment:
			p.comment(t)
		case tokenFault:
			p.broken = true
			p.fail(lex.fault.at, lex.fault.message, "quotes and comments of a template have to match with its {{actions}} left out, too")
			return token{}, false
		case tokenEnd:
			return token{}, false
		}
	}
}

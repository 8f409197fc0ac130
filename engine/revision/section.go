package revision

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// markerForm is a section's first line without trailing white space. A space before the colon is let pass:
// taken for a comment, the line would make the section below it a part of the one above.
var (
	markerForm = regexp.MustCompile(`^-- (upgrade|downgrade)[ \t]*(?::(.*))?$`)
	almostForm = regexp.MustCompile(`^(?i)--[ \t]*(upgrade|downgrade)[ \t]*(?::.*)?$`)
)

// A guess is a line that people write who mean a marker.
type guess struct {
	at        int
	direction Direction
	atColumn1 bool
}

func (g guess) advice(text string) string {
	line, _, _ := strings.Cut(text[g.at:], "\n")
	advice := fmt.Sprintf("`%s` is no marker: write `-- %sgrade`", strings.TrimSpace(line), g.direction)
	if !g.atColumn1 {
		advice += " at the beginning of the line"
	}
	return advice
}

// guessed returns the first line that looks like the marker of a direction.
func (p *parser) guessed(d Direction, column1 bool) (guess, bool) {
	for _, g := range p.almost {
		if g.direction == d && (g.atColumn1 || !column1) {
			return g, true
		}
	}
	return guess{}, false
}

// isMarker reports whether a line comment begins a section.
func (p *parser) isMarker(t token) bool {
	return p.atColumn1(t) && markerForm.MatchString(p.commentText(t))
}

// comment takes what a line comment can be apart from a marker and a header line; false for neither.
func (p *parser) comment(t token) bool {
	if isNote(p.text[t.start:t.end]) {
		p.note(t)
		return true
	}
	text := p.commentText(t)
	if m := almostForm.FindStringSubmatch(text); m != nil {
		d := Up
		if isWord(m[1], "DOWNGRADE") {
			d = Down
		}
		p.almost = append(p.almost, guess{at: t.start, direction: d, atColumn1: p.atColumn1(t)})
		return true
	}
	return false
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
	s.Checksum = checksum(s.Raw)
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
	at := cursor{text: p.text, line: 1}
	for !p.full() {
		piece, ok := split.next()
		if !ok {
			break
		}
		st := at.statement(piece)
		s.Statements = append(s.Statements, st)
		if f := objection(st.Text, s.Options, d, p.dialect); f != nil {
			p.fail(piece.start+f.at, f.message, f.advice)
		}
	}
	if split.fault != nil {
		p.broken = true
		p.fail(split.fault.at, split.fault.message, split.fault.advice)
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
		case tokenFault:
			p.broken = true
			p.fail(lex.fault.at, lex.fault.message, "quotes and comments of a template have to match with its {{actions}} left out, too")
			return token{}, false
		case tokenEnd:
			return token{}, false
		}
	}
}

package revision

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fixed is one thing that [Fix] changed.
type Fixed struct {
	Line, Col int // 1-based, in the text as it was; Col counts bytes
	Message   string
}

// Fix rewrites what other tools put into their files, as far as it can be done without understanding the statements:
//
//   - BEGIN and COMMIT around the whole of a section are removed, and so is a PRAGMA foreign_keys that a transactional
//     section of SQLite does not need, since foreign keys are off while it runs;
//   - SET and SET SESSION become SET LOCAL in a transactional section of PostgreSQL.
//
// Every other byte stays. Sections that are templates or marked no-transaction are not changed, nor are files that Parse
// cannot read to their end. If there is nothing to do, it returns text itself and no list. Parse reports what is still
// wrong.
//
// A section that was rewritten has another checksum.
func Fix(file string, text []byte, dialect Dialect) ([]byte, []Fixed) {
	p := newParser(file, text, dialect)
	p.text = string(bytes.TrimPrefix(text, []byte("\uFEFF"))) // with its line ends as they are
	p.at = cursor{text: p.text, line: 1}
	p.parse()
	if p.broken || p.dump && p.dumped {
		return text, nil
	}
	var edits []edit
	for _, b := range p.bodies {
		edits = append(edits, b.edits(p.text, dialect)...)
	}
	if len(edits) == 0 {
		return text, nil
	}
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	var out strings.Builder
	out.Write(text[:len(text)-len(p.text)]) // a byte order mark
	at := cursor{text: p.text, line: 1}
	var done []Fixed
	from := 0
	for _, e := range edits {
		line, col := at.position(e.at)
		done = append(done, Fixed{line, col, e.message})
		out.WriteString(p.text[from:e.start])
		out.WriteString(e.text)
		from = e.end
	}
	out.WriteString(p.text[from:])
	return []byte(out.String()), done
}

// sectionBody is where the statements of a section stand in the file.
type sectionBody struct {
	options    Options
	statements []span
}

// edit replaces a part of the file.
type edit struct {
	at         int // the statement that it is about
	start, end int
	text       string
	message    string
}

func (b sectionBody) edits(text string, dialect Dialect) []edit {
	if b.options.NoTransaction {
		return nil
	}
	texts := make([]string, len(b.statements))
	for i, s := range b.statements {
		texts[i] = text[s.start:s.end]
	}
	var edits []edit
	drop := func(i int, what string) {
		start, end := wholeStatement(text, b.statements[i])
		edits = append(edits, edit{at: b.statements[i].start, start: start, end: end, message: what + " is taken out"})
	}
	if f := frameOf(texts, dialect); f.outer() {
		for _, c := range f.controls {
			o := openingOf(texts[c.index], dialect)
			drop(c.index, boundaryOf(&o))
		}
	}
	if dialect == SQLite {
		for _, i := range idleKeyPragmas(texts) {
			drop(i, "PRAGMA foreign_keys")
		}
		return edits
	}
	for i, text := range texts {
		if e, ok := local(text, b.statements[i].start); ok {
			edits = append(edits, e)
		}
	}
	return edits
}

// wholeStatement widens a statement by its semicolon, and by its line where nothing else stands in that.
func wholeStatement(text string, s span) (start, end int) {
	start, end = s.start, s.end
	blank := func(i int) bool { return text[i] == ' ' || text[i] == '\t' }
	after := end
	for after < len(text) && (blank(after) || text[after] == '\r' || text[after] == '\n') {
		after++
	}
	if after < len(text) && text[after] == ';' {
		end = after + 1
	}
	line := start
	for line > 0 && blank(line-1) {
		line--
	}
	rest := end
	for rest < len(text) && (blank(rest) || text[rest] == '\r') {
		rest++
	}
	if (line == 0 || text[line-1] == '\n') && (rest == len(text) || text[rest] == '\n') {
		return line, min(rest+1, len(text))
	}
	return start, end
}

// idleKeyPragmas returns the statements that set foreign keys, unless another one runs while they are on: to leave that
// PRAGMA out would change what the section does.
func idleKeyPragmas(texts []string) []int {
	var idle []int
	on := false
	for i, text := range texts {
		o := openingOf(text, SQLite)
		switch {
		case isForeignKeysPragma(&o, SQLite):
			sets, turns := turnsOn(&o)
			if sets {
				on = turns
			}
			idle = append(idle, i)
		case on && boundaryOf(&o) == "":
			return nil
		}
	}
	return idle
}

// local makes SET LOCAL of a SET, where there is such a one.
func local(text string, at int) (edit, bool) {
	o := openingOf(text, Postgres)
	switch {
	case !o.is(0, "SET"), o.is(1, "LOCAL", "CONSTRAINTS", "NAMES"), transactionSetting(&o, Options{}, Up) != nil, searchPathSetting(&o, Options{}, Up) != nil:
		return edit{}, false
	}
	e := edit{at: at, start: at + o.tokens[0].end, end: at + o.tokens[0].end, text: " " + likeCase("LOCAL", o.at(0))}
	if o.is(1, "SESSION") && !o.is(2, "AUTHORIZATION") {
		e.start, e.end, e.text = at+o.tokens[1].start, at+o.tokens[1].end, likeCase("LOCAL", o.at(1))
	}
	e.message = fmt.Sprintf("SET %s becomes SET LOCAL", withoutLineEnds(strings.TrimSpace(text[o.tokens[0].end:o.tokens[1].end])))
	return e, true
}

// likeCase writes a word in lower case where another one is.
func likeCase(word, other string) string {
	if other == strings.ToLower(other) {
		return strings.ToLower(word)
	}
	return word
}

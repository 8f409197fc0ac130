package postgres

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// locate records in which statement of which revision an error happened. Line and Col are those of the statement; where the
// server points to a later line, the message says so. within is the byte of the statement that the server points at; 0 =
// it points at none.
func locate(e *engine.Error, pg *pgconn.PgError, step engine.Step, bodies func(engine.Step) body, n, within int) {
	e.Revision, e.File = step.Revision.ID, step.Revision.File
	locateStatement(e, pg, n+1, bodies(step).statements[n], within)
}

// locateStatement is locate without the revision; n counts its statements from 1.
func locateStatement(e *engine.Error, pg *pgconn.PgError, n int, stmt revision.Statement, within int) {
	e.Line, e.Col = stmt.Line, stmt.Col
	e.Number, e.Statement = n, cut(stmt.Text)
	if e.Fields != nil {
		e.Fields.Words = len(strings.Fields(stmt.Text[:min(within, len(stmt.Text))]))
	}
	further := strings.Count(stmt.Text[:min(within, len(stmt.Text))], "\n")
	if pg != nil && within == 0 {
		further = lineInBody(pg, stmt.Text)
	}
	if further > 0 {
		e.Message += fmt.Sprintf(" (line %d)", stmt.Line+further)
	}
	explainCutName(e, stmt.Text)
}

var (
	blockLineForm = regexp.MustCompile(`inline_code_block\D+(\d+)`)
	quoteForm     = regexp.MustCompile(`'|\$[A-Za-z_0-9\x{80}-\x{10FFFF}]*\$`)
)

// lineInBody counts the lines from the beginning of a statement to the point in its text where the error happened: found by
// the query that the server ran, if the text contains it, or else by the line of a DO block. 0 = the first line, or not known.
func lineInBody(pg *pgconn.PgError, text string) int {
	if query := strings.TrimSpace(pg.InternalQuery); len(query) > 1 {
		if at := strings.Index(text, query); at >= 0 {
			offset := 0
			for n := int32(1); n < pg.InternalPosition && offset < len(query); n++ {
				_, size := utf8.DecodeRuneInString(query[offset:])
				offset += size
			}
			return strings.Count(text[:at+offset], "\n")
		}
	}
	lines := blockLineForm.FindAllStringSubmatch(pg.Where, -1)
	quote := quoteForm.FindStringIndex(text)
	if firstWord(text) != "DO" || len(lines) == 0 || quote == nil {
		return 0
	}
	line, err := strconv.Atoi(lines[len(lines)-1][1]) // the outermost one
	if err != nil || line < 1 {
		return 0
	}
	return strings.Count(text[:quote[0]], "\n") + line - 1
}

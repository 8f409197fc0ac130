package postgres

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// shownByte matches each byte of a character that the server cannot convert, as its messages show it in all languages.
var shownByte = regexp.MustCompile(`0x([0-9a-f]{2})\b`)

// unconverted finds the first body with the character that the server's encoding lacks. The server converts a message as a
// whole before it runs anything, so that the error has no position.
func (m *message) unconverted(pg *pgconn.PgError) (p piece, within int, found bool) {
	if pg.Code != stateNoEquivalent && pg.Code != stateBadBytes {
		return piece{}, 0, false
	}
	var character strings.Builder
	for _, b := range shownByte.FindAllStringSubmatch(pg.Message, -1) {
		n, _ := strconv.ParseUint(b[1], 16, 8)
		character.WriteByte(byte(n))
	}
	if character.Len() == 0 {
		return piece{}, 0, false
	}
	for _, p := range m.pieces {
		if p.kind != kindBody {
			continue
		}
		if i := strings.Index(p.sql, character.String()); i >= 0 {
			return p, i, true
		}
	}
	return piece{}, 0, false
}

package revision

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Checksum identifies the upgrade body: the hexadecimal SHA-256 of the upgrade section, which is the text
// from its marker line (inclusive, so the options count) to before the next marker or the end of the file,
// with every CR LF taken as LF and without white space at its very end.
//
// A byte order mark, CRLF, the header, the downgrade section, the order of the sections and blank lines or a
// line end after the last statement therefore do not change it; everything else does, comments too. What is
// read from a file was hashed when it was parsed; for a revision made in memory it is computed on each call.
// It is safe for concurrent use.
func (r *Revision) Checksum() string {
	if r.Upgrade == nil {
		return checksum("")
	}
	if r.Upgrade.Checksum != "" {
		return r.Upgrade.Checksum
	}
	return checksum(r.Upgrade.Raw)
}

// checksum leaves the end out of the sum because editors add and remove it, and because a downgrade section
// that is written later comes with a blank line before it.
func checksum(raw string) string {
	text := strings.ReplaceAll(raw, "\r\n", "\n")
	sum := sha256.Sum256([]byte(strings.TrimRight(text, " \t\r\n")))
	return hex.EncodeToString(sum[:])
}

package revision

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Checksum identifies the upgrade body: the SHA-256, in hex, of the upgrade section, from its marker line to before the
// next marker or the end of the file. CR LF counts as LF, white space at the very end does not count, and of the options
// only those that say what the body does: see [Options.Runs].
//
// So a byte order mark, CRLF, the header, the downgrade section, the order of the sections, options that only say how the
// body runs, and blank lines after the last statement do not change it. Everything else does, comments too. A revision
// from a file was hashed when it was parsed; for one made in memory it is computed on each call. It is safe for concurrent
// use.
func (r *Revision) Checksum() string {
	switch {
	case r.Upgrade == nil:
		return checksum("")
	case r.Upgrade.Checksum != "":
		return r.Upgrade.Checksum
	}
	return r.Upgrade.checksum()
}

// Accepts reports whether a checksum that a tenant recorded is of this body: that of [Revision.Checksum], or one of an
// earlier version, in which all options of the marker counted.
func (r *Revision) Accepts(recorded string) bool {
	if r.Upgrade == nil {
		return recorded == r.Checksum()
	}
	return r.Upgrade.Accepts(recorded)
}

// Accepts is [Revision.Accepts] for either section.
func (s *Section) Accepts(recorded string) bool {
	if recorded == s.Checksum || s.Checksum == "" && recorded == s.checksum() {
		return true
	}
	for marker := range earlierMarkers(s.Raw) {
		if recorded == checksum(marker+s.rest()) {
			return true
		}
	}
	return false
}

// checksum is that of the section. A marker whose options all count is taken as it is written.
func (s *Section) checksum() string {
	if s.Options == s.Options.Runs() {
		return checksum(s.Raw)
	}
	return checksum(s.marker(s.Options.Runs().String()) + s.rest())
}

// rest is what follows the marker, with the line end before it.
func (s *Section) rest() string { return s.Raw[len(firstLine(s.Raw)):] }

// marker is a marker's line with other options, without a line end.
func (s *Section) marker(options string) string {
	marker := "-- " + string(s.direction()) + "grade"
	if options != "" {
		marker += ": " + options
	}
	return marker
}

// earlierMarkers are the forms that a marker may have had when all of its options counted: as it is, and with any of
// the options left out that may have been added since, or with one that was taken out.
func earlierMarkers(raw string) func(yield func(string) bool) {
	marker := firstLine(raw)
	name, list, _ := strings.Cut(marker, ":")
	name = strings.TrimRight(name, " \t")
	var kept, free []string // options that count, and those that do not
	for item := range listItems(list) {
		switch option, _, _ := strings.Cut(item.text, "="); strings.TrimSpace(option) {
		case "":
		case optNoTransaction, optTemplate:
			kept = append(kept, item.text)
		default:
			free = append(free, item.text)
		}
	}
	for _, flag := range []string{optOwnTransaction, optForeignKeys, optAlone} {
		if !strings.Contains(list, flag) {
			free = append(free, flag)
		}
	}
	return func(yield func(string) bool) {
		if !yield(marker) {
			return
		}
		for chosen := range 1 << len(free) {
			options := kept
			for i, option := range free {
				if chosen&(1<<i) != 0 {
					options = append(options[:len(options):len(options)], option)
				}
			}
			form := name
			if len(options) > 0 {
				form += ": " + strings.Join(options, ", ")
			}
			if !yield(form) {
				return
			}
		}
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r")
}

// checksum leaves the end out of the sum because editors add and remove it, and because a downgrade section
// that is written later comes with a blank line before it.
func checksum(raw string) string {
	text := strings.ReplaceAll(raw, "\r\n", "\n")
	sum := sha256.Sum256([]byte(strings.TrimRight(text, " \t\r\n")))
	return hex.EncodeToString(sum[:])
}

package revision

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"unicode"
)

// maxSlug is Alembic's truncate_slug_length, in characters.
const maxSlug = 40

const (
	upgradeHint   = "-- Plain SQL, unqualified: the tenant's schema comes first on the search path. No BEGIN, no COMMIT."
	downgradeHint = "-- What takes the upgrade back. Without this section the revision is irreversible."
)

// NewID returns a random id of twelve hexadecimal digits, like Alembic's.
func NewID() string {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// slugOf turns a message into a part of a file name, as Alembic does: its words in lower case, joined by underscores, cut
// between two words after at most 40 characters. It is empty if the message has no letter or digit.
func slugOf(message string) string {
	words := strings.FieldsFunc(strings.ToLower(message), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	slug := []rune(strings.Join(words, "_"))
	if len(slug) <= maxSlug {
		return string(slug)
	}
	cut := maxSlug
	for cut > 0 && slug[cut] != '_' {
		cut--
	}
	if cut == 0 { // one long word
		cut = maxSlug
	}
	return string(slug[:cut])
}

// FileName returns the name of a revision's file: `<id>_<slug>.sql`.
func FileName(id, message string) string {
	slug := slugOf(message)
	if slug == "" {
		slug = "revision"
	}
	return id + "_" + slug + ".sql"
}

// NewSection makes a section in memory from options and SQL, for [Format]. An empty text becomes a comment that says what
// belongs there. The section is not split and not checked: Parse does that with the result of Format.
func NewSection(d Direction, options Options, text string) *Section {
	if text = strings.TrimSpace(text); text == "" {
		text = upgradeHint
		if d == Down {
			text = downgradeHint
		}
	}
	marker := "-- " + string(d) + "grade"
	if o := options.String(); o != "" {
		marker += ": " + o
	}
	return &Section{Options: options, Raw: marker + "\n" + text + "\n"}
}

// Format returns a revision as the text of its file: the header, then the upgrade and the downgrade section. A section is
// written as its Raw, byte for byte; one without Raw, and a nil Upgrade, as [NewSection] makes it from its options and no
// text. Parsed again, the result is r, apart from line numbers, comments of the header and blank lines between the
// sections. Line ends within the message become spaces.
func Format(r *Revision) []byte {
	var b strings.Builder
	header := func(key, value string, always bool) {
		if value != "" || always {
			b.WriteString(strings.TrimRight("-- "+key+": "+value, " ") + "\n")
		}
	}
	revises := none
	if len(r.Revises) > 0 {
		revises = strings.Join(r.Revises, ", ")
	}
	header(keyRevision, r.ID, true)
	header(keyRevises, revises, true)
	header(keyDependsOn, strings.Join(r.DependsOn, ", "), false)
	header(keyLabels, strings.Join(r.Labels, ", "), false)
	header(keyMessage, withoutLineEnds(r.Message), true)
	header(keyCreated, withoutLineEnds(r.Created), false)

	up := r.Upgrade
	if up == nil {
		up = &Section{}
	}
	writeSection(&b, Up, up)
	if r.Downgrade != nil {
		writeSection(&b, Down, r.Downgrade)
	}
	return []byte(b.String())
}

// withoutLineEnds puts a text on one line; white space within the lines stays.
func withoutLineEnds(text string) string {
	lines := strings.FieldsFunc(text, func(c rune) bool { return c == '\n' || c == '\r' })
	return strings.Trim(strings.Join(lines, " "), " \t")
}

// writeSection puts one blank line before the section, unless what comes before brings its own.
func writeSection(b *strings.Builder, d Direction, s *Section) {
	switch before := b.String(); {
	case strings.HasSuffix(before, "\n\n"), strings.HasSuffix(before, "\n\r\n"):
	case strings.HasSuffix(before, "\n"):
		b.WriteString("\n")
	default:
		b.WriteString("\n\n")
	}
	raw := s.Raw
	if raw == "" {
		raw = NewSection(d, s.Options, "").Raw
	}
	b.WriteString(raw)
}

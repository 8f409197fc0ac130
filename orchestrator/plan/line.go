package plan

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// OneLine makes one line of a text of another program, of valid UTF-8 without NUL, which stores refuse, and of at
// most so many bytes, of which there must be three for the mark of what is cut. What a terminal might obey stays in it:
// it is escaped where it is written to one.
func OneLine(text string, most int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	text = strings.Join(strings.FieldsFunc(text, unicode.IsSpace), " ")
	if len(text) <= most {
		return text
	}
	cut := most - len("…")
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

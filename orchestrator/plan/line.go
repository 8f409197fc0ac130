package plan

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// OneLine makes one line of a text of another program: valid UTF-8 without NUL, which stores refuse, of at most so many
// bytes, at least three. Control sequences of terminals stay: views escape them.
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

package orchestrator

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// OneLine makes one line of a text that somebody else wrote, for people and terminals: without what a terminal might
// obey, and of at most so many bytes, of which there must be three for the mark of what is cut.
func OneLine(text string, most int) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if len(text) <= most {
		return text
	}
	cut := most - len("…")
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

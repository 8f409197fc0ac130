package text

import (
	"strings"
	"unicode/utf8"
)

// OneLine folds white space to single blanks, so that the text fits on one line. The result is valid UTF-8 without
// NUL: what is neither becomes U+FFFD. Other control characters stay; whoever writes to a terminal escapes them.
func OneLine(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	return strings.Join(strings.Fields(s), " ")
}

// ellipsis marks where a text was cut.
const ellipsis = "…"

// Cut returns the text if it has at most limit bytes, else as many whole characters of it as fit, with … at the end.
// The result has at most limit bytes; a limit below 3, the length of …, counts as 3.
func Cut(s string, limit int) string {
	limit = max(limit, len(ellipsis))
	if len(s) <= limit {
		return s
	}
	end := limit - len(ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}

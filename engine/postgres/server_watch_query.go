package postgres

import "strings"

// withoutValues replaces string literals and numbers in a query by ?, removes comments, and makes one line of it: a query may
// be shown, the values of rows may not.
//
// It reads the query as the server does (manual, "Lexical Structure"), except for what depends on the other session's
// standard_conforming_strings: a literal that would end elsewhere with the other setting, and all that follows it, becomes
// one ?. The server cuts long queries, so that any token may lack its end; such a token is left out.
func withoutValues(query string) string {
	var b strings.Builder
	for i := 0; i < len(query); {
		end, shown := shownToken(query, i)
		b.WriteString(shown)
		i = end
	}
	return oneLine(strings.ToValidUTF8(b.String(), "?"))
}

// shownToken returns the index after the token that begins at i, and what is shown of it.
func shownToken(query string, i int) (end int, shown string) {
	switch c := query[i]; {
	case strings.HasPrefix(query[i:], "--"):
		if n := strings.IndexAny(query[i:], "\r\n"); n >= 0 {
			return i + n, " "
		}
		return len(query), ""
	case strings.HasPrefix(query[i:], "/*"):
		return endOfComment(query, i), " "
	case c == '\'':
		end = endOfText(query, i, false)
		if end != endOfText(query, i, true) {
			end = len(query)
		}
		return end, "?"
	case (c == 'E' || c == 'e') && strings.HasPrefix(query[i+1:], "'"):
		return endOfText(query, i+1, true), query[i:i+1] + "?"
	case c == '"':
		if end = endOfName(query, i); end < 0 {
			return len(query), "?"
		}
		return end, query[i:end]
	case c == '$' && tagAt(query, i) != "":
		tag := tagAt(query, i)
		from := i + len(tag)
		if n := strings.Index(query[from:], tag); n >= 0 {
			return from + n + len(tag), "?"
		}
		return len(query), "?"
	case c >= '0' && c <= '9':
		for end = i; end < len(query) && (wordByte(query[end]) || query[end] == '.'); end++ { //nolint:revive // to its end
		}
		return end, "?"
	case wordByte(c) || c == '$':
		for end = i + 1; end < len(query) && (wordByte(query[end]) || query[end] == '$'); end++ { //nolint:revive // to its end
		}
		return end, query[i:end]
	}
	return i + 1, query[i : i+1]
}

// endOfText returns the index after a literal whose quotation mark is at i; escapes: a backslash escapes the next character.
func endOfText(query string, i int, escapes bool) int {
	for i++; i < len(query); i++ {
		switch {
		case query[i] == '\\' && escapes:
			i++
		case query[i] == '\'' && i+1 < len(query) && query[i+1] == '\'':
			i++
		case query[i] == '\'':
			return i + 1
		}
	}
	return len(query)
}

// endOfName returns the index after a quoted identifier; -1 where it has no end.
func endOfName(query string, i int) int {
	for i++; i < len(query); i++ {
		switch {
		case query[i] == '"' && i+1 < len(query) && query[i+1] == '"':
			i++
		case query[i] == '"':
			return i + 1
		}
	}
	return -1
}

// endOfComment returns the index after a comment that begins at i. Comments nest.
func endOfComment(query string, i int) int {
	depth := 0
	for i < len(query) {
		switch {
		case strings.HasPrefix(query[i:], "/*"):
			depth, i = depth+1, i+2
		case strings.HasPrefix(query[i:], "*/"):
			if depth, i = depth-1, i+2; depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return len(query)
}

// tagAt returns the dollar quote that begins at i; "" where none does.
func tagAt(query string, i int) string {
	for k := i + 1; k < len(query); k++ {
		switch {
		case query[k] == '$':
			return query[i : k+1]
		case !wordByte(query[k]) || k == i+1 && query[k] >= '0' && query[k] <= '9':
			return ""
		}
	}
	return ""
}

func wordByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

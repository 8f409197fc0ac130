package plan

import "strings"

const (
	anything = "…" // stands for what differs from tenant to tenant
	closing  = "\"\"''``«»“”‘’"
)

// normalise removes what differs between tenants from a text of skein: quoted text, numbers (also within words: t_0042),
// UUIDs and other long hexadecimal words, and paths.
func normalise(message string) string {
	var b strings.Builder
	for message != "" {
		if open, rest, ok := quoted(message); ok {
			b.WriteString(open)
			message = rest
			continue
		}
		word, rest := cutWord(message)
		if word == "" { // a separator
			word, rest = message[:1], message[1:]
			b.WriteString(word)
			message = rest
			continue
		}
		b.WriteString(normaliseWord(word))
		message = rest
	}
	return b.String()
}

// quoted cuts a quotation from the beginning of s. An apostrophe within a word begins none: words are cut whole.
func quoted(s string) (mark, rest string, ok bool) {
	pairs := []rune(closing)
	for i := 0; i < len(pairs); i += 2 {
		open, end := string(pairs[i]), string(pairs[i+1])
		inner, found := strings.CutPrefix(s, open)
		if !found {
			continue
		}
		if _, after, ok := strings.Cut(inner, end); ok {
			return open + anything + end, after, true
		}
	}
	return "", "", false
}

// cutWord cuts the longest run of bytes at the beginning of s that belong to a word, a path or a UUID.
func cutWord(s string) (word, rest string) {
	i := 0
	for i < len(s) && wordByte(s[i]) || i > 0 && i < len(s) && s[i] == '\'' {
		i++
	}
	for i > 0 && (s[i-1] == '.' || s[i-1] == '\'') { // the end of a sentence is no part of it
		i--
	}
	return s[:i], s[i:]
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '/' || c == '.' || c >= 0x80
}

func normaliseWord(w string) string {
	switch {
	case strings.HasPrefix(w, "/"), strings.Count(w, "/") >= 2: // a file, or server/database/schema
		return anything
	case len(w) >= 12 && hexadecimal(w):
		return anything
	}
	var b strings.Builder
	digits := false
	for i := range len(w) {
		digit := w[i] >= '0' && w[i] <= '9'
		switch {
		case !digit:
			b.WriteByte(w[i])
		case !digits:
			b.WriteByte('#')
		}
		digits = digit
	}
	return b.String()
}

// hexadecimal reports whether w is a UUID, a hash or the like: hexadecimal digits, some of them decimal.
func hexadecimal(w string) bool {
	decimal := false
	for i := range len(w) {
		c := w[i]
		switch {
		case c >= '0' && c <= '9':
			decimal = true
		case c >= 'a' && c <= 'f', c >= 'A' && c <= 'F', c == '-':
		default:
			return false
		}
	}
	return decimal
}

// withoutName replaces the tenant's id in its message, where it is a word of its own.
func withoutName(message, id string) string {
	if len(id) < 2 || !strings.Contains(message, id) {
		return message
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(message, id)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		within := before != "" && wordByte(before[len(before)-1]) && before[len(before)-1] != '/' ||
			after != "" && wordByte(after[0]) && after[0] != '/' && after[0] != '.'
		if within {
			b.WriteString(id)
		} else {
			b.WriteString(anything)
		}
		message = after
	}
}

package view

import (
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Text is a writer for people: what a terminal would obey is escaped in everything that passes through it, as \u001b,
// and so is what changes the order in which letters are shown. Messages of servers, ids, labels, names of files and
// answers of gates come from elsewhere, and a row of a tenant must not clear the screen or paint a failure green. Line
// ends and tabs pass. The colours of this package pass too, because they are marked with a random word of this process.
//
// The escapes are those of JSON, so that JSON means the same after it. It is safe for concurrent use.
type Text struct {
	w io.Writer

	mu   sync.Mutex
	part []byte // the beginning of a character whose rest is to come; guarded by mu
}

// NewText returns a writer to w.
func NewText(w io.Writer) *Text { return &Text{w: w} }

// Raw returns what a Text writes to, such as the terminal itself; any other writer as it is.
func Raw(w io.Writer) io.Writer {
	if t, ok := w.(*Text); ok {
		return t.w
	}
	return w
}

// Write implements io.Writer.
func (t *Text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.part) == 0 && harmless(p) {
		return t.w.Write(p)
	}
	all := append(t.part, p...)
	whole := len(all) - unfinished(all)
	t.part = append([]byte(nil), all[whole:]...)
	if _, err := io.WriteString(t.w, Escape(string(all[:whole]))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// harmless reports whether p is plain ASCII, which most of what is written is.
func harmless(p []byte) bool {
	for _, c := range p {
		if c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

// unfinished returns how many bytes at the end of p begin a character and do not end it.
func unfinished(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if tail := p[len(p)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// mark begins a colour, and ends one: mark + "31" + end.
var mark, end = "\xff" + rand.Text() + ":", "\xff"

// Escape is what a Text does, for texts that are written otherwise.
func Escape(s string) string {
	var b strings.Builder
	for s != "" {
		if after, ours := strings.CutPrefix(s, mark); ours {
			code, rest, _ := strings.Cut(after, end)
			b.WriteString("\x1b[" + code + "m")
			s = rest
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r != '\n' && r != '\t' && commands(r):
			escape(&b, r)
		default:
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// escape writes a character as JSON does.
func escape(b *strings.Builder, r rune) {
	const beyond = 0x10000 // what UTF-16 writes as two
	if r < beyond {
		fmt.Fprintf(b, `\u%04x`, r)
		return
	}
	r -= beyond
	fmt.Fprintf(b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
}

// hidden are characters that change what is around them or cannot be seen, and are part of no language's spelling:
// marks of direction, separators of lines, spaces without width, tags.
var hidden = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x061c, 0x061c, 1}, {0x200b, 0x200b, 1}, {0x200e, 0x200f, 1}, {0x2028, 0x202e, 1}, {0x2060, 0x2069, 1}, {0xfeff, 0xfeff, 1}, {0xfff9, 0xfffb, 1},
	},
	R32: []unicode.Range32{{0xe0000, 0xe007f, 1}},
}

// commands reports whether a character is shown as an escape.
func commands(r rune) bool { return unicode.IsControl(r) || unicode.Is(hidden, r) }

// Line keeps on its line what would end it or begin a column: ids and labels may have line ends in them.
func Line(s string) string { return lineEnds.Replace(s) }

var lineEnds = strings.NewReplacer("\n", `\n`, "\t", `\t`, "\v", `\u000b`, "\f", `\u000c`, "\r", `\r`)

// Row writes a line of columns, texts and numbers; a line end or tab in a column is escaped.
func Row(w io.Writer, form string, cells ...any) {
	for i, c := range cells {
		if _, number := c.(int); !number {
			cells[i] = Line(fmt.Sprint(c))
		}
	}
	fmt.Fprintf(w, form, cells...)
}

func painted(c colour, s string) string { return mark + string(c) + end + s + mark + "0" + end }

// Bold is a text in bold letters for a [Text].
func Bold(s string) string { return painted(bold, s) }

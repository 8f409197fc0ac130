package tenant

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parser reads a selector from left to right.
type parser struct {
	text string
	pos  int
}

// word reads characters that need no quotes; "" if there are none.
func (p *parser) word() string {
	start := p.pos
	for _, r := range p.text[start:] {
		if !bare(r) {
			break
		}
		p.pos += utf8.RuneLen(r)
	}
	return p.text[start:p.pos]
}

func (p *parser) space() {
	p.pos = len(p.text) - len(strings.TrimLeftFunc(p.text[p.pos:], unicode.IsSpace))
}

func (p *parser) skip(token string) bool {
	if !strings.HasPrefix(p.text[p.pos:], token) {
		return false
	}
	p.pos += len(token)
	return true
}

func (p *parser) end() bool { return p.pos == len(p.text) }

func (p *parser) at(c byte) bool { return !p.end() && p.text[p.pos] == c }

// next names the character at the position, for messages.
func (p *parser) next() string {
	if p.end() {
		return "the end"
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.pos:])
	return fmt.Sprintf("%q", r)
}

func (p *parser) fail(at int, advice, format string, args ...any) error {
	return &SelectorError{Text: p.text, Col: at + 1, Message: fmt.Sprintf(format, args...), Advice: advice}
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8; -1 if there is none.
func invalidUTF8(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return -1
}

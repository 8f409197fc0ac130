package revision

import "strings"

// cursor computes lines and columns while it moves forward through a text. It starts with the text and the number of the
// first line; for a byte before the last one, it starts again.
type cursor struct {
	text string
	line int // of the byte at off
	off  int
	bol  int // where that line begins
}

// position returns the 1-based line and column (in bytes) of a byte.
func (c *cursor) position(off int) (line, col int) {
	if off < c.off {
		c.line -= strings.Count(c.text[:c.off], "\n")
		c.off, c.bol = 0, 0
	}
	passed := c.text[c.off:off]
	if n := strings.Count(passed, "\n"); n > 0 {
		c.line += n
		c.bol = c.off + strings.LastIndexByte(passed, '\n') + 1
	}
	c.off = off
	return c.line, off - c.bol + 1
}

func (c *cursor) statement(s span) Statement {
	line, col := c.position(s.start)
	return Statement{Text: c.text[s.start:s.end], Line: line, Col: col}
}

func (c *cursor) mistake(file string, f *fault) *FileError {
	line, col := c.position(f.at)
	return &FileError{Kind: KindSyntax, File: file, Line: line, Col: col, Message: f.message, Advice: f.advice}
}

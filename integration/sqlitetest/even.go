package sqlitetest

import "strings"

// even makes runs of white space one blank and drops it beside brackets and commas. Quoted text stays as it is.
func even(sql string) string {
	var out strings.Builder
	closing := byte(0) // the quote that ends the present one
	blank := false
	last := byte('(')
	for k := range len(sql) {
		c := sql[k]
		if closing != 0 {
			out.WriteByte(c)
			if c == closing {
				closing = 0 // a doubled quote closes and opens at once
			}
			last = c
			continue
		}
		if strings.IndexByte(" \t\r\n", c) >= 0 {
			blank = true
			continue
		}
		if blank && strings.IndexByte("(,", last) < 0 && strings.IndexByte("(),", c) < 0 {
			out.WriteByte(' ')
		}
		blank = false
		switch c {
		case '\'', '"', '`':
			closing = c
		case '[':
			closing = ']'
		}
		out.WriteByte(c)
		last = c
	}
	return out.String()
}

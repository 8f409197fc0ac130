package revision

import (
	"strings"
	"text/template"
	"text/template/parse"
)

// sourceMap collects what a template prints, and knows where in the template each byte of it comes from. It
// needs no marks in the text: text/template writes the text between the actions as the very slice that its
// parse tree holds.
type sourceMap struct {
	like   string // an earlier output: as long as this one is the same, nothing is kept of it
	same   int    // bytes that were printed and are those of like; -1 = it differs, and text has all
	text   strings.Builder
	nodes  map[*byte]int // first byte of a text node → its offset in the template
	pieces []piece
	last   int // where the template stands: behind the text that was printed last
}

type piece struct {
	out    int // offset in the printed text
	source int
	moves  bool // the source moves along with the text; else it is an action's output, which has one place
}

// textNodes finds the first byte of each text node of a template.
func textNodes(t *template.Template) map[*byte]int {
	m := &sourceMap{nodes: map[*byte]int{}}
	for _, t := range t.Templates() {
		if t.Tree != nil {
			m.collect(t.Root)
		}
	}
	return m.nodes
}

// collect walks the nodes that have lists of nodes.
func (m *sourceMap) collect(node parse.Node) {
	branch := func(b *parse.BranchNode) {
		m.collect(b.List)
		m.collect(b.ElseList)
	}
	switch n := node.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, child := range n.Nodes {
				m.collect(child)
			}
		}
	case *parse.TextNode:
		if len(n.Text) > 0 {
			m.nodes[&n.Text[0]] = int(n.Pos)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	}
}

func (m *sourceMap) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	at, isText := m.nodes[&p[0]]
	if isText {
		m.last = at + len(p)
	} else {
		at = m.last
	}
	m.pieces = append(m.pieces, piece{out: m.printed(), source: at, moves: isText})
	if m.same >= 0 {
		if end := m.same + len(p); end <= len(m.like) && m.like[m.same:end] == string(p) {
			m.same = end
			return len(p), nil
		}
		m.text.WriteString(m.like[:m.same])
		m.same = -1
	}
	return m.text.Write(p)
}

// printed is how many bytes the output has.
func (m *sourceMap) printed() int {
	if m.same >= 0 {
		return m.same
	}
	return m.text.Len()
}

// output is the whole output; known: it is that of like.
func (m *sourceMap) output() (text string, known bool) {
	if m.same < 0 {
		return m.text.String(), false
	}
	return m.like[:m.same], m.same == len(m.like) && m.like != ""
}

// source returns where in the template a byte of the output comes from.
func (m *sourceMap) source(out int) int {
	lo, hi := 0, len(m.pieces)
	for lo+1 < hi {
		if mid := (lo + hi) / 2; m.pieces[mid].out <= out {
			lo = mid
		} else {
			hi = mid
		}
	}
	if len(m.pieces) == 0 {
		return 0
	}
	if p := m.pieces[lo]; p.moves {
		return p.source + out - p.out
	}
	return m.pieces[lo].source
}

// withoutActions blanks the {{actions}} of a template and leaves every other byte and line where it is. An
// action that never ends stays: text/template says so better.
func withoutActions(text string) string {
	blank := []byte(text)
	for at := 0; ; {
		open := strings.Index(text[at:], "{{")
		if open < 0 {
			return string(blank)
		}
		at += open
		length := actionLength(text[at:])
		if length < 0 {
			return string(blank)
		}
		for i := at; i < at+length; i++ {
			if blank[i] != '\n' {
				blank[i] = ' '
			}
		}
		at += length
	}
}

// actionLength measures the action that text begins with, by the rules of text/template's lexer; -1 when it
// never ends.
func actionLength(text string) int {
	from := 2
	if strings.HasPrefix(strings.TrimPrefix(text[from:], "- "), "/*") {
		end := strings.Index(text, "*/")
		if end < 0 {
			return -1
		}
		from = end // quotes within a comment are none
	}
	for i := from; i < len(text); i++ {
		switch c := text[i]; c {
		case '"', '\'', '`':
			for i++; i < len(text) && text[i] != c; i++ {
				if text[i] == '\\' && c != '`' {
					i++
				}
			}
		case '}':
			if strings.HasPrefix(text[i:], "}}") {
				return i + 2
			}
		}
	}
	return -1
}

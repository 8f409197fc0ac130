package revision

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode/utf8"
)

// The functions by which a template prints a value.
const (
	funcIdent   = "ident"
	funcLiteral = "literal"
	funcRaw     = "raw"
	funcUnlike  = "unlike" // added here to what prints within a dollar quote
)

// quoting returns the functions of a template. They refuse what cannot be quoted, so that nothing else runs.
func quoting(dialect Dialect) template.FuncMap {
	return template.FuncMap{
		funcIdent:   func(value any) (string, error) { return ident(value, dialect) },
		funcLiteral: func(value any) (string, error) { return literal(value, dialect) },
		funcRaw:     func(value any) any { return value },
		funcUnlike:  unlike,
	}
}

// ident quotes a name.
func ident(value any, dialect Dialect) (string, error) {
	name, err := textOf(value)
	switch {
	case err != nil:
		return "", err
	case name == "":
		return "", errors.New("an empty text is no name")
	case dialect != SQLite && len(name) > maxName:
		return "", fmt.Errorf("%q is longer than the %d bytes of a name", name, maxName)
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`, nil
}

// literal quotes a string. With a backslash in it the result means the same whatever standard_conforming_strings
// is; the blank keeps the E apart from a word in front, as in libpq's PQescapeLiteral.
func literal(value any, dialect Dialect) (string, error) {
	s, err := textOf(value)
	if err != nil {
		return "", err
	}
	s = strings.ReplaceAll(s, `'`, `''`)
	if dialect != SQLite && strings.Contains(s, `\`) {
		return ` E'` + strings.ReplaceAll(s, `\`, `\\`) + `'`, nil
	}
	return `'` + s + `'`, nil
}

func textOf(value any) (string, error) {
	if value == nil {
		return "", errors.New("there is no value")
	}
	s := fmt.Sprint(value)
	switch {
	case strings.Contains(s, "\x00"):
		return "", errors.New("the value has a NUL byte, which no database takes")
	case !utf8.ValidString(s):
		return "", errors.New("the value is no UTF-8 text")
	}
	return s, nil
}

// unlike refuses a value that would end the dollar quotes around it.
func unlike(tags ...string) (string, error) {
	value := tags[len(tags)-1]
	for _, tag := range tags[:len(tags)-1] {
		if strings.Contains(value, tag) {
			return "", fmt.Errorf("the value has %s in it, which ends the dollar quote around it", tag)
		}
	}
	return value, nil
}

// quoted looks at every action of a template that prints: it has to end in ident, literal or raw, and what is
// quoted may not stand within quotes or a comment of the text around it. The faults count from the beginning of
// the body. Actions within dollar quotes get a check that their values do not end them.
func quoted(t *template.Template, body string, dialect Dialect) []*fault {
	w := quoteWalker{body: body, plain: withoutActions(body), dialect: dialect}
	for _, t := range t.Templates() {
		if t.Tree != nil {
			w.walk(t.Root)
		}
	}
	return w.faults
}

type quoteWalker struct {
	body    string
	plain   string // body without its actions
	dialect Dialect
	faults  []*fault
}

func (w *quoteWalker) walk(node parse.Node) {
	branch := func(b *parse.BranchNode) {
		w.walk(b.List)
		w.walk(b.ElseList)
	}
	switch n := node.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, child := range n.Nodes {
				w.walk(child)
			}
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 {
			w.action(n)
		}
	}
}

func (w *quoteWalker) action(n *parse.ActionNode) {
	at := max(strings.LastIndex(w.body[:min(int(n.Pos), len(w.body))], "{{"), 0)
	fn, constant := printer(n.Pipe)
	kind, tags := enclosing(w.plain, at, w.dialect)
	within := ""
	switch kind {
	case tokenString:
		within = "a string"
	case tokenQuotedName:
		within = "a quoted name"
	case tokenLineComment, tokenBlockComment:
		within = "a comment"
	}
	value := argument(n.Pipe.String(), fn)
	switch {
	case constant, fn == funcRaw:
	case within == "a comment":
		w.fault(at, "an action prints within a comment, which a line end in the value would end", "take it out, or move it behind the comment")
	case within != "" && fn == "":
		w.fault(at, fmt.Sprintf("the value of {{ %s }} is pasted into %s", n.Pipe, within), unquotedAdvice(within, value))
	case within != "":
		w.fault(at, fmt.Sprintf("{{ %s }} brings its own quotes and stands within %s", n.Pipe, within), unquotedAdvice(within, value))
	case fn == "":
		w.fault(at, fmt.Sprintf("the value of {{ %s }} is printed unquoted", n.Pipe), fmt.Sprintf(
			"write {{ literal %s }} for a string, {{ ident %s }} for a name, or {{ raw %s }} to print SQL as it is", value, value, value))
	case len(tags) > 0:
		n.Pipe.Cmds = append(n.Pipe.Cmds, guard(n.Pos, tags))
	}
}

func unquotedAdvice(within, value string) string {
	fn, other := funcLiteral, "strings are joined with ||"
	if within == "a quoted name" {
		fn, other = funcIdent, "a part of a name is made with printf: {{ ident (printf \"t_%s\" .X) }}"
	}
	return fmt.Sprintf("write {{ %s %s }} without quotes around it; %s", fn, value, other)
}

func (w *quoteWalker) fault(at int, message, advice string) {
	w.faults = append(w.faults, &fault{at, message, advice})
}

// printer returns the function that the pipeline ends in if it is one that prints values; constant reports that
// the pipeline is a constant of the file.
func printer(pipe *parse.PipeNode) (fn string, constant bool) {
	last := pipe.Cmds[len(pipe.Cmds)-1]
	switch first := last.Args[0].(type) {
	case *parse.IdentifierNode:
		if first.Ident == funcIdent || first.Ident == funcLiteral || first.Ident == funcRaw {
			return first.Ident, false
		}
	case *parse.PipeNode:
		return printer(first)
	case *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
		return "", len(pipe.Cmds) == 1
	}
	return "", false
}

// argument writes what a pipeline prints as the argument of a function.
func argument(pipe, fn string) string {
	value := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(pipe, fn+" "), "| "+fn))
	if strings.ContainsAny(value, " |") && !strings.HasPrefix(value, "(") {
		return "(" + value + ")"
	}
	return value
}

// guard makes the command `unlike "$tag$"`.
func guard(pos parse.Pos, tags []string) *parse.CommandNode {
	args := []parse.Node{parse.NewIdentifier(funcUnlike).SetPos(pos)}
	for _, tag := range tags {
		args = append(args, &parse.StringNode{NodeType: parse.NodeString, Pos: pos, Quoted: fmt.Sprintf("%q", tag), Text: tag})
	}
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pos, Args: args}
}

// enclosing returns the kind of the token that a byte of a text lies within, and the tags of the dollar quotes
// around it, whose text is read as SQL itself; tokenEnd when it lies between tokens.
func enclosing(text string, at int, dialect Dialect) (tokenKind, []string) {
	lex := lexer{text: text, dialect: dialect}
	for t := lex.next(); t.kind != tokenEnd && t.kind != tokenFault && t.start <= at; t = lex.next() {
		// A line comment ends before the line end, where an action may stand.
		if t.start >= at || at >= t.end && (t.kind != tokenLineComment || at > t.end) {
			continue
		}
		if t.kind != tokenDollarString {
			return t.kind, nil
		}
		tag := text[t.start : t.start+strings.IndexByte(text[t.start+1:], '$')+2]
		kind, tags := enclosing(text[t.start+len(tag):t.end-len(tag)], at-t.start-len(tag), dialect)
		return kind, append(tags, tag)
	}
	return tokenEnd, nil
}

package config

import (
	"context"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// headers returns what reads the headers of a request when it is made; nil when there are none.
func (b *builder) headers(f *field) map[string]func(context.Context) (string, error) {
	var headers map[string]func(context.Context) (string, error)
	seen := map[string]*yaml.Node{}
	for _, h := range f.entries() {
		name := h.last()
		b.header(h, name, seen)
		if headers == nil {
			headers = make(map[string]func(context.Context) (string, error), len(f.fields))
		}
		headers[name] = valueOf[Secret](h).Value
	}
	return headers
}

// header complains about what cannot stand in a request: RFC 9110, sections 5.1 and 5.5. A value that stands
// elsewhere is judged when it is used.
func (b *builder) header(h *field, name string, seen map[string]*yaml.Node) {
	folded := strings.ToLower(name)
	switch first := seen[folded]; {
	case strings.ContainsFunc(name, func(r rune) bool { return !isHeaderChar(r) }):
		b.errorAtKey(KindValue, h, fmt.Sprintf("%s is not a valid header name", quote(name)), "header names consist of letters, digits and -")
	case first != nil:
		b.errorAtKey(KindDuplicate, h, fmt.Sprintf("is set twice, first in line %d", first.Line), "header names are case-insensitive")
	default:
		seen[folded] = h.name
	}
	control := func(r rune) bool { return r < ' ' && r != '\t' || r == '\x7f' }
	if !h.anyInvalid() && h.node.Kind == yaml.ScalarNode && strings.ContainsFunc(h.node.Value, control) {
		b.errorAtValue(KindValue, h, "contains a line end or another control character", "a header is one line")
	}
}

// inHeader reports whether a name of a header may have the character (`tchar`).
func isHeaderChar(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

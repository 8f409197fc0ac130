package config

import (
	"context"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// headers returns functions that read the headers of a request; nil when there are none.
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

// header reports invalid names and values (RFC 9110, sections 5.1 and 5.5), as far as the value is in the config itself.
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

// isHeaderChar reports whether a header name may contain the character (tchar of RFC 9110).
func isHeaderChar(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// parse reads the document of a config. A nil node without an error is an empty document.
func parse(text []byte, m *errorList) *yaml.Node {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) {
			m.add(syntaxError(err, text, m.file))
		}
		return nil
	}
	if err := d.Decode(&more); err == nil {
		m.add(&Error{
			Kind: KindSyntax, File: m.file, Line: more.Line, Col: max(more.Column, 1),
			Message: "a second document begins here", Advice: "a config is one document: remove the line `---`",
		})
	} else if !errors.Is(err, io.EOF) {
		m.add(syntaxError(err, text, m.file))
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return nil
	}
	return resolve(doc.Content[0])
}

var (
	yamlLine   = regexp.MustCompile(`^line (\d+): `)
	yamlParser = regexp.MustCompile(`^did not find expected (',' or|node content|key|'-' indicator|<)|^found (undefined tag handle|duplicate %)`)
)

// syntaxError returns the parser's error with its position and advice for the usual mistakes.
func syntaxError(err error, text []byte, file string) *Error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &Error{Kind: KindSyntax, File: file, Line: 1} // an error in the first line has no line
	if at := yamlLine.FindStringSubmatch(message); at != nil {
		e.Line, _ = strconv.Atoi(at[1])
		message = message[len(at[0]):]
		if yamlParser.MatchString(message) {
			e.Line++ // yaml.v3 counts the lines of its scanner from 1, those of its parser from 0
		}
	}
	switch {
	case strings.Contains(message, "unknown anchor"):
		// The parser gives only the name, which may be an unquoted password.
		e.Line, e.Col = findAlias(text)
		message, e.Advice = "an alias (*name) has no anchor (&name) above it", "quote text that begins with *"
	case strings.Contains(message, "did not find expected alphabetic or numeric character"):
		if line, col := findAlias(text); line > 0 {
			e.Line, e.Col = line, col
		}
		e.Advice = "quote text that begins with * or &"
	case strings.Contains(message, "cannot start any token"):
		e.Advice = "indent YAML with spaces, not tabs; quote text that begins with @, ` or %"
	case strings.Contains(message, "mapping values are not allowed"):
		e.Advice = "check the indentation of this line and the one above; quote text that contains `: `"
	case strings.Contains(message, "unknown escape character"):
		e.Advice = "a backslash in \"double quotes\" is an escape; use 'single quotes'"
	}
	e.Message = "not YAML: " + message
	return e
}

var yamlAlias = regexp.MustCompile(`(?m)(?:^|[\s,\[{])\*`)

// findAlias returns the position of the first alias without an anchor above it.
func findAlias(text []byte) (line, col int) {
	for _, at := range yamlAlias.FindAllIndex(text, -1) {
		begin := at[1]
		end := begin
		for end < len(text) && !bytes.ContainsRune([]byte(" \t\r\n,]}"), rune(text[end])) {
			end++
		}
		if name := text[begin:end]; len(name) > 0 && bytes.Contains(text[:begin], append([]byte("&"), name...)) {
			continue
		}
		before := text[:begin-1]
		start := bytes.LastIndexByte(before, '\n') + 1
		return 1 + bytes.Count(before, []byte("\n")), 1 + len(bytes.Runes(before[start:]))
	}
	return 1, 1
}

// resolve follows aliases. An alias never names an alias.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// pair is a key of a mapping with its value.
type pair struct{ key, value *yaml.Node }

// pairs returns the pairs of a mapping in order, then those that its merge keys add: keys that are not set yet, of the first
// mapping that has them (YAML's merge type).
func pairs(n *yaml.Node, bad func(at *yaml.Node)) []pair {
	return mergePairs(n, bad, map[*yaml.Node]bool{})
}

// mergePairs skips mappings that are merged already: they add nothing, and may contain this one.
func mergePairs(n *yaml.Node, bad func(at *yaml.Node), merged map[*yaml.Node]bool) []pair {
	if merged[n] {
		return nil
	}
	merged[n] = true
	var own []pair
	var merges []*yaml.Node
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], resolve(n.Content[i+1])
		if k.Kind == yaml.ScalarNode && k.ShortTag() == "!!merge" {
			merges = append(merges, mergeSources(v, bad)...)
			continue
		}
		seen[k.Value] = true
		own = append(own, pair{key: k, value: v})
	}
	for _, source := range merges {
		for _, p := range mergePairs(source, bad, merged) {
			if !seen[p.key.Value] {
				seen[p.key.Value] = true
				own = append(own, p)
			}
		}
	}
	return own
}

// mergeSources returns the mapping, or the list of mappings, of a merge key.
func mergeSources(v *yaml.Node, bad func(at *yaml.Node)) []*yaml.Node {
	switch v.Kind {
	case yaml.MappingNode:
		return []*yaml.Node{v}
	case yaml.SequenceNode:
		var sources []*yaml.Node
		for _, item := range v.Content {
			if item = resolve(item); item.Kind == yaml.MappingNode {
				sources = append(sources, item)
			} else {
				bad(item)
			}
		}
		return sources
	}
	bad(v)
	return nil
}

package discover

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/skeindb/skein/tenant"
)

// decodeYAML reads a file that holds one list of mappings.
func decodeYAML(name string, data []byte) ([]Record, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, yamlError(name, err)
	}
	records, err := DecodeYAML(name, document.Content[0])
	switch more := decoder.Decode(&second); {
	case errors.Is(more, io.EOF):
		return records, err
	case more != nil:
		return nil, errors.Join(err, yamlError(name, more))
	}
	return nil, errors.Join(err, errorAt(tenant.Position{File: name, Line: second.Line}, "", "a second document; only one is read"))
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func yamlError(name string, err error) error {
	e := &tenant.Error{File: name, Message: err.Error(), Err: err}
	if m := yamlLine.FindStringSubmatch(e.Message); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Message = strings.TrimPrefix(e.Message, m[0])
	}
	return e
}

// DecodeYAML reads a list of tenants, each an object in the form of the JSON that skein lists tenants in: id, source (which
// is ignored), server, database, schema, file, labels, and url_env. Scalars stand for their text; null and
// empty mean not set. file is for positions and messages. The errors are *tenant.Error, joined.
func DecodeYAML(file string, list *yaml.Node) ([]Record, error) {
	list = resolveAlias(list)
	if isNull(list) {
		return nil, nil
	}
	if list.Kind != yaml.SequenceNode {
		return nil, errorAt(tenant.Position{File: file, Line: list.Line}, "", "not a list of tenants")
	}
	records := make([]Record, 0, len(list.Content))
	var errs []error
	for _, item := range list.Content {
		record, err := decodeRecord(file, item)
		if err != nil {
			errs = append(errs, err)
		}
		records = append(records, record)
	}
	return records, errors.Join(errs...)
}

func decodeRecord(file string, node *yaml.Node) (Record, error) {
	record := Record{Position: tenant.Position{File: file, Line: node.Line}}
	node = resolveAlias(node)
	if node.Kind != yaml.MappingNode {
		advice := ""
		if node.Kind == yaml.SequenceNode {
			advice = "one object a tenant, not a list of them"
		}
		return record, errorAt(record.Position, advice, "not an object {id: …}")
	}
	errs := eachField(file, node, func(key string, value *yaml.Node, pos tenant.Position) error {
		switch {
		case key == "source":
			return nil
		case key == "labels":
			return decodeLabels(file, &record, value, pos)
		case strings.HasPrefix(key, "label."):
			return unknownField(key, pos)
		}
		text, err := scalarText(value)
		if !record.set(key, text) {
			return unknownField(key, pos)
		}
		if err != nil {
			return errorAt(pos, "", "field %q: %v", key, err)
		}
		return nil
	})
	return record, errors.Join(errs...)
}

func decodeLabels(file string, record *Record, node *yaml.Node, pos tenant.Position) error {
	node = resolveAlias(node)
	if isNull(node) {
		return nil
	}
	if node.Kind != yaml.MappingNode {
		return errorAt(pos, `write labels: {"tier": "gold"}`, "labels are not an object")
	}
	return errors.Join(eachField(file, node, func(key string, value *yaml.Node, pos tenant.Position) error {
		text, err := scalarText(value)
		if err != nil {
			return errorAt(pos, "", "label %q: %v", key, err)
		}
		if text != "" || key == "" {
			record.label(key, text)
		}
		return nil
	})...)
}

// eachField calls do for each field of a mapping and returns its errors. A field that is given twice is an error.
func eachField(file string, node *yaml.Node, do func(key string, value *yaml.Node, pos tenant.Position) error) []error {
	var errs []error
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := resolveAlias(node.Content[i])
		pos := tenant.Position{File: file, Line: key.Line}
		if key.Kind != yaml.ScalarNode {
			errs = append(errs, errorAt(pos, "", "the name of a field is not text"))
			continue
		}
		if seen[key.Value] {
			errs = append(errs, errorAt(pos, "", "field %q is there twice", key.Value))
			continue
		}
		seen[key.Value] = true
		if err := do(key.Value, node.Content[i+1], pos); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// scalarText returns the text of a value as written; "" for null.
func scalarText(node *yaml.Node) (string, error) {
	node = resolveAlias(node)
	switch {
	case node.Kind != yaml.ScalarNode:
		return "", fmt.Errorf("text is expected, not a list or an object")
	case isNull(node):
		return "", nil
	}
	return node.Value, nil
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

func resolveAlias(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

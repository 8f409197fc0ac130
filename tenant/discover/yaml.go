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
	return nil, errors.Join(err, placed(tenant.Place{File: name, Line: second.Line}, "", "a second document; only one is read"))
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
// empty mean not set. file is for places and messages. The errors are *tenant.Error, joined.
func DecodeYAML(file string, list *yaml.Node) ([]Record, error) {
	list = resolveAlias(list)
	if isNull(list) {
		return nil, nil
	}
	if list.Kind != yaml.SequenceNode {
		return nil, placed(tenant.Place{File: file, Line: list.Line}, "", "not a list of tenants")
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
	record := Record{Place: tenant.Place{File: file, Line: node.Line}}
	node = resolveAlias(node)
	if node.Kind != yaml.MappingNode {
		advice := ""
		if node.Kind == yaml.SequenceNode {
			advice = "one object a tenant, not a list of them"
		}
		return record, placed(record.Place, advice, "not an object {id: …}")
	}
	errs := eachField(file, node, func(key string, value *yaml.Node, place tenant.Place) error {
		switch {
		case key == "source":
			return nil
		case key == "labels":
			return decodeLabels(file, &record, value, place)
		case strings.HasPrefix(key, "label."):
			return unknownField(key, place)
		}
		text, err := scalarText(value)
		if !record.set(key, text) {
			return unknownField(key, place)
		}
		if err != nil {
			return placed(place, "", "field %q: %v", key, err)
		}
		return nil
	})
	return record, errors.Join(errs...)
}

func decodeLabels(file string, record *Record, node *yaml.Node, place tenant.Place) error {
	node = resolveAlias(node)
	if isNull(node) {
		return nil
	}
	if node.Kind != yaml.MappingNode {
		return placed(place, `write labels: {"tier": "gold"}`, "labels are not an object")
	}
	return errors.Join(eachField(file, node, func(key string, value *yaml.Node, place tenant.Place) error {
		text, err := scalarText(value)
		if err != nil {
			return placed(place, "", "label %q: %v", key, err)
		}
		if text != "" || key == "" {
			record.label(key, text)
		}
		return nil
	})...)
}

// eachField calls do for the fields of a mapping and returns its errors; a field that is there twice is one.
func eachField(file string, node *yaml.Node, do func(key string, value *yaml.Node, place tenant.Place) error) []error {
	var errs []error
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := resolveAlias(node.Content[i])
		place := tenant.Place{File: file, Line: key.Line}
		if key.Kind != yaml.ScalarNode {
			errs = append(errs, placed(place, "", "the name of a field is not text"))
			continue
		}
		if seen[key.Value] {
			errs = append(errs, placed(place, "", "field %q is there twice", key.Value))
			continue
		}
		seen[key.Value] = true
		if err := do(key.Value, node.Content[i+1], place); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// scalarText returns the text of a value as it is written; "" for null.
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

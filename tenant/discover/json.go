package discover

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"

	"gopkg.in/yaml.v3"

	"github.com/skeindb/skein/tenant"
)

// decodeJSON reads an array of objects.
func decodeJSON(name string, data []byte) ([]Record, error) {
	node, err := parseJSON(name, data, 1)
	if err != nil || node == nil {
		return nil, err
	}
	return DecodeYAML(name, node)
}

// decodeJSONLines reads one object a line. It skips empty lines and continues after a bad one.
func decodeJSONLines(name string, data []byte) ([]Record, error) {
	var records []Record
	var errs []error
	line := 0
	for text := range bytes.SplitSeq(data, []byte("\n")) {
		line++
		node, err := parseJSON(name, text, line)
		if err == nil && node != nil {
			var record Record
			record, err = decodeRecord(name, node)
			records = append(records, record)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return records, errors.Join(errs...)
}

// parseJSON reads one value; nil if there is nothing but space. line is the number of the first line of data. The value
// is a YAML node, which knows its line, so that the same code reads lists of both formats.
func parseJSON(name string, data []byte, line int) (*yaml.Node, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	p := jsonParser{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), line: line}
	p.decoder.UseNumber()
	node, err := p.value(0)
	if err == nil {
		var more json.Token
		if more, err = p.decoder.Token(); errors.Is(err, io.EOF) {
			return node, nil
		} else if err == nil {
			return nil, errorAt(tenant.Position{File: name, Line: p.here()}, "", "unexpected %v after the end", more)
		}
	}
	e := &tenant.Error{File: name, Line: p.here(), Message: err.Error(), Err: err}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		e.Line = line - 1 + lineAt(data, int(syntax.Offset))
	} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		e.Line, e.Message = line-1+lineAt(bytes.TrimSpace(data), len(data)), "unexpected end"
	}
	return nil, e
}

// jsonParser reads token by token, to know the line of each value.
type jsonParser struct {
	data    []byte
	decoder *json.Decoder
	counted int // bytes up to which lines are counted
	line    int // at counted
}

// here returns the line of the last token.
func (p *jsonParser) here() int {
	offset := int(p.decoder.InputOffset())
	p.line += bytes.Count(p.data[p.counted:offset], []byte("\n"))
	p.counted = offset
	return p.line
}

var errDeep = errors.New("nested too deeply")

func (p *jsonParser) value(depth int) (*yaml.Node, error) {
	if depth > 100 {
		return nil, errDeep
	}
	token, err := p.decoder.Token()
	if err != nil {
		return nil, err
	}
	node := &yaml.Node{Kind: yaml.ScalarNode, Line: p.here()}
	switch token := token.(type) {
	case string:
		node.Tag, node.Value = "!!str", token
	case json.Number:
		node.Tag, node.Value = "!!float", token.String()
	case bool:
		node.Tag, node.Value = "!!bool", strconv.FormatBool(token)
	case nil:
		node.Tag, node.Value = "!!null", "null"
	case json.Delim:
		node.Kind = yaml.MappingNode
		if token == '[' {
			node.Kind = yaml.SequenceNode
		}
		for p.decoder.More() {
			child, err := p.value(depth + 1) // in an object: key, value, key, value
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, child)
		}
		if _, err := p.decoder.Token(); err != nil {
			return nil, err
		}
	}
	return node, nil
}

package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// valueType is the type of a key: how its value is written, and how it is read.
type valueType struct {
	name     string                           // in the documentation: number above 0
	expected string                           // in messages: a number above 0
	tags     []string                         // YAML types of a scalar
	number   bool                             // a number must not be quoted
	parse    func(raw string) (any, *problem) // of a scalar, never empty; nil = no scalar
	item     *valueType                       // of the entries of a list; nil = no list
	list     func(texts []string) any         // value of a list; nil = the texts
	none     bool                             // an empty list is valid
	fileOnly bool                             // not in variables and flags
	program  bool                             // a program; its arguments may contain tokens and are never shown
	secret   func(raw string) string          // redacts the value for `config show`; nil = no secret
}

// problem is a mistake in a value. Without a message it means that the value is not the expected one.
type problem struct{ message, advice string }

// read parses a scalar of any layer. Problems never contain a secret.
func (t *valueType) read(raw string) (any, *problem) {
	switch {
	case raw == "":
		return nil, &problem{"is empty", "set a value or remove the key"}
	case strings.ContainsRune(raw, 0) || !utf8.ValidString(raw):
		return nil, &problem{"is not UTF-8 text without NUL bytes", ""}
	}
	value, p := t.parse(raw)
	if p != nil && p.message == "" {
		p.message = fmt.Sprintf("expected %s, got %s", t.expected, quote(raw))
	}
	return value, p
}

// readText parses the text of a variable, a flag or a default, and returns the node that the file would have. The entries of a
// list are separated by commas.
func (t *valueType) readText(raw string) (any, *yaml.Node, *problem) {
	if t.item == nil {
		value, p := t.read(raw)
		return value, textNode(raw), p
	}
	if word := strings.TrimSpace(raw); t.parse != nil {
		if value, p := t.read(word); p == nil {
			return value, textNode(word), nil
		}
	}
	var texts []string
	node := &yaml.Node{Kind: yaml.SequenceNode}
	for part := range strings.SplitSeq(raw, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if _, p := t.item.read(part); p != nil {
			return nil, node, p
		}
		texts = append(texts, part)
		node.Content = append(node.Content, textNode(part))
	}
	if len(texts) == 0 && !t.none {
		return nil, node, emptyList()
	}
	return t.collect(texts), node, nil
}

// emptyList is the problem of an empty list where it is not valid.
func emptyList() *problem { return &problem{"is an empty list", "add an entry or remove the key"} }

func textNode(raw string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Value: raw}
}

// collect returns the value of a list.
func (t *valueType) collect(texts []string) any {
	if t.list == nil {
		return texts
	}
	return t.list(texts)
}

// textTag is the YAML type of a text.
const textTag = "!!str"

func texts(parse func(string) (any, *problem), name, expected string) *valueType {
	return &valueType{name: name, expected: expected, tags: []string{textTag}, parse: parse}
}

func numbers(parse func(string) (any, *problem), name, expected string) *valueType {
	return &valueType{name: name, expected: expected, tags: []string{textTag, "!!int", "!!float"}, number: true, parse: parse}
}

func plainText() *valueType { return texts(asText, "text", "text") }

func asText(raw string) (any, *problem) { return raw, nil }

// word is a string: any scalar of YAML, as ids and labels may be numbers.
func word() *valueType {
	t := plainText()
	t.name, t.expected, t.tags = "text or number", "text or number", anyTag()
	return t
}

func anyTag() []string { return []string{textTag, "!!int", "!!float", "!!bool", "!!timestamp"} }

// name is a string that can be used on the command line.
func name() *valueType {
	return texts(func(raw string) (any, *problem) { return raw, checkName(raw) }, "name", "a name")
}

// checkName checks the name of a server, wave, check or label.
func checkName(name string) *problem {
	if name == "" || name != strings.TrimSpace(name) || strings.ContainsAny(name, "/,=\x00\n\r") {
		return &problem{"a name must not contain a slash, comma, equals sign or newline, nor begin or end with a blank", ""}
	}
	return nil
}

// choice is one of several strings; a T.
func choice[T ~string](choices ...T) *valueType {
	words := make([]string, len(choices))
	for i, c := range choices {
		words[i] = string(c)
	}
	t := texts(func(raw string) (any, *problem) {
		if !slices.Contains(words, raw) {
			return nil, &problem{advice: didYouMean(raw, words, "")}
		}
		return T(raw), nil
	}, strings.Join(words, " or "), strings.Join(words, " or "))
	if len(words) > 2 {
		t.expected = "one of " + strings.Join(words, ", ")
	}
	return t
}

func boolean() *valueType {
	return &valueType{name: "true or false", expected: "true or false", tags: []string{"!!bool"}, parse: parseBool}
}

func parseBool(raw string) (any, *problem) {
	switch raw {
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	return nil, &problem{}
}

// count is an int of at least least, which is 0 or 1.
func count(least int) *valueType {
	t := numbers(func(raw string) (any, *problem) { return parseCount(raw, least) }, "number", "a number")
	t.tags = []string{"!!int"}
	if least > 0 {
		t.name, t.expected = "number above 0", "a number above 0"
	}
	return t
}

func parseCount(raw string, least int) (any, *problem) {
	n, err := strconv.Atoi(raw)
	if err != nil || n < least || n > 1<<31-1 {
		return nil, &problem{}
	}
	return n, nil
}

// countOrAuto is an int; 0 = auto.
func countOrAuto() *valueType {
	return numbers(func(raw string) (any, *problem) {
		if raw == auto {
			return 0, nil
		}
		return parseCount(raw, 1)
	}, "auto or number", "a number or auto")
}

const auto = "auto"

// duration is a time.Duration of at least a millisecond.
func duration() *valueType { return durationFrom(time.Millisecond) }

// interval is a time.Duration of at least a second, since a check is load on what it measures.
func interval() *valueType { return durationFrom(time.Second) }

func durationFrom(least time.Duration) *valueType {
	return numbers(func(raw string) (any, *problem) { return parseDuration(raw, least) }, "duration", "a duration such as 500ms, 2s or 5m")
}

// durationOrZero is a time.Duration that may be 0.
func durationOrZero() *valueType {
	return numbers(func(raw string) (any, *problem) {
		if d, err := time.ParseDuration(raw); err == nil && d == 0 {
			return d, nil
		}
		return parseDuration(raw, time.Millisecond)
	}, "duration or 0", "a duration such as 500ms, 2s or 5m, or 0")
}

func parseDuration(raw string, least time.Duration) (any, *problem) {
	d, err := time.ParseDuration(raw)
	switch {
	case err != nil || d <= 0:
		if _, err := strconv.ParseFloat(raw, 64); err == nil && d == 0 && strings.Trim(raw, "0.") != "" {
			return nil, &problem{advice: fmt.Sprintf("give it a unit: %ss, %sms or %sm", raw, raw, raw)}
		}
		return nil, &problem{}
	case d < time.Millisecond:
		return nil, &problem{fmt.Sprintf("%s is below a millisecond", raw), "servers count timeouts in milliseconds"}
	case d < least:
		return nil, &problem{message: fmt.Sprintf("%s is too short, the minimum is %s", raw, least)}
	}
	return d, nil
}

// percentage is a float64 from 0 to 100.
func percentage() *valueType { return numbers(parsePercent, "percentage", "a percentage such as 5%") }

func parsePercent(raw string) (any, *problem) {
	digits, ok := strings.CutSuffix(raw, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	switch {
	case err == nil && !ok:
		return nil, &problem{advice: fmt.Sprintf("write %s%%", raw)}
	case err != nil || !(f >= 0 && f <= 100): // the negation catches NaN
		return nil, &problem{}
	}
	return f, nil
}

// list is a []string with entries of one type, in the file only.
func list(item *valueType) *valueType {
	t := &valueType{name: "list of texts", expected: "a list of texts", item: item, fileOnly: true}
	if strings.HasPrefix(item.expected, "one of ") {
		t.name = "list of " + strings.TrimPrefix(item.expected, "one of ")
	}
	return t
}

// program is a program and its arguments; a []string.
func program() *valueType {
	argument := plainText()
	argument.program = true
	t := list(argument)
	t.program = true
	return t
}

// mappings is a list of mappings, mapping a mapping. Their keys have their own lines in the table.
func mappings() *valueType {
	return &valueType{name: "list of mappings", expected: "a list of mappings", fileOnly: true}
}

func mapping() *valueType { return &valueType{name: "mapping", expected: "a mapping", fileOnly: true} }

// quote quotes a value for a message, shortened and without passwords in URLs.
func quote(s string) string {
	const most = 60
	return fmt.Sprintf("%.*q", most, RedactURL(s))
}

package discover

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/tenant"
)

// template makes ids, such as `{database}/{schema}`, from the values of its placeholders.
type template []part

type part struct {
	text        string
	placeholder bool
}

// parseTemplate reads a template. Braces are always placeholders.
func parseTemplate(id string, placeholders []string) (template, error) {
	var t template
	fail := func(message, advice string) (template, error) {
		return nil, &tenant.Error{Message: fmt.Sprintf("id %q: %s", id, message), Advice: advice}
	}
	known := "{" + strings.Join(placeholders, "}, {") + "}"
	for rest := id; rest != ""; {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			return append(t, part{text: rest}), nil
		}
		if open > 0 {
			t = append(t, part{text: rest[:open]})
		}
		end := strings.IndexByte(rest, '}')
		if end < open+1 {
			return fail("braces do not match", "the placeholders are "+known)
		}
		name := rest[open+1 : end]
		if !slices.Contains(placeholders, name) {
			advice := "the placeholders are " + known
			if near := text.Nearest(name, placeholders); near != "" {
				advice = fmt.Sprintf("did you mean {%s}?", near)
			}
			return fail(fmt.Sprintf("there is no placeholder {%s}", name), advice)
		}
		t = append(t, part{text: name, placeholder: true})
		rest = rest[end+1:]
	}
	return t, nil
}

// expand replaces the placeholders by their values.
func (t template) expand(value func(placeholder string) string) string {
	var b strings.Builder
	for _, p := range t {
		if p.placeholder {
			b.WriteString(value(p.text))
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

package tenant

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/text"
)

// SelectorError says where a selector's text is wrong, and what may have been meant.
type SelectorError struct {
	Text    string
	Col     int // 1-based bytes
	Message string
	Advice  string
}

func (e *SelectorError) Error() string {
	return fmt.Sprintf("selector %q, column %d: %s", e.Text, e.Col, e.Message)
}

// Hint says what to do about it; "" if the message is enough.
func (e *SelectorError) Hint() string { return e.Advice }

// Position returns the 1-based column; the selector knows neither file nor line.
func (e *SelectorError) Position() (file string, line, col int) { return "", 0, e.Col }

// ParseSelector reads a selector in the language that [Selector] describes. The error is a *SelectorError.
// Empty text is an error: it may come from a variable that is not set, and must not select all tenants.
func ParseSelector(text string) (s Selector, err error) {
	p := parser{text: text}
	if at := invalidUTF8(text); at >= 0 {
		return Selector{}, p.fail(at, "", "not UTF-8")
	}
	if p.space(); p.end() {
		return Selector{}, p.fail(0, "leave the selector out to mean all tenants", "the selector is empty")
	}
	for {
		if err := p.condition(&s); err != nil {
			return Selector{}, err
		}
		p.space()
		if p.end() {
			return s, nil
		}
		if !p.skip(",") {
			return Selector{}, p.fail(p.pos, "conditions are joined by commas; values with spaces need double quotes", "unexpected %s", p.next())
		}
	}
}

// condition reads the text between two commas.
func (p *parser) condition(s *Selector) error {
	p.space()
	start := p.pos
	unset := p.skip("!")
	key, err := p.key()
	if err != nil {
		return err
	}
	if slices.Contains(cutKeys, key) {
		return p.cut(s, start, key, unset)
	}
	t := term{key: key, op: opSet}
	if unset {
		t.op = opUnset
	} else if err := p.operator(&t); err != nil {
		return err
	}
	s.terms = append(s.terms, t.index())
	return nil
}

func (p *parser) key() (string, error) {
	p.space()
	start := p.pos
	word := p.word()
	if word == "" {
		return "", p.fail(start, "", "a key is missing, found %s", p.next())
	}
	if i := strings.IndexAny(word, "<>~"); i >= 0 {
		return "", p.fail(start+i, "the operators are =, ==, !=, in and notin", "there is no operator %q", word[i])
	}
	if i := strings.IndexAny(word, "*?"); i >= 0 {
		return "", p.fail(start+i, "globs stand in values of built-in keys: id=acme-*", "a key cannot be a glob")
	}
	return word, nil
}

// operator reads what follows a key, if anything, and the values.
func (p *parser) operator(t *term) (err error) {
	p.space()
	start := p.pos
	switch {
	case p.skip("=="), p.skip("="):
		t.op = opIn
		return p.one(t)
	case p.skip("!="):
		t.op = opNotIn
		return p.one(t)
	}
	switch word := p.word(); word {
	case "":
		if p.end() || p.at(',') {
			return nil
		}
		return p.fail(p.pos, "the operators are =, ==, !=, in and notin", "unexpected %s after the key %q", p.next(), t.key)
	case "in":
		t.op = opIn
	case "notin":
		t.op = opNotIn
	default:
		hint := text.DidYouMean(word, []string{"in", "notin"})
		if word == "not" {
			hint = "did you mean notin?"
		}
		if hint == "" {
			hint = "the operators are =, ==, !=, in and notin; conditions are joined by commas"
		}
		return p.fail(start, hint, "there is no operator %q", word)
	}
	return p.list(t)
}

func (p *parser) one(t *term) error {
	v, err := p.value(t.key)
	t.values = []value{v}
	return err
}

func (p *parser) list(t *term) error {
	p.space()
	if !p.skip("(") {
		return p.fail(p.pos, "write "+t.key+" in (a, b)", "a list in parentheses is missing, found %s", p.next())
	}
	for {
		v, err := p.value(t.key)
		if err != nil {
			return err
		}
		t.values = append(t.values, v)
		p.space()
		switch {
		case p.skip(")"):
			return nil
		case !p.skip(","):
			return p.fail(p.pos, "values are joined by commas; those with spaces need double quotes", "the list is not closed, found %s", p.next())
		}
	}
}

func (p *parser) value(key string) (value, error) {
	p.space()
	start := p.pos
	if p.at('"') {
		text, err := p.quoted()
		if err != nil {
			return value{}, err
		}
		return value{text: text}, p.checkState(key, text, start)
	}
	text := p.word()
	if text == "" {
		return value{}, p.fail(start, "for a key that is not set write !"+key, "a value is missing, found %s", p.next())
	}
	if i := strings.IndexFunc(text, wild); i >= 0 {
		if !builtIn(key) {
			return value{}, p.fail(start+i, "write the value in double quotes if it contains the character itself",
				"values of labels cannot be globs; only those of %s and %s can", strings.Join(placeKeys, ", "), strings.Join(surveyKeys, ", "))
		}
		return value{text: text, glob: true}, nil
	}
	return value{text: text}, p.checkState(key, text, start)
}

// checkState refuses a state that does not exist: it would silently select no tenant, or with != all tenants.
func (p *parser) checkState(key, value string, start int) error {
	if key != "state" {
		return nil
	}
	var states []string
	for _, s := range []engine.State{
		engine.Unreachable, engine.Missing, engine.Unknown, engine.Ahead, engine.Empty, engine.Behind, engine.Current,
	} {
		if value == string(s) {
			return nil
		}
		states = append(states, string(s))
	}
	hint := text.DidYouMean(value, states)
	if hint == "" {
		hint = "the states are " + strings.Join(states, ", ")
	}
	return p.fail(start, hint, "there is no state %q", value)
}

// quoted reads a value from its opening to its closing quote. A backslash before anything but a quote or a
// backslash means itself, for the paths of Windows.
func (p *parser) quoted() (string, error) {
	start := p.pos
	var b strings.Builder
	for p.pos++; !p.end(); p.pos++ {
		c := p.text[p.pos]
		switch {
		case c == '"':
			p.pos++
			return b.String(), nil
		case c == '\\' && p.pos+1 < len(p.text) && strings.IndexByte(`"\`, p.text[p.pos+1]) >= 0:
			p.pos++
			b.WriteByte(p.text[p.pos])
		default:
			b.WriteByte(c)
		}
	}
	return "", p.fail(start, "", "the double quote is not closed")
}

// cut reads the rest of sample=5% and limit=20.
func (p *parser) cut(s *Selector, start int, key string, unset bool) error {
	form := map[string]string{"sample": "sample=5%", "limit": "limit=20"}[key]
	p.space()
	if unset || !p.skip("==") && !p.skip("=") {
		return p.fail(start, "a label of this name cannot be used in a selector", "%s is not a label here; write %s", key, form)
	}
	p.space()
	at := p.pos
	text := p.word()
	if key == "limit" {
		n, err := strconv.Atoi(text)
		switch {
		case err == nil && n > 0 && s.limit == 0:
			s.limit = n
			return nil
		case err == nil && n > 0:
			return p.fail(start, "", "limit is given twice")
		case strings.HasSuffix(text, "%"):
			return p.fail(at, fmt.Sprintf("did you mean sample=%s?", text), "a limit is a number of tenants, as in %s", form)
		}
		return p.fail(at, "", "a limit is a number of tenants, as in %s", form)
	}
	n, ok := parsePercent(text)
	switch {
	case ok && s.sample == 0:
		s.sample = n
		return nil
	case ok:
		return p.fail(start, "", "sample is given twice")
	}
	hint := ""
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		hint = fmt.Sprintf("did you mean sample=%d%%, or limit=%d?", n, n)
	}
	return p.fail(at, hint, "a sample is a part of the tenants above 0%% and up to 100%%, as in %s", form)
}

// parsePercent reads a decimal number with at most six places and a per cent sign, exactly, as millionths
// of a per cent: a float would round 7 % of 100 tenants up to 8.
func parsePercent(text string) (int64, bool) {
	number, ok := strings.CutSuffix(text, "%")
	whole, fraction, dot := strings.Cut(number, ".")
	if !ok || whole == "" || dot && fraction == "" || len(whole) > 9 || len(fraction) > 6 || strings.Trim(whole+fraction, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", 6-len(fraction)), 10, 64)
	return n, err == nil && 0 < n && n <= wholeSample
}

// index prepares the values for matching.
func (t term) index() term {
	for _, v := range t.values {
		if v.glob {
			t.globs = append(t.globs, v.text)
			continue
		}
		if t.literals == nil {
			t.literals = make(map[string]struct{}, len(t.values))
		}
		t.literals[v.text] = struct{}{}
	}
	return t
}

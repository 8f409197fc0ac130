package tenant

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Selector selects tenants: all its conditions must hold; then a sample or a limit takes some of them. The zero value
// selects all tenants. [ParseSelector] reads one from text. It is read-only and safe for concurrent use.
//
// The language is that of Kubernetes' label selectors, `tier=gold,region in (eu,us),!frozen`:
//
//	key          the key is set              key=value  key==value      it is set and has the value
//	!key         the key is not set          key!=value                 anything else: not set, or another value
//	key in (a, b)   one of the values        key notin (a, b)           anything else: not set, or none of the values
//
// A key is a label or one of the built-in keys, which shadow labels of their names: id, server, database,
// schema, file (a SQLite tenant's path), source, and, of a survey, heads and state. Values of the built-in
// keys are globs (see [Glob]). `heads=X` holds when any head is X; `heads=base` when nothing is applied;
// heads that could not be read are not set, and not base.
//
// Values are any characters but , ( ) = ! " and white space; in double quotes they are any characters at
// all, with \" and \\ for the two, and then literally: no globs. Spaces around , ( ) and operators mean nothing.
//
// `sample=5%` (rounded up, at least 1) and `limit=20` come after all conditions, wherever they are written.
// They take the first tenants in [HashOrder], so that the same ones are taken every time, and a tenant that joins the
// fleet displaces at most one.
type Selector struct {
	terms  []term
	sample int64 // millionths of a per cent; 0 = all
	limit  int   // 0 = all
}

// wholeSample is a sample of 100 %.
const wholeSample = 100 * 1_000_000

// term is one condition.
type term struct {
	key      string
	op       op
	values   []value             // as written, for String
	literals map[string]struct{} // the values that are no globs
	globs    []string
}

type value struct {
	text string
	glob bool
}

type op int

const (
	opSet   op = iota // key
	opUnset           // !key
	opIn              // =, ==, in
	opNotIn           // !=, notin
)

// Keys that are not labels.
var (
	placeKeys  = []string{"id", "server", "database", "schema", "file", "source"}
	surveyKeys = []string{"heads", "state"}
	cutKeys    = []string{"sample", "limit"}
)

func builtIn(key string) bool {
	return slices.Contains(placeKeys, key) || slices.Contains(surveyKeys, key)
}

// And returns the selector of the tenants that both select; of two samples or limits the smaller counts.
func (s Selector) And(other Selector) Selector {
	return Selector{
		terms:  slices.Concat(s.terms, other.terms),
		sample: smaller(s.sample, other.sample),
		limit:  smaller(s.limit, other.limit),
	}
}

// smaller takes 0 for infinite.
func smaller[N int | int64](a, b N) N {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// IsZero reports whether the selector selects all tenants.
func (s Selector) IsZero() bool { return len(s.terms) == 0 && s.sample == 0 && s.limit == 0 }

// NeedsSurvey reports whether the selector asks for heads or state, so that [Selector.Filter] needs facts.
func (s Selector) NeedsSurvey() bool {
	return slices.ContainsFunc(s.terms, func(t term) bool { return slices.Contains(surveyKeys, t.key) })
}

// Samples reports whether the selector takes only some of the tenants for which its conditions hold: by `sample=` or
// `limit=`. Whether it takes a tenant then depends on the other tenants.
func (s Selector) Samples() bool { return s.sample > 0 || s.limit > 0 }

// String returns the selector in its shortest form, which parses to an equal one; "" for the zero value.
func (s Selector) String() string {
	var parts []string
	for _, t := range s.terms {
		parts = append(parts, t.String())
	}
	if s.sample > 0 {
		parts = append(parts, "sample="+percent(s.sample))
	}
	if s.limit > 0 {
		parts = append(parts, "limit="+strconv.Itoa(s.limit))
	}
	return strings.Join(parts, ",")
}

func percent(millionths int64) string {
	return strconv.FormatFloat(float64(millionths)/1e6, 'f', -1, 64) + "%"
}

func (t term) String() string {
	var texts []string
	for _, v := range t.values {
		texts = append(texts, v.String())
	}
	switch {
	case t.op == opSet:
		return t.key
	case t.op == opUnset:
		return "!" + t.key
	case t.op == opIn && len(texts) == 1:
		return t.key + "=" + texts[0]
	case t.op == opNotIn && len(texts) == 1:
		return t.key + "!=" + texts[0]
	case t.op == opIn:
		return t.key + " in (" + strings.Join(texts, ",") + ")"
	}
	return t.key + " notin (" + strings.Join(texts, ",") + ")"
}

func (v value) String() string {
	if v.glob || v.text != "" && !strings.ContainsFunc(v.text, func(r rune) bool { return !bare(r) || wild(r) }) {
		return v.text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v.text) + `"`
}

// bare reports whether the character may stand in a value without quotes.
func bare(r rune) bool { return !strings.ContainsRune(`,()=!"`, r) && !unicode.IsSpace(r) }

func wild(r rune) bool { return r == '*' || r == '?' }

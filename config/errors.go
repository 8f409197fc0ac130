package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/skeindb/skein/engine/text"
)

// Error is one mistake in the config: what is wrong, where, and what to do. Load returns all of them joined by
// errors.Join, sorted by position.
type Error struct {
	Kind      Kind
	File      string // path of the config as given; "" for a variable or a flag
	Line, Col int    // 1-based, Col in characters; 0 = the whole file, the whole line
	Key       string // such as rollout.max_failures or tenants[0].glob; "" when the mistake belongs to no key
	Message   string // one line, without key and position
	Advice    string // what to do; "" when the message says all
}

// Kind is the category of an Error.
type Kind string

const (
	KindRead      Kind = "read"          // the file does not exist, is empty or cannot be read
	KindSyntax    Kind = "syntax"        // not YAML
	KindUnknown   Kind = "unknown key"   // an unknown key or SKEIN_…__… variable
	KindDuplicate Kind = "duplicate"     // a key or name that is set twice
	KindValue     Kind = "value"         // a value of the wrong type or form
	KindMissing   Kind = "missing"       // a required key is absent
	KindConflict  Kind = "conflict"      // keys that contradict each other
	KindLater     Kind = "not supported" // a key that this version does not implement yet
	KindSecret    Kind = "secret"        // a secret could not be read when it was used
)

// Error returns file:line:col: key: message, without the parts that are unknown.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		if e.Line > 0 && e.Col > 0 {
			fmt.Fprintf(&b, ":%d", e.Col)
		}
		b.WriteString(": ")
	}
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// Hint says what to do about it; "" when the message says all.
func (e *Error) Hint() string { return e.Advice }

// Position returns the file, 1-based line and 1-based column; zero values where unknown.
func (e *Error) Position() (file string, line, col int) { return e.File, e.Line, e.Col }

// errorList collects errors. The same message at the same position, which merge keys cause, is kept once.
type errorList struct {
	file string // path of the config as given
	all  []*Error
	seen map[seenError]bool
}

type seenError struct {
	line, col int
	message   string
}

func (l *errorList) add(e *Error) {
	if c := (seenError{e.Line, e.Col, e.Message}); e.Line > 0 {
		if l.seen[c] {
			return
		}
		if l.seen == nil {
			l.seen = map[seenError]bool{}
		}
		l.seen[c] = true
	}
	l.all = append(l.all, e)
}

// errorAt adds an error at a node of the file.
func (l *errorList) errorAt(kind Kind, at *yaml.Node, p path, message, advice string) {
	l.add(&Error{Kind: kind, File: l.file, Line: at.Line, Col: at.Column, Key: p.String(), Message: message, Advice: advice})
}

// errorAtKey adds an error at the key of a field of the file.
func (l *errorList) errorAtKey(kind Kind, f *field, message, advice string) {
	l.errorAt(kind, f.place(), f.path, message, advice)
}

// errorAtValue adds an error at the value of a field of any layer.
func (l *errorList) errorAtValue(kind Kind, f *field, message, advice string) {
	switch f.layer {
	case fromFile:
		l.errorAt(kind, f.node, f.path, message, advice)
	case fromDefault:
		l.add(&Error{Kind: kind, File: l.file, Key: f.path.String(), Message: message, Advice: advice})
	default:
		l.errorOutside(kind, f, fmt.Sprintf("%s: %s", f.path, message), advice)
	}
}

// errorOutside adds an error of a variable or a flag.
func (l *errorList) errorOutside(kind Kind, f *field, message, advice string) {
	where := f.from
	if f.layer == fromEnv {
		where = "environment variable " + where
	}
	l.add(&Error{Kind: kind, Message: fmt.Sprintf("%s: %s", where, message), Advice: advice})
}

// err returns all errors sorted by position, those without a position last; nil when there are none.
func (l *errorList) err() error {
	if len(l.all) == 0 {
		return nil
	}
	slices.SortStableFunc(l.all, func(a, b *Error) int {
		switch {
		case a.File == "" && b.File == "":
			return cmp.Compare(a.Message, b.Message)
		case a.File == "" || b.File == "":
			return cmp.Compare(b.File, a.File)
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	errs := make([]error, len(l.all))
	for i, e := range l.all {
		errs[i] = e
	}
	return errors.Join(errs...)
}

// didYouMean suggests the known word nearest to word; it returns fallback when none is near.
func didYouMean(word string, known []string, fallback string) string {
	return cmp.Or(text.DidYouMean(word, known), fallback)
}

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

// Error says what is wrong with the configuration, where, and what to do. Load joins all it finds with
// errors.Join, sorted by place, so that one run shows every mistake.
type Error struct {
	Kind      Kind
	File      string // the config as it was named; "" when the mistake is in the environment or in a flag
	Line, Col int    // 1-based, Col in characters; 0 = the whole file, the whole line
	Key       string // such as rollout.max_failures or tenants[0].glob; "" when no key is to blame
	Message   string // one line, without key and place
	Advice    string // what to do; "" when the message says all
}

// Kind tells configuration errors apart.
type Kind string

const (
	KindRead      Kind = "read"          // the file is not there, empty, or cannot be read
	KindSyntax    Kind = "syntax"        // not YAML
	KindUnknown   Kind = "unknown key"   // a key, or a SKEIN_…__… variable, that means nothing
	KindDuplicate Kind = "duplicate"     // a key twice
	KindValue     Kind = "value"         // a value of the wrong type or form
	KindMissing   Kind = "missing"       // a required key is absent
	KindConflict  Kind = "conflict"      // keys that contradict each other
	KindLater     Kind = "not supported" // a key of the format that this version does not act on yet
	KindSecret    Kind = "secret"        // a secret could not be read when it was used
)

// Error returns file:line:col: key: message, without what is unknown.
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

// errorList collects errors. The same complaint about the same place, as merge keys cause, counts once.
type errorList struct {
	file string // as it was named
	all  []*Error
	seen map[complaint]bool
}

type complaint struct {
	line, col int
	message   string
}

func (l *errorList) add(e *Error) {
	if c := (complaint{e.Line, e.Col, e.Message}); e.Line > 0 {
		if l.seen[c] {
			return
		}
		if l.seen == nil {
			l.seen = map[complaint]bool{}
		}
		l.seen[c] = true
	}
	l.all = append(l.all, e)
}

// blame adds a mistake at a place of the file.
func (l *errorList) errorAt(kind Kind, at *yaml.Node, p path, message, advice string) {
	l.add(&Error{Kind: kind, File: l.file, Line: at.Line, Col: at.Column, Key: p.String(), Message: message, Advice: advice})
}

// blameKey adds a mistake at the key of a field of the file.
func (l *errorList) errorAtKey(kind Kind, f *field, message, advice string) {
	l.errorAt(kind, f.place(), f.path, message, advice)
}

// blameValue adds a mistake at the value of a field, of whatever layer it is.
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

// blameText adds a mistake of a variable or a flag.
func (l *errorList) errorOutside(kind Kind, f *field, message, advice string) {
	where := f.from
	if f.layer == fromEnv {
		where = "environment variable " + where
	}
	l.add(&Error{Kind: kind, Message: fmt.Sprintf("%s: %s", where, message), Advice: advice})
}

// err returns all mistakes by place, those without a place last; nil when there are none.
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

// didYouMean returns advice that names the known word nearest to the given one; fallback when none is near.
func didYouMean(word string, known []string, fallback string) string {
	return cmp.Or(text.DidYouMean(word, known), fallback)
}

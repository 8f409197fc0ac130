package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Entries of lists are not among the merged values, since only the file has them. Here is what sources, waves,
// checks, pins and webhooks share in reading them.

// entries returns the entries of a list, also of one that is absent.
func (f *field) entries() []*field {
	if f == nil {
		return nil
	}
	return f.fields
}

// The readers of one value below name. Forms were checked before; what is absent or was complained about is zero.

func (f *field) flag(name string) bool {
	v, _ := parseBool(f.text(name))
	return v
}

func (f *field) count(name string) int {
	n, _ := (&key{zero: true}).parseCount(f.text(name))
	return n
}

func (f *field) duration(name string) time.Duration {
	d, _ := (&key{}).parseDuration(f.text(name))
	return d
}

// blame complains about a field, at its key.
func (b *builder) blame(kind Kind, f *field, message, advice string) {
	b.blameAt(kind, f, f.place(), message, advice)
}

// blameValue complains about what a field holds, at the value.
func (b *builder) blameValue(kind Kind, f *field, message, advice string) {
	b.blameAt(kind, f, f.node, message, advice)
}

func (b *builder) blameAt(kind Kind, f *field, at *yaml.Node, message, advice string) {
	b.mistakes.add(&Error{
		Kind: kind, File: b.merged.name, Line: at.Line, Col: at.Column,
		Key: f.path.String(), Message: message, Advice: advice,
	})
}

// oneKind returns the key of kinds that the entry has, and complains when it has none or several.
func (b *builder) oneKind(f *field, what string, kinds []string) string {
	found := ""
	for _, kind := range kinds {
		switch other := f.at(kind); {
		case other == nil:
		case found != "":
			b.blame(KindConflict, other, fmt.Sprintf("a %s has one kind, and this one has %s already", what, found), "make it two "+what+"s")
		default:
			found = kind
		}
	}
	if found == "" && whole(f) {
		b.blame(KindMissing, f, fmt.Sprintf("a %s has one of %s", what, strings.Join(kinds, ", ")), "")
	}
	return found
}

// whole reports whether all keys of a mapping were known, so that what is absent was not just misspelt.
func whole(f *field) bool {
	return len(f.fields) == len(pairs(f.node, func(*yaml.Node) {}))
}

// fit says with which kinds a key means something, and what to do about it elsewhere.
type fit struct {
	kinds  []string
	advice string
}

// only complains about keys that mean nothing to an entry of this kind.
func (b *builder) only(f *field, kind string, fits map[string]fit) {
	for _, sub := range f.fields {
		fit, limited := fits[sub.path[len(sub.path)-1]]
		if limited && !slices.Contains(fit.kinds, kind) {
			b.blame(KindConflict, sub, fmt.Sprintf("goes with %s, not with %s", strings.Join(fit.kinds, " or "), kind), fit.advice)
		}
	}
}

// unique complains about a name that an earlier entry has, by the nodes of the names so far.
func (b *builder) unique(name *field, what string, seen map[string]*yaml.Node) {
	if name == nil || name.broken {
		return
	}
	if first := seen[name.node.Value]; first != nil {
		b.blameValue(KindDuplicate, name, fmt.Sprintf("there are two %s named %s, the first in line %d", what, quote(name.node.Value), first.Line), "give one of them another name")
		return
	}
	seen[name.node.Value] = name.node
}
